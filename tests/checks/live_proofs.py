#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""live_proofs.py --types: names the map types, as their table does.
live_proofs.py: each of them has test cases of its own on the running kernel, "TYPE: what it shows", and what is named so
is a type; tests/meson.build runs them by that name."""
import re
import sys

from common import INCLUDE, ROOT, expect

types = re.findall(r"\{map_type::(\w+),\s*\"\1\"", (INCLUDE / "barebpf/kinds.hpp").read_text())
if sys.argv[1:] == ["--types"]:
    print("\n".join(types))
    sys.exit(0)

proofs: dict[str, int] = dict.fromkeys(types, 0)
for page in sorted((ROOT / "tests/kernel").glob("*.cpp")):
    for name in re.findall(r"TEST_CASE\(\s*\"([^\"]*)", page.read_text()):
        word, colon, _ = name.partition(": ")
        if not colon:
            continue
        expect(word in proofs, f"{page.name} has a test case '{name}', and there is no map type '{word}': without the colon "
                               "it would run with the others")
        proofs[word] += 1
missing = [word for word, count in proofs.items() if count == 0]
expect(not missing, f"no test case on the running kernel is named after {', '.join(missing)}")
expect(len(types) == 35, f"the table has {len(types)} types")
print(f"{sum(proofs.values())} test cases of {len(types)} map types")
