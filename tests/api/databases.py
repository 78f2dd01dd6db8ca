# SPDX-License-Identifier: MIT
"""The database of a test server: SQLite in its data directory, or, with SLUICE_TEST_DB=postgres, a database of its own in the
PostgreSQL that tests/postgres.sh has started."""
import contextlib
import hashlib
import os
import sqlite3
import subprocess

import pytest

POSTGRES = os.environ.get("SLUICE_TEST_DB") == "postgres"
_made = {}  # data directory -> address

sqlite_only = pytest.mark.skipif(POSTGRES, reason="this is about the file of SQLite")


def _psql(url, sql):
    command = ["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-P", "null=\\N", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
    made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    return made.stdout.removesuffix("\n").removesuffix("\x1e")


def _url(data):
    """The database of this data directory; made when it is asked for the first time."""
    data = os.path.abspath(data)
    if data not in _made:
        base = os.environ.get("SLUICE_TEST_POSTGRES")
        if not base:
            raise RuntimeError("SLUICE_TEST_DB=postgres needs a server: sh tests/postgres.sh COMMAND")
        name = "t" + hashlib.sha256(f"{os.getpid()} {data}".encode()).hexdigest()[:20]
        address, _, query = base.partition("?")
        _psql(base, f"CREATE DATABASE {name}")
        _made[data] = f"{address.rsplit('/', 1)[0]}/{name}?{query}"
    return _made[data]


def name(data):
    return _url(data).partition("?")[0].rsplit("/", 1)[1]


def admin(sql):
    """A statement from outside the databases of the servers."""
    _psql(os.environ["SLUICE_TEST_POSTGRES"], sql)


def settings(data):
    """What a server with this data directory needs in its environment."""
    return {"SLUICE_DB_URL": _url(data)} if POSTGRES and data else {}


def rows(data, sql):
    if POSTGRES:
        out = _psql(_url(data), sql)
        split = [tuple(None if v == "\\N" else v for v in row.split("\x1f")) for row in out.split("\x1e")]
        return split if out else []
    with sqlite3.connect(f"file:{data}/sluice.db?mode=ro", uri=True) as db:
        return [tuple(None if v is None else str(v) for v in row) for row in db.execute(sql).fetchall()]


def check(data):
    """That the database is sound."""
    if not POSTGRES:  # PostgreSQL's own pages are its own business
        assert rows(data, "PRAGMA quick_check") == [("ok",)]


@contextlib.contextmanager
def locked(data):
    """A writer beside the running server: until it goes, the server's writes wait.  Yields its connection."""
    with contextlib.closing(sqlite3.connect(f"{data}/sluice.db", timeout=10, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("ROLLBACK")


def change(data, sql):
    """A write beside the running server, for what no API makes."""
    if POSTGRES:
        _psql(_url(data), sql)
        return
    with sqlite3.connect(f"{data}/sluice.db", timeout=10) as db:
        db.execute(sql)
