#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""few_units.py OUTPUT... -- SOURCE...: writes a few large units that hold every test source.

A test source costs the compiler more for the headers that it includes than for itself. Here all of them are
included once, first; then each source follows in a namespace of its own, so that two of them may use one name.
So a test source includes at the start of a line and under no condition, and opens no namespace of somebody else's.
"""
import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^#include\s+(<[^>]+>|"[^"]+")', re.M)
FOREIGN = re.compile(r"^(namespace (std|barebpf)\b.*|extern \"C\".*|void\*? operator (new|delete).*)", re.M)


def absolute(word: str, source: Path) -> str:
    beside = source.parent / word.strip('"')
    return f'"{beside.resolve()}"' if word.startswith('"') and beside.exists() else word


def unit_of(sources: list[Path]) -> str:
    for source in sources:
        if found := FOREIGN.search(source.read_text()):
            raise SystemExit(f"few_units: {source} says '{found[0]}'.\n"
                             "  Among few units it stands in a namespace already, so that would open another one.\n"
                             "  Move it to a header of its own and include that.")
    includes = {absolute(word, source): None for source in sources for word in INCLUDE.findall(source.read_text())}
    lines = ["// Made by few_units.py.", *(f"#include {word}" for word in includes)]
    for source in sources:
        space = re.sub(r"\W", "_", f"{source.parent.name}_{source.stem}")
        lines += [f"namespace {space} {{", f'#include "{source}"', "}"]
    return "\n".join(lines) + "\n"


def main() -> int:
    words = sys.argv[1:]
    if "--" not in words:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    outputs, sources = words[:words.index("--")], [Path(word).resolve() for word in words[words.index("--") + 1:]]
    groups: list[list[Path]] = [[] for _ in outputs]
    # The largest first, each to the group that is smallest so far.
    for source in sorted(sources, key=lambda one: (-one.stat().st_size, one)):
        min(groups, key=lambda group: sum(one.stat().st_size for one in group)).append(source)
    for output, group in zip(map(Path, outputs), groups):
        text = unit_of(sorted(group))
        if not output.exists() or output.read_text() != text:
            output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
