// SPDX-License-Identifier: MIT
// Room 6.6, kernel_btf: the running kernel's own types, of which a program names the one that it is made for. They are
// read once for a whole object, and not at all for one that needs none.
#ifndef BAREBPF_KERNEL_BTF_HPP
#define BAREBPF_KERNEL_BTF_HPP

#include "btf.hpp"
#include "file.hpp"
#include "memory.hpp"
#include "outcome.hpp"
#include "sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a program is made for, as its section says; nothing for most programs.
struct kernel_type_need {
  section_rest what = section_rest::nothing;
  const char* name = "";

  /// True when it is a type of the kernel, and not one of another program.
  [[nodiscard]] constexpr bool is_any() const noexcept {
    return what > section_rest::place && what != section_rest::replaced;
  }
};

/// The BTF of the running kernel as it comes: mapped where the kernel allows that (6.16), else read.
/// Lifetime: `view` looks at it.
/// Kernel:   5.4, with CONFIG_DEBUG_INFO_BTF.
/// Source:   kernel/bpf/sysfs_btf.c at v6.16.
class kernel_btf_file {
 public:
  static constexpr const char* path = "/sys/kernel/btf/vmlinux";

  /// Errors: as read_file; ENOENT for a kernel without BTF.
  /// Cost:   four system calls; where it is read, 5.5 MB of a common kernel stay in memory.
  [[nodiscard, gnu::cold]] result<void> open() noexcept {
    constexpr long from_end = 2, private_pages = 2;  // SEEK_END, MAP_PRIVATE
    const fd file = fd::own(open_to_read(path));
    if (!file.is_open()) return failure(step::open_file, file.number());
    const long size = system_call(__NR_lseek, file.number(), 0, from_end);
    size_ = size > 0 ? static_cast<size_t>(size) : 0;
    const long answer =
        detail::map_pages(0, size_, detail::mapping::readable, private_pages, file.number(), 0);
    if (memory_.take(answer, size_) == 0) return {};
    auto content = read_file(file);
    if (!content) return content.error();
    content_ = std::move(*content);
    size_ = content_.size();
    return {};
  }
  [[nodiscard]] bytes view() const noexcept {
    bytes out(content_.size() != 0 ? content_.data() : memory_.data(), size_);
    if constexpr (host_is_big_endian) out.read_big_endian();
    return out;
  }

 private:
  detail::mapping memory_;
  buffer<unsigned char> content_;
  size_t size_ = 0;
};

/// Finds the ids of `count` types in the BTF of the kernel itself, not of its modules.
/// Shape:  ids[i] is the id for needs[i], which may need nothing; true when all were found.
/// Errors: in `row`, about the name: no_kernel_function and its siblings; ENOENT for a kernel without BTF; ENOMEM.
/// Cost:   opens the file and walks over it once, whatever the count.
/// Kernel: 5.4, with CONFIG_DEBUG_INFO_BTF.
/// Source: check_attach_btf_id() in kernel/bpf/verifier.c at v6.12.
[[nodiscard, gnu::cold]] inline bool find_kernel_types(const kernel_type_need* needs, u32 count, u32* ids,
                                                       outcome& row) noexcept {
  constexpr step at = step::find_kernel_type;
  const auto row_of = [](const kernel_type_need& need) {
    const kernel_type_kind* kind = kernel_type_kinds;
    while (kind->rest != need.what) ++kind;
    return *kind;
  };
  const auto next_missing = [&] {
    u32 i = 0;
    while (i < count && (!needs[i].is_any() || ids[i] != 0)) ++i;
    return i;
  };
  if (next_missing() == count) return true;
  kernel_btf_file file;
  if (const auto opened = file.open(); !opened)
    return row.fails(at, -static_cast<long>(opened.error().code)), false;
  const bytes image = file.view();
  btf types;
  if (const verdict v = btf::open(image, 0, image.size(), types); v.failed())
    return row.refuse(at, v.why), false;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
    for (u32 i = 0; i < count; ++i) {
      if (!needs[i].is_any() || ids[i] != 0) continue;
      const kernel_type_kind kind = row_of(needs[i]);
      if (type.kind == kind.kind && image.string_starts_with(type.name, kind.prefix) &&
          image.string_is(type.name + kind.prefix.size(), needs[i].name))
        ids[i] = type.id;
    }
  }
  const u32 missing = next_missing();
  if (missing == count) return true;
  row.subject = needs[missing].name;
  const bool names_nothing = needs[missing].name[0] == '\0';
  return row.refuse(at, names_nothing ? cause::no_kernel_place : row_of(needs[missing]).missing), false;
}

/// All types of the running kernel, to be looked up by their ids.
class kernel_types {
 public:
  /// Errors: false, and in `row` under its step: ENOENT for a kernel without BTF; ENOMEM.
  /// Cost:   as above.
  [[nodiscard, gnu::cold]] bool open(outcome& row) noexcept {
    const step at = row.at;
    if (const auto opened = file_.open(); !opened)
      return row.fails(at, -static_cast<long>(opened.error().code)), false;
    const bytes image = file_.view();
    if (const verdict v = btf::open(image, 0, image.size(), types_); v.failed())
      return row.refuse(at, v.why), false;
    auto index = buffer<u32>::of(types_.index_size());
    if (!index) return row.fails(step::allocate, -ENOMEM), false;
    index_ = std::move(*index);
    types_.build_index(index_.data());
    return true;
  }
  [[nodiscard]] const btf& types() const noexcept { return types_; }

 private:
  kernel_btf_file file_;
  buffer<u32> index_;
  btf types_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_BTF_HPP
