# SPDX-License-Identifier: MIT
"""budget.py COMPILER: what including the library costs, in lines that are not blank after preprocessing, and the
macros that it leaves behind."""
import sys

from common import INCLUDE, expect, must, scratch

compiler = sys.argv[1]
BUDGET = {"barebpf.hpp": 26000, "barebpf/map/map.hpp": 16000}
MACROS = ["BAREBPF_VERSION", "BAREBPF_ABI", "BAREBPF_CAUSES"]
STANDARD = ["cerrno", "concepts", "cstddef", "cstdint", "new", "span", "sys/syscall.h", "type_traits", "utility"]
with scratch() as folder:
    unit = f"{folder}/unit.cpp"
    for header, budget in BUDGET.items():
        open(unit, "w").write(f"#include <{header}>\n")
        text = must([compiler, "-std=c++20", "-E", "-P", f"-I{INCLUDE}", unit])
        lines = sum(1 for line in text.splitlines() if line.strip())
        print(f"{lines} lines: {header}")
        expect(lines <= budget, f"{header} costs {lines} preprocessed lines, more than {budget}")

    def macros(text: str) -> set[str]:
        open(unit, "w").write(text)
        dump = must([compiler, "-std=c++20", "-E", "-dM", f"-I{INCLUDE}", unit])
        return {line.split()[1].split("(")[0] for line in dump.splitlines()}

    left = macros("#include <barebpf.hpp>\n") - macros("".join(f"#include <{name}>\n" for name in STANDARD))
    extra = sorted(name for name in left if name not in MACROS and not name.endswith("_HPP"))
    expect(not extra, f"macros that nobody asked for: {' '.join(extra)}")
    foreign = sorted(name for name in left if not name.startswith("BAREBPF_"))
    expect(not foreign, f"macros without the prefix: {' '.join(foreign)}")
