# SPDX-License-Identifier: MIT
"""arm64.py COMPILER FOLDER_OF_OBJECTS: the bare counter and the whole library compile for arm64, and the counter
needs nothing but the kernel there either."""
import sys

from common import INCLUDE, ROOT, STRICT, expect, must, scratch

compiler, objects = sys.argv[1:]
with scratch() as folder:
    program = f"{folder}/execve_counter.bare"
    must([compiler, *STRICT, "-Os", "-fno-ident", "-fno-asynchronous-unwind-tables", "-fno-stack-protector",
          "-ffunction-sections", "-fdata-sections", "-fno-tree-loop-distribute-patterns", "-DBAREBPF_BARE",
          f"-I{INCLUDE}", f"-I{objects}", ROOT / "docs/examples/execve_counter_small.cpp", "-nostdlib", "-static", "-s",
          "-Wl,--gc-sections", "-Wl,--build-id=none", f"-Wl,-T,{ROOT}/docs/examples/bare.ld", "-o", program])
    headers = must(["readelf", "-hlW", program])
    expect("AArch64" in headers and "INTERP" not in headers, headers)
    open(f"{folder}/unit.cpp", "w").write("#include <barebpf.hpp>\n")
    must([compiler, *STRICT, f"-I{INCLUDE}", "-fsyntax-only", f"{folder}/unit.cpp"])
