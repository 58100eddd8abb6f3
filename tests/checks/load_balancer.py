# SPDX-License-Identifier: MIT
"""load_balancer.py LOAD_BALANCER: connections and datagrams from another network namespace reach all backends, each flow
the same one to its end, and answers come from the virtual address; what is for others goes its way; a backend less moves
only its own flows."""
import os
import re
import select
import socket
import sys

from common import expect, run, skip
from network import Network, Running, refuses_without_privilege, two_networks

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")
if tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2]) < (6, 6):
    skip("tcx came with Linux 6.6")

VIRTUAL, HOST, PORT = "10.66.0.100", "10.66.0.2", 7000
BACKENDS = ["10.67.0.1", "10.67.0.2", "10.67.0.3"]
clients, servers = two_networks("10.66.0.1/24", f"{HOST}/24")
# The backends are addresses of the other host, for which nothing needs to be forwarded. The virtual address is nobody's.
clients.ip(f"route add {VIRTUAL}/32 via {HOST}")
clients.ip(f"route add 10.67.0.0/24 via {HOST}")
for address in BACKENDS:
    servers.ip(f"address add {address}/32 dev lo")

with servers.inside():
    tcp = {address: socket.create_server((address, PORT), backlog=64) for address in [*BACKENDS, HOST]}
    udp = {address: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for address in BACKENDS}
    for address, one in udp.items():
        one.bind((address, PORT))


def client_socket(kind: int, port: int) -> socket.socket:
    with clients.inside():
        one = socket.socket(socket.AF_INET, kind)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("10.66.0.1", port))
    one.settimeout(5)
    return one


def who_hears(ears: dict[str, socket.socket], seconds: float = 5) -> str | None:
    """The address of the one of them that has something to read or to accept."""
    ready = select.select(list(ears.values()), [], [], seconds)[0]
    return next((address for address, one in ears.items() if one in ready), None)


def ask_by_udp(port: int, times: int = 3) -> str:
    """Which backend hears the datagrams from a port; all of them the same one, and its answers come back."""
    heard = set()
    with client_socket(socket.SOCK_DGRAM, port) as client:
        client.connect((VIRTUAL, PORT))  # so that it hears answers from there alone
        for number in range(times):
            client.send(b"%d" % number)
            address = who_hears(udp)
            heard.add(address)
            what, who = udp[address].recvfrom(100)
            expect((what, who) == (b"%d" % number, ("10.66.0.1", port)), f"{address} hears {what} from {who}")
            udp[address].sendto(address.encode(), who)
            expect(client.recv(100) == address.encode(), "an answer is another one")
    expect(len(heard) == 1, f"a flow of UDP is torn between {heard}")
    return heard.pop()


def read(end: socket.socket, size: int) -> bytes:
    out = b""
    while len(out) < size and (piece := end.recv(1 << 16)):
        out += piece
    return out


def ask_by_tcp(port: int, to: str = VIRTUAL) -> str:
    """Which backend a connection comes to, with more bytes on it than fit into one packet."""
    with client_socket(socket.SOCK_STREAM, port) as client:
        client.connect((to, PORT))
        address = who_hears(tcp)
        served, who = tcp[address].accept()
        with served:
            expect(who == ("10.66.0.1", port), f"{address} sees a connection from {who}")
            served.settimeout(5)
            client.sendall(b"?" * 100_000)
            expect(read(served, 100_000) == b"?" * 100_000, "a request arrives as another one")
            served.sendall(address.encode() * 1000)
            expect(read(client, len(address) * 1000) == address.encode() * 1000, "an answer is another one")
    return address


def figures(balancer: Running, backends: list[str]) -> dict[str, tuple[int, int]]:
    """What it says next of each backend: flows and packets."""
    balancer.line_with(r"^second \d+$")
    balancer.line_with(r"^second \d+$")  # one that began after now
    told = [re.fullmatch(r"  (\S+) +(\d+) flows +(\d+) packets", balancer.line()) for _ in backends]
    expect([one.group(1) for one in told] == backends, f"it says: {balancer.lines}")
    return {one.group(1): (int(one.group(2)), int(one.group(3))) for one in told}


with servers.inside():
    balancer = Running([program, "there", VIRTUAL, *BACKENDS])
balancer.line_with(f"^there: what is for {VIRTUAL} goes to 3 backends$")
ports = range(20000, 20060)
chosen = {port: ask_by_udp(port) for port in ports}
# Without offload each sum is made by who sends, and judged by who hears.
for network, name in (clients, "here"), (servers, "there"):
    network.sum_by_hand(name)
expect(all(ask_by_udp(port) == chosen[port] for port in ports), "a flow goes elsewhere after a while")
connected = [ask_by_tcp(port) for port in ports]
expect(connected == list(chosen.values()), "a port's connection goes elsewhere than its datagrams")
told = figures(balancer, BACKENDS)
for address in BACKENDS:
    flows = 2 * list(chosen.values()).count(address)
    expect(told[address][0] == flows, f"{address} had {flows} flows, and it says {told}")
    expect(told[address][1] >= 2 * flows, f"more packets than that reached {address}: {told}")
    expect(10 <= flows / 2 <= 30, f"that is no fair share of 60: {told}")
# Who speaks to somebody else, or to a backend by its own address, is left alone, also from a port that has a flow.
for port, address in (30000, HOST), (ports[0], HOST), *((30000, address) for address in BACKENDS):
    expect(ask_by_tcp(port, address) == address, f"a connection to {address} goes elsewhere")
expect({a: t[0] for a, t in figures(balancer, BACKENDS).items()} == {a: t[0] for a, t in told.items()},
       "connections to others count as flows")
balancer.end()
with client_socket(socket.SOCK_DGRAM, 31000) as client:
    client.sendto(b"?", (VIRTUAL, PORT))
    expect(who_hears(udp, 0.2) is None, "it balances on after its end")

# Without the second backend.
with servers.inside():
    balancer = Running([program, "there", VIRTUAL, BACKENDS[0], BACKENDS[2], "--seconds", "100"])
balancer.line()
moved = {port: ask_by_udp(port, 1) for port in ports}
expect(all(moved[port] == chosen[port] for port in ports if chosen[port] != BACKENDS[1]),
       "flows of backends that stay move when another goes")
expect({moved[port] for port in ports if chosen[port] == BACKENDS[1]} == {BACKENDS[0], BACKENDS[2]},
       "all flows of the backend that went move to one")
balancer.end()

with servers.inside():
    refuses_without_privilege([program, "there", VIRTUAL, *BACKENDS])
    for words, why in ((["nowhere", VIRTUAL, "10.67.0.1"], "no interface of that name"),
                       (["there", "10.66.0.0/24", "10.67.0.1"], "10.66.0.0/24 is no address of a host"),
                       (["there", VIRTUAL, "here"], "this is no address of its kind")):
        refused = run([program, *words])
        expect(refused.returncode == 1 and why in refused.stderr, f"{words}: it says {refused.stderr}")
print(told)
