// SPDX-License-Identifier: MIT
// Room 6.12, kernel_names: finds what a program declares with __ksym: addresses by /proc/kallsyms, variables and
// functions by the types of the kernel and of its modules. Nothing is read that no need asks for.
#ifndef BAREBPF_KERNEL_NAMES_HPP
#define BAREBPF_KERNEL_NAMES_HPP

#include "kernel_btf.hpp"
#include "kernel_config.hpp"
#include "type_shape.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Finds the names of one object.
class name_finder {
 public:
  name_finder(const extern_need* needs, u32 count, resolved_extern* found, outcome& row) noexcept
      : needs_(needs), count_(count), found_(found), row_(row) {}

  bool run() noexcept {
    if (is_missing(extern_kind::address) && !find_addresses()) return false;
    if (is_missing(extern_kind::variable) || is_missing(extern_kind::function)) {
      if (!find_types()) return false;
      return number_modules();
    }
    return true;
  }

 private:
  static constexpr step at = step::find_kernel_name;

  bool fail(cause why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(at, why), false;
  }
  bool fail(const error& why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(why), false;
  }
  [[nodiscard]] bool is_missing(u32 i, extern_kind kind) const noexcept {
    return needs_[i].kind == kind && !found_[i].is_found;
  }
  [[nodiscard]] bool is_missing(extern_kind kind) const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_missing(i, kind)) return true;
    return false;
  }

  bool find_addresses() noexcept {
    constexpr const char* path = "/proc/kallsyms";
    bool are_shown = false, is_hidden = false;
    const char* ambiguous = nullptr;
    const auto keep = [&](const kallsyms_line& seen) -> result<void> {
      are_shown = are_shown || seen.address != 0;
      const u32 hash = hash_of(seen.symbol);
      for (u32 i = 0; i < count_; ++i) {
        if (needs_[i].kind != extern_kind::address || !needs_[i].is_called(seen.symbol, hash)) continue;
        if (found_[i].is_found && found_[i].value != seen.address) ambiguous = needs_[i].name;
        found_[i].is_found = true;
        found_[i].value = seen.address;
        is_hidden = is_hidden || seen.address == 0;
      }
      return {};
    };
    if (const auto all = each_line(path, read_kallsyms_line, keep); !all) return fail(all.error(), path);
    // Where the kernel shows none, all of them are 0.
    if (is_hidden && !are_shown) return fail(cause::hidden_addresses, path);
    return ambiguous == nullptr || fail(cause::ambiguous_symbol, ambiguous);
  }

  bool find_types() noexcept {
    constexpr const char* path = kernel_btf_file::path;
    kernel_btf_file file;
    const auto opened = file.open();
    // A kernel without types has none of what is wanted, which somebody else judges.
    if (!opened && opened.error().code == ENOENT) return true;
    if (!opened) return fail(opened.error(), path);
    const bytes image = file.view();
    btf types;
    if (const verdict v = btf::open(image, 0, image.size(), types); v.failed()) return fail(v.why, path);
    if (!search(types, 1, 0)) return false;
    if (!is_missing(extern_kind::variable) && !is_missing(extern_kind::function)) return true;
    return search_modules(image, types);
  }
  // Calls `keep(i)` for each need that the name of a type at `name` meets.
  template <class Keep>
  bool each_need(const bytes& image, abi::btf_kind is, u64 name, Keep keep) const noexcept {
    const extern_kind kind = is == abi::btf_kind::function ? extern_kind::function : extern_kind::variable;
    const size_t size = image.length_of_string(name);
    const u32 hash = hash_of(image, name, size);
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].hash == hash && is_missing(i, kind) && needs_[i].known_size == size &&
          image.string_is(name, needs_[i].known_as()) && !keep(i))
        return false;
    return true;
  }
  [[nodiscard]] static bool is_nameable(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::function || kind == abi::btf_kind::variable;
  }

  // Looks for what is missing among the types from `first` on; `module` is the descriptor of theirs, 0 for the kernel.
  bool search(btf& types, u32 first, s32 module) noexcept {
    buffer<u32> index;
    for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
      if (type.id < first || !is_nameable(type.kind)) continue;
      const auto keep = [&](u32 i) {
        if (index.size() == 0) {
          auto room = buffer<u32>::of(types.index_size());
          if (!room) return fail(room.error(), "");
          index = std::move(*room);
          types.build_index(index.data());
        }
        // A function that programs may call in several forms is declared in each, and weak.
        if (!has_shape(types, type.size_or_type, needs_[i].shape)) {
          const bool may_be_other = needs_[i].is_weak && needs_[i].kind == extern_kind::function;
          return may_be_other || fail(cause::another_type, needs_[i].name);
        }
        found_[i].is_found = true;
        found_[i].value = type.id;
        found_[i].module_number = module;
        return true;
      };
      if (!each_need(types.image(), type.kind, type.name, keep)) return false;
    }
    return true;
  }

  // The types of a module that has some of what is missing are read behind the kernel's, of which they are made.
  bool search_modules(const bytes& base, const btf& types) noexcept {
    bool is_fine = true;
    const auto is_wanted = [this](const bytes& image, abi::btf_kind kind, u64 name) {
      return is_nameable(kind) && !each_need(image, kind, name, [](u32) { return false; });
    };
    const auto visit = [&](btf& all, const buffer<unsigned char>&, fd& module) {
      if (!search(all, types.count() + 1, module.number())) return is_fine = false;
      for (u32 i = 0; i < count_; ++i)
        if (module.is_open() && found_[i].module_number == module.number())
          found_[i].module = std::move(module);  // which is not open then
      return is_missing(extern_kind::variable) || is_missing(extern_kind::function);
    };
    const auto visited = each_module_with(base, is_wanted, visit);
    return is_fine && (visited || fail(visited.error(), ""));
  }
  // Calls name the descriptor of a module by its place in an array, of which the first stands for the kernel.
  bool number_modules() noexcept {
    s16 used = 0;
    for (u32 i = 0; i < count_; ++i) {
      if (needs_[i].kind != extern_kind::function || found_[i].module_number == 0) continue;
      u32 first = 0;
      while (found_[first].module_number != found_[i].module_number || found_[first].module_index == 0)
        if (++first >= i) break;
      if (first < i) {
        found_[i].module_index = found_[first].module_index;
        continue;
      }
      if (used == 32767) return fail(cause::too_many_modules, needs_[i].name);
      found_[i].module_index = ++used;
    }
    return true;
  }

  const extern_need* needs_;
  u32 count_;
  resolved_extern* found_;
  outcome& row_;
};

}  // namespace detail

/// Finds addresses, variables and functions among `count` needs. What is not there stays so; whether that will do is for
/// `all_are_found` to say.
/// Shape:  false when something is wrong, which `row` then tells.
/// Errors: find_kernel_name with hidden_addresses or ambiguous_symbol, another_type, about the name; open_file and
///         read_file about the file; ENOMEM.
/// Cost:   for addresses /proc/kallsyms once, 0.1 s; for types the kernel's once, 10 ms for 5.5 MB, and those of its
///         modules only where the kernel lacks something.
/// Kernel: types 5.4, of modules 5.11; calls of functions 5.13.
/// Source: bpf_get_btf_vmlinux(), fetch_kfunc_meta() and check_pseudo_btf_id() in kernel/bpf/verifier.c at v6.12.
[[nodiscard, gnu::cold]] inline bool find_names(const extern_need* needs, u32 count, resolved_extern* found,
                                                outcome& row) noexcept {
  return detail::name_finder(needs, count, found, row).run();
}

/// True when all that is missing is weak.
/// Errors: in `row`, about the name: no_kernel_option, no_kernel_symbol, no_kernel_variable or no_kfunc.
[[nodiscard, gnu::cold]] inline bool all_are_found(const extern_need* needs, u32 count,
                                                   const resolved_extern* found, outcome& row) noexcept {
  for (u32 i = 0; i < count; ++i) {
    if (found[i].is_found || needs[i].is_weak) continue;
    row.subject = needs[i].name;
    switch (needs[i].kind) {
      case extern_kind::config:
        return row.refuse(step::read_kconfig, cause::no_kernel_option), false;
      case extern_kind::address:
        return row.refuse(step::find_kernel_name, cause::no_kernel_symbol), false;
      case extern_kind::variable:
        return row.refuse(step::find_kernel_name, cause::no_kernel_variable), false;
      case extern_kind::function:
        return row.refuse(step::find_kernel_name, cause::no_kfunc), false;
    }
  }
  return true;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_NAMES_HPP
