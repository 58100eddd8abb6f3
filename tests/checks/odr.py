# SPDX-License-Identifier: MIT
"""odr.py COMPILER: units of one setting share what the library defines, also when the linker compares them; units of
two settings live in one program, each with its own form of the system call; and two versions refuse each other in one
unit. Without this, whichever copy of an inline function the linker met first would serve all units."""
import re
import shutil
import sys
from pathlib import Path

from common import INCLUDE, STRICT, expect, must, run, scratch

compiler = sys.argv[1]
# Each unit makes a map's worth of everything that is inline, and one system call: opening a file that is not there.
UNIT = """#include <{header}>
using counts = barebpf::hash_map<int, long>;
int {name}() {{
  static_assert(sizeof(barebpf::result<counts>) > sizeof(counts));
  char buffer[512];
  const auto opened = barebpf::object::open("/nonexistent/{name}");
  if (opened || describe(opened.error(), buffer).empty()) return -1;
  return opened.error().code;
}}
bool {name}_can_pin() {{ return counts::create({{.name = "{name}"}}).has_value() || barebpf::unpin("/nonexistent/a"); }}
"""
# Found before libc's; what it answers, no kernel would answer to opening a file.
MAIN = """#include <cerrno>
#include <cstdio>
extern "C" long syscall(long number, ...) noexcept;
int first();
int second();
static int calls = 0;
extern "C" long syscall(long, ...) noexcept {{
  ++calls;
  errno = EXDEV;
  return -1;
}}
int main() {{
  const int one = first(), two = second();
  const bool good = one == {one} && two == {two} && calls == {calls};
  std::printf("first %d, second %d, %d calls of libc's syscall\\n", one, two, calls);
  return good ? 0 : 1;
}}
"""
LIBC = "-DBAREBPF_LIBC_SYSCALL"
FORMS = {"the instruction": ([], "ENOENT", 0), "libc": ([LIBC], "EXDEV", 1)}
SENTENCE = "barebpf: two versions meet in one file, so keep one copy of barebpf per program"


def is_inlined() -> bool:
    """Whether this machine has the instruction at all."""
    macros = must([compiler, "-std=c++20", "-dM", "-E", f"-I{INCLUDE}", "-include", "barebpf/version.hpp", "-x", "c++",
                   "/dev/null"])
    return LIBC.removeprefix("-D") not in macros


HEADERS = {"first": "barebpf.hpp", "second": "barebpf/barebpf.hpp"}


def unit(folder: str, flags: list[str], name: str, form: str) -> str:
    """The object file of a unit in one setting; made once."""
    made = f"{folder}/{name}{''.join(flags)}-{form.replace(' ', '_')}.o"
    if not Path(made).exists():
        Path(f"{folder}/{name}.cpp").write_text(UNIT.format(header=HEADERS[name], name=name))
        must([compiler, *STRICT, *flags, *FORMS[form][0], f"-I{INCLUDE}", "-c", f"{folder}/{name}.cpp", "-o", made])
    return made


def build(folder: str, flags: list[str], first: str, second: str) -> None:
    one, two = FORMS[first], FORMS[second]
    Path(f"{folder}/main.cpp").write_text(MAIN.format(one=one[1], two=two[1], calls=one[2] + two[2]))
    must([compiler, *STRICT, *flags, "-c", f"{folder}/main.cpp", "-o", f"{folder}/main.o"])
    units = [unit(folder, flags, "first", first), unit(folder, flags, "second", second)]
    for order in (units, units[::-1]):  # because the linker keeps the first of two
        must([compiler, *STRICT, *flags, f"{folder}/main.o", *order, "-o", f"{folder}/program"])
        must([f"{folder}/program"])


def in_namespace(made: str, name: str, wanted: str) -> None:
    """Everything that the library leaves in a unit lies in the namespace of the unit's setting."""
    kept = 0
    for line in must(["nm", "-C", made]).splitlines():
        kind, symbol = re.fullmatch(r"[0-9a-f]* *(\w) (.*)", line.strip()).groups()
        # Names that are newer than nm stay mangled.
        known = any(word in symbol for word in ("barebpf::v0", "7barebpf2v0", "7barebpf7v0_libc", "std::", "operator "))
        expect(kind == "U" or known or symbol.startswith((name, ".L", "DW.ref.")),
               f"a symbol outside the library's namespace: {symbol}")
        for space in re.findall(r"barebpf::(v\d\w*)::", symbol):
            kept += 1
            expect(space == wanted, f"{name} was compiled as {wanted} and has a symbol of another setting: {symbol}")
        expect(not re.search(r"barebpf::(?!v\d)", symbol), f"a symbol outside the inline namespace: {symbol}")
    expect(kept > 10, f"{name} has only {kept} symbols of the library, so this looked at nothing")


with scratch() as folder:
    pairs = [("libc", "libc")]
    if is_inlined():
        pairs += [("the instruction", "the instruction"), ("the instruction", "libc"), ("libc", "the instruction")]
    for first, second in pairs:
        build(folder, ["-O0"], first, second)  # which leaves every function in the unit
        for name, form in (("first", first), ("second", second)):
            in_namespace(unit(folder, ["-O0"], name, form), name, "v0_libc" if form == "libc" else "v0")
        if second == "libc" and "clang" not in compiler:  # which has no -Wodr
            build(folder, ["-O1", "-flto", "-Wodr"], first, second)

    tree = Path(folder) / "other"
    shutil.copytree(INCLUDE, tree)
    for header in (tree / "barebpf.hpp", tree / "barebpf/version.hpp"):
        text = header.read_text()
        number = int(re.search(r"#define BAREBPF_VERSION (\d+)", text)[1])
        pretended = re.sub(rf"BAREBPF_VERSION( !=)? {number}\b", rf"BAREBPF_VERSION\1 {number + 1}", text)
        expect(pretended.count(str(number + 1)) >= 2, f"{header.name} says in another way which version it is")
        header.write_text(pretended)
    heads = ["barebpf.hpp", "barebpf/barebpf.hpp", "barebpf/map/map.hpp"]
    for ours in heads:
        for theirs in heads[:2]:
            for one, two in ((INCLUDE / ours, tree / theirs), (tree / ours, INCLUDE / theirs)):
                Path(f"{folder}/both.cpp").write_text(f'#include "{one}"\n#include "{two}"\n')
                met = run([compiler, *STRICT, "-E", f"{folder}/both.cpp", "-o", "/dev/null"])
                expect(met.returncode != 0 and SENTENCE in met.stderr,
                       f"{ours} of one version and {theirs} of another meet in a unit, and nobody says: {SENTENCE}\n"
                       f"{met.stderr[:2000]}")
print(f"{len(pairs)} pairs of settings")
