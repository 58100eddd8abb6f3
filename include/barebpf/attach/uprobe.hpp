// SPDX-License-Identifier: MIT
// Room 9.5, attach/uprobe: programs on functions of programs and libraries: on one, or on all that a pattern names.
#ifndef BAREBPF_ATTACH_UPROBE_HPP
#define BAREBPF_ATTACH_UPROBE_HPP

#include "../binary_file.hpp"
#include "kprobe.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// "path:function+16", of which a path may have colons too.
struct function_place {
  text path, function;
};
[[nodiscard]] constexpr function_place read_function_place(text from) noexcept {
  const text function = from.behind_last(':');
  if (function.size() == 0 || function.size() + 1 >= from.size()) return {};
  return {.path = {from.data(), from.size() - function.size() - 1}, .function = function};
}

// The file that a section or a caller means by `named`, and its path.
[[nodiscard, gnu::cold]] inline result<binary_file> open_binary(text named,
                                                                char (&path)[path_room]) noexcept {
  if (!find_binary(named, path))
    return error{.at = step::find_function, .why = cause::no_such_binary}.about(named);
  return binary_file::open(path);
}

// Where in a file the place is that `function` names: a function, perhaps with an offset, or the bytes from the start of
// the file alone, as "0x1234".
[[nodiscard, gnu::cold]] inline result<u64> find_in_file(const binary_file& file, text function) noexcept {
  u64 offset = 0;
  if (text_reader number(function);
      number.take("0x") && number.take_number(16, 16, offset) && number.is_done())
    return offset;
  const probe_place where = read_probe_place(function);
  if (where.function.empty())
    return error{.at = step::find_function, .why = cause::bad_place}.about(function);
  const auto opened = binary<binary_file>::open(file);
  if (!opened) return opened.error();
  const auto found = opened->find_function(where.function);
  if (!found) return found;
  return *found + where.offset;
}

// The program on an event at one place of a file.
template <load_policy Policy>
[[nodiscard]] result<link> attach_to_user_probe(const program_to_attach& program, const char* path,
                                                u64 offset, bool at_end, u64 semaphore,
                                                const named_place& how) noexcept {
  outcome row{.subject = program.subject};
  fd event = open_user_probe(path, offset, at_end, semaphore, how.process, row);
  if (row.failed()) return to_error(row);
  return link::attach_event<Policy>(program.descriptor, std::move(event), program.subject, how.cookie);
}

template <attach_way Way, bool AtEnd>
struct place_of_uprobe : place_by_name<Way> {
  template <load_policy Policy>
  [[nodiscard, gnu::noinline]] static result<link> to(const program_to_attach& program,
                                                      const named_place& how) noexcept {
    const detail::function_place place = read_function_place(program.place);
    char path[path_room];
    const auto file = open_binary(place.path, path);
    if (!file) return file.error();
    const auto offset = find_in_file(*file, place.function);
    if (!offset) return offset.error();
    return attach_to_user_probe<Policy>(program, path, *offset, AtEnd, 0, how);
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return read_function_place(name).path.empty() ? 0 : place_by_name<Way>::write(name, out, room);
  }
};

// What BPF_LINK_CREATE is told of many places in one file.
struct user_places {
  const char* path = nullptr;
  const u64* offsets = nullptr;
  const u64* semaphores = nullptr;
  const u64* cookies = nullptr;
  size_t count = 0;
  bool at_end = false;
};
template <attach_way Way>
[[nodiscard]] result<link> create_user_link(const program_to_attach& program, const user_places& where,
                                            int process) noexcept {
  // To perf_event_open(2) 0 is the caller and -1 are all; here 0 are all.
  if (process == 0) process = static_cast<int>(system_call(__NR_getpid));
  return create_link<Way>(program, abi::link_create_uprobe_multi{
                                       .prog_fd = program.descriptor.raw(),
                                       .attach_type = static_cast<u32>(program.attach_type),
                                       .path = where.path,
                                       .offsets = where.offsets,
                                       .ref_ctr_offsets = where.semaphores,
                                       .cookies = where.cookies,
                                       .cnt = static_cast<u32>(where.count),
                                       .uprobe_flags = where.at_end ? 1u : 0u,  // BPF_F_UPROBE_MULTI_RETURN
                                       .pid = process < 0 ? 0 : static_cast<u32>(process)});
}

template <attach_way Way, bool AtEnd>
struct place_of_many_uprobes : place_by_name<Way> {
  template <load_policy Policy>
  [[nodiscard, gnu::noinline]] static result<link> to(const program_to_attach& program,
                                                      const named_place& how) noexcept {
    const detail::function_place place = read_function_place(program.place);
    char path[path_room];
    const auto file = open_binary(place.path, path);
    if (!file) return file.error();
    growing<u64> found;
    if (is_pattern(place.function)) {
      const auto opened = binary<binary_file>::open(*file);
      if (!opened) return opened.error();
      result<void> added;
      const auto walked = opened->each_function([&](const binary_function& function) {
        if (fits_pattern(function.name, place.function)) added = found.add(&function.offset, 1);
        return added.has_value();
      });
      if (!walked) return walked.error();
      if (!added) return added.error();
      if (found.size() == 0)
        return error{.at = step::find_function, .why = cause::nothing_fits}.about(place.function);
    } else {
      const auto offset = find_in_file(*file, place.function);
      if (!offset) return offset.error();
      if (const auto added = found.add(&*offset, 1); !added) return added.error();
    }
    auto offsets = found.finish();
    if (!offsets) return offsets.error();
    const size_t count = sort_once(offsets->data(), offsets->size());
    const auto cookies = cookies_for(how.cookie, count);
    if (!cookies) return cookies.error();
    return create_user_link<Way>(program,
                                 {.path = path,
                                  .offsets = offsets->data(),
                                  .cookies = cookies->size() != 0 ? cookies->data() : nullptr,
                                  .count = count,
                                  .at_end = AtEnd},
                                 how.process);
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return read_function_place(name).path.empty() ? 0 : place_by_name<Way>::write(name, out, room);
  }
};

}  // namespace detail

/// Where a function of a file begins, by "path:function", "path:function+16" or, in bytes from the start of the file,
/// "path:0x1234". A path without a slash is looked for where distributions put programs and libraries. In all processes
/// that have the file, those that start later too, or in one.
/// Errors: no_such_binary; open_file; not_a_binary, no_function_names, no_such_function with the one most like it,
///         ambiguous_function; those of `open_user_probe`; EINVAL with a cookie where the kernel has none.
/// Cost:   reading the symbols of the file: for libc 2 MiB a millisecond or two.
/// Kernel: 4.17; as a link and with a cookie since 5.15, before that through the event.
/// Source: perf_event_open(2); perf_uprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
template <>
struct place<attach_way::uprobe> : detail::place_of_uprobe<attach_way::uprobe, false> {};
template <>
struct place<attach_way::uretprobe> : detail::place_of_uprobe<attach_way::uretprobe, true> {};

/// Where each function of a file begins that a pattern names: "/usr/lib/libc.so.6:mem*".
/// Errors: nothing_fits; newer_attach_way; as above.
/// Kernel: 6.6; 6.13 for sessions, whose program runs at both ends.
/// Source: bpf_uprobe_multi_link_attach() in kernel/trace/bpf_trace.c at v6.12.
template <>
struct place<attach_way::uprobe_multi> : detail::place_of_many_uprobes<attach_way::uprobe_multi, false> {};
template <>
struct place<attach_way::uretprobe_multi> : detail::place_of_many_uprobes<attach_way::uretprobe_multi, true> {
};
template <>
struct place<attach_way::uprobe_session> : detail::place_of_many_uprobes<attach_way::uprobe_session, false> {
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_UPROBE_HPP
