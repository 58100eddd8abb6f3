# SPDX-License-Identifier: MIT
"""bpftool.py HOLDER: bpftool says of a map, a program and their types what HOLDER says of them itself, opens its pin,
and makes a pin that HOLDER opens."""
import json
import os
import shutil
import subprocess
import sys

from common import expect, must, skip

holder = sys.argv[1]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")
if shutil.which("bpftool") is None:
    skip("bpftool is not installed, so nobody else can be asked")


def ask(*words) -> dict:
    return json.loads(must(["bpftool", "-j", *words]))


def agree(what: str, ours: dict, theirs: dict) -> None:
    for key, value in ours.items():
        expect(theirs.get(key) == value, f"the {key} of the {what} is {value} to us and {theirs.get(key)} to bpftool")


with subprocess.Popen([holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
    first = running.stdout.readline()
    if not first:
        if running.wait() == 77:
            skip("the kernel does not let the test load programs and make a BPF file system")
        sys.exit(f"the holder exits with {running.returncode}")
    said = json.loads(first)
    pin = said["folder"] + "/hits"

    agree("map", said["map"], ask("map", "show", "id", said["map"]["id"]))
    agree("map by its pin", said["map"], ask("map", "show", "pinned", pin))
    agree("program", said["program"], ask("prog", "show", "id", said["program"]["id"]))

    for way in (("id", said["map"]["id"]), ("pinned", pin)):
        elements = ask("map", "dump", *way)
        expect([element["formatted"] for element in elements] == [{"key": -2, "value": 1234567890123}],
               f"bpftool finds in the map: {elements}")

    flows = ask("map", "dump", "id", said["flows"])
    expect([element["formatted"] for element in flows] ==
           [{"key": {"source": 1, "ports": [80, 443]},
             "value": {"lock": {"val": 0}, "balance": -5, "packets": 7, "owner": "nobody", "now": "busy",
                       "is_known": True}}],
           f"bpftool finds in the map that was made of C++ types alone: {flows}")

    types = {one["id"]: one for one in ask("btf", "dump", "id", said["map"]["btf_id"])["types"]}
    for role, size in (("key_type", said["map"]["bytes_key"]), ("value_type", said["map"]["bytes_value"])):
        found = types[said[role]]
        expect((found["kind"], found["size"], found["encoding"]) == ("INT", size, "SIGNED"),
               f"the {role} is to bpftool: {found}")

    made = said["folder"] + "/made"
    must(["bpftool", "map", "create", made, "type", "hash", "key", 4, "value", 8, "entries", 5, "name", "made",
          "flags", 1])
    must(["bpftool", "map", "update", "pinned", made, "key", 1, 0, 0, 0, "value", 42, 0, 0, 0, 0, 0, 0, 0])
    rest = running.communicate("made\n", timeout=20)[0]
expect(running.returncode == 0, f"the holder exits with {running.returncode}")
expect(json.loads(rest) == {"name": "made", "value": 42}, f"of bpftool's map the holder says: {rest}")
