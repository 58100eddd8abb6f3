# SPDX-License-Identifier: MIT
"""consumer.py FOLDER: a project that has barebpf as a Meson subproject builds its own BPF program and uses it, offline,
and installs nothing of barebpf."""
import shutil
import sys
from pathlib import Path

from common import ROOT, expect, must, scratch

with scratch() as folder:
    project = Path(folder) / "project"
    shutil.copytree(ROOT / "tests/consumers/subproject", project)
    (project / "subprojects").mkdir()
    library = project / "subprojects/barebpf"
    library.mkdir()
    for part in ("meson.build", "include", "tools", "LICENSE", "bpf_progs", "docs", "tests"):
        (library / part).symlink_to(ROOT / part)
    must(["meson", "setup", project / "build", project, "--wrap-mode=nodownload", "-Dwerror=true",
          f"--prefix={folder}/installed"])
    must(["meson", "compile", "-C", project / "build"])
    must([project / "build/consumer"])
    must(["meson", "install", "-C", project / "build", "--no-rebuild"])
    installed = [str(p.relative_to(f"{folder}/installed")) for p in Path(f"{folder}/installed").rglob("*") if p.is_file()]
    expect(installed == ["bin/consumer"], f"installed: {installed}")
