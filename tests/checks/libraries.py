# SPDX-License-Identifier: MIT
"""libraries.py FOLDER_OF_EMBEDDED_OBJECTS COMPILER: one program with the whole single header does the same with each C
library and C++ library that is here, static and dynamic: glibc, glibc of 32 bits, musl, and libc++. It reads files, asks
for memory, parses, and works with maps and programs of the running kernel."""
import os
import shutil
import sys
from pathlib import Path

from common import INCLUDE, ROOT, STRICT, expect, must, run, scratch, skip

embedded, compiler = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")
SOURCE = ROOT / "tests/libraries/program.cpp"
# What can be linked and run is asked of this, which asks for memory as the library does.
TRIAL = """#include <cstdio>
#include <cstdlib>
#include <new>
#ifdef WITHOUT_LIBRARY_OF_CXX
const std::nothrow_t std::nothrow{};
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
#endif
int main() {
  int* const one = new (std::nothrow) int(7);
  std::printf("%d\\n", *one);
  delete one;
}
"""


def folders_of(name: str) -> list[str]:
    """Where the compiler looks for the headers of its C++ library."""
    said = run([name, "-x", "c++", "-E", "-v", "/dev/null"]).stderr.splitlines()
    return [word for line in said if line.startswith(" /") and "c++" in line for word in ("-isystem", line.strip())]


# Before 14, g++ looks for <asm/errno.h> of i386 only in a package that Debian does not install beside that for arm64.
OF_32_BITS = ["-m32", "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu"]
# musl's wrapper is for C, and has no C++ library; the macro is one that libstdc++ asks for and only glibc has. The door is
# that of libc there, and on 32 bits.
MUSL = ["-x", "c++", "-D__GLIBC_PREREQ(major,minor)=0", "-DWITHOUT_LIBRARY_OF_CXX", "-DBAREBPF_LIBC_SYSCALL",
        *folders_of(compiler)]
# What it is called, what compiles it and how, what more a static one is linked with, and what it must say of itself.
ROWS = [("glibc", compiler, [], [], "glibc libstdc++ 64 bits"),
        ("glibc of 32 bits", compiler, OF_32_BITS, [], "glibc libstdc++ 32 bits"),
        ("musl", "musl-gcc", MUSL, [], "musl libstdc++ 64 bits"),
        ("libc++", "clang++-14", ["-stdlib=libc++"], ["-lc++abi"], "glibc libc++ 64 bits")]

done, missing = [], []
with scratch() as folder:
    trial, unit_object = Path(folder) / "trial.cpp", Path(folder) / "program.o"
    trial.write_text(TRIAL)
    for name, builder, flags, more, says in ROWS:
        if shutil.which(builder) is None or run([builder, *flags, "-c", trial, "-o", unit_object]).returncode != 0:
            missing.append(name)
            continue
        links = [word for word in flags if word in ("-m32", "-stdlib=libc++")]
        kinds = {"dynamic": links, "static": ["-static", *links, *more]}
        # Whether it can be linked and run at all is asked of a program without the library.
        here = {kind: words for kind, words in kinds.items()
                if run([builder, unit_object, *words, "-o", f"{folder}/trial"]).returncode == 0
                and run([f"{folder}/trial"]).returncode == 0}
        missing += [f"{name}, {kind}" for kind in kinds if kind not in here]
        must([builder, *STRICT, "-O0", *flags, f"-I{INCLUDE}", f"-I{embedded}", "-c", SOURCE, "-o", unit_object])
        for kind, words in here.items():
            program = f"{folder}/program"
            must([builder, unit_object, *words, "-o", program])
            is_dynamic = "INTERP" in must(["readelf", "-lW", program])
            expect(is_dynamic == (kind == "dynamic"), f"{name}, {kind}: is {'' if is_dynamic else 'not '}dynamic")
            said = must([program]).strip()
            expect(said == says, f"{name}, {kind}: says '{said}' of itself, not '{says}'")
            done.append(f"{name}, {kind}")
    # What is installed with the compiler everywhere cannot be missing for a reason.
    expect("glibc, dynamic" in done or "musl, dynamic" in done, "no program could be linked at all")
print("\n".join(done))
if missing:
    skip(f"the others are the same, but not on this machine: {', '.join(missing)}")
