# SPDX-License-Identifier: MIT
"""headers.py COMPILER: every header compiles alone, twice, and beside <linux/bpf.h> in either order, with every
warning an error and without exceptions and RTTI, in both forms of the system call.

A room that another one includes before all else is compiled with that: nothing stands in front of it there either."""
import re
import sys
from pathlib import Path

from common import INCLUDE, STRICT, must, scratch


def included_first(header: Path) -> Path | None:
    found = re.match(r'(?://.*\n)*#ifndef (\w+)\n#define \1\n\s*#include "(.*)"\n', header.read_text())
    return (header.parent / found[2]).resolve() if found else None


compiler = sys.argv[1]
rooms = sorted((INCLUDE / "barebpf").rglob("*.hpp"))
begun_with = {included_first(room) for room in rooms}
headers = ["barebpf.hpp"] + [str(room.relative_to(INCLUDE)) for room in rooms if room.resolve() not in begun_with]
with scratch() as folder:
    unit = f"{folder}/unit.cpp"
    for header in headers:
        text = f"#include <{header}>\n#include <{header}>\n"
        if header.endswith("barebpf.hpp"):
            for form in ([], ["-DBAREBPF_LIBC_SYSCALL"]):
                for order in (text + "#include <linux/bpf.h>\n", "#include <linux/bpf.h>\n" + text):
                    open(unit, "w").write(order)
                    must([compiler, *STRICT, *form, f"-I{INCLUDE}", "-fsyntax-only", unit])
            open(unit, "w").write("#define linux 1\n#define unix 1\n" + text)
            must([compiler, *STRICT, "-std=gnu++20", f"-I{INCLUDE}", "-fsyntax-only", unit])
        else:
            open(unit, "w").write(text)
            must([compiler, *STRICT, f"-I{INCLUDE}", "-fsyntax-only", unit])
print(f"{len(headers)} headers of {len(rooms) + 1}, and the others with these")
