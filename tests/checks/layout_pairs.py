# SPDX-License-Identifier: MIT
"""layout_pairs.py [--seed N] [--count N] CLANG CXX: structs of a BPF program beside structs of C++, made at random.

Each struct is the value of a map. The C++ struct that says the same must be accepted, and one with a single change must be
refused, with the cause, the member and the places that a model of the rules, written anew here, finds. The compiler
compares them all, in as few runs as it has patience for.
"""
import argparse
import os
import random
import re
import time
from dataclasses import dataclass, field, replace

from common import INCLUDE, ROOT, expect, fail, must, run, scratch

ROUND = 150  # pairs for each run of the compiler
MACHINE = os.uname().machine


# Types of either side. A type is never changed after it was made: what differs is another one.

@dataclass(eq=False)
class Type:
    kind: str  # int char bool float enum pointer byte array struct union
    size: int = 0
    signed: bool = False
    element: "Type | None" = None
    count: int = 0
    members: list = field(default_factory=list)
    values: list = field(default_factory=list)  # of an enum: (name, value)
    style: str = ""  # how it is written down
    name: str = ""  # what it is called, once it was written down

    @property
    def alignment(self) -> int:
        if self.kind == "array":
            return self.element.alignment
        if self.kind in ("struct", "union"):
            return max(one.type.alignment for one in self.members)
        return self.size


@dataclass(eq=False)
class Member:
    name: str  # empty for a struct or union without a name
    type: Type


def array_of(element: Type, count: int, style: str = "") -> Type:
    return Type("array", element.size * count, element=element, count=count, style=style)


def struct_of(members: list) -> Type:
    out = Type("struct", members=members)
    ends = [at + one.type.size for at, one in places(out)]
    out.size = -(-ends[-1] // out.alignment) * out.alignment
    return out


def union_of(members: list) -> Type:
    out = Type("union", members=members)
    out.size = -(-max(one.type.size for one in members) // out.alignment) * out.alignment
    return out


def places(struct: Type) -> list:
    """Where the members lie: (offset, member)."""
    out, at = [], 0
    for one in struct.members:
        at = -(-at // one.type.alignment) * one.type.alignment
        out.append((at, one))
        at += one.type.size
    return out


def flat(struct: Type, start: int = 0) -> list:
    """The same with the members of structs that have no name, as C finds them."""
    out = []
    for at, one in places(struct):
        if one.name == "" and one.type.kind == "struct":
            out += flat(one.type, start + at)
        else:
            out.append((start + at, one))
    return out


# The rules, once more. What differs first: (cause, member, name in C++, place in the object, place in C++).

SEEN_VALUES = {*range(-1, 64), *(1 << bit for bit in range(6, 32))}


def seen(values: list, size: int) -> list:
    """The values of an enum that C++ can be asked for, as many bits as it has."""
    limit = 1 << 8 * size
    return [(name, value % limit) for name, value in values
            if value in SEEN_VALUES and value < limit]


def same_values(ours: Type, theirs: Type) -> bool:
    limit = 1 << 8 * theirs.size
    known = seen(theirs.values, theirs.size)
    for name, value in ours.values:
        if any(other == name and number != value % limit for other, number in known):
            return False
        if value in SEEN_VALUES and value % limit not in [number for _, number in known]:
            return False
    return all(number in [value % limit for _, value in ours.values] for _, number in known)


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def difference(ours: Type, theirs: Type, path: str = "", at_ours=None, at_theirs=None):
    at_ours, at_theirs = at_ours or (0, ours.size), at_theirs or (0, theirs.size)

    def differ(why: str):
        return why, path, "", at_ours, at_theirs
    larger = differ("other_size") if ours.size != theirs.size else None
    same_kind = ours.kind == theirs.kind
    match theirs.kind:
        case "byte":
            return larger
        case "int" | "char" | "bool":
            if theirs.kind == "int" and not theirs.signed and ours.kind == "pointer":
                return larger
            if ours.kind == "enum":
                return differ("no_boolean") if theirs.kind == "bool" else larger
            if ours.kind not in ("int", "char", "bool"):
                return differ("other_sort")
            if larger:
                return larger
            if theirs.kind == "bool":
                return None if same_kind else differ("no_boolean")
            is_signed = ours.signed or ours.kind == "char"  # as the compiler for BPF has it
            return differ("other_sign") if theirs.kind == "int" and theirs.signed != is_signed else None
        case "float" | "pointer":
            return larger if same_kind else differ("other_sort")
        case "enum":
            if ours.kind in ("int", "char", "bool"):
                return larger
            if not same_kind:
                return differ("other_sort")
            return larger or (None if same_values(ours, theirs) else differ("other_values"))
        case "array":
            if theirs.element.kind == "byte":
                return larger
            if not same_kind:
                return differ("other_sort")
            found = difference(ours.element, theirs.element, path + "[]")
            return found or (differ("other_length") if ours.count != theirs.count else None)
        case "struct":
            if not same_kind:
                return differ("other_sort")
            return differing_member(ours, theirs, path) or larger
        case "union":
            if not same_kind:
                return differ("other_sort")
            return larger or (differ("other_alignment") if ours.alignment != theirs.alignment else None)


def differing_member(ours: Type, theirs: Type, path: str):
    wanted, given = flat(ours), places(theirs)
    names = [one.name for _, one in wanted]
    for at, one in wanted:
        place = (at, one.type.size)
        beside = next((other for other in given if other[0] == at), None)
        same = beside if one.name == "" else next((other for other in given if other[1].name == one.name), None)
        here = join(path, one.name or "(union)")
        if same is None:
            if beside and beside[1].name not in names:
                return "other_name", here, beside[1].name, place, (at, beside[1].type.size)
            return "missing_member", here, "", place, (0, 0)
        there = (same[0], same[1].type.size)
        if same[0] != at:
            return "other_offset", here, "", place, there
        if found := difference(one.type, same[1].type, here, place, there):
            return found
    for at, one in given:
        if one.name in names:
            continue
        over = [first for first, other in wanted if first < at + one.type.size and first + other.type.size > at]
        is_filler = one.type.kind == "byte" or (one.type.kind == "array" and one.type.element.kind == "byte")
        if (is_filler and not over) or at in over:
            continue
        return "extra_member", join(path, one.name), "", (0, 0), (at, one.type.size)
    return None


# What a BPF program may have.

class Maker:
    def __init__(self, random_source: random.Random, number: int):
        self.random, self.number, self.used = random_source, number, 0

    def fresh(self, head: str) -> str:
        self.used += 1
        return f"{head}{self.used}"

    def number_type(self) -> Type:
        return Type("int", self.random.choice([1, 2, 4, 8]), self.random.random() < 0.4)

    def enum(self) -> Type:
        head = f"E{self.number}_{self.fresh('')}_"
        small = self.random.random() < 0.2
        pool = [*range(0, 40), 64, 128, 77, 200] + ([] if small else [256, 1 << 20, 1 << 31, 1000, -1])
        chosen = self.random.sample(pool, self.random.randint(1, 5))
        if -1 in chosen:
            chosen = [value for value in chosen if value != 1 << 31]  # which is one of 64 bits together with it
        return Type("enum", 1 if small else 4, -1 in chosen, values=[(f"{head}{i}", v) for i, v in enumerate(chosen)])

    def simple(self) -> Type:
        what = self.random.random()
        if what < 0.55:
            return self.number_type()
        if what < 0.63:
            return Type("bool", 1)
        if what < 0.68:
            return Type("char", 1)
        if what < 0.72:
            return Type("float", self.random.choice([4, 8]))
        if what < 0.86:
            return self.enum()
        return Type("pointer", 8, style=self.random.choice(["void *", "const char *", "struct outer *", "int (*)(void)"]))

    def type(self, depth: int) -> Type:
        what = self.random.random()
        if depth == 0 or what < 0.55:
            return self.simple()
        if what < 0.65:
            return array_of(Type("char", 1), self.random.randint(1, 20))
        if what < 0.78:
            return array_of(self.type(depth - 1), self.random.randint(1, 5))
        if what < 0.93:
            return self.struct(depth - 1)
        return self.union(depth - 1)

    def struct(self, depth: int, most: int = 3) -> Type:
        members = [Member(self.fresh("m"), self.type(depth)) for _ in range(self.random.randint(1, most))]
        if depth > 0 and self.random.random() < 0.15:
            members.insert(self.random.randrange(len(members) + 1), Member("", self.union(0)))
        if depth > 0 and self.random.random() < 0.2:
            members.insert(self.random.randrange(len(members) + 1), Member("", self.struct(0, 2)))
        return struct_of(members)

    def union(self, depth: int) -> Type:
        return union_of([Member(self.fresh("m"), self.type(depth)) for _ in range(self.random.randint(1, 3))])

    # The same in C++, in one of the ways that say the same.

    def cxx(self, ours: Type) -> Type:
        chance = self.random.random()
        match ours.kind:
            case "pointer":
                return Type("int", 8) if chance < 0.4 else replace(ours, style="")
            case "enum":
                if chance < 0.15:
                    return Type("int", ours.size, self.random.random() < 0.5)
                renamed = self.random.random() < 0.4
                values = [(name.lower() if renamed else name, value) for name, value in ours.values]
                plain = ours.size == 4 and chance < 0.5
                return replace(ours, values=values, style="plain" if plain else "class")
            case "array":
                return array_of(self.cxx(ours.element), ours.count, self.random.choice(["", "std"]))
            case "struct":
                members, end = [], 0
                for at, one in flat(ours):
                    members.append(Member(one.name or self.fresh("u"), self.cxx(one.type)))
                out = struct_of(members)
                return self.with_fillers(out) if chance < 0.3 else out
            case "union":
                return union_of([Member(one.name, self.cxx(one.type)) for one in ours.members])
        return ours

    def with_fillers(self, struct: Type) -> Type:
        """With bytes that have a name where there were gaps."""
        members, end = [], 0
        for at, one in places(struct) + [(struct.size, None)]:
            if at > end:
                members.append(Member(self.fresh("gap"), array_of(Type("byte", 1), at - end)))
            if one:
                members.append(one)
                end = at + one.type.size
        return struct_of(members)

    # One change somewhere in it.

    def changed(self, theirs: Type):
        """A copy with one change, and what was done; None when the place that was picked has nothing to change."""
        if theirs.kind == "array" and self.random.random() < 0.7:
            inner = self.changed(theirs.element)
            return inner and (array_of(inner[0], theirs.count, theirs.style), inner[1])
        if theirs.kind == "struct":
            at = self.random.randrange(len(theirs.members))
            one = theirs.members[at]
            if self.random.random() < 0.7:
                inner = self.changed(one.type)
                return inner and (self.with_members(theirs, at, [Member(one.name, inner[0])]), inner[1])
            match self.random.choice(["rename", "swap", "drop", "add"]):
                case "rename":
                    return self.with_members(theirs, at, [Member(self.fresh("n"), one.type)]), "rename"
                case "swap":
                    if at + 1 == len(theirs.members):
                        return None
                    pair = [theirs.members[at + 1], one]
                    return struct_of(theirs.members[:at] + pair + theirs.members[at + 2:]), "swap"
                case "drop":
                    return (self.with_members(theirs, at, []), "drop") if len(theirs.members) > 1 else None
                case "add":
                    more = Member(self.fresh("n"), self.number_type())
                    return self.with_members(theirs, at, [one, more][::self.random.choice([1, -1])]), "add"
        ways = {"int": ["width", "sign", "sign", "bool", "sort"], "char": ["width", "sort", "bool"], "bool": ["sign", "sort", "width"],
                "float": ["number", "width", "sort"], "enum": ["value", "value less", "value more", "width", "sort", "bool"],
                "pointer": ["signed", "sort", "width"], "array": ["length", "length", "sort"], "union": ["larger", "alignment", "sort"],
                "byte": ["width", "sort"]}
        way = self.random.choice(ways[theirs.kind])
        new = self.changed_by(theirs, way)
        return new and (new, way)

    @staticmethod
    def with_members(struct: Type, at: int, instead: list) -> Type:
        return struct_of(struct.members[:at] + instead + struct.members[at + 1:])

    def changed_by(self, one: Type, way: str):
        other_size = self.random.choice([size for size in (1, 2, 4, 8) if size != one.size])
        match way:
            case "width" if one.kind == "enum":
                return replace(one, size=other_size, style="class") if all(
                    value < 1 << 8 * other_size for _, value in one.values) and not one.signed else None
            case "width":
                return Type("int", other_size, one.signed)
            case "sign":
                return Type("int", one.size, not one.signed)
            case "number" | "signed":
                return Type("int", one.size, way == "signed")
            case "bool":
                return Type("bool", 1) if one.size == 1 else None
            case "sort":
                return self.random.choice([
                    struct_of([Member(self.fresh("n"), one)]), array_of(one, 1),
                    Type("pointer", 8), Type("float", 8), Type("int", 4), Type("enum", 4, values=[(self.fresh("X"), 1)])])
            case "value":
                at, (name, _) = self.random.choice(list(enumerate(one.values)))
                used = [value for _, value in one.values]
                other = self.random.choice([v for v in range(1, 60) if v not in used])
                return replace(one, values=one.values[:at] + [(name, other)] + one.values[at + 1:])
            case "value less":
                return replace(one, values=one.values[1:]) if len(one.values) > 1 else None
            case "value more":
                return replace(one, values=one.values + [(self.fresh("X"), 63)])
            case "length":
                return array_of(one.element, self.random.choice([n for n in (1, 2, 3, 6) if n != one.count]), one.style)
            case "larger":
                return union_of(one.members + [Member(self.fresh("n"), array_of(Type("char", 1), one.size + 1))])
            case "alignment":
                return union_of([Member(self.fresh("n"), array_of(Type("char", 1), one.size))]) if one.alignment > 1 \
                    else union_of(one.members + [Member(self.fresh("n"), Type("int", 8))])
        raise AssertionError(way)


# As text.

WIDTHS = {1: "8", 2: "16", 4: "32", 8: "64"}


class Writer:
    """Declarations of one side, those that others need first."""

    def __init__(self, head: str):
        self.head, self.lines, self.known, self.used = head, [], {}, 0

    def fresh(self) -> str:
        self.used += 1
        return f"{self.head}_{self.used}"

    def declared(self, one: Type, name: str) -> str:
        raise NotImplementedError


class CWriter(Writer):
    def declared(self, one: Type, name: str) -> str:
        match one.kind:
            case "int":
                return f"__{'s' if one.signed else 'u'}{WIDTHS[one.size]} {name}"
            case "char":
                return f"char {name}"
            case "bool":
                return f"_Bool {name}"
            case "float":
                return f"{'double' if one.size == 8 else 'float'} {name}"
            case "pointer":
                return one.style.replace("(*)", f"(*{name})") if "(*)" in one.style else f"{one.style}{name}"
            case "array":
                return self.declared(one.element, f"{name}[{one.count}]")
            case "enum":
                values = ", ".join(f"{n} = {v}{'U' if v > 0x7fffffff else ''}" for n, v in one.values)
                return f"enum {'__attribute__((packed)) ' if one.size == 1 else ''}{{ {values} }} {name}"
        members = " ".join(self.declared(member.type, member.name) + ";" for member in one.members)
        return f"{one.kind} {{ {members} }} {name}".rstrip()


class CxxWriter(Writer):
    """Each type once, whoever asks: what two structs share they share here too."""

    def type_name(self, one: Type) -> str:
        match one.kind:
            case "int":
                return f"std::{'' if one.signed else 'u'}int{WIDTHS[one.size]}_t"
            case "char" | "bool":
                return one.kind
            case "byte":
                return "std::byte"
            case "float":
                return "double" if one.size == 8 else "float"
            case "pointer":
                return "const void*"
            case "array":
                return f"std::array<{self.type_name(one.element)}, {one.count}>"
        if not one.name:
            one.name = self.fresh()
            if one.kind == "enum":
                # In a namespace of its own, as others have enumerators of the same name.
                fixed = f" : std::{'' if one.signed else 'u'}int{WIDTHS[one.size]}_t"
                values = ", ".join(f"{name} = {value}{'U' if value > 0x7fffffff else ''}" for name, value in one.values)
                head = f"enum {one.name}" if one.style == "plain" else f"enum class {one.name}{fixed}"
                self.lines.append(f"namespace in_{one.name} {{ {head} {{ {values} }}; }} using in_{one.name}::{one.name};")
            else:
                members = " ".join(self.declared(member.type, member.name) + ";" for member in one.members)
                self.lines.append(f"{one.kind} {one.name} {{ {members} }};")
        return one.name

    def declared(self, one: Type, name: str) -> str:
        if one.kind == "array" and one.style != "std":
            return self.declared(one.element, f"{name}[{one.count}]")
        return f"{self.type_name(one)} {name}"


@dataclass
class Pair:
    number: int
    ours: Type
    same: Type
    other: Type
    way: str
    found: tuple


def make_pair(seed: int, number: int) -> Pair:
    maker = Maker(random.Random(f"{seed} {number}"), number)
    while True:
        ours = maker.struct(3, 5)
        same = maker.cxx(ours)
        # A struct without a name may have gaps that its members have not when they lie flat.
        if difference(ours, same) is not None or ours.size > 400:
            continue
        for _ in range(20):
            changed = maker.changed(same)
            found = changed and difference(ours, changed[0])
            if found and len(found[1]) < 60 and len(found[2]) < 30:
                check_model(changed[1], found)
                return Pair(number, ours, same, *changed, found)


# What follows from some changes alone, whatever lies around them.
PLAIN_CAUSES = {"sign": "other_sign other_sort", "value": "other_values", "value less": "other_values", "value more": "other_values",
                "bool": "no_boolean", "number": "other_sort", "signed": "other_sort"}


def check_model(way: str, found: tuple) -> None:
    expect(found[0] in PLAIN_CAUSES.get(way, found[0]), f"the model says {found} of a change of {way}")


def sources(pairs: list) -> tuple:
    c = ["#include <linux/bpf.h>", "#include <bpf/bpf_helpers.h>"]
    cxx = CxxWriter("type")
    checks = []
    for index, pair in enumerate(pairs):
        writer = CWriter("")
        body = writer.declared(pair.ours, "").removeprefix("struct ").strip()
        tag = f"s{pair.number}"
        c.append(f"struct {tag} {body.replace('struct outer *', f'struct {tag} *')};\n"
                 "struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); "
                 f"__type(value, struct {tag}); }} map_{pair.number} SEC(\".maps\");")
        why, member, name, ours, theirs = pair.found
        checks.append(f"static_assert(is_same<{index}, {cxx.type_name(pair.same)}>); // pair {pair.number}")
        checks.append(f"static_assert(differs<{index}, {cxx.type_name(pair.other)}>(cause::{why}, \"{member}\", "
                      f"\"{name}\", {{{ours[0]}, {ours[1]}}}, {{{theirs[0]}, {theirs[1]}}})); "
                      f"// pair {pair.number}, {pair.way}")
    head = ['#include <array>', '#include <barebpf/static_spec.hpp>', '#include <barebpf/layout_match.hpp>',
            '#include "pairs.bpf.hpp"', 'using namespace barebpf;', 'using spec = static_spec<pairs>;',
            # By number: a name would be looked for among all of them.
            'template <u32 Map, class T>',
            'constexpr layout_difference found = first_difference(spec::types(), spec::map(Map).value_type, layout_of<T>);',
            'template <u32 Map, class T>',
            'constexpr bool is_same = found<Map, T>.why == cause::none;',
            'template <u32 Map, class T>',
            'constexpr bool differs(cause why, text member, text name, place_in_object ours, place_in_cxx theirs) {',
            '  constexpr auto is = found<Map, T>;',
            '  return is.why == why && text(is.member) == member && text(is.cxx_member) == name &&',
            '         is.in_object.offset == ours.offset && is.in_object.size == ours.size &&',
            '         is.in_cxx.offset == theirs.offset && is.in_cxx.size == theirs.size;', '}']
    return "\n".join(c) + "\n", "\n".join(head + cxx.lines + checks) + "\n"


def compare(pairs: list, clang: str, compiler: str) -> None:
    c, cxx = sources(pairs)
    limits = ["-fconstexpr-steps=100000000", "-ferror-limit=0"] if "clang" in compiler else ["-fconstexpr-ops-limit=1000000000"]
    with scratch() as folder:
        (source := f"{folder}/pairs.bpf.c")
        for path, text in [(source, c), (f"{folder}/pairs.cpp", cxx)]:
            with open(path, "w") as file:
                file.write(text)
        must([ROOT / "tools/embed", source, f"{folder}/pairs.bpf.hpp", "--", clang, "-target", "bpfel", "-O2", "-g",
              "-Wno-visibility", f"-I{INCLUDE}/barebpf/prog", "-idirafter", f"/usr/include/{MACHINE}-linux-gnu"])
        done = run([compiler, "-std=c++20", "-fsyntax-only", *limits, f"-I{INCLUDE}", f"{folder}/pairs.cpp"])
    if done.returncode == 0:
        return
    lines = cxx.splitlines()
    wrong = [lines[int(at) - 1] for at in re.findall(r"^\S*pairs\.cpp:(\d+):\d+: error: .*static", done.stderr, re.M)]
    told = []
    for line in wrong[:10]:
        number = int(line.rsplit("// pair ", 1)[1].split(",")[0])
        pair = next(one for one in pairs if one.number == number)
        writer = CxxWriter(f"pair_{number}")
        for one in (pair.same, pair.other):
            forget_names(one)
        writer.type_name(pair.same if "is_same<" in line else pair.other)
        told.append("\n".join([line, CWriter("").declared(pair.ours, "in_the_object"), *writer.lines]))
    fail(f"{compiler}: {len(wrong)} of {len(pairs)} pairs are judged otherwise than by the model.\n\n" +
         "\n\n".join(told or [done.stderr[:4000]]))


def forget_names(one: Type) -> None:
    one.name = ""
    for member in one.members:
        forget_names(member.type)
    if one.element:
        forget_names(one.element)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("clang")
    parser.add_argument("compiler")
    given = parser.parse_args()
    start = time.monotonic()
    ways: dict = {}
    for first in range(0, given.count, ROUND):
        pairs = [make_pair(given.seed, number) for number in range(first, min(first + ROUND, given.count))]
        compare(pairs, given.clang, given.compiler)
        for pair in pairs:
            ways[pair.found[0]] = ways.get(pair.found[0], 0) + 1
    print(f"{given.count} pairs of seed {given.seed} in {time.monotonic() - start:.0f} seconds: " +
          ", ".join(f"{count} {why}" for why, count in sorted(ways.items())))


if __name__ == "__main__":
    main()
