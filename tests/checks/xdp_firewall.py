# SPDX-License-Identifier: MIT
"""xdp_firewall.py XDP_FIREWALL: packets from networks of the list do not come through and are counted for the longest of
them, all others do; its end opens the way again."""
import os
import re
import select
import socket
import sys

from common import expect, run, skip
from network import Running, refuses_without_privilege, two_networks

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

# Who sends has several addresses, and who hears one of each kind.
SENDERS = ["10.66.0.1", "10.66.0.9", "10.66.1.1", "10.66.2.1", "fd66::1", "fd66::1:1", "fd66:1::1"]
senders, wall = two_networks(" ".join(f"{one}/16" for one in SENDERS),
                             "10.66.255.1/16 fd66::ffff/16")
PORT = 7000


def udp_socket(address: str, port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, port))
    return one


with wall.inside():
    ears = {family: udp_socket(address, PORT) for family, address in
            ((socket.AF_INET, "10.66.255.1"), (socket.AF_INET6, "fd66::ffff"))}
with senders.inside():
    mouths = {address: udp_socket(address, 0) for address in SENDERS}


def arrives(sender: str, times: int = 1) -> bool:
    """Whether all datagrams of a sender come through; fails when it is some of them."""
    ear = ears[mouths[sender].family]
    for _ in range(times):
        mouths[sender].sendto(b"hello", ear.getsockname())
    heard = 0
    while heard < times and select.select([ear], [], [], 0.3)[0]:
        what, who = ear.recvfrom(100)
        expect(what == b"hello" and who[0] == sender, f"{what} comes from {who}")
        heard += 1
    expect(heard in (0, times), f"{heard} of {times} packets from {sender} come through")
    return heard == times


def rules(lines: list[str]) -> dict[str, int]:
    """The packets of each rule, as it said last."""
    last = max(number for number, line in enumerate(lines) if line.startswith("second "))
    found = (re.fullmatch(r"  (\S+) +(\d+) packets +\d+ bytes", line) for line in lines[last + 1:])
    return {one.group(1): int(one.group(2)) for one in found if one}


expect(all(arrives(sender) for sender in SENDERS), "not everybody is heard before there is a wall")

with wall.inside():
    firewall = Running([program, "there", "10.66.0.0/24", "10.66.0.9", "10.66.1.0/24", "fd66::1:0/112", "192.0.2.0/24"])
expect(firewall.line() == "there drops what comes from 5 networks", f"it begins with {firewall.lines}")
sent = {"10.66.0.1": 5, "10.66.0.9": 3, "10.66.1.1": 1, "fd66::1:1": 4}
heard = {sender for sender in SENDERS if arrives(sender, sent.get(sender, 2))}
expect(heard == {"10.66.2.1", "fd66::1", "fd66:1::1"}, f"with it {heard} are heard")
firewall.line_with("^second .* 13 packets dropped, ")
lines = firewall.end()
wanted = {"10.66.0.0/24": 5, "10.66.0.9/32": 3, "10.66.1.0/24": 1, "fd66::1:0/112": 4}
expect(rules(lines) == wanted, f"it says: {lines}")
expect(all(arrives(sender) for sender in SENDERS), "it drops on after its end")

# A list on standard input, longer than any argument could be, with remarks; and the time that it runs.
with wall.inside():
    firewall = Running([program, "there", "10.66.2.0/24", "-", "--seconds", "2"], stdin=-1)
firewall.process.stdin.write("# what nobody wants\n\n" + "".join(
    f"10.{67 + number // 256}.{number % 256}.0/24\n" for number in range(5000)) + "  10.66.1.1 # somebody\n")
firewall.process.stdin.close()
expect(firewall.line() == "there drops what comes from 5002 networks", f"it begins with {firewall.lines}")
expect({sender for sender in SENDERS if not arrives(sender)} == {"10.66.1.1", "10.66.2.1"}, "the list does not hold")
rest = firewall.process.stdout.read()
expect(firewall.process.wait(10) == 0, f"it ends with {firewall.process.returncode}")
expect(rules(rest.splitlines()) == {"10.66.1.1/32": 1, "10.66.2.0/24": 1}, f"it says: {rest}")
expect(arrives("10.66.2.1"), "it drops on after its time")

with wall.inside():
    refuses_without_privilege([program, "there", "10.0.0.0/8"])
    for words, why in ((["nowhere", "10.0.0.0/8"], "no interface of that name"),
                       (["there", "10.0.0.1/8"], "bits behind its prefix"),
                       (["there", "10.0.0.0/33"], "10.0.0.0/33")):
        refused = run([program, *words])
        expect(refused.returncode == 1 and why in refused.stderr, f"{words}: it says {refused.stderr}")
print("\n".join(lines))
