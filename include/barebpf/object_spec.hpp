// SPDX-License-Identifier: MIT
// Room 4.10, object_spec: a spec that is read while the program runs, with its storage on the heap.
#ifndef BAREBPF_OBJECT_SPEC_HPP
#define BAREBPF_OBJECT_SPEC_HPP

#include "buffer.hpp"
#include "spec.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The error that tells of a reader's verdict: about ".maps:hits", the section and the name inside it.
[[nodiscard]] constexpr error to_error(const bytes& image, const verdict& found) noexcept {
  char section[error::name_size] = {}, subject[sizeof error::name] = {};
  elf file;
  if (found.section != 0 && !elf::open(image, file).failed())
    image.copy_string(file.section(found.section).name, section, sizeof section);
  if (found.subject != 0) image.copy_string(found.subject, subject, sizeof subject);
  return error{.at = step::read_object, .why = found.why, .offset = found.offset}.about(subject, section);
}

/// A BPF object that the program reads.
/// Lifetime: looks at the image as long as it lives; moving leaves the source empty.
class object_spec {
 public:
  /// Reads the object in `image`.
  /// Errors: step read_object with the cause, the byte offset and the section; ENOMEM.
  /// Cost:   eleven allocations at most; linear in the file.
  [[nodiscard]] static result<object_spec> read(bytes image) noexcept {
    detail::opened_object opened;
    if (const verdict found = detail::open_object(image, opened); found.failed())
      return to_error(image, found);
    object_shape shape;
    if (const verdict found = measure(opened, shape); found.failed()) return to_error(image, found);
    object_spec out;
    auto maps = buffer<map_spec>::of(shape.maps);
    auto variables = buffer<variable_spec>::of(shape.variables);
    auto functions = buffer<function_spec>::of(shape.functions);
    auto programs = buffer<program_spec>::of(shape.programs);
    auto references = buffer<reference>::of(shape.references);
    auto filled_slots = buffer<filled_slot>::of(shape.filled_slots);
    auto cores = buffer<core_record>::of(shape.cores);
    auto map_slots = buffer<u32>::of(shape.map_slots);
    auto type_index = buffer<u32>::of(shape.type_index);
    auto externs = buffer<extern_spec>::of(shape.externs);
    auto extern_names = buffer<extern_name>::of(shape.externs);
    if (!maps || !variables || !functions || !programs || !references || !filled_slots || !cores ||
        !map_slots || !type_index || !externs || !extern_names)
      return error{.at = step::allocate, .code = ENOMEM};
    out.maps_ = std::move(*maps);
    out.variables_ = std::move(*variables);
    out.functions_ = std::move(*functions);
    out.programs_ = std::move(*programs);
    out.references_ = std::move(*references);
    out.filled_slots_ = std::move(*filled_slots);
    out.cores_ = std::move(*cores);
    out.type_index_ = std::move(*type_index);
    out.externs_ = std::move(*externs);
    const object_slots slots{out.maps_.data(),     out.variables_.data(),  out.functions_.data(),
                             out.programs_.data(), out.references_.data(), out.filled_slots_.data(),
                             out.cores_.data(),    map_slots->data(),      out.type_index_.data(),
                             out.externs_.data(),  extern_names->data()};
    if (const verdict found = barebpf::read(opened, slots, out.facts_); found.failed())
      return to_error(image, found);
    out.maps_.shrink(out.facts_.maps);
    out.variables_.shrink(out.facts_.variables);
    out.functions_.shrink(out.facts_.functions);
    out.programs_.shrink(out.facts_.programs);
    out.references_.shrink(out.facts_.references);
    out.cores_.shrink(out.facts_.cores);
    out.line_count_ = shape.lines;
    return out;
  }

  [[nodiscard]] const bytes& image() const noexcept { return facts_.image; }
  [[nodiscard]] const btf& types() const noexcept { return facts_.types; }
  [[nodiscard]] const buffer<map_spec>& maps() const noexcept { return maps_; }
  [[nodiscard]] const buffer<variable_spec>& variables() const noexcept { return variables_; }
  [[nodiscard]] const buffer<function_spec>& functions() const noexcept { return functions_; }
  [[nodiscard]] const buffer<program_spec>& programs() const noexcept { return programs_; }
  /// What instructions refer to; each function knows which are its own.
  [[nodiscard]] const buffer<reference>& references() const noexcept { return references_; }
  /// What the slots of maps hold at first; each map knows which are its own.
  [[nodiscard]] const buffer<filled_slot>& filled_slots() const noexcept { return filled_slots_; }
  /// Which instructions depend on the kernel's types (CO-RE); each function knows which are its own.
  [[nodiscard]] const buffer<core_record>& cores() const noexcept { return cores_; }
  /// What the object wants of the kernel by name.
  [[nodiscard]] const buffer<extern_spec>& externs() const noexcept { return externs_; }
  /// How many bytes the value of its map of options has, 0 when there is none.
  [[nodiscard]] u32 config_size() const noexcept {
    for (const map_spec& map : maps_)
      if (map.origin == map_origin::config) return map.value_size;
    return 0;
  }
  /// How many records of source lines there are.
  [[nodiscard]] u32 line_count() const noexcept { return line_count_; }
  /// Where the name of the source file stands in the image, 0 when there is none.
  [[nodiscard]] u64 source() const noexcept { return facts_.source; }
  /// All of it, as those look at it who load it.
  [[nodiscard]] object_tables tables() const noexcept {
    return {.image = facts_.image,
            .types = facts_.types,
            .maps = maps_.data(),
            .variables = variables_.data(),
            .functions = functions_.data(),
            .references = references_.data(),
            .cores = cores_.data(),
            .map_count = facts_.maps,
            .function_count = facts_.functions,
            .reference_count = facts_.references,
            .core_count = facts_.cores,
            .line_size = facts_.line_size,
            .externs = externs_.data(),
            .extern_count = facts_.externs};
  }
  /// Where the license string stands in the image, 0 when there is none.
  [[nodiscard]] u64 license() const noexcept { return facts_.license; }

  /// The index of the map, variable or program called `wanted`, or `not_found`.
  [[nodiscard]] u32 find_map(text wanted) const noexcept {
    return find_named(image(), maps_.data(), static_cast<u32>(maps_.size()), wanted);
  }
  [[nodiscard]] u32 find_variable(text wanted) const noexcept {
    return find_named(image(), variables_.data(), static_cast<u32>(variables_.size()), wanted);
  }
  [[nodiscard]] u32 find_program(text wanted) const noexcept {
    return find_named(image(), programs_.data(), static_cast<u32>(programs_.size()), wanted);
  }

 private:
  object_spec() noexcept = default;

  object_facts facts_;
  buffer<map_spec> maps_;
  buffer<variable_spec> variables_;
  buffer<function_spec> functions_;
  buffer<program_spec> programs_;
  buffer<reference> references_;
  buffer<filled_slot> filled_slots_;
  buffer<core_record> cores_;
  buffer<u32> type_index_;
  buffer<extern_spec> externs_;
  u32 line_count_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_SPEC_HPP
