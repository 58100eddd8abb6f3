# SPDX-License-Identifier: MIT
"""task_fields.py BARE: a program that the kernel fits to itself (CO-RE) stays small and sees itself as it is."""
import ctypes
import os
import subprocess
import sys

from common import expect, skip

PR_SET_CHILD_SUBREAPER = 36
RINGBUF = 27  # BPF_MAP_TYPE_RINGBUF of include/uapi/linux/bpf.h

program = sys.argv[1]
size = os.path.getsize(program)
print(f"{size} bytes: {program}")
expect(size <= 6144, f"{program} has {size} bytes, more than 6144")
if os.geteuid() != 0:
    skip("loading a program needs root")


def seen(prepare) -> tuple[int, dict[str, int]]:
    child = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
    said, _ = child.communicate()
    expect(child.returncode == 0, f"{program} fails: {said}")
    return child.pid, {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in said.splitlines()}


for reaps in (0, 1):
    # The mark of a reaper stays with a process when it becomes another program.
    pid, numbers = seen(lambda: ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, reaps, 0, 0, 0))
    wanted = {"pid": pid, "parent": os.getpid(), "child subreaper": reaps, "BPF_MAP_TYPE_RINGBUF": RINGBUF, "a type that is gone": 0}
    for name, number in wanted.items():
        expect(numbers[name] == number, f"{name}: {numbers[name]}, and not {number}")
    expect(numbers["bytes in front of the pid"] > 100, f"the pid lies where the program itself has it: {numbers}")
    expect(numbers["flags"] & 0x400000 != 0, f"the flags of a program that just began hold PF_RANDOMIZE: {numbers}")
print(numbers)
