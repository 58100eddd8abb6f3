# SPDX-License-Identifier: MIT
"""fuzz.py: tools/fuzz finds a fault that was planted, names the input, and keeps quiet about a tree without one."""
import shutil
from pathlib import Path

from common import ROOT, expect, run, scratch, skip

PLANTED = ("count <= size_ - at", "count <= size_ + 1 - at")

with scratch() as folder:
    copy = Path(folder)
    for part in ("include", "tools", "tests/fuzz", "bpf_progs"):
        shutil.copytree(ROOT / part, copy / part)
    # Seeds of a room that takes any bytes; to compile them all takes longer than the rest.
    for program in (copy / "bpf_progs").glob("*.bpf.c"):
        if program.name != "execve_counter.bpf.c":
            program.unlink()
    command = [copy / "tools/fuzz", "--slice", "bytes"]
    room = copy / "include/barebpf/bytes.hpp"
    sound = room.read_text()
    expect(PLANTED[0] in sound, "bytes.hpp no longer has the line that this test spoils")

    done = run(command)
    if done.returncode == 77:
        skip(done.stdout.strip())
    expect(done.returncode == 0, f"a sound tree fails:\n{done.stdout}{done.stderr}")
    expect("bytes" in (copy / "build-fuzz/summary.txt").read_text(), "no summary is written")

    room.write_text(sound.replace(*PLANTED))
    done = run(command)
    expect(done.returncode == 1, f"exit code {done.returncode} for a window that is a byte too large:\n{done.stdout}")
    expect("Replay it: " in done.stderr, f"no command to replay the finding:\n{done.stderr}")
    replay = done.stderr.split("Replay it: ")[1].split()
    expect(run(replay).returncode != 0, "the input that was named does not fail again")

    done = run([copy / "tools/fuzz", "nowhere"])
    expect(done.returncode == 2 and "there is no room 'nowhere' to fuzz" in done.stderr, "a room is not missed")
