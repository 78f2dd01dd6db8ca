# SPDX-License-Identifier: MIT
"""The catalogue of Sage's messages against the code that names them: no code without a text, no text without use."""
import pathlib
import re

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
ROW = re.compile(r'^\s*\{"([a-z_]+\.[a-z_]+)", *(.*)$', re.M)
CODE = re.compile(r'"([a-z_]+\.[a-z_]+)"')
CALL = re.compile(r"\b(?:sage_(?:ok|ok_written|ok_trimmed|soft_error|soft_error_trimmed|error)|locale_text|fail_code|owned"
                  r"|sage_own_conversation|answer_id|model_missing)\s*\(")

# Where the failures that reach a caller of this face come from.
BELOW = ["agent/chat.c", "agent/edit.c", "agent/resolve.c", "store/hub.c", "model/agent.c", "model/conversation.c", "model/turn.c",
         "auth/login.c", "tool/registry.c"]


def catalogue():
    return [m.group(1) for m in ROW.finditer((SRC / "face/sage/messages.c").read_text())]


def arguments(text, start):
    """The text of a call's arguments: up to the parenthesis that closes it, strings skipped."""
    depth, i = 1, start
    while depth:
        if text[i] == '"':
            i = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, i).end()
            continue
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        i += 1
    return text[start:i]


def named(path):
    text = path.read_text()
    return {code for m in CALL.finditer(text) for code in CODE.findall(arguments(text, m.end()))}


def test_the_rows_are_sorted_and_unique():
    rows = catalogue()
    assert len(rows) > 80 and rows == sorted(set(rows))


def test_every_code_that_is_answered_has_a_text():
    files = [*(SRC / "face/sage").glob("*.c"), *(SRC / name for name in BELOW)]
    # what providers say ("llm.…") has sentences of its own
    missing = {code: path.name for path in files for code in named(path) if not code.startswith("llm.")}
    assert len(missing) > 60
    for code in catalogue():
        missing.pop(code, None)
    assert not missing


def test_every_text_is_used():
    used = set()
    for path in SRC.rglob("*.c"):
        if path.name != "messages.c":
            used |= set(CODE.findall(path.read_text()))
    assert [code for code in catalogue() if code not in used] == []
