#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes objects into a folder that are hard by their size: sums that wrap around, and what a careless reader looks at
again for each of many others. Reading each has to take seconds, not hours. Three small ones have what the objects of
bpf_progs lack.

    large.py FOLDER
"""
import struct
import sys
from pathlib import Path

TRACEPOINT = "tracepoint/a/b"
EXIT = bytes([0x95]) + bytes(7)
CODE, DATA, RELOCATIONS = (1, 6), (1, 3), (9, 0)  # type and flags of sections


class Names:
    """Strings one behind the other; `at` gives the place of one, and `tails` those of ends of a long one."""

    def __init__(self) -> None:
        self.content = bytearray(1)

    def at(self, name: str) -> int:
        place = len(self.content)
        self.content += name.encode() + b"\0"
        return place


def elf(sections: list, symbols: list, names: Names) -> bytes:
    """Sections are (place of the name, (type, flags), content or (offset, size), info, entry size)."""
    table = b"".join(struct.pack("<IBBHQQ", at, info, 0, section, value, size)
                     for at, info, section, value, size in [(0, 0, 0, 0, 0), *symbols])
    sections = [(0, (0, 0), b"", 0, 0), *sections, (names.at(".symtab"), (2, 0), table, 0, 24)]
    last = len(sections)
    sections.append((names.at(".strtab"), (3, 0), b"", 0, 0))
    sections[last] = (sections[last][0], (3, 0), bytes(names.content), 0, 0)
    out, headers = bytearray(64), bytearray()
    for at, (kind, flags), content, info, entry_size in sections:
        if isinstance(content, bytes):
            out += bytes(-len(out) % 8)
            content, size = (len(out), len(content)), out.extend(content)
        headers += struct.pack("<IIQQQQIIQQ", at, kind, flags, 0, *content, last if kind == 2 else 0, info, 8,
                               entry_size)
    out += bytes(-len(out) % 8)
    out[0:7] = b"\x7fELF\2\1\1"
    struct.pack_into("<HHI", out, 16, 1, 247, 1)
    struct.pack_into("<Q", out, 40, len(out))
    struct.pack_into("<HHHHHH", out, 52, 64, 0, 0, 64, len(sections), last)
    return bytes(out + headers)


class Types:
    """The content of .BTF; each function gives the id of the type that it adds."""

    def __init__(self) -> None:
        self.names, self.records = Names(), []

    def add(self, kind: int, name: int, members: int, third: int, tail: bytes = b"") -> int:
        self.records.append(struct.pack("<III", name, kind << 24 | members, third) + tail)
        return len(self.records)

    def layout(self, name: int, entries: list) -> int:
        return self.add(15, name, len(entries), 0, b"".join(struct.pack("<III", *one) for one in entries))

    def content(self) -> bytes:
        types = b"".join(self.records)
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types),
                           len(self.names.content)) + types + self.names.content


def one_program(names: Names) -> tuple[tuple, tuple]:
    return (names.at(TRACEPOINT), CODE, EXIT, 0, 0), (names.at("program"), 0x12, 1, 0, 8)


def relocations_wrap() -> bytes:
    """32,769 sections claim the same 131,072 relocations, which is 2^32 of them and some more."""
    names = Names()
    section, symbol = one_program(names)
    name, count = names.at(".rel"), 1 << 17
    claims = [(name, RELOCATIONS, (64, count * 16), 1, 16)] * ((1 << 15) + 1)
    filler = (names.at("filler"), DATA, bytes(count * 16), 0, 0)
    return elf([section, filler, *claims], [symbol], names)


def names_wrap() -> bytes:
    """A chain of 43,000 types shares one name of 100,000 characters, which is 2^32 characters and some more."""
    names, types = Names(), Types()
    section, symbol = one_program(names)
    long_name, length = types.names.at("a" * 100000), 43000
    for i in range(length):
        types.add(8, long_name, 0, i + 2)
    integer = types.add(1, long_name, 0, 4, struct.pack("<I", 32))
    number = types.add(2, 0, 0, types.add(3, 0, 0, 0, struct.pack("<III", integer, integer, 1)))
    value = types.add(2, 0, 0, types.add(4, 0, 1, 8, struct.pack("<III", 0, 1, 0)))
    members = [(types.names.at("type"), number, 0), (types.names.at("value"), value, 64)]
    definition = types.add(4, 0, 2, 16, b"".join(struct.pack("<III", *one) for one in members))
    types.layout(types.names.at(".maps"),
                 [(types.add(14, types.names.at("m"), 0, definition, struct.pack("<I", 1)), 0, 16)])
    return elf([section, (names.at(".maps"), DATA, bytes(16), 0, 0), (names.at(".BTF"), DATA, types.content(), 0, 0)],
               [symbol], names)


def one_definition_for_all_maps() -> bytes:
    """10,000 maps share one definition of 10,000 members, each of which is an array at the end of a chain."""
    names, types = Names(), Types()
    section, symbol = one_program(names)
    integer = types.add(1, types.names.at("int"), 0, 4, struct.pack("<I", 32))
    element = integer
    for _ in range(31):
        element = types.add(3, 0, 0, 0, struct.pack("<III", element, integer, 1))
    pointer = types.add(2, 0, 0, element)
    number = types.add(2, 0, 0, types.add(3, 0, 0, 0, struct.pack("<III", integer, integer, 1)))
    key, kind = types.names.at("key"), types.names.at("type")
    tail = struct.pack("<III", kind, number, 0) + struct.pack("<III", key, pointer, 0) * 9999
    definition = types.add(4, 0, 10000, 8, tail)
    variable = types.add(14, types.names.at("m"), 0, definition, struct.pack("<I", 1))
    types.layout(types.names.at(".maps"), [(variable, i * 8, 8) for i in range(10000)])
    return elf([section, (names.at(".maps"), DATA, bytes(80000), 0, 0),
                (names.at(".BTF"), DATA, types.content(), 0, 0)], [symbol], names)


def slots_backwards() -> bytes:
    """10,000 maps of maps share one definition; each has a map in its slot, and the last has it in 30,000. All
    stand in the file from the last to the first."""
    names, types = Names(), Types()
    section, symbol = one_program(names)
    integer = types.add(1, types.names.at("int"), 0, 4, struct.pack("<I", 32))

    def number(value: int) -> int:
        return types.add(2, 0, 0, types.add(3, 0, 0, 0, struct.pack("<III", integer, integer, value)))

    kind, key_size, values = types.names.at("type"), types.names.at("key_size"), types.names.at("values")
    plain = types.add(4, 0, 1, 8, struct.pack("<III", kind, number(2), 0))
    many = types.add(3, 0, 0, 0, struct.pack("<III", types.add(2, 0, 0, plain), integer, 0))
    outer = types.add(4, 0, 3, 16, struct.pack("<III", kind, number(12), 0)
                      + struct.pack("<III", key_size, number(4), 64) + struct.pack("<III", values, many, 128))
    name = types.names.at("m")
    one, page = (types.add(14, name, 0, of, struct.pack("<I", 1)) for of in (outer, plain))
    count, slots = 10000, 30000
    end = count * 24 + (slots + 1) * 8
    types.layout(types.names.at(".maps"), [(one, i * 24, 24) for i in range(count)] + [(page, end, 8)])
    places = [i * 24 + 16 for i in range(count)] + [count * 24 + i * 8 for i in range(slots)]
    fills = b"".join(struct.pack("<QQ", at, 2 << 32 | 2) for at in reversed(places))
    return elf([section, (names.at(".maps"), DATA, bytes(end + 8), 0, 0),
                (names.at(".BTF"), DATA, types.content(), 0, 0), (names.at(".rel.maps"), RELOCATIONS, fills, 2, 16)],
               [symbol, (names.at("page"), 0x11, 2, end, 8)], names)


def long_names(runs: bool) -> bytes:
    """2,000 sections and as many layouts, or runs of source lines, have names of 60,000 characters, the same but for
    the last ones."""
    names, types = Names(), Types()
    section, symbol = one_program(names)
    start = names.at("." * 62000)
    sections = [section] + [(start + i, CODE if runs else DATA, EXIT, 0, 0) for i in range(2000)]
    start = types.names.at("." * 64000)
    if not runs:
        for i in range(2000):
            types.layout(start + i // 2, [])
    content = types.content()
    sections.append((names.at(".BTF"), DATA, content, 0, 0))
    if runs:
        table = struct.pack("<I", 16) + b"".join(struct.pack("<II", start + i // 2, 0) for i in range(2000))
        header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0, 0, len(table))
        sections.append((names.at(".BTF.ext"), DATA, header + table, 0, 0))
    return elf(sections, [symbol], names)


def all_call_all() -> bytes:
    """256 functions of which each calls each, and 1,000 programs that call the first."""
    names = Names()
    count, programs = 250, 1000
    size = (count + 1) * 8
    code = b""
    for i in range(count):
        for k in range(count):
            code += struct.pack("<BBhi", 0x85, 0x10, 0, (k * size - i * size - k * 8) // 8 - 1)
        code += EXIT
    start = len(code)
    for i in range(programs):
        code += struct.pack("<BBhi", 0x85, 0x10, 0, -(start + i * 16) // 8 - 1) + EXIT
    function, program = names.at("function"), names.at("program")
    symbols = [(function, 0x02, 1, i * size, size) for i in range(count)]
    symbols += [(program, 0x12, 1, start + i * 16, 16) for i in range(programs)]
    return elf([(names.at(TRACEPOINT), CODE, code, 0, 0)], symbols, names)


def layouts_of_all_sections() -> bytes:
    """4,000 sections of variables, and a layout for each, in the other order."""
    names, types = Names(), Types()
    section, symbol = one_program(names)
    count = 4000
    integer = types.add(1, types.names.at("int"), 0, 4, struct.pack("<I", 32))
    variable = types.add(14, types.names.at("v"), 0, integer, struct.pack("<I", 1))
    sections = [section] + [(names.at(f".data.{i}"), DATA, bytes(8), 0, 0) for i in range(count)]
    for i in reversed(range(count)):
        types.layout(types.names.at(f".data.{i}"), [(variable, 0, 4)])
    sections.append((names.at(".BTF"), DATA, types.content(), 0, 0))
    return elf(sections, [symbol], names)


def one_place_for_all_functions() -> bytes:
    """10,000 functions begin at one instruction, 20,000 records tell its type, and 20,000 runs its lines."""
    names, types = Names(), Types()
    section, _ = one_program(names)
    function = names.at("function")
    prototype = types.add(13, 0, 0, 0)
    kind = types.add(12, types.names.at("function"), 0, prototype)
    called = types.names.at(TRACEPOINT)
    functions = struct.pack("<III", 8, called, 20000) + struct.pack("<II", 0, kind) * 20000
    lines = struct.pack("<I", 16) + struct.pack("<II", called, 0) * 20000
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(functions), len(functions), len(lines))
    return elf([section, (names.at(".BTF"), DATA, types.content(), 0, 0),
                (names.at(".BTF.ext"), DATA, header + functions + lines, 0, 0)],
               [(function, 0x02, 1, 0, 8)] * 9999 + [(function, 0x12, 1, 0, 8)], names)


def call_chain() -> bytes:
    """300 functions of which each calls the next: more than the kernel takes in one program."""
    names = Names()
    count, function = 300, names.at("function")
    call = struct.pack("<BBhi", 0x85, 0x10, 0, 1)
    symbols = [(function, 0x02 if i else 0x12, 1, i * 16, 16) for i in range(count)]
    return elf([(names.at(TRACEPOINT), CODE, (call + EXIT) * (count - 1) + EXIT + EXIT, 0, 0)], symbols, names)


def rare_forms() -> bytes:
    """A map whose numbers are values of enums of both sizes, with a lock, a kernel pointer and tags in its value; a
    float, a forward, a layout that no map holds, and an empty table of CO-RE."""
    names, types = Names(), Types()
    section, symbol = one_program(names)

    def members(kind: int, name: str, size: int, *list_of: tuple) -> int:
        tail = b"".join(struct.pack("<III", types.names.at(called), of, bit) for called, of, bit in list_of)
        return types.add(kind, types.names.at(name) if name else 0, len(list_of), size, tail)

    integer = types.add(1, types.names.at("unsigned int"), 0, 4, struct.pack("<I", 32))
    four = types.add(6, 0, 1, 4, struct.pack("<II", types.names.at("_a"), 1))
    eight = types.add(19, 0, 1, 8, struct.pack("<III", types.names.at("_b"), 5, 1))
    lock = members(4, "bpf_spin_lock", 4, ("val", integer, 0))
    forward = types.add(7, types.names.at("task_struct"), 0, 0)
    pointer = types.add(2, 0, 0, types.add(18, types.names.at("kptr"), 0, forward))
    number = types.add(16, types.names.at("double"), 0, 8)
    both = members(5, "", 8, ("real", number, 0), ("whole", integer, 0))
    value = members(4, "value", 24, ("lock", lock, 0), ("kernel", pointer, 64), ("both", both, 128))
    types.add(17, types.names.at("on the struct"), 0, value, struct.pack("<i", -1))
    types.add(17, types.names.at("on a member"), 0, value, struct.pack("<i", 1))
    definition = members(4, "", 32, ("type", four, 0), ("key_size", four, 32), ("map_extra", eight, 64),
                         ("numa_node", four, 128), ("value", types.add(2, 0, 0, value), 192))
    variable = types.add(14, types.names.at("m"), 0, definition, struct.pack("<I", 1))
    types.layout(types.names.at(".maps"), [(variable, 0, 32)])
    types.layout(types.names.at(".ksyms"), [(types.add(14, types.names.at("k"), 0, integer, struct.pack("<I", 2)), 0, 4)])
    core = struct.pack("<III", 16, types.names.at(TRACEPOINT), 0)
    ext = struct.pack("<HBBIIIIIII", 0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, len(core)) + core
    return elf([section, (names.at(".maps"), DATA, bytes(32), 0, 0), (names.at(".BTF"), DATA, types.content(), 0, 0),
                (names.at(".BTF.ext"), DATA, ext, 0, 0)], [symbol], names)


def two_kernels() -> bytes:
    """A program with CO-RE of each kind, and other types to fit it to: with members moved, nested, of other sizes and
    missing, several types of one name, and bit fields."""
    names, here, there = Names(), Types(), Types()

    def members(types: Types, kind: int, name: str, size: int, *list_of: tuple) -> int:
        tail = b"".join(struct.pack("<III", types.names.at(called) if called else 0, of, bit) for called, of, bit in list_of)
        return types.add(kind, types.names.at(name) if name else 0, len(list_of), size, tail)

    def both(types: Types, flavour: str) -> dict:
        made = {"int": types.add(1, types.names.at("int"), 0, 4, struct.pack("<I", 1 << 24 | 32))}
        made["long"] = types.add(1, types.names.at("long"), 0, 8, struct.pack("<I", 64))
        made["chars"] = types.add(3, 0, 0, 0, struct.pack("<III", made["int"], made["int"], 4))
        made["enum"] = types.add(6, types.names.at("colour" + flavour), 2, 4, struct.pack(
            "<IIII", types.names.at("RED"), 1, types.names.at("GREEN"), 2 + len(flavour)))
        made["enum64"] = types.add(19, types.names.at("wide" + flavour), 1, 8,
                                   struct.pack("<III", types.names.at("WIDE"), 7, 1 + len(flavour)))
        made["alias"] = types.add(8, types.names.at("alias"), 0, types.add(10, 0, 0, made["long"]))
        made["proto"] = types.add(13, 0, 1, made["int"], struct.pack("<II", 0, made["alias"]))
        return made

    one, two = both(here, "___x"), both(there, "")
    task = members(here, 4 | 128, "task___x", 32, ("pid", one["int"], 0), ("state", one["long"], 64), ("flag", one["int"], 3 << 24 | 129),
                   ("name", one["chars"], 192), ("call", here.add(2, 0, 0, one["proto"]), 320), ("gone", one["int"], 384))
    pair = members(here, 4, "pair", 8, ("a", one["int"], 0), ("b", one["int"], 32))
    inner = members(there, 5, "", 16, ("state", two["int"], 0), ("name", two["chars"], 0))
    members(there, 4 | 128, "task", 64, ("flag", two["int"], 3 << 24 | 30), ("", inner, 64), ("pid", two["int"], 256),
            ("call", there.add(2, 0, 0, two["proto"]), 320))
    for bit in (0, 32):
        members(there, 4, "pair", 8, ("b", two["int"], bit), ("a", two["int"], 32 - bit))
    move, load, long_load = bytes([0xB7, 1]) + bytes(6), bytes([0x79, 0x12]) + bytes(6), bytes([0x18, 1]) + bytes(14)
    wanted = [(task, "0:0", 0, move), (task, "0:3:1", 0, move), (task, "0:1", 0, load), (task, "0:2", 0, move),
              (task, "0:2", 1, move), (task, "0:5", 2, move), (task, "0:2", 3, move), (task, "0:2", 4, move), (task, "0:2", 5, move),
              (task, "0", 6, long_load), (task, "0", 7, long_load), (task, "0", 8, move), (task, "0", 9, move),
              (one["enum"], "1", 10, long_load), (one["enum"], "1", 11, long_load), (one["enum64"], "0", 11, long_load),
              (task, "0", 12, move), (one["alias"], "0", 8, move), (task, "0:5", 0, move), (pair, "0:1", 0, move)]
    code, records = b"", b""
    where = here.names.at(TRACEPOINT)
    function = here.add(12, here.names.at("program"), 1, here.add(13, 0, 0, one["int"]))
    old = {0: {"0:3:1": 28, "0:1": 8}, 1: {}, 9: {"0": 32}, 11: {}}
    for of, access, kind, instruction in wanted:
        number = {2: 1, 3: 1, 5: 61, 8: 1, 9: 32, 10: 1, 12: 1}.get(kind, old.get(kind, {}).get(access, 0))
        if kind == 11:
            number = 6 if of == one["enum"] else 7
        if kind == 0 and access == "0:5":
            number = 48
        if kind == 0 and of == pair:
            number = 4
        records += struct.pack("<IIII", len(code), of, here.names.at(access), kind)
        instruction = bytearray(instruction)
        struct.pack_into("<h" if instruction is load or instruction[0] == 0x79 else "<i", instruction,
                         2 if instruction[0] == 0x79 else 4, number)
        if of == one["enum64"]:
            struct.pack_into("<i", instruction, 12, 5)
        code += instruction
    code += EXIT
    core = struct.pack("<III", 16, where, len(wanted)) + records
    functions = struct.pack("<IIIII", 8, where, 1, 0, function)
    ext = struct.pack("<HBBIIIIIII", 0xEB9F, 1, 0, 32, 0, len(functions), len(functions), 0, len(functions),
                      len(core)) + functions + core
    return elf([(names.at(TRACEPOINT), CODE, code, 0, 0), (names.at(".BTF"), DATA, here.content(), 0, 0),
                (names.at(".BTF.ext"), DATA, ext, 0, 0), (names.at(".BTF.base"), DATA, there.content(), 0, 0)],
               [(names.at("program"), 0x12, 1, 0, len(code))], names)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in {
        "relocations_wrap": relocations_wrap(), "names_wrap": names_wrap(),
        "one_definition_for_all_maps": one_definition_for_all_maps(), "long_layouts": long_names(False),
        "long_runs": long_names(True), "all_call_all": all_call_all(),
        "layouts_of_all_sections": layouts_of_all_sections(),
        "call_chain": call_chain(), "rare_forms": rare_forms(),
        "one_place_for_all_functions": one_place_for_all_functions(), "slots_backwards": slots_backwards(),
        "two_kernels": two_kernels(),
    }.items():
        (folder / f"{name}.bin").write_bytes(image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
