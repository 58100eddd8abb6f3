# SPDX-License-Identifier: MIT
"""What the checks share: running commands, failing with a sentence, skipping with a reason."""
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = ROOT / "include"
STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
          "-Wold-style-cast", "-Werror", "-fno-exceptions", "-fno-rtti"]


def run(command: list, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)


def must(command: list, **options) -> str:
    """What the command prints; the check fails with its error when the command does."""
    done = run(command, **options)
    if done.returncode != 0:
        fail(f"exit code {done.returncode}: {' '.join(str(word) for word in command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def fail(why: str) -> None:
    print(why, file=sys.stderr)
    sys.exit(1)


def expect(truth: bool, why: str) -> None:
    if not truth:
        fail(why)


def skip(why: str) -> None:
    print(f"skipped: {why}")
    sys.exit(77)


def scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="barebpf-")
