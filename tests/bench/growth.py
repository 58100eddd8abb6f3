# SPDX-License-Identifier: MIT
"""The objects that bench_growth reads: of one kind of thing each has more than the one before. Made here, always the same,
and kept where they were made until this file changes."""
import hashlib
from pathlib import Path

import compile as objects

MAP = """struct {{
  __uint(type, BPF_MAP_TYPE_{});
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
}} map_{} SEC(".maps");
"""


def user_of(number: int) -> str:
    return f"""SEC("socket")
int uses_a_map(void *ctx)
{{
  __u32 key = 0;
  return bpf_map_lookup_elem(&map_{number}, &key) != 0;
}}
"""


def maps(count: int) -> str:
    """Hashes, and one program that uses the last of them."""
    return (objects.BPF_HEAD + "".join(MAP.format("HASH", number) for number in range(count)) + user_of(count - 1)
            + objects.LICENSE)


def programs(count: int) -> str:
    """Programs that look into one of four maps, call a function, and write one of sixteen variables."""
    out = [objects.BPF_HEAD]
    out += [MAP.format("ARRAY", number) for number in range(4)]
    out += [f"__u64 total_{number};\n" for number in range(16)]
    out.append("static __noinline __u64 mix(__u64 a, __u64 b)\n{\n  return a * 31 ^ b;\n}\n")
    for number in range(count):
        out.append(f"""SEC("socket")
int program_{number}(void *ctx)
{{
  __u32 key = {number % 16};
  __u64 *found = bpf_map_lookup_elem(&map_{number % 4}, &key);
  if (found)
    total_{number % 16} += mix(*found, {number});
  return 0;
}}
""")
    return "".join(out) + objects.LICENSE


def instructions(count: int) -> str:
    """Five instructions and one relocation a line, in programs of 1,000."""
    out = [objects.BPF_HEAD, "".join(f"volatile __u64 word_{number};\n" for number in range(64))]
    for number in range(max(count // 1000, 1)):
        out.append(f'SEC("socket")\nint program_{number}(void *ctx)\n{{\n')
        out += [f"  word_{(number + line * 7) % 64} += {line % 100 + 1};\n" for line in range(200)]
        out.append("  return 0;\n}\n")
    return "".join(out) + objects.LICENSE


def types(kib: int) -> str:
    """So many KiB of types of a kernel, of which a map and a program need few. A struct of 100 members has about 1,230 bytes."""
    structs, members = (round(kib * 1024 / 1230), 100) if kib > 10 else (round(kib * 2.5) - 1, 20)
    return (objects.kernel_types(structs, members) + MAP.format("HASH", 0) + user_of(0)
            + objects.LICENSE)


Problem = objects.Problem
KINDS = {"maps": maps, "programs": programs, "instructions": instructions, "types": types}


def make(folder: Path, kind: str, size: int) -> Path:
    """The object of this kind and size in `folder`, made if it is not there."""
    text = KINDS[kind](size)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = folder.resolve()
    out = folder / f"{kind}-{size}-{mark}.o"
    if not out.exists():
        folder.mkdir(parents=True, exist_ok=True)
        objects.compile_object(folder, text, out)
    return out


def size_of_types(path: Path) -> int:
    return objects.size_of_types(path.read_bytes())
