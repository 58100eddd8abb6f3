# SPDX-License-Identifier: MIT
"""sizes.py BARE MUSL: the stripped static counters stay as small as promised."""
import os
import sys

from common import expect, must

for program, largest in zip(sys.argv[1:], (2560, 8192)):
    size = os.path.getsize(program)
    print(f"{size} bytes: {program}")
    expect(size <= largest, f"{program} has {size} bytes, more than {largest}")
    headers = must(["readelf", "-lW", program])
    expect("INTERP" not in headers and "DYNAMIC" not in headers, f"{program} is dynamic:\n{headers}")
    symbols = must(["readelf", "-SW", program])
    expect(".symtab" not in symbols, f"{program} is not stripped")
