# SPDX-License-Identifier: MIT
"""A PostgreSQL that drops connections or is not there for a while."""
import time

import pytest

import databases
import sage
from fake_llm import Reply
from sage import open_stream, say, unique

pytestmark = pytest.mark.skipif(not databases.POSTGRES, reason="this needs SLUICE_TEST_DB=postgres")


def drop_connections(data):
    others = "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    dropped = {pid for pid, _ in databases.rows(data, f"SELECT pid, pg_terminate_backend(pid) {others}")}
    end = time.monotonic() + 20
    while dropped & {pid for (pid,) in databases.rows(data, f"SELECT pid {others}")}:  # what they do until then may or may not be done
        assert time.monotonic() < end, "they do not end"
        time.sleep(0.05)
    time.sleep(0.1)


class Outage:
    """The database of `data` refuses and ends all connections."""

    def __init__(self, data):
        self.data = data

    def __enter__(self):
        self.allow("false")
        drop_connections_from_outside(self.data)
        return self

    def __exit__(self, *why):
        self.allow("true")

    def allow(self, how):
        databases.admin(f"ALTER DATABASE {databases.name(self.data)} ALLOW_CONNECTIONS {how}")


def drop_connections_from_outside(data):
    databases.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{databases.name(data)}'")


def test_connections_that_the_database_drops_are_replaced(start_server):
    running = start_server()
    admin = running.login()
    kept = sage.agent(admin)
    for _ in range(5):
        drop_connections(running.data)
        assert sage.full(admin.get(f"/api/agent/{kept}"))["id"] == kept
        drop_connections(running.data)
        sage.agent(admin)
    assert running.stop() == 0


def test_an_outage_is_told_and_over_when_it_is_over(start_server, fake_llm):
    running = start_server()
    admin = running.login()
    provider_id, model = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider_id), unique("s")
    fake_llm.script(model, Reply("one two three four", delay=0.4))
    with open_stream(admin, "/api/chat", say("Hi", agent, session), timeout=60) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        with Outage(running.data):
            began = time.monotonic()
            r = admin.get("/api/agent/list", timeout=60)
            assert r.status_code >= 500 and r.json()["message"], r.text
            r = admin.post("/api/agent/create", json={"name": unique("a"), "maxLoopCount": 1}, timeout=60)
            assert r.status_code >= 500 and r.json()["message"], r.text
            assert time.monotonic() - began < 50
            assert sage.full(admin.get("/api/health"))
            stream.finish()
            assert stream.ended
    deadline = time.monotonic() + 15
    while admin.get("/api/agent/list").status_code != 200:
        assert time.monotonic() < deadline, "it does not come back"
        time.sleep(0.2)
    fake_llm.script(model, Reply("Here again."))
    assert sage.chat(admin, say("Again", agent, session)).text == "Here again."
    assert running.live_runs() == 0 and running.stop() == 0
