// SPDX-License-Identifier: MIT
// Fuzzes room btf: the types of the section .BTF are walked, found by their numbers, and resolved.
#include <barebpf/btf.hpp>
#include <tuple>

#include "fuzz.hpp"
#include "mutate.hpp"

namespace {

using barebpf::btf;
using barebpf::btf_type;
using barebpf::u32;
using barebpf::u64;

auto fields(const btf_type& of) {
  return std::tuple(of.id, of.kind, of.members, of.at, of.name, of.size_or_type);
}
auto fields(const barebpf::verdict& of) { return std::tuple(of.why, of.section, of.offset, of.subject); }

// Opens the types of an image; `storage` is their index.
struct opened {
  barebpf::elf file;
  barebpf::elf_section section;
  btf types;
  barebpf::verdict fault;
  exact<u32> index{0};

  explicit opened(const barebpf::bytes& image) {
    fault = barebpf::elf::open(image, file);
    if (fault.failed()) return;
    section = file.find_section(".BTF");
    fault = btf::open(file, section, types);
    if (fault.failed()) return;
    index = exact<u32>(types.index_size());
    types.build_index(index.data());
  }
};

void check_type(const opened& in, const btf_type& type) {
  using enum barebpf::abi::btf_kind;
  const btf& types = in.types;
  const u64 end = in.section.at + in.section.size;
  promise(fields(types.type(type.id)) == fields(type), "a type is found by its number");
  const bool is_known = btf::is_known(type.kind);
  promise(type.at >= in.section.at && type.at + (is_known ? btf::extent_of(type) : 12) <= end,
          "a type lies in its section");
  promise(types.has_string(type.name), "the name of a type is one of the strings");
  promise(is_known ? types.has(type.kind) : types.has_unknown(), "a kind that occurs is known to");
  if (type.id < 1000)  // names may share their ends, and then this is quadratic
    promise(type.name + types.image().length_of_string(type.name) < types.strings() + types.strings_size(),
            "a name ends among the strings");

  const btf_type target = types.resolve(type.id);
  promise(!btf::is_modifier(target.kind), "what is resolved is no modifier");
  promise(target.id <= types.count(), "what is resolved is there");
  const u32 size = types.size_of(type.id);
  if (btf::is_modifier(type.kind))
    promise(size == 0 || size == types.size_of(type.size_or_type),
            "a modifier is as large as what it modifies");
  if (type.kind == array) {
    const u64 product = u64{types.size_of(types.element_of(type))} * types.length_of(type);
    promise(size == 0 || size == product, "an array is as large as its elements");
  }
  if (type.kind == integer || type.kind == floating || type.kind == structure || type.kind == union_type)
    promise(size == type.size_or_type, "a plain type is as large as it says");
  const bool is_number = types.form_of(type.id) != barebpf::number_form::no_number;
  promise(is_number == (target.kind == integer), "an integer is a number and nothing else is");
  if (type.kind != structure && type.kind != union_type && type.kind != data_section) return;
  for (u32 i = 0; i < type.members; ++i) {
    const barebpf::btf_member member = types.member(type, i);
    promise(member.at >= type.tail() && member.at + 12 <= type.at + btf::extent_of(type),
            "a member lies in its type");
    static_cast<void>(types.size_of(types.variable_of(member)));
    if (i > 64) break;
  }
}

void check(const opened& in) {
  const btf& types = in.types;
  u32 count = 0;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
    promise(type.id == ++count, "types are numbered from 1 on");
    check_type(in, type);
  }
  promise(count == types.count(), "a walk passes all types");
  promise(types.type(0).id == 0 && types.type(count + 1).id == 0 && types.type(~u32{0}).id == 0,
          "a type that is not there is void");
  promise(types.resolve(count + 1).id == 0 && types.size_of(count + 1) == 0, "void has no size");
  const btf_type found = types.find(barebpf::abi::btf_kind::integer, "int");
  promise(found.id == 0 || types.image().string_is(found.name, "int"), "a type that is found has the name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const input in(data, size);
  const opened plain(in.plain());
  promise(plain.fault.offset <= size, "the offset of a verdict lies in the file");
  if (!plain.fault.failed() && plain.section.index != 0) check(plain);

  const opened padded(in.plain_padded()), packed(in.packed());
  promise(fields(padded.fault) == fields(packed.fault), "plain bytes and packed words get the same verdict");
  if (padded.fault.failed() || padded.section.index == 0) return 0;
  promise(padded.types.count() == packed.types.count(), "plain bytes and packed words hold as much");
  btf_type other = packed.types.first();
  for (btf_type type = padded.types.first(); type.id != 0; type = padded.types.after(type)) {
    promise(fields(type) == fields(other), "plain bytes and packed words have the same types");
    other = packed.types.after(other);
  }
  return 0;
}
