# SPDX-License-Identifier: MIT
"""lint.py FOLDER_OF_EMBEDDED_OBJECTS: clang-tidy finds nothing in the library, as .clang-tidy asks it, in a program that uses
much of it; and it would find something."""
import shutil
import sys
from pathlib import Path

from common import INCLUDE, ROOT, expect, run, scratch, skip

embedded = sys.argv[1]
tidy = next((name for name in ("clang-tidy-14", "clang-tidy-19", "clang-tidy") if shutil.which(name)), None)
if tidy is None:
    skip("there is no clang-tidy")
PROGRAM = """#include <barebpf/barebpf.hpp>
#include "execve_counter.bpf.hpp"
constexpr barebpf::static_object<execve_counter> object;
int main() {
  const auto loaded = object.load();
  if (!loaded) return 1;
  const auto link = loaded->attach<"bpf_prog">();
  const auto counts = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  for (const auto [key, value] : counts.entries())
    if (key == 0 && value == 0) return 2;
  const auto opened = barebpf::object::open("counter.bpf.o");
  const auto read = opened ? opened->load() : opened.error();
  return link && read ? 0 : 1;
}
"""
with scratch() as folder:
    unit = Path(folder) / "unit.cpp"

    def lint(text: str) -> str:
        unit.write_text(text)
        done = run([tidy, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", unit, "--", "-std=c++20", f"-I{INCLUDE}",
                    f"-I{embedded}"])
        return "" if done.returncode == 0 else done.stdout or done.stderr

    found = lint(PROGRAM)
    expect(found == "", f"{tidy} finds:\n{found[:4000]}")
    wrong = lint("#include <cstring>\nint main(int count, char**) {\n  int numbers[2];\n"
                 "  std::memset(numbers, count, 0);\n  return numbers[0];\n}\n")
    expect("clang-analyzer" in wrong or "bugprone" in wrong, f"{tidy} does not see what is not set:\n{wrong}")
