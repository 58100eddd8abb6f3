# SPDX-License-Identifier: MIT
"""latency.py LATENCY_HISTOGRAM: calls of known length stand in their buckets, by name and by number, of one process and
of all; the bars are as long as the numbers say."""
import os
import re
import signal
import subprocess
import sys

from common import expect, run, skip
from network import nothing_stays, refuses_without_privilege, what_it_holds

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

SLEEPS = """
import os, time
while True:
    os.getppid()  # another call, and a short one
    time.sleep(0.020)
"""
NANOSECONDS = {"ns": 1, "us": 1 << 10, "ms": 1 << 20, "s": 1 << 30}
NUMBER = {"x86_64": 230, "s390x": 262}.get(os.uname().machine, 115)  # of clock_nanosleep
LINE = re.compile(r" *(\d+) (\w+) \.\. (\d+) (\w+) +(\d+) \|(#*)( *)\|")


def buckets(lines: list[str], call: str) -> dict[int, int]:
    """How many calls took as long as a power of two of nanoseconds or longer, by that power."""
    head = re.fullmatch(rf"{call}: (\d+) calls", lines[0])
    expect(head is not None, f"its first line is: {lines[0]}")
    out = {}
    longest = max((int(LINE.fullmatch(line).group(5)) for line in lines[1:]), default=0)
    for line in lines[1:]:
        number, unit, end, end_unit, count, bar, rest = LINE.fullmatch(line).groups()
        begins = int(number) * NANOSECONDS[unit]
        expect(int(end) * NANOSECONDS[end_unit] == 2 * begins, f"this is no power of two: {line}")
        expect(len(bar + rest) == 40 and len(bar) == -(-int(count) * 40 // longest), f"the bar is too long: {line}")
        out[begins] = int(count)
    expect(sum(out.values()) == int(head.group(1)), "there are not as many calls as the first line says")
    return out


def measure(*words) -> list[str]:
    done = run([program, *words, "--seconds", "1"])
    expect(done.returncode == 0, f"{words}: it ends with {done.returncode} and says: {done.stderr}")
    return done.stdout.splitlines()


with subprocess.Popen([sys.executable, "-c", SLEEPS]) as sleeper:
    shown = measure("clock_nanosleep", "--pid", sleeper.pid)
    for lines, call in (shown, "clock_nanosleep"), (measure(NUMBER, "--pid", sleeper.pid), NUMBER):
        found = buckets(lines, str(call))
        # One after the other, and none of them shorter than it asked for.
        expect(5 <= sum(found.values()) <= 50, f"{call}: {sum(found.values())} sleeps of 20 ms in a second")
        expect(min(found) == 16 << 20, f"{call}: {lines}")
    all_of_them = buckets(measure("clock_nanosleep"), "clock_nanosleep")
    expect(sum(all_of_them.get(begins, 0) for begins in (16 << 20, 32 << 20)) >= 5, "without a process it sees less")
    sleeper.kill()
# Of a process that is gone there is nothing, and no bar.
expect(measure("clock_nanosleep", "--pid", sleeper.pid) == ["clock_nanosleep: 0 calls"], "it sees calls of nobody")

running = subprocess.Popen([program, "read"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
running.stderr.readline()  # from now on
with open("/proc/self/stat") as one:
    one.read()
held = what_it_holds(running.pid)
running.send_signal(signal.SIGINT)
told, _ = running.communicate(timeout=10)
expect(running.returncode == 0 and sum(buckets(told.splitlines(), "read").values()) >= 1, f"it says: {told}")
nothing_stays(held)

refuses_without_privilege([program, "read"])
refused = run([program, "no_such_call"])
expect(refused.returncode == 1 and "sys_exit_no_such_call" in refused.stderr, f"it says: {refused.stderr}")
expect(run([program, "read", "--pid", "x"]).returncode == 2, "a process that is no number is taken")
print("\n".join(shown))
