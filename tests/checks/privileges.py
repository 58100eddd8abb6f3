# SPDX-License-Identifier: MIT
"""privileges.py PRIVILEGES: without some capabilities what needs them is refused with the name of one that is missing, and
all else works; in a user namespace nothing works without a token, and with one what its mount delegates."""
import ctypes
import os
import re
import socket
import sys
import tempfile
from pathlib import Path

from common import expect, fail, run, scratch, skip

program = Path(sys.argv[1])
if os.geteuid() != 0:
    skip("giving capabilities away needs root")

# What each thing needs. It works with all of that, and is else refused with one of those that are missing.
BPF, TRACING, NETWORK = {"CAP_BPF"}, {"CAP_BPF", "CAP_PERFMON"}, {"CAP_BPF", "CAP_NET_ADMIN"}
NEEDS = {
    "hash": BPF, "update": BPF, "pin": BPF, "get pin": BPF, "unpin": BPF, "info": BPF, "types": BPF,
    "map by id": {"CAP_BPF", "CAP_SYS_ADMIN"}, "device map": NETWORK, "socket map": NETWORK, "map of packet sockets": NETWORK, "processor map": BPF, "list": {"CAP_SYS_ADMIN"},
    "count runs": {"CAP_SYS_ADMIN"}, "load socket filter": BPF, "load packet program": NETWORK,
    "attach packet program": NETWORK, "load raw tracepoint": TRACING, "attach raw tracepoint": TRACING,
    "load typed tracepoint": TRACING, "load with types of the kernel": TRACING, "load tracepoint": TRACING,
    "attach tracepoint": TRACING | {"CAP_SYS_ADMIN"}, "load tracepoint with perf events": TRACING,
    "perf events": TRACING, "trace pipe": {"CAP_SYS_ADMIN"},
}
# A tracefs that is mounted would let others than root read it, where its mode says so.
OWN_MOUNTS = ("for one in /sys/kernel/tracing /sys/kernel/debug/tracing; do umount -l $one 2>/dev/null; done; "
              'mount -t bpf bpf "$1" -o mode=777 && shift && exec "$@"')


def told(output: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in output.splitlines())


def with_everything(folder: str) -> dict[str, str]:
    done = run(["unshare", "-m", "-n", "sh", "-c", OWN_MOUNTS, "sh", folder, program, folder])
    expect(done.returncode == 0, f"as root it exits with {done.returncode}:\n{done.stdout}{done.stderr}")
    said = told(done.stdout)
    for thing in NEEDS:
        expect(said.get(thing) == "works", f"as root, {thing}: {said.get(thing)}")
    return said


def with_capabilities(own: set[str], folder: str, copy: Path, as_root: dict[str, str]) -> None:
    words = ",".join(["-all", *sorted("+" + one.removeprefix("CAP_").lower() for one in own)])
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", f"--inh-caps={words}",
              f"--ambient-caps={words}", f"--bounding-set={words}"]
    done = run(["unshare", "-m", "-n", "sh", "-c", OWN_MOUNTS, "sh", folder, *become, copy, folder])
    expect(done.returncode == 0, f"with {words} it exits with {done.returncode}:\n{done.stdout}{done.stderr}")
    said = told(done.stdout)
    for thing, needed in NEEDS.items():
        missing = needed - own
        if not missing:
            expect(said.get(thing) == "works", f"with {words}, {thing}: {said.get(thing)}")
        elif thing in said:  # what comes before it may be refused already
            expect(any(one in said[thing] for one in missing),
                   f"with {words}, {thing}: {said[thing]}\n  of {sorted(missing)} it must name one")
    # Of all types of programs some need more than others, and a refusal tells what. What root is refused too, no
    # capability helps with.
    for thing in (thing for thing in said if thing.startswith("program type ") and as_root[thing] == "works"):
        expect(said[thing] == "works" or any(one in said[thing] for one in (TRACING | NETWORK) - own),
               f"with {words}, {thing}: {said[thing]}\n  it must name a capability that is missing")
    expect(sum(thing.startswith("program type ") for thing in said) >= 32, f"it tried only: {said}")
    expect({"hash", "device map", "list", "load packet program", "load raw tracepoint"} <= said.keys(),
           f"it tried only: {said}")


libc = ctypes.CDLL(None, use_errno=True)
FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432  # the same on all machines
SET_STRING, CREATE = 1, 6
NEW_USER_MOUNT_NET = 0x10000000 | 0x00020000 | 0x40000000


def call(number: int, *arguments) -> int:
    answer = libc.syscall(number, *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}: {os.strerror(ctypes.get_errno())}")
    return answer


def in_user_namespace(delegated: dict[str, str], *words: str) -> dict[str, str]:
    """What the program says in a user namespace, with a BPF file system that delegates this, which only root can say."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            try:
                if libc.unshare(NEW_USER_MOUNT_NET) != 0:
                    os._exit(3)
                theirs.send(b"?")
                theirs.recv(1)
                context = call(FSOPEN, b"bpf", 0)
                socket.send_fds(theirs, [b"!"], [context])
                theirs.recv(1)
                mounted = call(FSMOUNT, context, 0, 0)
                os.set_inheritable(mounted, True)
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.execv(program, [str(program), f"/proc/self/fd/{mounted}", *words])
            finally:
                os._exit(4)
        theirs.close()
        if ours.recv(1) == b"":
            os.waitpid(child, 0)
            skip("this kernel makes no user namespaces, so no token was made")
        Path(f"/proc/{child}/uid_map").write_text("0 0 1")
        Path(f"/proc/{child}/gid_map").write_text("0 0 1")
        ours.send(b"!")
        _, (context,), _, _ = socket.recv_fds(ours, 1, 1)
        for option, value in delegated.items():
            call(FSCONFIG, context, SET_STRING, option.encode(), value.encode(), 0)
        call(FSCONFIG, context, CREATE, None, None, 0)
        os.close(context)
        ours.send(b"!")
        _, status = os.waitpid(child, 0)
        ours.close()
        output.seek(0)
        text = output.read()
    expect(status == 0, f"in a user namespace it ends with status {status}:\n{text}")
    return told(text)


def kernel_has_tokens() -> bool:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found[1]), int(found[2])) >= (6, 9)


def demand(said: dict[str, str], where: str, works: list[str], refused: dict[str, str]) -> None:
    for thing in works:
        expect(said.get(thing) == "works", f"{where}, {thing}: {said.get(thing)}")
    for thing, words in refused.items():
        expect(words in said.get(thing, ""), f"{where}, {thing}: {said.get(thing)}\n  it must say: {words}")


with scratch() as folder:
    os.chmod(folder, 0o755)
    copy = Path(folder) / "privileges"
    copy.write_bytes(program.read_bytes())  # where everybody may run it
    copy.chmod(0o755)
    mount = Path(folder) / "bpf"
    mount.mkdir()
    disabled = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
    all_may = not disabled.exists() or disabled.read_text().strip() == "0"
    as_root = with_everything(str(mount))
    for own in ([] if all_may else [set()]) + [BPF, NETWORK, TRACING, TRACING | NETWORK]:
        with_capabilities(own, str(mount), copy, as_root)

    if not kernel_has_tokens():
        skip("tokens came with Linux 6.9, so what a user namespace may do was not looked at")
    maps = ["hash", "update", "pin", "get pin", "unpin", "types", "device map", "socket map"]
    loads = ["load socket filter", "load packet program", "load raw tracepoint", "load typed tracepoint",
             "load with types of the kernel", "load tracepoint"]
    hint = "token"
    demand(in_user_namespace({}), "in a user namespace", [], {thing: hint for thing in ("hash", "types", "device map")})
    everything = {f"delegate_{what}": "any" for what in ("cmds", "maps", "progs", "attachs")}
    demand(in_user_namespace({}, "token"), "with nothing delegated", [], {"token": "delegate_cmds"})
    demand(in_user_namespace(everything, "token"), "with all delegated", ["token", *maps, *loads], {})
    demand(in_user_namespace({**everything, "delegate_progs": "0x2"}, "token"), "with only socket filters delegated",
           ["token", *maps, "load socket filter"], {thing: hint for thing in loads[1:]})
    demand(in_user_namespace({**everything, "delegate_maps": "0x4"}, "token"), "with only arrays delegated", ["token"],
           {"hash": hint, "device map": hint})
if all_may:
    skip("everybody may make maps here (kernel.unprivileged_bpf_disabled is 0), so nobody was refused them")
