// SPDX-License-Identifier: MIT
// Fuzzes room elf: whatever an opened file tells of sections, symbols and relocations lies inside it, and is
// the same from plain bytes and from packed words.
#include <barebpf/elf.hpp>
#include <tuple>

#include "fuzz.hpp"
#include "mutate.hpp"

namespace {

using barebpf::elf;
using barebpf::u32;
using barebpf::u64;

auto fields(const barebpf::elf_section& of) {
  return std::tuple(of.index, of.type, of.flags, of.name, of.at, of.size, of.link, of.info, of.entry_size);
}
auto fields(const barebpf::elf_symbol& of) {
  return std::tuple(of.at, of.name, of.binding, of.type, of.is_hidden, of.section, of.value, of.size);
}
auto fields(const barebpf::elf_relocation& of) { return std::tuple(of.at, of.offset, of.symbol); }
auto fields(const barebpf::verdict& of) { return std::tuple(of.why, of.section, of.offset, of.subject); }

void check_section(const elf& file, const barebpf::elf_section& section) {
  const barebpf::bytes& image = file.image();
  promise(image.holds(section.name, 1), "the name of a section is in the file");
  if (section.type != barebpf::abi::section_nobits)
    promise(image.holds(section.at, section.size), "the content of a section is in the file");
  if (section.is_code()) promise(image.holds(section.at, section.size), "code is in the file");
  if (section.type != barebpf::abi::section_rel) return;
  const u64 count = elf::relocation_count(section);
  promise(count <= image.size() / 16, "relocations are in the file");
  for (u64 i = 0; i < count; i += 1 + count / 64) {
    const barebpf::elf_relocation r = file.relocation(section, i);
    promise(image.holds(r.at, 16) && image.read64(r.at) == r.offset, "a relocation is where it says");
  }
}

void check(const elf& file) {
  const barebpf::bytes& image = file.image();
  promise(file.section_count() <= image.size() / 64, "section headers are in the file");
  promise(file.symbol_count() <= image.size() / 24, "symbols are in the file");
  promise(fields(file.section(file.section_count())) == fields(barebpf::elf_section{}),
          "there is no section behind the last");
  promise(fields(file.symbol(file.symbol_count())) == fields(barebpf::elf_symbol{}),
          "there is no symbol behind the last");
  for (u32 i = 1; i < file.section_count(); ++i) check_section(file, file.section(i));
  for (u32 i = 0; i < file.symbol_count(); ++i) {
    const barebpf::elf_symbol symbol = file.symbol(i);
    promise(image.holds(symbol.at, 24), "a symbol is where it says");
    promise(image.holds(symbol.name, 1), "the name of a symbol is in the file");
    promise(image.read64(symbol.at + 8) == symbol.value, "a symbol has its own value");
  }
  // Looking up a name is linear, so only so many are looked up.
  for (u32 i = 1; i < file.section_count() && i < 32; ++i) {
    const barebpf::elf_section section = file.section(i);
    const u64 length = image.length_of_string(section.name);
    const exact<char> name(length + 1);
    promise(image.copy_string(section.name, name.data(), length + 1) == length, "a name is copied whole");
    const barebpf::elf_section by_text = file.find_section(barebpf::text(name.data(), length));
    promise(by_text.index != 0 && by_text.index <= i, "the first section of a name is found");
    promise(file.find_section(section.name).index == (length > 255 ? 0 : by_text.index),
            "both ways to find a section agree, but for very long names");
    promise(image.same_string(by_text.name, section.name), "a section that is found has the name");
  }
  promise(file.find_section("no section has this name, or else this is a very lucky day").index == 0,
          "what is not there is not found");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const input in(data, size);
  elf plain, padded, packed;
  const barebpf::verdict fault = elf::open(in.plain(), plain);
  promise(fault.offset <= size, "the offset of a verdict lies in the file");
  promise(!fault.failed() || fault.subject == 0, "room elf names nobody");
  if (!fault.failed()) check(plain);

  const barebpf::verdict one = elf::open(in.plain_padded(), padded), other = elf::open(in.packed(), packed);
  promise(fields(one) == fields(other), "plain bytes and packed words get the same verdict");
  if (one.failed()) return 0;
  promise(padded.section_count() == packed.section_count() && padded.symbol_count() == packed.symbol_count(),
          "plain bytes and packed words hold as much");
  for (u32 i = 0; i < padded.section_count(); ++i) {
    const barebpf::elf_section section = padded.section(i);
    promise(fields(section) == fields(packed.section(i)),
            "plain bytes and packed words have the same sections");
    if (section.type == barebpf::abi::section_rel && elf::relocation_count(section) != 0)
      promise(fields(padded.relocation(section, 0)) == fields(packed.relocation(section, 0)),
              "plain bytes and packed words have the same relocations");
  }
  for (u32 i = 0; i < padded.symbol_count(); ++i)
    promise(fields(padded.symbol(i)) == fields(packed.symbol(i)),
            "plain bytes and packed words have the same symbols");
  return 0;
}
