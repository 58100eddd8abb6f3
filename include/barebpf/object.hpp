// SPDX-License-Identifier: MIT
// Room 10.3, object: an object that is read and made real while the program runs.
#ifndef BAREBPF_OBJECT_HPP
#define BAREBPF_OBJECT_HPP

#include "attach.hpp"
#include "file.hpp"
#include "load.hpp"
#include "map/arena.hpp"
#include "map/map.hpp"
#include "object_spec.hpp"
#include "pruned_btf.hpp"
#include "struct_ops.hpp"
#include "variable.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What comes of attaching to these.
template <class... Target>
struct attached_by {
  using type = link;
};
template <class First, class... Rest>
struct attached_by<First, Rest...> {
  static constexpr bool has_no_link =
      attaches_to<attach_way::socket, First, Rest...> || attaches_to<attach_way::sockmap, First, Rest...>;
  using type = std::conditional_t<has_no_link, attachment, link>;
};

// Attaches in the one way, or says what that one wants.
template <load_policy Policy, class Attached, attach_way Way, class... Target>
[[nodiscard]] result<Attached> attach_in(const program_to_attach& program, Target&&... target) noexcept {
  if constexpr (requires {
                  {
                    place<Way>::template attach<Policy>(program, std::forward<Target>(target)...)
                    } -> std::same_as<result<Attached>>;
                })
    return place<Way>::template attach<Policy>(program, std::forward<Target>(target)...);
  else
    return error{.at = step::find, .why = place<Way>::wants};
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

constexpr size_t length_of_place(const bytes& image, const program_spec& program) noexcept {
  return program.place == 0 ? 0 : image.length_of_string(program.place);
}

}  // namespace detail

/// The maps and programs of an object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them; it needs
///           the object that it was loaded from no longer.
class loaded_object {
 public:
  /// The map called `wanted`, as the typed map `Map`: `loaded->map<barebpf::hash_map<int, long>>("hits")`.
  /// Errors:   no_such_map, wrong_map_type, wrong_key_size and its siblings; about the map's name.
  /// Lifetime: borrowed: valid as long as this object.
  template <class Map>
  [[nodiscard]] result<Map> map(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    cause fault = compare_types<typename Map::key_type, typename Map::mapped_type>(found->spec);
    if (found->spec.type != static_cast<u32>(Map::type)) fault = cause::wrong_map_type;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted, ".maps");
    return Map(untyped_map::borrow(found->descriptor.number(), to_kernel_name(wanted)));
  }

  /// The descriptor of the map called `wanted`, whatever its type.
  /// Errors:   no_such_map, about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> map_descriptor(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    return &found->descriptor;
  }

  /// The global variable called `wanted` as memory, shared with the programs.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign, constant_variable for a constant by a type
  ///         that is not const, hidden_variable; ENOMEM and its like of mmap(2).
  /// Cost:   one system call, and one when it goes; none for each access. Who needs it often keeps it.
  /// Kernel: 5.5.
  template <class T>
  [[nodiscard]] result<mapped_variable<T>> variable(text wanted) const noexcept {
    const loaded_variable* const found = find(variables_, wanted);
    if (found == nullptr) return missing(cause::no_such_variable, wanted);
    const loaded_map& holder = maps_[found->spec.map];
    if (const cause fault = can_be_seen_as<T>(holder.spec, found->spec); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
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
    if (found == nullptr) return missing(cause::no_such_variable, wanted);
    cause fault = compare_types<T>(found->spec);
    if (maps_[found->spec.map].spec.is_for_variables() || found->spec.offset + sizeof(T) > arena.size())
      fault = cause::not_in_arena;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
    return &arena.at<T>(found->spec.offset);
  }

  /// Attaches the program called `wanted` where the name of its section says, and to `target` if that leaves it open:
  /// `loaded->attach("filter", interface{.index = 2})`. Room 9.1 has what each `attach_way` takes.
  /// Shape:  result<link>; result<attachment> for sockets and maps of sockets.
  /// Errors: no_such_program, not_loaded, not_attachable, needs_interface and its siblings where the target is of another kind, and
  ///         those of the `place`; about the program's name.
  template <load_policy Policy = load_policy{}, class... Target>
  [[nodiscard]] auto attach(text wanted, Target&&... target) const noexcept {
    using attached = typename detail::attached_by<Target...>::type;
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return result<attached>(missing(cause::no_such_program, wanted));
    if (!found->descriptor.is_open()) return result<attached>(missing(cause::not_loaded, wanted));
    char where[256];
    const size_t length = write_place(found->kind.attach, name_at(found->place), where, sizeof where);
    if (length >= sizeof where || (length == 0 && needs_place(found->kind.attach)))
      return result<attached>(missing(cause::not_attachable, wanted));
    const program_to_attach program{found->descriptor, "", where, found->kind.attach_type};
    auto out =
        detail::attach_by<Policy, attached>(found->kind.attach, program, std::forward<Target>(target)...);
    if (!out) return result<attached>(out.error().about(wanted));
    return out;
  }

  /// Hands the struct called `wanted`, a variable in .struct_ops or .struct_ops.link, to the kernel, which calls the
  /// programs in it from then on: `auto reno = loaded->attach_struct_ops("my_reno")`.
  /// Shape:  with a link if the struct lies in .struct_ops.link; otherwise what was registered is taken back when the
  ///         attachment goes, and cannot be registered again. Who uses it then keeps it until he ends: a TCP connection
  ///         its congestion control.
  /// Errors: no_such_map, not_operations, operations_left_out; step register_operations with what the kernel says:
  ///         EEXIST, EINVAL, EBUSY. About the struct's name.
  /// Kernel: 5.6; with a link 6.4.
  [[nodiscard]] result<attachment> attach_struct_ops(text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    auto out = place<attach_way::struct_ops>::attach_map((*found)->descriptor, value_of(**found),
                                                         is_linked(**found));
    if (!out) return out.error().about(wanted);
    return out;
  }
  /// Puts the struct called `wanted` in the place of the one that `attached` stands for, without a moment between them.
  /// Errors: as above; operations_not_linked; EINVAL when the two differ in kind or in the name that they give.
  /// Kernel: 6.4.
  [[nodiscard]] result<void> update_struct_ops(const attachment& attached, text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    if (!is_linked(**found) || !attached.is_link()) return missing(cause::operations_not_linked, wanted);
    const auto out = place<attach_way::struct_ops>::update(attached, (*found)->descriptor, value_of(**found));
    if (!out) return out.error().about(wanted);
    return out;
  }

  /// The program called `wanted`.
  /// Errors:   no_such_program, not_loaded for one that was left out; about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> program(text wanted) const noexcept {
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return missing(cause::no_such_program, wanted);
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
    size_t value_at = 0;  // of operations: where among `values_` they stand in the kernel's form
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
  [[nodiscard]] result<const loaded_map*> operations(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    if (found->spec.origin != map_origin::operations) return missing(cause::not_operations, wanted);
    if (!found->descriptor.is_open()) return missing(cause::operations_left_out, wanted);
    return found;
  }
  [[nodiscard]] static bool is_linked(const loaded_map& map) noexcept {
    return (map.spec.map_flags & map_flag::link) != 0;
  }
  [[nodiscard]] const u8* value_of(const loaded_map& map) const noexcept {
    return values_.data() + map.value_at;
  }

  buffer<char> names_;
  buffer<loaded_map> maps_;
  buffer<loaded_variable> variables_;
  buffer<loaded_program> programs_;
  buffer<u8> values_;  // of all operations, with descriptors in the place of programs
};

/// The first values of an object's global variables, to be changed before it is loaded.
/// Lifetime: valid as long as the object that made it.
class object_data {
 public:
  /// The variable called `wanted`.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign; kernel_decides for a __kconfig variable,
  ///         lies_in_arena for one with __arena; about the variable's name.
  template <class T>
  [[nodiscard]] result<T*> variable(text wanted) noexcept {
    const u32 index = spec_->find_variable(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_variable}.about(wanted);
    const variable_spec& found = spec_->variables()[index];
    if (const cause fault = can_be_set_as<T>(spec_->maps()[found.map], found); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found.declared_at}.about(wanted);
    data_layout layout;
    for (u32 i = 0; i < found.map; ++i) layout.add(spec_->maps()[i]);
    return reinterpret_cast<T*>(reinterpret_cast<unsigned char*>(content_.data()) + layout.size +
                                found.offset);
  }
  /// For `load_options::data`.
  [[nodiscard]] std::span<const unsigned char> view() const noexcept {
    return {content_.size() == 0 ? nullptr : content_.data()->bytes, content_.size() * sizeof(chunk)};
  }

 private:
  friend class object;

  struct alignas(data_layout::alignment) chunk {
    unsigned char bytes[data_layout::alignment];
  };
  // Copies what the object holds.
  [[nodiscard]] static result<object_data> of(const object_spec& spec) noexcept {
    data_layout layout;
    for (const map_spec& map : spec.maps()) layout.add(map);
    auto content = buffer<chunk>::of(static_cast<size_t>(layout.size / sizeof(chunk)));
    if (!content) return content.error();
    data_layout place;
    for (const map_spec& map : spec.maps())
      if (const u64 at = place.add(map); map.has_content())
        spec.image().copy(map.declared_at, map.value_size,
                          reinterpret_cast<unsigned char*>(content->data()) + at);
    return object_data(spec, std::move(*content));
  }
  object_data(const object_spec& spec, buffer<chunk> content) noexcept
      : spec_(&spec), content_(std::move(content)) {}

  const object_spec* spec_;
  buffer<chunk> content_;
};

/// A BPF object file.
/// Lifetime: what it loads does not need it any longer.
class object {
 public:
  /// Reads the object file at `path`, which ends with a NUL.
  /// Errors: open_file, read_file with errno; read_object with the cause, the byte offset and the section.
  [[nodiscard]] static result<object> open(const char* path) noexcept {
    auto content = read_file(path);
    if (!content) return content.error().about(path);
    auto spec = object_spec::read(bytes(content->data(), content->size()));
    if (!spec) return spec.error();
    object out(std::move(*content), std::move(*spec));
    out.name_ = object_name_of(path);
    return out;
  }
  /// Reads an object that is in memory already.
  /// Lifetime: `size` bytes at `image` must stay as long as this object.
  [[nodiscard]] static result<object> open(const void* image, size_t size) noexcept {
    auto spec = object_spec::read(bytes(static_cast<const unsigned char*>(image), size));
    if (!spec) return spec.error();
    return object(buffer<unsigned char>(), std::move(*spec));
  }

  [[nodiscard]] const object_spec& spec() const noexcept { return spec_; }

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back. read_object for
  ///         a program that cannot be put together; read_kconfig and find_kernel_name for what the kernel does not
  ///         have; ENOMEM.
  /// Cost:   one bpf(2) call for each map and program and one for their types; two more for each section of
  ///         variables, one for each slot that it fills, and a map that goes again for each map of maps.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] result<loaded_object> load(const load_options& options = {}) const noexcept;

  /// What is to be different about the map called `wanted`, for `load_options::maps`.
  /// Errors: no_such_map, about the name.
  [[nodiscard]] result<map_change> change(text wanted, const map_settings& settings) const noexcept {
    const u32 index = spec_.find_map(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_map}.about(wanted);
    return map_change::of(index, settings);
  }

  /// What is to be different about the program called `wanted`, for `load_options::programs`:
  /// `object.change_program("filter", {.section = "xdp"})`.
  /// Errors: no_such_program; unknown_section for a name that tells no type of programs. About the program's name.
  [[nodiscard]] result<program_change> change_program(text wanted,
                                                      const program_settings& settings) const noexcept {
    const u32 index = spec_.find_program(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_program}.about(wanted);
    const program_change out = program_change::of(index, settings);
    if (settings.section != nullptr && out.kind.type == abi::prog_type::unspec)
      return error{.at = step::find, .why = cause::unknown_section}.about(wanted, settings.section);
    return out;
  }

  /// The first values of the global variables, to be changed and then given to `load`.
  /// Errors: ENOMEM.
  [[nodiscard]] result<object_data> data() const noexcept { return object_data::of(spec_); }

 private:
  object(buffer<unsigned char> content, object_spec spec) noexcept
      : content_(std::move(content)),
        spec_(std::move(spec)),
        name_(object_name_at(spec_.image(), spec_.source())) {}

  // The object's maps and programs as the kernel takes them, and the memory that the records point to.
  struct operation_place {
    size_t at = 0;  // where among the values the descriptor goes
    u32 program = 0;
  };
  struct recipe {
    buffer<abi::map_create> maps, inner_maps;
    buffer<map_duty> duties;
    buffer<char> pins;
    buffer<u64> values;
    buffer<abi::prog_load> programs;
    buffer<program_patch> patches;
    buffer<kernel_type_need> targets;
    buffer<char> places;
    buffer<abi::insn> code;
    buffer<map_reference> references;
    buffer<abi::func_info> functions;
    buffer<abi::line_info> lines;
    buffer<abi::core_relo> cores;
    buffer<program_cores> cores_of;  // one for each program
    buffer<char> license;
    buffer<u32> types;
    buffer<extern_need> externs;
    buffer<type_shape> shapes;
    buffer<char> extern_names;
    buffer<bool> left_out;
    buffer<kernel_operations> operations;      // one for each map, without a type for other maps
    buffer<operation_target> operation_types;  // one for each program
    buffer<operation_place> operation_places;
    buffer<u8> operation_values;  // the structs one behind the other, in the order of their maps
    object_records records;
    u32 longest = 0;  // instructions
  };
  [[nodiscard]] result<recipe> make_recipe(btf_choice wanted, const load_options& options) const noexcept;
  [[nodiscard]] result<void> add_externs(recipe& out) const noexcept;
  [[nodiscard]] result<void> add_maps(const pruned_btf* types, recipe& out) const noexcept;
  [[nodiscard]] result<void> add_programs(const pruned_btf* types, bool with_lines,
                                          const load_options& options, recipe& out) const noexcept;
  // Which programs are not loaded: for now, those that say so themselves.
  [[nodiscard]] result<void> choose_programs(const load_options& options, recipe& out) const noexcept;
  // What speaks against a program before the kernel is asked; measures it otherwise.
  [[nodiscard]] verdict check_program(u32 index, const load_options& options,
                                      program_layout& out) const noexcept;
  // Finds the structs of functions in the kernel and brings them into its form; programs that it does not know are left
  // out.
  [[nodiscard]] result<void> add_operations(const load_options& options, recipe& out) const noexcept;
  // Copies the names out of the image.
  [[nodiscard]] result<void> name_all(const load_options& options, loaded_object& out) const noexcept;

  buffer<unsigned char> content_;
  object_spec spec_;
  kernel_name name_;
};

inline result<void> object::add_externs(recipe& out) const noexcept {
  const bytes& image = spec_.image();
  const size_t count = spec_.externs().size();
  size_t size = 0;
  for (const extern_spec& one : spec_.externs()) size += image.length_of_string(one.name) + 1;
  auto needs = buffer<extern_need>::of(count);
  auto shapes = buffer<type_shape>::of(count);
  auto names = buffer<char>::of(size);
  if (!needs || !shapes || !names) return error{.at = step::allocate, .code = ENOMEM};
  char* next_name = names->data();
  for (size_t i = 0; i < count; ++i) {
    const extern_spec& one = spec_.externs()[i];
    (*shapes)[i] = shape_of_extern(spec_.types(), one);
    (*needs)[i] = to_need(image, one, next_name, (*shapes)[i].letters);
    next_name += image.copy_string(one.name, next_name, image.length_of_string(one.name) + 1) + 1;
  }
  out.records.externs = needs->data();
  out.records.extern_count = static_cast<u32>(count);
  out.externs = std::move(*needs);
  out.shapes = std::move(*shapes);
  out.extern_names = std::move(*names);
  return {};
}

inline result<void> object::add_maps(const pruned_btf* types, recipe& out) const noexcept {
  const bytes& image = spec_.image();
  const auto count = static_cast<u32>(spec_.maps().size());
  size_t names = 0, words = 0;
  bool has_inner = false;
  for (const map_spec& map : spec_.maps()) {
    if (map.pinning != 0) names += image.length_of_string(map.name) + 1;
    if (map.has_content()) words += (size_t{map.value_size} + 7) / 8;
    if (map.image_at != 0 && map.origin == map_origin::declared) words += (size_t{map.image_size} + 7) / 8;
    has_inner = has_inner || map.inner != 0;
  }
  auto maps = buffer<abi::map_create>::of(count);
  auto inner_maps = buffer<abi::map_create>::of(has_inner ? count : 0);
  auto duties = buffer<map_duty>::of(count);
  auto pins = buffer<char>::of(names);
  auto values = buffer<u64>::of(words);
  if (!maps || !inner_maps || !duties || !pins || !values) return error{.at = step::allocate, .code = ENOMEM};
  char* next_name = pins->data();
  u64* next_word = values->data();
  data_layout layout;
  for (u32 i = 0; i < count; ++i) {
    const map_spec& map = spec_.maps()[i];
    (*maps)[i] = to_map_create(image, map, name_);
    if (types != nullptr) describe_map(map, *types, (*maps)[i]);
    map_duty& duty = (*duties)[i];
    duty = {.data_at = layout.add(map),
            .slots = spec_.filled_slots().data() + map.first_slot,
            .slot_count = map.slot_count,
            .has_data = map.is_for_variables(),
            .is_frozen = map.is_frozen(),
            .is_config = map.origin == map_origin::config};
    if (map.origin == map_origin::operations) {  // see add_operations
      duty.slot_count = 0;
      continue;
    }
    duty.image_size = map.image_size;
    if (map.inner != 0) {
      const map_spec inner = inner_of(spec_.types(), map);
      (*inner_maps)[i] = to_inner_map_create(image, inner);
      if (types != nullptr) describe_map(inner, *types, (*inner_maps)[i]);
    }
    if (map.pinning != 0) {
      const size_t room = image.length_of_string(map.name) + 1;
      duty.pin = next_name;
      next_name += image.copy_string(map.name, next_name, room) + 1;
    }
    if (map.has_content()) {
      duty.value = next_word;
      image.copy(map.declared_at, map.value_size, reinterpret_cast<u8*>(next_word));
      next_word += (map.value_size + 7) / 8;
    }
    if (map.image_at != 0) {
      duty.value = next_word;
      image.copy(map.image_at, map.image_size, reinterpret_cast<u8*>(next_word));
      next_word += (map.image_size + 7) / 8;
    }
  }
  out.records.maps = maps->data();
  if (has_inner) out.records.inner_maps = inner_maps->data();
  out.records.duties = duties->data();
  out.records.map_count = count;
  out.records.data_size = layout.size;
  out.maps = std::move(*maps);
  out.inner_maps = std::move(*inner_maps);
  out.duties = std::move(*duties);
  out.pins = std::move(*pins);
  out.values = std::move(*values);
  return {};
}

inline result<void> object::choose_programs(const load_options& options, recipe& out) const noexcept {
  auto left_out = buffer<bool>::of(spec_.programs().size());
  if (!left_out) return left_out.error();
  for (size_t i = 0; i < left_out->size(); ++i) (*left_out)[i] = spec_.programs()[i].is_optional;
  options.choose(left_out->data(), static_cast<u32>(left_out->size()));
  out.left_out = std::move(*left_out);
  return {};
}

inline result<void> object::add_operations(const load_options& options, recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const auto count = static_cast<u32>(spec_.programs().size());
  const auto is_operation = [&](u32 program) {
    return spec_.programs()[program].kind.type == abi::prog_type::struct_ops &&
           options.new_kind_of(program) == nullptr;
  };
  const auto wrong = [&](const verdict& v) {
    error why = to_error(spec_.image(), v);
    why.at = step::fit_operations;
    return why;
  };
  bool has_maps = false, has_programs = false;
  for (const map_spec& map : spec_.maps()) has_maps = has_maps || map.origin == map_origin::operations;
  for (u32 i = 0; i < count; ++i) has_programs = has_programs || is_operation(i);
  if (!has_maps && !has_programs) return {};

  auto found = buffer<kernel_operations>::of(out.maps.size());
  auto targets = buffer<operation_target>::of(count);
  auto places = buffer<operation_place>::of(spec_.filled_slots().size());
  auto is_named = buffer<bool>::of(count);
  if (!found || !targets || !places || !is_named) return error{.at = step::allocate, .code = ENOMEM};
  kernel_types kernel;
  size_t value_size = 0, place_count = 0;
  for (u32 i = 0; i < out.maps.size(); ++i) {
    const map_spec& map = spec_.maps()[i];
    if (map.origin != map_origin::operations) continue;
    for (u32 k = 0; k < map.slot_count; ++k)
      (*is_named)[spec_.filled_slots()[map.first_slot + k].target] = true;
    if (map.is_optional && !options.changes_map(i)) {
      out.maps[i] = {};
      continue;
    }
    outcome row{.at = step::fit_operations};
    if (kernel.types().count() == 0 && !kernel.open(row)) return to_error(row);
    const operations_fitter fitter(tables, spec_.filled_slots().data(), map, kernel.types());
    if (const verdict v = fitter.find((*found)[i]); v.failed()) return wrong(v);
    out.maps[i].btf_vmlinux_value_type_id = (*found)[i].wrapper;
    out.maps[i].value_size = (*found)[i].value_size;
    value_size += (*found)[i].value_size;
  }
  auto values = buffer<u8>::of(value_size);
  if (!values) return values.error();
  size_t value_at = 0;
  for (u32 i = 0; i < out.maps.size(); ++i) {
    if ((*found)[i].type == 0) continue;
    const auto take = [&](u32 program, operation_target target, u32 at) {
      operation_target& known = (*targets)[program];
      if (known.type != 0 && (known.type != target.type || known.member != target.member))
        return cause::operation_of_two;
      known = target;
      (*places)[place_count++] = {value_at + at, program};
      return cause::none;
    };
    const operations_fitter fitter(tables, spec_.filled_slots().data(), spec_.maps()[i], kernel.types());
    if (const verdict v = fitter.fit((*found)[i], values->data() + value_at, take, [](u32) {}); v.failed())
      return wrong(v);
    value_at += (*found)[i].value_size;
  }
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    const bool is_called = (*targets)[i].type != 0;
    if (is_called && program.is_optional && !options.changes_program(i)) out.left_out[i] = false;
    if (out.left_out[i] || !is_operation(i) || is_called) continue;
    if (!(*is_named)[i])
      return wrong({.why = cause::operation_of_nothing,
                    .section = spec_.functions()[program.function].section,
                    .offset = program.section_name,
                    .subject = program.name});
    out.left_out[i] = true;  // no struct that is made has a member for it in this kernel
  }
  places->shrink(place_count);
  out.operations = std::move(*found);
  out.operation_types = std::move(*targets);
  out.operation_places = std::move(*places);
  out.operation_values = std::move(*values);
  return {};
}

inline verdict object::check_program(u32 index, const load_options& options,
                                     program_layout& out) const noexcept {
  const program_spec& program = spec_.programs()[index];
  const function_spec& function = spec_.functions()[program.function];
  if (const cause lacks = program.lacks(); lacks != cause::none && options.new_kind_of(index) == nullptr)
    return {
        .why = lacks, .section = function.section, .offset = program.section_name, .subject = program.name};
  return lay_out(spec_.tables(), program.function, out);
}

inline result<void> object::add_programs(const pruned_btf* types, bool with_lines,
                                         const load_options& options, recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const auto count = static_cast<u32>(spec_.programs().size());
  program_layout layout;
  size_t instructions = 0, references = 0, functions = 0, lines = 0, cores = 0, places = 0;
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    if (program.kind.needs_kernel_type()) places += detail::length_of_place(spec_.image(), program) + 1;
    if (out.left_out[i]) continue;
    if (const verdict v = check_program(i, options, layout); v.failed()) {
      const error why = to_error(spec_.image(), v);
      if (options.refused == nullptr || !options.refused->add({i, why})) return why;
      out.left_out[i] = true;
      continue;
    }
    instructions += layout.instruction_count;
    references += layout.map_references;
    functions += layout.piece_count;
    if (with_lines) lines += count_lines(tables, layout);
    cores += count_cores(tables, layout);
    if (layout.instruction_count > out.longest) out.longest = layout.instruction_count;
  }
  auto programs = buffer<abi::prog_load>::of(count);
  auto patches = buffer<program_patch>::of(count);
  auto code = buffer<abi::insn>::of(instructions);
  auto names = buffer<map_reference>::of(references);
  auto starts = buffer<abi::func_info>::of(types == nullptr ? 0 : functions);
  auto sources = buffer<abi::line_info>::of(lines);
  auto relocations = buffer<abi::core_relo>::of(types == nullptr ? 0 : cores);
  auto cores_of = buffer<program_cores>::of(types == nullptr || cores == 0 ? 0 : count);
  auto targets = buffer<kernel_type_need>::of(places == 0 ? 0 : count);
  auto target_names = buffer<char>::of(places);
  auto license = buffer<char>::of(
      spec_.license() == 0 ? 1 : static_cast<size_t>(spec_.image().length_of_string(spec_.license()) + 1));
  if (!programs || !patches || !code || !names || !starts || !sources || !relocations || !cores_of ||
      !targets || !target_names || !license)
    return error{.at = step::allocate, .code = ENOMEM};
  if (spec_.license() != 0) spec_.image().copy_string(spec_.license(), license->data(), license->size());
  abi::insn* next_code = code->data();
  map_reference* next_name = names->data();
  abi::func_info* next_start = starts->data();
  abi::line_info* next_source = sources->data();
  abi::core_relo* next_core = relocations->data();
  char* next_target = target_names->data();
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    if (out.left_out[i]) continue;
    static_cast<void>(lay_out(tables, program.function, layout));
    assemble(tables, layout, map_naming::by_descriptor, next_code, next_name);
    abi::prog_load& attr = (*programs)[i];
    attr = {.prog_type = static_cast<u32>(program.kind.type),
            .insn_cnt = layout.instruction_count,
            .license = license->data(),
            .prog_flags = program.kind.flags,
            .prog_name = kernel_name_at(spec_.image(), program.name),
            .expected_attach_type = static_cast<u32>(program.kind.attach_type)};
    if (out.operation_types.size() != 0 && out.operation_types[i].type != 0) {
      attr.attach_btf_id = out.operation_types[i].type;
      attr.expected_attach_type = out.operation_types[i].member;
    }
    if (program.kind.needs_kernel_type()) {
      const size_t room = detail::length_of_place(spec_.image(), program) + 1;
      (*targets)[i] = {program.kind.rest, next_target};
      next_target += spec_.image().copy_string(program.place, next_target, room) + 1;
    }
    (*patches)[i] = {.code = next_code, .references = next_name, .reference_count = layout.map_references};
    next_code += layout.instruction_count;
    next_name += layout.map_references;
    if (const u32 core_count = count_cores(tables, layout); types != nullptr && core_count != 0) {
      write_cores(tables, layout, *types, next_core);
      attr.core_relo_rec_size = sizeof(abi::core_relo);
      attr.core_relos = next_core;
      attr.core_relo_cnt = core_count;
      (*cores_of)[i] = {next_core, core_count};
      next_core += core_count;
    }
    if (types == nullptr || !layout.has_types) continue;
    write_functions(tables, layout, *types, next_start);
    attr.func_info_rec_size = sizeof(abi::func_info);
    attr.func_info = next_start;
    attr.func_info_cnt = layout.piece_count;
    next_start += layout.piece_count;
    const u32 line_count = with_lines ? count_lines(tables, layout) : 0;
    if (line_count == 0) continue;
    write_lines(tables, layout, *types, next_source);
    attr.line_info_rec_size = sizeof(abi::line_info);
    attr.line_info = next_source;
    attr.line_info_cnt = line_count;
    next_source += line_count;
  }
  out.records.programs = programs->data();
  out.records.patches = patches->data();
  out.records.program_count = count;
  out.programs = std::move(*programs);
  out.patches = std::move(*patches);
  out.code = std::move(*code);
  out.references = std::move(*names);
  out.functions = std::move(*starts);
  out.lines = std::move(*sources);
  out.cores = std::move(*relocations);
  if (cores_of->size() != 0) out.records.cores = cores_of->data();
  out.cores_of = std::move(*cores_of);
  if (places != 0) out.records.targets = targets->data();
  out.targets = std::move(*targets);
  out.places = std::move(*target_names);
  out.license = std::move(*license);
  return {};
}

inline result<object::recipe> object::make_recipe(btf_choice wanted,
                                                  const load_options& options) const noexcept {
  const object_tables tables = spec_.tables();
  const u32 lines = wanted == btf_choice::all ? spec_.line_count() : 0;
  auto storage = buffer<u32>::of(
      pruned_btf::storage_size(tables.types.count(), lines, tables.core_count, tables.types.types_size()));
  if (!storage) return storage.error();
  btf_pruner types(tables, storage->data(), lines);
  types.keep_object();
  const u32 size = types.number();
  result<recipe> out(std::in_place);
  out->records.btf_is_required = types.is_required();
  const bool with_types = size != 0 && types.count() != 0 &&
                          (wanted != btf_choice::none || types.is_required() || tables.core_count != 0);
  if (with_types) {
    auto image = buffer<u32>::of((size_t{size} + 3) / 4);
    if (!image) return image.error();
    types.write(image->data(), reinterpret_cast<u8*>(image->data() + types.head_words()));
    out->records.btf = image->data();
    out->records.btf_size = size;
    out->types = std::move(*image);
  }
  const pruned_btf* const told = with_types ? &types : nullptr;
  if (const auto added = add_externs(*out); !added) return added.error();
  if (const auto added = add_maps(told, *out); !added) return added.error();
  if (const auto chosen = choose_programs(options, *out); !chosen) return chosen.error();
  if (const auto added = add_operations(options, *out); !added) return added.error();
  if (const auto added = add_programs(told, lines != 0, options, *out); !added) return added.error();
  return out;
}

inline result<void> object::name_all(const load_options& options, loaded_object& out) const noexcept {
  const bytes& image = spec_.image();
  size_t size = 1;
  for (const map_spec& map : spec_.maps()) size += image.length_of_string(map.name);
  for (const variable_spec& variable : spec_.variables()) size += image.length_of_string(variable.name);
  for (const program_spec& program : spec_.programs())
    size += image.length_of_string(program.name) + detail::length_of_place(image, program);
  for (const program_change& change : options.programs) size += text(change.place).size();
  auto names = buffer<char>::of(size);
  if (!names) return names.error();
  out.names_ = std::move(*names);
  size_t used = 0;
  const auto keep = [&](u64 at) {
    const loaded_object::extent where{used, image.copy_string(at, out.names_.data() + used, size - used)};
    used += where.size;
    return where;
  };
  for (size_t i = 0; i < spec_.maps().size(); ++i) {
    out.maps_[i].spec = spec_.maps()[i];
    out.maps_[i].name = keep(spec_.maps()[i].name);
  }
  for (size_t i = 0; i < spec_.variables().size(); ++i) {
    out.variables_[i].spec = spec_.variables()[i];
    out.variables_[i].name = keep(spec_.variables()[i].name);
  }
  for (size_t i = 0; i < spec_.programs().size(); ++i) {
    const program_spec& program = spec_.programs()[i];
    out.programs_[i].name = keep(program.name);
    out.programs_[i].kind = program.kind;
    if (program.place != 0) out.programs_[i].place = keep(program.place);
    if (const program_change* const change = options.new_kind_of(static_cast<u32>(i)); change != nullptr) {
      out.programs_[i].kind = change->kind;
      out.programs_[i].place = {used, 0};
      for (const char* c = change->place; *c != '\0'; ++c, ++out.programs_[i].place.size)
        out.names_[used++] = *c;
    }
  }
  return {};
}

template <load_policy Policy>
result<loaded_object> object::load(const load_options& options) const noexcept {
  if (spec_.image().is_foreign())
    return to_error(spec_.image(), {.why = cause::foreign_byte_order, .offset = abi::elf_header::ident_data});
  auto made = make_recipe(Policy.btf, options);
  if (!made) return made.error();
  const object_records& records = made->records;
  auto scratch = buffer<abi::insn>::of(made->longest);
  auto map_descriptors = buffer<fd>::of(records.map_count);
  auto program_descriptors = buffer<fd>::of(records.program_count);
  auto pinned = buffer<bool>::of(records.map_count);
  auto targets = buffer<u32>::of(records.program_count);
  auto maps = buffer<loaded_object::loaded_map>::of(records.map_count);
  auto variables = buffer<loaded_object::loaded_variable>::of(spec_.variables().size());
  auto programs = buffer<loaded_object::loaded_program>::of(records.program_count);
  auto externs = buffer<resolved_extern>::of(records.extern_count);
  auto modules = buffer<int>::of(records.extern_count == 0 ? 0 : records.extern_count + 1);
  auto config = buffer<u8>::of(spec_.config_size());
  if (!externs || !modules || !config) return error{.at = step::allocate, .code = ENOMEM};
  if (!scratch || !map_descriptors || !program_descriptors || !pinned || !targets || !maps || !variables ||
      !programs)
    return error{.at = step::allocate, .code = ENOMEM};
  loaded_object out;
  out.maps_ = std::move(*maps);
  out.variables_ = std::move(*variables);
  out.programs_ = std::move(*programs);
  if (const auto named = name_all(options, out); !named) return named.error();
  outcome row;
  char missing[sizeof error::name] = {};
  load_records<load_needs{.kernel_cores = Policy.core != core_way::library,
                          .own_cores = Policy.core != core_way::kernel}>(
      records,
      {.maps = map_descriptors->data(),
       .programs = program_descriptors->data(),
       .targets = targets->data(),
       .pinned = pinned->data(),
       .left_out = made->left_out.data(),
       .scratch = scratch->data(),
       .externs = externs->data(),
       .config = config->data(),
       .modules = modules->data(),
       .missing = missing},
      options, row);
  if (row.failed()) return to_error(row);
  size_t value_at = 0;
  for (u32 i = 0; i < records.map_count; ++i) {
    out.maps_[i].descriptor = std::move((*map_descriptors)[i]);
    if (made->operations.size() == 0 || made->operations[i].type == 0) continue;
    out.maps_[i].spec.value_size = made->operations[i].value_size;
    out.maps_[i].value_at = value_at;
    value_at += made->operations[i].value_size;
  }
  for (u32 i = 0; i < records.program_count; ++i)
    out.programs_[i].descriptor = std::move((*program_descriptors)[i]);
  // Where the kernel calls a program, its descriptor stands in the value.
  out.values_ = std::move(made->operation_values);
  for (const auto& one : made->operation_places) {
    const fd& program = out.programs_[one.program].descriptor;
    const u64 number = program.is_open() ? program.raw() : 0;
    __builtin_memcpy(out.values_.data() + one.at, &number, sizeof number);
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_HPP
