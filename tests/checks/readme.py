# SPDX-License-Identifier: MIT
"""readme.py COMPILER FOLDER_OF_OBJECTS: every C++ snippet of README.md and docs/ compiles, every shell command of the
README's first block exists, and every link to a file of the tree leads somewhere."""
import re
import sys

from common import INCLUDE, ROOT, STRICT, expect, must, scratch

compiler, objects = sys.argv[1:]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
# A snippet that is no whole program is the inside of a function that knows these names. All of them are one unit, for the
# library costs more to read than they do.
FRAME = """#include <barebpf.hpp>
#include <cstdio>
#include "execve_counter.bpf.hpp"
#include "variables.bpf.hpp"
#include "attach_network.bpf.hpp"
#include "attach_traffic.bpf.hpp"
#include "attach_user.bpf.hpp"
#include "congestion_links.bpf.hpp"
#include "function_lists.bpf.hpp"
constexpr barebpf::static_object<execve_counter> object;
constexpr barebpf::static_object<variables> tuned;
int explain(const barebpf::error& why);
"""
FUNCTION = """int snippet_{number}() {{
#line 1 "a snippet of {page}"
{text}
  return 0;
}}
"""


def without_code(text: str) -> str:
    return re.sub("`[^`\n]*`", "", FENCE.sub("", text))


pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
library = "\n".join(path.read_text() for path in sorted((INCLUDE / "barebpf").rglob("*.hpp")))
count = 0
with scratch() as folder:
    def compiles(unit: str) -> None:
        open(f"{folder}/snippet.cpp", "w").write(unit)
        must([compiler, *STRICT, "-Wno-unused", "-Wno-misleading-indentation", f"-I{INCLUDE}", f"-I{objects}",
              f"-I{ROOT}/bpf_progs", "-fsyntax-only", f"{folder}/snippet.cpp"])

    functions = ""
    for page in pages:
        text = page.read_text()
        for language, snippet in FENCE.findall(text):
            if language != "cpp" or page.name == "maps.md":  # those are run, by the kernel tests
                continue
            count += 1
            if "int main" in snippet:
                compiles(snippet)
            else:
                functions += FUNCTION.format(number=count, page=page.name, text=snippet)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", without_code(text)):
            expect((page.parent / target).exists(), f"{page.name} links to {target}, which is not there")
        for word in re.findall(r"`([\w/.:]+)`", text) if page.name == "design.md" else []:
            known = (ROOT / word).exists() or re.search(rf"\b{re.escape(word.split('::')[-1])}\b", library)
            expect(known, f"{page.name} speaks of `{word}`, which is nowhere in include/barebpf/")
        for quote, room in re.findall(r"`(// Room [\d.]+, ([\w/]+):[^`]*)`", text):
            expect(quote in library, f"{page.name} quotes '{quote}', and room {room} says something else")
        for tool in re.findall(r"\./(tools/\w+)", text):
            expect((ROOT / tool).exists(), f"{page.name} names {tool}, which is not there")
    compiles(FRAME + functions)
examples = re.findall(r"^\$ \./tools/example (\w+)", (ROOT / "docs/examples/README.md").read_text(), re.M)
for source in (ROOT / "docs/examples").glob("*.cpp"):
    if (ROOT / f"bpf_progs/{source.stem}.bpf.c").exists():
        expect(source.stem in examples, f"docs/examples/README.md does not run {source.stem}")
print(f"{count} snippets in {len(pages)} pages")
expect(count >= 3, "the snippets were not found")
