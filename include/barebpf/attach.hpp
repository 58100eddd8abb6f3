// SPDX-License-Identifier: MIT
// Room 9.12, attach: every way to attach a program. Whoever knows a program's section finds its place in the table of
// room 2.1 and calls it.
#ifndef BAREBPF_ATTACH_HPP
#define BAREBPF_ATTACH_HPP

#include "attach/cgroup.hpp"
#include "attach/functions.hpp"
#include "attach/kprobe.hpp"
#include "attach/network.hpp"
#include "attach/operations.hpp"
#include "attach/socket.hpp"
#include "attach/tracing.hpp"
#include "attach/traffic.hpp"
#include "attach/usdt.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What `look` says of the `place` of a way that only the running program knows.
template <class Look>
constexpr auto ask_place(attach_way way, Look look) noexcept {
  return [&]<size_t... Way>(std::index_sequence<Way...>) {
    decltype(look.template operator()<attach_way::none>()) out{};
    static_cast<void>(((static_cast<size_t>(way) == Way &&
                        (out = look.template operator()<static_cast<attach_way>(Way)>(), true)) ||
                       ...));
    return out;
  }
  (std::make_index_sequence<attach_ways>());
}
template <attach_way Way>
concept has_named_place = requires {
  place<Way>::needs_name;
};

}  // namespace detail

/// Writes what `program_to_attach::place` has to be for `target`, the text behind the prefix of the section.
/// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when `target` names no place.
constexpr size_t write_place(attach_way way, text target, char* out, size_t room) noexcept {
  return detail::ask_place(way, [&]<attach_way Way>() -> size_t {
    if constexpr (detail::has_named_place<Way>)
      return place<Way>::write(target, out, room);
    else
      return place_by_name<Way>::write(target, out, room);
  });
}
/// True when a program cannot be attached in this way unless a name says where.
[[nodiscard]] constexpr bool needs_place(attach_way way) noexcept {
  return detail::ask_place(way, []<attach_way Way>() { return detail::has_named_place<Way>; });
}

/// True when programs that are attached in this way take what `Target` are.
template <attach_way Way, class... Target>
concept attaches_to = requires(const program_to_attach& program, Target&&... target) {
  place<Way>::template attach<load_policy{}>(program, std::forward<Target>(target)...);
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_HPP
