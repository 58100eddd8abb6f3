// SPDX-License-Identifier: MIT
// Fuzzes room pruned_btf: the types that an object needs are written, read again by our own reader, and
// pruned once more, which must change nothing.
#include <barebpf/older_btf.hpp>
#include <barebpf/pruned_btf.hpp>
#include <string>
#include <vector>

#include "mutate.hpp"
#include "reading.hpp"

namespace {

using barebpf::u32;
using barebpf::u64;

// Words and strings each go to storage of just the announced size.
void write_exactly(const barebpf::pruned_btf& types, const exact<barebpf::u8>& out) {
  const exact<u32> head(types.head_words());
  const exact<barebpf::u8> strings(types.name_bytes());
  promise(head.size() * 4 + strings.size() == out.size(), "words and strings are all that is written");
  types.write(head.data(), strings.data());
  std::memcpy(out.data(), head.data(), head.size() * 4);
  std::memcpy(out.data() + head.size() * 4, strings.data(), strings.size());
}

// One pruning of an object, written to just as many bytes as it said.
struct pruning {
  exact<u32> storage, line_storage;
  barebpf::source_line_finder lines;
  barebpf::btf_pruner pruner;
  exact<barebpf::u8> written{0};
  bool fits = false;

  pruning(const barebpf::object_tables& object, bool with_lines)
      : storage(barebpf::pruned_btf::storage_size(object.types.count(), object.core_count,
                                                  object.types.types_size())),
        line_storage(barebpf::source_lines::storage_size(object)),
        lines(object, line_storage.data()),
        pruner(object, storage.data(), with_lines ? found() : lines) {
    pruner.keep_object();
    const u32 size = pruner.number();
    promise(size == pruner.sizes().total && size <= 16 << 20, "no more is written than the kernel takes");
    fits = size != 0;
    if (!fits) return;
    promise(with_lines || lines.texts_size() == 0, "lines that nobody looked for have no texts");
    written = exact<barebpf::u8>(size);
    write_exactly(pruner, written);
  }

 private:
  const barebpf::source_lines& found() {
    lines.find();
    return lines;
  }
};

// The first record of lines that does not stand in front of `offset`, by halving: among records that are not in order there
// may be others.
u64 first_line(const barebpf::object_tables& object, const barebpf::btf_ext_run& lines, u64 offset) {
  u64 record = lines.first;
  for (u32 left = lines.count; left != 0;) {
    const u32 half = left / 2;
    const u64 middle = record + u64{half} * object.line_size;
    const bool is_in_front = object.image.read32(middle) < offset;
    record = is_in_front ? middle + object.line_size : record;
    left = is_in_front ? left - half - 1 : half;
  }
  return record;
}

// An ELF file with nothing but a section .BTF that holds `content`.
class wrapped {
 public:
  explicit wrapped(const exact<barebpf::u8>& content) : image_(content_at + content.size()) {
    const auto put = [&](std::size_t at, u64 value, std::size_t count) {
      std::memcpy(image_.data() + at, &value, count);
    };
    std::memcpy(image_.data(), "\177ELF\2\1\1", 7);
    put(16, 1, 2);
    put(18, 247, 2);
    put(40, headers_at, 8);
    put(58, 64, 2);
    put(60, 4, 2);
    put(62, 1, 2);
    std::memcpy(image_.data() + names_at, "\0.BTF", 6);
    const auto header = [&](std::size_t index, u32 name, u32 type, u64 at, u64 size, u32 link,
                            u64 entry_size) {
      const std::size_t to = headers_at + index * 64;
      put(to, name, 4);
      put(to + 4, type, 4);
      put(to + 24, at, 8);
      put(to + 32, size, 8);
      put(to + 40, link, 4);
      put(to + 56, entry_size, 8);
    };
    header(1, 0, 3, names_at, 6, 0, 0);
    header(2, 0, 2, content_at, 0, 1, 24);
    header(3, 1, 1, content_at, content.size(), 0, 0);
    std::memcpy(image_.data() + content_at, content.data(), content.size());
  }
  barebpf::bytes image() const { return {image_.data(), image_.size()}; }

 private:
  static constexpr std::size_t names_at = 64, headers_at = 72, content_at = headers_at + 4 * 64;
  exact<unsigned char> image_;
};

std::string string_at(const barebpf::bytes& image, u64 at) {
  std::string out(image.length_of_string(at), '\0');
  image.copy_string(at, out.data(), out.size() + 1);
  return out;
}

// The same object with the types that were written in place of its own.
struct second_object {
  std::vector<barebpf::map_spec> maps;
  std::vector<barebpf::variable_spec> variables;
  std::vector<barebpf::function_spec> functions;
  std::vector<barebpf::core_record> cores;
  barebpf::object_tables tables;

  second_object(const barebpf::object_tables& first, const reading& found, const pruning& of,
                const barebpf::btf& types)
      : maps(first.maps, first.maps + first.map_count),
        variables(first.variables, first.variables + found.facts.variables),
        functions(first.functions, first.functions + first.function_count),
        cores(first.cores, first.cores + first.core_count),
        tables(first) {
    for (auto& map : maps) {
      map.key_type = of.pruner.new_id(map.key_type);
      map.value_type = of.pruner.new_id(map.value_type);
    }
    for (auto& variable : variables) variable.id = of.pruner.new_id(variable.id);
    for (auto& function : functions) function.type = of.pruner.new_id(function.type);
    for (auto& core : cores) {
      core.access = of.pruner.new_access(core);
      core.type = of.pruner.new_id(core.type);
    }
    tables.image = types.image();
    tables.types = types;
    tables.maps = maps.data();
    tables.variables = variables.data();
    tables.functions = functions.data();
    tables.cores = cores.data();
  }
};

void check_same_type(const barebpf::btf& first, u32 id, const barebpf::btf& second,
                     const barebpf::btf_type& kept) {
  using enum barebpf::abi::btf_kind;
  const barebpf::btf_type was = first.type(id);
  promise(was.kind == kept.kind, "a type keeps its kind");
  promise(string_at(first.image(), was.name) == string_at(second.image(), kept.name),
          "a type keeps its name");
  if (kept.kind == integer || kept.kind == structure || kept.kind == union_type || kept.kind == enumeration)
    promise(was.size_or_type == kept.size_or_type, "a type keeps its size");
  if (kept.kind != data_section && kept.kind != function)
    promise(kept.members <= was.members, "a type gets no members that it did not have");
}

// In the words of each age of the kernel: as many types with the same names, and what is older takes no more room.
void check_older_words(const barebpf::btf& types, std::size_t size) {
  for (const barebpf::older_kind& row : barebpf::older_kinds) {
    const exact<u32> out((size + 3) / 4);
    const u32 written = write_older_btf(types, row.since, out.data());
    promise(written <= size, "older words take no more room");
    if (written == 0) continue;
    const barebpf::bytes image(reinterpret_cast<const unsigned char*>(out.data()), written);
    barebpf::btf older;
    promise(!barebpf::btf::open(image, 0, written, older).failed(), "older words can be read");
    promise(older.count() == types.count(), "there are as many types in older words");
    for (barebpf::btf_type was = types.first(), is = older.first(); was.id != 0;
         was = types.after(was), is = older.after(is)) {
      const barebpf::older_kind as = older_kind_of(types, was, row.since);
      promise(is.kind == as.stand_in, "a type that is known stays, and another is what stands for it");
      if (as.since == 0)
        promise(string_at(image, is.name) == string_at(types.image(), was.name), "and keeps its name");
      promise(older_kind_of(older, is, row.since).since == 0, "nothing newer is left");
    }
  }
}

void prune(const reading& found, bool with_lines) {
  const barebpf::object_tables object = found.tables();
  const pruning first(object, with_lines);
  static_cast<void>(first.pruner.is_required());
  if (!first.fits) return;

  const wrapped file(first.written);
  barebpf::elf opened;
  promise(!barebpf::elf::open(file.image(), opened).failed(), "what wraps the types is an ELF file");
  barebpf::btf types;
  promise(!barebpf::btf::open(opened, opened.section(3), types).failed(), "what is written can be read");
  promise(types.count() == first.pruner.count(), "as many types are written as were kept");
  const exact<u32> index(types.index_size());
  types.build_index(index.data());
  barebpf::btf alone;
  promise(!barebpf::btf::open(barebpf::bytes(first.written.data(), first.written.size()), 0,
                              first.written.size(), alone)
               .failed(),
          "what is written can be read by itself");
  check_older_words(alone, first.written.size());

  u32 last = 0;
  for (u32 id = 1; id <= object.types.count(); ++id) {
    const u32 now = first.pruner.new_id(id);
    if (now == 0) continue;
    promise(now == ++last, "types keep their order");
    check_same_type(object.types, id, types, types.type(now));
  }
  promise(last == types.count(), "each type that is written was one before");
  for (u32 i = 0; i < object.map_count; ++i) {
    barebpf::abi::map_create create;
    describe_map(object.maps[i], first.pruner, create);
    promise(create.btf_key_type_id <= types.count() && create.btf_value_type_id <= types.count(),
            "a map is described by types that are there");
  }
  for (u32 i = 0; i < object.core_count && i < 256; ++i) {
    const barebpf::core_record& core = object.cores[i];
    promise(barebpf::core_path::leads_somewhere(types, first.pruner.new_id(core.type),
                                                first.pruner.new_access(core), core.kind),
            "what CO-RE names is still there");
  }
  if (with_lines) {
    for (u32 i = 0; i < object.function_count; ++i) {
      // As if the function were a program by itself.
      barebpf::program_layout alone_layout;
      alone_layout.pieces[0] = {.function = i};
      alone_layout.piece_count = 1;
      const exact<barebpf::abi::line_info> lines = lines_of(first.lines, alone_layout);
      if (lines.size() == 0) continue;
      const u64 start = object.functions[i].at - object.functions[i].section_at;
      u64 record = first_line(object, object.functions[i].lines, start);
      for (u32 k = 0; k < lines.size() && k < 64; ++k, record += object.line_size) {
        promise(string_at(types.image(), types.strings() + lines[k].file_name_off) ==
                        string_at(object.image, object.types.strings() + object.image.read32(record + 4)) &&
                    string_at(types.image(), types.strings() + lines[k].line_off) ==
                        string_at(object.image, object.types.strings() + object.image.read32(record + 8)),
                "a source line keeps its texts");
      }
    }
    return;
  }
  const second_object next(object, found, first, types);
  const pruning second(next.tables, false);
  promise(second.fits && second.written.size() == first.written.size() &&
              std::memcmp(second.written.data(), first.written.data(), first.written.size()) == 0,
          "pruning what was pruned changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const exact<unsigned char> image(size);
  for (std::size_t i = 0; i < size; ++i) image[i] = data[i];
  const reading found(barebpf::bytes(image.data(), image.size()));
  if (found.fault.failed()) return 0;
  // 16 bytes for a type of at least 12, half a byte for one of a string, and 8 for a symbol of 24.
  promise(barebpf::pruned_btf::storage_size(found.shape.types, found.shape.cores, found.shape.types_size) +
                  barebpf::source_lines::storage_size(found.tables()) <=
              size * 2 + 64,
          "memory is bounded by the file's size");
  prune(found, false);
  prune(found, true);
  return 0;
}
