# SPDX-License-Identifier: MIT
"""Stopping and starting: what a signal does to requests and runs, and what a start says when it cannot."""
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

import databases
import langflow
import sage
import server as servers
from fake_llm import Hang, Reply
from fixtures import create_key
from sage import open_stream, say, unique

NO_ADMIN = {"SLUICE_ADMIN_USERNAME": "", "SLUICE_ADMIN_PASSWORD": ""}


def settings(grace):
    return {"SLUICE_SHUTDOWN_GRACE": grace}


def talk(running, fake, reply):
    """(admin, agent, session) whose next answer is `reply`."""
    admin = running.login()
    provider_id, name = sage.provider(admin, fake)
    fake.script(name, reply)
    return admin, sage.agent(admin, provider_id), unique("s")


def run_row(running, session):
    """Status and error of the session's only run, as the database has them."""
    (row,) = running.rows(f"SELECT status, error FROM run WHERE session_id = '{session}'")
    return row


def ask_to_stop(running, number=signal.SIGTERM):
    running.process.send_signal(number)
    return time.monotonic()


def wait_for_end(running, timeout=25):
    status = running.process.wait(timeout)
    running.process = None
    running.check_log()
    return status


def wait_until_refused(running, timeout=10):
    """Until nothing is accepted any more."""
    end = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=2).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < end, "connections are still accepted"
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
def test_a_followed_run_may_finish_within_the_grace(start_server, fake_llm, path):
    running = start_server(env=settings("15s"))
    admin, agent, session = talk(running, fake_llm, Reply("one two three four five six seven eight", delay=0.15))
    with open_stream(admin, path, say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        began = ask_to_stop(running)
        stream.finish()
        assert stream.text == "one two three four five six seven eight" and stream.ended
    assert wait_for_end(running) == 0
    assert time.monotonic() - began < 10, "it waited longer than the run did"
    assert run_row(running, session) == ("completed", None)


def test_a_managed_run_that_nobody_follows_gets_the_grace_as_well(start_server, fake_llm):
    running = start_server(env=settings("15s"))
    admin, agent, session = talk(running, fake_llm, Reply("one two three four five six seven eight", delay=0.15))
    with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
    ask_to_stop(running)
    assert wait_for_end(running) == 0
    assert run_row(running, session) == ("completed", None)


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("reply", [Reply("word " * 10000, delay=0.1), Reply("word " * 20, stall_after=5)], ids=["long", "hangs"])
def test_a_run_that_takes_longer_than_the_grace_is_interrupted_and_stored(start_server, fake_llm, path, reply):
    running = start_server(env=settings("1s"))
    admin, agent, session = talk(running, fake_llm, reply)
    with open_stream(admin, path, say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        began = ask_to_stop(running)
        stream.finish()  # the body comes to its end: a connection that is cut raises
    assert wait_for_end(running) == 0
    assert 0.9 < time.monotonic() - began < 20
    assert run_row(running, session)[0] == "interrupted"
    again = start_server(data=running.data)
    messages = sage.history(again.login(), session)["messages"]
    assert messages[0]["content"] == "Go" and "word" in messages[1]["content"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("grace, status", [("15s", "completed"), ("1s", "interrupted")])
def test_flows_have_the_same_grace(start_server, fake_llm, stream, grace, status):
    running = start_server(env=settings(grace))
    _, name = sage.provider(running.login(), fake_llm)
    client, session = running.client(key=create_key(running, "langflow")), unique("s")
    made = client.post("/api/v1/flows/", json=langflow.chat_flow(name)).json()
    fake_llm.script(name, Reply("one two three four five six", delay=0.3))
    result = {}

    def run():
        where = {"stream": "true"} if stream else {}
        result["r"] = client.post(f"/api/v1/run/{made['id']}", params=where, json={"input_value": "x", "session_id": session})

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    fake_llm.wait_for(name, 2)
    ask_to_stop(running)
    assert wait_for_end(running) == 0
    thread.join(20)
    assert result["r"].status_code == (200 if stream or status == "completed" else 500), result["r"].text
    assert ("five six" in result["r"].text or '"six"' in result["r"].text) == (status == "completed"), result["r"].text
    assert run_row(running, session)[0] == status


def test_a_model_that_never_answers_does_not_hold_up_the_stop(start_server, fake_llm):
    running = start_server(env=settings("1s"))
    admin, agent, session = talk(running, fake_llm, Hang())
    done = threading.Event()

    def ask():
        with open_stream(admin, "/api/chat", say("Go", agent, session)) as stream:
            stream.finish()
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    deadline = time.monotonic() + 10
    while running.live_runs() == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    began = ask_to_stop(running)
    assert wait_for_end(running) == 0
    assert time.monotonic() - began < 20 and done.wait(20), "the stream had no proper end"
    assert run_row(running, session)[0] == "interrupted"


def test_an_idle_server_stops_at_once_and_reports_no_held_loop(start_server):
    running = start_server(env=settings("20s"))
    admin = running.login()
    with admin.stream("GET", "/api/stream/active_sessions") as events:  # a browser that is open
        lines = events.iter_lines()
        assert next(lines) == "data: []"
        time.sleep(0.5)
        began = ask_to_stop(running)
        with pytest.raises(Exception):
            while True:
                next(lines)
    assert wait_for_end(running) == 0
    assert time.monotonic() - began < 15
    held = [int(ms) for ms in re.findall(r"loop held ms=(\d+)", running.log())]  # a busy machine takes its time
    assert max(held, default=0) < 1000, running.log()


def test_nothing_is_accepted_any_more(start_server, fake_llm):
    running = start_server(env=settings("15s"))
    refused = threading.Event()
    admin, agent, session = talk(running, fake_llm, Reply("one two three four five six seven eight", gates={5: refused}))
    with open_stream(admin, "/api/chat", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        ask_to_stop(running)
        wait_until_refused(running)
        refused.set()  # what runs goes on
        stream.finish()
        assert stream.ended
    assert wait_for_end(running) == 0


def test_the_second_signal_ends_it_at_once(start_server, fake_llm):
    running = start_server(env=settings("60s"))
    admin, agent, session = talk(running, fake_llm, Reply("word " * 10000, delay=0.1))
    with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        ask_to_stop(running)
        wait_until_refused(running)
        assert running.alive()
        began = ask_to_stop(running, signal.SIGINT)
        assert wait_for_end(running) == 128 + signal.SIGINT
        assert time.monotonic() - began < 15
    again = start_server(data=running.data)
    assert run_row(again, session)[0] == "interrupted"
    assert sage.history(again.login(), session)["messages"][0]["content"] == "Go"


def test_a_stop_before_it_is_ready_is_no_failure_and_loses_no_password(tmp_path):
    """Whenever it comes: an admin that was made was told."""
    for n in range(12):
        data = tmp_path / f"d{n}"
        env = servers.environment(**{**databases.settings(data), **NO_ADMIN})
        command = [servers.binary(), "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(0.015 * n)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGTERM), said  # the latter: before it could listen to signals
        assert "cannot start" not in said, said
        try:
            made = databases.rows(data, "SELECT count(*) FROM users") == [("1",)]
        except (sqlite3.OperationalError, RuntimeError):  # no database yet
            made = False
        assert made == ("with the password" in said), said


# ---------------------------------------------------------------------------------------------------------------- starting


def test_nested_data_directories_are_made_for_the_owner_only(start_server, tmp_path):
    data = tmp_path / "a" / "b" / "c"
    running = start_server(data=data)
    assert running.stop() == 0
    for folder in (data, data.parent, data.parent.parent):
        assert os.stat(folder).st_mode & 0o777 == 0o700, folder


def test_a_data_directory_that_cannot_be_made_is_said_clearly(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        made = servers.run("serve", "--data", data, "--listen", "127.0.0.1:0", timeout=20)
        assert made.returncode != 0 and str(data) in made.stderr and "Not a directory" in made.stderr, made.stderr


def test_an_address_in_use_is_said_once_and_plainly(server, tmp_path):
    made = servers.run("serve", "--data", tmp_path / "d", "--listen", f"127.0.0.1:{server.port}", timeout=20)
    assert made.returncode == 1
    assert made.stderr.count("cannot listen on") == 1 and "already in use" in made.stderr, made.stderr


@databases.sqlite_only
def test_a_start_that_fails_after_the_admin_was_made_has_told_the_password(tmp_path):
    data = tmp_path / "d"
    running = servers.Server(data, env=NO_ADMIN).start()
    assert running.stop() == 0
    with sqlite3.connect(data / "sluice.db") as db:  # an empty database whose second step at the start fails
        db.execute("DELETE FROM users")
        db.execute("CREATE TRIGGER refuse BEFORE INSERT ON provider BEGIN SELECT RAISE(ABORT, 'refused'); END")
        db.execute("DELETE FROM provider")
    made = servers.run("serve", "--data", data, "--listen", "127.0.0.1:0", timeout=20, env=NO_ADMIN)
    assert made.returncode == 1 and "cannot start" in made.stderr, made.stdout + made.stderr
    found = re.search(r"administrator (\S+) with the password (\S+)", made.stdout)
    assert found, made.stdout
    with sqlite3.connect(data / "sluice.db") as db:
        db.execute("DROP TRIGGER refuse")
    running = servers.Server(data, env=NO_ADMIN).start()
    try:
        assert found.group(2) not in running.log()
        assert running.login(found.group(1), found.group(2)).get("/api/agent/list").status_code == 200
        assert running.stop() == 0
    finally:
        running.kill()


def test_the_welcome_tells_the_password_too(tmp_path):
    running = servers.Server(tmp_path / "d", env=NO_ADMIN, args=["--welcome"]).start()
    try:
        assert len(re.findall(r"with the password (\S{12,}) \(shown this once\)", running.log())) == 1, running.log()
        assert running.stop() == 0
    finally:
        running.kill()
