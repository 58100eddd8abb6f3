# SPDX-License-Identifier: MIT
"""guests.py: tools/kernels tells from what a guest writes which tests passed, failed, need a newer kernel or never ended,
and packs what the kernel unpacks."""
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from common import ROOT, expect

sys.dont_write_bytecode = True
loader = SourceFileLoader("kernels", str(ROOT / "tools/kernels"))
kernels = module_from_spec(spec_from_loader("kernels", loader))
loader.exec_module(kernels)


def test(name: str, passes: bool, tags: str = "[guest]") -> list[str]:
    fault = ['<Expression success="false" type="CHECK" filename="a/b.cpp" line="7">',
             "<Original>", "count == 3", "</Original>", "<Expanded>", "2 == 3", "</Expanded>", "</Expression>"]
    return [f'<TestCase name="{name}" tags="{tags}" filename="b.cpp" line="3">', *([] if passes else fault),
            f'<OverallResult success="{str(passes).lower()}" durationInSeconds="0.5"/>', "</TestCase>"]


def guest(*inside: list[str], ends: bool = True, last: list[str] = []) -> list[str]:
    out = ["[    0.1] Linux", "@@BEGIN guest 6.1.0", '<?xml version="1.0" encoding="UTF-8"?>', "<Catch>", "<Group>"]
    out += sum(inside, [])
    if ends:
        out += ["</Group>", "</Catch>", *last, "@@END guest rc=0", "@@EXIT rc=0"]
    return out


def judged(lines: list[str], failed: int, *words: str, version: str = "6.1") -> None:
    results, said = kernels.judge(version, lines)
    whole = "\n".join(said)
    expect(results["failed"] == failed, f"{failed} should have failed, and it says:\n{whole}")
    for word in words:
        expect(word in whole, f"should say '{word}', and says:\n{whole}")


good, bad = test("one", True), test("two", False)
judged(guest(good), 0, "ok         0.50 s  one", "Linux 6.1: 1 passed, 0 failed, 0 need a newer kernel")
judged(guest(good, bad), 1, "FAILED     0.50 s  two", "b.cpp:7: count == 3 (2 == 3)")
judged(guest(good, test("new", False, "[needs 6.10]")), 0, "too new", "1 need a newer kernel")
judged(guest(test("old", False, "[needs 5.15]")), 1)
judged(guest(test("same", False, "[needs 6.1]")), 1)
judged(guest(test("wrong", True, "[needs 6.10]")), 1, "passes before 6.10, so its tag is wrong")
# What a machine's kernel has not, a test says in the same way; where the kernel is too old besides, that is told.
judged(guest(good, test("new", False, "[needs jit]")), 0, "1 passed, 0 failed, 0 need a newer kernel, 1 what this one lacks",
       version="6.12-s390x")
judged(guest(good, test("new", False, "[needs jit]")), 1, version="6.12-arm64")
judged(guest(test("new", True, "[needs jit]")), 1, "passes without jit, so its tag is wrong", version="6.12-s390x")
judged(guest(good, test("new", False, "[needs jit][needs 7.1]")), 0, "1 need a newer kernel", version="6.12-s390x")
judged(guest(good, last=["left behind: map 7"]), 1, "FAILED   left behind: map 7")
# A panic in the middle of a test: of what never ended, and of the end that never came, nothing is a success.
judged(guest(good, bad[:1], ["[   12.5] Kernel panic - not syncing"], ends=False), 3, "UNFINISHED", "Kernel panic",
       "the guest did not get to its end")
judged(["@@EXIT rc=0"], 1, "no test ran")
judged(["[    0.1] Linux", "[    0.2] Kernel panic"], 1, "the guest did not get to its end", "Kernel panic")
judged(guest(good)[:-1], 1, "the guest did not get to its end")
judged(["@@BEGIN guest 6.1.0", "sh: /tests/guest: not found", "@@END guest rc=127", "@@EXIT rc=1"], 1, "ran no test")

program = b"\0[attach][needs 6.10]\0[needs 5.15]\0[needs 6.10]\0[needs x][only since 5.14]"
expect(kernels.newer_tags(program, "needs", "5.10") == ["5.15", "6.10"], "tags of 5.10")
expect(kernels.newer_tags(program, "needs", "6.2") == ["6.10"], "tags of 6.2")
expect(kernels.newer_tags(program, "only since", "5.13") == ["5.14"], "tags of what is not tried")
expect(kernels.numbers("6.12") > kernels.numbers("6.2"), "6.12 is newer than 6.2")
expect(kernels.numbers("6.12-s390x") == (6, 12), "the version of another machine's kernel")


def case(outcome: str, needs: tuple = (0, 0), lacks: list[str] = []) -> dict:
    return {"outcome": outcome, "needs": needs, "lacks": lacks}


newer, without = case("too new", (6, 9)), case("lacking", lacks=["jit"])
for cases, word in (([], "not run"), ([case("passed")], "yes"), ([case("passed"), case("failed")], "**failed**"),
                    ([newer, newer], "from 6.9"), ([case("passed"), newer], "1, 1 from 6.9"), ([without], "without jit"),
                    ([case("passed"), without, without], "1, 2 without jit"), ([newer, without], "1 from 6.9, 1 without jit"),
                    ([case("passed"), newer, without], "1, 1 from 6.9, 1 without jit")):
    expect(kernels.cell(cases) == word, f"{cases}: {kernels.cell(cases)} instead of {word}")

packed = kernels.archive_of({"init": b"#!", "a/b/c": b"12345", "proc": None}, {"bin/sh": "busybox"})
at, seen = 0, {}
while not seen or "TRAILER!!!" not in seen:
    expect(packed[at:at + 6] == b"070701", f"no header at byte {at}")
    fields = [int(packed[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
    name = packed[at + 110:at + 110 + fields[11] - 1].decode()
    at = (at + 110 + fields[11] + 3) // 4 * 4
    seen[name] = (fields[1], packed[at:at + fields[6]])
    at = (at + fields[6] + 3) // 4 * 4
expect(seen["init"] == (0o100755, b"#!") and seen["a/b/c"] == (0o100755, b"12345"), str(seen))
expect(seen["bin/sh"] == (0o120777, b"busybox") and seen["proc"][0] == 0o040755, str(seen))
expect(list(seen).index("a") < list(seen).index("a/b") < list(seen).index("a/b/c"), "folders come before what is in them")
