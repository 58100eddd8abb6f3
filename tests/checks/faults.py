# SPDX-License-Identifier: MIT
"""faults.py SCENARIOS [--all | --brief] [NAME...]: each system call that the library makes in a scenario fails once with each of
a list of errnos, in the form that users get: the inlined instruction, to which strace gives another answer. The
scenario must end; it must tell the step and the errno, or get along without that call where it knows another way; and
nothing may stay open, allocated, mapped or pinned. Allocations fail in turn too. --all takes more errnos, and lets the
calls after the failing one fail as well; --brief takes one errno."""
import concurrent.futures
import errno
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from common import INCLUDE, expect, fail, scratch, skip

program, *wanted = sys.argv[1:]
everything, brief = "--all" in wanted, "--brief" in wanted
wanted = [word for word in wanted if not word.startswith("--")]
if shutil.which("strace") is None:
    skip("strace is not installed")
if os.geteuid() != 0:
    skip("loading BPF programs needs root")

ERRNOS = ["EPERM"] if brief else ["EPERM", "ENOMEM", "EMFILE", "EINTR", "EAGAIN", "EINVAL", "EFAULT"]
MORE_ERRNOS = ["EACCES", "EBADF", "EBUSY", "E2BIG", "EIO", "ENFILE", "ENOSPC", "ENOSYS", "EOPNOTSUPP"]
# Persistent: of the others EINTR and EAGAIN are answered by trying again, and no kernel gives them for ever.
LASTING = ["EPERM", "ENOMEM", "EMFILE", "EINVAL"]
# strace answers instead of the kernel, so what these should have given back would stay; and Linux gives back the
# number of a descriptor even when close complains.
NEVER = {"close", "munmap"}
# The network stack has done by then what it answers.
NEVER |= {"recvfrom"}
# With EINVAL, msync says that pages are larger than 4 KiB, which is then taken for true. brk is malloc's.
NEVER |= {"msync", "brk"}
# The scenario that runs with and without tracefs in its place does so in a mount namespace of its own.
TRACEFS = {"attach with tracefs": "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing",
           "attach without tracefs": "! mountpoint -q /sys/kernel/tracing || umount -l /sys/kernel/tracing"}
STEPS = {name: int(number) for name, number in
         re.findall(r"^  BAREBPF_STEP\((\w+), (\d+),", (INCLUDE / "barebpf/step.hpp").read_text(), re.M)}
LINE = re.compile(r"(?P<result>ok|(?P<step>\d+) (?P<code>\d+)); descriptors (\d+) (\d+); heap (\d+) (\d+); "
                  r"pins (\d+) (\d+); mapped (\d+); (?P<sentence>.*)")


# Of scenarios that attach, the steps of calls that belong to others elsewhere.
FILES = {"openat": "open_file|find_user_probes", "read": "read_file|find_user_probes",
         "perf_event_open": "open_user_probe"}
REQUESTS = {"socket": "attach_by_request", "sendto": "attach_by_request"}
ATTACH = {"attach": {"openat": "find_tracepoint", "read": "find_tracepoint"}, "attach_uprobe": FILES,
          "attach_usdt": FILES | {"BPF_MAP_LOOKUP_ELEM": "keep_usdt", "BPF_MAP_UPDATE_ELEM": "keep_usdt"},
          "attach_filter": REQUESTS, "attach_route": REQUESTS,
          "attach_perf_event": {"ioctl": "attach_event"}, "iterate": {"read": "read_iterator"},
          "attach_socket": {"setsockopt": "attach_to_socket", "fcntl": "attach_to_socket"},
          "attach_operations": {"BPF_MAP_UPDATE_ELEM": "register_operations", "fcntl": "register_operations"},
          "fit_operations": {"openat": "fit_operations", "read": "fit_operations"},
          "load_operations_object": {"openat": "fit_operations|open_file", "read": "fit_operations|read_file"}}
# Scenarios in which allocations fail too.
ALLOCATING = ["load_static", "load_object", "fit_static", "attach_uprobe", "attach_usdt", "attach_filter",
              "attach_route", "fit_operations", "load_operations_object", "attach_operations"]
# Calls of which the last one takes out what was attached, as nobody else would.
LAST = {"attach_filter": "sendto", "attach_route": "sendto", "attach_socket": "setsockopt",
        "attach_operations": "BPF_MAP_DELETE_ELEM"}


def step_of(scenario: str, call: str) -> str:
    """The step that an error of this call belongs to, or several with a bar between."""
    if call in ATTACH.get(scenario.split()[0], {}):
        return ATTACH[scenario.split()[0]][call]
    if call.startswith("BPF_"):
        return call.removeprefix("BPF_").lower()
    if scenario == "fit_static" and call == "openat":
        return "fit_program"
    if scenario in ("wait_for_ring", "user_ringbuf", "perfbuf") and call == "fcntl":
        return "open_map"
    if scenario == "perfbuf" and call == "mmap":
        return "map_event"
    if scenario == "perfbuf" and call == "perf_event_open":
        return "open_cpu_event"
    return {"openat": "open_file", "read": "read_file", "lseek": "read_file", "fsopen": "mount_tracefs",
            "fsconfig": "mount_tracefs", "fsmount": "mount_tracefs", "perf_event_open": "open_event",
            "mmap": "map_memory", "unlinkat": "unpin", "fcntl": "map_create",
            "eventfd2": "wait", "epoll_create1": "wait", "epoll_ctl": "wait", "ppoll": "wait"}[call]


def other_way(scenario: str, call: str, code: str, first: bool) -> bool:
    """Whether the library gets along without this one call. `first` says that none like it came before."""
    # Types only explain a map to people: without them then, where the refusal can be about them.
    if scenario in ("load_static", "load_object", "fit_static") and call == "BPF_BTF_LOAD":
        return True
    # The kernel's types are mapped where that works, and else read.
    if scenario in ("fit_static", "fit_operations") and call in ("lseek", "mmap"):
        return True
    if scenario in ("load_static", "load_object", "fit_static") and call == "BPF_MAP_CREATE":
        return code in ("EINVAL", "EOPNOTSUPP")
    if "operations" in scenario and code == "EINVAL":
        # The first map may do without types, and programs that need CO-RE may be older than the kernel's.
        if (first and call == "BPF_MAP_CREATE") or (not first and call == "BPF_PROG_LOAD"):
            return True
    if call == "BPF_PROG_LOAD":  # a signal makes it EAGAIN; and with a log it is asked again for the reason
        return code == "EAGAIN" or (scenario == "load_object" and code != "EPERM")
    if (scenario in ("load_object", "perfbuf") and call == "read") or call == "ppoll":
        return code == "EINTR"
    if scenario == "perfbuf" and call == "BPF_MAP_DELETE_ELEM":  # the slot goes with the map
        return True
    if scenario == "iterate" and call == "read":
        return code in ("EINTR", "EAGAIN")
    if scenario.split()[0] in ("attach", "attach_uprobe", "attach_perf_event") and call == "BPF_LINK_CREATE":
        return code == "EINVAL"  # no perf links before 5.15: through the event
    if scenario == "attach_usdt" and call == "BPF_LINK_CREATE":
        return code == "EINVAL"  # no links of many uprobes before 6.6
    if scenario == "attach_sockmap" and call == "BPF_LINK_CREATE":
        return code == "EINVAL"  # no links there before 6.10
    if scenario.startswith("attach_u") and call == "mmap":  # malloc's, which has another way
        return True
    if scenario == "walk_batches" and call == "BPF_MAP_LOOKUP_BATCH":
        # What does not work by batches goes on by single steps.
        return code in ("EINTR", "ENOSPC") or (first and code == "EINVAL")
    return False


def command_of(scenario: str, trace: str, words: list[str]) -> list[str]:
    name = scenario.split()[0]
    command = ["timeout", "-k", "1", "20", "strace", "-o", trace, *words, program, name]
    if scenario in TRACEFS:
        inside = f"mount --make-rprivate /sys && {{ {TRACEFS[scenario]}; }} && exec \"$@\""
        command = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", inside, "sh", *command]
    return command


def trace_of(scenario: str, trace: str, words: list[str]) -> tuple[subprocess.CompletedProcess, list[str]]:
    done = subprocess.run(command_of(scenario, trace, words), capture_output=True, text=True)
    return done, Path(trace).read_text().splitlines() if os.path.exists(trace) else []


def name_of(line: str) -> str:
    """`openat`, and of bpf(2) the command."""
    call = re.match(r"(\w+)\((BPF_\w+)?", line)
    return "" if call is None else call[2] if call[1] == "bpf" and call[2] else call[1]


def judge(what: str, done: subprocess.CompletedProcess, allowed: set[str] | None, pins: int = 0) -> str:
    """What is wrong with this run; nothing when it left nothing but `pins` and said what is `allowed`, if given."""
    if done.returncode != 0:
        return f"{what}: exit code {done.returncode}: {done.stdout}{done.stderr}"
    line = LINE.match(done.stdout)
    if line is None:
        return f"{what}: it says: {done.stdout}"
    open_before, open_after, heap_before, heap_after, pins_before, pins_after, mapped = map(int, line.groups()[3:10])
    if open_before != open_after:
        return f"{what}: {open_before} descriptors before, {open_after} after: {done.stdout}"
    if heap_before != heap_after:
        return f"{what}: {heap_before} allocations before, {heap_after} after: {done.stdout}"
    if pins_before + pins != pins_after or mapped != 0:
        return f"{what}: something stays pinned or mapped: {done.stdout}"
    if allowed is not None and line["result"] not in allowed:
        return f"{what}: allowed is {' or '.join(sorted(allowed))}, and it says: {done.stdout}"
    return ""


def calls_of(scenario: str, folder: str) -> list[tuple[str, str, int, bool]]:
    """What the scenario calls: its name, strace's name, which call of that name in the whole process, first."""
    done, lines = trace_of(scenario, f"{folder}/{scenario}", [])
    why = judge(f"{scenario}: nothing fails", done, {"ok"})
    expect(not why, why)
    seen, out, inside = Counter(), [], False
    for line in lines:
        system_name = line.split("(")[0]
        if system_name == "getppid":
            inside = not inside
            continue
        seen[system_name] += 1
        if inside and system_name not in NEVER:
            out.append((name_of(line), system_name, seen[system_name], name_of(line) not in [one[0] for one in out]))
    if scenario in LAST:
        out.remove([one for one in out if one[0] == LAST[scenario]][-1])
    expect(out != [], f"{scenario} makes no system call, so nothing could fail")
    return out


def fault(scenario: str, call: tuple[str, str, int, bool], code: str, lasting: bool, trace: str) -> str:
    name, system_name, occurrence, first = call
    what = f"{scenario}: {name}, call {occurrence} of {system_name}, fails with {code}{' for ever' if lasting else ''}"
    done, lines = trace_of(scenario, trace, [
        "-e", f"trace={system_name},getppid", "-e",
        f"inject={system_name}:error={code}:when={occurrence}{'+' if lasting else ''}"])
    os.unlink(trace)
    pins = 1 if name == "unlinkat" else 0  # nobody removed it
    if lasting:  # which of the calls is the one that is told depends on how many ways there are
        return judge(what, done, None, pins)
    failed = [line for line in lines if "(INJECTED)" in line]
    if len(failed) != 1 or name_of(failed[0]) != name:
        return f"{what}: strace let another call fail: {failed}"
    told = {f"{STEPS[step]} {getattr(errno, code)}" for step in step_of(scenario, name).split("|")}
    ways = {"ok"} if other_way(scenario, name, code, first) else told
    if (scenario.startswith("attach_u") or "operations" in scenario) and name == "read" and code == "EINTR":  # read on
        ways |= {"ok"}
    if scenario == "load_operations_object" and name in ("lseek", "mmap"):  # of the object, and of the kernel's types
        ways = told | {"ok"}
    return judge(what, done, ways, pins)


def allocation(scenario: str, number: int) -> str:
    name = scenario.split()[0]
    done = subprocess.run(["timeout", "20", program, name, str(number)], capture_output=True, text=True)
    return judge(f"{scenario}: allocation {number} fails", done, {"ok", f"{STEPS['allocate']} {errno.ENOMEM}"})


names = [one for one in subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()]
names = [one for name in names for one in (TRACEFS if name == "attach" else [name])]
names = [one for one in names if not wanted or one.split()[0] in wanted]
with scratch() as folder, concurrent.futures.ThreadPoolExecutor(2) as workers:
    calls = {name: listed for name, listed in zip(names, workers.map(lambda name: calls_of(name, folder), names))}
    jobs = [(fault, name, call, code, lasting, f"{folder}/{name} {at} {code} {lasting}")
            for name in names for at, call in enumerate(calls[name])
            for code, lasting in [(code, False) for code in ERRNOS + (MORE_ERRNOS if everything else [])] +
                                 [(code, True) for code in (LASTING if everything else [])]]
    jobs += [(allocation, name, number) for name in names if name in ALLOCATING for number in range(1, 48)]
    wrong = [why for why in workers.map(lambda job: job[0](*job[1:]), jobs) if why]
if wrong:
    fail("\n".join(wrong[:40] + [f"{len(wrong)} of {len(jobs)} runs are wrong"]))
count = sum(len(one) for one in calls.values())
print(f"{count} calls x {len(ERRNOS) + (len(MORE_ERRNOS) if everything else 0)} errnos: {len(jobs)} runs, 0 leaks")
