#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that every lint rule fires: a small tree with one mistake must be reported, and the same tree without it not."""
import os
import shutil
import subprocess
import sys
import tempfile

import lint

HEAD = "/* SPDX-License-Identifier: MIT */\n/*\n * A file of the self-test, with a comment that is long enough.\n */\n"
GOOD = {
    "src/base/str.h": HEAD + "#ifndef BASE_STR_H\n#define BASE_STR_H\n\nint str_len(void);\n\n#endif\n",
    "src/base/str.c": HEAD + '#include "base/str.h"\n\nint str_len(void)\n{\n    return 1;\n}\n',
    "src/model/agent.h": HEAD + "#ifndef MODEL_AGENT_H\n#define MODEL_AGENT_H\n#endif\n",
    "src/model/agent.c": HEAD + '#include "base/str.h"\n\nconst char *agent_sql = "SELECT id FROM agents";\n',
    "src/face/sage/face.h": HEAD + "#ifndef FACE_SAGE_FACE_H\n#define FACE_SAGE_FACE_H\n#endif\n",
    "src/face/shared.h": HEAD + "#ifndef FACE_SHARED_H\n#define FACE_SHARED_H\n#endif\n",
    "src/face/sage/chat.c": HEAD + '#include "face/sage/face.h"\n#include "face/shared.h"\n#include "model/agent.h"\n',
    "src/agent/loop.h": HEAD + "#ifndef AGENT_LOOP_H\n#define AGENT_LOOP_H\n#endif\n",
    "src/main.c": HEAD + '#include "face/sage/face.h"\n',
}
GOOD["tests/api/test_one.py"] = "# SPDX-License-Identifier: MIT\ndef test_it_works(server):\n    assert server\n"
GOOD["docs/compat/one.md"] = "`test_one.py`, `test_it_works`, `test_it_…`, `tests/api/`, `tests/api/test_one.py`, `test_*`\n"
# Not a mistake although it looks like one.
GOOD["src/base/fine.c"] = (
    HEAD
    + '#include <stdio.h>\n\n/* strcpy() is banned, and so is this in a string: */\nconst char *fine_text = "atoi(x) SELECT";\n'
)

# rule -> (path, text) of the mistakes it must find
BAD = {
    lint.rule_layers: [
        ("src/base/up.c", HEAD + '#include "model/agent.h"\n'),
        ("src/model/up.c", HEAD + '#include "agent/loop.h"\n'),
        ("src/flow/side.c", HEAD + '#include "agent/loop.h"\n'),
        ("src/agent/up.c", HEAD + '#include "face/shared.h"\n'),
        ("src/face/langbot/chat.c", HEAD + '#include "face/sage/face.h"\n'),
        ("src/face/shared.c", HEAD + '#include "face/sage/face.h"\n'),
        ("src/misc/x.c", HEAD + "int misc_x;\n"),
    ],
    lint.rule_include_root: [("src/base/beside.c", HEAD + '#include "str.h"\n')],
    lint.rule_libraries: [
        ("src/model/raw.c", HEAD + "#include <sqlite3.h>\n"),
        ("src/llm/raw.c", HEAD + "#include <curl/curl.h>\n"),
    ],
    lint.rule_banned: [
        (f"src/base/{name}_user.c", HEAD + f"int banned_use(char *b)\n{{\n    return (int){name}(b);\n}}\n")
        for name in lint.BANNED
    ],
    lint.rule_sql: [
        ("src/face/sage/sql.c", HEAD + 'const char *q = "SELECT id FROM users";\n'),
        ("src/agent/sql.c", HEAD + 'const char *q = "UPDATE agents SET name = $1";\n'),
        ("src/tool/sql.c", HEAD + 'const char *q = "DELETE FROM agents";\n'),
        ("src/auth/sql.c", HEAD + 'const char *q = "INSERT INTO users VALUES ($1)";\n'),
    ],
    lint.rule_spdx: [("src/base/nolicence.c", "/*\n * Something or other, well described.\n */\nint nolicence;\n")],
    lint.rule_head_comment: [("src/base/silent.c", "/* SPDX-License-Identifier: MIT */\nint silent;\n")],
    lint.rule_guards: [
        ("src/base/bare.h", HEAD + "int bare;\n"),
        ("src/base/other.h", HEAD + "#ifndef OTHER_H\n#define OTHER_H\n#endif\n"),
    ],
    lint.rule_machine_paths: [("docs/path.md", "Look in /home/ann/sluice/build for it.\n")],
    lint.rule_marks: [("src/base/later.c", HEAD + "int later; /* TODO: finish */\n"), ("x.sh", "# FIXME later\n")],
    lint.rule_whitespace: [
        ("src/base/blank.c", HEAD + "int blank; \n"),
        ("src/base/tab.c", HEAD + "int tab(void)\n{\n\treturn 1;\n}\n"),
        ("src/base/end.c", HEAD + "int end;"),
    ],
    lint.rule_compat_tests: [
        ("docs/compat/two.md", "| a row | `test_it_worked` |\n"),
        ("docs/compat/three.md", "`test_two.py`\n"),
        ("docs/compat/four.md", "`test_that_…`\n"),
        ("docs/compat/five.md", "`tests/api/test_two.py`\n"),
    ],
    lint.rule_format: [("src/base/ugly.c", HEAD + "int   ugly( int a ){return a;}\n")],
}


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


def found(files, rule):
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        style = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".clang-format")
        if os.path.exists(style):
            shutil.copy(style, os.path.join(root, ".clang-format"))
        return [path for path, _, _ in lint.check(root, [rule])]


def main():
    mistakes = 0
    if missing := [rule.__name__ for rule in lint.RULES if rule not in BAD]:
        print(f"rules without a self-test: {missing}")
        mistakes += 1
    for rule, cases in BAD.items():
        if rule is lint.rule_format and shutil.which("clang-format-14") is None:
            continue
        if reported := found(GOOD, rule):
            print(f"{rule.__name__} complains about a good tree: {reported}")
            mistakes += 1
        for path, text in cases:
            if path not in found({**GOOD, path: text}, rule):
                print(f"{rule.__name__} overlooks {path}")
                mistakes += 1
    # The command itself has to fail, not only the function.
    with tempfile.TemporaryDirectory() as root:
        write(root, {**GOOD, "src/base/up.c": HEAD + '#include "model/agent.h"\n'})
        if subprocess.run([sys.executable, lint.__file__, root], capture_output=True, check=False).returncode != 1:
            print("lint.py accepts a layer violation")
            mistakes += 1
    print(f"lint self-test: {mistakes} mistakes" if mistakes else "lint self-test: every rule fires")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
