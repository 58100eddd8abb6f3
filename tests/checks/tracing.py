# SPDX-License-Identifier: MIT
"""tracing.py CLANG: what bpf/bpf_tracing.h reads on each machine is where that machine keeps it, its macros hand over
every argument, and who names no machine is told to."""
import re
import sys

from common import INCLUDE, expect, must, run, scratch

clang = sys.argv[1]
BPF = [clang, "-target", "bpf", "-O2", "-g", "-Wall", "-Werror", f"-I{INCLUDE}/barebpf/prog", "-x", "c", "-"]
TYPES = ("typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef int __s32;\n"
         "typedef unsigned long long __u64; typedef long long __s64;\n")
CALL = [f"PARM{n}" for n in range(1, 9)]
SYSCALL = [f"PARM{n}_SYSCALL" for n in range(1, 8)]
OTHERS = ["RET", "FP", "RC", "SP", "IP"]
X86 = ("unsigned long r15, r14, r13, r12, {0}bp, {0}bx, r11, r10, r9, r8, {0}ax, {0}cx, {0}dx, {0}si, {0}di, orig, {0}ip, "
       "cs, flags, {0}sp")
X86_PLACES = ([112, 104, 96, 88, 72, 64], [112, 104, 96, 56, 72, 64], [152, 32, 80, 152, 128])


def longs(first: int, count: int) -> list[int]:
    return [8 * (first + i) for i in range(count)]


# Of each machine: what the header wants defined, its registers, and the byte at which stand the arguments of a function, those
# of a system call, and the other words; None where the machine has no such register. The first argument of a system call is
# in a struct of one member where the kernel keeps it apart.
# Source: struct pt_regs or user_pt_regs in arch/*/include/uapi/asm/ptrace.h at v6.12.
MACHINES = {
    "x86": ("", f"struct pt_regs {{ {X86.format('r')}; }};", *X86_PLACES),
    "x86 of a vmlinux.h": ("#define __VMLINUX_H__\n", f"struct pt_regs {{ {X86.format('')}; }};", *X86_PLACES),
    "arm64": ("", "struct pt_regs; struct user_pt_regs { __u64 regs[31], sp, pc, pstate; };",
              longs(0, 8), [0, *longs(1, 5)], [240, 232, 0, 248, 256]),
    "s390": ("", "struct pt_regs; typedef struct { unsigned long args[1]; struct { unsigned long mask, addr; } psw; "
             "unsigned long gprs[16]; } user_pt_regs;", longs(5, 5), [0, *longs(6, 5)], [136, 112, 40, 144, 16]),
    "riscv": ("", "struct pt_regs; struct user_regs_struct { unsigned long pc, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, "
              "a1, a2, a3, a4, a5, a6, a7; };", longs(10, 8), [0, *longs(11, 5)], [8, 64, 80, 16, 0]),
    # Its longs have 4 bytes, but those of the bpf target have 8.
    "arm": ("", "struct pt_regs { unsigned long uregs[18]; };", longs(0, 4), longs(0, 7), longs(14, 1) + [88, 0, 104, 96]),
    "powerpc": ("", "struct pt_regs { unsigned long gpr[32], nip, msr, orig_gpr3, ctr, link; };",
                longs(3, 8), [8 * 34, *longs(4, 6)], [8 * 36, None, 24, 8, 8 * 32]),
    "mips": ("", "struct pt_regs { __u64 regs[32], lo, hi, cp0_epc; };",
             longs(4, 8), longs(4, 6), [248, 240, 16, 232, 8 * 34]),
    "loongarch": ("", "struct pt_regs; struct user_pt_regs { unsigned long regs[32], orig_a0, csr_era; };",
                  longs(4, 8), longs(4, 6), [8, 176, 32, 24, 8 * 33]),
    "sparc": ("", "struct pt_regs { unsigned long u_regs[16], tstate, tpc; };",
              longs(8, 6), longs(8, 6), [120, None, 64, 112, 8 * 17]),
    "arc": ("", "struct pt_regs; struct user_regs_struct { unsigned long pad; struct { unsigned long bta, lp_start, lp_end, "
            "lp_count, status32, ret, blink, fp, gp, r12, r11, r10, r9, r8, r7, r6, r5, r4, r3, r2, r1, r0, sp; } scratch; };",
            [8 * (22 - i) for i in range(8)], [8 * (22 - i) for i in range(6)], [56, 64, 176, 184, 48]),
}
PROGRAMS = """
SEC("kprobe/f") int BPF_KPROBE(none) { return 1; }
SEC("kprobe/f") int BPF_KPROBE(four, int a, char *b, __u64 c, struct x *d) { return a + *b + c + !d; }
SEC("uprobe/f") int BPF_UPROBE(one_of_user, int a) { return a; }
SEC("kretprobe/f") int BPF_KRETPROBE(nothing) { return ctx != 0; }
SEC("kretprobe/f") int BPF_KRETPROBE(one, int result) { return result; }
SEC("uretprobe/f") int BPF_URETPROBE(also_one, int result) { return result; }
SEC("ksyscall/f") int BPF_KSYSCALL(four_of_a_call, int a, void *b, long c, __u64 d) { return a + !b + c + d; }
SEC("ksyscall/f") int BPF_KPROBE_SYSCALL(none_of_a_call) { return 3; }
SEC("fentry/f") int BPF_PROG(no_arguments) { return 2; }
SEC("fexit/f") __u64 BPF_PROG(twelve, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e, __u64 f, __u64 g, __u64 h, __u64 i,
			      __u64 j, __u64 k, __u64 l) { return a + b + c + d + e + f + g + h + i + j + k + l; }
struct pair { __u64 one, two; };
struct small { short value; };
SEC("fentry/f") int BPF_PROG2(no_structs) { return 2; }
SEC("fentry/f") __u64 BPF_PROG2(structs, int, a, struct pair, both, struct small, little, char *, p, struct pair, last)
{ return a + both.one + both.two + little.value + !p + last.two; }
"""


def body(assembly: str, function: str) -> str:
    found = re.search(rf"^{function}:(.*?)^\s*exit$", assembly, re.DOTALL | re.MULTILINE)
    expect(found is not None, f"clang wrote no {function}:\n{assembly}")
    return found[1]


def offsets(assembly: str, function: str) -> list[int]:
    """Where a function reads behind the context, whose register is r1."""
    text = body(assembly, function)
    asked = re.search(r"\br\d+ = (\d+)\n[^=]*r\d+ \+= r\d+", text)  # CO-RE puts the place into a register
    if asked:
        return [int(asked[1])]
    return [int(found) for found in re.findall(r"= \*\(u\d+ \*\)\(r1 \+ (\d+)\)", text)]


def asked_of_the_helper(assembly: str, function: str) -> list[int]:
    """The numbers in what leads to the call of bpf_probe_read_kernel, besides the size in r2 and the place on the stack."""
    text = body(assembly, function).split("call 113")[0]
    return [int(found) for found in re.findall(r"\br(?!2\b)\d+ (?:=|\+=) (\d+)$", text, re.MULTILINE)]


with scratch() as folder:
    for name, (before, registers, call, syscall, others) in MACHINES.items():
        words = {**dict(zip(CALL, call)), **dict(zip(SYSCALL, syscall)), **dict(zip(OTHERS, others))}
        words = {word: place for word, place in words.items() if place is not None}
        source = before + TYPES + registers + ("\n#include <bpf/bpf_core_read.h>\n#include <bpf/bpf_tracing.h>\nstruct x;\n")
        for word in words:
            core = word.replace("_SYSCALL", "_CORE_SYSCALL") if word in SYSCALL else f"{word}_CORE"
            source += f"unsigned long reads_{word}(struct pt_regs *ctx) {{ return PT_REGS_{word}(ctx); }}\n"
            source += f"unsigned long asks_{word}(struct pt_regs *ctx) {{ return PT_REGS_{core}(ctx); }}\n"
        source += ("unsigned long returns(struct pt_regs *ctx) { unsigned long ip = 0; BPF_KPROBE_READ_RET_IP(ip, ctx); return ip; }\n"
                   "unsigned long hands_over(struct pt_regs *ctx) { return (unsigned long)PT_REGS_SYSCALL_REGS(ctx); }\n")
        source += PROGRAMS
        flags = [*BPF, f"-D__TARGET_ARCH_{name.split()[0]}"]
        must([*flags, "-S", "-o", f"{folder}/out.s"], input=source)
        assembly = re.sub(r"^\s*(\.loc|\.?Ltmp|\.cfi|#).*\n|^\.Ltmp.*\n|[ \t]*#.*$", "", open(f"{folder}/out.s").read(), flags=re.M)
        for word, place in words.items():
            expect(offsets(assembly, f"reads_{word}") == [place],
                   f"on {name}, PT_REGS_{word} reads at {offsets(assembly, f'reads_{word}')} instead of {place}")
            numbers = asked_of_the_helper(assembly, f"asks_{word}")
            expect(place in numbers or (place == 0 and not [n for n in numbers if n > 0]),
                   f"on {name}, what asks the kernel for {word} reads at one of {numbers} instead of {place}:\n"
                   + body(assembly, f"asks_{word}"))
        expect(sorted(offsets(assembly, "one")) == [words["RC"]], f"on {name}, {assembly}")
        expect(sorted(offsets(assembly, "twelve")) == [8 * i for i in range(12)], f"on {name}, {assembly}")
        expect(sorted(offsets(assembly, "structs")) == [0, 8, 16, 24, 32, 48], f"on {name}, {assembly}")
        expect(len(offsets(assembly, "four")) >= 2, f"on {name}, {assembly}")
        expect(("call 113" in body(assembly, "returns")) == (name not in ("arm64", "powerpc", "sparc")),
               f"on {name}, the return address is looked for in the wrong place")
        expect(bool(offsets(assembly, "hands_over")) == (name not in ("powerpc", "loongarch", "arc")),
               f"on {name}, the registers of a system call are not where they are")
        # Registers that the machine does not have say so.
        for word in [*CALL[len(call):], *SYSCALL[len(syscall):]]:
            refused = run([*flags, "-fsyntax-only"], input=source + f"unsigned long f(struct pt_regs *ctx) {{ return PT_REGS_{word}(ctx); }}\n")
            expect(refused.returncode != 0 and re.search("is_on_the_stack|is_not_passed", refused.stderr) is not None,
                   f"on {name}, PT_REGS_{word} says why it is not there:\n{refused.stderr}")

    silent = TYPES + "struct pt_regs;\n#include <bpf/bpf_tracing.h>\nSEC(\"fentry/f\") int BPF_PROG(fine, int a) { return a; }\n"
    must([*BPF, "-fsyntax-only"], input=silent)
    for word in [*CALL, *SYSCALL, *OTHERS, "PARM1_CORE", "IP_CORE", "PARM2_CORE_SYSCALL"]:
        loud = run([*BPF, "-fsyntax-only"], input=silent + f"unsigned long f(struct pt_regs *ctx) {{ return PT_REGS_{word}(ctx); }}\n")
        expect(loud.returncode != 0 and "say which machine the program is for" in loud.stderr,
               f"who names no machine is told:\n{loud.stderr}")

    # A bit field's bytes are the last of a word on a big-endian machine, and no number is taken from an address on the stack,
    # which the verifier refuses.
    bits = ("struct flags { int first; unsigned one : 1; } __attribute__((preserve_access_index));\n#include <bpf/bpf_helpers.h>\n"
            "#include <bpf/bpf_core_read.h>\n"
            "SEC(\"socket\") int bit(struct flags *from) { return BPF_CORE_READ_BITFIELD_PROBED(from, one); }\n")
    for order in ("bpfel", "bpfeb"):
        must([*BPF, "-target", order, "-S", "-o", f"{folder}/bits.s"], input=TYPES + bits)
        assembly = open(f"{folder}/bits.s").read()
        code = body(re.sub(r"^\s*\..*\n|[ \t]*#.*$", "", assembly, flags=re.M), "bit")
        expect("call 113" in code and not re.search(r"\b(r\d+) = r10\n(.*\n)*?.*\b\1 -= ", code),
               f"on {order}, a bit field is read with a subtraction:\n{code}")
