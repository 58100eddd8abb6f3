// SPDX-License-Identifier: MIT
// Room 10.4, variable: global variables of programs as memory of this process.
#ifndef BAREBPF_VARIABLE_HPP
#define BAREBPF_VARIABLE_HPP

#include "fd.hpp"
#include "map/memory.hpp"
#include "type_check.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A global variable of the programs, as memory that is shared with them.
/// Lifetime: unmapped with this object; it keeps the variables alive by itself. Moving empties the source.
/// Threads:  programs write at any time, so whoever needs more than one word must agree with them on how.
template <class T>
class mapped_variable {
 public:
  mapped_variable(detail::mapping section, size_t offset) noexcept
      : section_(std::move(section)), offset_(offset) {}

  [[nodiscard]] T* get() const noexcept { return reinterpret_cast<T*>(section_.data() + offset_); }
  [[nodiscard]] T& operator*() const noexcept { return *get(); }
  [[nodiscard]] T* operator->() const noexcept { return get(); }

 private:
  detail::mapping section_;
  size_t offset_;
};

/// What hinders `variable` of the map `holder` from being seen as a `T` once it is loaded; `none` when nothing does.
template <class T>
[[nodiscard]] constexpr cause can_be_seen_as(const map_spec& holder, const variable_spec& variable) noexcept {
  if (const cause fault = compare_types<T>(variable); fault != cause::none) return fault;
  if (!holder.is_for_variables()) return cause::lies_in_arena;
  if ((holder.map_flags & map_flag::mmapable) == 0) return cause::hidden_variable;
  return holder.is_frozen() && !std::is_const_v<T> ? cause::constant_variable : cause::none;
}
/// What hinders `variable` of the map `holder` from being set as a `T` before it is loaded.
template <class T>
[[nodiscard]] constexpr cause can_be_set_as(const map_spec& holder, const variable_spec& variable) noexcept {
  if (!holder.is_for_variables()) return cause::lies_in_arena;
  if (!holder.has_data()) return cause::kernel_decides;
  return compare_types<T>(variable);
}

/// Maps the section of `value_size` bytes that `holder` keeps, for one variable in it.
template <class T>
[[nodiscard]] result<mapped_variable<T>> map_variable(const fd& holder, const variable_spec& variable,
                                                      u32 value_size, text name) noexcept {
  detail::mapping section;
  if (const long answer =
          section.fill(holder.number(), mapped_values<unsigned char>::size_of(value_size),
                       std::is_const_v<T> ? detail::mapping::readable : detail::mapping::writable);
      answer < 0)
    return failure(step::map_memory, answer).about(name);
  return mapped_variable<T>(std::move(section), variable.offset);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_VARIABLE_HPP
