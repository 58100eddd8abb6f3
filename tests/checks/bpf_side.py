# SPDX-License-Identifier: MIT
"""bpf_side.py CLANG: bpf/*.h hold every helper under its number, compile after each header that programs include before them,
have the layouts that loaders of USDT probes know, and do what docs/bpf-side.md and docs/types.md show."""
import os
import re
import shutil
import sys
from pathlib import Path

from common import INCLUDE, ROOT, expect, must, scratch

clang = sys.argv[1]
OURS = INCLUDE / "barebpf/prog"
NEWEST = ROOT / "build-headers/usr/include"
MACHINE = os.uname().machine
FLAGS = ["-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-idirafter", f"/usr/include/{MACHINE}-linux-gnu",
         "-D__TARGET_ARCH_" + {"x86_64": "x86", "aarch64": "arm64", "s390x": "s390", "riscv64": "riscv"}.get(MACHINE, MACHINE)]
HEADERS = ["bpf_helpers", "bpf_tracing", "bpf_core_read", "bpf_endian", "bpf_arena_common", "usdt.bpf"]
TYPES = ("typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef int __s32;\n"
         "typedef unsigned long long __u64; typedef long long __s64;\n")


def compiles(source: str, *flags, headers: Path = OURS) -> str:
    """The assembly of a program."""
    return must([clang, *FLAGS, f"-I{headers}", *flags, "-x", "c", "-", "-S", "-o", "-"], input=source)


def included(names: list[str]) -> str:
    return "".join(f"#include <bpf/{name}.h>\n" for name in names)


# Numbers: those of the library, of the machine's header and of the newest one; and what a call becomes.
text = (OURS / "bpf/bpf_helper_defs.h").read_text()
rows = [(int(number), name) for number, name in re.findall(r"^BAREBPF_HELPER\((\d+), [^,]*, (\w+),", text, re.M)]
expect([number for number, _ in rows] == list(range(1, 212)), f"the helpers are not 1 to 211 in their order: {rows}")
known = re.findall(r"\b(\w+) = (\d+)", (INCLUDE / "barebpf/abi/helper.hpp").read_text())
expect(rows == [(int(number), f"bpf_{name}") for name, number in known if number != "0"], "abi/helper.hpp has others")
for header in [Path("/usr/include/linux/bpf.h"), NEWEST / "linux/bpf.h"]:
    if header.is_file():
        # Older ones number by the order of their names.
        mapper = header.read_text().split("FUNC_MAPPER(FN")[1].split("\n\n")[0]
        listed = [f"bpf_{name}" for name in re.findall(r"\bFN\((\w+)", mapper)][1:]
        expect(len(listed) >= 200 and [name for _, name in rows][:len(listed)] == listed, f"{header} has other helpers")
calls = compiles(TYPES + included(["bpf_helpers"]) + "".join(
    f"long calls_{number}(void) {{ return ((long (*)(void)){name})(); }}\n" for number, name in rows))
for number, _ in rows:
    expect(re.search(rf"^calls_{number}:(?:(?!^calls_).)*?call {number}$", calls, re.M | re.S) is not None,
           f"helper {number} is called by another number")
versions = [tuple(map(int, v.split("."))) for v in re.findall(r"^/\* (\d+\.\d+) \*/$", text, re.M)]
expect(len(versions) > 30 and versions == sorted(set(versions)), f"the kernels above the helpers are out of order: {versions}")
expect(re.search(r"\*/\nBAREBPF_HELPER\(1,", text) is not None, "the first helper has no kernel")

with scratch() as folder:
    # In any order, after whatever header.
    firsts = {"linux/bpf.h": ("#include <linux/bpf.h>\n#include <linux/ptrace.h>\n", []),
              "a small vmlinux.h": ("#define __VMLINUX_H__\n" + TYPES + "struct pt_regs { unsigned long r15, ip, pc; };\n"
                                    "struct user_pt_regs { unsigned long pc; }; struct user_regs_struct { unsigned long pc; };\n"
                                    "typedef struct { struct { unsigned long addr; } psw; } user_pt_regs;\n"
                                    "enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY };\n", [])}
    if (NEWEST / "linux/bpf.h").is_file():
        firsts["the newest linux/bpf.h"] = (firsts["linux/bpf.h"][0], ["-isystem", NEWEST])
    bpftool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    if Path(bpftool).exists() and Path("/sys/kernel/btf/vmlinux").exists():
        Path(folder, "vmlinux.h").write_text(must([bpftool, "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"]))
        firsts["the vmlinux.h of this machine"] = ('#include "vmlinux.h"\n', [f"-I{folder}"])
    for what, (first, flags) in firsts.items():
        for names in (HEADERS, HEADERS[::-1], HEADERS + HEADERS):
            compiles(first + included(names), *flags)
    compiles(firsts["linux/bpf.h"][0] + included(HEADERS) + "_Static_assert(bpf_htons(0x1234) == 0x3412 && bpf_ntohl(0x12345678) == 0x78563412 &&\n"
             "bpf_cpu_to_be64(1) == 1ull << 56 && __bpf_constant_htons(1) == 256, \"\");\n",
             "-target", "bpfel")
    compiles(firsts["a small vmlinux.h"][0] + included(HEADERS) +
             "_Static_assert(bpf_htons(0x1234) == 0x1234 && bpf_be64_to_cpu(1) == 1 && sizeof(bpf_htons(1)) == 2, \"\");\n",
             "-target", "bpfeb")

    # The maps and specs of USDT probes.
    layout = firsts["linux/bpf.h"][0] + "#include <stdbool.h>\n" + included(["bpf_helpers", "bpf_tracing", "usdt.bpf"]) + """
#define AT(type, member) __builtin_offsetof(struct type, member)
#define NUMBER(map, member) sizeof(*map.member) / sizeof(int)
const unsigned long layout[] = {
	sizeof(struct __bpf_usdt_arg_spec), AT(__bpf_usdt_arg_spec, val_off), AT(__bpf_usdt_arg_spec, reg_off),
	AT(__bpf_usdt_arg_spec, arg_signed), AT(__bpf_usdt_arg_spec, arg_bitshift),
	sizeof(struct __bpf_usdt_spec), AT(__bpf_usdt_spec, args), AT(__bpf_usdt_spec, usdt_cookie), AT(__bpf_usdt_spec, arg_cnt),
	NUMBER(__bpf_usdt_specs, type), NUMBER(__bpf_usdt_specs, max_entries), sizeof(*__bpf_usdt_specs.key),
	sizeof(*__bpf_usdt_specs.value), NUMBER(__bpf_usdt_ip_to_spec_id, type), NUMBER(__bpf_usdt_ip_to_spec_id, max_entries),
	sizeof(*__bpf_usdt_ip_to_spec_id.key), sizeof(*__bpf_usdt_ip_to_spec_id.value),
	BPF_USDT_ARG_CONST, BPF_USDT_ARG_REG, BPF_USDT_ARG_REG_DEREF, BPF_USDT_MAX_ARG_CNT };
"""
    def layout_of(*flags, headers: Path = OURS) -> str:
        return " ".join(re.findall(r"\.quad\s+(\d+)", compiles(layout, *flags, headers=headers).split("\nlayout:")[1].split(".size")[0]))

    newer, older = "24 0 14 16 17 304 0 288 296", "16 0 12 14 15 208 0 192 200"
    for flags, numbers in (([], newer), (["-DBAREBPF_USDT_FOR_LIBBPF_1_6"], older)):
        rest = f" 2 256 4 {numbers.split()[5]} 1 1024 8 4 0 1 2 12"
        expect(layout_of(*flags) == numbers + rest, f"the specs of USDT probes are {layout_of(*flags)}")
    if Path("/usr/include/bpf/usdt.bpf.h").is_file():
        theirs = layout_of(headers=Path("/usr/include"))
        expect(theirs in (layout_of(), layout_of("-DBAREBPF_USDT_FOR_LIBBPF_1_6")), f"libbpf has another layout of them: {theirs}")
    compiles(layout.replace("const unsigned long layout[] = {", "_Static_assert(BPF_USDT_ARG_SIB == 3, \"\");\n"
             "unsigned long kind(struct __bpf_usdt_arg_spec *arg) { return arg->arg_type; }\nconst unsigned long layout[] = {"))

    # What the pages show. A snippet that includes nothing goes behind all headers.
    pages = ["bpf-side.md", "types.md"]
    found = [re.findall(r"^```c\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.M | re.S) for page in pages]
    snippets = sum(found, [])
    first, flags = firsts.get("the newest linux/bpf.h", firsts["linux/bpf.h"])
    for snippet in snippets:
        before = "" if "#include" in snippet else first + included(HEADERS)
        compiles(before + snippet, *flags, "-Wno-unused-function", f"-I{ROOT}/bpf_progs")
    expect(len(found[0]) >= 9 and len(found[1]) >= 2, "the snippets of docs/bpf-side.md and docs/types.md were not found")
    for other in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        expect(other.name in pages or "```c\n" not in other.read_text(), f"nobody compiles the C in {other.name}")
print(f"{len(rows)} helpers, {len(snippets)} snippets")
