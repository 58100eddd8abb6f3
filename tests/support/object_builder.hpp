// SPDX-License-Identifier: MIT
// Objects made by hand, piece by piece, so that a test knows every byte and where it stands. Kinds and types
// are written as bare numbers here: taken from the library, they would prove the library by itself.
#ifndef BAREBPF_TESTS_SUPPORT_OBJECT_BUILDER_HPP
#define BAREBPF_TESTS_SUPPORT_OBJECT_BUILDER_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "library.hpp"

using file_image = std::vector<unsigned char>;

template <class Number>
void put_number(file_image& image, std::size_t at, Number value) {
  if (at > image.size() || sizeof value > image.size() - at) throw std::out_of_range("put outside the image");
  std::memcpy(image.data() + at, &value, sizeof value);
}
template <class Number>
Number get_number(const file_image& image, std::size_t at) {
  Number value{};
  if (at > image.size() || sizeof value > image.size() - at) throw std::out_of_range("get outside the image");
  std::memcpy(&value, image.data() + at, sizeof value);
  return value;
}
inline void put16(file_image& image, std::size_t at, std::uint16_t value) { put_number(image, at, value); }
inline void put32(file_image& image, std::size_t at, std::uint32_t value) { put_number(image, at, value); }
inline void put64(file_image& image, std::size_t at, std::uint64_t value) { put_number(image, at, value); }
inline std::uint16_t get16(const file_image& image, std::size_t at) {
  return get_number<std::uint16_t>(image, at);
}
inline std::uint32_t get32(const file_image& image, std::size_t at) {
  return get_number<std::uint32_t>(image, at);
}
inline std::uint64_t get64(const file_image& image, std::size_t at) {
  return get_number<std::uint64_t>(image, at);
}
/// A number of 64 bits that is a place in the image.
inline std::size_t place64(const file_image& image, std::size_t at) {
  return static_cast<std::size_t>(get64(image, at));
}
inline void append32(file_image& image, std::uint32_t value) {
  image.resize(image.size() + 4);
  put32(image, image.size() - 4, value);
}
inline void append64(file_image& image, std::uint64_t value) {
  image.resize(image.size() + 8);
  put64(image, image.size() - 8, value);
}

/// What a reader is given of an image.
inline barebpf::bytes window(const file_image& image) { return barebpf::bytes(image.data(), image.size()); }
/// The same of one that says nothing of its byte order, which is this machine's.
inline barebpf::bytes window_on_numbers(const file_image& image) {
  barebpf::bytes out = window(image);
  if (barebpf::host_is_big_endian) out.read_big_endian();
  return out;
}

inline std::string to_string(barebpf::text from) { return std::string(from.data(), from.size()); }

/// The string at `at`, up to its NUL.
inline std::string string_at(const barebpf::bytes& image, std::uint64_t at) {
  char out[128];
  return std::string(out, image.copy_string(at, out, sizeof out));
}

/// Where the header of the section called `wanted` stands, found without the library.
inline std::size_t section_header_at(const file_image& image, const std::string& wanted) {
  const std::size_t table = place64(image, 40);
  const std::size_t names = place64(image, table + get16(image, 62) * 64u + 24);
  for (std::size_t i = 0; i < get16(image, 60); ++i) {
    const std::size_t at = table + i * 64;
    const char* const found = reinterpret_cast<const char*>(&image.at(names + get32(image, at)));
    if (found == wanted) return at;
  }
  throw std::runtime_error("no section " + wanted);
}
/// Gives the section called `old_name` a name as long. Linkers let names share their ends, so others that
/// end in `old_name` change with it.
inline void rename_section(file_image& image, const std::string& old_name, const std::string& new_name) {
  const std::size_t names = place64(image, place64(image, 40) + get16(image, 62) * 64u + 24);
  const std::size_t at = names + get32(image, section_header_at(image, old_name));
  if (old_name.size() != new_name.size()) throw std::invalid_argument("names of two lengths");
  std::memcpy(&image.at(at), new_name.data(), new_name.size());
}

/// Adds one instruction.
inline void append_instruction(file_image& code, unsigned opcode, unsigned destination, unsigned source,
                               int offset, std::int32_t immediate) {
  const unsigned registers =
      barebpf::host_is_big_endian ? destination << 4 | source : source << 4 | destination;
  code.push_back(static_cast<unsigned char>(opcode));
  code.push_back(static_cast<unsigned char>(registers));
  code.resize(code.size() + 6);
  put16(code, code.size() - 6, static_cast<std::uint16_t>(offset));
  put32(code, code.size() - 4, static_cast<std::uint32_t>(immediate));
}
/// The instructions that tests need, one behind the other: `bpf_code().move(0, 7).exit()`.
struct bpf_code {
  file_image content{};

  operator file_image() const { return content; }
  std::size_t size() const { return content.size(); }
  /// r = number
  bpf_code& move(unsigned destination, std::int32_t number) { return add(0xb7, destination, 0, number); }
  bpf_code& exit() { return add(0x95, 0, 0, 0); }
  /// A call of a function: -1 where a relocation by name follows, else counted from the next instruction.
  bpf_code& call(std::int32_t immediate) { return add(0x85, 0, 1, immediate); }
  bpf_code& call_helper(std::int32_t number) { return add(0x85, 0, 0, number); }
  /// A load of 64 bits, which takes two slots.
  bpf_code& load(unsigned destination, std::int32_t low, std::int32_t high = 0) {
    return add(0x18, destination, 0, low).add(0, 0, 0, high);
  }
  bpf_code& add(unsigned opcode, unsigned destination, unsigned source, std::int32_t immediate) {
    append_instruction(content, opcode, destination, source, 0, immediate);
    return *this;
  }
};

/// The content of a .BTF section. Each function adds one type and gives its id; the first is 1.
struct btf_builder {
  struct member {
    std::string name;
    std::uint32_t type;
    std::uint32_t bit = 0;
  };
  struct enumerator {
    std::string name;
    std::uint64_t value;
  };
  struct place {
    std::uint32_t variable, offset, size;
  };

  std::string strings = std::string(1, '\0');
  file_image types;
  std::vector<std::size_t> starts = {0};

  std::uint32_t name(const std::string& wanted) {
    if (wanted.empty()) return 0;
    const auto at = static_cast<std::uint32_t>(strings.size());
    strings += wanted + '\0';
    return at;
  }
  std::uint32_t add(std::uint32_t kind, const std::string& called, std::uint32_t members,
                    std::uint32_t size_or_type, const std::vector<std::uint32_t>& tail = {}) {
    starts.push_back(types.size());
    append32(types, name(called));
    append32(types, kind << 24 | members);
    append32(types, size_or_type);
    for (const std::uint32_t word : tail) append32(types, word);
    return static_cast<std::uint32_t>(starts.size() - 1);
  }
  /// `encoding`: 1 signed, 2 char, 4 bool.
  std::uint32_t integer(const std::string& called, std::uint32_t size, std::uint32_t encoding) {
    return add(1, called, 0, size, {encoding << 24 | size * 8});
  }
  std::uint32_t pointer(std::uint32_t to) { return add(2, "", 0, to); }
  std::uint32_t array(std::uint32_t element, std::uint32_t index, std::uint32_t length) {
    return add(3, "", 0, 0, {element, index, length});
  }
  std::uint32_t structure(const std::string& called, std::uint32_t size, const std::vector<member>& members) {
    return members_of(4, called, size, members);
  }
  std::uint32_t union_of(const std::string& called, std::uint32_t size, const std::vector<member>& members) {
    return members_of(5, called, size, members);
  }
  std::uint32_t enumeration(const std::string& called, std::uint32_t size,
                            const std::vector<enumerator>& values) {
    std::vector<std::uint32_t> tail;
    for (const enumerator& one : values) {
      tail.push_back(name(one.name));
      tail.push_back(static_cast<std::uint32_t>(one.value));
    }
    return add(6, called, static_cast<std::uint32_t>(values.size()), size, tail);
  }
  std::uint32_t enumeration64(const std::string& called, const std::vector<enumerator>& values) {
    std::vector<std::uint32_t> tail;
    for (const enumerator& one : values) {
      tail.push_back(name(one.name));
      tail.push_back(static_cast<std::uint32_t>(one.value));
      tail.push_back(static_cast<std::uint32_t>(one.value >> 32));
    }
    return add(19, called, static_cast<std::uint32_t>(values.size()), 8, tail);
  }
  std::uint32_t forward(const std::string& called) { return add(7, called, 0, 0); }
  std::uint32_t type_definition(const std::string& called, std::uint32_t of) { return add(8, called, 0, of); }
  std::uint32_t volatile_type(std::uint32_t of) { return add(9, "", 0, of); }
  std::uint32_t const_type(std::uint32_t of) { return add(10, "", 0, of); }
  std::uint32_t restrict_type(std::uint32_t of) { return add(11, "", 0, of); }
  std::uint32_t function_prototype(std::uint32_t returns, const std::vector<member>& parameters = {}) {
    std::vector<std::uint32_t> tail;
    for (const member& one : parameters) tail.insert(tail.end(), {name(one.name), one.type});
    return add(13, "", static_cast<std::uint32_t>(parameters.size()), returns, tail);
  }
  /// `linkage`: 0 static, 1 global, 2 extern.
  std::uint32_t function(const std::string& called, std::uint32_t prototype, std::uint32_t linkage) {
    return add(12, called, linkage, prototype);
  }
  /// `component`: the index of a member or parameter, or all ones for the whole.
  std::uint32_t declaration_tag(const std::string& called, std::uint32_t of, std::uint32_t component) {
    return add(17, called, 0, of, {component});
  }
  /// `linkage`: 0 static, 1 global.
  std::uint32_t variable(const std::string& called, std::uint32_t type, std::uint32_t linkage) {
    return add(14, called, 0, type, {linkage});
  }
  std::uint32_t data_section(const std::string& called, std::uint32_t size,
                             const std::vector<place>& places) {
    std::vector<std::uint32_t> tail;
    for (const place& one : places) tail.insert(tail.end(), {one.variable, one.offset, one.size});
    return add(15, called, static_cast<std::uint32_t>(places.size()), size, tail);
  }
  std::uint32_t floating(const std::string& called, std::uint32_t size) { return add(16, called, 0, size); }
  std::uint32_t type_tag(const std::string& called, std::uint32_t of) { return add(18, called, 0, of); }
  /// Sets the flag on top of the kind of a type, and gives its id.
  std::uint32_t flagged(std::uint32_t id) {
    const std::size_t at = starts.at(id) + 4;
    put32(types, at, get32(types, at) | 0x80000000);
    return id;
  }

  /// Where the record of a type stands, counted from the start of the section.
  std::size_t record_at(std::uint32_t id) const { return 24 + starts.at(id); }

  file_image content() const {
    file_image out = {0, 0, 1, 0};
    put16(out, 0, 0xeb9f);
    const auto types_size = static_cast<std::uint32_t>(types.size());
    for (const std::uint32_t word : {std::uint32_t{24}, std::uint32_t{0}, types_size, types_size,
                                     static_cast<std::uint32_t>(strings.size())})
      append32(out, word);
    out.insert(out.end(), types.begin(), types.end());
    out.insert(out.end(), strings.begin(), strings.end());
    return out;
  }

 private:
  std::uint32_t members_of(std::uint32_t kind, const std::string& called, std::uint32_t size,
                           const std::vector<member>& members) {
    std::vector<std::uint32_t> tail;
    for (const member& one : members) tail.insert(tail.end(), {name(one.name), one.type, one.bit});
    return add(kind, called, static_cast<std::uint32_t>(members.size()), size, tail);
  }
};

/// The content of a .BTF.ext section: three tables of runs, each run the records of one section of code.
struct btf_ext_builder {
  struct run {
    std::uint32_t section_name;                         ///< offset among the strings of .BTF
    std::vector<std::vector<std::uint32_t>> records{};  ///< each as many words as its table says
  };
  struct table {
    std::uint32_t record_size;
    std::vector<run> runs{};
  };
  table functions{8}, lines{16}, core{16};

  static file_image content_of(const table& of) {
    file_image out;
    if (of.runs.empty()) return out;
    append32(out, of.record_size);
    for (const run& one : of.runs) {
      append32(out, one.section_name);
      append32(out, static_cast<std::uint32_t>(one.records.size()));
      for (const auto& record : one.records)
        for (const std::uint32_t word : record) append32(out, word);
    }
    return out;
  }
  file_image content() const {
    file_image out = {0, 0, 1, 0}, body;
    put16(out, 0, 0xeb9f);
    append32(out, 32);
    for (const table* one : {&functions, &lines, &core}) {
      const file_image more = content_of(*one);
      append32(out, static_cast<std::uint32_t>(body.size()));
      append32(out, static_cast<std::uint32_t>(more.size()));
      body.insert(body.end(), more.begin(), more.end());
    }
    out.insert(out.end(), body.begin(), body.end());
    return out;
  }
};

/// An object file: the file header, the contents, the symbols, the names, and the section headers last.
struct object_builder {
  struct section {
    std::string name;
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    file_image content{};
    std::uint32_t link = 0;
    std::uint32_t info = 0;
    std::uint64_t entry_size = 0;
    std::uint64_t zeros = 0;  ///< bytes of a section that has no content in the file (type 8)
    std::size_t at = 0;       ///< where the content stands, once built
  };
  struct symbol {
    std::string name;
    unsigned char info;  ///< binding << 4 | type
    std::uint16_t section;
    std::uint64_t value;
    std::uint64_t size;
    unsigned char visibility = 0;  ///< 1 internal, 2 hidden
  };
  struct relocation {
    std::uint64_t offset;
    std::uint32_t symbol;
  };

  std::vector<section> sections = std::vector<section>(1);
  std::vector<symbol> symbols = std::vector<symbol>(1);
  bool with_symbol_table = true;
  std::uint32_t symbol_section = 0;
  std::uint32_t name_section = 0;
  std::size_t section_table = 0;

  std::uint32_t add(section more) {
    sections.push_back(std::move(more));
    return static_cast<std::uint32_t>(sections.size() - 1);
  }
  std::uint32_t add(symbol more) {
    symbols.push_back(std::move(more));
    return static_cast<std::uint32_t>(symbols.size() - 1);
  }
  /// A section of relocations that change the section `of`.
  std::uint32_t add_relocations(const std::string& name, std::uint32_t of,
                                const std::vector<relocation>& list) {
    file_image content;
    for (const relocation& one : list) {
      append64(content, one.offset);
      append64(content, std::uint64_t{one.symbol} << 32 | 1);
    }
    return add(section{.name = name, .type = 9, .content = std::move(content), .info = of, .entry_size = 16});
  }

  std::size_t content_at(std::uint32_t index) const { return sections.at(index).at; }
  std::size_t header_at(std::uint32_t index) const { return section_table + std::size_t{index} * 64; }
  std::size_t symbol_at(std::uint32_t index) const {
    return sections.at(symbol_section).at + std::size_t{index} * 24;
  }

  /// The file. Sections keep their indices; the symbol table and the names come behind them.
  file_image build() {
    std::string names(1, '\0');
    const auto add_name = [&](const std::string& wanted) {
      const auto at = static_cast<std::uint32_t>(wanted.empty() ? 0 : names.size());
      if (!wanted.empty()) names += wanted + '\0';
      return at;
    };
    name_section = static_cast<std::uint32_t>(sections.size()) + (with_symbol_table ? 1 : 0);
    if (with_symbol_table) {
      file_image table;
      for (const symbol& one : symbols) {
        append32(table, add_name(one.name));
        append32(table, 0);
        table[table.size() - 4] = one.info;
        table[table.size() - 3] = one.visibility;
        put16(table, table.size() - 2, one.section);
        append64(table, one.value);
        append64(table, one.size);
      }
      symbol_section = add(section{
          .name = ".symtab", .type = 2, .content = std::move(table), .link = name_section, .entry_size = 24});
    }
    add(section{.name = ".strtab", .type = 3});
    std::vector<std::uint32_t> name_offsets;
    for (const section& one : sections) name_offsets.push_back(add_name(one.name));
    sections.back().content.assign(names.begin(), names.end());

    file_image out = {0x7f, 'E', 'L', 'F', 2, barebpf::host_is_big_endian ? std::uint8_t{2} : std::uint8_t{1},
                      1};
    out.resize(64);
    put16(out, 16, 1);
    put16(out, 18, 247);
    put32(out, 20, 1);
    put16(out, 52, 64);
    put16(out, 58, 64);
    put16(out, 60, static_cast<std::uint16_t>(sections.size()));
    put16(out, 62, static_cast<std::uint16_t>(name_section));
    for (std::size_t i = 1; i < sections.size(); ++i) {
      out.resize((out.size() + 7) / 8 * 8);
      sections[i].at = out.size();
      out.insert(out.end(), sections[i].content.begin(), sections[i].content.end());
    }
    out.resize((out.size() + 7) / 8 * 8);
    section_table = out.size();
    put64(out, 40, section_table);
    for (std::size_t i = 0; i < sections.size(); ++i) {
      const section& one = sections[i];
      append32(out, name_offsets[i]);
      append32(out, one.type);
      append64(out, one.flags);
      append64(out, 0);
      append64(out, one.at);
      append64(out, one.type == 8 ? one.zeros : one.content.size());
      append32(out, one.link);
      append32(out, one.info);
      append64(out, 8);
      append64(out, one.entry_size);
    }
    return out;
  }
};

/// A whole small object: the hash map "hits" from int to long with 4 entries, the program "count" at
/// tracepoint a/b that loads its address, and the license. Change what you like, then build.
struct hits_object {
  // The order of these members makes the ids: int 1, long 2, the members of the map 4, 5, 6 and 8.
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t long_type = types.integer("long", 8, 1);
  std::vector<btf_builder::member> members = {{"type", number(1)},
                                              {"key", types.pointer(int_type)},
                                              {"value", types.pointer(long_type)},
                                              {"max_entries", number(4)}};
  std::uint32_t map_size = 32;
  std::uint32_t map_offset = 0;
  std::uint32_t maps_size = 32;
  std::uint32_t linkage = 1;
  std::string program_section = "tracepoint/a/b";
  // r1 = hits, r0 = 0, exit.
  file_image code = {0x18, 0x01, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0,
                     0xb7, 0x00, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};

  static constexpr std::uint16_t code_section = 1, maps_section = 2, btf_section = 3, license_section = 4;
  static constexpr std::uint32_t program_symbol = 1, map_symbol = 2, license_symbol = 3, undefined_symbol = 4;
  std::vector<object_builder::relocation> relocations = {{0, map_symbol}};
  std::vector<object_builder::symbol> more_symbols{};
  /// They get the indices from `first_more_section` on.
  std::vector<object_builder::section> more_sections{};
  static constexpr std::uint16_t first_more_section = 5;
  static constexpr std::uint32_t first_more_symbol = 5;

  object_builder file{};
  file_image image{};
  std::uint32_t definition = 0, variable = 0, layout = 0;
  std::uint32_t code_relocations = 0, btf_relocations = 0;

  /// A number as __uint writes it down.
  std::uint32_t number(std::uint32_t value) { return types.pointer(types.array(int_type, int_type, value)); }

  /// Where the record of a type stands in the image.
  std::size_t type_at(std::uint32_t id) const { return file.content_at(btf_section) + types.record_at(id); }

  file_image& build() {
    definition = types.structure("", map_size, members);
    variable = types.variable("hits", definition, linkage);
    layout = types.data_section(".maps", maps_size, {{variable, 0, map_size}});
    file.add(object_builder::section{.name = program_section, .type = 1, .flags = 6, .content = code});
    file.add(
        object_builder::section{.name = ".maps", .type = 1, .flags = 3, .content = file_image(maps_size)});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add(
        object_builder::section{.name = "license", .type = 1, .flags = 3, .content = {'G', 'P', 'L', 0}});
    for (const object_builder::section& one : more_sections) file.add(one);
    code_relocations = file.add_relocations(".rel" + program_section, code_section, relocations);
    btf_relocations =
        file.add_relocations(".rel.BTF", btf_section, {{types.record_at(layout) + 12 + 4, map_symbol}});
    file.add(object_builder::symbol{"count", 0x12, code_section, 0, code.size()});
    file.add(object_builder::symbol{"hits", 0x11, maps_section, map_offset, map_size});
    file.add(object_builder::symbol{"_license", 0x11, license_section, 0, 4});
    file.add(object_builder::symbol{"missing", 0x10, 0, 0, 0});
    for (const object_builder::symbol& one : more_symbols) file.add(one);
    image = file.build();
    return image;
  }
};

#endif
