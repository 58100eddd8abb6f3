# SPDX-License-Identifier: MIT
"""compile.py: what it costs the compiler to read an object. tools/bench --compile runs it, and it writes
docs/compile-times.md.

    compile.py                     measures for some minutes
    compile.py --quick COMPILER    one object: it compiles, and takes no more memory than it may; asserts no time

The objects are made here, always the same. What is measured is processor time and peak memory of the compiler, less what
the same compiler needs for the headers alone, so that other work on the machine changes little.
"""
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = ROOT / "include"
STRUCTS = 40  # different ones, whose checks are measured together

BPF_HEAD = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
"""
LICENSE = 'const char _license[] SEC("license") = "GPL";\n'


# --- The objects ----------------------------------------------------------------------------------------------------

def map_and_type(number: int) -> str:
    """A map and a value of ten members, one of them a struct."""
    return f"""struct place_{number} {{
  __u32 device_{number};
  __u32 inode;
}};
struct value_{number} {{
  __u64 packets;
  __u64 bytes_{number};
  __u32 first_seen;
  __s32 last_error;
  __u16 port;
  __u8 state;
  __u8 flags_{number};
  struct place_{number} place;
  char comm[16];
  __u64 since;
}};
struct {{
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, {64 + number});
  __type(key, __u32);
  __type(value, struct value_{number});
}} map_{number} SEC(".maps");
"""


def program(number: int, maps: int, blocks: int) -> str:
    """One that works on the elements of as many pairs of maps as it has blocks."""
    out = [f"""SEC("tracepoint/syscalls/sys_enter_execve")
int program_{number}(void *ctx) {{
  __u32 key = bpf_get_current_pid_tgid() >> 32;
"""]
    for block in range(blocks):
        first, second = ((number + block * 5) % maps, (number * 7 + block + 1) % maps)
        out.append(f"""  struct value_{first} *a_{block} = bpf_map_lookup_elem(&map_{first}, &key);
  struct value_{second} *b_{block} = bpf_map_lookup_elem(&map_{second}, &key);
  if (!a_{block} || !b_{block}) {{
    struct value_{first} fresh = {{.packets = {number + block}, .since = bpf_ktime_get_ns()}};
    bpf_get_current_comm(fresh.comm, sizeof fresh.comm);
    bpf_map_update_elem(&map_{first}, &key, &fresh, BPF_ANY);
    return {block};
  }}
  a_{block}->packets += {block + 1};
  a_{block}->bytes_{first} += b_{block}->bytes_{second};
  a_{block}->flags_{first} ^= b_{block}->state;
  a_{block}->place.inode = b_{block}->place.device_{second};
  if (a_{block}->since < b_{block}->since) a_{block}->last_error = -{number + 1};
  total_{number % 16} += a_{block}->packets;
""")
    return "".join(out) + "  return 0;\n}\n"


def programs_and_maps(programs: int, maps: int, blocks: int = 1) -> str:
    totals = "".join(f"__u64 total_{number};\n" for number in range(16))
    return (BPF_HEAD + "".join(map_and_type(number) for number in range(maps)) + totals
            + "".join(program(number, maps, blocks) for number in range(programs)) + LICENSE)


def kernel_types(structs: int, members: int = 20) -> str:
    """Types as a kernel's vmlinux.h would bring them: structs of so many members, some of which point to others. A function
    has them all behind a pointer, or clang leaves them out. Few of the names are different, for clang 14 looks at all that it
    has had at each, and would take minutes."""
    kinds = ["__u64", "__u32", "int", "unsigned char", "struct kernel_{} *", "unsigned long", "void *", "__u16"]
    words = ["lock", "list", "node", "state", "flags", "count", "owner", "next", "parent", "mask", "inode", "device"]
    out = [BPF_HEAD]
    for number in range(structs):
        text = "".join(
            "  {} {}_{};\n".format(kinds[(number + place) % len(kinds)].format((number + place * 7) % 251),
                                  words[(number + place) % len(words)], number if place == number % 160 else place)
            for place in range(members))
        out.append(f"struct kernel_{number} {{\n{text}}};\n")
    groups = [range(first, min(first + 100, structs)) for first in range(0, structs, 100)]
    out.append("union types {\n" + "".join(
        "  union {\n" + "".join(f"    struct kernel_{number} of_{number % 100};\n" for number in group) + f"  }} group_{place};\n"
        for place, group in enumerate(groups)) + "};\n__noinline int touch(union types *types)\n{\n  return types->group_0.of_0.lock_0 != 0;\n}\n")
    return "".join(out)


def program_among_types(structs: int) -> str:
    """A small program beside them."""
    return kernel_types(structs) + map_and_type(0) + "__u64 total_0;\n" + program(0, 1, 1) + LICENSE


def checked_structs() -> tuple[str, str]:
    """A unit that reads the object with the types of `structs` and compares nothing, and one that compares them all."""
    plain = ["#include <barebpf.hpp>\n", '#include "structs.hpp"\n', "using spec = barebpf::static_spec<image>;\n"]
    checks = ["template <class T>\nconstexpr bool agrees(barebpf::u32 id) {\n"
              "  return barebpf::first_difference(spec::types(), id, barebpf::layout_of<T>).why == barebpf::cause::none;\n}\n"]
    for number in range(STRUCTS):
        plain.append(cxx_struct(number))
        plain.append(f'constexpr barebpf::u32 id_{number} = spec::map(spec::find_map("map_{number}")).value_type;\n'
                     f"static_assert(id_{number} != 0);\n")
        checks.append(f"static_assert(agrees<value_{number}>(id_{number}));\n")
    return "".join(plain), "".join(plain + checks)


def cxx_struct(number: int) -> str:
    """The same as `map_and_type` declares."""
    return f"""struct place_{number} {{
  std::uint32_t device_{number}, inode;
}};
struct value_{number} {{
  std::uint64_t packets, bytes_{number};
  std::uint32_t first_seen;
  std::int32_t last_error;
  std::uint16_t port;
  std::uint8_t state, flags_{number};
  struct place_{number} place;
  char comm[16];
  std::uint64_t since;
}};
"""


HEADERS = "#include <barebpf.hpp>\n"
COUNTER = """#include <barebpf.hpp>
#include "counter.hpp"
constexpr barebpf::static_object<image> object;
bool use() {
  auto loaded = object.load();
  if (!loaded) return false;
  auto link = loaded->attach<"bpf_prog">();
  auto map = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  return link && map.lookup_elem(0);
}
"""
USE = """#include <barebpf.hpp>
#include "{}.hpp"
constexpr barebpf::static_object<image> object;
""" + cxx_struct(0).replace("{", "{{").replace("}", "}}") + """bool use() {{
  auto loaded = object.load();
  if (!loaded) return false;
  auto link = loaded->attach<"program_0">();
  auto map = loaded->map<"map_0", std::uint32_t, value_0>();
  return link && map.lookup_elem(0);
}}
"""
# Name, what it is, the source of the BPF program, and what is wanted of it over the headers: seconds and MB.
OBJECTS = [
    ("counter", "the execve counter", lambda: (ROOT / "bpf_progs/execve_counter.bpf.c").read_text(), None, None),
    ("medium", "24 programs, 18 maps", lambda: programs_and_maps(24, 18, 6), 1.0, 100),
    ("large", "80 programs, 34 maps", lambda: programs_and_maps(80, 34, 7), 3.0, None),
    ("types", "one program, 10,500 structs of a kernel", lambda: program_among_types(10500), 3.0, None),
    ("structs", "", lambda: programs_and_maps(1, STRUCTS), None, None),
]
PER_STRUCT = 0.050  # seconds
# What --quick lets the second object take: what it does take and a quarter more, until the page says that 100 is reached.
MOST_MEGABYTES = 400


class Problem(Exception):
    """What is wrong, why it matters, and what to type."""


def bpf_compiler() -> str:
    found = next((name for name in ("clang", "clang-19", "clang-14") if shutil.which(name)), None)
    if found is None:
        raise Problem("there is no clang, so no object can be made.\n  Run: . tools/packages.sh && need clang-bpf")
    return found


def compilers() -> list[str]:
    return [name for name in ("g++", "clang++-14", "clang++-19") if shutil.which(name)]


def compile_object(folder: Path, text: str, target: Path) -> None:
    """Compiles the source of a BPF program. What debuggers read is taken out, where there is a tool for that."""
    source = target.with_suffix(".bpf.c")
    source.write_text(text)
    machine = platform.machine()
    arch = {"x86_64": "x86", "aarch64": "arm64", "s390x": "s390", "riscv64": "riscv"}.get(machine, machine)
    run([bpf_compiler(), "-target", "bpf", f"-D__TARGET_ARCH_{arch}", "-O2", "-g", "-mcpu=v2", f"-I{INCLUDE}/barebpf/prog",
         "-idirafter", f"/usr/include/{machine}-linux-gnu", "-c", source, "-o", target], cwd=folder)
    if strip := next((tool for tool in ("llvm-strip", "llvm-strip-19", "llvm-strip-14") if shutil.which(tool)), None):
        run([strip, "-g", target])


def make_object(folder: Path, name: str, text: str) -> tuple[int, int]:
    """Writes NAME.hpp; how many bytes the object has, and how many of them are types."""
    target = folder / f"{name}.o"
    compile_object(folder, text, target)
    run([ROOT / "tools/embed", target, folder / f"{name}.hpp", "image"])
    image = target.read_bytes()
    return len(image), size_of_types(image)


def size_of_types(image: bytes) -> int:
    order = "<" if image[5] == 1 else ">"
    at, = struct.unpack_from(order + "Q", image, 40)
    size, count, names = struct.unpack_from(order + "HHH", image, 58)
    names_at, = struct.unpack_from(order + "Q", image, at + names * size + 24)
    for number in range(count):
        name, = struct.unpack_from(order + "I", image, at + number * size)
        if image[names_at + name:].startswith(b".BTF\0"):
            return struct.unpack_from(order + "Q", image, at + number * size + 32)[0]
    return 0


def run(command: list, **options) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Problem(f"exit code {done.returncode}: {' '.join(str(word) for word in command)}\n{done.stderr[-2000:]}")


class Cost(NamedTuple):
    """Processor time and peak memory of a compiler; the first line of what it says when it compiles nothing."""
    seconds: float
    megabytes: float
    fault: str = ""


def compile_once(folder: Path, compiler: str, text: str) -> Cost:
    unit = folder / "unit.cpp"
    unit.write_text(text)
    with open(folder / "errors", "w+") as errors:
        started = subprocess.Popen([compiler, "-std=c++20", "-O2", f"-I{INCLUDE}", "-c", str(unit), "-o", str(folder / "unit.o")],
                                   stderr=errors)
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = next((line for line in errors if "error:" in line), "no error: but an exit code")
    fault = "" if started.returncode == 0 else said.split("error:")[1].strip()
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, fault)


def best(folder: Path, compiler: str, text: str, times: int) -> Cost:
    """The best of so many runs; one is enough for what takes long, for then little else counts."""
    out = compile_once(folder, compiler, text)
    for _ in range(times - 1 if out.seconds < 6 and out.fault == "" else 0):
        again = compile_once(folder, compiler, text)
        out = Cost(min(out.seconds, again.seconds), min(out.megabytes, again.megabytes), again.fault)
    return out


# --- The page -------------------------------------------------------------------------------------------------------

PAGE = ROOT / "docs" / "compile-times.md"
NOTES = ("<!-- notes by hand, kept by tools/bench --compile -->", "<!-- end of notes -->")
INTRO = """# What does an object cost the compiler?

Made by `tools/bench --compile`. A `static_object` is read by the compiler, and this is what it pays: processor time and peak
memory of one run with `-std=c++20 -O2 -c`, at its own limits for constants, over what the same compiler needs for
`#include <barebpf.hpp>` alone. The unit loads the object, attaches one program and looks into one map. The objects are made
by clang from generated C, without what debuggers read (`llvm-strip -g`).
"""


def version_of(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout.splitlines()[0]


def measure(times: int) -> tuple[str, list[str]]:
    """The page without its notes, and what is missed."""
    missed: list[str] = []

    def held(figure: float, limit: float | None, shown: str, what: str) -> str:
        if limit is None or figure <= limit:
            return shown
        missed.append(f"{what}: {shown}, to reach at most {limit:g}")
        return f"{shown}, missed"

    with tempfile.TemporaryDirectory(prefix="barebpf-") as name:
        folder = Path(name)
        sizes = {kind: make_object(folder, kind, text()) for kind, _, text, _, _ in OBJECTS}
        plain, checked = checked_structs()
        rows, alone, single = [], [], []
        for compiler in compilers():
            print(f"bench: {compiler}", file=sys.stderr)
            base = best(folder, compiler, HEADERS, times)
            alone.append(f"| {compiler} | {base.seconds:.2f} | {base.megabytes:.0f} |")
            for kind, words, _, seconds, megabytes in OBJECTS:
                if not words:
                    continue
                cost = best(folder, compiler, COUNTER if kind == "counter" else USE.format(kind), times)
                what = f"{words}, {compiler}"
                if cost.fault:
                    missed.append(f"{what}: does not compile: {cost.fault}")
                    spent, memory = "does not compile", "–"
                else:
                    spent, memory = cost.seconds - base.seconds, cost.megabytes - base.megabytes
                    spent, memory = (held(spent, seconds, f"{spent:.2f}", f"seconds, {what}"),
                                     held(memory, megabytes, f"{memory:.0f}", f"MB, {what}"))
                rows.append(f"| {words} | {sizes[kind][0]:,} | {sizes[kind][1]:,} | {compiler} | {spent} | {memory} |")
            before, after = (best(folder, compiler, text, times) for text in (plain, checked))
            if before.fault or after.fault:
                raise Problem(f"{compiler} does not compile the structs: {before.fault or after.fault}")
            each = (after.seconds - before.seconds) / STRUCTS
            single.append(f"| {compiler} | {held(each, PER_STRUCT, f'{each * 1000:.1f}', f'a struct, {compiler}')} |")
    cpu = re.search(r"^model name\s*: (\w+).*", Path("/proc/cpuinfo").read_text(), re.M)
    facts = {"date": time.strftime("%Y-%m-%d"),
             "machine": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores; one of them is used",
             "compilers": "; ".join(map(version_of, compilers())), "BPF": version_of(bpf_compiler())}
    out = [INTRO, *(f"- {name}: {words}" for name, words in facts.items()), "",
           "## An object", "", "At most 1 second and 100 MB for the second, at most 3 seconds for the last two.", "",
           "| object | bytes | of them types | compiler | seconds over the headers | MB over the headers |",
           "| --- | ---: | ---: | --- | ---: | ---: |", *rows, "",
           "## The headers alone", "", "| compiler | seconds | MB |", "| --- | ---: | ---: |", *alone, "",
           "## A struct that is compared", "",
           f"Milliseconds for one of {STRUCTS} different structs of ten members, one of them a struct; at most "
           f"{PER_STRUCT * 1000:g}.", "", "| compiler | ms |", "| --- | ---: |", *single, "",
           "## What is missed?", "", *([f"- {one}" for one in missed] or ["Nothing: every figure is reached."]), ""]
    return "\n".join(out), missed


def notes_of(page: str) -> str:
    begin, end = page.find(NOTES[0]), page.find(NOTES[1])
    return page[begin + len(NOTES[0]):end].strip("\n") if 0 <= begin < end else ""


def quick(compiler: str) -> int:
    """That an object of the middle size compiles with the compiler's own limits, and in how much memory."""
    with tempfile.TemporaryDirectory(prefix="barebpf-") as name:
        folder = Path(name)
        kind, words, text, _, _ = OBJECTS[1]
        size, _ = make_object(folder, kind, text())
        base, cost = compile_once(folder, compiler, HEADERS), compile_once(folder, compiler, USE.format(kind))
    over = cost.megabytes - base.megabytes
    if cost.fault:
        print(f"an object of {size:,} bytes ({words}) does not compile: {cost.fault}", file=sys.stderr)
        return 1
    print(f"{size:,} bytes ({words}): {over:.0f} MB and {cost.seconds - base.seconds:.2f} s over the headers")
    if over > MOST_MEGABYTES:
        print(f"that is more than {MOST_MEGABYTES} MB, which every user's build would pay.\n"
              "  Find out what grew with clang++ -ftime-trace, and run: tools/bench --compile", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    words = sys.argv[1:]
    try:
        if len(words) == 2 and words[0] == "--quick":
            return quick(words[1])
        if words:
            print(__doc__.strip(), file=sys.stderr)
            return 2
        page, missed = measure(3)
        notes = notes_of(PAGE.read_text()) if PAGE.is_file() else ""
        PAGE.write_text("\n".join([page, NOTES[0], *([notes] if notes else []), NOTES[1], ""]))
        for one in missed:
            print(f"bench: missed: {one}", file=sys.stderr)
    except Problem as why:
        print(f"bench: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
