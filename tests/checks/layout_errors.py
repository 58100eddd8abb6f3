# SPDX-License-Identifier: MIT
"""layout_errors.py CXX [ARGUMENT ...]: each case of tests/compile_fail/other_layouts.cpp has its error, which begins with its
sentence and names the member and both places, and there are no others."""
import re
import sys

from common import ROOT, expect, fail, must, run

compiler, *arguments = sys.argv[1:]
SOURCE = ROOT / "tests/compile_fail/other_layouts.cpp"
WHOSE = {"key": "the map's key", "value": "the map's value", "variable": "the variable"}
CASE = re.compile(r'// (\w+) of (\w+): (\w+) at "(.*?)", \{(\d+), (\d+)\} and \{(\d+), (\d+)\}(?: as "(\w+)")?$')
# What begins an error or goes on with it, and where each says that it stands.
PLACED = re.compile(r"^(\S+?):(\d+):(?:\d+:)? +(.*)$")


def expected(lines: list[str]) -> dict:
    """The cases, by the line behind their comment."""
    out = {}
    for number, line in enumerate(lines, 1):
        if found := CASE.match(line.strip()):
            expect(number + 1 not in out and "OTHER(" in lines[number], f"{SOURCE}:{number} stands above no case")
            out[number + 1] = tuple(word or "" for word in found.groups())
    calls = [number for number, line in enumerate(lines, 1) if "OTHER(" in line and "define" not in line]
    expect(calls == list(out), f"{SOURCE}: some of its cases say not what is expected: {set(calls) ^ set(out)}")
    expect(len(set(out.values())) == len(out), f"{SOURCE}: two cases are the same, and the compiler will say so once")
    return out


def names_of(arguments: str) -> list[str]:
    """The names among template arguments, as text or as single characters."""
    out = []
    name = r"(?:'.', )*'.'|[\w:]*name<\d+(?:UL)?>\{(?:\"[^\"]*\"(?:\[\.\.\.\])?|\{\})\}|"
    for inner in re.findall(rf"called<({name}) ?>", arguments):
        out.append("".join(re.findall(r"'(.)'", inner)) if inner.startswith("'") else inner.partition('"')[2].rpartition('"')[0])
    return out


def errors(output: str) -> list[tuple]:
    """(line that required it, sentence, role, cause, subject, member, four numbers, name in C++) of each."""
    out: list[dict] = []
    before: dict = {}  # g++ says first where it is and then what
    for line in output.splitlines():
        placed = PLACED.match(line)
        is_check = re.search(r"layout_check<(.*)>", line)
        is_error = placed is not None and re.match(r"(?:fatal )?error: ", placed[3]) is not None
        if line.startswith(str(SOURCE)) and re.match(r"required from|note: in instantiation", placed[3]):
            (before if not clang else out[-1]).setdefault("line", int(placed[2]))
        if is_check and re.search(r"In instantiation of|in instantiation of", line):
            if not clang:
                before = {}
            (before if not clang else out[-1]).setdefault("check", is_check[1])
        # clang 14 goes on to want the class that it refused.
        if is_error and not re.match(r"error: incomplete definition of type '\S*layout_check<", placed[3]):
            out.append({"error": placed[3], "at": line})
            if not clang:
                out[-1] |= before
        elif is_error:
            out.append({"error": ""})
    found = []
    for one in out:
        if one["error"] == "":
            continue
        expect("line" in one and "check" in one, f"{compiler}: an error without a case: {one['at']}")
        role, cause = re.findall(r"type_role::(\w+), [\w:]*cause::(\w+)", one["check"])[0]
        names = names_of(one["check"])
        expect(len(names) == 3, f"{compiler} does not print the names of {one['check']}")
        numbers = re.findall(r"\{(\d+), (\d+)\}", one["check"])
        expect(len(numbers) == 2, f"{compiler} does not print the places of {one['check']}")
        sentence = re.sub(r"^.*?barebpf: ", "barebpf: ", one["error"]).rstrip('"')
        found.append((one["line"], sentence, (role, names[0], cause, names[1], *numbers[0], *numbers[1], names[2])))
    return found


def sentence_of(case: tuple, sentences: dict) -> str:
    role, cause = case[0], case[2]
    expect(cause in sentences, f"{SOURCE} has no sentence of {cause}")
    if cause.startswith("unseen_"):
        return f"barebpf: {sentences[cause]}"
    return f"barebpf: this C++ type and {WHOSE[role]} in the BPF object disagree at a member: {sentences[cause]}"


def is_same(told: tuple, wanted: tuple) -> bool:
    """Some compilers end a long name before its end, and say so."""
    return len(told) == len(wanted) and all(
        one == other or (one.endswith("[...]") and other.startswith(one.removesuffix("[...]")))
        for one, other in zip(told, wanted))


lines = SOURCE.read_text().splitlines()
sentences = dict(found.groups() for line in lines if (found := re.match(r"// (\w+): ([\w'C].*)$", line)))
cases = expected(lines)
clang = "clang" in must([compiler, "--version"])
command = [compiler, "-std=c++20", "-fsyntax-only", "-fno-diagnostics-color" if clang else "-fdiagnostics-color=never",
           *(["-ferror-limit=0", "-ftemplate-backtrace-limit=0"] if clang else []), *arguments, SOURCE]
must(command)
done = run([*command, "-DEXPECT_ERROR"])
told = {}
for line, sentence, case in errors(done.stderr):
    expect(line in cases, f"{compiler}: an error of {SOURCE}:{line}, where no case stands: {sentence}")
    told.setdefault(line, []).append((sentence, case))
wrong = []
for line, case in cases.items():
    sentence, found = sentence_of(case, sentences), told.get(line, [])
    if len(found) != 1 or found[0][0] != sentence or not is_same(found[0][1], case):
        wrong.append(f"{SOURCE}:{line}\n  wanted: {sentence} {case}\n  got:    {found}")
if wrong:
    fail(f"{compiler}: {len(wrong)} of {len(cases)} cases have another error or none.\n" + "\n".join(wrong[:10]))
untested = set(re.findall(r"^ *BAREBPF_CAUSE\((\w+),", (ROOT / "include/barebpf/cause.hpp").read_text().split(
    "// One row per cause")[0], re.M)) - {case[2] for case in cases.values()}
expect(not untested, f"{SOURCE} has no case of {untested}")
print(f"{len(cases)} cases of {len({case[2] for case in cases.values()})} causes")
