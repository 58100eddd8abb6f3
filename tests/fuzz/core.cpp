// SPDX-License-Identifier: MIT
// Fuzzes room core: the programs of an object are fitted to other types: those in a section .BTF.base where there is
// one, else the object's own. What is not named by a relocation stays as it is.
#include <barebpf/core.hpp>
#include <barebpf/pruned_btf.hpp>
#include <bit>
#include <vector>

#include "mutate.hpp"
#include "reading.hpp"

namespace {

using barebpf::u32;
using barebpf::u64;
using barebpf::abi::insn;

bool same(const insn& a, const insn& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// The object's types as the kernel would get them.
struct local_types {
  exact<u32> storage;
  barebpf::btf_pruner pruner;
  exact<unsigned char> content{0};
  exact<u32> index{0};
  barebpf::btf types;

  explicit local_types(const barebpf::object_tables& object)
      : storage(barebpf::pruned_btf::storage_size(object.types.count(), object.core_count,
                                                  object.types.types_size())),
        pruner(object, storage.data()) {
    pruner.keep_object();
    const u32 size = pruner.number();
    if (size == 0) return;
    content = exact<unsigned char>(size);
    const exact<u32> head(pruner.head_words());
    pruner.write(head.data(), content.data() + head.size() * 4);
    std::memcpy(content.data(), head.data(), head.size() * 4);
    promise(!barebpf::btf::open(barebpf::bytes(content.data(), size), 0, size, types).failed(),
            "what is written can be read");
    index = exact<u32>(types.index_size());
    types.build_index(index.data());
  }
};

struct program {
  barebpf::program_layout layout;
  std::vector<insn> code;
  std::vector<barebpf::abi::core_relo> relocations;
};

void check_change(const insn& before, const insn& after) {
  if (same(before, after)) return;
  if (after.opcode == barebpf::abi::opcode_call && after.immediate == barebpf::core_poison) {
    promise(after.registers == 0 && after.offset == 0, "poison is poison");
    return;
  }
  const u32 kind = before.opcode & 7u;
  const bool is_access = kind >= 1 && kind <= 3;
  promise(after.registers == before.registers, "registers stay");
  promise((after.opcode & (is_access ? 0xe7 : 0xff)) == (before.opcode & (is_access ? 0xe7 : 0xff)),
          "only the size of a load changes");
  promise(is_access ? after.immediate == before.immediate : after.offset == before.offset,
          "either the offset changes or the number");
}

void fit(barebpf::core_sides& sides, barebpf::core_candidates& candidates, const program& of) {
  std::vector<insn> code = of.code;
  const auto size = static_cast<u32>(code.size());
  const exact<insn> made(size);
  std::copy(code.begin(), code.end(), made.data());
  const barebpf::core_outcome came_to = relocate(sides, candidates, of.relocations.data(),
                                                 static_cast<u32>(of.relocations.size()), made.data(), size);
  promise(came_to.relocation <= of.relocations.size(), "a fault tells of a relocation");
  promise(came_to.poisoned <= of.relocations.size(), "no more is missing than was asked for");
  std::vector<bool> is_named(size + 1);
  for (const auto& relocation : of.relocations) {
    if (relocation.insn_off / 8 >= size) continue;
    is_named[relocation.insn_off / 8] = true;
    if (of.code[relocation.insn_off / 8].opcode == barebpf::abi::opcode_ld_imm64)
      is_named[relocation.insn_off / 8 + 1] = true;
  }
  for (u32 i = 0; i < size; ++i) {
    promise(is_named[i] || same(of.code[i], made[i]), "what no relocation names stays");
    // Several at one instruction may make anything of it, one after the other.
    if (of.relocations.size() == 1) check_change(of.code[i], made[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const exact<unsigned char> image(size);
  for (std::size_t i = 0; i < size; ++i) image[i] = data[i];
  const reading found(barebpf::bytes(image.data(), image.size()));
  if (found.fault.failed() || found.facts.cores == 0) return 0;
  const barebpf::object_tables object = found.tables();
  const local_types local(object);
  if (local.content.size() == 0) return 0;

  barebpf::btf target;
  const barebpf::elf_section base = found.opened.file.find_section(".BTF.base");
  if (base.index == 0 || barebpf::btf::open(found.opened.file, base, target).failed()) target = object.types;
  const exact<u32> index(target.index_size());

  std::vector<program> programs;
  u32 relocations = 0;
  for (u32 i = 0; i < found.facts.programs && i < 16; ++i) {
    program one;
    if (lay_out(object, found.programs[i].function, one.layout).failed()) continue;
    std::vector<u64> words(one.layout.instruction_count);
    std::vector<barebpf::map_reference> maps(one.layout.map_references);
    assemble(object, one.layout, barebpf::map_naming::by_descriptor, words.data(), maps.data());
    for (const u64 word : words) one.code.push_back(std::bit_cast<insn>(word));
    one.relocations.resize(count_cores(object, one.layout));
    write_cores(object, one.layout, local.pruner, one.relocations.data());
    relocations += static_cast<u32>(one.relocations.size());
    programs.push_back(std::move(one));
  }
  if (relocations == 0 || relocations > 4096) return 0;
  const std::size_t before = memory_asked_for;
  barebpf::core_candidates candidates(local.types);
  promise(candidates.reserve(relocations).has_value(), "there is memory");
  for (const program& one : programs)
    for (const auto& relocation : one.relocations) candidates.want(relocation.type_id);
  promise(candidates.search(target, index.data()).has_value(), "there is memory");
  promise(memory_asked_for - before <= 64 * size + 64 * relocations + 65536,
          "memory is bounded by the file's size");
  const exact<u32> built(target.index_size());
  barebpf::btf again = target;
  again.build_index(built.data());
  promise(std::memcmp(built.data(), index.data(), built.size() * 4) == 0, "the walk builds the same index");

  barebpf::core_sides sides(local.types, target);
  for (const program& one : programs) fit(sides, candidates, one);
  return 0;
}
