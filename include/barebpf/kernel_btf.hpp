// SPDX-License-Identifier: MIT
// Room 6.6, kernel_btf: the running kernel's own types, of which a program names the one that it is made for, and those of
// its modules. They are read once for a whole object, and not at all for one that needs none.
#ifndef BAREBPF_KERNEL_BTF_HPP
#define BAREBPF_KERNEL_BTF_HPP

#include "btf.hpp"
#include "file.hpp"
#include "memory.hpp"
#include "outcome.hpp"
#include "sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a program is made for, as its section says; nothing for most programs. Of functions it is the module in front of
/// their names that counts, for which the program is loaded.
struct kernel_type_need {
  section_rest what = section_rest::nothing;
  const char* name = "";

  /// True when it is a type of the kernel, and not one of another program.
  [[nodiscard]] constexpr bool is_any() const noexcept {
    return what > section_rest::functions && what != section_rest::replaced;
  }
};

namespace detail {

// What the kernel gives has numbers in the order of the machine.
[[nodiscard]] inline bytes in_this_order(const unsigned char* from, size_t size) noexcept {
  bytes out(from, size);
  if constexpr (host_is_big_endian) out.read_big_endian();
  return out;
}

}  // namespace detail

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
  /// The same in a row of calls: true, or what went wrong in `row`, under step `now`; no memory of its own under allocate.
  [[nodiscard]] bool open(step now, outcome& row) noexcept {
    const auto opened = open();
    if (opened) return true;
    const error& why = opened.error();
    return row.fails(why.at == step::allocate ? why.at : now, -static_cast<long>(why.code)), false;
  }
  [[nodiscard]] bytes view() const noexcept {
    return detail::in_this_order(content_.size() != 0 ? content_.data() : memory_.data(), size_);
  }

 private:
  detail::mapping memory_;
  buffer<unsigned char> content_;
  size_t size_ = 0;
};

namespace detail {

// Where types and strings lie in the BTF of the kernel or of a module. A module's goes on where the kernel's ends:
// with the next id, and with strings that count from the end of the kernel's.
struct btf_layout {
  u64 types = 0, types_size = 0, strings = 0, strings_size = 0;

  // Shape: false when they do not lie inside `image`.
  [[nodiscard]] constexpr bool read(const bytes& image) noexcept {
    using header = abi::btf_header;
    if (!image.holds(0, header::size) || image.read16(header::magic) != abi::btf_magic) return false;
    const u64 body = image.read32(header::header_size);
    types = body + image.read32(header::types_offset);
    types_size = image.read32(header::types_size);
    strings = body + image.read32(header::strings_offset);
    strings_size = image.read32(header::strings_size);
    return image.holds(types, types_size) && image.holds(strings, strings_size);
  }
};

// True when `is_wanted(module, kind, name)` is for a type of a module whose name is its own, and not one of the kernel's.
template <class Wanted>
[[nodiscard]] bool has_any_type(const bytes& base, const bytes& module, Wanted is_wanted) noexcept {
  using record = abi::btf_type_record;
  btf_layout kernel, own;
  if (!kernel.read(base) || !own.read(module)) return false;
  const u64 end = own.types + own.types_size;
  for (u64 type = own.types; type < end;) {
    const u32 info = module.read32(type + record::info);
    const btf_type seen{.kind = static_cast<abi::btf_kind>(info >> 24 & 0x7f), .members = info & 0xffffff};
    if (!btf::is_known(seen.kind)) return false;
    const u64 name = module.read32(type + record::name);
    if (name >= kernel.strings_size && is_wanted(module, seen.kind, own.strings + name - kernel.strings_size))
      return true;
    type += btf::extent_of(seen);
  }
  return false;
}

// The types of the kernel, which keep their ids, and those of a module behind them.
// Errors: ENOMEM; too_large.
[[nodiscard]] inline result<buffer<unsigned char>> join_types(const bytes& base,
                                                              const bytes& module) noexcept {
  btf_layout kernel, own;
  static_cast<void>(kernel.read(base) && own.read(module));
  const u64 types_size = kernel.types_size + own.types_size;
  const u64 strings_size = kernel.strings_size + own.strings_size;
  constexpr u64 head = abi::btf_header::size;
  if (types_size + strings_size > 0x7fffffff) return error{.at = step::allocate, .why = cause::too_large};
  auto joined = buffer<unsigned char>::of(static_cast<size_t>(head + types_size + strings_size));
  if (!joined) return joined;
  unsigned char* out = joined->data();
  base.copy(0, 4, out);  // magic and version
  const u32 fields[] = {static_cast<u32>(head), 0, static_cast<u32>(types_size), static_cast<u32>(types_size),
                        static_cast<u32>(strings_size)};
  __builtin_memcpy(out + abi::btf_header::header_size, fields, sizeof fields);
  out += head;
  base.copy(kernel.types, kernel.types_size, out);
  module.copy(own.types, own.types_size, out + kernel.types_size);
  out += types_size;
  base.copy(kernel.strings, kernel.strings_size, out);
  module.copy(own.strings, own.strings_size, out + kernel.strings_size);
  return joined;
}

inline bool ask_about_types(const fd& types, abi::btf_info& info) noexcept {
  abi::obj_info attr{.bpf_fd = types.raw(), .info_len = sizeof info, .info = &info};
  return sys_bpf(abi::command::obj_get_info_by_fd, attr) >= 0;
}
// Calls `visit(name, descriptor, size)` for the types of each module, as long as it says so. Those that go meanwhile are
// left out.
// Shape:  what ended it, -ENOENT behind the last.
// Kernel: 5.11.
template <class Visit>
long each_module(Visit visit) noexcept {
  for (u32 id = 0;;) {
    abi::next_id walk{.start_id = id};
    if (const long answer = sys_bpf(abi::command::btf_get_next_id, walk); answer < 0) return answer;
    id = walk.next_id;
    const abi::next_id wanted{.start_id = id};
    fd module = fd::own(move_away(sys_bpf(abi::command::btf_get_fd_by_id, wanted)));
    if (!module.is_open()) continue;
    char name[64] = {};
    abi::btf_info info{.name = name, .name_len = sizeof name};
    if (!ask_about_types(module, info) || info.kernel_btf == 0 || text(name) == "vmlinux") continue;
    if (!visit(text(name), module, info.btf_size)) return 0;
  }
}
// The content of types of `size` bytes; zeros where they cannot be read.
[[nodiscard]] inline result<buffer<unsigned char>> copy_types(const fd& types, u32 size) noexcept {
  auto content = buffer<unsigned char>::of(size);
  if (!content) return content;
  abi::btf_info info{.btf = content->data(), .btf_size = size};
  ask_about_types(types, info);
  return content;
}

// Calls `visit(types, what they look at, descriptor)` for each module that has a type of which `is_wanted(image, kind,
// name)`, as long as it says so. The types are the kernel's, whose BTF `base` is, and behind them the module's.
// Errors: ENOMEM. Modules that go meanwhile, and damaged ones, are left out.
template <class Wanted, class Visit>
[[nodiscard]] result<void> each_module_with(const bytes& base, Wanted is_wanted, Visit visit) noexcept {
  result<void> out;
  each_module([&](text, fd& module, u32 size) {
    const auto content = copy_types(module, size);
    if (!content) return out = content.error(), false;
    const bytes image = in_this_order(content->data(), content->size());
    if (!has_any_type(base, image, is_wanted)) return true;
    auto joined = join_types(base, image);
    if (!joined) return out = joined.error(), false;
    const bytes whole = in_this_order(joined->data(), joined->size());
    btf all;
    return btf::open(whole, 0, whole.size(), all).failed() || visit(all, *joined, module);
  });
  return out;
}

}  // namespace detail

/// The types of the module called `name`, for whose functions a program can be loaded.
/// Shape:  a descriptor, and `size` in bytes; negative errno in its place, ENOENT where no module of this name has types.
/// Cost:   three system calls for each BTF that the kernel has.
/// Kernel: 5.11.
[[nodiscard, gnu::cold]] inline fd find_module_types(text name, u32& size) noexcept {
  fd out;
  const long ended = detail::each_module([&](text seen, fd& module, u32 bytes_of) {
    if (seen != name) return true;
    size = bytes_of;
    out = std::move(module);
    return false;
  });
  return ended < 0 ? fd::own(ended) : std::move(out);
}

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
  if (!file.open(at, row)) return false;
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
    if (!file_.open(at, row)) return false;
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
