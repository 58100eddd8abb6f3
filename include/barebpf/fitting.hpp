// SPDX-License-Identifier: MIT
// Room 8.1, fitting: programs made to fit the types of a kernel (CO-RE) before they are loaded: of the kernel that runs
// where it is too old to do it by itself, or of another one whose types are given. Nothing is read before it is needed.
#ifndef BAREBPF_FITTING_HPP
#define BAREBPF_FITTING_HPP

#include "core.hpp"
#include "file.hpp"
#include "map/memory.hpp"

#include <span>  // span

namespace barebpf::inline BAREBPF_ABI {

/// The CO-RE relocations of a program, as BPF_PROG_LOAD takes them.
struct program_cores {
  const abi::core_relo* list = nullptr;
  u32 count = 0;
};

namespace detail {

// The types of the running kernel, as plain bytes: mapped where it allows that (6.16), else read.
class kernel_btf_bytes {
 public:
  // Errors: false, and in `row` why.
  [[nodiscard]] bool open(outcome& row) noexcept {
    constexpr const char* path = "/sys/kernel/btf/vmlinux";
    constexpr long from_end = 2, private_pages = 2;  // SEEK_END, MAP_PRIVATE
    {
      const fd file = fd::own(open_to_read(path));
      if (!file.is_open()) return row.fails(step::fit_program, file.number()), false;
      const long size = system_call(__NR_lseek, file.number(), 0, from_end);
      if (size > 0 && memory_.take(map_pages(0, static_cast<size_t>(size), mapping::readable, private_pages,
                                             file.number(), 0),
                                   static_cast<size_t>(size)) == 0) {
        size_ = static_cast<size_t>(size);
        return true;
      }
    }
    auto content = read_file(path);
    if (!content) {
      const error& why = content.error();
      row.fails(why.at == step::allocate ? why.at : step::fit_program, -static_cast<long>(why.code));
      return false;
    }
    content_ = std::move(*content);
    size_ = content_.size();
    return true;
  }
  [[nodiscard]] bytes view() const noexcept {
    return {content_.size() != 0 ? content_.data() : memory_.data(), size_};
  }

 private:
  mapping memory_;
  buffer<unsigned char> content_;
  size_t size_ = 0;
};

}  // namespace detail

/// Fits the programs of one object to a kernel.
/// Lifetime: looks at the object's types and relocations, and at the kernel's types where they were given.
class fitting {
 public:
  /// `types` are the object's, as the kernel gets them; `target` those to fit to, plain or in an ELF file, and nothing for
  /// those of the running kernel.
  fitting(const void* types, u32 size, const program_cores* programs, u32 count,
          std::span<const unsigned char> target) noexcept
      : own_(static_cast<const unsigned char*>(types), size),
        programs_(programs),
        program_count_(count),
        target_(target) {}
  fitting(const fitting&) = delete;
  fitting& operator=(const fitting&) = delete;

  /// Fits the `size` instructions at `code` of the program with this index.
  /// Errors: false, and in `row`: step fit_program with the cause; with errno when the types cannot be read.
  /// Cost:   the first one maps or reads the kernel's types and walks them twice.
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
    if (target_.empty() && !running_.open(row)) return false;
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
    if (!candidates_.search(kernel_, kernel_index_.data())) return row.fails(step::allocate, -ENOMEM), false;
    return is_open_ = true;
  }

  bytes own_;
  const program_cores* programs_;
  u32 program_count_;
  std::span<const unsigned char> target_;
  detail::kernel_btf_bytes running_;
  btf local_, kernel_;
  buffer<u32> own_index_, kernel_index_;
  core_candidates candidates_{local_};
  bool is_open_ = false;
};

namespace detail {

// The index of the instruction at which the verifier met the helper that stands for what is missing; `not_found` when it
// did not. It writes "12: (85) call unknown#195896080" there.
[[nodiscard, gnu::cold, gnu::noinline]] inline u32 poisoned_instruction(text log) noexcept {
  constexpr text wanted = ": (85) call unknown#195896080";
  constexpr u32 none = 0xffffffff;
  u32 last = none;
  for (size_t line = 0; line < log.size();) {
    size_t end = line, digits = line;
    while (end < log.size() && log[end] != '\n') ++end;
    u32 number = 0;
    while (digits < end && log[digits] >= '0' && log[digits] <= '9' && number < 100000000)
      number = number * 10 + static_cast<u32>(log[digits++] - '0');
    if (digits != line && text(log.data() + digits, end - digits).starts_with(wanted)) last = number;
    line = end + 1;
  }
  return last;
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FITTING_HPP
