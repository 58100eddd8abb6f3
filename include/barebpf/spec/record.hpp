// SPDX-License-Identifier: MIT
// Room 4.0, spec/record: what a BPF object is once it is read: plain tables of maps, variables, functions and
// programs, and what instructions refer to. Whoever reads fills them, whoever loads looks things up in them.
#ifndef BAREBPF_SPEC_RECORD_HPP
#define BAREBPF_SPEC_RECORD_HPP

#include "../abi/bpf.hpp"
#include "../btf_ext.hpp"
#include "../externs.hpp"
#include "../order.hpp"
#include "../sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What no index is: `find_named` gives it when there is nothing of that name.
inline constexpr u32 not_found = 0xffffffff;

/// Where a map comes from.
enum class map_origin : u8 {
  declared,        ///< a definition in .maps
  data,            ///< the variables of .data or .data.*
  read_only_data,  ///< the constants of .rodata or .rodata.*; frozen once they are in
  zeros,           ///< the variables of .bss or .bss.*
  config,          ///< options of the kernel that the programs name with __kconfig; frozen too
  operations,  ///< a struct of functions that the kernel calls: a variable of .struct_ops or .struct_ops.link
};

/// A map as the object declares it. Offsets count from the start of the file.
struct map_spec {
  u64 name = 0;         ///< where its name stands; that of its section when it holds variables
  u64 declared_at = 0;  ///< where the BTF record of its variable stands, or the content of its section
  u64 offset = 0;       ///< bytes from the start of .maps, or of `section`
  u32 type = 0;         ///< a map_type, kept as a number because a newer one must survive
  u32 key_size = 0;     ///< bytes
  u32 value_size = 0;   ///< bytes
  u32 max_entries = 0;
  u32 map_flags = 0;
  u32 numa_node = 0;
  u64 map_extra = 0;
  u32 pinning = 0;     ///< 1 to be pinned by its name
  u32 key_type = 0;    ///< id in the object's BTF, 0 when only the size is given
  u32 value_type = 0;  ///< id in the object's BTF, 0 when only the size is given
  number_form key_form = number_form::no_number;
  number_form value_form = number_form::no_number;
  map_origin origin = map_origin::declared;
  bool has_values = false;  ///< its definition has the member `values`
  u32 inner = 0;     ///< id of the struct that describes the maps in it, in the object's BTF; see `inner_of`
  u32 slots_at = 0;  ///< bytes from its start to the first of its slots
  u32 first_slot = 0;  ///< the slots that the object fills are so many from this one on
  u32 slot_count = 0;
  u32 section = 0;         ///< index of the section whose variables it holds or that defines it, 0 for .maps
  u32 first_variable = 0;  ///< its variables are so many from this one on, in the order of their offsets
  u32 variable_count = 0;
  u64 image_at = 0;    ///< of an arena: where the first values of the variables in it stand; 0 for zeros; of
                       ///< operations: where the struct stands
  u32 image_size = 0;  ///< bytes of those, at the arena's start; or of the struct
  bool is_optional = false;  ///< made only for those who change something about it, see `map_settings`

  /// True for a map that is made for variables.
  [[nodiscard]] constexpr bool is_for_variables() const noexcept {
    return origin != map_origin::declared && origin != map_origin::operations;
  }
  /// True when nobody may write to it once its value is in.
  [[nodiscard]] constexpr bool is_frozen() const noexcept {
    return origin == map_origin::read_only_data || origin == map_origin::config;
  }
  /// True when its variables have first values that a user may change before they are loaded.
  [[nodiscard]] constexpr bool has_data() const noexcept {
    return is_for_variables() && origin != map_origin::config;
  }
  /// True when the object brings what the map holds at first.
  [[nodiscard]] constexpr bool has_content() const noexcept {
    return origin == map_origin::data || origin == map_origin::read_only_data;
  }
};

/// "This slot holds that map or program at first": what stands in the member `values` of a definition, or in a struct of
/// operations.
struct filled_slot {
  u64 at = 0;      ///< where the slot stands
  u32 slot = 0;    ///< its index; for operations the index of the member
  u32 target = 0;  ///< index of the map for a map of maps, of the program for a prog array and for operations
};

/// A global variable of the programs.
struct variable_spec {
  u64 name = 0;         ///< where its name stands
  u64 declared_at = 0;  ///< where its BTF record stands
  u32 map = 0;          ///< index of the map that holds it
  u32 offset = 0;       ///< bytes from the start of the map's value
  u32 size = 0;         ///< bytes
  u32 id = 0;           ///< id of its VAR in the object's BTF
  u32 type = 0;         ///< id of its type in the object's BTF
  number_form form = number_form::no_number;
};

/// A function: a program, or what programs call.
struct function_spec {
  u64 name = 0;  ///< where its name stands
  u64 at = 0;    ///< where its first instruction stands
  u32 instruction_count = 0;
  u32 section = 0;          ///< index of its section
  u64 section_at = 0;       ///< where the content of that begins
  u32 first_reference = 0;  ///< its references are so many from this one on
  u32 reference_count = 0;
  u32 first_core = 0;  ///< its CO-RE relocations are so many from this one on
  u32 core_count = 0;
  u32 type = 0;         ///< id of its FUNC in the object's BTF, 0 when unknown
  u64 symbol = 0;       ///< where its symbol stands
  btf_ext_run lines{};  ///< the source lines of its whole section
  bool is_hidden = false;
  bool is_program = false;
};

/// A program: a function that the kernel is to call.
struct program_spec {
  u64 name = 0;          ///< where its name stands
  u64 section_name = 0;  ///< where the name of its section stands
  u64 place = 0;         ///< where the name of the place it attaches to stands; 0 when the section names none
  u32 function = 0;      ///< index of its function
  section_kind kind{};   ///< what the name of its section says; of type `unspec` when that is nothing
  bool is_optional = false;  ///< loaded only for those who ask for it, see `program_settings`

  /// What has to be said of the program before it can be loaded; `none` when its section says it all.
  [[nodiscard]] constexpr cause lacks() const noexcept {
    if (kind.type == abi::prog_type::unspec) return cause::unknown_section;
    return kind.needs_kernel_type() && place == 0 ? cause::no_kernel_place : cause::none;
  }
};

/// What an instruction can refer to.
enum class reference_kind : u8 {
  nothing,   ///< a relocation outside every function, left behind by a linker
  map,       ///< the address of a map
  value,     ///< an address in the value of a map that holds variables
  call,      ///< a function, to be called
  function,  ///< the address of a function
  external,  ///< what the kernel has under a name: an address, or a function to be called
};

/// "The instruction at `at` needs that."
struct reference {
  u64 at = 0;  ///< where the instruction stands
  reference_kind kind = reference_kind::nothing;
  u32 target = 0;  ///< index of the map, function or extern
  u32 offset = 0;  ///< bytes into the value
};

/// "The instruction at `at` depends on how the kernel lays out a type."
struct core_record {
  u64 at = 0;      ///< where the instruction stands
  u32 type = 0;    ///< id in the object's BTF
  u32 access = 0;  ///< offset among the strings of BTF
  abi::core_kind kind = abi::core_kind::field_byte_offset;
};

/// How much storage a spec needs: so many elements of each.
struct object_shape {
  u32 maps = 0;
  u32 variables = 0;
  u32 functions = 0;
  u32 programs = 0;
  u32 references = 0;
  u32 filled_slots = 0;
  u32 cores = 0;  ///< CO-RE relocations
  u32 externs = 0;
  u32 lines = 0;       ///< records of source lines
  u32 map_slots = 0;   ///< one per 8 bytes of .maps
  u32 type_index = 0;  ///< words for the index over the types
  u32 types = 0;
  u32 types_size = 0;  ///< bytes of types
};

/// Storage for a spec, lent by its owner and as large as an `object_shape` says.
struct object_slots {
  map_spec* maps = nullptr;
  variable_spec* variables = nullptr;
  function_spec* functions = nullptr;
  program_spec* programs = nullptr;
  reference* references = nullptr;
  filled_slot* filled_slots = nullptr;
  core_record* cores = nullptr;
  u32* map_slots = nullptr;
  u32* type_index = nullptr;
  extern_spec* externs = nullptr;
  extern_name* extern_names = nullptr;
};

/// What `read` found beside what it wrote to the slots.
struct object_facts {
  bytes image;
  btf types;          ///< points into `object_slots::type_index`
  u64 license = 0;    ///< where the license string stands; 0 when there is none
  u64 source = 0;     ///< where the name of the source file stands; 0 when there is none
  u32 line_size = 0;  ///< bytes of a record of a source line; 0 when there are none
  u32 maps = 0;
  u32 variables = 0;
  u32 functions = 0;
  u32 programs = 0;
  u32 references = 0;
  u32 filled_slots = 0;
  u32 cores = 0;
  u32 externs = 0;
};

/// The tables of an object, as those look at them who load it.
/// Lifetime: valid as long as the tables, which somebody else owns.
struct object_tables {
  bytes image;
  btf types;
  const map_spec* maps = nullptr;
  const variable_spec* variables = nullptr;
  const function_spec* functions = nullptr;
  const reference* references = nullptr;
  const core_record* cores = nullptr;
  u32 map_count = 0;
  u32 function_count = 0;
  u32 reference_count = 0;
  u32 core_count = 0;
  u32 line_size = 0;  ///< bytes of a record of a source line; 0 when there are none
  const extern_spec* externs = nullptr;
  u32 extern_count = 0;
};

namespace detail {

// Everything that readers look at first.
struct opened_object {
  elf file;
  elf_section maps;  // .maps
  elf_section btf_relocations;
  btf types;
  btf_ext ext;
  btf_type maps_layout;   // DATASEC .maps
  btf_type first_layout;  // the first DATASEC of all
  btf_type config;        // DATASEC .kconfig
  btf_type symbols;       // DATASEC .ksyms
  elf_section arena;      // .addr_space.1, the variables in an arena
  btf_type arena_layout;  // its DATASEC
  u32 arena_map = not_found;
  u32 operations = 0;     // structs of functions in all DATASECs
  u32 section_maps = 0;   // behind the last map that is found by its section, which `read` finds out
  u32 types_section = 0;  // .BTF
  u32 variables = 0;      // in all DATASECs but that of maps
};

// What orders records: where in the file they stand, how far from the start of their map, or what they are made of.
constexpr u64 place_of(const function_spec& of) noexcept { return of.at; }
constexpr u64 place_of(const reference& of) noexcept { return of.at; }
constexpr u64 place_of(const map_spec& of) noexcept { return u64{of.section} << 32 | of.offset; }
constexpr u64 place_of(const variable_spec& of) noexcept { return of.offset; }
constexpr u64 place_of(const filled_slot& of) noexcept { return of.at; }
constexpr u64 place_of(const core_record& of) noexcept { return of.at; }
constexpr u64 place_of(const program_spec& of) noexcept { return of.function; }

// Sorts records by their place.
template <class Record>
constexpr void sort_by_place(Record* list, u32 count) noexcept {
  sort_with(list, count, [](const Record& a, const Record& b) { return place_of(a) < place_of(b); });
}
// The first record that does not stand in front of `place`; `count` when all do.
template <class Record>
constexpr u32 lower_bound_of_place(const Record* list, u32 count, u64 place) noexcept {
  u32 first = 0;
  while (count != 0) {
    const u32 half = count / 2;
    const bool in_front = place_of(list[first + half]) < place;
    first += in_front ? half + 1 : 0;
    count = in_front ? count - half - 1 : half;
  }
  return first;
}

}  // namespace detail

/// The index of what is called `wanted` among `count` maps, variables or programs, or `not_found`.
template <class Spec>
[[nodiscard]] constexpr u32 find_named(const bytes& image, const Spec* specs, u32 count,
                                       text wanted) noexcept {
  for (u32 i = 0; i < count; ++i)
    if (image.string_is(specs[i].name, wanted)) return i;
  return not_found;
}

/// The instruction at `at` in the file. Which half of a byte is the first register differs with the byte order too.
[[nodiscard]] constexpr abi::insn read_instruction(const bytes& image, u64 at) noexcept {
  // In one piece, because the compiler pays for each read. Read with the lowest byte first, the opcode is below.
  const u64 whole = image.read64(at);
  const bool is_big = image.reads_big_endian(), is_foreign = is_big != host_is_big_endian;
  if (!is_big) {
    const auto registers = static_cast<u8>(whole >> 8);
    return {.opcode = static_cast<u8>(whole),
            .registers = is_foreign ? static_cast<u8>(registers << 4 | registers >> 4) : registers,
            .offset = static_cast<s16>(whole >> 16),
            .immediate = static_cast<s32>(whole >> 32)};
  }
  const auto registers = static_cast<u8>(whole >> 48);
  return {.opcode = static_cast<u8>(whole >> 56),
          .registers = is_foreign ? static_cast<u8>(registers << 4 | registers >> 4) : registers,
          .offset = static_cast<s16>(whole >> 32),
          .immediate = static_cast<s32>(whole)};
}

/// The name under which the kernel keeps what is called by the string at `at`.
[[nodiscard]] constexpr kernel_name kernel_name_at(const bytes& image, u64 at) noexcept {
  char name[longest_kernel_name + 1] = {};
  return to_kernel_name(text(name, image.copy_string(at, name, sizeof name)));
}

/// The name under which the kernel keeps a map of variables: as much of the object's name as fits in front of
/// the section's, and none where the section's name has a second dot.
/// Source: what libbpf 1.1 does, so that tools which look for ".rodata" find it.
[[nodiscard]] constexpr kernel_name data_map_name(text object, text section) noexcept {
  constexpr size_t shortest_section = 7;  // ".rodata", so that all maps of an object begin alike
  size_t dots = 0;
  for (const char c : section) dots += c == '.';
  const size_t reserved = section.size() < shortest_section ? shortest_section : section.size();
  size_t prefix = dots > 1 || reserved >= longest_kernel_name ? 0 : longest_kernel_name - reserved;
  if (prefix > object.size()) prefix = object.size();
  char whole[longest_kernel_name + 1] = {};
  size_t used = 0;
  for (; used < prefix; ++used) whole[used] = object[used];
  for (size_t i = 0; i < section.size() && used < longest_kernel_name; ++i) whole[used++] = section[i];
  return to_kernel_name(text(whole, used));
}

/// The name under which the kernel keeps the pattern for the maps in the map called `outer`.
[[nodiscard]] constexpr kernel_name inner_map_name(const kernel_name& outer) noexcept {
  constexpr text behind = "_inner";
  kernel_name out;
  size_t used = 0;
  for (; used < longest_kernel_name - behind.size() && outer.characters[used] != '\0'; ++used)
    out.characters[used] = outer.characters[used];
  for (const char c : behind) out.characters[used++] = c;
  return out;
}

/// The name of an object, as the maps of its variables bear it: what its `path` has behind the last slash and in
/// front of the first dot there.
[[nodiscard]] constexpr kernel_name object_name_of(text path) noexcept {
  size_t first = 0;
  for (size_t i = 0; i < path.size(); ++i)
    if (path[i] == '/') first = i + 1;
  kernel_name out;
  for (size_t i = first; i < path.size() && i - first < longest_kernel_name && path[i] != '.'; ++i)
    out.characters[i - first] = path[i];
  return out;
}
/// The same of the source file whose name stands at `at`; empty when that is 0.
[[nodiscard]] constexpr kernel_name object_name_at(const bytes& image, u64 at) noexcept {
  char path[256] = {};
  return at == 0 ? kernel_name{} : object_name_of(text(path, image.copy_string(at, path, sizeof path)));
}

/// What BPF_MAP_CREATE is to be told of `map` in the object called `object`, all but the BTF that describes it.
[[nodiscard]] constexpr abi::map_create to_map_create(const bytes& image, const map_spec& map,
                                                      text object) noexcept {
  char section[longest_kernel_name + 1] = {};
  const text section_name(section, image.copy_string(map.name, section, sizeof section));
  return {.map_type = map.type,
          .key_size = map.key_size,
          .value_size = map.value_size,
          .max_entries = map.max_entries,
          .map_flags = map.map_flags,
          .numa_node = map.numa_node,
          .map_name =
              map.is_for_variables() ? data_map_name(object, section_name) : kernel_name_at(image, map.name),
          .map_extra = map.map_extra};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_RECORD_HPP
