# SPDX-License-Identifier: MIT
"""syscalls.py BARE: from its start to attached the bare counter makes at most eight system calls, three of them
bpf(2), where tracefs is mounted. It is mounted here in a namespace that goes with the trace."""
import os
import re
import shutil
import subprocess
import sys

from common import expect, fail, scratch, skip

program = sys.argv[1]
if shutil.which("strace") is None:
    skip("strace is not installed")
if os.geteuid() != 0:
    skip("mounting tracefs in a namespace needs root")
with scratch() as folder:
    script = ("mount --make-rprivate /sys; "
              "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; "
              f"exec timeout -s INT 20 strace -o {folder}/trace {program}")
    # The counter runs until it is killed, which is when the first line is out.
    counter = subprocess.Popen(["unshare", "-m", "--propagation", "unchanged", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    first = counter.stdout.readline()
    counter.terminate()
    counter.wait()
    calls = [line for line in open(f"{folder}/trace") if re.match(r"\w+\(", line)]
expect(first.startswith("execve calls: "), f"the counter says: {first}")
names = [line.split("(")[0] for line in calls]
if "nanosleep" not in names:
    fail("".join(calls))
until_attached = names[:names.index("nanosleep")]
print(f"{len(until_attached)} system calls: {' '.join(until_attached)}")
expect(len(until_attached) <= 8 and until_attached.count("bpf") == 3, f"too many system calls:\n{''.join(calls)}")
