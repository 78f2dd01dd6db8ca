# SPDX-License-Identifier: MIT
"""kill -9 during writes and runs, again and again: every acknowledged write is there, interrupted runs are marked."""
import os
import random

import pytest

import crash
import databases
import sage
from fake_llm import Reply

ROUNDS = int(os.environ.get("SLUICE_CRASH_ROUNDS", "10"))


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_every_acknowledged_write_survives_kill(start_server, fake_llm, tmp_path):
    data = tmp_path / "data"
    names = crash.set_up(start_server, data, fake_llm)
    ledger = crash.Ledger()
    interrupted = 0
    for n in range(ROUNDS):
        crash.round_of(start_server, data, ledger, fake_llm, names, random.uniform(0.1, 1.5))
        running = start_server(data=data)
        crash.check(running, ledger, names[2])
        interrupted = crash.check_file(running)
        if n % 10 == 9 or n == ROUNDS - 1:
            # now and then the books begin anew, so that checking does not become most of the work
            print(f"round {n + 1}: {ledger.writes} acknowledged writes, {interrupted} interrupted runs")
            ledger = crash.Ledger() if n < ROUNDS - 1 else ledger
        assert running.stop() == 0
    assert ledger.writes > 0 and interrupted > 0, "nothing was going on when the server was killed"


def test_an_interrupted_run_is_marked_and_its_session_goes_on(start_server, fake_llm, tmp_path):
    data = tmp_path / "data"
    agent, model, _ = crash.set_up(start_server, data, fake_llm)
    running = start_server(data=data)
    session = sage.unique("s")
    fake_llm.script(model, Reply("word " * 1000, delay=0.02))
    with sage.open_stream(running.login(), "/api/web-stream", sage.say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        running.kill()
    again = start_server(data=data)
    assert crash.check_file(again) == 1
    admin = again.login()
    assert sage.history(admin, session)["messages"][0]["content"] == "Go"
    with admin.stream("GET", "/api/stream/active_sessions") as r:
        assert next(r.iter_lines()) == "data: []"
    fake_llm.script(model, Reply("Here again."))
    assert sage.chat(admin, sage.say("Still there?", agent, session)).text == "Here again."
    sent = [m["content"] for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] == "user"]
    assert len(sent) >= 1 and "Still there?" in sent[-1]


def test_a_kill_during_the_first_start_leaves_nothing_half(start_server, tmp_path):
    import subprocess
    import time

    import server as servers

    for n in range(6):
        data = tmp_path / f"d{n}"
        command = [servers.binary(), "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        process = subprocess.Popen(command, env=servers.environment(**databases.settings(data)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02 * (n + 1) ** 1.5)
        process.kill()
        process.wait()
        running = start_server(data=data)
        assert sage.full(running.login().get("/api/agent/list")) == []
        assert running.stop() == 0
