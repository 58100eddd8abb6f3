# SPDX-License-Identifier: MIT
"""symbols.py COMPILER HEADER_OF_AN_OBJECT: a program with a static_object holds no reader, no sentence and not the
object, at -O0 as at -Os; and the library leaves no symbol outside its namespace."""
import shutil
import sys

from common import INCLUDE, STRICT, expect, must, scratch

compiler, embedded = sys.argv[1:]
PROGRAM = """#include <barebpf/barebpf.hpp>
#include "execve_counter.bpf.hpp"
constexpr barebpf::static_object<execve_counter> object;
int main() {
  const auto loaded = object.load();
  if (!loaded) return 1;
  const auto link = loaded->attach<"bpf_prog">();
  if (!link) return 1;
  return static_cast<int>(loaded->map<"hash_map", std::int32_t, std::int64_t>().lookup_elem(0).value_or(0));
}
"""
# The second one adopts a pin and lists the differences, which needs no reader either.
PINNED = """#include <barebpf/barebpf.hpp>
int main() {
  barebpf::map_differences differences;
  const auto hits = barebpf::hash_map<int, long>::get_pinned("/sys/fs/bpf/hits", {.max_entries = 4}, &differences);
  if (!hits) return differences.any() ? 2 : 1;
  return static_cast<int>(hits->lookup_elem(0).value_or(0));
}
"""
# Names of what only reads: the rooms from bytes to object_spec. Constants that are the result of reading bear the
# name static_spec, and are what shall stay.
READERS = ["barebpf::v0::bytes::", "barebpf::v0::elf::", "barebpf::v0::btf::", "btf_pruner", "measure(", "::read(",
           "open_object", "read_map", "read_program", "read_references", "find_named", "read_instruction",
           "object_spec", "describe", "cause_sentence", "packed_words", "element_shape"]
ALLOWED = ["main", "_start", "_init", "_fini", "__", "_IO_", "_edata", "_end", "data_start", "deregister_tm",
           "register_tm", "frame_dummy", "completed", "_DYNAMIC", "_GLOBAL_OFFSET", "_ITM", "_dl_", "crtstuff",
           "Scrt1", "program", "crt1.o", "unit.cpp", "_TMC_", "_GLOBAL__", "DW.ref", "crti.o"]
# Members of std, where nm is older than the compiler and cannot read their names.
STANDARD = ("_ZNSt", "_ZNKSt", "_ZSt")
with scratch() as folder:
    shutil.copy(embedded, f"{folder}/execve_counter.bpf.hpp")
    for program, level in [(PROGRAM, "-O0"), (PROGRAM, "-Os"), (PROGRAM, "-O2"), (PINNED, "-O0"), (PINNED, "-Os")]:
        open(f"{folder}/unit.cpp", "w").write(program)
        must([compiler, *STRICT, level, f"-I{INCLUDE}", f"-I{folder}", f"{folder}/unit.cpp", "-o", f"{folder}/program"])
        for line in must(["nm", "-C", f"{folder}/program"]).splitlines():
            symbol = line[19:] if line[:1] != " " else line.strip()[2:]
            for reader in READERS:
                expect(reader not in symbol, f"{compiler} {level}: a reader stays in the program: {symbol}")
            expect(symbol.split(" ")[-1] != "execve_counter", f"{compiler} {level}: the object stays in the program")
            own = "barebpf::" in symbol or "7barebpf2v0" in symbol or "static_object" in symbol
            expect(own or any(symbol.lstrip().startswith(word) for word in ALLOWED) or "@" in symbol or
                   symbol.startswith(("object", "operator ", "typeinfo")) or "std::" in symbol or
                   symbol.startswith(STANDARD),
                   f"{compiler} {level}: a symbol outside the library's namespace: {symbol}")
