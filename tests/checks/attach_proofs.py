# SPDX-License-Identifier: MIT
"""attach_proofs.py: each section of programs has a test case in which a program of it is attached, runs and is taken out,
on the running kernel or in a guest. tools/kernels makes of it the table of what works on which kernel."""
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Sections, perhaps with stars for many, and the test case that proves them.
PROOFS = [
    ("tracepoint tp", "attach, a tracepoint's event with a cookie"),
    ("raw_tracepoint raw_tp", "attach, a raw tracepoint, with the cookie that it was given"),
    ("raw_tracepoint.w raw_tp.w", "raw_tp.w, a program that may write what it is given"),
    ("tp_btf", "attach, a tracepoint of the kernel's BTF, with and without a cookie"),
    ("fentry", "fentry, the entry of a function and its arguments"),
    ("fexit", "fexit, the end of a function, its arguments and what it returns"),
    ("fmod_ret", "fmod_ret, a function gives what the program says"),
    ("fentry.s fexit.s", "fentry.s and fexit.s, programs that may sleep at both ends of a function"),
    ("fsession", "fsession, a program runs at both ends of a function"),
    ("fentry.multi", "fentry.multi, all functions that a pattern names, with a cookie"),
    ("fexit.multi", "fexit.multi, the ends of all functions that a pattern names"),
    ("fsession.multi", "fsession.multi, a program runs at both ends of functions"),
    ("fentry.multi.s", "fentry.multi.s, programs that may sleep at functions that let them"),
    ("lsm", "lsm, a hook is called, and what it says counts"),
    ("lsm.s", "lsm.s, a security hook whose program may sleep"),
    ("lsm_cgroup", "lsm_cgroup, a security hook for the processes of a cgroup"),
    ("freplace", "freplace, a function of another program is replaced, and comes back"),
    ("iter", "attach, an iterator over the threads of one process gives text"),
    ("iter.s", "iter.s, a program that lists and may sleep"),
    ("kprobe", "kprobe, the entry of a function and its arguments"),
    ("kretprobe", "kretprobe, the end of a function and what it returns"),
    ("kprobe.multi", "kprobe.multi, all functions that a pattern names, with a cookie"),
    ("kretprobe.multi", "kretprobe.multi, the ends of all functions that a pattern names"),
    ("kprobe.session", "kprobe.session, a program runs at both ends of a function"),
    ("ksyscall", "ksyscall, a system call by its name, and its arguments"),
    ("kretsyscall", "kretsyscall, what a system call returns"),
    ("uprobe", "uprobe, in one process alone"),
    ("uretprobe", "uretprobe, the end of a function and what it returns"),
    ("uprobe.s", "uprobe.s, a program that may sleep"),
    ("uprobe.multi", "uprobe.multi, all functions that a pattern names, with a cookie"),
    ("uretprobe.multi", "uretprobe.multi, the ends of all functions that a pattern names"),
    ("uprobe.session", "uprobe.session, a program runs at both ends of a function"),
    ("usdt", "usdt, a trace point and its arguments, wherever they are"),
    ("perf_event", "attach, a perf event of the caller's"),
    ("xdp", "attach, XDP on an interface, and another program in its place"),
    ("xdp/devmap xdp_devmap", "devmap: a program in the slot sees each frame before it leaves"),
    ("xdp/cpumap xdp_cpumap xdp.frags/cpumap", "cpumap: frames go to the CPU of their key, where a program sees them first"),
    ("tcx/* tc/*", "attach, tcx in an order"),
    ("tc classifier", "tc, filters of an interface in the order of their priorities"),
    ("netkit/*", "netkit, packets of both ends of a pair"),
    ("netfilter", "netfilter, packets that come in, and a priority that is taken"),
    ("lwt_xmit lwt_out", "lwt_xmit and lwt_out, packets to a network as they leave"),
    ("lwt_in", "lwt_in, packets to an address of this machine as they come in"),
    ("lwt_seg6local", "lwt_seg6local, a route to a segment"),
    ("sk_lookup flow_dissector", "attach, socket lookup of a network namespace, given or one's own"),
    ("cgroup/connect_unix cgroup/*_unix", "cgroup, each section of addresses of Unix sockets"),
    ("cgroup_skb/* cgroup/* sockops", "cgroup, each section of packets, sockets, addresses, options and devices"),
    ("socket", "attach, a filter of one socket"),
    ("sk_reuseport*", "attach, the choice among sockets that share a port"),
    ("sk_skb/stream_parser sk_skb/stream_verdict sk_msg",
     "attach, parser, verdict and message of a map of sockets"),
    ("struct_ops", "struct_ops: a congestion control of a program carries connections until its attachment goes"),
    ("struct_ops of sched_ext", "sched_ext, a scheduler that leaves all to the kernel"),
    ("syscall", "attach, a program that is only run takes a context and gives a value"),
]
# Those that have none, and why.
UNPROVEN = {
    "lirc_mode2": "no kernel that the tests reach was built with receivers of infrared light",
    "action": "a filter of tc names it, which is not ours to make",
    "sk_skb": "it does not say where to, so it is loaded under a longer name",
    "sk_skb/verdict": "as sk_skb/stream_verdict, of which it is the younger form",
    "*.multi.s": "as the same without the letter, whose rows differ by a flag of the program",
    "*.session.s": "the same",
    "uretprobe.s": "the same",
    "usdt.s": "the same",
    "fmod_ret.s": "the same",
    "fsession.s": "the same",
    "tp_btf.s": "newer than the kernels that the tests reach",
    "tracepoint.s": "the same",
    "tp.s": "the same",
    "raw_tracepoint.s": "the same",
    "raw_tp.s": "the same",
    "struct_ops.s": "as struct_ops, whose rows differ by a flag of the program",
    "xdp.frags": "as xdp, whose rows differ by a flag of the program",
    "xdp.frags/devmap": "the same",
}


def test_cases() -> set[str]:
    texts = [page.read_text() for folder in ("kernel", "guest") for page in sorted((ROOT / "tests" / folder).glob("*.cpp"))]
    found = re.findall(r"TEST_CASE\(\s*((?:\"[^\"]*\"\s*)+)", "\n".join(texts))
    return {"".join(re.findall(r"\"([^\"]*)\"", one)) for one in found}


def main() -> int:
    sections = re.findall(r"^\s*\{\"([\w./]+)\", type::", (ROOT / "include/barebpf/sections.hpp").read_text(), re.M)
    known = test_cases()
    wrong = [f"there is no test case '{name}', which is to prove {words}" for words, name in PROOFS if name not in known]
    patterns = [word for words, _ in PROOFS for word in words.split()]
    for section in sections:
        is_proven = any(fnmatch(section, pattern) for pattern in patterns)
        if not is_proven and not any(fnmatch(section, pattern) for pattern in UNPROVEN):
            wrong.append(f"no test case attaches a program of section {section}, and nothing says why")
    wrong += [f"nothing has the name {pattern}, which is said to have no proof" for pattern in UNPROVEN
              if not any(fnmatch(section, pattern) for section in sections)]
    print("\n".join(wrong) if wrong else f"{len(sections)} sections, {len(PROOFS)} proofs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
