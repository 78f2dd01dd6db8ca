#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that a compiler does not check.

Each rule is a function that takes a Tree and yields (path, line, sentence).  Add one by writing such a function, listing
it in RULES and giving it a bad file in selftest.py.  Run without arguments it checks the repository it lies in.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

# The layers, lowest first; those in one row are equals and do not include each other.
LAYERS = [
    ["base"],
    ["rt"],
    ["net"],
    ["db"],
    ["store"],
    ["model"],
    ["auth"],
    ["llm"],
    ["tool"],
    ["agent", "flow", "kb", "script"],
    ["face"],
    ["cli"],
]
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
TOP = len(LAYERS)  # main.c

# Libraries that only one floor of the house touches; cli/ may ask them for their versions.
LIBRARY_HOME = {
    "sqlite3.h": {"db", "cli"},
    "libpq-fe.h": {"db", "cli"},
    "curl/curl.h": {"net", "cli"},
    "llhttp.h": {"net"},
    "wslay/wslay.h": {"net"},
    "uv.h": {"rt", "net", "db", "store", "cli"},
    "jwt.h": {"auth", "cli"},
}

BANNED = {
    "strcpy": "the destination's size is unknown: use a buf or str",
    "strcat": "the destination's size is unknown: use a buf or str",
    "sprintf": "the destination's size is unknown: use snprintf or arena_printf",
    "vsprintf": "the destination's size is unknown: use vsnprintf",
    "gets": "it cannot be used safely",
    "atoi": "it cannot report an error: use the parser of base/str.h",
    "atol": "it cannot report an error: use the parser of base/str.h",
    "atoll": "it cannot report an error: use the parser of base/str.h",
    "strtok": "it keeps hidden state",
    "alloca": "fibers have small stacks",
    "rand": "it is predictable: use the random functions of libsodium",
}

FINE_IN_TESTS = {"atoi", "atol", "atoll", "rand"}

LONG_FILE = 800
TEXT = (".c", ".h", ".py", ".sh", ".build", ".sql", ".md", ".js", ".ts", ".toml", ".txt")

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])*')""",
    re.S | re.X,
)


class Source:
    """A C file taken apart: its code without comments and literals, its comments, its string literals."""

    def __init__(self, text):
        self.text = text
        self.comments = []
        self.strings = []

        def blank(match):
            whole = match.group(0)
            line = text.count("\n", 0, match.start()) + 1
            if match.lastgroup == "comment":
                self.comments.append((line, whole))
            elif match.lastgroup == "string":
                self.strings.append((line, whole[1:-1]))
            return '""' + "\n" * whole.count("\n") if match.lastgroup == "string" else "\n" * whole.count("\n") or " "

        self.code = TOKEN.sub(blank, text)


class Tree:
    """The files of a directory, by path from its root."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        self._sources = {}
        self.paths = self._listed()
        for path in self.paths:
            if path.endswith(TEXT) or path == "dev" or path.startswith(".ci/"):
                try:
                    with open(os.path.join(root, path), encoding="utf-8") as f:
                        self.files[path] = f.read()
                except (UnicodeDecodeError, FileNotFoundError):
                    continue

    def _listed(self):
        """What git knows or would take in; without git, everything."""
        git = ["git", "-C", self.root, "ls-files", "--cached", "--others", "--exclude-standard"]
        if os.path.exists(os.path.join(self.root, ".git")):
            return sorted(set(subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()))
        found = []
        for folder, _, names in os.walk(self.root):
            found += [os.path.relpath(os.path.join(folder, n), self.root) for n in names]
        return sorted(found)

    def c_files(self, under=("src/", "tests/")):
        return [p for p in self.files if p.endswith((".c", ".h")) and p.startswith(under)]

    def source(self, path):
        if path not in self._sources:
            self._sources[path] = Source(self.files[path])
        return self._sources[path]


def floor(path):
    """The layer that a file under src/ belongs to; "main" for src/main.c."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "main"


def includes(text):
    """(line, opening character, name) of every #include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


def rule_layers(tree):
    """Includes point down the list of layers, between equals never, and from face to face never."""
    for path in tree.c_files(("src/",)):
        here = floor(path)
        if here != "main" and here not in RANK:
            yield path, 1, f"src/{here}/ is no layer of docs/architecture.md"
            continue
        for line, kind, name in includes(tree.files[path]):
            there = name.split("/")[0]
            if kind != '"' or there not in RANK or there == here == "cli":
                continue
            if there == here:
                if here == "face" and crosses_faces(path, name):
                    yield path, line, f'includes "{name}": a face never includes another face'
                continue
            if RANK[there] >= RANK.get(here, TOP):
                yield path, line, f'includes "{name}": {here} may only include what is below it'


def crosses_faces(path, name):
    mine, theirs = path.split("/")[2:], name.split("/")[1:]
    if len(theirs) < 2:
        return False  # face/x.h: what all faces share
    return len(mine) < 2 or mine[0] != theirs[0]


def rule_include_root(tree):
    """A quoted include is written from src/ (or, in tests, from the root), so that grep finds every user of a header."""
    for path in tree.c_files(("src/",)):
        for line, kind, name in includes(tree.files[path]):
            if kind != '"' or "src/" + name in tree.files:
                continue
            beside = os.path.dirname(path) + "/" + name
            if os.path.normpath(beside) in tree.files:
                yield path, line, f'includes "{name}": write it from src/'


def rule_libraries(tree):
    """Each library is used in one layer, so that it can be changed there."""
    for path in tree.c_files(("src/",)):
        for line, _, name in includes(tree.files[path]):
            if name in LIBRARY_HOME and floor(path) not in LIBRARY_HOME[name]:
                yield path, line, f"<{name}> belongs to {' or '.join(sorted(LIBRARY_HOME[name] - {'cli'}))}/"


def rule_banned(tree):
    """Functions that cannot be used safely.  Tests may parse their own output and want repeatable randomness."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    for path in tree.c_files():
        for number, line in enumerate(tree.source(path).code.splitlines(), 1):
            for match in pattern.finditer(line):
                if path.startswith("src/") or match.group(1) not in FINE_IN_TESTS:
                    yield path, number, f"{match.group(1)}(): {BANNED[match.group(1)]}"


def rule_sql(tree):
    """SQL is written in model/, and in db/ for the engines' own needs."""
    pattern = re.compile(
        r"^\s*(SELECT\s+\S|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\s"
        r"|(CREATE|ALTER|DROP)\s+(UNIQUE\s+)?(TABLE|INDEX)\b)"
    )
    for path in tree.c_files(("src/",)):
        if floor(path) in ("model", "db"):
            continue
        for line, text in tree.source(path).strings:
            if pattern.match(text):
                yield path, line, "SQL outside model/ and db/"


def rule_spdx(tree):
    """Every source file names its licence in its first lines."""
    for path, text in tree.files.items():
        if path.endswith((".c", ".h", ".py", ".sh", ".js", ".ts")) or path == "dev" or path.startswith(".ci/"):
            if text and "SPDX-License-Identifier: MIT" not in "\n".join(text.splitlines()[:3]):
                yield path, 1, "no SPDX-License-Identifier line at the top"


def rule_head_comment(tree):
    """A C file says at its top what it is for."""
    for path in tree.c_files(("src/",)):
        first = tree.source(path).comments[:2]
        said = "".join(text for _, text in first if "SPDX" not in text or "\n" in text)
        if len(said) < 20 and not re.search(r"\bSee \S+\.h\b", said):
            yield path, 1, "no head comment that says what the file is for"


def rule_guards(tree):
    """src/net/route.h is guarded by NET_ROUTE_H, and needs no luck with names."""
    for path in tree.c_files():
        if not path.endswith(".h"):
            continue
        inside = path.split("/", 1)[1]
        guard = re.sub(r"[^A-Z0-9]", "_", inside.upper())
        short = re.sub(r"^(\w+?)_\1_", r"\1_", guard)  # rt/rt_internal.h
        code = tree.source(path).code
        found = re.search(r"#ifndef\s+(\w+)\s*\n\s*#define\s+(\w+)", code)
        if not found or found.group(1) != found.group(2):
            yield path, 1, f"no header guard ({guard})"
        elif path.startswith("src/") and found.group(1) not in (guard, short):
            yield path, 1, f"header guard {found.group(1)} should be {guard}"


def rule_machine_paths(tree):
    """No file knows whose machine it was written on."""
    pattern = re.compile(r"(?<![\w/.-])/(?:work/|home/[a-z]\w*/|root/|Users/)")
    for path, text in tree.files.items():
        if path.startswith("tests/lint/"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield path, number, "a path of one machine"


def rule_marks(tree):
    """What is unfinished is an issue, not a comment."""
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b")
    for path, text in tree.files.items():
        if path.startswith("tests/lint/"):
            continue
        if path.endswith((".c", ".h")):
            lines = [(n, c) for n, c in tree.source(path).comments]
        elif path.endswith(".md"):
            continue
        else:
            lines = [(n, l[l.index("#"):]) for n, l in enumerate(text.splitlines(), 1) if "#" in l]
        for number, comment in lines:
            if pattern.search(comment):
                yield path, number, "an unfinished mark"


def rule_whitespace(tree):
    """Files end with a newline, lines with their last character, and no line is indented by tabs."""
    for path, text in tree.files.items():
        if path.endswith(".md") or not text:
            continue
        if not text.endswith("\n"):
            yield path, text.count("\n") + 1, "no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line.endswith((" ", "\t")):
                yield path, number, "blanks at the end of the line"
            elif line.startswith("\t"):
                yield path, number, "indented with a tab"


def rule_compat_tests(tree):
    """The tests that docs/compat/ names are there; a name that goes on with … or * stands for those that begin so."""
    names = {os.path.basename(p)[:-3] for p in tree.paths if p.startswith("tests/") and p.endswith(".py")}
    for path, text in tree.files.items():
        if path.startswith("tests/") and path.endswith(".py"):
            names |= set(re.findall(r"^\s*(?:async )?def (test_\w+)", text, re.M))
    for path, text in tree.files.items():
        if not path.startswith("docs/compat/"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for name, more in re.findall(r"`(test_\w+)(?:\.py)?([…*]?)`", line):
                if name not in names and not (more and any(n.startswith(name) for n in names)):
                    yield path, number, f"there is no test {name}{more}"
            for named in re.findall(r"`(tests/[\w./-]+)`", line):
                if not any(p == named or p.startswith(named.rstrip("/") + "/") for p in tree.paths):
                    yield path, number, f"there is no {named}"


def rule_format(tree):
    """C files look as the pinned formatter leaves them."""
    tool = shutil.which("clang-format-14")
    files = tree.c_files()
    if not files:
        return
    if tool is None:
        print("lint: no clang-format-14 here, the format is not checked", file=sys.stderr)
        return
    run = subprocess.run([tool, "--dry-run", "--style=file", *files], cwd=tree.root, capture_output=True, text=True)
    seen = set()
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: warning:", run.stderr, re.M):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield match.group(1), int(match.group(2)), "not formatted: run ./dev fmt"


RULES = [
    rule_layers,
    rule_include_root,
    rule_libraries,
    rule_banned,
    rule_sql,
    rule_spdx,
    rule_head_comment,
    rule_guards,
    rule_machine_paths,
    rule_marks,
    rule_whitespace,
    rule_compat_tests,
    rule_format,
]


def long_files(tree):
    for path in tree.c_files(("src/",)):
        lines = tree.files[path].count("\n")
        if lines > LONG_FILE:
            yield path, 1, f"warning: {lines} lines; is this still one subject?"


def check(root, rules=RULES):
    tree = Tree(root)
    return [(path, line, text) for rule in rules for path, line, text in rule(tree)]


def main():
    args = argparse.ArgumentParser(description=__doc__)
    here = os.path.dirname(os.path.abspath(__file__))
    args.add_argument("root", nargs="?", default=os.path.dirname(os.path.dirname(here)))
    root = args.parse_args().root
    problems = check(root)
    for path, line, text in sorted(problems) + sorted(long_files(Tree(root))):
        print(f"{path}:{line}: {text}")
    print(f"lint: {len(problems)} problems" if problems else "lint: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
