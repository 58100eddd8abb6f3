# SPDX-License-Identifier: MIT
"""tracing.py CLANG: what bpf/bpf_tracing.h reads on each machine is where that machine keeps it, its macros hand over
every argument, and who names no machine is told to."""
import re
import sys

from common import INCLUDE, expect, must, run, scratch

clang = sys.argv[1]
BPF = [clang, "-target", "bpf", "-O2", "-Wall", "-Werror", f"-I{INCLUDE}/barebpf/prog", "-x", "c", "-"]
TYPES = "typedef unsigned int __u32; typedef int __s32; typedef unsigned long long __u64; typedef long long __s64;\n"
WORDS = ["PARM1", "PARM2", "PARM3", "PARM4", "PARM5", "RET", "FP", "RC", "SP", "IP"]
X86 = "unsigned long r15, r14, r13, r12, {0}bp, {0}bx, r11, r10, r9, r8, {0}ax, {0}cx, {0}dx, {0}si, {0}di, orig, {0}ip, cs, flags, {0}sp"
# Of each machine: what the header wants defined, its registers, and the byte at which each of the words stands.
# Source: struct pt_regs or user_pt_regs in arch/*/include/uapi/asm/ptrace.h at v6.12.
MACHINES = {
    "x86": ("", f"struct pt_regs {{ {X86.format('r')}; }};", [112, 104, 96, 88, 72, 152, 32, 80, 152, 128]),
    "x86 of a vmlinux.h": ("#define __VMLINUX_H__\n", f"struct pt_regs {{ {X86.format('')}; }};",
                           [112, 104, 96, 88, 72, 152, 32, 80, 152, 128]),
    "arm64": ("", "struct pt_regs; struct user_pt_regs { __u64 regs[31], sp, pc, pstate; };",
              [0, 8, 16, 24, 32, 240, 232, 0, 248, 256]),
    "s390": ("", "struct pt_regs; typedef struct { unsigned long args[1]; struct { unsigned long mask, addr; } psw; "
             "unsigned long gprs[16]; } user_pt_regs;", [40, 48, 56, 64, 72, 136, 112, 40, 144, 16]),
    "riscv": ("", "struct pt_regs; struct user_regs_struct { unsigned long pc, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, "
              "a1, a2, a3, a4, a5, a6, a7; };", [80, 88, 96, 104, 112, 8, 64, 80, 16, 0]),
}
PROGRAMS = """
SEC("kprobe/f") int BPF_KPROBE(none) { return 1; }
SEC("kprobe/f") int BPF_KPROBE(five, int a, char *b, __u64 c, struct x *d, __s64 e) { return a + *b + c + !d + e; }
SEC("kretprobe/f") int BPF_KRETPROBE(nothing) { return ctx != 0; }
SEC("kretprobe/f") int BPF_KRETPROBE(one, int result) { return result; }
SEC("fentry/f") int BPF_PROG(no_arguments) { return 2; }
SEC("fexit/f") __u64 BPF_PROG(twelve, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e, __u64 f, __u64 g, __u64 h, __u64 i,
			      __u64 j, __u64 k, __u64 l) { return a + b + c + d + e + f + g + h + i + j + k + l; }
"""


def offsets(assembly: str, function: str) -> list[int]:
    """Where a function reads behind the context, whose register is r1."""
    body = re.search(rf"^{function}:(.*?)^\s*exit$", assembly, re.DOTALL | re.MULTILINE)
    expect(body is not None, f"clang wrote no {function}:\n{assembly}")
    return [int(found) for found in re.findall(r"= \*\(u\d+ \*\)\(r1 \+ (\d+)\)", body[1])]


with scratch() as folder:
    for name, (before, registers, places) in MACHINES.items():
        source = before + TYPES + registers + "\n#include <bpf/bpf_tracing.h>\nstruct x;\n"
        for word in WORDS:
            source += f"unsigned long reads_{word}(struct pt_regs *ctx) {{ return PT_REGS_{word}(ctx); }}\n"
        source += PROGRAMS
        flags = [*BPF, f"-D__TARGET_ARCH_{name.split()[0]}", "-S", "-o", f"{folder}/out.s"]
        must(flags, input=source)
        assembly = open(f"{folder}/out.s").read()
        for word, place in zip(WORDS, places):
            expect(offsets(assembly, f"reads_{word}") == [place],
                   f"on {name}, PT_REGS_{word} reads at {offsets(assembly, f'reads_{word}')} instead of {place}")
        expect(sorted(offsets(assembly, "one")) == [places[WORDS.index("RC")]], f"on {name}, {assembly}")
        expect(sorted(offsets(assembly, "twelve")) == [8 * i for i in range(12)], f"on {name}, {assembly}")
        expect(len(offsets(assembly, "five")) >= 3, f"on {name}, {assembly}")

    silent = TYPES + "struct pt_regs;\n#include <bpf/bpf_tracing.h>\nSEC(\"fentry/f\") int BPF_PROG(fine, int a) { return a; }\n"
    must([*BPF, "-fsyntax-only"], input=silent)
    loud = run([*BPF, "-fsyntax-only"], input=silent + "unsigned long f(struct pt_regs *ctx) { return PT_REGS_PARM1(ctx); }\n")
    expect(loud.returncode != 0 and "say which machine the program is for" in loud.stderr,
           f"who names no machine is told:\n{loud.stderr}")
