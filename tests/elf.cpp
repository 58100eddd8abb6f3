// SPDX-License-Identifier: MIT
#include <elf.h>

#include <algorithm>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::elf;
using barebpf::verdict;

verdict open(const file_image& image) {
  elf file;
  return elf::open(window(image), file);
}

// Damages a copy of the counter's image at one place.
template <class Number>
verdict with_number(std::size_t at, Number value) {
  file_image image = execve_counter_image();
  put_number(image, at, value);
  return open(image);
}

}  // namespace

TEST_CASE("the numbers of the file format are the system's", "[elf]") {
  using header = barebpf::abi::elf_header;
  using section_header = barebpf::abi::elf_section_header;
  using symbol = barebpf::abi::elf_symbol_record;
  using relocation = barebpf::abi::elf_relocation_record;

  CHECK(header::ident_class == EI_CLASS);
  CHECK(header::ident_data == EI_DATA);
  CHECK(header::type == offsetof(Elf64_Ehdr, e_type));
  CHECK(header::machine == offsetof(Elf64_Ehdr, e_machine));
  CHECK(header::section_table == offsetof(Elf64_Ehdr, e_shoff));
  CHECK(header::section_entry_size == offsetof(Elf64_Ehdr, e_shentsize));
  CHECK(header::section_count == offsetof(Elf64_Ehdr, e_shnum));
  CHECK(header::section_names == offsetof(Elf64_Ehdr, e_shstrndx));
  CHECK(header::size == sizeof(Elf64_Ehdr));
  CHECK(section_header::name == offsetof(Elf64_Shdr, sh_name));
  CHECK(section_header::type == offsetof(Elf64_Shdr, sh_type));
  CHECK(section_header::flags == offsetof(Elf64_Shdr, sh_flags));
  CHECK(section_header::offset == offsetof(Elf64_Shdr, sh_offset));
  CHECK(section_header::content_size == offsetof(Elf64_Shdr, sh_size));
  CHECK(section_header::link == offsetof(Elf64_Shdr, sh_link));
  CHECK(section_header::info == offsetof(Elf64_Shdr, sh_info));
  CHECK(section_header::entry_size == offsetof(Elf64_Shdr, sh_entsize));
  CHECK(section_header::size == sizeof(Elf64_Shdr));
  CHECK(symbol::name == offsetof(Elf64_Sym, st_name));
  CHECK(symbol::info == offsetof(Elf64_Sym, st_info));
  CHECK(symbol::other == offsetof(Elf64_Sym, st_other));
  CHECK(symbol::section == offsetof(Elf64_Sym, st_shndx));
  CHECK(symbol::value == offsetof(Elf64_Sym, st_value));
  CHECK(symbol::extent == offsetof(Elf64_Sym, st_size));
  CHECK(symbol::size == sizeof(Elf64_Sym));
  CHECK(relocation::offset == offsetof(Elf64_Rel, r_offset));
  CHECK(relocation::type == offsetof(Elf64_Rel, r_info));
  CHECK(relocation::size == sizeof(Elf64_Rel));
  CHECK(barebpf::abi::elf_class_64 == ELFCLASS64);
  CHECK(barebpf::abi::elf_little_endian == ELFDATA2LSB);
  CHECK(barebpf::abi::elf_big_endian == ELFDATA2MSB);
  CHECK(barebpf::abi::elf_relocatable == ET_REL);
  CHECK(barebpf::abi::elf_machine_bpf == EM_BPF);
  CHECK(barebpf::abi::section_progbits == SHT_PROGBITS);
  CHECK(barebpf::abi::section_symtab == SHT_SYMTAB);
  CHECK(barebpf::abi::section_nobits == SHT_NOBITS);
  CHECK(barebpf::abi::section_rel == SHT_REL);
  CHECK(barebpf::abi::section_is_code == SHF_EXECINSTR);
  CHECK(barebpf::abi::symbol_local == STB_LOCAL);
  CHECK(barebpf::abi::symbol_function == STT_FUNC);
  CHECK(barebpf::abi::section_undefined == SHN_UNDEF);
}

TEST_CASE("the sections of the execve counter are found by name", "[elf]") {
  const file_image image = execve_counter_image();
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());

  CHECK(file.section_count() == get16(image, 60));
  CHECK(file.image().size() == image.size());
  const auto code = file.find_section("tracepoint/syscalls/sys_enter_execve");
  REQUIRE(code.index != 0);
  CHECK(code.is_code());
  CHECK(code.size == 192);
  CHECK(string_at(file.image(), code.name) == "tracepoint/syscalls/sys_enter_execve");
  const auto maps = file.find_section(".maps");
  REQUIRE(maps.index != 0);
  CHECK_FALSE(maps.is_code());
  CHECK(maps.type == 1);
  CHECK(maps.size == 32);
  const auto license = file.find_section("license");
  REQUIRE(license.index != 0);
  CHECK(license.size == 4);
  CHECK(file.image().string_is(license.at, "GPL"));
  CHECK(file.find_section(".BTF").index != 0);
  CHECK(file.section(maps.index).at == maps.at);
}

TEST_CASE("a section or symbol that is not there is empty", "[elf]") {
  const file_image image = execve_counter_image();
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());

  CHECK(file.find_section("maps").index == 0);
  CHECK(file.find_section(".map").index == 0);
  CHECK(file.section(file.section_count()).index == 0);
  CHECK(file.section(0xffffffff).size == 0);
  CHECK(file.symbol(file.symbol_count()).at == 0);
  CHECK(file.symbol(0xffffffff).section == 0);
}

TEST_CASE("the symbols of the execve counter are its program, its map and its license", "[elf]") {
  const file_image image = execve_counter_image();
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());

  std::vector<std::string> globals;
  for (std::uint32_t i = 0; i < file.symbol_count(); ++i) {
    const barebpf::elf_symbol symbol = file.symbol(i);
    if (symbol.binding != 1) continue;
    const std::string name = string_at(file.image(), symbol.name);
    globals.push_back(name);
    CAPTURE(name);
    CHECK(symbol.value == 0);
    CHECK(symbol.size == (name == "bpf_prog" ? 192 : name == "hash_map" ? 32 : 4));
    CHECK(symbol.type == (name == "bpf_prog" ? 2 : 1));
    const std::string section = name == "bpf_prog"   ? "tracepoint/syscalls/sys_enter_execve"
                                : name == "hash_map" ? ".maps"
                                                     : "license";
    CHECK(symbol.section == file.find_section(section).index);
  }
  std::sort(globals.begin(), globals.end());
  CHECK(globals == std::vector<std::string>{"_license", "bpf_prog", "hash_map"});
}

TEST_CASE("the relocations of the execve counter load the address of its map twice", "[elf]") {
  const file_image image = execve_counter_image();
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());

  const auto list = file.find_section(".reltracepoint/syscalls/sys_enter_execve");
  REQUIRE(list.index != 0);
  CHECK(list.type == 9);
  CHECK(list.info == file.find_section("tracepoint/syscalls/sys_enter_execve").index);
  REQUIRE(elf::relocation_count(list) == 2);
  const auto first = file.relocation(list, 0);
  const auto second = file.relocation(list, 1);
  CHECK(first.at == list.at);
  CHECK(first.offset == 0x20);
  CHECK(second.at == list.at + 16);
  CHECK(second.offset == 0x70);
  CHECK(string_at(file.image(), file.symbol(first.symbol).name) == "hash_map");
  CHECK(second.symbol == first.symbol);
}

TEST_CASE("packed words are the same file as plain bytes", "[elf]") {
  const barebpf::bytes words(execve_counter, sizeof execve_counter / 8);
  elf file;

  REQUIRE_FALSE(elf::open(words, file).failed());
  CHECK(file.find_section(".maps").size == 32);
}

TEST_CASE("an object of hand-made records is read as it was made", "[elf]") {
  hits_object made;
  const file_image image = made.build();
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());

  CHECK(file.section_count() == 9);
  CHECK(file.symbol_count() == 5);
  CHECK(file.find_section(".maps").index == 2);
  CHECK(file.section(1).flags == 6);
  CHECK(file.section(1).at == 64);
  CHECK(file.symbol(1).size == 32);
  CHECK(string_at(file.image(), file.symbol(2).name) == "hits");
}

TEST_CASE("a file without the four magic bytes is no ELF file", "[elf]") {
  for (std::size_t at = 0; at < 4; ++at) {
    const verdict found = with_number(at, std::uint8_t{'x'});
    CHECK(found.why == cause::not_elf);
    CHECK(found.offset == 0);
  }
}

TEST_CASE("an empty file is no ELF file", "[elf]") {
  elf file;
  const verdict found = elf::open(barebpf::bytes(), file);

  CHECK(found.why == cause::not_elf);
  CHECK(found.offset == 0);
}

TEST_CASE("a file that was cut anywhere is never taken for a whole one", "[elf]") {
  const file_image whole = execve_counter_image();
  const std::size_t end = place64(whole, 40) + get16(whole, 60) * 64u;
  REQUIRE(end <= whole.size());
  REQUIRE(whole.size() - end < 8);

  for (std::size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    // A copy of just this size, so that a sanitizer sees a read past the end.
    const file_image cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const verdict found = open(cut);
    if (size < 4) {
      CHECK(found.why == cause::not_elf);
    } else if (size < 64) {
      CHECK(found.why == cause::truncated);
      CHECK(found.offset == size);
    } else if (size < end) {
      CHECK(found.why == cause::truncated);
      CHECK(found.offset == 40);
    } else {
      CHECK(found.why == cause::none);
    }
  }
}

TEST_CASE("a 32-bit file is refused", "[elf]") {
  const verdict found = with_number(4, std::uint8_t{1});

  CHECK(found.why == cause::not_64_bit);
  CHECK(found.offset == 4);
}

TEST_CASE("a byte order that is none is refused", "[elf]") {
  for (const std::uint8_t order : {std::uint8_t{0}, std::uint8_t{3}}) {
    const verdict found = with_number(5, order);
    CHECK(found.why == cause::bad_byte_order);
    CHECK(found.offset == 5);
  }
}

TEST_CASE("a program or a shared library is refused", "[elf]") {
  for (const std::uint16_t type : {std::uint16_t{2}, std::uint16_t{3}}) {
    const verdict found = with_number(16, type);
    CHECK(found.why == cause::not_relocatable);
    CHECK(found.offset == 16);
  }
}

TEST_CASE("code of another machine is refused, and code of no machine is old BPF", "[elf]") {
  const verdict other = with_number(18, std::uint16_t{62});

  CHECK(other.why == cause::not_bpf);
  CHECK(other.offset == 18);
  CHECK(with_number(18, std::uint16_t{0}).why == cause::none);
}

TEST_CASE("section headers of another size are refused", "[elf]") {
  const verdict found = with_number(58, std::uint16_t{40});

  CHECK(found.why == cause::bad_section_header);
  CHECK(found.offset == 58);
}

TEST_CASE("a section table past the end is refused", "[elf]") {
  for (const std::uint64_t at : {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 32}) {
    const verdict found = with_number(40, at);
    CHECK(found.why == cause::truncated);
    CHECK(found.offset == 40);
  }
}

TEST_CASE("more sections than the file has are refused", "[elf]") {
  const verdict found = with_number(60, std::uint16_t{0xfff0});

  CHECK(found.why == cause::truncated);
  CHECK(found.offset == 40);
}

TEST_CASE("the number of sections may stand in the first section header", "[elf]") {
  hits_object made;
  file_image image = made.build();
  put16(image, 60, 0);
  put64(image, made.file.header_at(0) + 32, 9);

  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());
  CHECK(file.section_count() == 9);

  put64(image, made.file.header_at(0) + 32, std::uint64_t{1} << 40);
  const verdict found = open(image);
  CHECK(found.why == cause::truncated);
  CHECK(found.offset == made.file.header_at(0) + 32);
}

TEST_CASE("a file without sections is refused", "[elf]") {
  hits_object made;
  file_image image = made.build();
  put16(image, 60, 0);

  const verdict found = open(image);

  CHECK(found.why == cause::bad_section_header);
  CHECK(found.offset == 62);
}

TEST_CASE("the index of the section names may stand in the first section header", "[elf]") {
  hits_object made;
  file_image image = made.build();
  put16(image, 62, 0xffff);
  put32(image, made.file.header_at(0) + 40, made.file.name_section);

  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());
  CHECK(file.find_section(".maps").index == 2);
}

TEST_CASE("section names in no section, or past the end, are refused", "[elf]") {
  hits_object made;
  const file_image image = made.build();
  const auto refused = [&](std::size_t at, auto value) {
    file_image damaged = image;
    put_number(damaged, at, value);
    const verdict found = open(damaged);
    CHECK(found.why == cause::bad_section_header);
    CHECK(found.offset == 62);
  };

  refused(62, std::uint16_t{0});
  refused(62, std::uint16_t{9});
  refused(made.file.header_at(8) + 24, ~std::uint64_t{0});
  refused(made.file.header_at(8) + 32, std::uint64_t{1} << 20);
}

TEST_CASE("a section past the end is refused at its own header", "[elf]") {
  const file_image image = execve_counter_image();
  const std::size_t header = section_header_at(image, ".maps");
  const std::uint64_t content = get64(image, header + 24);

  for (const auto& [at, value] : {std::pair<std::size_t, std::uint64_t>{24, image.size()},
                                  {24, ~std::uint64_t{0} - 31},
                                  {32, image.size() - content + 1},
                                  {32, ~std::uint64_t{0}}}) {
    const verdict found = with_number(header + at, value);
    CHECK(found.why == cause::truncated);
    CHECK(found.offset == header + 24);
    CHECK(found.section == (header - get64(image, 40)) / 64);
  }
  CHECK(with_number(header + 32, image.size() - content).why == cause::none);
}

TEST_CASE("a section without content in the file may be as large as it likes", "[elf]") {
  hits_object made;
  const std::uint32_t bss = made.file.add(object_builder::section{.name = ".bss", .type = 8});
  file_image image = made.build();
  put64(image, made.file.header_at(bss) + 32, std::uint64_t{1} << 40);

  CHECK(open(image).why == cause::none);
}

TEST_CASE("a section name past the end of the names is refused", "[elf]") {
  hits_object made;
  file_image image = made.build();
  const std::uint64_t names_size = get64(image, made.file.header_at(8) + 32);
  for (const std::uint32_t name : {static_cast<std::uint32_t>(names_size), 0xffffffffu}) {
    put32(image, made.file.header_at(3), name);
    const verdict found = open(image);
    CHECK(found.why == cause::bad_section_header);
    CHECK(found.offset == made.file.header_at(3));
  }
  put32(image, made.file.header_at(3), static_cast<std::uint32_t>(names_size) - 1);
  CHECK(open(image).why == cause::none);
}

TEST_CASE("relocations of another size are refused", "[elf]") {
  hits_object made;
  file_image image = made.build();
  put64(image, made.file.header_at(made.code_relocations) + 56, 24);

  const verdict found = open(image);

  CHECK(found.why == cause::bad_section_header);
  CHECK(found.section == made.code_relocations);
  CHECK(found.offset == made.file.header_at(made.code_relocations) + 56);
}

TEST_CASE("a file without symbols is refused", "[elf]") {
  const file_image image = execve_counter_image();
  const verdict found = with_number(section_header_at(image, ".symtab") + 4, std::uint32_t{1});

  CHECK(found.why == cause::no_symbols);
  CHECK(found.offset == 60);
}

TEST_CASE("a symbol table that contradicts itself is refused", "[elf]") {
  hits_object made;
  const file_image image = made.build();
  const std::size_t header = made.file.header_at(made.file.symbol_section);
  const auto refused = [&](std::size_t at, auto value) {
    file_image damaged = image;
    put_number(damaged, at, value);
    const verdict found = open(damaged);
    CHECK(found.why == cause::bad_section_header);
    CHECK(found.section == made.file.symbol_section);
    CHECK(found.offset == header + 40);
  };

  refused(header + 56, std::uint64_t{16});
  refused(header + 40, std::uint32_t{0});
  refused(header + 40, std::uint32_t{9});
}

TEST_CASE("a symbol name behind the names is an empty name", "[elf]") {
  const file_image sound = execve_counter_image();
  const std::size_t table = section_header_at(sound, ".symtab");
  const std::size_t names = place64(sound, 40) + get32(sound, table + 40) * 64u;
  const auto size = static_cast<std::uint32_t>(get64(sound, names + 32));
  for (const std::uint32_t outside : {size, std::uint32_t{0xffffffff}}) {
    file_image image = sound;
    put32(image, place64(image, table + 24) + 24, outside);  // of the first symbol behind the empty one
    elf file;
    REQUIRE_FALSE(elf::open(window(image), file).failed());
    CHECK(string_at(file.image(), file.symbol(1).name).empty());
    CHECK(window(image).holds(file.symbol(1).name, 1));
  }
}
