# SPDX-License-Identifier: MIT
"""cppcheck.py: cppcheck finds nothing in any room; and it would find something."""
import concurrent.futures
import shutil
from pathlib import Path

from common import INCLUDE, expect, run, scratch, skip

if shutil.which("cppcheck") is None:
    skip("there is no cppcheck")
# What cppcheck 2.10 says and is not so.
NOT_SO = {
    "syntaxError:*/layout.hpp": "it takes `at < whole.size(); ++index` for the arguments of a template",
    "constStatement": "it takes `out[i] = ...` behind a `for` without braces, an object in the head of a `for`, and `nullptr` behind "
                      "a cast for statements that do nothing",
    "ignoredReturnValue:*/source_lines.hpp": "the value is added to what stands in front of it",
    "toomanyconfigs": "one setting of macros is enough, because the compilers see the others",
}


def found_in(unit: Path) -> str:
    done = run(["cppcheck", "--std=c++20", "--language=c++", "--enable=warning,performance,portability", "--quiet",
                "--max-configs=1", "--template={file}:{line}: {id}: {message}", "-I", INCLUDE,
                *(f"--suppress={one}" for one in NOT_SO), unit])
    return done.stdout + done.stderr


with concurrent.futures.ThreadPoolExecutor(2) as workers:
    said = "".join(workers.map(found_in, sorted((INCLUDE / "barebpf").rglob("*.hpp"))))
expect(said == "", f"cppcheck finds:\n{said}")
with scratch() as folder:
    wrong = Path(folder) / "wrong.cpp"
    wrong.write_text("int main(int count, char**) {\n  int numbers[2] = {};\n  return numbers[2] + count;\n}\n")
    expect("arrayIndexOutOfBounds" in found_in(wrong), "cppcheck does not see an index behind the end of an array")
