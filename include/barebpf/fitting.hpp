// SPDX-License-Identifier: MIT
// Room 8.1, fitting: programs made to fit the types of a kernel (CO-RE) before they are loaded: of the kernel that runs
// where it is too old to do it by itself, or of another one whose types are given. Nothing is read before it is needed.
#ifndef BAREBPF_FITTING_HPP
#define BAREBPF_FITTING_HPP

#include "core.hpp"
#include "kernel_btf.hpp"
#include "span.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The CO-RE relocations of a program, as BPF_PROG_LOAD takes them.
struct program_cores {
  const abi::core_relo* list = nullptr;
  u32 count = 0;
};

/// Fits the programs of one object to a kernel.
/// Lifetime: looks at the object's types and relocations, and at the kernel's types where they were given.
class fitting {
 public:
  /// `types` are the object's, as the kernel gets them; `target` those to fit to, plain or in an ELF file, and nothing for
  /// those of the running kernel.
  fitting(const void* types, u32 size, const program_cores* programs, u32 count,
          span<const unsigned char> target) noexcept
      : own_(static_cast<const unsigned char*>(types), size),
        programs_(programs),
        program_count_(count),
        target_(target) {}
  fitting(const fitting&) = delete;
  fitting& operator=(const fitting&) = delete;

  /// Fits the `size` instructions at `code` of the program with this index.
  /// Errors: false, and in `row`: step fit_program with the cause; with errno when the types cannot be read.
  /// Cost:   the first one maps or reads the kernel's types and walks them twice; where they lack a type that is named,
  ///         it reads those of the modules, and makes one of both of those of the first module that has it.
  [[nodiscard, gnu::cold, gnu::noinline]] bool fit(u32 program, abi::insn* code, u32 size,
                                                   outcome& row) noexcept {
    if (!is_open_ && !open(row)) return false;
    core_sides sides(local_, kernel_);
    const core_outcome came_to =
        relocate(sides, candidates_, programs_[program].list, programs_[program].count, code, size);
    if (came_to.fault == cause::none) return true;
    return row.refuse(step::fit_program, came_to.fault), false;
  }

  /// What instruction `at` of a program needs, as "task_struct.pid", into `out`; false when it needs nothing.
  [[nodiscard, gnu::cold, gnu::noinline]] bool name(u32 program, u32 at, char* out, size_t room) noexcept {
    if (!open_own()) return false;
    const program_cores& all = programs_[program];
    u32 i = 0;
    while (i < all.count && all.list[i].insn_off != at * sizeof(abi::insn)) ++i;
    if (i == all.count) return false;
    const core_sides sides(local_, local_);
    core_spec spec;
    if (!sides.read(all.list[i], spec)) return false;
    size_t used = local_.image().copy_string(local_.type(all.list[i].type_id).name, out, room);
    for (u32 k = 0; k < spec.count; ++k) {
      if (spec.parts[k].name == 0 || used + 2 >= room) continue;
      out[used++] = '.';
      used += local_.image().copy_string(spec.parts[k].name, out + used, room - used);
    }
    return true;
  }

 private:
  [[nodiscard]] bool open_own() noexcept {
    if (own_index_.size() != 0) return true;
    if constexpr (host_is_big_endian) own_.read_big_endian();
    if (btf::open(own_, 0, own_.size(), local_).failed()) return false;
    auto index = buffer<u32>::of(local_.index_size());
    if (!index) return false;
    own_index_ = std::move(*index);
    local_.build_index(own_index_.data());
    return true;
  }
  // Where the types are in what was given.
  [[nodiscard]] verdict open_target(bytes image) noexcept {
    elf file;
    if (image.read8(0) != 0x7f) {
      if (image.read8(0) == (abi::btf_magic >> 8)) image.read_big_endian();
      return btf::open(image, 0, image.size(), kernel_);
    }
    if (const verdict v = elf::open(image, file); v.failed()) return v;
    return btf::open(file, file.find_section(".BTF"), kernel_);
  }
  [[nodiscard]] bool open(outcome& row) noexcept {
    constexpr step at = step::fit_program;
    if (!open_own()) return row.fails(step::allocate, -ENOMEM), false;
    if (target_.empty() && !running_.open(at, row)) return false;
    const verdict v = open_target(target_.empty() ? running_.view() : bytes(target_.data(), target_.size()));
    if (v.failed()) return row.refuse(at, v.why), false;
    auto index = buffer<u32>::of(kernel_.index_size());
    if (!index) return row.fails(step::allocate, -ENOMEM), false;
    kernel_index_ = std::move(*index);
    u32 relocations = 0;
    for (u32 i = 0; i < program_count_; ++i) relocations += programs_[i].count;
    if (!candidates_.reserve(relocations)) return row.fails(step::allocate, -ENOMEM), false;
    for (u32 i = 0; i < program_count_; ++i)
      for (u32 k = 0; k < programs_[i].count; ++k) candidates_.want(programs_[i].list[k].type_id);
    bool has_memory = candidates_.search(kernel_, kernel_index_.data()).has_value();
    if (has_memory && target_.empty() && candidates_.lacks_any()) has_memory = search_modules();
    if (!has_memory) return row.fails(step::allocate, -ENOMEM), false;
    return is_open_ = true;
  }
  // What the kernel lacks a module may have: from then on the types are the kernel's and those of the first that has some.
  // Shape: false when there is no memory.
  [[nodiscard]] bool search_modules() noexcept {
    bool has_memory = true;
    const auto is_wanted = [this](const bytes& image, abi::btf_kind kind, u64 name) {
      return candidates_.lacks(image, kind, name);
    };
    const auto visit = [&](btf& all, buffer<unsigned char>& content, const fd&) {
      auto index = buffer<u32>::of(all.index_size());
      has_memory = index && candidates_.search(all, index->data(), kernel_.count());
      if (!has_memory) return false;
      module_ = std::move(content);
      kernel_index_ = std::move(*index);
      kernel_ = all;
      return false;
    };
    return detail::each_module_with(running_.view(), is_wanted, visit).has_value() && has_memory;
  }

  bytes own_;
  const program_cores* programs_;
  u32 program_count_;
  span<const unsigned char> target_;
  kernel_btf_file running_;
  buffer<unsigned char> module_;  // the running kernel's, with those of a module
  btf local_, kernel_;
  buffer<u32> own_index_, kernel_index_;
  core_candidates candidates_{local_};
  bool is_open_ = false;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FITTING_HPP
