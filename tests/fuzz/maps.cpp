// SPDX-License-Identifier: MIT
// Fuzzes room spec/maps: an input as map definitions, each member with a type that is right for it or a wrong one, and as
// relocations that fill their slots. They are written as an object with types, and a model that knows only what was to be
// written says what must come out: each number of each map, or the first fault and where it stands.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reading.hpp"

// Of the library the builder wants no more than that.
#define BAREBPF_TESTS_SUPPORT_LIBRARY_HPP
#include "../support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::number_form;
using barebpf::u16;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;

constexpr u32 prog_array = 3, array_of_maps = 12, hash_of_maps = 13;
constexpr u32 section_of_code = 1, section_of_maps = 2, section_of_types = 3;
constexpr u32 symbol_of_program = 1, symbol_of_nothing = 2, first_map_symbol = 3;

// What a pointer of a member points to.
struct pointee {
  u32 id = 0;
  u32 size = 0;  // 0 where it has none
  number_form form = number_form::no_number;
  bool is_declared_only = false;
  std::optional<u64> length{};  // of an array
};
// What the type of a member says, to whoever wants a number, a type or what the slots hold.
struct meaning {
  u32 id = 0;
  std::optional<u64> number{};
  std::optional<pointee> target{};
  bool has_slots = false;
  std::optional<std::size_t> inner{};  // the definition of the maps in it
};
struct member {
  std::string name;
  meaning what;
  u32 bit;
};
struct definition {
  u32 id = 0, size = 0;
  std::vector<member> members;
};
struct declared_map {
  bool is_static = false, is_listed_without_variable = false, is_struct = true, is_moved = false;
  u32 variable = 0, offset = 0;
  std::size_t defined_by = 0;
};
struct wanted_slot {
  u32 at = 0, symbol = 0;  // bytes from the start of .maps
};
// What came of a map, or the first thing that is wrong.
struct answer {
  barebpf::map_spec map{};
  std::optional<std::size_t> inner{};
  cause why = cause::none;
  std::size_t at = 0;  // in the file
  std::string subject{};

  bool failed() const { return why != cause::none; }
};

class maps_of_input {
 public:
  explicit maps_of_input(number_source in) : in_(in) { write(); }

  const file_image& image() const { return image_; }
  // The first fault of the object, or `all` of its maps and `slots`.
  answer expect(std::vector<answer>& all, std::vector<barebpf::filled_slot>& slots) const;
  answer read_members(std::size_t which) const;
  std::size_t type_at(u32 id) const { return file_.content_at(section_of_types) + types_.record_at(id); }
  u32 definition_id(std::size_t which) const { return definitions_[which].id; }
  static std::string name_of(std::size_t map) { return "map_" + std::to_string(map); }

 private:
  static constexpr const char* names[] = {
      "type",        "key",         "value",     "key_size",  "value_size",
      "max_entries", "map_flags",   "numa_node", "map_extra", "pinning",
      "values",      "max_entires", ""};

  // So many modifiers in front of a type: none mostly, and about as many as a reader follows.
  u32 wrap(u32 id, unsigned how) {
    const unsigned count = how == 15 ? 32 : how == 14 ? 31 : how < 8 ? 0 : how - 8;
    for (unsigned i = 0; i < count; ++i) {
      switch (i % 5) {
        case 0:
          id = types_.type_definition("alias", id);
          break;
        case 1:
          id = types_.const_type(id);
          break;
        case 2:
          id = types_.volatile_type(id);
          break;
        case 3:
          id = types_.type_tag("tag", id);
          break;
        default:
          id = types_.restrict_type(id);
      }
    }
    return id;
  }
  static bool is_followed(unsigned how) { return how != 15; }

  static u32 fits(u64 size) { return size > 0xffffffff ? 0 : static_cast<u32>(size); }

  pointee integer(u32 number) {
    constexpr u32 sizes[] = {1, 2, 4, 8, 16}, encodings[] = {0, 1, 2, 4, 5};
    const u32 size = sizes[number % 5], encoding = encodings[number / 5 % 5];
    return {types_.integer("int", size, encoding), size,
            (encoding & 1) != 0 ? number_form::signed_number : number_form::unsigned_number};
  }
  pointee made_of(unsigned how, u32 number) {
    switch (how) {
      case 0:
        return {.id = types_.array(int_, int_, number), .size = fits(u64{number} * 4), .length = number};
      case 3:
        return integer(number);
      case 4:
        return {.id = types_.structure("key", number, {}), .size = number};
      case 5:
        return {.id = types_.union_of("key", number, {}), .size = number};
      case 6: {
        const u32 length = number >> 16;
        return {.id = types_.array(types_.array(int_, int_, number & 0xffff), int_, length),
                .size = fits(u64{length} * (number & 0xffff) * 4),
                .length = length};
      }
      case 7:
        switch (number % 4) {
          case 0:
            return {.id = types_.forward("declared"), .is_declared_only = true};
          case 1:
            return {.id = types_.function_prototype(int_)};
          case 2:
            return {.id = 0xffffff};  // there is none
          default:
            return {};  // void
        }
      default:
        switch (number % 4) {
          case 0:
            return {.id = types_.enumeration("color", 4, {{"RED", 1}}), .size = 4};
          case 1:
            return {.id = types_.enumeration64("color", {{"RED", 1}}), .size = 8};
          case 2:
            return {.id = types_.floating("double", 8), .size = 8};
          default:
            return {.id = types_.pointer(int_), .size = 8};
        }
    }
  }
  meaning read_meaning(std::size_t around, unsigned depth) {
    constexpr unsigned forms = 12;
    const unsigned how = in_.next<u8>() % forms;
    const auto wraps = in_.next<u8>();
    const unsigned outer = wraps & 15, inner = wraps >> 4;
    const auto number = in_.next<u32>();
    meaning out;
    if (how == 1 || how == 2) {
      const u64 value = how == 1 ? number : number | u64{in_.next<u32>()} << 32;
      out.number = value;
      out.id = how == 1 ? types_.enumeration("", 4, {{"__unique", value}})
                        : types_.enumeration64("", {{"__unique", value}});
    } else if (how == 9) {
      const u32 length = number % 8 == 7 ? 3 : 0;
      const unsigned held = number / 8 % 4;
      if (held < 2 && depth < 3)
        out.inner = read_definition(depth + 1, 0);
      else if (held == 2)
        out.inner = around;
      const bool is_wrong = number / 32 % 8 == 7;
      const u32 pointer = types_.pointer(is_wrong     ? int_
                                         : !out.inner ? types_.function_prototype(int_)
                                                      : definitions_[*out.inner].id);
      if (!is_wrong && out.inner == around) own_pointers_[around].push_back(pointer);
      out.id = types_.array(wrap(pointer, inner), int_, length);
      out.has_slots = length == 0 && !is_wrong && is_followed(inner);
    } else if (how == 10) {
      switch (number % 5) {
        case 0:
          out.id = int_;
          break;
        case 1:
          out.id = types_.enumeration("", 4, {{"one", 1}, {"two", 2}});
          break;
        case 2:
          out.id = types_.enumeration64("", {});
          break;
        case 3:
          out.id = 0xffffff;
          break;
        default:
          out.id = types_.structure("", 8, {});
      }
    } else if (how == 11) {
      out.id = types_.array(int_, int_, 0);
    } else {
      pointee to = made_of(how, number);
      to.id = wrap(to.id, inner);
      if (!is_followed(inner)) to = {.id = to.id};
      out.number = to.length;
      out.target = to;
      out.id = types_.pointer(to.id);
    }
    out.id = wrap(out.id, outer);
    if (!is_followed(outer)) out = {.id = out.id};
    return out;
  }
  std::size_t read_definition(unsigned depth, u32 more_slots) {
    const std::size_t which = definitions_.size();
    definitions_.push_back({});
    own_pointers_.push_back({});
    std::vector<btf_builder::member> written;
    std::vector<member> members;
    const unsigned count = in_.next<u8>() % 16;
    for (unsigned i = 0; i < count && in_.left() != 0; ++i) {
      const auto name = in_.next<u8>();
      const bool is_odd = name >= 240;
      const meaning what = read_meaning(which, depth);
      const u32 bit = i * 64 + (is_odd ? 8 : 0);
      members.push_back({names[name % (sizeof names / sizeof names[0])], what, bit});
      written.push_back({members.back().name, what.id, bit});
    }
    const auto size = static_cast<u32>(members.size() + more_slots) * 8;
    const u32 id = types_.structure("", size, written);
    definitions_[which] = {.id = id, .size = size, .members = std::move(members)};
    for (const u32 pointer : own_pointers_[which]) put32(types_.types, types_.starts.at(pointer) + 8, id);
    return which;
  }

  void write() {
    int_ = types_.integer("int", 4, 1);
    const unsigned count = 1 + in_.next<u8>() % 4;
    std::vector<btf_builder::place> places;
    u32 end = 0;
    for (unsigned i = 0; i < count; ++i) {
      const auto flags = in_.next<u8>();
      const auto wraps = in_.next<u8>();
      declared_map one{.is_static = (flags & 1) != 0,
                       .is_listed_without_variable = (flags & 6) == 6,
                       .is_struct = (flags & 24) != 24,
                       .is_moved = (flags & 32) == 0};
      one.defined_by = read_definition(0, flags >> 6);
      definition& of = definitions_[one.defined_by];
      one.offset = wraps >= 240 ? in_.next<u16>() : end;
      const u32 type = wrap(one.is_struct ? of.id : int_, wraps & 15);
      one.is_struct = one.is_struct && is_followed(wraps & 15);
      one.variable = types_.variable(name_of(i), type, one.is_static ? 0 : 1);
      places.push_back(
          {one.is_listed_without_variable ? of.id : one.variable, one.is_moved ? 0 : one.offset, of.size});
      end += of.size;
      maps_.push_back(one);
    }
    const auto cut = in_.next<u8>();
    size_ = cut < 240 || cut - 240u > end ? end : end - (cut - 240);
    const u32 layout = types_.data_section(".maps", size_, places);
    layout_ = layout;
    const unsigned slots = in_.next<u8>() % 16;
    for (unsigned i = 0; i < slots && in_.left() != 0; ++i) {
      const auto map = in_.next<u8>() % count;
      const auto word = in_.next<u8>();
      const auto symbol = in_.next<u8>();
      slots_.push_back({.at = maps_[map].offset + word / 2 * 8 + (word == 255 ? 1 : 0),
                        .symbol = symbol % (first_map_symbol + count + 2)});
    }

    file_.add(object_builder::section{.name = "xdp",
                                      .type = 1,
                                      .flags = 6,
                                      .content = {0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}});
    file_.add(object_builder::section{.name = ".maps", .type = 1, .flags = 3, .content = file_image(size_)});
    file_.add(object_builder::section{.name = ".BTF", .type = 1, .content = types_.content()});
    file_.add(object_builder::symbol{"count", 0x12, section_of_code, 0, 16});
    file_.add(object_builder::symbol{"missing", 0x10, 0, 0, 0});
    std::vector<object_builder::relocation> moves, fills;
    for (u32 i = 0; i < count; ++i) {
      file_.add(object_builder::symbol{name_of(i), 0x11, section_of_maps, maps_[i].offset, 8});
      if (maps_[i].is_moved)
        moves.push_back({types_.record_at(layout) + 12 + 12 * i + 4, first_map_symbol + i});
    }
    for (const wanted_slot& one : slots_) fills.push_back({one.at, one.symbol});
    file_.add_relocations(".rel.BTF", section_of_types, moves);
    file_.add_relocations(".rel.maps", section_of_maps, fills);
    image_ = file_.build();
  }

  answer expect_map(std::size_t which) const;
  // Which map begins at this offset; of several, the last.
  std::optional<std::size_t> map_at(u64 offset) const {
    std::optional<std::size_t> out;
    for (std::size_t i = 0; i < maps_.size(); ++i)
      if (maps_[i].offset == offset) out = i;
    return out;
  }

  number_source in_;
  btf_builder types_;
  object_builder file_;
  file_image image_;
  u32 int_ = 0, layout_ = 0, size_ = 0;
  std::vector<definition> definitions_;
  std::vector<std::vector<u32>> own_pointers_;  // of each definition, those that point to itself
  std::vector<declared_map> maps_;
  std::vector<wanted_slot> slots_;
};

bool holds_maps(u32 type) { return type == array_of_maps || type == hash_of_maps; }

answer maps_of_input::read_members(std::size_t which) const {
  const definition& of = definitions_[which];
  answer out;
  std::map<std::string, int> seen;
  barebpf::map_spec& map = out.map;
  const std::map<std::string, u32*> places = {{"type", &map.type},
                                              {"key_size", &map.key_size},
                                              {"value_size", &map.value_size},
                                              {"max_entries", &map.max_entries},
                                              {"map_flags", &map.map_flags},
                                              {"numa_node", &map.numa_node},
                                              {"pinning", &map.pinning}};
  for (std::size_t i = 0; i < of.members.size(); ++i) {
    const member& one = of.members[i];
    out.at = type_at(of.id) + 12 + 12 * i;
    out.subject = one.name;
    const auto wrong = [&](cause why) {
      out.why = why;
      return out;
    };
    const bool is_key = one.name == "key", is_value = one.name == "value";
    const auto plain_number = places.find(one.name);
    if (!is_key && !is_value && plain_number == places.end() && one.name != "values" &&
        one.name != "map_extra")
      return wrong(cause::unknown_map_member);
    if (seen[one.name]++ != 0) return wrong(cause::bad_map_member);
    if (one.name == "values") {
      if (!one.what.has_slots || one.bit % 64 != 0) return wrong(cause::bad_map_member);
      out.map.has_values = true;
      out.map.slots_at = one.bit / 8;
      out.inner = one.what.inner;
      continue;
    }
    if (is_key || is_value) {
      if (!one.what.target) return wrong(cause::bad_map_member);
      if (one.what.target->is_declared_only) return wrong(cause::only_declared_type);
      if (one.what.target->size == 0) return wrong(cause::bad_map_member);
      (is_key ? out.map.key_type : out.map.value_type) = one.what.target->id;
      (is_key ? out.map.key_form : out.map.value_form) = one.what.target->form;
      u32& size = is_key ? out.map.key_size : out.map.value_size;
      if (size != 0 && size != one.what.target->size) return wrong(cause::two_sizes);
      size = one.what.target->size;
      continue;
    }
    if (!one.what.number) return wrong(cause::bad_map_member);
    const u64 number = *one.what.number;
    if (one.name == "map_extra") {
      out.map.map_extra = number;
      continue;
    }
    if (number >> 32 != 0) return wrong(cause::bad_map_member);
    u32& place = *plain_number->second;
    const bool is_size = one.name == "key_size" || one.name == "value_size";
    if (is_size && place != 0 && place != number) return wrong(cause::two_sizes);
    if (one.name == "pinning" && number > 1) return wrong(cause::bad_pinning);
    place = static_cast<u32>(number);
  }
  return out;
}

answer maps_of_input::expect_map(std::size_t which) const {
  const declared_map& one = maps_[which];
  const auto wrong = [&](cause why, std::size_t at) {
    answer out;
    out.why = why;
    out.at = at;
    out.subject = name_of(which);
    return out;
  };
  const std::size_t variable = type_at(one.variable);
  if (one.is_listed_without_variable) {
    answer out = wrong(cause::bad_btf_type, type_at(layout_) + 12 + 12 * which);
    out.subject.clear();
    return out;
  }
  if (one.is_static) return wrong(cause::static_map, variable);
  if (!one.is_struct) return wrong(cause::map_is_no_struct, variable);
  const u64 size = definitions_[one.defined_by].size;
  if (size == 0 || one.offset % 8 != 0 || one.offset + size > size_)
    return wrong(cause::map_outside_section, variable);
  answer out = read_members(one.defined_by);
  if (out.failed()) return out;
  out.at = variable;
  out.subject = name_of(which);
  out.map.offset = one.offset;
  if (out.map.type == 0) return wrong(cause::no_map_type, variable);
  if (!out.map.has_values) return out;
  if (!holds_maps(out.map.type) && out.map.type != prog_array)
    return wrong(cause::values_not_wanted, variable);
  if (holds_maps(out.map.type) != out.inner.has_value()) return wrong(cause::wrong_values, variable);
  if (out.map.value_size != 0 && out.map.value_size != 4) return wrong(cause::two_sizes, variable);
  out.map.value_size = 4;
  if (!out.inner) return out;
  const answer inner = read_members(*out.inner);
  if (inner.failed()) return inner;
  const std::size_t described_at = type_at(definition_id(*out.inner));
  if (inner.map.type == 0) return wrong(cause::no_map_type, described_at);
  if (inner.map.has_values || holds_maps(inner.map.type)) return wrong(cause::maps_too_deep, described_at);
  if (inner.map.pinning != 0) return wrong(cause::pinned_inner_map, described_at);
  return out;
}

answer maps_of_input::expect(std::vector<answer>& all, std::vector<barebpf::filled_slot>& slots) const {
  answer fault;
  const auto wrong = [&](cause why, std::size_t at, const std::string& subject) {
    fault.why = why;
    fault.at = at;
    fault.subject = subject;
    return fault;
  };
  if (maps_.size() > (size_ + 7) / 8) return wrong(cause::map_outside_section, type_at(layout_), "");
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    all.push_back(expect_map(i));
    if (all.back().failed()) return all.back();
  }
  const std::size_t maps_at = file_.content_at(section_of_maps);
  const std::size_t fills_at = file_.content_at(section_of_types + 2);
  std::multimap<u32, u32> sorted;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].at >= size_) return wrong(cause::bad_slot, fills_at + i * 16, "");
    sorted.insert({slots_[i].at, slots_[i].symbol});
  }
  for (const auto& [at, symbol] : sorted) {
    const std::size_t place = maps_at + at;
    // Which of two that fill one slot comes first is nobody's promise, so neither is what is said of the first.
    if (sorted.count(at) > 1) return wrong(cause::bad_slot, 0, "");
    std::optional<std::size_t> holder;
    for (u64 offset = 0; offset <= at; offset += 8)
      if (const auto found = map_at(offset)) holder = found;
    if (!holder) return wrong(cause::bad_slot, place, "");
    answer& of = all[*holder];
    const std::string name = name_of(*holder);
    const u32 first = maps_[*holder].offset + of.map.slots_at;
    if (!of.map.has_values || at < first || (at - first) % 8 != 0) return wrong(cause::bad_slot, place, name);
    const u32 slot = (at - first) / 8;
    if (symbol >= first_map_symbol + maps_.size()) return wrong(cause::bad_symbol, place, name);
    if (symbol == symbol_of_nothing) return wrong(cause::undefined_symbol, place, "missing");
    if (symbol == 0) return wrong(cause::undefined_symbol, place, "");
    if (of.map.type == hash_of_maps && of.map.key_size != 4)
      return wrong(cause::slots_need_numbers, place, name);
    if (of.map.type != hash_of_maps && of.map.max_entries != 0 && slot >= of.map.max_entries)
      return wrong(cause::no_such_slot, place, name);
    u32 target = 0;
    if (of.map.type == prog_array) {
      if (symbol != symbol_of_program) return wrong(cause::slot_is_no_program, place, name);
    } else {
      const auto found =
          symbol == symbol_of_program ? std::nullopt : map_at(maps_[symbol - first_map_symbol].offset);
      if (!found) return wrong(cause::slot_is_no_map, place, name);
      if (holds_maps(all[*found].map.type)) return wrong(cause::maps_too_deep, place, name);
      target = static_cast<u32>(*found);
    }
    if (of.map.slot_count++ == 0) of.map.first_slot = static_cast<u32>(slots.size());
    slots.push_back({.at = place, .slot = slot, .target = target});
  }
  return fault;
}

auto numbers(const barebpf::map_spec& of) {
  return std::tuple(of.offset, of.type, of.key_size, of.value_size, of.max_entries, of.map_flags,
                    of.numa_node, of.map_extra, of.pinning, of.key_type, of.value_type, of.key_form,
                    of.value_form, of.has_values, of.slots_at, of.first_slot, of.slot_count);
}

void check(const maps_of_input& made, const barebpf::bytes& image) {
  std::vector<answer> all;
  std::vector<barebpf::filled_slot> slots;
  const answer expected = made.expect(all, slots);
  const reading found(image);
  const bool is_of_two =
      expected.failed() && expected.at == 0;  // either may come first, with a fault of its own
  promise(is_of_two ? found.fault.failed() : found.fault.why == expected.why,
          "the first fault is the model's, or there is none");
  if (expected.failed()) {
    promise(expected.at == 0 || found.fault.offset == expected.at, "a fault stands where the model has it");
    promise(expected.at == 0 || found.fault.subject == 0 ||
                string_at(image, found.fault.subject) == expected.subject,
            "a fault is about what the model says");
    promise(expected.subject.empty() || found.fault.subject != 0,
            "a fault is about something that has a name");
    return;
  }
  promise(found.facts.maps == all.size(), "there are as many maps as were declared");
  promise(found.facts.filled_slots == slots.size(), "there are as many filled slots as relocations");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const barebpf::map_spec& map = found.maps[i];
    promise(numbers(map) == numbers(all[i].map), "a map has the numbers that its definition gives it");
    promise(string_at(image, map.name) == maps_of_input::name_of(i), "a map has its variable's name");
    promise(map.declared_at == all[i].at, "a map is declared at its variable");
    promise(map.inner == (all[i].inner ? made.definition_id(*all[i].inner) : 0),
            "a map has the pattern it was given");
    if (!all[i].inner) continue;
    const answer pattern = made.read_members(*all[i].inner);
    const barebpf::map_spec inner = inner_of(found.facts.types, map);
    promise(numbers(inner) == numbers(pattern.map), "a pattern has the numbers that its definition gives it");
    promise(inner.name == map.name, "a pattern is called by the map that it is for");
  }
  for (std::size_t i = 0; i < slots.size(); ++i)
    promise(fields(found.filled_slots[i]) == fields(slots[i]), "a slot holds what its relocation names");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const maps_of_input made(number_source(data, size));
  const input file(made.image().data(), made.image().size());
  check(made, file.plain());
  check(made, file.packed());
  return 0;
}
