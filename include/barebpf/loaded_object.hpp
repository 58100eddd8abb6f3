// SPDX-License-Identifier: MIT
// Room 10.7, loaded_object: what became of an object that was read while the program runs: its maps, variables and
// programs, found by their names.
#ifndef BAREBPF_LOADED_OBJECT_HPP
#define BAREBPF_LOADED_OBJECT_HPP

#include "attach.hpp"
#include "map/arena.hpp"
#include "map/dynamic.hpp"
#include "map/map.hpp"
#include "spec/record.hpp"
#include "variable.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What the ways give that take these: a link, or an attachment where one of them has none.
template <attach_way Way, class Attached, class... Target>
concept attaches_as = requires(const program_to_attach& program, Target&&... target) {
  {
    place<Way>::template attach<load_policy{}>(program, std::forward<Target>(target)...)
    } -> std::same_as<result<Attached>>;
};
template <class Ways, class... Target>
struct attached_by_any;
template <size_t... Way, class... Target>
struct attached_by_any<std::index_sequence<Way...>, Target...> {
  static constexpr bool has_no_link =
      (attaches_as<static_cast<attach_way>(Way), attachment, Target...> || ...);
  using type = std::conditional_t<has_no_link, attachment, link>;
};
template <class... Target>
using attached_by = typename attached_by_any<std::make_index_sequence<attach_ways>, Target...>::type;

// Attaches in the one way, or says what that one wants.
template <load_policy Policy, class Attached, attach_way Way, class... Target>
[[nodiscard]] result<Attached> attach_in(const program_to_attach& program, Target&&... target) noexcept {
  if constexpr (attaches_as<Way, Attached, Target...>)
    return place<Way>::template attach<Policy>(program, std::forward<Target>(target)...);
  else if constexpr (attaches_as<Way, link, Target...>)
    return place<Way>::template attach<Policy>(program, std::forward<Target>(target)...)
        .transform([](link&& one) { return attachment::of(std::move(one)); });
  else
    return error{.at = step::find, .why = place<Way>::wants}.about(program.subject);
}
// The same, when only the running program knows the way.
template <load_policy Policy, class Attached, class... Target>
[[nodiscard]] result<Attached> attach_by(attach_way wanted, const program_to_attach& program,
                                         Target&&... target) noexcept {
  return [&]<size_t... Way>(std::index_sequence<Way...>) {
    using attach_in_way = result<Attached> (*)(const program_to_attach&, Target&&...) noexcept;
    constexpr attach_in_way ways[] = {
        &attach_in<Policy, Attached, static_cast<attach_way>(Way), Target...>...};
    return ways[static_cast<size_t>(wanted)](program, std::forward<Target>(target)...);
  }
  (std::make_index_sequence<attach_ways>());
}

}  // namespace detail

/// The maps and programs of an object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them; it needs
///           the object that it was loaded from no longer.
class loaded_object {
 public:
  /// The map called `wanted`, as the typed map `Map`: `loaded->map<barebpf::hash_map<int, long>>("hits")`.
  /// Errors:   no_such_map, wrong_map_type, wrong_key_size and its siblings, map_left_out, about the map's name; where the
  ///           types were loaded, see `load_policy`, other_offset and its siblings, about a member: "flows:value.packets".
  /// Lifetime: borrowed: valid as long as this object.
  template <class Map>
  [[nodiscard]] result<Map> map(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted, maps_);
    using key = typename Map::key_type;
    using value = typename Map::mapped_type;
    if (const auto agreed = agree<key>(found->spec.key_type, "key", wanted); !agreed) return agreed.error();
    if (const auto agreed = agree<value>(found->spec.value_type, "value", wanted); !agreed)
      return agreed.error();
    cause fault = compare_types<key, value>(found->spec);
    if (found->spec.type != static_cast<u32>(Map::type)) fault = cause::wrong_map_type;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted, ".maps");
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return Map(untyped_map::borrow(found->descriptor.number(), to_kernel_name(wanted)));
  }

  /// The same without a word on types: keys and values have the members that the object's types tell:
  /// `loaded->map("flows")->lookup_elem(key)->get<u64>("packets")`.
  /// Errors:   no_such_map, map_left_out; no_types_loaded where the policy leaves them out. About the map's name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<dynamic_map> map(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted, maps_);
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    const map_spec& spec = found->spec;
    if (types_.count() == 0) return missing(cause::no_types_loaded, wanted);
    return dynamic_map(untyped_map::borrow(found->descriptor.number(), to_kernel_name(wanted)), types_,
                       {spec.type, spec.key_size, spec.value_size, spec.key_type, spec.value_type});
  }

  /// The descriptor of the map called `wanted`, whatever its type.
  /// Errors:   no_such_map, map_left_out, about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> map_descriptor(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted, maps_);
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return &found->descriptor;
  }

  /// The global variable called `wanted` as memory, shared with the programs.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign, constant_variable for a constant by a type
  ///         that is not const, hidden_variable; map_left_out; ENOMEM and its like of mmap(2).
  /// Cost:   one system call, and one when it goes; none for each access. Who needs it often keeps it.
  /// Kernel: 5.5.
  template <class T>
  [[nodiscard]] result<mapped_variable<T>> variable(text wanted) const noexcept {
    const loaded_variable* const found = find(variables_, wanted);
    if (found == nullptr) return missing(cause::no_such_variable, wanted, variables_);
    if (const auto agreed = agree<std::remove_cv_t<T>>(found->spec.type, "", wanted); !agreed)
      return agreed.error();
    const loaded_map& holder = maps_[found->spec.map];
    if (const cause fault = can_be_seen_as<T>(holder.spec, found->spec); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
    if (!holder.descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return map_variable<T>(holder.descriptor, found->spec, holder.spec.value_size, wanted);
  }

  /// The global variable called `wanted` that the programs declare with __arena, in the memory of the arena, mapped by
  /// `map_arena`.
  /// Errors:   no_such_variable, wrong_variable_size, wrong_variable_sign; not_in_arena for a variable that lies
  ///           elsewhere; about the variable's name.
  /// Lifetime: valid as long as `arena`.
  template <class T>
  [[nodiscard]] result<T*> variable(text wanted, const mapped_arena& arena) const noexcept {
    const loaded_variable* const found = find(variables_, wanted);
    if (found == nullptr) return missing(cause::no_such_variable, wanted, variables_);
    if (const auto agreed = agree<std::remove_cv_t<T>>(found->spec.type, "", wanted); !agreed)
      return agreed.error();
    cause fault = compare_types<T>(found->spec);
    if (maps_[found->spec.map].spec.is_for_variables() || found->spec.offset + sizeof(T) > arena.size())
      fault = cause::not_in_arena;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
    return &arena.at<T>(found->spec.offset);
  }

  /// Attaches the program called `wanted` where the name of its section says, and to `target` if that leaves it open:
  /// `loaded->attach("filter", interface{.index = 2})`. The rooms from 9.2 to 9.11 have what each `attach_way` takes.
  /// Shape:  result<link>; result<attachment> for what may have no link or several: sockets, maps of sockets, filters of
  ///         tc, routes, and a `named_place`.
  /// Errors: no_such_program, not_loaded, not_attachable, needs_interface and its siblings where the target is of another kind, and
  ///         those of the `place`; about the program's name.
  template <load_policy Policy = load_policy{}, class... Target>
  [[nodiscard]] auto attach(text wanted, Target&&... target) const noexcept {
    using attached = detail::attached_by<Target...>;
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return result<attached>(missing(cause::no_such_program, wanted, programs_));
    if (!found->descriptor.is_open()) return result<attached>(missing(cause::not_loaded, wanted));
    // What else is given is wrong, and `attach_by` says so.
    constexpr bool is_by_section = (std::is_same_v<std::remove_cvref_t<Target>, cookie> && ...);
    char where[place_by_name<attach_way::none>::name_room];
    const size_t length = write_place(found->kind.attach, name_at(found->place), where, sizeof where);
    if (is_by_section && (length >= sizeof where || (length == 0 && needs_place(found->kind.attach))))
      return result<attached>(missing(cause::not_attachable, wanted));
    const auto subject = barebpf::name<error::name_size>::cut(wanted);
    program_to_attach program{found->descriptor,       subject.characters, where,
                              found->kind.attach_type, found->kind.type,   found->kind.since};
    if (const loaded_map* const specs = find(maps_, usdt_spec::map_name); specs != nullptr) {
      program.usdt_specs = &specs->descriptor;
      program.usdt_spec_size = specs->spec.value_size;
    }
    auto out =
        detail::attach_by<Policy, attached>(found->kind.attach, program, std::forward<Target>(target)...);
    if (!out && is_by_section)
      return result<attached>(detail::with_nearest_tracepoint(out.error(), program.place));
    return out;
  }

  /// Hands the struct called `wanted`, a variable in .struct_ops or .struct_ops.link, to the kernel, which calls the
  /// programs in it from then on: `auto reno = loaded->attach_struct_ops("my_reno")`.
  /// Shape:  with a link if the struct lies in .struct_ops.link; otherwise what was registered is taken back when the
  ///         attachment goes, and cannot be registered again. Who uses it then keeps it until he ends: a TCP connection
  ///         its congestion control.
  /// Errors: no_such_map, not_operations, map_left_out; step register_operations with what the kernel says:
  ///         EEXIST, EINVAL, EBUSY. About the struct's name.
  /// Kernel: 5.6; with a link 6.4.
  [[nodiscard]] result<attachment> attach_struct_ops(text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    return place<attach_way::struct_ops>::attach_map((*found)->descriptor, (*found)->value.data(),
                                                     is_linked(**found), wanted);
  }
  /// Puts the struct called `wanted` in the place of the one that `attached` stands for, without a moment between them.
  /// Errors: as above; operations_not_linked; EINVAL when the two differ in kind or in the name that they give.
  /// Kernel: 6.4.
  [[nodiscard]] result<void> update_struct_ops(const attachment& attached, text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    if (!is_linked(**found)) return missing(cause::operations_not_linked, wanted);
    return place<attach_way::struct_ops>::update(attached, (*found)->descriptor, (*found)->value.data(),
                                                 wanted);
  }

  /// The program called `wanted`.
  /// Errors:   no_such_program, not_loaded for one that was left out; about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> program(text wanted) const noexcept {
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return missing(cause::no_such_program, wanted, programs_);
    if (!found->descriptor.is_open()) return missing(cause::not_loaded, wanted);
    return &found->descriptor;
  }

 private:
  friend class object;

  struct extent {
    size_t at = 0, size = 0;
  };
  struct loaded_map {
    fd descriptor;
    map_spec spec;
    extent name;
    buffer<u8>
        value;  // of operations: the struct in the kernel's form, with descriptors in the place of programs
  };
  struct loaded_variable {
    variable_spec spec;
    extent name;
  };
  struct loaded_program {
    fd descriptor;
    section_kind kind;
    extent name;
    extent place;  // what the section names behind its prefix
  };
  [[nodiscard]] text name_at(extent where) const noexcept { return {names_.data() + where.at, where.size}; }
  template <class Loaded>
  [[nodiscard]] const Loaded* find(const buffer<Loaded>& list, text wanted) const noexcept {
    for (const Loaded& candidate : list)
      if (name_at(candidate.name) == wanted) return &candidate;
    return nullptr;
  }
  [[nodiscard]] static error missing(cause why, text wanted) noexcept {
    return error{.at = step::find, .why = why}.about(wanted);
  }
  // The same of a name that none of `list` has, with the one that is most like it.
  template <class Loaded>
  [[nodiscard]] error missing(cause why, text wanted, const buffer<Loaded>& list) const noexcept {
    nearest_name nearest(wanted);
    for (const Loaded& candidate : list) nearest.see(name_at(candidate.name));
    return error{.at = step::find, .why = why}.about_like(wanted, nearest.found());
  }
  [[nodiscard]] result<const loaded_map*> operations(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted, maps_);
    if (found->spec.origin != map_origin::operations) return missing(cause::not_operations, wanted);
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return found;
  }
  [[nodiscard]] static bool is_linked(const loaded_map& map) noexcept {
    return (map.spec.map_flags & map_flag::link) != 0;
  }

  // Takes what was loaded of the object's types, and the ids that maps and variables have among them.
  // Errors: ENOMEM.
  [[nodiscard]] result<void> keep_types(buffer<u32> types, u32 size, const buffer<u32>& ids) noexcept {
    size_t next = 0;
    const auto id = [&] { return ids.size() == 0 ? 0 : ids[next++]; };
    for (loaded_map& map : maps_) {
      map.spec.key_type = id();
      map.spec.value_type = id();
    }
    for (loaded_variable& variable : variables_) variable.spec.type = id();
    if (ids.size() == 0) return {};
    types_image_ = std::move(types);
    bytes image(reinterpret_cast<const unsigned char*>(types_image_.data()), size);
    if constexpr (host_is_big_endian) image.read_big_endian();
    if (const verdict v = btf::open(image, 0, size, types_); v.failed())
      return error{.at = step::btf_load, .why = v.why, .offset = v.offset};
    auto index = buffer<u32>::of(types_.index_size());
    if (!index) return index.error();
    types_index_ = std::move(*index);
    types_.build_index(types_index_.data());
    return {};
  }
  // Whether T has the members of the type with this id, as far as that was loaded.
  template <class T>
  [[nodiscard]] result<void> agree(u32 id, text role, text wanted) const noexcept {
    if constexpr (detail::has_members_to_compare<T>)
      if (id != 0) return agree(id, layout_of<T>, role, wanted);
    return {};
  }
  [[nodiscard]] result<void> agree(u32 id, const layout& cxx, text role, text wanted) const noexcept {
    const layout_difference found = first_difference(types_, id, cxx);
    if (found.why == cause::none) return {};
    char path[error::name_size];
    detail::text_writer out(path, sizeof path);
    const bool has_member = !text(found.member).empty();
    out << role << (has_member && !role.empty() ? text(".") : text()) << found.member;
    return error{.at = step::find, .why = found.why}.about(out.finish(), wanted);
  }

  buffer<char> names_;
  buffer<u32> types_image_, types_index_;
  btf types_;  // those that were loaded, or none
  buffer<loaded_map> maps_;
  buffer<loaded_variable> variables_;
  buffer<loaded_program> programs_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOADED_OBJECT_HPP
