# SPDX-License-Identifier: MIT
"""tcp_proxy.py TCP_PROXY: what goes in at one side comes out at the other, byte by byte and with its end, whether it
came before the proxy looked or after; none of it comes to the proxy, but what it says to be by hand; its figures are
right."""
import concurrent.futures
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import sys
from pathlib import Path

from common import expect, run, scratch, skip
from network import Network, Running, refuses_without_privilege

(program,) = sys.argv[1:]
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

network = Network()
ADDRESS, FRONT, BACK = "127.0.0.1", 8080, 7000
GREETING = b"220 ready\n"
rng = random.Random(1)


def connect_inside() -> socket.socket:
    with network.inside():
        return socket.create_connection((ADDRESS, FRONT), timeout=10)


def read_all(end: socket.socket) -> bytes:
    out = bytearray()
    while piece := end.recv(1 << 16):
        out += piece
    return bytes(out)


with network.inside():
    service = socket.create_server((ADDRESS, BACK), backlog=64)
service.settimeout(10)


def serve(reply: bytes | None) -> bytes:
    """For one connection: greets, hears everything to its end, says its reply, or what it heard, and goes."""
    end, _ = service.accept()
    with end:
        end.settimeout(10)
        end.sendall(GREETING)
        heard = read_all(end)
        end.sendall(heard if reply is None else reply)
    return heard


def start(*before: str, **options) -> Running:
    with network.inside():
        out = Running([*before, program, FRONT, ADDRESS, BACK], **options)
    expect(out.line() == f"from port {FRONT} to {ADDRESS} port {BACK}", f"it begins with {out.lines}")
    return out


def says(proxy: Running, there: int, back: int, how: str = "") -> None:
    """Its next line is of a connection with these figures."""
    line = proxy.line()
    expect(re.fullmatch(rf"127\.0\.0\.1:\d+: {there} bytes there{how}, {back} bytes back{how}", line) is not None,
           f"{there} bytes there and {back} back{how}, and it says: {line}")


def exchange(request: bytes, reply: bytes | None) -> None:
    served = pool.submit(serve, reply)
    with connect_inside() as client:
        # Once the greeting is there, both sockets are with the kernel.
        expect(client.recv(len(GREETING), socket.MSG_WAITALL) == GREETING, "the greeting does not come")
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        expect(read_all(client) == (request if reply is None else reply), "an answer does not come back as it was")
    expect(reply is None or served.result() == request, f"a request of {len(request)} bytes does not arrive as it was")


def say_all_before(proxy: Running, request: bytes, with_end: bool) -> None:
    """The same with a proxy that sleeps until the client has said it all."""
    served = pool.submit(serve, b"reply")
    proxy.process.send_signal(signal.SIGSTOP)
    with connect_inside() as client:
        client.sendall(request)
        if with_end:
            client.shutdown(socket.SHUT_WR)
        proxy.process.send_signal(signal.SIGCONT)
        if not with_end:
            expect(client.recv(len(GREETING), socket.MSG_WAITALL) == GREETING, "the greeting does not come")
            client.shutdown(socket.SHUT_WR)
        expect(read_all(client).endswith(b"reply"), "the answer does not come back as it was")
    expect(served.result() == request, "what was said before the proxy looked does not arrive as it was")


pool = concurrent.futures.ThreadPoolExecutor(64)
proxy = start()
for there, back in ((1, 1), (100_000, 3), (0, 70_000), (3_000_000, 8_000_000)):
    exchange(rng.randbytes(there), rng.randbytes(back))
    says(proxy, there, len(GREETING) + back)

# Many at once.
together = [pool.submit(exchange, rng.randbytes(50_000), None) for _ in range(20)]
for one in together:
    one.result()
for _ in together:
    says(proxy, 50_000, len(GREETING) + 50_000)

# What had come before the kernel took the sockets; and of a client whose end had come too, whose socket it does not take.
say_all_before(proxy, rng.randbytes(40_000), with_end=False)
says(proxy, 40_000, len(GREETING) + 5)
say_all_before(proxy, rng.randbytes(40_000), with_end=True)
says(proxy, 40_000, len(GREETING) + 5, " by hand")

# Who breaks off is told of to the other side, and so is the end of the proxy.
for is_client in (True, False):
    with connect_inside() as client, service.accept()[0] as end:
        end.sendall(GREETING)
        client.recv(len(GREETING), socket.MSG_WAITALL)
        first, second = (client, end) if is_client else (end, client)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.close()
        second.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            expect(second.recv(1) == b"", "a connection goes on after its other side is gone")
    says(proxy, 0, len(GREETING))
with connect_inside() as client, service.accept()[0] as end:
    end.sendall(GREETING)
    client.recv(len(GREETING), socket.MSG_WAITALL)
    lines = proxy.end()
    with contextlib.suppress(ConnectionResetError):
        expect(client.recv(1) == b"", "a connection goes on after the proxy")

# No call of the proxy receives or sends anything.
if shutil.which("strace"):
    with scratch() as folder:
        calls = Path(folder) / "calls"
        proxy = start("strace", "-f", "-o", str(calls), "-e", "trace=network,read,readv,write,writev,splice,sendfile",
                      start_new_session=True,
                      # What these two do at the end, one cannot do beside strace, and the other reads.
                      env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "GCOV_PREFIX": folder})
        exchange(rng.randbytes(300_000), rng.randbytes(200_000))
        says(proxy, 300_000, len(GREETING) + 200_000)
        os.killpg(proxy.process.pid, signal.SIGINT)  # strace itself does not listen
        expect(proxy.process.wait() == 0, "it does not end well under strace")
        seen = calls.read_text()
    expect(" connect(" in seen and " shutdown(" in seen, f"strace does not see what the proxy does:\n{seen}")
    after = seen[seen.index(" connect("):]
    moves = [line for line in after.splitlines()
             if re.search(r" (recv|send|read|splice)\w*\(", line) and not line.endswith(" = 0")]
    expect(not moves, "these move bytes:\n" + "\n".join(moves))

with network.inside():
    refuses_without_privilege([program, str(FRONT), ADDRESS, str(BACK)])
    with socket.create_server((ADDRESS, FRONT)):
        refused = run([program, FRONT, ADDRESS, BACK])
expect(refused.returncode == 1 and "Address already in use" in refused.stderr, f"it says: {refused.stderr}")
print("\n".join(lines))
