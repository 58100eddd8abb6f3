# SPDX-License-Identifier: MIT
"""memcheck.py UNIT PROGRAM COMPILER: valgrind finds nothing in the unit tests, but for those that take longest, nor in a
program that works with maps and programs of the running kernel: nothing used that was not written, nothing touched
outside, nothing left behind. And it would find something."""
import os
import re
import shutil
import sys
from pathlib import Path

from common import expect, must, run, scratch, skip

unit, program, compiler = sys.argv[1:]
if shutil.which("valgrind") is None:
    skip("valgrind is not installed")
FOUND = 99
# Three quarters of the time are theirs, and the address sanitizer watches them in `check`. The last one dies on purpose.
LONGEST = ["*damaged byte*", "512 bytes are enough*", "*while names are looked for*", "*16 MiB*", "more bytes than*",
           "*fills slots", "structs without a name that never*", "*in another", "a file cut at any byte*",
           "the same object with the standard streams closed", "*stays mapped*", "*half filled", "*is made and registered*",
           "*leaves only those pins*", "a file without trace points*", "a changed byte*", "addresses are read as*",
           "*or another way*", "*read object that needs its types*", "*options are right or refused*",
           "each table is a list of runs*", "a file that was cut anywhere*", "both readings make*",
           "a path without names that multiplies*", "what is found is put into*", "*where every descriptor moves",
           "asking for what is not*"]
# What valgrind 3.19 does not know of the kernel.
SUPPRESSED = """{
   BPF_MAP_LOOKUP_BATCH is no command that it knows, so it takes what a walk over a map brings for not written
   Memcheck:Cond
   fun:_ZL8use_mapsv
}
"""

with scratch() as folder:
    suppressions = Path(folder) / "suppressions"
    suppressions.write_text(SUPPRESSED)
    memcheck = ["valgrind", "--quiet", f"--error-exitcode={FOUND}", "--leak-check=full",
                "--errors-for-leak-kinds=definite,indirect,possible", f"--suppressions={suppressions}"]

    def watch(command: list) -> str:
        done = run(command)
        expect(done.returncode == 0, f"exit code {done.returncode}, {FOUND} when valgrind finds something: "
               f"{command[-1]}\n{done.stdout[-4000:]}{done.stderr[-8000:]}")
        return done.stdout

    for name, mistake in {"leak": "new int(argc) == nullptr", "read": "*new int == 3"}.items():
        (Path(folder) / f"{name}.cpp").write_text(f"int main(int argc, char**) {{ return argc == 99 || {mistake}; }}\n")
        must([compiler, "-O0", f"{folder}/{name}.cpp", "-o", f"{folder}/{name}"])
        expect(run([*memcheck, f"{folder}/{name}"]).returncode == FOUND, f"valgrind does not find the planted {name}")
    said = watch([*memcheck, unit, *(f"~{name}" for name in LONGEST)])
    passed = re.search(r"in (\d+) test cases|test cases: +(\d+)", said)
    expect(passed is not None and int(passed[1] or passed[2]) > 900, f"these are not nearly all of the unit tests:\n{said}")
    if os.geteuid() == 0:
        # It does not know fsopen(2) either, so tracefs must be in its place.
        mounted = "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; exec \"$@\""
        watch(["unshare", "--mount", "sh", "-c", mounted, "sh", *memcheck, program])
    else:
        skip("the unit tests passed, but loading BPF programs needs root")
