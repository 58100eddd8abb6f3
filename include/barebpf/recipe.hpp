// SPDX-License-Identifier: MIT
// Room 10.8, recipe: an object that was read while the program runs, written down as the kernel takes it.
#ifndef BAREBPF_RECIPE_HPP
#define BAREBPF_RECIPE_HPP

#include "load.hpp"
#include "object_spec.hpp"
#include "pruned_btf.hpp"
#include "struct_ops.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

constexpr size_t length_of_place(const bytes& image, const program_spec& program) noexcept {
  return program.place == 0 ? 0 : image.length_of_string(program.place);
}

// The object's maps and programs as the kernel takes them, and the memory that the records point to.
struct object_recipe {
  buffer<abi::map_create> maps, inner_maps;
  buffer<map_duty> duties;
  buffer<char> pins;
  buffer<u64> values;
  buffer<abi::prog_load> programs;
  buffer<program_patch> patches;
  buffer<kernel_type_need> targets;
  buffer<char> places;
  buffer<u64> code;  // a word for each instruction
  buffer<map_reference> references;
  buffer<abi::func_info> functions;
  buffer<u64> lines;
  buffer<abi::core_relo> cores;
  buffer<program_cores> cores_of;  // one for each program
  buffer<char> license;
  buffer<u32> types;
  buffer<u32> type_ids;  // in them, 0 for none: of the key and the value of each map, then of each variable
  buffer<extern_need> externs;
  buffer<type_shape> shapes;
  buffer<char> extern_names;
  buffer<bool> left_out;
  buffer<operation_struct> structs;
  buffer<operation_member> members;
  buffer<operation_program> operations;  // one for each program, where there is any
  operation_records operation;
  object_records records;
  u32 longest = 0;  // instructions
};

// Writes such a recipe.
class recipe_writer {
 public:
  recipe_writer(const object_spec& spec, const kernel_name& name, const load_options& options) noexcept
      : spec_(spec), name_(name), options_(options) {}

  // Errors: read_object for a program that cannot be put together; ENOMEM.
  [[nodiscard]] result<object_recipe> write(btf_choice wanted) const noexcept;

 private:
  [[nodiscard]] result<void> add_externs(object_recipe& out) const noexcept;
  [[nodiscard]] result<void> add_maps(const pruned_btf* types, object_recipe& out) const noexcept;
  [[nodiscard]] result<void> add_programs(const pruned_btf* types, const source_lines& lines,
                                          object_recipe& out) const noexcept;
  // Which programs are not loaded: for now, those that say so themselves.
  [[nodiscard]] result<void> choose_programs(object_recipe& out) const noexcept;
  // What speaks against a program before the kernel is asked; measures it otherwise.
  [[nodiscard]] verdict check_program(u32 index, program_layout& out) const noexcept;
  // The structs of functions; what of them the kernel that runs has is for `fit_operations`.
  [[nodiscard]] result<void> add_operations(object_recipe& out) const noexcept;

  const object_spec& spec_;
  const kernel_name& name_;
  const load_options& options_;
};

inline result<void> recipe_writer::add_externs(object_recipe& out) const noexcept {
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

inline result<void> recipe_writer::add_maps(const pruned_btf* types, object_recipe& out) const noexcept {
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

inline result<void> recipe_writer::choose_programs(object_recipe& out) const noexcept {
  auto left_out = buffer<bool>::of(spec_.programs().size());
  if (!left_out) return left_out.error();
  for (size_t i = 0; i < left_out->size(); ++i) (*left_out)[i] = spec_.programs()[i].is_optional;
  options_.choose(left_out->data(), static_cast<u32>(left_out->size()));
  out.left_out = std::move(*left_out);
  return {};
}

inline result<void> recipe_writer::add_operations(object_recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const filled_slot* const filled = spec_.filled_slots().data();
  const program_spec* const all = spec_.programs().data();
  const auto count = static_cast<u32>(spec_.programs().size());
  const operation_counts counted = count_operations(tables, filled, all, count);
  if (!counted.is_any) return {};
  if (counted.fault.failed()) {
    error why = to_error(spec_.image(), counted.fault);
    why.at = step::fit_operations;
    return why;
  }
  auto structs = buffer<operation_struct>::of(counted.structs);
  auto members = buffer<operation_member>::of(counted.members);
  auto programs = buffer<operation_program>::of(count);
  if (!structs || !members || !programs) return error{.at = step::allocate, .code = ENOMEM};
  write_operations(tables, filled, all, count, counted, {structs->data(), members->data(), programs->data()});
  out.operation = {.image = spec_.image(),
                   .structs = structs->data(),
                   .members = members->data(),
                   .programs = programs->data(),
                   .struct_count = counted.structs,
                   .first_map = counted.first_map,
                   .program_count = count};
  choose_for_operations(out.operation, options_, out.left_out.data());
  out.structs = std::move(*structs);
  out.members = std::move(*members);
  out.operations = std::move(*programs);
  return {};
}

inline verdict recipe_writer::check_program(u32 index, program_layout& out) const noexcept {
  const program_spec& program = spec_.programs()[index];
  const function_spec& function = spec_.functions()[program.function];
  if (const cause lacks = program.lacks(); lacks != cause::none && options_.new_kind_of(index) == nullptr)
    return {
        .why = lacks, .section = function.section, .offset = program.section_name, .subject = program.name};
  return lay_out(spec_.tables(), program.function, out);
}

inline result<void> recipe_writer::add_programs(const pruned_btf* types, const source_lines& lines,
                                                object_recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const auto count = static_cast<u32>(spec_.programs().size());
  program_layout layout;
  size_t instructions = 0, references = 0, functions = 0, line_count = 0, cores = 0, places = 0;
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    if (program.kind.may_be_loaded_for()) places += detail::length_of_place(spec_.image(), program) + 1;
    if (out.left_out[i]) continue;
    if (const verdict v = check_program(i, layout); v.failed()) {
      const error why = to_error(spec_.image(), v);
      if (options_.refused == nullptr || !options_.refused->add({i, why})) return why;
      out.left_out[i] = true;
      continue;
    }
    instructions += layout.instruction_count;
    references += layout.map_references;
    functions += layout.piece_count;
    line_count += lines.count(layout);
    cores += count_cores(tables, layout);
    if (layout.instruction_count > out.longest) out.longest = layout.instruction_count;
  }
  auto programs = buffer<abi::prog_load>::of(count);
  auto patches = buffer<program_patch>::of(count);
  auto code = buffer<u64>::of(instructions);
  auto names = buffer<map_reference>::of(references);
  auto starts = buffer<abi::func_info>::of(types == nullptr ? 0 : functions);
  auto sources = buffer<u64>::of(line_count * 2);
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
  u64* next_code = code->data();
  map_reference* next_name = names->data();
  abi::func_info* next_start = starts->data();
  u64* next_source = sources->data();
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
    if (program.kind.may_be_loaded_for()) {
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
    const u32 own_lines = lines.count(layout);
    if (own_lines == 0) continue;
    lines.write(layout, next_source);
    attr.line_info_rec_size = sizeof(abi::line_info);
    attr.line_info = next_source;
    attr.line_info_cnt = own_lines;
    next_source += size_t{own_lines} * 2;
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

inline result<object_recipe> recipe_writer::write(btf_choice wanted) const noexcept {
  const object_tables tables = spec_.tables();
  auto storage = buffer<u32>::of(
      pruned_btf::storage_size(tables.types.count(), tables.core_count, tables.types.types_size()));
  if (!storage) return storage.error();
  auto lines_storage = buffer<u32>::of(wanted == btf_choice::all ? source_lines::storage_size(tables) : 0);
  if (!lines_storage) return lines_storage.error();
  source_lines lines;
  if (lines_storage->size() != 0) {
    source_line_finder finder(tables, lines_storage->data());
    finder.find();
    lines = finder;
  }
  btf_pruner types(tables, storage->data(), lines);
  types.keep_object();
  const u32 size = types.number();
  result<object_recipe> out(std::in_place);
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
    auto ids = buffer<u32>::of(size_t{tables.map_count} * 2 + spec_.variables().size());
    if (!ids) return ids.error();
    u32* next = ids->data();
    for (const map_spec& map : spec_.maps()) {
      *next++ = types.new_id(map.key_type);
      // The value of a struct of functions is of the kernel's type and not of the object's.
      *next++ = map.origin == map_origin::operations ? 0 : types.new_id(map.value_type);
    }
    for (const variable_spec& variable : spec_.variables()) *next++ = types.new_id(variable.type);
    out->type_ids = std::move(*ids);
  }
  const pruned_btf* const told = with_types ? &types : nullptr;
  if (const auto added = add_externs(*out); !added) return added.error();
  if (const auto added = add_maps(told, *out); !added) return added.error();
  if (const auto chosen = choose_programs(*out); !chosen) return chosen.error();
  if (const auto added = add_operations(*out); !added) return added.error();
  if (const auto added = add_programs(told, lines, *out); !added) return added.error();
  return out;
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RECIPE_HPP
