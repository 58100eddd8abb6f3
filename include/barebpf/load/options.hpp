// SPDX-License-Identifier: MIT
// Room 10.0, load/options: what somebody who loads an object may want to be different from what the object says.
#ifndef BAREBPF_LOAD_OPTIONS_HPP
#define BAREBPF_LOAD_OPTIONS_HPP

#include "../map/pin.hpp"
#include "../program.hpp"
#include "../sections.hpp"
#include "../spec/record.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What is to be different about one map of an object, before the object has said which one that is. A struct of
/// functions whose section begins with a question mark is made only when there is such a record of it, if an empty one.
struct map_settings {
  static constexpr u32 as_declared = 0xffffffff;

  u32 max_entries = 0;  ///< entries; 0 leaves what the object says
  /// Descriptor of a map to use in its stead, which stays the caller's; negative for none.
  int replacement = -1;
  u32 value_size = 0;           ///< bytes, where the object leaves them open
  u32 map_flags = as_declared;  ///< in the place of all that the object gives
  int inner = -1;  ///< descriptor of a map like those that a map of maps is to hold, which stays the caller's
  /// False leaves the map out; a program may name it only where the verifier finds that nobody comes.
  bool create = true;
};
/// The same with the map. Made by `change` of the object, which knows its maps.
struct map_change {
  u32 map = not_found;  ///< index of the map in its object
  u32 max_entries = 0;
  int replacement = -1;
  u32 value_size = 0;
  u32 map_flags = map_settings::as_declared;
  int inner = -1;
  bool create = true;

  [[nodiscard]] static constexpr map_change of(u32 map, const map_settings& settings) noexcept {
    return {.map = map,
            .max_entries = settings.max_entries,
            .replacement = settings.replacement,
            .value_size = settings.value_size,
            .map_flags = settings.map_flags,
            .inner = settings.inner,
            .create = settings.create};
  }
};

/// What is to be different about one program of an object: whether it is loaded, and as what.
struct program_settings {
  bool load = true;  ///< with a program whose section begins with a question mark true is the difference
  /// What stands for the name of its section, as in "xdp" or "fentry/vfs_read"; nullptr leaves that. Must stay until
  /// `load` returns.
  const char* section = nullptr;
};
/// The same with the program. Made by `change_program` of the object, which knows its programs.
struct program_change {
  u32 program = not_found;  ///< index of the program in its object
  bool load = true;
  section_kind kind{};     ///< of type `unspec` for what the object says
  const char* place = "";  ///< what the program is made for or attached to, with a kind

  [[nodiscard]] static constexpr program_change of(u32 program, const program_settings& settings) noexcept {
    program_change out{.program = program, .load = settings.load};
    if (settings.section == nullptr) return out;
    const text section = settings.section;
    out.kind = section_kind_of(section);
    out.place = settings.section + place_in(section, out.kind);
    return out;
  }
};

/// A program that could not be loaded, and why.
struct refused_program {
  u32 program = not_found;  ///< index of the program in its object
  error why{};
};
/// The programs that are left out because they cannot be loaded, where a load is to go on without them.
/// Lifetime: `room` must outlive this object. Where it is full, the load fails.
class refused_programs {
 public:
  explicit constexpr refused_programs(span<refused_program> room) noexcept : room_(room) {}

  [[nodiscard]] constexpr size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const refused_program* begin() const noexcept { return room_.data(); }
  [[nodiscard]] constexpr const refused_program* end() const noexcept { return room_.data() + count_; }

  /// Remembers one more; false when there is no room left.
  [[nodiscard]] bool add(const refused_program& another) noexcept {
    if (count_ == room_.size()) return false;
    room_[count_++] = another;
    return true;
  }

 private:
  span<refused_program> room_;
  size_t count_ = 0;
};

/// What is given to `load` at run time. Each member has a value that does what the object says.
/// Lifetime: what they point to must stay until `load` returns.
struct load_options {
  verifier_log* log = nullptr;             ///< where the verifier's log goes when it refuses a program
  span<const map_change> maps{};           ///< made by `change`
  span<const unsigned char> data{};        ///< first values of global variables, made by `data`
  text pin_root = "/sys/fs/bpf";           ///< folder of the maps that are pinned by their names
  map_differences* differences = nullptr;  ///< where both sides go when a map is not what the object expects
  int token = -1;                          ///< descriptor of a BPF token, 6.9
  text kconfig{};  ///< options of the kernel as lines, "CONFIG_HZ=250", that hold before its own
  const char* kconfig_file = nullptr;  ///< the kernel's configuration, packed by gzip or not, in the place of
                                       ///< /boot/config-RELEASE or else /proc/config.gz
  span<const program_change> programs{};  ///< made by `change_program`
  refused_programs* refused = nullptr;  ///< where programs go that cannot be loaded, which are then left out
  int replaced = -1;  ///< descriptor of the program of which those of SEC("freplace/...") replace functions
  /// The types to fit the programs to (CO-RE), as BTF or as an ELF file that has some; nothing for the running kernel's.
  span<const unsigned char> target_btf{};

  /// What the program with this index is to be in place of what the object says; nullptr for nothing.
  [[nodiscard]] constexpr const program_change* new_kind_of(u32 program) const noexcept {
    const program_change* found = nullptr;
    for (const program_change& change : programs)
      if (change.program == program && change.kind.type != abi::prog_type::unspec) found = &change;
    return found;
  }
  /// True when the map with this index is not to be made; `otherwise` when nothing is said of it.
  [[nodiscard]] constexpr bool leaves_out_map(u32 map, bool otherwise) const noexcept {
    for (const map_change& change : maps)
      if (change.map == map) otherwise = !change.create;
    return otherwise;
  }
  /// True when something is to be different about the program with this index.
  [[nodiscard]] constexpr bool changes_program(u32 program) const noexcept {
    for (const program_change& change : programs)
      if (change.program == program) return true;
    return false;
  }
  /// Writes to `left_out`, one for each program of an object, what is to be different about it.
  constexpr void choose(bool* left_out, u32 count) const noexcept {
    for (const program_change& change : programs)
      if (change.program < count) left_out[change.program] = !change.load;
  }
};
/// The same, and who runs the kernel's work on one program beside that on another. `run(count, task)` has to call
/// `task(0)` to `task(count - 1)`, each once, from whatever threads, and to return when all of them have.
/// Cost: memory for all instructions at once. The kernel verifies the programs of root and of CAP_BPF and CAP_PERFMON side
///       by side; those of others it takes one by one.
/// Source: bpf_check() in kernel/bpf/verifier.c at v6.12.
template <class Run>
struct options_to_run : load_options {
  options_to_run(const load_options& options, Run& with) noexcept : load_options(options), run(&with) {}
  Run* run;
};
/// Stands for "no options wanted": they are constants, for which no code is made.
struct no_options {
  static constexpr no_log* log = nullptr;
  static constexpr text pin_root = load_options().pin_root;
  static constexpr map_differences* differences = nullptr;
  static constexpr int token = -1, replaced = -1;
  static constexpr span<const unsigned char> target_btf{};
  [[nodiscard]] static constexpr const program_change* new_kind_of(u32) noexcept { return nullptr; }
  [[nodiscard]] static constexpr bool leaves_out_map(u32, bool otherwise) noexcept { return otherwise; }
  [[nodiscard]] static constexpr bool changes_program(u32) noexcept { return false; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_OPTIONS_HPP
