#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seeds.py FOLDER: writes ROOM-WHAT.bin, inputs of the targets that want no object file, for fuzzing to begin with."""
import struct
import sys
from pathlib import Path

SYMBOLS = b"""0000000000000000 A fixed_percpu_data
ffffffff81000100 T first
ffffffff81000100 T its_other_name
ffffffff81000200 t vfs_read
ffffffff81000280 D data
ffffffffc0002000 t of_module\t[virtio]
ffffffffc0001000 w before_it\t[virtio]
ffffffffc0003000 W $x\t[bpf]
"""
MAPPINGS = b"""00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus daemon
00651000-00652000 rw-p 00051000 08:02 173521      /usr/bin/dbus daemon
7f5231677000-7f52317cd000 r-xp 00026000 fe:00 332835      /usr/lib/libc.so.6
7ffd3c1f2000-7ffd3c1f4000 r-xp 00000000 00:00 0     [vdso]
"""
OPTIONS = b"""# Automatically generated file; DO NOT EDIT.
CONFIG_A=y
# CONFIG_B is not set
CONFIG_AB="some text"
CONFIG_HZ=250
CONFIG_=0x1f
CONFIG_HZ=100
"""

# What is done with a ring, see ringbuf.cpp: a program sends, the kernel finishes, the consumer takes.
FINISH, TAKE, TAKE_FEW = b"\3", b"\6\1", b"\6\0\2"


def send(size: int, flags: int = 9) -> bytes:
    return b"\0" + struct.pack("<H", size * 4 + 1) + b"a" + bytes([flags])


def put(cpu: int, kind: int, size: int) -> bytes:
    return bytes([0, cpu, kind]) + (struct.pack("<H", size * 4 + 1) + b"a" if kind > 1 else b"\7" if kind == 0 else b"")


def reserve(size: int, submit: int = 0) -> bytes:
    return b"\2\1" + struct.pack("<H", size * 4 + 1) + bytes([submit])


RECORDS = send(16) + send(0) + send(9, 1) + TAKE + send(20, 8) + send(7) + TAKE + FINISH + TAKE_FEW + send(39) + TAKE
SAMPLES = put(0, 7, 12) + put(1, 7, 4) + put(0, 0, 0) + TAKE_FEW + put(1, 1, 0) + put(0, 7, 39) + TAKE


def text(content: bytes) -> bytes:
    return bytes([len(content)]) + content


def kconfig(declared: list[tuple[int, int]], flags: int, rest: bytes) -> bytes:
    """What is declared, as (name, form and size); then what the kernel says of itself, the user's lines and the file."""
    head = bytes([len(declared)]) + b"".join(bytes(one) for one in declared) + bytes([flags, 7])
    return head + text(b"6.1.0-42-amd64") + text(b"#1 SMP Debian 6.1.170-1 (2026)") + text(
        b"Ubuntu 5.4.0-12.15-generic 5.4.8") + text(b"CONFIG_HZ=1000\n") + rest


NAMES = {"A": 0, "AB": 1, "HZ": 2, "": 3, "version": 4, "cookie": 5, "wrapper": 6, "later": 7 + 128}
FORMS = {"boolean": 0, "tristate": 1, "character": 2, "number": 3 + 10, "characters": 4 + 50}
DECLARED = [(NAMES["A"], FORMS["tristate"]), (NAMES["AB"], FORMS["characters"]), (NAMES["HZ"], FORMS["number"]),
            (NAMES[""], FORMS["number"] + 128)]
FACTS = [(NAMES["version"], FORMS["number"]), (NAMES["cookie"], FORMS["boolean"]),
         (NAMES["wrapper"], FORMS["boolean"]), (NAMES["later"], FORMS["number"])]

# Definitions of maps, see maps.cpp. Modifiers in front of a type, and in front of what it points to, are 8 more than they
# are; 14 and 15 stand for 31 and 32.
MEMBERS = ["type", "key", "value", "key_size", "value_size", "max_entries", "map_flags", "numa_node", "map_extra",
           "pinning", "values"]
NUMBER, WIDE, INTEGER, STRUCT, SLOTS = 0, 2, 3, 4, 9
INNER, ITSELF, PROGRAMS = 0, 2 * 8, 3 * 8
UNSIGNED, SIGNED, WORD = 2, 2 + 5, 3


def member(name: str, how: int, number: int, rest: bytes = b"", outer: int = 0, inner: int = 0) -> bytes:
    return bytes([MEMBERS.index(name), how, outer | inner << 4]) + struct.pack("<I", number) + rest


def definition(*members: bytes) -> bytes:
    return bytes([len(members)]) + b"".join(members)


def maps(declared: list[bytes], slots: list[tuple[int, int, int]] = (), flags: int = 0) -> bytes:
    """Slots are (index of the map, word in it, symbol); symbol 1 is a program, and from 3 on they are the maps."""
    return bytes([len(declared) - 1]) + b"".join(bytes([flags, 0]) + one for one in declared) + bytes(
        [0, len(slots)]) + b"".join(bytes((of, 2 * word, symbol)) for of, word, symbol in slots)


HASH = definition(member("type", NUMBER, 1), member("key", INTEGER, UNSIGNED), member("value", STRUCT, 24),
                  member("max_entries", NUMBER, 4), member("map_flags", NUMBER, 1), member("numa_node", NUMBER, 2),
                  member("map_extra", WIDE, 7, struct.pack("<I", 9)), member("pinning", NUMBER, 1))
SIZES = definition(member("type", NUMBER, 2), member("key_size", NUMBER, 4), member("value_size", NUMBER, 8),
                   member("max_entries", NUMBER, 3))
NAMED = definition(member("type", NUMBER, 1, outer=14), member("key", INTEGER, SIGNED, outer=10, inner=14),
                   member("value", INTEGER, WORD, inner=12), member("value_size", NUMBER, 8))
OF_MAPS = definition(member("type", NUMBER, 12), member("key_size", NUMBER, 4), member("max_entries", NUMBER, 2),
                     member("values", SLOTS, INNER, SIZES))
OF_HASHES = definition(member("type", NUMBER, 13), member("key", INTEGER, UNSIGNED),
                       member("values", SLOTS, INNER, SIZES, inner=10))
OF_PROGRAMS = definition(member("type", NUMBER, 3), member("key_size", NUMBER, 4), member("value_size", NUMBER, 4),
                         member("max_entries", NUMBER, 3), member("values", SLOTS, PROGRAMS))
OF_ITSELF = definition(member("type", NUMBER, 12), member("key_size", NUMBER, 4), member("values", SLOTS, ITSELF))

SEEDS = {
    "maps-of_all_members": maps([HASH]),
    "maps-behind_names": maps([NAMED, SIZES]),
    "maps-where_their_layout_says": maps([SIZES, SIZES], flags=32),
    "maps-of_maps": maps([OF_MAPS, SIZES, OF_HASHES], [(0, 4, 4), (2, 3, 4)], flags=64),
    "maps-of_programs": maps([OF_PROGRAMS], [(0, 6, 1), (0, 4, 1)], flags=192),
    "maps-of_itself": maps([SIZES, OF_ITSELF]),
    "kconfig-options": kconfig(DECLARED, 0, OPTIONS),
    "kconfig-packed": kconfig(DECLARED, 8, OPTIONS),
    "kconfig-named_file": kconfig(DECLARED[:2], 16, OPTIONS),
    "kconfig-facts": kconfig(FACTS, 3, b""),
    "kconfig-version_elsewhere": kconfig(FACTS[:1] + DECLARED[:1], 4, OPTIONS),
    "symbols-of_the_kernel": struct.pack("<BQ", 7, 0xFFFFFFFF81000110) + SYMBOLS,
    "symbols-of_a_process": struct.pack("<BQ", 0, 0x401000) + MAPPINGS,
    "proc-lines": b"\1\0" + SYMBOLS + MAPPINGS,
    "proc-place": b"\2\0vfs_read+0x10",
    "proc-place_in_decimal": b"\2\0vfs_read+16",
    "proc-cpus": b"\3\x0d0-3,6\n",
    "proc-number": b"\3\0c:8\n",
    "proc-log": b"\4\x000: (b7) r0 = 0\n12: (85) call unknown#7\n",
    "ringbuf-records": b"\0\1" + RECORDS,
    "ringbuf-overwritten_records": b"\1\0" + send(39) * 100 + RECORDS,
    "ringbuf-samples": b"\2\0\2" + SAMPLES,
    "ringbuf-of_a_user": b"\3\1" + reserve(16) + reserve(9, 1) + b"\0\xff" + reserve(0),
    "ringbuf-full_of_a_user": b"\3\0" + reserve(39) * 100 + b"\0\x80" + reserve(30),
    "proc-holders": b"\5\0pos:\t0\nmap_id:\t7\n\xfflink_id:\t3\nprog_id:\t9\n\xffbtf_id:\t1\n\xffflags:\t02\n",
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in SEEDS.items():
        (folder / f"{name}.bin").write_bytes(content)


if __name__ == "__main__":
    main()
