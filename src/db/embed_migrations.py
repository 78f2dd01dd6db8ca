#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes migrations.c: the SQL files given, in order, as one table.  Names are NNNN_name.sql."""
import os
import re
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
rows, seen = [], 0
for path in files:
    match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", os.path.basename(path))
    if not match:
        sys.exit(f"{path}: a migration is named NNNN_name.sql")
    number = int(match[1])
    if number != seen + 1:
        sys.exit(f"{path}: migrations are numbered without gaps, {seen + 1} is next")
    seen = number
    with open(path, "rb") as f:
        data = f.read()
    text = ", ".join(str(b) for b in data + b"\0")
    rows.append((number, match[2], text))

with open(out, "w") as f:
    f.write("/* Made by embed_migrations.py. */\n#include \"db/db_internal.h\"\n\n")
    for number, name, text in rows:
        f.write(f"static const char sql_{number}[] = {{{text}}};\n")
    f.write("\nconst migration migrations[] = {\n")
    for number, name, _ in rows:
        f.write(f"    {{{number}, \"{name}\", sql_{number}}},\n")
    f.write("};\nconst size_t migrations_count = sizeof migrations / sizeof migrations[0];\n")
