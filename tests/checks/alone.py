# SPDX-License-Identifier: MIT
"""alone.py COMPILER HEADER_OF_AN_OBJECT: the single header, copied into an empty folder, makes a program of two
units; and the single header and the tree make one together."""
import shutil
import sys

from common import INCLUDE, STRICT, must, scratch

compiler, embedded = sys.argv[1:]
FIRST = """{includes}
#include "execve_counter.bpf.hpp"
constexpr barebpf::static_object<execve_counter> object;
int other();
bool loads() {{ return object.load<barebpf::load_policy{{.oldest_kernel = barebpf::kernel(5, 15)}}>().has_value(); }}
int main(int count, char**) {{ return count == 99 ? loads() : other(); }}
"""
SECOND = """{includes}
int other() {{
  char buffer[512];
  const auto opened = barebpf::object::open("/nonexistent");
  return describe(opened.error(), buffer) == "cannot open the file '/nonexistent': the kernel said ENOENT (2): "
    "there is no such file" ? 0 : 1;
}}
"""
single, kernel, tree = "#include <barebpf.hpp>", "#include <linux/bpf.h>", "#include <barebpf/barebpf.hpp>"
with scratch() as folder:
    shutil.copy(INCLUDE / "barebpf.hpp", folder)
    shutil.copy(embedded, f"{folder}/execve_counter.bpf.hpp")
    for first, second, include in [
        (f"{kernel}\n{single}", f"{single}\n{kernel}", []),
        (f"{single}\n{tree}", f"{tree}\n{single}", [f"-I{INCLUDE}"]),
        (tree, single, [f"-I{INCLUDE}"]),
    ]:
        open(f"{folder}/first.cpp", "w").write(FIRST.format(includes=first))
        open(f"{folder}/second.cpp", "w").write(SECOND.format(includes=second))
        must([compiler, *STRICT, "-O0", f"-I{folder}", *include, f"{folder}/first.cpp", f"{folder}/second.cpp", "-o",
              f"{folder}/program"])
        must([f"{folder}/program"])
