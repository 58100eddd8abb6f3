// SPDX-License-Identifier: MIT
// Room 10.9, object: an object file that is read and made real while the program runs.
#ifndef BAREBPF_OBJECT_HPP
#define BAREBPF_OBJECT_HPP

#include "file.hpp"
#include "loaded_object.hpp"
#include "recipe.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The first values of an object's global variables, to be changed before it is loaded.
/// Lifetime: valid as long as the object that made it.
class object_data {
 public:
  /// The variable called `wanted`.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign, other_offset and its siblings about a member;
  ///         kernel_decides for a __kconfig variable, lies_in_arena for one with __arena; about the variable's name.
  template <class T>
  [[nodiscard]] result<T*> variable(text wanted) noexcept {
    const u32 index = spec_->find_variable(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_variable}.about(wanted);
    const variable_spec& found = spec_->variables()[index];
    if (const auto difference = compare_members<std::remove_cv_t<T>>(spec_->types(), found.type);
        difference.why != cause::none)
      return error{.at = step::find, .why = difference.why, .offset = found.declared_at}.about(
          difference.member, wanted);
    if (const cause fault = can_be_set_as<T>(spec_->maps()[found.map], found); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found.declared_at}.about(wanted);
    data_layout layout;
    for (u32 i = 0; i < found.map; ++i) layout.add(spec_->maps()[i]);
    return reinterpret_cast<T*>(reinterpret_cast<unsigned char*>(content_.data()) + layout.size +
                                found.offset);
  }
  /// For `load_options::data`.
  [[nodiscard]] span<const unsigned char> view() const noexcept {
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

namespace detail {

// Words that have an object's bytes lowest first lie in the memory of a big-endian machine the other way round, so its
// first eight bytes end with the mark of an ELF file.
inline bytes image_in_memory(const void* image, size_t size) noexcept {
  const auto* const plain = static_cast<const unsigned char*>(image);
  if constexpr (host_is_big_endian) {
    const bool is_in_words =
        size != 0 && size % sizeof(u64) == 0 && reinterpret_cast<uintptr_t>(image) % alignof(u64) == 0;
    if (is_in_words && bytes(plain, size).read32(4) == __builtin_bswap32(abi::elf_magic))
      return bytes(static_cast<const u64*>(image), size / sizeof(u64));
  }
  return bytes(plain, size);
}

}  // namespace detail

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
  /// Reads an object that is in memory already: its bytes, or the words that tools/embed makes of them.
  /// Lifetime: `size` bytes at `image` must stay as long as this object.
  [[nodiscard]] static result<object> open(const void* image, size_t size) noexcept {
    auto spec = object_spec::read(detail::image_in_memory(image, size));
    if (!spec) return spec.error();
    return object(buffer<unsigned char>(), std::move(*spec));
  }

  [[nodiscard]] const object_spec& spec() const noexcept { return spec_; }

  /// Tells `sink` each difference between the members of the typed map `Map` and those of the map called `wanted`, whether
  /// it is of the key or of the value, and the difference; see `describe` for it in words:
  /// `object.compare<barebpf::hash_map<flow, traffic>>("flows", [](barebpf::type_role of, const auto& difference) {...})`.
  /// Errors: no_such_map, about the name.
  template <class Map, class Sink>
  [[nodiscard]] result<void> compare(text wanted, Sink sink) const noexcept {
    const u32 index = spec_.find_map(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_map}.about(wanted);
    const map_spec& found = spec_.maps()[index];
    each_member_difference<typename Map::key_type>(spec_.types(), found.key_type, [&sink](const auto& one) {
      sink(type_role::key, one);
      return true;
    });
    each_member_difference<typename Map::mapped_type>(spec_.types(), found.value_type,
                                                      [&sink](const auto& one) {
                                                        sink(type_role::value, one);
                                                        return true;
                                                      });
    return {};
  }
  /// The same of a global variable and the C++ type `T`: `sink(difference)`.
  /// Errors: no_such_variable, about the name.
  template <class T, class Sink>
  [[nodiscard]] result<void> compare_variable(text wanted, Sink sink) const noexcept {
    const u32 index = spec_.find_variable(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_variable}.about(wanted);
    each_member_difference<std::remove_cv_t<T>>(spec_.types(), spec_.variables()[index].type,
                                                [&sink](const auto& one) {
                                                  sink(one);
                                                  return true;
                                                });
    return {};
  }

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back. read_object for
  ///         a program that cannot be put together; read_kconfig and find_kernel_name for what the kernel does not
  ///         have; ENOMEM.
  /// Cost:   one bpf(2) call for each map and program and one for their types; two more for each section of
  ///         variables, one for each slot that it fills, and a map that goes again for each map of maps.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] result<loaded_object> load(const load_options& options = {}) const noexcept {
    return load_with<Policy>(options);
  }
  /// The same, with the kernel's work on several programs side by side, as `run` has it done; see `options_to_run`:
  /// `object.load({}, [](size_t count, const auto& task) { for (size_t i = 0; i < count; ++i) task(i); })`.
  template <load_policy Policy = load_policy{}, class Run>
  [[nodiscard]] result<loaded_object> load(const load_options& options, Run&& run) const noexcept {
    return load_with<Policy>(options_to_run<std::remove_reference_t<Run>>(options, run));
  }

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
  template <load_policy Policy, class Options>
  [[nodiscard]] result<loaded_object> load_with(const Options& options) const noexcept;
  object(buffer<unsigned char> content, object_spec spec) noexcept
      : content_(std::move(content)),
        spec_(std::move(spec)),
        name_(object_name_at(spec_.image(), spec_.source())) {}

  // Copies the names out of the image.
  [[nodiscard]] result<void> name_all(const load_options& options, loaded_object& out) const noexcept;

  buffer<unsigned char> content_;
  object_spec spec_;
  kernel_name name_;
};

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

template <load_policy Policy, class Options>
result<loaded_object> object::load_with(const Options& options) const noexcept {
  if (spec_.image().is_foreign())
    return to_error(spec_.image(), {.why = cause::foreign_byte_order, .offset = abi::elf_header::ident_data});
  auto made = detail::recipe_writer(spec_, name_, options).write(Policy.btf);
  if (!made) return made.error();
  const object_records& records = made->records;
  const operation_records& operation = made->operation;
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
  auto structs = buffer<kernel_operations>::of(operation.struct_count);
  auto values = buffer<buffer<u8>>::of(operation.struct_count);
  auto operation_targets = buffer<operation_target>::of(operation.program_count);
  auto places = buffer<operation_place>::of(made->members.size());
  if (!externs || !modules || !config) return error{.at = step::allocate, .code = ENOMEM};
  if (!structs || !values || !operation_targets || !places)
    return error{.at = step::allocate, .code = ENOMEM};
  if (!scratch || !map_descriptors || !program_descriptors || !pinned || !targets || !maps || !variables ||
      !programs)
    return error{.at = step::allocate, .code = ENOMEM};
  loaded_object out;
  out.maps_ = std::move(*maps);
  out.variables_ = std::move(*variables);
  out.programs_ = std::move(*programs);
  if (const auto named = name_all(options, out); !named) return named.error();
  operation_slots operations{.structs = structs->data(),
                             .struct_count = operation.struct_count,
                             .first_map = operation.first_map,
                             .values = values->data(),
                             .targets = operation_targets->data(),
                             .places = places->data()};
  const bool has_operations = operation.program_count != 0 || operation.struct_count != 0;
  if (has_operations) {
    const auto fitted = fit_operations(operation, options, operations, made->left_out.data());
    if (!fitted) return fitted.error();
  }
  outcome row;
  char missing[error::name_size] = {};
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
       .operations = has_operations ? &operations : nullptr,
       .missing = missing},
      options, row);
  if (row.failed()) return to_whole_error(row);
  for (u32 i = 0; i < records.map_count; ++i) out.maps_[i].descriptor = std::move((*map_descriptors)[i]);
  for (u32 i = 0; i < operation.struct_count; ++i) {
    loaded_object::loaded_map& map = out.maps_[operation.first_map + i];
    if ((*structs)[i].type != 0) map.spec.value_size = (*structs)[i].value_size;
    map.value = std::move((*values)[i]);
  }
  if (const auto kept = out.keep_types(std::move(made->types), records.btf_size, made->type_ids); !kept)
    return kept.error();
  for (u32 i = 0; i < records.program_count; ++i)
    out.programs_[i].descriptor = std::move((*program_descriptors)[i]);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_HPP
