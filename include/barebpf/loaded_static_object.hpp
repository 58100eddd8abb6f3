// SPDX-License-Identifier: MIT
// Room 10.5, loaded_static_object: what became of an object that the compiler has read: its maps, variables and programs, by
// names that the compiler looks for.
#ifndef BAREBPF_LOADED_STATIC_OBJECT_HPP
#define BAREBPF_LOADED_STATIC_OBJECT_HPP

#include "attach.hpp"
#include "map/arena.hpp"
#include "map/map.hpp"
#include "static_operations.hpp"
#include "static_parts.hpp"
#include "static_spec.hpp"
#include "struct_value.hpp"
#include "type_check.hpp"
#include "variable.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What `attach_all` attached.
template <u32 Count>
struct all_attachments {
  attachment list[detail::at_least_one(Count)];
};

namespace detail {

// The structs of functions of an object in the form that the kernel has for them; nothing where it has none.
template <u32 Count>
struct values_of_operations {
  buffer<u8> list[Count];
};
template <>
struct values_of_operations<0> {};

}  // namespace detail

/// The maps and programs of a static_object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them.
template <const auto& Image, load_policy Policy>
class loaded_static_object {
  using spec = static_spec<Image>;
  using operations = static_operations<spec>;

 public:
  /// The map called `Name`, with C++ types for its keys and values. One that was left out says EBADF to everything.
  /// Errors:   none at run time. A name that the object does not have, or a type that does not fit it, does
  ///           not compile. Of a struct of functions only the kernel that runs knows the size, so there it is a result:
  ///           wrong_value_size, map_left_out.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name, class Key, class Value>
  [[nodiscard]] auto map() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr bool is_operations = is_of_operations(index);
    constexpr map_spec found = as_asked<Value>(index);
    using key = detail::asked_type<spec, type_role::key, Name, found.key_type, Key>;
    using value = detail::asked_type<spec, type_role::value, Name, found.value_type, Value>;
    constexpr bool agrees = key::agrees && value::agrees;
    constexpr cause fault = index == not_found ? cause::no_such_map
                            : agrees           ? compare_types<Key, Value>(found)
                                               : cause::none;
    static_assert(object_check<fault, found.declared_at, ".maps", barebpf::name<48>::cut(Name)>::made);
    // After a fault any type will do: one error is enough.
    constexpr map_type type = fault == cause::none ? static_cast<map_type>(found.type) : map_type::hash;
    constexpr u32 known = index == not_found ? 0 : index;
    using typed = barebpf::map<type, Key, Value>;
    if constexpr (is_operations) {
      const cause why = !maps_[known].is_open()                        ? cause::map_left_out
                        : value_of<known>().size() != found.value_size ? cause::wrong_value_size
                                                                       : cause::none;
      if (why != cause::none) return result<typed>(missing(why, Name));
      return result<typed>(typed(untyped_map::borrow(maps_[known].number(), to_kernel_name(Name))));
    } else
      return typed(untyped_map::borrow(maps_[known].number(), to_kernel_name(Name)));
  }

  /// The same without a word on types: the C++ types of key and value are made of those in the object, see `object_type`:
  /// `loaded->map<"flows">().lookup_elem(key)->get<"packets">()`. Of what the object gives only the size, the key of an
  /// array is a number and everything else a `row` of bytes.
  /// Errors: as above; a map whose values go in as one thing and come out as another does not compile, and neither does a
  ///         struct of functions.
  template <name Name>
  [[nodiscard]] auto map() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr map_spec found = index == not_found ? map_spec{} : spec::map(index);
    constexpr map_kind kind = kind_of(static_cast<map_type>(found.type));
    constexpr bool is_plain = kind.value == value_rule::plain || kind.value == value_rule::per_cpu ||
                              kind.value == value_rule::none || kind.value == value_rule::kernel_type;
    constexpr cause fault = index == not_found        ? cause::no_such_map
                            : is_of_operations(index) ? cause::needs_kernel_type
                            : is_plain                ? cause::none
                                                      : cause::needs_value_type;
    static_assert(object_check<fault, found.declared_at, ".maps", barebpf::name<48>::cut(Name)>::made);
    using key = detail::element_type<spec, kind.key == key_rule::none, kind.key == key_rule::index,
                                     found.key_type, found.key_size>;
    using value = detail::element_type<spec, kind.value == value_rule::none, false, found.value_type,
                                       found.value_size, no_value>;
    constexpr map_type type = fault == cause::none ? static_cast<map_type>(found.type) : map_type::hash;
    constexpr u32 known = index == not_found ? 0 : index;
    return barebpf::map<type, key, value>(untyped_map::borrow(maps_[known].number(), to_kernel_name(Name)));
  }

  /// These do not compile, and say what is missing.
  template <name Name, class OnlyOne>
  void map() const noexcept {
    static_assert(sizeof(OnlyOne) == 0,
                  "barebpf: a map has a key and a value, so give the types of both, or none to have those of "
                  "the object");
  }
  template <class Text>
  void map(const Text&) const noexcept {
    static_assert(sizeof(Text) == 0,
                  "barebpf: the compiler looks for the names of a static_object, so give them in angle "
                  "brackets: map<\"name\">()");
  }
  template <class Text>
  void attach_struct_ops(const Text&) const noexcept {
    static_assert(sizeof(Text) == 0,
                  "barebpf: the compiler looks for the names of a static_object, so give them in angle "
                  "brackets: attach_struct_ops<\"name\">()");
  }
  template <class Text, class... Target>
  void attach(const Text&, Target&&...) const noexcept {
    static_assert(sizeof(Text) == 0,
                  "barebpf: the compiler looks for the names of a static_object, so give them in angle "
                  "brackets: attach<\"name\">()");
  }

  /// The descriptor of the map called `Name`, whatever its type; not open when the map was left out.
  /// Errors:   none at run time. A name that the object does not have does not compile.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name>
  [[nodiscard]] const fd& map_descriptor() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr cause fault = index == not_found ? cause::no_such_map : cause::none;
    static_assert(object_check<fault, 0, ".maps", barebpf::name<48>::cut(Name)>::made);
    return maps_[index == not_found ? 0 : index];
  }

  /// The global variable called `Name` as memory, shared with the programs: `*loaded->variable<"count", long>()`.
  /// Errors: ENOMEM and its like of mmap(2). A name that the object does not have, a type that does not fit, a
  ///         constant by a type that is not const, or a static variable in a section of none but static ones,
  ///         does not compile.
  /// Cost:   one system call, and one when it goes; none for each access. Who needs it often keeps it.
  /// Kernel: 5.5.
  template <name Name, class T>
  [[nodiscard]] result<mapped_variable<T>> variable() const noexcept {
    using asked = detail::asked_variable<spec, Name, T>;
    constexpr cause fault = asked::fault(can_be_seen_as<T>(asked::holder, asked::found));
    static_assert(object_check<fault, asked::found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
    return map_variable<T>(maps_[asked::found.map], asked::found, asked::holder.value_size, Name);
  }

  /// The same with the type that the object has for it, const where the programs declare it so:
  /// `**loaded->variable<"count">()`.
  template <name Name>
  [[nodiscard]] auto variable() const noexcept {
    constexpr u32 index = spec::find_variable(Name);
    constexpr cause fault = index == not_found ? cause::no_such_variable : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    constexpr variable_spec found = spec::variable(index == not_found ? 0 : index);
    using type = object_type<spec, found.type>;
    return variable<Name, std::conditional_t<spec::map(found.map).is_frozen(), const type, type>>();
  }

  /// The global variable called `Name` that the programs declare with __arena, in the memory of the arena, mapped whole
  /// by `map_arena`.
  /// Errors:   none at run time. A name that the object does not have, a type that does not fit it, or a variable that
  ///           lies elsewhere does not compile.
  /// Lifetime: valid as long as `arena`.
  template <name Name, class T>
  [[nodiscard]] T& variable(const mapped_arena& arena) const noexcept {
    using asked = detail::asked_variable<spec, Name, T>;
    constexpr cause fault =
        asked::fault(asked::holder.is_for_variables() ? cause::not_in_arena : compare_types<T>(asked::found));
    static_assert(object_check<fault, asked::found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
    return arena.at<T>(asked::found.offset);
  }

  /// Attaches the program called `Name` where the name of its section says, and to `target` if that leaves it open:
  /// `loaded->attach<"filter">(interface{.index = 2})`. The rooms from 9.2 to 9.11 have what each `attach_way` takes.
  /// Shape:  result<link>; result<attachment> for sockets, maps of sockets, filters of tc and routes, and for a trace
  ///         point of a file that is given as `named_place`.
  /// Errors: those of the `place`. A name that the object does not have, a section that does not tell where to attach,
  ///         or a target of another kind does not compile.
  template <name Name, class... Target>
  [[nodiscard]] auto attach(Target&&... target) const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr u32 known = index == not_found ? 0 : index;
    constexpr attach_way way = spec::program(known).kind.attach;
    constexpr abi::attach_type attach_type = spec::program(known).kind.attach_type;
    constexpr bool fits = attaches_to<way, Target...>;
    constexpr bool is_named = (detail::names_place<std::remove_cvref_t<Target>> || ...);
    constexpr bool lacks_place = needs_place(way) && place_length<known> == 0 && !is_named;
    constexpr cause fault = index == not_found ? cause::no_such_program
                            : !fits            ? place<way>::wants
                            : lacks_place      ? cause::not_attachable
                                               : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    if constexpr (fits) {
      program_to_attach program{programs_[known],
                                Name.characters,
                                place_name<known>.characters,
                                attach_type,
                                spec::program(known).kind.type,
                                spec::program(known).kind.since};
      if constexpr (constexpr u32 specs = spec::find_map(usdt_spec::map_name);
                    way == attach_way::usdt && specs != not_found) {
        program.usdt_specs = &maps_[specs];
        program.usdt_spec_size = spec::map(specs).value_size;
      }
      using attached =
          decltype(place<way>::template attach<Policy>(program, std::forward<Target>(target)...));
      if constexpr (spec::program(known).is_optional)
        if (!programs_[known].is_open())
          return attached(error{.at = step::find, .why = cause::not_loaded}.about(Name));
      return place<way>::template attach<Policy>(program, std::forward<Target>(target)...);
    } else  // one error is enough
      return result<link>(error{});
  }

  /// Hands the struct called `Name`, a variable in .struct_ops or .struct_ops.link, to the kernel, which calls the
  /// programs in it from then on: `auto reno = loaded->attach_struct_ops<"my_reno">()`.
  /// Shape:  with a link if the struct lies in .struct_ops.link; otherwise what was registered is taken back when the
  ///         attachment goes, and cannot be registered again. Who uses it then keeps it until he ends: a TCP connection
  ///         its congestion control.
  /// Errors: map_left_out; step register_operations with what the kernel says: EEXIST, EINVAL, EBUSY. About the struct's
  ///         name. One that the object does not have does not compile.
  /// Kernel: 5.6; with a link 6.4.
  template <name Name>
  [[nodiscard]] result<attachment> attach_struct_ops() const noexcept {
    using asked = asked_operations<Name, false>;
    static_assert(object_check<asked::fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    if constexpr (asked::fault == cause::none) {
      if (!maps_[asked::index].is_open()) return missing(cause::map_left_out, Name);
      return place<attach_way::struct_ops>::attach_map(maps_[asked::index], value_of<asked::index>().data(),
                                                       asked::is_linked, Name);
    } else  // one error is enough
      return error{};
  }
  /// Puts the struct called `Name` in the place of the one that `attached` stands for, without a moment between them.
  /// Errors: as above; operations_not_linked where `attached` has no link; EINVAL when the two differ in kind or in the
  ///         name that they give. A struct that is not in .struct_ops.link does not compile.
  /// Kernel: 6.4.
  template <name Name>
  [[nodiscard]] result<void> update_struct_ops(const attachment& attached) const noexcept {
    using asked = asked_operations<Name, true>;
    static_assert(object_check<asked::fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    if constexpr (asked::fault == cause::none) {
      if (!maps_[asked::index].is_open()) return missing(cause::map_left_out, Name);
      return place<attach_way::struct_ops>::update(attached, maps_[asked::index],
                                                   value_of<asked::index>().data(), Name);
    } else
      return error{};
  }

  /// Attaches every program whose section says where, and every struct of functions; programs that need more are for
  /// `attach` by name, and what was left out stays so.
  /// Shape:  one attachment for each program of the object, at its index, and behind them one for each struct in the order
  ///         of their maps; of nothing for what was not attached.
  /// Errors: of the first `place` that does not take its program or struct, about its name; those before it are given
  ///         back.
  [[nodiscard]] result<all_attachments<spec::program_count + operations::struct_count>> attach_all()
      const noexcept {
    result<all_attachments<spec::program_count + operations::struct_count>> out(std::in_place);
    bool is_good = true;
    each_program<spec>([&](auto program) {
      constexpr attach_way way = program.spec.kind.attach;
      if constexpr (attaches_to<way> && (!needs_place(way) || place_length<program.index> != 0))
        if (is_good && programs_[program.index].is_open()) {
          auto one = this->template attach<program.name>();
          is_good = one.has_value();
          if (!is_good)
            out.fail_with([&one] { return one.error(); });
          else if constexpr (std::is_same_v<decltype(one), result<link>>)
            out->list[program.index] = attachment::of(std::move(*one));
          else
            out->list[program.index] = std::move(*one);
        }
    });
    if constexpr (operations::struct_count != 0)
      each_map<spec>([&](auto map) {
        if constexpr (map.spec.origin == map_origin::operations)
          if (is_good && maps_[map.index].is_open()) {
            auto one = this->template attach_struct_ops<map.name>();
            is_good = one.has_value();
            if (is_good)
              out->list[spec::program_count + map.index - operations::first_map] = std::move(*one);
            else
              out.fail_with([&one] { return one.error(); });
          }
      });
    return out;
  }

  /// The program called `Name`.
  /// Shape:    not open when the program was left out.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name>
  [[nodiscard]] const fd& program() const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr cause fault = index == not_found ? cause::no_such_program : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return programs_[index == not_found ? 0 : index];
  }

 private:
  template <const auto&>
  friend class static_object;

  // What the section of a program says of where to attach it.
  template <u32 Index>
  static constexpr text place_text = [] {
    if constexpr (spec::program(Index).place != 0) {
      constexpr auto& whole = spec::template string<spec::program(Index).place>;
      return text(whole.characters);
    } else {
      return text();
    }
  }();
  template <u32 Index>
  static constexpr size_t place_length = write_place(spec::program(Index).kind.attach, place_text<Index>,
                                                     nullptr, 0);
  template <u32 Index>
  static constexpr auto place_name = [] {
    barebpf::name<place_length<Index> + 1> out;
    write_place(spec::program(Index).kind.attach, place_text<Index>, out.characters, sizeof out.characters);
    return out;
  }();

  [[nodiscard]] static constexpr bool is_of_operations(u32 map) noexcept {
    return map != not_found && spec::map(map).origin == map_origin::operations;
  }
  // The map as it is to somebody who asks for values of that type.
  template <class Value>
  [[nodiscard]] static constexpr map_spec as_asked(u32 map) noexcept {
    map_spec out = map == not_found ? map_spec{} : spec::map(map);
    if (is_of_operations(map)) {
      out.value_type = 0;
      out.value_size = static_cast<u32>(value_size_of<Value>);
    }
    return out;
  }
  template <name Name, bool NeedsLink>
  struct asked_operations {
    static constexpr u32 index = spec::find_map(Name);
    static constexpr bool is_linked =
        index != not_found && (spec::map(index).map_flags & map_flag::link) != 0;
    static constexpr cause fault = index == not_found         ? cause::no_such_map
                                   : !is_of_operations(index) ? cause::not_operations
                                   : NeedsLink && !is_linked  ? cause::operations_not_linked
                                                              : cause::none;
  };
  template <u32 Map>
  [[nodiscard]] const buffer<u8>& value_of() const noexcept {
    return values_.list[Map - operations::first_map];
  }
  [[nodiscard, gnu::cold]] static error missing(cause why, text wanted) noexcept {
    return error{.at = step::find, .why = why}.about(wanted);
  }

  fd maps_[detail::at_least_one(spec::map_count)];
  fd programs_[detail::at_least_one(spec::program_count)];
  [[no_unique_address]] detail::values_of_operations<operations::struct_count> values_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOADED_STATIC_OBJECT_HPP
