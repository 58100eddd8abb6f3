# SPDX-License-Identifier: MIT
"""Networks of a check's own, and whether a program left something in the kernel. A network is gone with its last
descriptor, and with it all interfaces, so that nothing stays behind however a check ends."""
import atexit
import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from common import expect, fail, must, run, skip

CLONE_NEWNET = 0x40000000
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
libc = ctypes.CDLL(None, use_errno=True)


def own_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def must_be_zero(answer: int, what: str) -> None:
    expect(answer == 0, f"{what}: {os.strerror(ctypes.get_errno())}")


class Network:
    """A network namespace in which only loopback is, up. Sockets that are made inside, and programs that are begun
    there, stay there."""

    def __init__(self) -> None:
        if not shutil.which("ip"):
            skip("ip of iproute2 is not installed, so there is no network to test in")
        before = own_namespace()
        must_be_zero(libc.unshare(CLONE_NEWNET), "unshare")
        self.descriptor = own_namespace()
        self.path = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        must(["ip", "link", "set", "lo", "up"])
        must_be_zero(libc.setns(before, CLONE_NEWNET), "setns")
        os.close(before)

    @contextlib.contextmanager
    def inside(self):
        before = own_namespace()
        must_be_zero(libc.setns(self.descriptor, CLONE_NEWNET), "setns")
        try:
            yield
        finally:
            must_be_zero(libc.setns(before, CLONE_NEWNET), "setns")
            os.close(before)

    def ip(self, words: str) -> str:
        with self.inside():
            return must(["ip", *words.split()])

    def sum_by_hand(self, name: str) -> None:
        """From then on what leaves the interface has its checksums, which between interfaces of one machine nobody
        makes or looks at otherwise."""
        off = struct.pack("=II", ETHTOOL_STXCSUM, 0)
        place = ctypes.create_string_buffer(off)
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_one:
            fcntl.ioctl(any_one, SIOCETHTOOL, struct.pack("16sQ16x", name.encode(), ctypes.addressof(place)))


def two_networks(*addresses: str) -> tuple[Network, Network]:
    """Two of them with a pair of virtual Ethernet interfaces between, `here` and `there`, and their addresses."""
    both = Network(), Network()
    both[0].ip(f"link add here type veth peer name there netns {both[1].path}")
    for network, name, own in zip(both, ("here", "there"), addresses):
        for address in own.split():
            network.ip(f"address add {address} dev {name}" + (" nodad" if ":" in address else ""))
        network.ip(f"link set {name} up")
    # The kernel needs up to a second to see that both are there, and IPv6 waits for that.
    deadline = time.monotonic() + 5
    while not all("NO-CARRIER" not in network.ip("link show up") for network in both):
        expect(time.monotonic() < deadline, "the interfaces do not find each other")
        time.sleep(0.02)
    return both


# Of bpf(2): what opens something by its number, and so tells whether it is there.
BPF = {"x86_64": 321, "aarch64": 280, "s390x": 351, "riscv64": 280}[os.uname().machine]
BY_NUMBER = {"prog_id": 13, "map_id": 14, "link_id": 30}
ENOENT = 2


def what_it_holds(process: int) -> set[tuple[str, int]]:
    """The programs, maps and links that a process has open."""
    told = "".join(one.read_text() for one in Path(f"/proc/{process}/fdinfo").iterdir())
    return {(kind, int(number)) for kind, number in re.findall(r"^(prog_id|map_id|link_id):\s+(\d+)$", told, re.M)}


def is_there(kind: str, number: int) -> bool:
    request = (ctypes.c_uint32 * 4)(number)
    opened = libc.syscall(BPF, BY_NUMBER[kind], request, 16)
    if opened >= 0:
        os.close(opened)
    return opened >= 0 or ctypes.get_errno() != ENOENT


def nothing_stays(held: set[tuple[str, int]]) -> None:
    """Waits until the kernel has let go of what a process held, which it does a moment after its end."""
    expect({kind for kind, _ in held} >= {"map_id", "prog_id", "link_id"}, f"it held too little: {held}")
    deadline = time.monotonic() + 5
    while held and time.monotonic() < deadline:
        held = {one for one in held if is_there(*one)}
        time.sleep(0.01)
    expect(not held, f"these stay behind: {held}")


class Running:
    """A program that runs and is ended by Ctrl-C, and what it says, line by line."""

    def __init__(self, command: list, **options) -> None:
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **options)
        atexit.register(self.process.kill)  # where the check fails
        self.lines: list[str] = []

    def line(self) -> str:
        said = self.process.stdout.readline()
        if said == "":
            fail(f"{self.process.args[0]} ended early: {self.process.stderr.read()}")
        self.lines.append(said.rstrip("\n"))
        return self.lines[-1]

    def line_with(self, pattern: str) -> re.Match:
        """The next line that the pattern is found in; the check's time limit ends what never comes."""
        while True:
            found = re.search(pattern, self.line())
            if found:
                return found

    def end(self) -> list[str]:
        """Everything that it said, after it ended well and left nothing behind."""
        held = what_it_holds(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        rest, errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait()
        expect(self.process.returncode == 0 and errors == "", f"it ends with {self.process.returncode}: {errors}")
        nothing_stays(held)
        self.lines += rest.splitlines()
        return self.lines


def refuses_without_privilege(command: list) -> None:
    refused = run(["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", *command])
    expect(refused.returncode == 1, f"without privilege {command[0]} exits with {refused.returncode}")
    expect("CAP_BPF" in refused.stderr, f"without privilege {command[0]} says: {refused.stderr}")
