// SPDX-License-Identifier: MIT
// Both passes over an object, into storage of just the announced size, and all that is made of it: for tests
// that look at what came out, and for those that look whether anything was written beside it.
#ifndef BAREBPF_TESTS_SUPPORT_READING_HPP
#define BAREBPF_TESTS_SUPPORT_READING_HPP

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fault_object.hpp"
#include "library.hpp"
#include "object_builder.hpp"
#include "write_types.hpp"

/// Storage for as many elements as were announced, with others behind them that nobody may touch.
template <class T>
class guarded {
 public:
  explicit guarded(std::size_t announced) : announced_(announced), all_(announced + guards) {
    std::memset(static_cast<void*>(all_.data() + announced_), 0xa5, guards * sizeof(T));
  }
  T* data() { return all_.data(); }
  const T* data() const { return all_.data(); }
  std::size_t size() const { return announced_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + announced_; }
  const T& operator[](std::size_t at) const { return all_.at(at); }
  bool is_untouched() const {
    const auto* const first = reinterpret_cast<const unsigned char*>(all_.data() + announced_);
    return std::all_of(first, first + guards * sizeof(T), [](unsigned char byte) { return byte == 0xa5; });
  }

 private:
  static constexpr std::size_t guards = 16;
  std::size_t announced_;
  std::vector<T> all_;
};

/// An image and both passes over it.
struct reading {
  barebpf::object_shape shape;
  barebpf::object_facts facts;
  barebpf::verdict fault;
  std::unique_ptr<guarded<barebpf::map_spec>> maps;
  std::unique_ptr<guarded<barebpf::variable_spec>> variables;
  std::unique_ptr<guarded<barebpf::function_spec>> functions;
  std::unique_ptr<guarded<barebpf::program_spec>> programs;
  std::unique_ptr<guarded<barebpf::reference>> references;
  std::unique_ptr<guarded<barebpf::filled_slot>> filled_slots;
  std::unique_ptr<guarded<barebpf::core_record>> cores;
  std::unique_ptr<guarded<std::uint32_t>> map_slots, type_index;
  std::unique_ptr<guarded<barebpf::extern_spec>> externs;
  std::unique_ptr<guarded<barebpf::extern_name>> extern_names;

  explicit reading(const barebpf::bytes& image) {
    fault = measure(image, shape);
    if (fault.failed()) return;
    make(maps, shape.maps);
    make(variables, shape.variables);
    make(functions, shape.functions);
    make(programs, shape.programs);
    make(references, shape.references);
    make(filled_slots, shape.filled_slots);
    make(cores, shape.cores);
    make(map_slots, shape.map_slots);
    make(type_index, shape.type_index);
    make(externs, shape.externs);
    make(extern_names, shape.externs);
    fault = read(image,
                 {maps->data(), variables->data(), functions->data(), programs->data(), references->data(),
                  filled_slots->data(), cores->data(), map_slots->data(), type_index->data(), externs->data(),
                  extern_names->data()},
                 facts);
  }
  explicit reading(const file_image& image) : reading(window(image)) {}

  bool kept_inside() const {
    return maps == nullptr ||
           (maps->is_untouched() && variables->is_untouched() && functions->is_untouched() &&
            programs->is_untouched() && references->is_untouched() && filled_slots->is_untouched() &&
            cores->is_untouched() && map_slots->is_untouched() && type_index->is_untouched() &&
            externs->is_untouched() && extern_names->is_untouched());
  }
  barebpf::object_tables tables() const {
    return {.image = facts.image,
            .types = facts.types,
            .maps = maps->data(),
            .variables = variables->data(),
            .functions = functions->data(),
            .references = references->data(),
            .cores = cores->data(),
            .map_count = facts.maps,
            .function_count = facts.functions,
            .reference_count = facts.references,
            .core_count = facts.cores,
            .line_size = facts.line_size,
            .externs = externs->data(),
            .extern_count = facts.externs};
  }
  const barebpf::map_spec& map(std::size_t at) const { return (*maps)[at]; }
  const barebpf::variable_spec& variable(std::size_t at) const { return (*variables)[at]; }
  const barebpf::function_spec& function(std::size_t at) const { return (*functions)[at]; }
  const barebpf::program_spec& program(std::size_t at) const { return (*programs)[at]; }
  const barebpf::reference& reference(std::size_t at) const { return (*references)[at]; }
  const barebpf::filled_slot& slot(std::size_t at) const { return (*filled_slots)[at]; }
  const barebpf::extern_spec& external(std::size_t at) const { return (*externs)[at]; }
  /// The function of the program with this index.
  const barebpf::function_spec& function_of(std::size_t program_index) const {
    return function(program(program_index).function);
  }
  std::uint32_t find_map(barebpf::text wanted) const {
    return find_named(facts.image, maps->data(), facts.maps, wanted);
  }
  std::uint32_t find_variable(barebpf::text wanted) const {
    return find_named(facts.image, variables->data(), facts.variables, wanted);
  }
  std::uint32_t find_function(barebpf::text wanted) const {
    return find_named(facts.image, functions->data(), facts.functions, wanted);
  }
  std::string name_at(std::uint64_t at) const { return string_at(facts.image, at); }

 private:
  template <class T>
  static void make(std::unique_ptr<guarded<T>>& slot, std::size_t count) {
    slot = std::make_unique<guarded<T>>(count);
  }
};

/// What stands in memory in these words, one record behind the other.
template <class Record>
std::vector<Record> records_in(const std::uint64_t* words, std::size_t count) {
  std::vector<Record> out(count);
  if (count != 0) std::memcpy(static_cast<void*>(out.data()), words, count * sizeof(Record));
  return out;
}

/// A program put together from its functions.
struct assembled_program {
  barebpf::program_layout layout;
  barebpf::verdict fault;
  std::unique_ptr<guarded<std::uint64_t>> code;
  std::unique_ptr<guarded<barebpf::map_reference>> maps;

  assembled_program(const barebpf::object_tables& object, std::uint32_t function,
                    barebpf::map_naming naming = barebpf::map_naming::by_descriptor) {
    fault = lay_out(object, function, layout);
    if (fault.failed()) return;
    code = std::make_unique<guarded<std::uint64_t>>(layout.instruction_count);
    maps = std::make_unique<guarded<barebpf::map_reference>>(layout.map_references);
    assemble(object, layout, naming, code->data(), maps->data());
  }
  bool kept_inside() const { return code == nullptr || (code->is_untouched() && maps->is_untouched()); }
  /// The instructions as bytes.
  file_image bytes() const {
    file_image out(code->size() * sizeof(barebpf::abi::insn));
    if (!out.empty()) std::memcpy(out.data(), code->data(), out.size());
    return out;
  }
};

/// What is left of an object's types.
struct pruned_object {
  barebpf::object_tables object;  ///< the others look at it
  guarded<std::uint32_t> storage;
  guarded<std::uint32_t> line_storage;
  barebpf::source_lines lines;
  barebpf::btf_pruner pruner;
  std::unique_ptr<guarded<std::uint8_t>> content;

  explicit pruned_object(const barebpf::object_tables& of, bool with_lines = false)
      : object(of),
        storage(barebpf::pruned_btf::storage_size(of.types.count(), of.core_count, of.types.types_size())),
        line_storage(with_lines ? barebpf::source_lines::storage_size(of) : 0),
        lines(with_lines ? find_lines(object, line_storage.data()) : barebpf::source_lines()),
        pruner(object, storage.data(), lines) {}
  pruned_object(const pruned_object&) = delete;
  pruned_object& operator=(const pruned_object&) = delete;

  static barebpf::source_lines find_lines(const barebpf::object_tables& object, std::uint32_t* storage) {
    barebpf::source_line_finder finder(object, storage);
    finder.find();
    return finder;
  }
  /// Numbers what was kept and writes it.
  pruned_object& write() {
    content = std::make_unique<guarded<std::uint8_t>>(pruner.number());
    if (content->size() != 0) write_types(pruner, content->data());
    return *this;
  }
  pruned_object& write_all() {
    pruner.keep_object();
    return write();
  }
  bool kept_inside() const {
    return storage.is_untouched() && line_storage.is_untouched() &&
           (content == nullptr || content->is_untouched());
  }
};

/// Everything that is ever done with an object short of the kernel; true when each step kept to its storage.
inline bool is_handled_inside(const reading& object) {
  if (!object.kept_inside() || object.fault.failed()) return object.kept_inside();
  const barebpf::object_tables tables = object.tables();
  bool inside = true;
  for (std::uint32_t i = 0; i < object.facts.externs; ++i)
    static_cast<void>(shape_of_extern(object.facts.types, object.external(i)));
  pruned_object types(tables, true);
  types.write_all();
  static_cast<void>(types.pruner.is_required());
  inside = inside && types.kept_inside();
  for (std::uint32_t i = 0; i < object.facts.programs; ++i) {
    const assembled_program made(tables, object.program(i).function);
    inside = inside && made.kept_inside();
    if (made.fault.failed()) continue;
    guarded<barebpf::abi::func_info> infos(made.layout.piece_count);
    guarded<std::uint64_t> lines(std::size_t{types.lines.count(made.layout)} * 2);
    write_functions(tables, made.layout, types.pruner, infos.data());
    if (lines.size() != 0) types.lines.write(made.layout, lines.data());
    guarded<barebpf::abi::core_relo> cores(count_cores(tables, made.layout));
    write_cores(tables, made.layout, types.pruner, cores.data());
    inside = inside && infos.is_untouched() && lines.is_untouched() && cores.is_untouched();
  }
  return inside;
}

inline std::string subject_of(const file_image& image, const barebpf::verdict& fault) {
  return fault.subject == 0 ? "" : string_at(window(image), fault.subject);
}

#endif
