# SPDX-License-Identifier: MIT
"""budget.py COMPILER [--write]: what including a room costs, in lines that are not blank after preprocessing, and the
macros that the library leaves behind. Each room has a budget in budget.txt; --write writes that table anew, with
today's figures rounded up to the next hundred. No budget may pass the ceilings, which are promises to users. Most
lines are the standard library's, so the budgets hold for the version of g++ that they were taken with, which is the
table's first line; with another one only the ceilings are held."""
import re
import sys
from pathlib import Path

from common import INCLUDE, expect, fail, must, scratch

compiler = sys.argv[1]
TABLE = Path(__file__).with_name("budget.txt")
WRITE = f"python3 tests/checks/budget.py {compiler} --write"
WHOLE, MAP = 26000, 16000
MACROS = ["BAREBPF_VERSION", "BAREBPF_ABI", "BAREBPF_CAUSES", "BAREBPF_LAYOUT_CAUSES", "BAREBPF_UNSEEN_CAUSES",
          "BAREBPF_STEPS"]
STANDARD = ["cerrno", "concepts", "cstddef", "cstdint", "new", "sys/syscall.h", "type_traits", "utility"]


def number_of(room: str) -> tuple[int, int]:
    """FLOOR.NUMBER of the header, which its second line says."""
    found = re.search(r"^// Room (\d+)\.(\d+),", (INCLUDE / room).read_text(), re.M)
    expect(found is not None, f"{room} does not say which room it is; see tools/check_rooms")
    return int(found[1]), int(found[2])


def ceiling(room: str) -> int:
    return MAP if number_of(room) <= number_of("barebpf/map/map.hpp") else WHOLE


def cost(header: str) -> int:
    open(unit, "w").write(f"#include <{header}>\n")
    text = must([compiler, "-std=c++20", "-E", "-P", f"-I{INCLUDE}", unit])
    return sum(1 for line in text.splitlines() if line.strip())


def macros(text: str) -> set[str]:
    open(unit, "w").write(text)
    dump = must([compiler, "-std=c++20", "-E", "-dM", f"-I{INCLUDE}", unit])
    return {line.split()[1].split("(")[0] for line in dump.splitlines()}


with scratch() as folder:
    unit = f"{folder}/unit.cpp"
    version = must([compiler, "-dumpversion"]).strip().split(".")[0]
    rooms = sorted((str(path.relative_to(INCLUDE)) for path in (INCLUDE / "barebpf").rglob("*.hpp")), key=number_of)
    costs = {room: cost(room) for room in rooms}
    for room, lines in costs.items():
        expect(lines <= ceiling(room),
               f"{room} costs {lines} preprocessed lines, and at this height of the house no room may cost more than "
               f"{ceiling(room)}. Every user's build pays for them: find the include that brought "
               f"them with {compiler} -std=c++20 -H -fsyntax-only")
    if "--write" in sys.argv:
        TABLE.write_text(f"g++ {version}\n" + "".join(
            f"{min(lines // 100 * 100 + 100, ceiling(room)):6} {room}\n" for room, lines in costs.items()))
    taken, *table = TABLE.read_text().splitlines()
    budgets = {room: int(lines) for lines, room in (line.split() for line in table)}
    for room, lines in costs.items():
        if room not in budgets:
            fail(f"{room} has no budget in budget.txt, so nobody would notice what it costs to include it "
                 f"({lines} lines today). Write the table anew: {WRITE}")
        expect(lines <= budgets[room] or taken != f"g++ {version}",
               f"{room} costs {lines} preprocessed lines, more than its budget of {budgets[room]}. "
               f"Do with less, or if it is worth that to every user: {WRITE}")
    for room in budgets:
        expect(room in costs, f"budget.txt has a budget for {room}, which is no room. Write the table anew: {WRITE}")
    single = cost("barebpf.hpp")
    expect(single <= WHOLE, f"barebpf.hpp costs {single} preprocessed lines, more than {WHOLE}")
    if taken != f"g++ {version}":
        print(f"the budgets were taken with {taken}, so with g++ {version} only the ceilings are held")
    print(f"{len(costs)} rooms; map/map.hpp {costs['barebpf/map/map.hpp']} of {MAP} lines, "
          f"barebpf.hpp {single} of {WHOLE}")

    left = macros("#include <barebpf.hpp>\n") - macros("".join(f"#include <{name}>\n" for name in STANDARD))
    extra = sorted(name for name in left if name not in MACROS and not name.endswith("_HPP"))
    expect(not extra, f"macros that nobody asked for: {' '.join(extra)}")
    foreign = sorted(name for name in left if not name.startswith("BAREBPF_"))
    expect(not foreign, f"macros without the prefix: {' '.join(foreign)}")
