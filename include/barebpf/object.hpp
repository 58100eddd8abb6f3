// SPDX-License-Identifier: MIT
// Room 10.2, object: an object that is read and made real while the program runs.
#ifndef BAREBPF_OBJECT_HPP
#define BAREBPF_OBJECT_HPP

#include "link.hpp"
#include "load.hpp"
#include "map/map.hpp"
#include "object_spec.hpp"
#include "type_check.hpp"

namespace barebpf::inline BAREBPF_ABI {

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
    for (const loaded_map& candidate : maps_) {
      if (name_at(candidate.name) != wanted) continue;
      cause fault = compare_types<typename Map::key_type, typename Map::mapped_type>(candidate.spec);
      if (candidate.spec.type != static_cast<u32>(Map::type)) fault = cause::wrong_map_type;
      if (fault != cause::none)
        return error{.at = step::find, .why = fault, .offset = candidate.spec.declared_at}.about(wanted,
                                                                                                 ".maps");
      return Map(untyped_map::borrow(candidate.descriptor.number(), to_kernel_name(wanted)));
    }
    return error{.at = step::find, .why = cause::no_such_map}.about(wanted);
  }

  /// Attaches the program called `wanted` where the name of its section says.
  /// Errors: no_such_program, not_attachable, and those of `attach_tracepoint`; about the program's name.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] result<link> attach(text wanted) const noexcept {
    for (const loaded_program& candidate : programs_) {
      if (name_at(candidate.name) != wanted) continue;
      char path[256];
      const size_t length = write_tracepoint_path(name_at(candidate.target), path, sizeof path);
      if (length == 0 || length >= sizeof path)
        return error{.at = step::find, .why = cause::not_attachable}.about(wanted);
      auto attached = link::attach_tracepoint<Policy>(candidate.descriptor, path, "");
      if (!attached) return attached.error().about(wanted);
      return attached;
    }
    return error{.at = step::find, .why = cause::no_such_program}.about(wanted);
  }

  /// The program called `wanted`.
  /// Errors:   no_such_program, about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> program(text wanted) const noexcept {
    for (const loaded_program& candidate : programs_)
      if (name_at(candidate.name) == wanted) return &candidate.descriptor;
    return error{.at = step::find, .why = cause::no_such_program}.about(wanted);
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
  };
  struct loaded_program {
    fd descriptor;
    extent name;
    extent target;  // what follows the prefix in the section's name
  };
  [[nodiscard]] text name_at(extent where) const noexcept { return {names_.data() + where.at, where.size}; }

  buffer<char> names_;
  buffer<loaded_map> maps_;
  buffer<loaded_program> programs_;
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
    return object(std::move(*content), std::move(*spec));
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
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back. ENOMEM.
  /// Cost:   one bpf(2) call for each map and program and one for their types.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] result<loaded_object> load(const load_options& options = {}) const noexcept;

 private:
  object(buffer<unsigned char> content, object_spec spec) noexcept
      : content_(std::move(content)), spec_(std::move(spec)) {}

  [[nodiscard]] static result<buffer<unsigned char>> read_file(const char* path) noexcept;

  // The types of the maps' keys and values, and their new ids in `maps`.
  [[nodiscard]] result<buffer<u8>> prune_types(buffer<abi::map_create>& maps) const noexcept;
  // Copies the names out of the image.
  [[nodiscard]] result<void> name_all(loaded_object& out) const noexcept;

  buffer<unsigned char> content_;
  object_spec spec_;
};

inline result<buffer<unsigned char>> object::read_file(const char* path) noexcept {
  constexpr long current_folder = -100, read_only_close_on_exec = 02000000;  // AT_FDCWD, O_RDONLY | O_CLOEXEC
  constexpr long from_start = 0, from_end = 2;                               // SEEK_SET, SEEK_END
  constexpr long largest_object = 1 << 30;                                   // bytes; BTF counts in 32 bits
  const fd file = fd::own(system_call(__NR_openat, current_folder, path, read_only_close_on_exec));
  if (!file.is_open()) return failure(step::open_file, file.number());
  const long size = system_call(__NR_lseek, file.number(), 0, from_end);
  if (size < 0) return failure(step::read_file, size);
  if (size > largest_object) {  // a folder says that it is endless, and refuses to be read
    const long refused = system_call(__NR_read, file.number(), nullptr, 0);
    return refused < 0 ? failure(step::read_file, refused)
                       : error{.at = step::read_file, .why = cause::too_large};
  }
  if (const long back = system_call(__NR_lseek, file.number(), 0, from_start); back < 0)
    return failure(step::read_file, back);
  auto content = buffer<unsigned char>::of(static_cast<size_t>(size));
  if (!content) return content;
  size_t done = 0;
  while (done < content->size()) {
    const long got = system_call(__NR_read, file.number(), content->data() + done, content->size() - done);
    if (got == -EINTR) continue;
    if (got < 0) return failure(step::read_file, got);
    if (got == 0) break;  // the file shrank; the reader will say what is missing
    done += static_cast<size_t>(got);
  }
  content->shrink(done);
  return content;
}

inline result<buffer<u8>> object::prune_types(buffer<abi::map_create>& maps) const noexcept {
  auto storage = buffer<u32>::of(btf_pruner::marks_size(spec_.types().count()));
  if (!storage) return storage.error();
  btf_pruner pruner(spec_.types(), storage->data());
  for (const map_spec& map : spec_.maps()) {
    pruner.keep(map.key_type);
    pruner.keep(map.value_type);
  }
  const u32 size = pruner.number();
  auto out = buffer<u8>::of(pruner.count() == 0 ? 0 : size);
  if (!out || out->size() == 0) return out;
  pruner.write(out->data());
  for (size_t i = 0; i < maps.size(); ++i) {
    const u32 key = pruner.new_id(spec_.maps()[i].key_type),
              value = pruner.new_id(spec_.maps()[i].value_type);
    if (key == 0 || value == 0) continue;  // the kernel wants both or none
    maps[i].btf_key_type_id = key;
    maps[i].btf_value_type_id = value;
  }
  return out;
}

inline result<void> object::name_all(loaded_object& out) const noexcept {
  const bytes& image = spec_.image();
  size_t size = 1;
  for (const map_spec& map : spec_.maps()) size += image.length_of_string(map.name);
  for (const program_spec& program : spec_.programs())
    size += image.length_of_string(program.name) + image.length_of_string(program.section_name);
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
  for (size_t i = 0; i < spec_.programs().size(); ++i) {
    const program_spec& program = spec_.programs()[i];
    out.programs_[i].name = keep(program.name);
    const loaded_object::extent section = keep(program.section_name);
    const size_t length = target_of(out.name_at(section)).size();
    out.programs_[i].target = {section.at + section.size - length, length};
  }
  return {};
}

template <load_policy Policy>
result<loaded_object> object::load(const load_options& options) const noexcept {
  const bytes& image = spec_.image();
  const auto map_count = static_cast<u32>(spec_.maps().size());
  const auto program_count = static_cast<u32>(spec_.programs().size());

  auto maps = buffer<abi::map_create>::of(map_count);
  auto programs = buffer<abi::prog_load>::of(program_count);
  auto patches = buffer<program_patch>::of(program_count);
  u32 instructions = 0, longest = 0;
  for (const program_spec& program : spec_.programs()) {
    instructions += program.instruction_count;
    if (program.instruction_count > longest) longest = program.instruction_count;
  }
  auto code = buffer<abi::insn>::of(instructions);
  auto scratch = buffer<abi::insn>::of(longest);
  auto license = buffer<char>::of(spec_.license() == 0 ? 1 : image.length_of_string(spec_.license()) + 1);
  auto map_descriptors = buffer<fd>::of(map_count);
  auto program_descriptors = buffer<fd>::of(program_count);
  auto loaded_maps = buffer<loaded_object::loaded_map>::of(map_count);
  auto loaded_programs = buffer<loaded_object::loaded_program>::of(program_count);
  if (!maps || !programs || !patches || !code || !scratch || !license || !map_descriptors ||
      !program_descriptors || !loaded_maps || !loaded_programs)
    return error{.at = step::allocate, .code = ENOMEM};

  for (u32 i = 0; i < map_count; ++i) (*maps)[i] = to_map_create(image, spec_.maps()[i]);
  abi::insn* next = code->data();
  for (u32 i = 0; i < program_count; ++i) {
    const program_spec& program = spec_.programs()[i];
    (*programs)[i] = {.prog_type = static_cast<u32>(program.type),
                      .insn_cnt = program.instruction_count,
                      .license = license->data(),
                      .prog_name = kernel_name_at(image, program.name)};
    (*patches)[i] = {.code = next,
                     .references = spec_.references().data() + program.first_reference,
                     .reference_count = program.reference_count};
    for (u32 k = 0; k < program.instruction_count; ++k) *next++ = read_instruction(image, program, k);
  }
  if (spec_.license() != 0) image.copy_string(spec_.license(), license->data(), license->size());
  object_records records{.maps = maps->data(),
                         .map_count = map_count,
                         .programs = programs->data(),
                         .patches = patches->data(),
                         .program_count = program_count};
  buffer<u8> types;
  if constexpr (Policy.btf != btf_choice::none) {
    auto pruned = prune_types(*maps);
    if (!pruned) return pruned.error();
    types = std::move(*pruned);
    records.btf = types.data();
    records.btf_size = static_cast<u32>(types.size());
  }

  loaded_object out;
  out.maps_ = std::move(*loaded_maps);
  out.programs_ = std::move(*loaded_programs);
  if (const auto named = name_all(out); !named) return named.error();
  outcome row;
  load_patched<Policy.btf>(records, map_descriptors->data(), program_descriptors->data(), scratch->data(),
                           options.log, row);
  if (row.failed()) return to_error(row);
  for (u32 i = 0; i < map_count; ++i) out.maps_[i].descriptor = std::move((*map_descriptors)[i]);
  for (u32 i = 0; i < program_count; ++i) out.programs_[i].descriptor = std::move((*program_descriptors)[i]);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_HPP
