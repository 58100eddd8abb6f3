# SPDX-License-Identifier: MIT
"""skeleton.py CLANG FOLDER_OF_OBJECTS COMPILER ...: tools/skeleton writes a header for every object. All of them
compile with each compiler, and the first one finds by the library that each type is the one of the object. Objects that
are damaged give a sentence and no header."""
import importlib.machinery
import importlib.util
import os
import re
import struct
import sys
from pathlib import Path

from common import INCLUDE, ROOT, STRICT, expect, must, run, scratch

clang, objects, *compilers = sys.argv[1:]
TOOL = ROOT / "tools/skeleton"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("skeleton", str(TOOL))
skeleton = importlib.util.module_from_spec(importlib.util.spec_from_loader("skeleton", loader))
sys.modules["skeleton"] = skeleton
loader.exec_module(skeleton)

ASKS = """#include <barebpf.hpp>
template <const auto& Image>
struct of {
  using spec = barebpf::static_spec<Image>;
  template <class T>
  static constexpr bool agrees(barebpf::u32 type, barebpf::cause expected = barebpf::cause::none) {
    return barebpf::first_difference(spec::types(), type, barebpf::layout_of<T>).why == expected;
  }
};
"""
# By hand, and so that they differ, lest everything agrees with everything.
BY_HAND = """
using odd = of<odd_types>;
struct turned_point {
  std::int16_t y, x;
};
static_assert(!odd::agrees<turned_point>(odd::spec::map(odd::spec::find_map("with_bits")).key_type));
// clang writes no values of more than 32 bits before 15.
enum class distance : std::uint64_t { NEAR = 1, FAR = 0x7000000000 };
#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 unsigned_wide;
static_assert(odd::agrees<wide>(odd::spec::map(odd::spec::find_map("with_line")).key_type));
static_assert(!odd::agrees<unsigned_wide>(odd::spec::map(odd::spec::find_map("with_line")).key_type));
#endif
static_assert(odd::agrees<distance>(odd::spec::map(odd::spec::find_map("with_rows")).key_type));
union loose_union {
  std::uint8_t bytes[5];
  std::uint32_t number;
};
struct loose {
  odd_types_types::any any;
  odd_types_types::any_bits bits;
  loose_union packed[2];
  std::byte padding[1];
  odd_types_types::unions_own own;
  std::byte more_padding[4];
};
static_assert(!odd::agrees<loose>(odd::spec::map(odd::spec::find_map("with_unions")).value_type));
"""
# Bit fields of the object's own machine lie where its C compiler puts them.
BITS = """
struct c_bits {
  std::uint32_t version : 4, length : 4;
  std::int32_t offset : 5;
  std::uint32_t : 3;
  std::uint16_t port;
  enum color { red, green = 5 } color : 4;
  bool is_last : 1;
  std::uint64_t wide : 40;
  std::uint64_t tail : 61;
};
int main() {
  using namespace odd_types_types;
  c_bits c{};
  odd_types_types::bits cxx{};
  static_assert(sizeof c == sizeof cxx);
  const auto same = [&] { return std::memcmp(&c, &cxx, sizeof c) == 0; };
  c.version = 9, cxx.version(9);
  if (!same()) return 1;
  c.length = 6, cxx.length(6);
  c.offset = -11, cxx.offset(-11);
  c.port = 443, cxx.port = 443;
  if (!same()) return 2;
  c.color = c_bits::green, cxx.color(color::GREEN);
  c.is_last = true, cxx.is_last(true);
  if (!same()) return 3;
  c.wide = 0x89abcdef01, cxx.wide(0x89abcdef01);
  c.tail = 0x123456789abcdef0, cxx.tail(0x123456789abcdef0);
  if (!same()) return 4;
  c.length = 1, cxx.length(1);
  c.is_last = false, cxx.is_last(false);
  if (!same()) return 5;
  const bool reads = cxx.version() == 9 && cxx.length() == 1 && cxx.offset() == -11 && cxx.color() == color::GREEN &&
                     !cxx.is_last() && cxx.wide() == 0x89abcdef01 && cxx.tail() == 0x123456789abcdef0;
  return reads ? 0 : 6;
}
// With the largest byte first they are counted from the highest bit on.
static_assert([] {
  tests::big_odd_types::bits big{};
  big.version(9);
  big.length(6);
  big.offset(-11);
  big.wide(0x89abcdef01);
  return big.bits_0[0] == std::byte{0x96} && big.bits_0[1] == std::byte{0xa8} && big.bits_2[0] == std::byte{0x89} &&
         big.bits_2[4] == std::byte{0x01} && big.version() == 9 && big.length() == 6 && big.offset() == -11 &&
         big.wide() == 0x89abcdef01;
}());
"""


def written(path: Path, namespace: str) -> tuple:
    """What the tool makes of an object, and its header; done twice, and the same both times."""
    made = skeleton.Skeleton(skeleton.Btf(path.read_bytes()), namespace)
    text = made.text(path.name)
    again = skeleton.Skeleton(skeleton.Btf(path.read_bytes()), namespace).text(path.name)
    expect(text == again, f"of {path.name} the tool makes another header each time")
    return made, text


def questions(path: Path, namespace: str, made) -> str:
    """What the compiler asks the library about each type of an object."""
    lines = []
    image = f"of<{path.name.split('.')[0]}>"
    for used in made.uses():
        if used.subject.endswith("[]"):  # a map in a map, which the library keeps elsewhere
            continue
        kind = f"{namespace}::{used.spelled()}" if used.form.tag else used.spelled()
        find = "variable" if used.role == "variable" else "map"
        member = {"key": "key_type", "value": "value_type", "variable": "type"}[used.role]
        # Whoever nests so deep is not followed, in either form.
        expected = ", barebpf::cause::nested_too_deep" if kind.endswith("::sixteen_levels") else ""
        lines.append(f"static_assert({image}::agrees<{kind}>(\n"
                     f"    {image}::spec::{find}({image}::spec::find_{find}(\"{used.subject}\")).{member}{expected}),\n"
                     f"    \"{path.name}: {used.role} {used.subject}\");\n")
    for name, key, value in made.maps:
        if key and value and not name.endswith("[]") and not (key.form.dimensions or value.form.dimensions):
            kinds = ", ".join(f"{namespace}::{one.form.base}" if one.form.tag else one.form.base for one in (key, value))
            lines.append(f"static_assert(barebpf::compare_types<{kinds}>(\n"
                         f"    {image}::spec::map({image}::spec::find_map(\"{name}\"))) == barebpf::cause::none);\n")
    return "".join(lines)


def refused(path: Path, words: str, folder: str, *more: str) -> None:
    header = Path(folder) / "refused.hpp"
    done = run([TOOL, path, "-o", header, *more])
    expect(done.returncode == 1 and re.search(words, done.stderr) and done.stderr.startswith("skeleton: ")
           and "Traceback" not in done.stderr,
           f"of {path.name} the tool should say '{words}', and says with exit code {done.returncode}:\n{done.stderr}")
    expect(not header.exists() and not list(Path(folder).glob("refused.hpp*")), f"of {path.name} there is half a header")


paths = sorted(path for path in Path(objects).glob("*.bpf.o"))
expect(len(paths) > 50, f"there are only {len(paths)} objects in {objects}")
with scratch() as folder:
    alone, asked, structs, types = "", "", 0, 0
    for path in paths:
        namespace = skeleton.cpp_name(path.name.split(".")[0]) + "_types"
        made, text = written(path, namespace)
        Path(f"{folder}/{path.name}.hpp").write_text(text)
        alone += f'#include "{path.name}.hpp"\n'
        structs += len(re.findall(r"^(?:struct|union) [^:;]*\{$", text, re.M))
        # The library refuses the bad ones and those of the other byte order on purpose.
        if any(one.form.tag for one in made.uses()) and not path.name.startswith(("bad_", "foreign")):
            more = questions(path, namespace, made)
            types += more.count("static_assert")
            asked += f'#include "{path.stem}.hpp"\n#include "{path.name}.hpp"\n' + more
    page = (ROOT / "docs/types.md").read_text()
    shown = re.search(r"^```cpp\n(struct seen (?:(?!^```).)*?^static_assert.*?)^```", page, re.M | re.S)
    expect(shown is not None and shown[1] in Path(f"{folder}/folded_stacks.bpf.o.hpp").read_text(),
           "docs/types.md shows another header than the tool writes")
    # The odd ones for a machine with the largest byte first.
    other = Path(folder) / "big_odd_types.o"
    must([clang, "-target", "bpfeb", "-O2", "-g", f"-I{INCLUDE}/barebpf/prog", "-idirafter",
          f"/usr/include/{os.uname().machine}-linux-gnu", "-c", ROOT / "bpf_progs/odd_types.bpf.c", "-o", other])
    must([TOOL, other, "-o", f"{folder}/big_odd_types.hpp", "--namespace", "tests::big_odd_types"])
    alone += '#include "big_odd_types.hpp"\n'

    Path(f"{folder}/alone.cpp").write_text(alone + "#include <cstring>\n" + BITS)
    for compiler in compilers:
        must([compiler, *STRICT, f"-I{folder}", f"{folder}/alone.cpp", "-o", f"{folder}/alone"])
        done = run([f"{folder}/alone"])
        expect(done.returncode == 0, f"bit fields differ between C and what the tool wrote: question {done.returncode}")
    Path(f"{folder}/asked.cpp").write_text(ASKS + asked + BY_HAND)
    must([compilers[0], *STRICT, f"-I{INCLUDE}", f"-I{objects}", f"-I{folder}", "-fsyntax-only", f"{folder}/asked.cpp"])

    # What is no object, or a damaged one.
    whole = Path(f"{objects}/odd_types.bpf.o").read_bytes()
    damaged = Path(folder) / "damaged.o"

    def says(content: bytes, words: str) -> None:
        damaged.write_bytes(content)
        refused(damaged, words, folder)

    def compiled(source: str, *more: str) -> bytes:
        Path(f"{folder}/source.bpf.c").write_text(source)
        must([clang, "-target", "bpf", "-O2", *more, "-c", f"{folder}/source.bpf.c", "-o", damaged])
        return damaged.read_bytes()

    image, start, size = skeleton.find_types(whole)
    section_at = next(at for at in range(image.read("Q", 40, "")[0], len(whole), 64)
                      if image.read("Q", at + 24, "")[0] == start)
    says(b"", "at byte 0: this is no ELF file")
    says(whole[:40], "at byte 40: the file ends inside of its ELF header")
    says(whole[:4] + b"\1" + whole[5:], "at byte 4: BPF objects are ELF files of 64 bits")
    says(whole[:18] + b"\x3e\0" + whole[20:], "at byte 18: this ELF file is for another machine")
    says(whole[: len(whole) // 2], r"at byte \d+: .*cut short")
    says(whole[:start] + b"\0" + whole[start + 1:], f"at byte {start}: .BTF does not begin with its magic")
    shorter = image.order + "Q"
    says(whole[: section_at + 32] + struct.pack(shorter, 20) + whole[section_at + 40:],
         f"at byte {start}: .BTF has only 20 bytes")
    says(whole[: section_at + 32] + struct.pack(shorter, size - 100) + whole[section_at + 40:],
         f"at byte {start + 16}: .BTF ends 100 bytes before what its header announces")
    types_size, = image.read("I", start + 12, "")
    says(whole[: start + 12] + struct.pack(image.order + "I", types_size - 4) + whole[start + 16:],
         r"at byte \d+: type \d+ ends behind all types")
    says(compiled("int variable;\n"), "has no types .*compile it with -g")
    only_declared = """struct undefined;
struct { int (*type)[1]; int *key; struct undefined *value; } declared __attribute__((section(".maps"), used));
"""
    says(compiled(only_declared, "-g"), r"at byte \d+: the value of 'declared' is 'struct undefined', which the object only")
    refused(Path(folder) / "none.o", "cannot read .*No such file", folder)
    done = run([TOOL, f"{objects}/odd_types.bpf.o", "-o", f"{folder}/none/header.hpp"])
    expect(done.returncode == 1 and "cannot write" in done.stderr, f"into no folder the tool says: {done.stderr}")
    done = run([TOOL, f"{objects}/odd_types.bpf.o", "--namespace", "class"])
    expect(done.returncode == 2 and "is no C++ namespace" in done.stderr and not done.stdout, done.stderr)
    usage = must([TOOL, "--help"])
    expect("OBJECT.o" in usage and "--namespace" in usage, f"--help says: {usage}")
    damaged.write_bytes(whole)
    expect(must([TOOL, damaged]).startswith("// The types of damaged.o"), "without -o it writes no standard output")
    # Any other damage gives a sentence or a header, and never a fault of the tool.
    cuts = [whole[:length] for length in range(0, len(whole), len(whole) // 100)]
    state = 1
    for _ in range(200):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        at = start + (state >> 33) % (types_size + 24)
        cuts.append(whole[:at] + bytes([state >> 25 & 0xFF]) + whole[at + 1:])
    sentences = 0
    for content in cuts:
        try:
            skeleton.Skeleton(skeleton.Btf(content), "damaged").text("damaged.o")
        except skeleton.Refused:
            sentences += 1
    expect(sentences > 100, f"of {len(cuts)} damaged objects only {sentences} were refused")

print(f"{structs} structs and unions of {len(paths)} objects, {types} types compared")
