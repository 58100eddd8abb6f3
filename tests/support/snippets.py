#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snippets.py PAGE OUTPUT: writes a test that runs the first C++ snippet of each section of a page.

A snippet is the inside of a function that gives 0 when all was well; what it may use without saying where it comes from
stands in support/snippet.hpp. The test needs the kernel that the section tells, unless the snippet looks at that itself.
"""
import re
import sys
from pathlib import Path

SECTION = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.M | re.S)
SINCE = re.compile(r"^- Since Linux (\d+\.\d+)\.", re.M)
# What a section's code needs beside a version, see tools/kernels.
BESIDE_A_VERSION = {"struct_ops": "[needs trampolines]", "inode_storage": "[needs jit]", "arena": "[needs arenas]"}
SNIPPET = re.compile(r"^```cpp\n(.*?)^```", re.M | re.S)


def main() -> int:
    page, output = map(Path, sys.argv[1:])
    out = ["// Made by snippets.py.", '#include "support/snippet.hpp"', "namespace {"]
    for name, body in SECTION.findall(page.read_text()):
        found = SNIPPET.search(body)
        if found is None:
            raise SystemExit(f"snippets: the section {name} of {page} shows no code.\n"
                             "  Who reads it wants to see how it is used.\n  Give it a snippet that returns 0.")
        since = SINCE.search(body)
        needs = f"[needs {since[1]}]" if since and "newer_map_type" not in found[1] else ""
        if "lookup_and_delete_elem" in found[1]:
            needs = "[needs 5.14]"
        needs += BESIDE_A_VERSION.get(name, "")
        out += [f"struct of_{name} : surroundings {{", "int run() {", found[1], "return 0;", "}", "};",
                f'TEST_CASE("{name}: the snippet of {page.name} runs", "[snippets]{needs}") {{', f"run_snippet<of_{name}>();",
                "}"]
    output.write_text("\n".join([*out, "}", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
