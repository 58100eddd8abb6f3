# SPDX-License-Identifier: MIT
"""folded.py FOLDED_STACKS: each line is a stack as flame graph tools take it; a process that does nothing but sleep is
among them, with its own places and those of the kernel; without privilege the error says so."""
import os
import re
import subprocess
import sys

from common import expect, run, skip

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

SLEEPS = """
import time
open("/proc/self/comm", "w").write("a;sleeper")
while True:
    time.sleep(0.001)
"""
with subprocess.Popen([sys.executable, "-c", SLEEPS]) as sleeper:
    done = run([program, "--seconds", "1"])
    sleeper.kill()
expect(done.returncode == 0, f"{program} exits with {done.returncode} and says: {done.stderr}")
lines = done.stdout.splitlines()
for line in lines:
    expect(re.fullmatch(r"[^;]*(;[^;]+)* [1-9]\d*", line) is not None, f"this is no folded line: {line}")
sleeps = [line for line in lines if line.startswith("a_sleeper;")]
expect(sleeps, f"none of {len(lines)} lines is of the process that sleeps")
times = sum(int(line.rsplit(" ", 1)[1]) for line in sleeps)
expect(times > 10, f"the process that sleeps was seen {times} times only")
# The tracepoint itself is in the stack where somebody else looks at it too.
whole = re.compile(r";[^;]+\+0x[0-9a-f]+;.*nanosleep\w*_\[k\];.*schedule_\[k\](;__traceiter_sched_switch_\[k\])? ")
expect(any(whole.search(line) for line in sleeps),
       "no line goes from a file of the process over its system call to the scheduler:\n" + "\n".join(sleeps))

refused = run(["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", program])
expect(refused.returncode == 1, f"{program} without privilege exits with {refused.returncode}")
expect("CAP_BPF" in refused.stderr, f"{program} without privilege says: {refused.stderr}")
