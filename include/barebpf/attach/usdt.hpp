// SPDX-License-Identifier: MIT
// Room 9.6, attach/usdt: programs on trace points that a program or a library brings along.
#ifndef BAREBPF_ATTACH_USDT_HPP
#define BAREBPF_ATTACH_USDT_HPP

#include "../usdt.hpp"
#include "uprobe.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// "path:provider:name"
struct usdt_place {
  text path, provider, name;
};
[[nodiscard]] constexpr usdt_place read_usdt_place(text from) noexcept {
  const text name = from.behind_last(':');
  if (name.size() == 0 || name.size() + 1 >= from.size()) return {};
  const function_place rest = read_function_place({from.data(), from.size() - name.size() - 1});
  return {.path = rest.path, .provider = rest.function, .name = name};
}

// The places of one trace point and where its arguments are at each.
struct usdt_places {
  char path[path_room];
  buffer<u64> offsets, semaphores, cookies;
};

// Puts `wanted`, an element of `size` bytes, into the map of where arguments are, at the first place where there is none
// or this one.
// Shape: its index, or negative errno; -E2BIG when there is no room.
[[nodiscard]] inline long keep_usdt_spec(const fd& map, const u8* wanted, u32 size) noexcept {
  u8 there[usdt_spec::long_size];
  for (u32 index = 0;; ++index) {
    const abi::map_elem look{.map_fd = map.raw(), .key = &index, .value = there};
    long answer = sys_bpf(abi::command::map_lookup_elem, look);
    if (answer == -ENOENT) return -E2BIG;
    if (answer < 0) return answer;
    if (__builtin_memcmp(there, wanted, size) == 0) return static_cast<long>(index);
    if (there[size - 1] != 0) continue;
    const abi::map_elem put{.map_fd = map.raw(), .key = &index, .value = wanted};
    answer = sys_bpf(abi::command::map_update_elem, put);
    return answer < 0 ? answer : static_cast<long>(index);
  }
}

[[nodiscard, gnu::cold]] inline result<void> find_usdt(const program_to_attach& program, barebpf::cookie with,
                                                       usdt_places& out) noexcept {
  const usdt_place place = read_usdt_place(program.place);
  const bool is_short = program.usdt_spec_size == usdt_spec::short_size;
  if (program.usdt_specs == nullptr || (!is_short && program.usdt_spec_size != usdt_spec::long_size))
    return error{.at = step::find_usdt, .why = cause::no_usdt_specs}.about(program.subject);
  const auto file = open_binary(place.path, out.path);
  if (!file) return file.error();
  const auto opened = binary<binary_file>::open(*file);
  if (!opened) return opened.error();
  growing<u64> offsets, semaphores, cookies;
  nearest_name nearest(place.name);
  result<void> kept;
  const auto keep = [&](const usdt_site& site) -> result<void> {
    usdt_spec spec;
    if (!spec.read(site.arguments, opened->machine()))
      return error{.at = step::find_usdt, .why = cause::unknown_usdt_argument}.about(site.arguments);
    spec.cookie = with.value;
    u8 element[usdt_spec::long_size];
    spec.write(element, program.usdt_spec_size);
    const long index = keep_usdt_spec(*program.usdt_specs, element, program.usdt_spec_size);
    if (index < 0) return failure(step::keep_usdt, index);
    const auto number = static_cast<u64>(index);
    const auto a = offsets.add(&site.offset, 1), b = semaphores.add(&site.semaphore, 1),
               c = cookies.add(&number, 1);
    return !a ? a : !b ? b : c;
  };
  const auto walked = each_usdt(*opened, [&](const usdt_site& site) {
    if (site.provider == place.provider) nearest.see(site.name);
    if (site.provider == place.provider && site.name == place.name) kept = keep(site);
    return kept.has_value();
  });
  if (!walked) return walked;
  if (!kept) return kept;
  if (offsets.size() == 0)
    return error{.at = step::find_usdt, .why = cause::no_such_usdt}.about_like(place.name, nearest.found());
  auto all_offsets = offsets.finish(), all_semaphores = semaphores.finish(), all_cookies = cookies.finish();
  for (const auto* all : {&all_offsets, &all_semaphores, &all_cookies})
    if (!*all) return all->error();
  out.offsets = std::move(*all_offsets);
  out.semaphores = std::move(*all_semaphores);
  out.cookies = std::move(*all_cookies);
  return {};
}

}  // namespace detail

/// A trace point of a file, by "path:provider:name"; a path without a slash is looked for as for uprobes. Its program
/// finds the arguments with BPF_USDT, or bpf_usdt_arg(), of <bpf/usdt.bpf.h>.
/// Shape:   a link where the kernel has one for all places of a trace point (6.6), or where there is one place; for what
///          is given as `named_place` an attachment, which holds as many links as there are places.
/// Errors:  no_usdt_specs for an object that does not include that header; no_such_usdt, with the name most like it;
///          unknown_usdt_argument; several_places; keep_usdt with E2BIG when the map `__bpf_usdt_specs` is full; those of
///          uprobes.
/// Threads: one thread at a time for the programs of one object.
/// Kernel:  5.15, for its cookies.
template <>
struct place<attach_way::usdt> : place_by_name<attach_way::usdt, attachment> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return attach<Policy>(program, barebpf::cookie{});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cookie with) noexcept {
    detail::usdt_places found;
    if (const auto looked = detail::find_usdt(program, with, found); !looked) return looked.error();
    auto all = at_once(program, found, -1);
    if (all || !is_older(all.error())) return all;
    if (found.offsets.size() != 1)
      return error{.at = step::link_create, .why = cause::several_places}.about(program.subject);
    return at_one<Policy>(program, found, 0, -1);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 const named_place& where) noexcept {
    return place_by_name::attach<Policy>(program, where);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<attachment> to(const program_to_attach& program,
                                             const named_place& how) noexcept {
    detail::usdt_places found;
    if (const auto looked = detail::find_usdt(program, how.cookie, found); !looked) return looked.error();
    auto all = at_once(program, found, how.process);
    if (all) return attachment::of(std::move(*all));
    if (!is_older(all.error())) return all.error();
    auto links = buffer<link>::of(found.offsets.size());
    if (!links) return links.error();
    for (size_t i = 0; i < links->size(); ++i) {
      auto one = at_one<Policy>(program, found, i, how.process);
      if (!one) return one.error();
      (*links)[i] = std::move(*one);
    }
    return attachment::of(std::move(*links));
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return detail::read_usdt_place(name).path.empty() ? 0 : place_by_name::write(name, out, room);
  }

 private:
  // What kernels say that have no links of many uprobes.
  [[nodiscard]] static bool is_older(const error& why) noexcept {
    return why.at == step::link_create && why.code == EINVAL;
  }
  [[nodiscard]] static result<link> at_once(const program_to_attach& program,
                                            const detail::usdt_places& found, int process) noexcept {
    bool has_semaphores = false;
    for (const u64 semaphore : found.semaphores) has_semaphores = has_semaphores || semaphore != 0;
    return detail::create_user_link<attach_way::usdt>(
        program,
        {.path = found.path,
         .offsets = found.offsets.data(),
         .semaphores = has_semaphores ? found.semaphores.data() : nullptr,
         .cookies = found.cookies.data(),
         .count = found.offsets.size()},
        process);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> at_one(const program_to_attach& program, const detail::usdt_places& found,
                                           size_t i, int process) noexcept {
    return detail::attach_to_user_probe<Policy>(
        program, found.path, found.offsets[i], false, found.semaphores[i],
        named_place{.cookie = {found.cookies[i]}, .process = process});
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_USDT_HPP
