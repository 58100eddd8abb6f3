# SPDX-License-Identifier: MIT
"""routing_table.py ROUTING_TABLE: each packet counts for the longest network that it goes to, and for no other."""
import os
import re
import socket
import sys

from common import expect, run, skip
from network import Network, Running, refuses_without_privilege

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

network = Network()
SENT = {"127.9.9.9": 2, "127.1.0.1": 3, "127.1.2.3": 4, "::1": 5}
ROUTES = {"127.1.2.0/24": 4, "127.1.0.0/16": 3, "127.0.0.0/8": 2, "::1/128": 5, "10.0.0.0/8": 0}

with network.inside():
    table = Running([program, "lo", *ROUTES])
    # Somebody hears what is sent, for otherwise the kernel would answer with packets of its own.
    ears = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
for ear, everywhere in zip(ears, ("0.0.0.0", "::1")):
    ear.bind((everywhere, 7000))
table.line_with("^second 1,")
for address, times in SENT.items():
    for _ in range(times):
        ears[":" in address].sendto(b"hello", (address, 7000))
for second in range(2):
    table.line_with(r"^second \d+, 0 packets without a route$")
    told = [re.fullmatch(r"  (\S+) +(\d+) packets +\d+ bytes", table.line()) for _ in ROUTES]
    if second == 1:
        found = {one.group(1): int(one.group(2)) for one in told}
        expect(found == ROUTES, f"it says: {table.lines}")
table.end()
with network.inside():
    refuses_without_privilege([program, "lo", "::1"])
    refused = run([program, "nowhere", "::1"])
expect(refused.returncode == 1 and "no interface of that name" in refused.stderr, f"it says: {refused.stderr}")
print(found)
