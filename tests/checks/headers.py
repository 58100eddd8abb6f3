# SPDX-License-Identifier: MIT
"""headers.py COMPILER: every header compiles alone, twice, and beside <linux/bpf.h> in either order, with every
warning an error and without exceptions and RTTI, in both forms of the system call."""
import sys

from common import INCLUDE, STRICT, must, scratch

compiler = sys.argv[1]
headers = ["barebpf.hpp"] + [str(h.relative_to(INCLUDE)) for h in sorted((INCLUDE / "barebpf").rglob("*.hpp"))]
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
print(f"{len(headers)} headers")
