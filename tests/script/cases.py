# SPDX-License-Identifier: MIT
"""Reads files of cases: scripts with what must become of them.

    //# a sentence that says what holds
    //@ input {"n": 1}
    //> 2
    return data.input.n + 1

`//>` is the JSON of the value.  `//!` is how else it may end, a status or several (throw|memory), and after a colon a part of the
message.  `//@` sets something: input, auth, env, aliases, last_poll, files (a list of {field, name, mime, text or size, list}), warn,
check, wall, cpu, memory, log (a text that one log line must have), request (a part of the requests made: {method, url, body, headers}),
response ({status, headers, body, error} or a list of them, used one after the other; else requests are echoed), only (runner or http),
kind (of the script; an action when it is not said).  `//@ like` is everything that the case before it says.
"""
import copy
import dataclasses
import glob
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = {"input", "auth", "env", "aliases", "last_poll", "files", "warn", "check", "wall", "cpu", "memory", "log", "request", "response",
        "only", "line", "file", "kind"}


@dataclasses.dataclass
class Case:
    name: str
    code: str = ""
    value: object = None
    has_value: bool = False
    statuses: tuple = ()
    message: str = ""
    set: dict = dataclasses.field(default_factory=dict)
    logs: list = dataclasses.field(default_factory=list)


def read(path, replace=lambda line: line):
    """`replace` changes lines before they are read."""
    cases = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(map(replace, f), 1):
            if line.startswith("//# "):
                cases.append(Case(line[4:].strip()))
            elif not cases:
                continue  # the head of the file
            elif line.startswith("//> "):
                cases[-1].value, cases[-1].has_value = json.loads(line[4:]), True
            elif line.startswith("//! "):
                statuses, _, cases[-1].message = line[4:].strip().rstrip(":").partition(": ")
                cases[-1].statuses = tuple(statuses.split("|"))
            elif line.rstrip() == "//@ like":
                cases[-1] = dataclasses.replace(copy.deepcopy(cases[-2]), name=cases[-1].name, code="")
            elif line.startswith("//@ "):
                key, _, value = line[4:].strip().partition(" ")
                assert key in KEYS, f"{path}:{number}: {key}"
                if key == "log":
                    cases[-1].logs.append(json.loads(value))
                else:
                    cases[-1].set[key] = json.loads(value) if value else True
            else:
                cases[-1].code += line
    for case in cases:
        case.code = case.code.strip("\n")
        assert case.has_value or case.statuses, f"{path}: {case.name}: nothing is expected"
    assert len({c.name for c in cases}) == len(cases), f"{path}: two cases have one name"
    return cases


def all_cases(*names):
    """[(id, case)] of the files data/NAME.js, or of every one."""
    paths = [os.path.join(HERE, "data", n + ".js") for n in names] or sorted(glob.glob(os.path.join(HERE, "data", "*.js")))
    return [(f"{os.path.basename(p)[:-3]}: {c.name}", c) for p in paths for c in read(p)]


def check_ending(case, status, message, value):
    """Whether a run ended as the case says, over whatever way it ran."""
    said = f"{status}: {message} {value!r}"
    if case.has_value and not case.statuses:
        assert status == "done", said
    if not (case.has_value and status == "done"):
        assert status in case.statuses, said
        assert case.message in message, said
    elif case.has_value:
        assert same(value, case.value), f"{json.dumps(value, ensure_ascii=False)} is not {json.dumps(case.value, ensure_ascii=False)}"


def same(a, b):
    """As ==, but true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def input_bytes(spec):
    return spec["text"].encode() if "text" in spec else bytes(spec["size"])
