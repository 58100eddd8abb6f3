# SPDX-License-Identifier: MIT
"""tools.py COMPILER: the tools find what they are there to find, and say what to do about it."""
import os
import shutil
import sys
from pathlib import Path

from common import ROOT, expect, must, run, scratch

compiler = sys.argv[1]
with_compiler = {**os.environ, "CXX": compiler}


def finds(command: list, words: str, **options) -> None:
    done = run(command, **options)
    expect(done.returncode != 0 and words in done.stderr,
           f"{command[0]} should have found '{words}', and says with exit code {done.returncode}:\n{done.stderr}")


with scratch() as folder:
    copy = Path(folder) / "tree"
    shutil.copytree(ROOT / "include", copy / "include")
    for part in ["tools", "docs", "tests/docs", "tests/support", "tests/compile_fail", "tests/bench"]:
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "LICENSE", copy)
    bytes_hpp = copy / "include/barebpf/bytes.hpp"
    whole = bytes_hpp.read_text()
    must([copy / "tools/amalgamate", "--check"])
    must([copy / "tools/check_rooms"])

    bytes_hpp.write_text(whole.replace('#include "name.hpp"', '#include "name.hpp"\n#include "fd.hpp"'))
    finds([copy / "tools/check_rooms"], "Rooms include only rooms below them")
    bytes_hpp.write_text(whole.replace('#include "name.hpp"', '#include "name.hpp"\n#include <memory>'))
    finds([copy / "tools/check_rooms"], "bytes.hpp:8 includes <memory>")
    bytes_hpp.write_text(whole.replace("// Room 0.4, bytes:", "// Bytes:"))
    finds([copy / "tools/check_rooms"], "bytes.hpp:2 does not say which room it is")
    bytes_hpp.write_text(whole.replace("nobody vouches for", "nobody vouched for"))
    finds([copy / "tools/amalgamate", "--check"], "Run: tools/amalgamate")
    bytes_hpp.write_text(whole.replace("// Room 0.4, bytes: a window", "// Room 0.4, bytes: a door"))
    finds([copy / "tools/check_rooms"], "Run: tools/check_rooms --draw")
    must([copy / "tools/check_rooms", "--draw"])
    must([copy / "tools/check_rooms"])
    bytes_hpp.write_text(whole)
    top_hpp = copy / "include/barebpf/barebpf.hpp"
    top = top_hpp.read_text()
    top_hpp.write_text(top.replace("// Room 11.0,", "// Room 12.0,"))
    finds([copy / "tools/check_rooms"], "floor 12 has no name")
    top_hpp.write_text(top.replace("// Room 11.0,", "// Room 10.99,"))
    attic_hpp = copy / "include/barebpf/attic.hpp"
    attic_hpp.write_text("// SPDX\n// Room 11.0, attic: it uses nobody.\n")
    finds([copy / "tools/check_rooms"], "nothing on the floors above 10 includes one of its rooms")
    top_hpp.write_text(top)
    attic_hpp.write_text("// SPDX\n// Room 8.9, attic: nobody uses it.\n")
    finds([copy / "tools/check_rooms"], "draws other rooms than there are")
    attic_hpp.unlink()
    must([copy / "tools/check_rooms", "--draw"])
    (copy / "include/barebpf/lost.hpp").write_text("// SPDX\n// Room 0.9, lost: found by nobody.\n")
    finds([copy / "tools/amalgamate"], "lost.hpp is in no header that barebpf.hpp includes")
    (copy / "include/barebpf/lost.hpp").unlink()
    before = (copy / "include/barebpf.hpp").read_bytes()
    must([copy / "tools/amalgamate"])
    expect((copy / "include/barebpf.hpp").read_bytes() == before, "amalgamate makes other bytes of the same input")

    must([copy / "tools/pages", "--check"], env=with_compiler)
    twin = copy / "tests/compile_fail/unknown_map.cpp"
    whole = twin.read_text()
    for old in ["hash_mop", "so look for a misspelling"]:
        twin.write_text(whole.replace(old, "other words"))
        finds([copy / "tools/pages", "--check", "mistakes"], "docs/mistakes.md is not what", env=with_compiler)
    twin.write_text(whole)
    describe_hpp = copy / "include/barebpf/describe.hpp"
    describe_hpp.write_text(describe_hpp.read_text().replace("there is no such file", "there is such a file"))
    finds([copy / "tools/pages", "--check", "errors"], "Run: tools/pages", env=with_compiler)
    finds([copy / "tools/pages"], "errors.md could not be made", env={**with_compiler, "CXX": "/nonexistent/c++"})

    # The page of the figures: what is left out, changed by hand, or missed in silence.
    page = copy / "docs/performance.md"
    page.unlink()
    bench = [copy / "tools/bench", "--check"]
    finds(bench, "it is not there")
    whole = (ROOT / "docs/performance.md").read_text()
    page.write_text(whole)
    must(bench)
    for old, new, words in [("| update, array |", "| update, slots |", "has other rows than"),
                            ("| operation | barebpf |", "| operation | ours |", "has other columns than"),
                            ("## How many instructions", "### How many instructions", "is not there"),
                            ("| lookup, array | ", "| lookup, array | about ", "has a row that is none"),
                            ("- kernel: ", "- system: ", "does not tell the kernel"),
                            ("<!-- end of notes -->", "", "the marks of its notes are not there")]:
        expect(old in whole, f"docs/performance.md has no '{old}', so this test would find nothing")
        page.write_text(whole.replace(old, new))
        finds(bench, words)
    missed = whole.replace("| lookup, array | ", "| lookup, array | 1 (1–1), missed | ", 1)
    page.write_text(missed)
    finds(bench, "and its last section tells of")
    drawing = copy / "docs/performance-growth.svg"
    drawing.unlink()
    finds(bench, "its drawing performance-growth.svg is not there")
    drawing.write_text("<svg/>")
    page.write_text(whole.replace("(performance-growth.svg)", "(other.svg)"))
    finds(bench, "does not show its drawing")
    page.write_text(whole.split("<!-- notes")[0].replace("Nothing: every figure is reached.", "- one")
                    + "<!-- notes by hand, kept by tools/bench -->\n<!-- end of notes -->\n")
    finds(bench, "nothing between the marks tells what was tried")

    image = Path(folder) / "seven.o"
    image.write_bytes(b"\x7fELFxyz")
    must([ROOT / "tools/embed", image, f"{folder}/seven.hpp"])
    header = Path(f"{folder}/seven.hpp").read_text()
    expect("inline constexpr std::uint64_t seven[]" in header and "0x7a7978464c457fu" in header, header)
    finds([ROOT / "tools/embed", f"{folder}/none.o", f"{folder}/none.hpp"], "cannot read")
    finds([ROOT / "tools/embed", image, f"{folder}/seven.hpp", "7up"], "is no C++ name")

    twin = Path(folder) / "twin.cpp"
    twin.write_text("int a;\n")
    finds([ROOT / "tools/expect_error", twin, compiler], "does not begin with '// expect: '")
    twin.write_text('// expect: some words\nint a;\n')
    finds([ROOT / "tools/expect_error", twin, compiler], "compiles with -DEXPECT_ERROR, and must not")
    twin.write_text('// expect: some words\n#ifdef EXPECT_ERROR\nstatic_assert(false, "other words");\n#endif\n')
    finds([ROOT / "tools/expect_error", twin, compiler], "wanted: some words")
    twin.write_text("// expect: some words\nint a\n")
    finds([ROOT / "tools/expect_error", twin, compiler], "must compile without -DEXPECT_ERROR")

    done = run([sys.executable, copy / "tools/newest_headers"], env={"PATH": folder})
    expect(done.returncode == 77 and "skipped: the newest kernel headers come from" in done.stdout,
           f"newest_headers without apt should be skipped, and says: {done.stdout}{done.stderr}")
    done = run([copy / "tools/newest_headers", "--kept"])
    expect(done.returncode == 77 and "run tools/newest_headers" in done.stdout,
           f"newest_headers --kept should be skipped where nothing is kept, and says: {done.stdout}{done.stderr}")
