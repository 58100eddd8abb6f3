# SPDX-License-Identifier: MIT
"""counter.py COUNTER [BARE MUSL]: the counters count; bpftool shows the map with its types; without privilege they
name the capability that is missing, exit with 1, and leave nothing."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from common import expect, must, run, skip

counter, *small = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")


def call_execve(times: int) -> None:
    for _ in range(times):
        subprocess.run(["/bin/true"], check=True)


def map_of(process: int) -> str:
    told = "".join(one.read_text() for one in Path(f"/proc/{process}/fdinfo").iterdir())
    ids = re.findall(r"^map_id:\s+(\d+)$", told, re.M)
    expect(len(ids) == 1, f"the counter has {len(ids)} maps open")
    return ids[0]


with subprocess.Popen([counter, "--seconds", "3"], stdout=subprocess.PIPE, text=True) as running:
    first = running.stdout.readline()
    call_execve(4)
    # By number, because another counter may run on this machine.
    own = map_of(running.pid)
    maps = json.loads(must(["bpftool", "-j", "map", "dump", "id", own])) if shutil.which("bpftool") else None
    plain = must(["bpftool", "map", "dump", "id", own]) if maps is not None else ""
    rest = running.stdout.read().splitlines()
expect(running.returncode == 0, f"the counter exits with {running.returncode}")
expect(re.fullmatch(r"second 1: \d+ execve calls\n", first) is not None, f"its first line is: {first}")
expect(len(rest) == 3, f"not one line a second: {rest}")
total = re.fullmatch(r"execve calls in all: (\d+)", rest[-1])
expect(total is not None and int(total.group(1)) >= 4, f"its last line is: {rest[-1]}")
if maps is not None:
    # With types bpftool formats key and value as numbers; without, as bytes in hexadecimal.
    formatted = maps[0].get("formatted", {})
    expect(formatted.get("key") == 0 and formatted.get("value", 0) >= 4, f"bpftool says: {maps}")
    expect(re.search(r'"key": 0,\s+"value": \d+', plain) is not None, f"bpftool says: {plain}")

for program in small:
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        call_execve(3)
        counted = running.stdout.readline()
        running.kill()
    seen = re.fullmatch(r"execve calls: (\d+)\n", counted)
    expect(seen is not None and int(seen.group(1)) >= 3, f"{program} says: {counted}")

nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
before = must(["bpftool", "map", "list"]) if maps is not None else ""
for program in [counter, *small]:
    refused = run([*nobody, program])
    said = refused.stdout + refused.stderr
    expect(refused.returncode == 1, f"{program} without privilege exits with {refused.returncode}")
    expect("CAP_BPF" in said, f"{program} without privilege says: {said}")
after = must(["bpftool", "map", "list"]) if maps is not None else ""
expect(before == after, f"maps stay behind:\n{after}")
if maps is None:
    skip("bpftool is not installed, so nobody else looked at the map")
