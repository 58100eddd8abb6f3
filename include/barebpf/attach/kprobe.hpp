// SPDX-License-Identifier: MIT
// Room 9.3, attach/kprobe: programs on any function of the kernel: on one, on a system call, or on all that a pattern
// names.
#ifndef BAREBPF_ATTACH_KPROBE_HPP
#define BAREBPF_ATTACH_KPROBE_HPP

#include "../order.hpp"
#include "../pattern.hpp"
#include "../probe.hpp"
#include "../symbols.hpp"
#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What kprobes and the like have in common: an event, and the program on it.
template <load_policy Policy>
[[nodiscard]] result<link> attach_to_probe(const program_to_attach& program, text place, bool at_end,
                                           barebpf::cookie with) noexcept {
  outcome row{.subject = program.subject};
  fd event = open_kernel_probe(place, at_end, row);
  if (row.failed()) return to_error(row);
  return link::attach_event<Policy>(program.descriptor, std::move(event), program.subject, with);
}

}  // namespace detail

/// Errors: those of `open_kernel_probe`; EINVAL with a cookie where the kernel has none.
/// Kernel: 4.17; as a link and with a cookie since 5.15, before that through the event.
/// Source: perf_event_open(2); perf_event_set_bpf_prog() in kernel/events/core.c at v6.12.
template <>
struct place<attach_way::kprobe> : place_by_name<attach_way::kprobe> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    return detail::attach_to_probe<Policy>(program, program.place, false, how.cookie);
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return read_probe_place(name).function.empty() ? 0 : place_by_name::write(name, out, room);
  }
};
template <>
struct place<attach_way::kretprobe> : place_by_name<attach_way::kretprobe> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    return detail::attach_to_probe<Policy>(program, program.place, true, how.cookie);
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return place<attach_way::kprobe>::write(name, out, room);
  }
};

namespace detail {

// Kernels have a function of their own for each system call, whose one argument are the registers of who called; before
// 4.17 on x86, 4.19 on arm64 and 5.1 on s390x they took the arguments themselves.
template <load_policy Policy>
[[nodiscard]] result<link> attach_to_system_call(const program_to_attach& program, bool at_end,
                                                 barebpf::cookie with) noexcept {
#if defined(__x86_64__) || defined(__i386__)
  constexpr text wrapper = "__x64_sys_";
#elif defined(__aarch64__)
  constexpr text wrapper = "__arm64_sys_";
#elif defined(__s390x__)
  constexpr text wrapper = "__s390x_sys_";
#elif defined(__riscv)
  constexpr text wrapper = "__riscv_sys_";
#else
  constexpr text wrapper = "sys_";
#endif
  const auto attempt = [&](text prefix) {
    char function[function_name_room];
    size_t size = 0;
    for (const text part : {prefix, text(program.place)})
      for (const char c : part)
        if (size < sizeof function) function[size++] = c;
    return attach_to_probe<Policy>(program, text(function, size), at_end, with);
  };
  auto out = attempt(wrapper);
  if (!out && out.error().at == step::open_probe && out.error().code == ENOENT) {
    auto without_wrapper = attempt("__se_sys_");
    if (without_wrapper) return without_wrapper;
  }
  return out;
}

}  // namespace detail

/// Where a system call begins, by its name: "openat". Its BPF program finds the arguments with BPF_KSYSCALL.
/// Errors: those of kprobes.
template <>
struct place<attach_way::ksyscall> : place_by_name<attach_way::ksyscall> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    return detail::attach_to_system_call<Policy>(program, false, how.cookie);
  }
};
template <>
struct place<attach_way::kretsyscall> : place_by_name<attach_way::kretsyscall> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    return detail::attach_to_system_call<Policy>(program, true, how.cookie);
  }
};

namespace detail {

// Functions of the kernel, as BPF_LINK_CREATE wants many of them: by their addresses where the kernel lists those, since
// several may have one name.
struct traceable_functions {
  buffer<u64> list;    // addresses of functions, or of their names
  buffer<char> names;  // empty where the list is of functions
  size_t count = 0;
};

// Puts a list in order and leaves one of those that are alike.
inline size_t sort_once(u64* list, size_t count) noexcept {
  sort_with(list, count, [](u64 a, u64 b) { return a < b; });
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i)
    if (kept == 0 || list[kept - 1] != list[i]) list[kept++] = list[i];
  return kept;
}

// Hands each function that ftrace can reach and `pattern` names to `keep`: its name, the module that it is of, and its
// address, 0 where the kernel does not list those.
// Source: available_filter_functions_addrs of tracefs since 6.5, before that its list of names.
template <class Keep>
[[nodiscard, gnu::cold]] result<void> each_traceable(text pattern, Keep keep) noexcept {
  bool has_addresses = true;
  auto opened = open_in_tracefs("available_filter_functions_addrs");
  if (!opened.is_open() && opened.number() == -ENOENT) {
    has_addresses = false;
    opened = open_in_tracefs("available_filter_functions");
  }
  if (!opened.is_open()) return failure(step::find_traceable, opened.number());
  auto lines = line_reader::over(std::move(opened));
  if (!lines) return lines.error();
  text line;
  long more;
  while ((more = lines->next(line)) > 0) {
    text_reader in(line);  // "ffffffff81234560 vfs_read [module]"
    u64 address = 0;
    if (has_addresses && !(in.take_number(16, 16, address) && in.take(" "))) continue;
    const text function = in.take_until(' ');
    if (!fits_pattern(function, pattern)) continue;
    in.skip("[");
    if (const auto kept = keep(function, in.take_until(']'), address); !kept) return kept;
  }
  if (more < 0) return failure(step::find_traceable, more);
  return {};
}

// All functions that ftrace can reach and `pattern` names.
[[nodiscard, gnu::cold]] inline result<traceable_functions> find_traceable(text pattern) noexcept {
  traceable_functions out;
  growing<u64> found;
  name_list names;
  if (!is_pattern(pattern)) {
    if (const auto added = names.add(pattern); !added) return added.error();
    const u64 first = 1;
    if (const auto added = found.add(&first, 1); !added) return added.error();
  } else {
    const auto listed = each_traceable(pattern, [&](text function, text, u64 entry) -> result<void> {
      if (entry == 0) {
        const auto at = names.add(function);
        if (!at) return at.error();
        entry = *at;
      }
      return found.add(&entry, 1);
    });
    if (!listed) return listed.error();
    if (found.size() == 0)
      return error{.at = step::find_traceable, .why = cause::nothing_fits}.about(pattern);
  }
  auto list = found.finish();
  if (!list) return list.error();
  auto kept = names.finish();
  if (!kept) return kept.error();
  out.list = std::move(*list);
  out.names = std::move(*kept);
  out.count = out.list.size();
  if (out.names.size() == 0) {
    out.count = sort_once(out.list.data(), out.count);
    return out;
  }
  // The kernel takes each name once.
  sort_with(out.list.data(), out.count,
            [&](u64 a, u64 b) { return __builtin_strcmp(out.names.data() + a, out.names.data() + b) < 0; });
  size_t once = 0;
  for (size_t i = 0; i < out.count; ++i)
    if (once == 0 || text(out.names.data() + out.list[once - 1]) != text(out.names.data() + out.list[i]))
      out.list[once++] = out.list[i];
  out.count = once;
  for (size_t i = 0; i < out.count; ++i)
    out.list[i] = static_cast<u64>(to_register(out.names.data() + out.list[i]));
  return out;
}

// Where functions may begin with an instruction that marks them as targets of jumps, ftrace lists the one behind it. The
// kernel looks for cookies under the address of the function itself.
[[nodiscard, gnu::cold]] inline result<void> move_to_entries(traceable_functions& functions) noexcept {
  if (functions.names.size() != 0) return {};
  const auto symbols = kernel_symbols::read();
  if (!symbols) return symbols.error();
  for (size_t i = 0; i < functions.count; ++i)
    if (const kernel_place place = symbols->find(functions.list[i]); !place.symbol.empty())
      functions.list[i] -= place.offset;
  functions.count = sort_once(functions.list.data(), functions.count);
  return {};
}

// A list with the one cookie for each of `count` places; empty for none.
[[nodiscard]] inline result<buffer<u64>> cookies_for(barebpf::cookie one, size_t count) noexcept {
  auto out = buffer<u64>::of(one.value == 0 ? 0 : count);
  if (out)
    for (u64& cookie : *out) cookie = one.value;
  return out;
}

// All functions of the kernel that a pattern names.
template <attach_way Way, bool AtEnd>
struct place_of_many_kprobes : place_by_name<Way> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    auto functions = find_traceable(program.place);
    if (!functions) return functions.error();
    if (how.cookie.value != 0)
      if (const auto moved = move_to_entries(*functions); !moved) return moved.error();
    const auto cookies = cookies_for(how.cookie, functions->count);
    if (!cookies) return cookies.error();
    abi::link_create_kprobe_multi request{.prog_fd = program.descriptor.raw(),
                                          .attach_type = static_cast<u32>(program.attach_type),
                                          .kprobe_flags = AtEnd ? 1u : 0u,  // BPF_F_KPROBE_MULTI_RETURN
                                          .cnt = static_cast<u32>(functions->count)};
    (functions->names.size() == 0 ? request.addrs : request.syms) = functions->list.data();
    if (cookies->size() != 0) request.cookies = cookies->data();
    return create_link<Way>(program, request);
  }
};

}  // namespace detail

/// Where each function begins that a pattern names, such as "tcp_*": all that ftrace can reach.
/// Errors: nothing_fits; find_traceable with what tracefs says; newer_attach_way; ESRCH for a function that is not there;
///         EOPNOTSUPP for a kernel without fprobes.
/// Cost:   for a pattern reading the kernel's list, 60,000 lines, and with a cookie all its symbols; nothing like it for a
///         name.
/// Kernel: 5.18; 6.10 for sessions, whose program runs at both ends.
/// Source: bpf_kprobe_multi_link_attach() in kernel/trace/bpf_trace.c at v6.12.
template <>
struct place<attach_way::kprobe_multi> : detail::place_of_many_kprobes<attach_way::kprobe_multi, false> {};
template <>
struct place<attach_way::kretprobe_multi> : detail::place_of_many_kprobes<attach_way::kretprobe_multi, true> {
};
template <>
struct place<attach_way::kprobe_session> : detail::place_of_many_kprobes<attach_way::kprobe_session, false> {
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_KPROBE_HPP
