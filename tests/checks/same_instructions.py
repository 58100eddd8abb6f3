#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""same_instructions.py CLANG: what includes bpf/*.h becomes the same with this tree's headers as with libbpf's: instructions,
relocations, data, what CO-RE is asked, and no warning more. The programs are those of bpf_progs and the sources in a few
small packages of the distribution, fetched once.

    --all          the large packages, too: some minutes, and 300 MB for the first time
    --write        puts the table of all of them into docs/bpf-side.md
    --fetched      fetches nothing
    --show NAME    prints the compiler's words and what differs, of programs with NAME in their names
    --keep DIR     where packages are kept (build-sources)

A program that libbpf's headers do not compile either, mostly for types of another kernel, counts as neither. apt runs on a
configuration of its own in a temporary folder, so nothing on the system changes.
"""
import argparse
import os
import re
import shutil
import struct
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import INCLUDE, ROOT, expect, fail, must, run, scratch, skip

OURS = INCLUDE / "barebpf/prog"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
PAGE = ROOT / "docs/bpf-side.md"
TABLE = re.compile(r"(?<=<!-- same: begin -->\n).*?(?=<!-- same: end -->)", re.DOTALL)
KERNEL = "{kernel}"  # a folder with the vmlinux.h of the running kernel
# Where the sources are: package, suite, whether it is a source package, small enough for the slice, which files, and with what
# they are compiled, within the package.
PACKAGES = [
    ("bpftune", "trixie", True, True, ["src/*.bpf.c", "sample_tuner/*.bpf.c"], ["-Iinclude", f"-I{KERNEL}"]),
    ("pcp", "trixie", True, False, ["vendor/github.com/iovisor/bcc/libbpf-tools/*.bpf.c", "src/pmdas/bpf/modules/*.bpf.c"],
     ["-Ivendor/github.com/iovisor/bcc/libbpf-tools/x86", "-Ivendor/github.com/iovisor/bcc/libbpf-tools"]),
    ("systemd", "trixie", True, False, ["src/*/bpf/*/*.bpf.c"], ["-Isrc/basic", "-Isrc/core", f"-I{KERNEL}"]),
    ("suricata", "trixie", True, False, ["ebpf/*.c"], ["-Iebpf", "-Isrc"]),
    ("falcosecurity-libs", "trixie", True, False, ["driver/modern_bpf/programs/**/*.bpf.c"],
     ["-D__USE_VMLINUX__", "-Idriver/modern_bpf", "-Idriver", "-I.", "-Idriver/modern_bpf/definitions"]),
    ("linux-source-6.1", "bookworm", False, False,
     ["tools/testing/selftests/bpf/progs/*.c", "tools/bpf/bpftool/skeleton/*.bpf.c"],
     ["-Itools/testing/selftests/bpf", "-Itools/testing/selftests/bpf/progs", "-Itools/include/uapi", f"-I{KERNEL}"]),
]
# Files that a package makes before it compiles.
MADE = {
    "falcosecurity-libs": {"driver/driver_config.h": '#define DRIVER_VERSION "1"\n#define DRIVER_NAME "one"\n' + "".join(
        f"#define PPM_{what}_CURRENT_VERSION_{part} 1\n" for what in ("API", "SCHEMA") for part in ("MAJOR", "MINOR", "PATCH")) + '#include "ppm_api_version.h"\n'},
}
# Programs of bpf_progs that libbpf's headers do not compile.
ONLY_OURS = {
    "arena.bpf.c": "libbpf has no bpf_arena_common.h; the kernel's tests have one",
    "arena_globals.bpf.c": "libbpf has no bpf_arena_common.h; the kernel's tests have one",
    "attach_user.bpf.c": "libbpf's usdt.bpf.h takes bool from a vmlinux.h",
    "kernel_flavors.bpf.c": "bpf_ksym_exists is newer than libbpf 1.1",
    "kernel_names.bpf.c": "bpf_ksym_exists is newer than libbpf 1.1",
    "missing_kfunc.bpf.c": "bpf_ksym_exists is newer than libbpf 1.1",
}
# Where the two differ on purpose: a pattern for PACKAGE/FILE, and why.
EXPLAINED = [
    (r"bpf_progs/core_fields\.bpf\.c|linux-source-6\.1/(test_core_reloc_bitfields_direct|bpf_cubic|bpf_dctcp)\.c",
     "`BPF_CORE_READ_BITFIELD` of a size that is none gives 0, as with newer libbpf; 1.1 leaves it open"),
    (r"bpf_progs/user_ringbuf\.bpf\.c|linux-source-6\.1/(dynptr_\w+|user_ringbuf_\w+|test_kfunc_dynptr_param)\.c",
     "lengths and offsets of dynptrs have 64 bits, as the newest kernel says; libbpf 1.1 says 32"),
    (r"linux-source-6\.1/test_(urandom_)?usdt(_multispec)?\.c", "`bpf_usdt_arg` keeps the check of the index that the "
     "verifier needs, as newer libbpf does; the compiler may drop it from 1.1's"),
    (r"linux-source-6\.1/test_core_read_macros\.c", "`BPF_PROBE_READ` calls `bpf_probe_read_kernel`, as with newer libbpf; "
     "1.1 calls `bpf_probe_read`"),
    (r"linux-source-6\.1/test_(lwt_seg6local|seg6_loop)\.c", "the same blocks in another order: the byte order of "
     "constants is the builtin's, too, and not shifts that the compiler folds later"),
]


class Unread(Exception):
    pass


# --- object files ---------------------------------------------------------------------------------------------

def c_string(data: bytes, at: int) -> str:
    return data[at:data.index(b"\0", at)].decode()


def names_of_types(btf: bytes) -> tuple[list[str], bytes]:
    """The name of each type by its id, and the strings. Source: Documentation/bpf/btf.rst."""
    header, type_at, type_size, string_at, string_size = struct.unpack_from("<4xIIIII", btf)
    strings = btf[header + string_at:header + string_at + string_size]
    names, at, end = [""], header + type_at, header + type_at + type_size
    after = {1: 4, 3: 12, 14: 4, 17: 4}
    each = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
    while at < end:
        name, info = struct.unpack_from("<II", btf, at)
        kind, count = info >> 24 & 31, info & 0xffff
        names.append(c_string(strings, name))
        at += 12 + after.get(kind, 0) + each.get(kind, 0) * count
    return names, strings


def questions(sections: dict[str, bytes]) -> list:
    """What CO-RE is asked: section, instruction, root type, access and kind."""
    if ".BTF.ext" not in sections:
        return []
    extra = sections[".BTF.ext"]
    header = struct.unpack_from("<I", extra, 4)[0]
    if header < 32:
        return []
    names, strings = names_of_types(sections[".BTF"])
    start, size = struct.unpack_from("<II", extra, 24)
    at, end, found = header + start + 4, header + start + size, []
    while at < end:
        section, count = struct.unpack_from("<II", extra, at)
        at += 8
        for _ in range(count):
            where, root, access, kind = struct.unpack_from("<IIII", extra, at)
            found.append((c_string(strings, section), where, names[root], c_string(strings, access), kind))
            at += 16
    return sorted(found)


def read(path: Path) -> dict:
    """What is compared of an object file."""
    data = path.read_bytes()
    table, count, names_at = (struct.unpack_from("<Q", data, 40)[0], *struct.unpack_from("<HH", data, 60))
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * i) for i in range(count)]
    text = data[headers[names_at][4]:][:headers[names_at][5]]
    names = [c_string(text, header[0]) for header in headers]
    contents = [b"" if header[1] == 8 else data[header[4]:header[4] + header[5]] for header in headers]
    out: dict = {}
    for i, header in enumerate(headers):
        if header[1] in (1, 8) and header[2] & 2:  # PROGBITS or NOBITS, in memory
            out[names[i]] = contents[i] if header[1] == 1 else header[5]
        if header[1] == 9 and names[i].startswith(".rel") and headers[header[7]][2] & 2:
            symbols, found = contents[header[6]], []
            symbol_names = contents[headers[header[6]][6]]
            for at in range(0, header[5], 16):
                where, info = struct.unpack_from("<QQ", contents[i], at)
                name, _, _, home, value, _ = struct.unpack_from("<IBBHQQ", symbols, 24 * (info >> 32))
                target = (names[home], value) if 0 < home < 0xff00 else c_string(symbol_names, name)
                found.append((where, info & 0xffffffff, target))
            out["relocations of " + names[header[7]]] = found
    out["questions"] = questions(dict(zip(names, contents)))
    return out


# --- packages -------------------------------------------------------------------------------------------------

def mirror() -> str:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unread("there is no apt-get")
    for line in must(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                      "Created-By: Packages"]).split("\n"):
        uri, _, rest = line.partition(" ")
        if re.fullmatch(r"(bookworm|trixie) main", rest):
            return uri
    raise Unread("the sources of apt have neither Debian 12 nor 13")


class Apt:
    """apt with sources of its own, set up when something is first missing."""
    def __init__(self, fetched: bool) -> None:
        self.fetched, self.folder, self.environment = fetched, None, {}

    def set_up(self) -> None:
        if self.fetched:
            raise Unread("it was not fetched before")
        if self.folder is not None:
            return
        self.folder = tempfile.TemporaryDirectory(prefix="barebpf-")
        own = Path(self.folder.name)
        for name in ["state/lists/partial", "cache/archives/partial", "parts"]:
            (own / name).mkdir(parents=True)
        (own / "status").touch()
        signed = f"signed-by={KEYS}" if Path(KEYS).is_file() else ""
        uri = mirror()
        (own / "sources.list").write_text("".join(f"{kind} [arch=amd64 {signed}] {uri} {suite} main\n"
                                                  for suite in ("bookworm", "trixie") for kind in ("deb", "deb-src")))
        (own / "apt.conf").write_text(
            f'Dir::State "{own}/state";\nDir::State::status "{own}/status";\nDir::Cache "{own}/cache";\n'
            f'Dir::Etc::sourcelist "{own}/sources.list";\nDir::Etc::sourceparts "{own}/parts";\n'
            # Who is root would read as the user _apt, who may not enter the folder.
            'APT::Sandbox::User "root";\nAPT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\n'
            'Acquire::Languages "none";\nAcquire::Retries "3";\n')
        self.environment = {**os.environ, "APT_CONFIG": str(own / "apt.conf"), "LC_ALL": "C"}
        done = run(["apt-get", "update", "--error-on=any"], env=self.environment)
        if done.returncode != 0:
            raise Unread(f"apt-get gave up: {done.stderr.strip()}")

    def get(self, name: str, suite: str, is_source: bool, kept: Path) -> Path:
        """The folder with what the package has."""
        target = kept / f"{name}-{suite}"
        if not target.is_dir():
            self.set_up()
            with tempfile.TemporaryDirectory(prefix="barebpf-") as folder:
                words = ["source", "--download-only", f"{name}/{suite}"] if is_source else ["download", f"{name}/{suite}"]
                # Mirrors may have only some of the archives of a source package; its first is what is wanted.
                run(["apt-get", "-q", *words], env=self.environment, cwd=folder)
                archives = [path for path in sorted(Path(folder).iterdir())
                            if re.search(r"\.orig\.tar\.\w+$|\.deb$", path.name)]
                if not archives:
                    raise Unread("the mirror does not have it")
                unpacked = Path(folder) / "unpacked"
                unpacked.mkdir()
                if is_source:
                    must(["tar", "-xf", archives[0], "--strip-components=1", "-C", unpacked])
                else:
                    must(["dpkg-deb", "-x", archives[0], unpacked])
                    for inner in unpacked.glob("usr/src/linux-source-*.tar.xz"):
                        must(["tar", "-xJf", inner, "--strip-components=1", "-C", unpacked, "--wildcards",
                              "*/tools/testing/selftests/bpf/*", "*/tools/bpf/*", "*/tools/include/*"])
                        inner.unlink()
                kept.mkdir(parents=True, exist_ok=True)
                shutil.move(unpacked, target)
        return target


# --- comparing ------------------------------------------------------------------------------------------------

def compiled(clang: str, source: Path, flags: list, folder: Path, headers: Path, out: str) -> tuple:
    """The object file, if it became one, and what the compiler said."""
    done = run([clang, "-target", "bpf", "-O2", "-g", "-mcpu=v3", "-Wall", "-Werror=implicit-function-declaration",
                "-D__TARGET_ARCH_x86", "-DBAREBPF_USDT_FOR_LIBBPF_1_6", f"-I{headers}", *flags,
                "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu", "-c", source, "-o", out], cwd=folder)
    return (read(Path(out)) if done.returncode == 0 else None), done.stderr


def compare(clang: str, source: Path, flags: list, folder: Path, theirs: Path, out: str) -> tuple:
    """A verdict and why."""
    one, said = compiled(clang, source, flags, folder, theirs, out + ".libbpf.o")
    other, answered = compiled(clang, source, flags, folder, OURS, out + ".o")
    if one is None:
        return ("only ours" if other else "neither"), said
    if other is None:
        return "does not compile", answered
    wrong = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    if wrong:
        return "differs", "\n".join(f"{name}:\n  libbpf {one.get(name)!r:.600}\n  ours   {other.get(name)!r:.600}" for name in wrong)
    if answered.count("warning:") > said.count("warning:"):
        return "warned", answered
    return "same", ""


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("clang")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--fetched", action="store_true")
    parser.add_argument("--show")
    parser.add_argument("--keep", type=Path, default=ROOT / "build-sources")
    options = parser.parse_args()
    if sys.byteorder != "little" or os.uname().machine != "x86_64":
        skip("the packages are compiled for x86_64")
    machine_headers = Path("/usr/include")
    if not (machine_headers / "bpf/usdt.bpf.h").is_file():
        skip("libbpf-dev is not installed, so there is nothing to compare with")

    with scratch() as name:
        folder = Path(name)
        apt, left_out = Apt(options.fetched), []

        def libbpf(suite: str) -> Path:
            """A folder with nothing but the headers of the suite's libbpf-dev in bpf/."""
            own = folder / f"libbpf-{suite}"
            if not own.is_dir():
                source = machine_headers if suite == "machine" else apt.get("libbpf-dev", suite, False, options.keep) / "usr/include"
                shutil.copytree(source / "bpf", own / "bpf")
            return own

        jobs = [("bpf_progs", path, [], ROOT, libbpf("machine")) for path in sorted((ROOT / "bpf_progs").glob("*.bpf.c"))]
        kernel = folder / "kernel"
        kernel.mkdir()
        bpftool = shutil.which("bpftool") or "/usr/sbin/bpftool"
        if Path(bpftool).exists() and Path("/sys/kernel/btf/vmlinux").exists():
            (kernel / "vmlinux.h").write_text(must([bpftool, "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"]))
        for package, suite, is_source, is_small, patterns, flags in PACKAGES:
            if not is_small and not options.all:
                continue
            try:
                home = apt.get(package, suite, is_source, options.keep)
                theirs = libbpf(suite)
            except Unread as why:
                left_out.append(f"{package}: {why}")
                continue
            for made, text in MADE.get(package, {}).items():
                (home / made).write_text(text)
            found = sorted({path for pattern in patterns for path in home.glob(pattern)})
            expect(bool(found), f"{package} has no programs where they are looked for")
            jobs += [(package, path, [flag.replace(KERNEL, str(kernel)) for flag in flags], home, theirs) for path in found]
        if options.show:
            jobs = [job for job in jobs if options.show in f"{job[0]}/{job[1].name}"]

        def work(numbered: tuple) -> tuple:
            number, (package, path, flags, home, theirs) = numbered
            try:
                return package, path.name, *compare(options.clang, path, flags, home, theirs, f"{folder}/{number}")
            except (struct.error, IndexError, ValueError) as why:
                return package, path.name, "differs", f"{path} was not understood: {why}"

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(work, enumerate(jobs)))

    counts: dict[str, Counter] = {}
    wrong, used = [], Counter()
    for package, program, verdict, why in results:
        label = f"{package}/{program}"
        if verdict in ("differs", "does not compile", "warned"):
            reason = next((text for pattern, text in EXPLAINED if re.fullmatch(pattern, label)), None)
            if reason is None:
                wrong.append(f"{label} {verdict}\n{why}")
            else:
                verdict = "explained"
                used[reason] += 1
        if package == "bpf_progs" and verdict == "only ours":
            if program not in ONLY_OURS:
                wrong.append(f"{label}: libbpf's headers do not compile it, and ONLY_OURS in this check does not say why\n{why}")
        if package == "bpf_progs" and verdict == "neither":
            wrong.append(f"{label} does not compile\n{why}")
        counts.setdefault(package, Counter())[verdict] += 1
        if options.show:
            print(f"{label}: {verdict}\n{why}")
    columns = ["same", "explained", "only ours", "neither"]
    lines = ["| sources | programs | same | differ as explained | only with ours | with neither |", "|---|" + "---:|" * 5]
    total = Counter()
    for package, count in counts.items():
        total += count
        lines.append(f"| {package} | {sum(count.values())} | " + " | ".join(str(count[word]) for word in columns) + " |")
    lines.append(f"| all | {sum(total.values())} | " + " | ".join(str(total[word]) for word in columns) + " |")
    lines += ["", *[f"* {count}: {text}." for text, count in sorted(used.items(), key=lambda entry: entry[::-1])]]
    print("\n".join(lines))
    for why in left_out:
        print(f"left out: {why}")
    if options.write:
        PAGE.write_text(TABLE.sub(lambda _: "\n".join(lines).rstrip() + "\n", PAGE.read_text()))
    if wrong:
        fail("\n".join(wrong if len(wrong) < 8 else [text[:700] for text in wrong]) + f"\n{len(wrong)} programs are not the same")


main()
