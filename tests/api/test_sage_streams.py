# SPDX-License-Identifier: MIT
"""Managed runs: web-stream, resume, the list of active sessions, interrupt, and clients that vanish."""
import json
import socket
import threading
import time

import pytest

import sage
from fake_llm import Call, Hang, Reply
from sage import chat, open_stream, say, unique

WORDS = [f"w{n} " for n in range(60)]


def start_long(admin, bot, fake, session, delay=0.05, words=None):
    """Starts a managed run in a thread that reads it to its end; returns (thread, the stream's lines)."""
    agent, model = bot
    fake.script(model, Reply(words or WORDS, delay=delay))
    lines = []
    begun = threading.Event()

    def read():
        with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
            for line in stream:
                lines.append(line)
                begun.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(30)
    return thread, lines


def resume(client, session, index=0, **more):
    with open_stream(client, f"/api/stream/resume/{session}?last_index={index}", method="GET", **more) as stream:
        return stream.finish()


def test_a_managed_run_streams_as_chat_does(admin, bot, fake_llm):
    agent, model = bot
    body = {
        "messages": [{"role": "user", "content": "<enable_deep_thinking>false</enable_deep_thinking>Hi"}],
        "session_id": "session_1767000000123" + unique(""),
        "agent_mode": "simple",
        "more_suggest": False,
        "max_loop_count": 50,
        "agent_id": agent,
        "system_context": {"response_language": "en-US"},
    }
    run = chat(admin, body, path="/api/web-stream")
    assert run.text == f"Hello from {model}." and run.ended
    assert run.lines[-1]["total_stream_count"] == len(run.lines) - 1


def test_the_run_goes_on_when_its_client_leaves(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply(WORDS, delay=0.02))
    with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
    run = resume(admin, session)
    assert run.text == "".join(WORDS) and run.ended
    fake_llm.wait_answered(fake_llm.requests_for(model)[-1])
    assert "w59" in json.dumps(sage.history(admin, session))


def test_resume_from_any_index_has_no_gap_and_no_duplicate(admin, bot, fake_llm):
    session = unique("s")
    thread, lines = start_long(admin, bot, fake_llm, session)
    time.sleep(0.5)
    got = {}

    def read(index):
        got[index] = resume(admin, session, index).lines

    readers = [threading.Thread(target=read, args=(i,)) for i in (-5, 0, 1, 7, 30, 55)]
    for r in readers:
        r.start()
    for r in [*readers, thread]:
        r.join(30)
    for index, found in got.items():
        assert found == lines[max(index, 0) :], index
    assert lines[-1]["type"] == "stream_end"


def test_resume_just_after_the_end_still_replays(admin, bot):
    session = unique("s")
    first = chat(admin, say("Hi", bot[0], session), path="/api/web-stream")
    again = resume(admin, session)
    assert again.lines == first.lines


def test_resume_beyond_the_end_says_that_there_is_no_more(admin, bot):
    session = unique("s")
    first = chat(admin, say("Hi", bot[0], session), path="/api/web-stream")
    run = resume(admin, session, len(first.lines))
    (end,) = run.lines
    assert end["type"] == "stream_end" and end["resume_fallback"] is True and end["session_id"] == session
    assert "total_stream_count" not in end


def test_resume_of_a_plain_chat_falls_back(admin, bot):
    session = unique("s")
    chat(admin, say("Hi", bot[0], session))
    (end,) = resume(admin, session, 500).lines
    assert end["resume_fallback"] is True


def test_resume_of_an_unknown_session_is_empty(admin):
    assert resume(admin, unique("nobody")).raw == b""


def test_resume_of_another_users_run_shows_nothing(admin, user, bot):
    session = unique("s")
    chat(admin, say("Hi", bot[0], session), path="/api/web-stream")
    r = user().client.get(f"/api/stream/resume/{session}")
    assert r.status_code in (200, 403, 404, 500) and "Hello from" not in r.text


def test_resume_index_must_be_a_number(admin):
    sage.invalid(admin.get("/api/stream/resume/s-1?last_index=abc"), "query", "last_index")


def test_history_and_stream_index_fit_together(admin, bot, fake_llm):
    session = unique("s")
    thread, lines = start_long(admin, bot, fake_llm, session)
    time.sleep(0.4)
    seen = sage.history(admin, session)
    index = seen["next_stream_index"]
    said = "".join(m["content"] for m in seen["messages"] if m["role"] == "assistant")
    rest = resume(admin, session, index)
    thread.join(30)
    assert said + rest.text == "".join(WORDS) and lines[index:] == rest.lines
    assert sage.history(admin, session)["next_stream_index"] in (0, len(lines))


def test_a_quiet_managed_stream_has_heartbeats_that_are_not_counted(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply("Late.", first_delay=21))
    with open_stream(admin, "/api/web-stream", say("Hi", agent, session)) as stream:
        run = stream.finish()
    assert run.heartbeats == 1 and b": heartbeat\n\n" in run.raw and run.text == "Late."
    assert resume(admin, session, 1).lines == run.lines[1:]


def test_a_second_managed_run_replaces_the_first(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    thread, lines = start_long(admin, bot, fake_llm, session, delay=0.2)
    fake_llm.script(model, Reply("The second."))
    run = chat(admin, say("Another", agent, session), path="/api/web-stream")
    assert run.text == "The second." and run.ended
    thread.join(10)
    assert not thread.is_alive() and len(lines) < 40
    fake_llm.wait_gone(fake_llm.requests_for(model)[1])


# ----------------------------------------------------------------------------------------------------- active sessions


class Events:
    """Reads /api/stream/active_sessions in a thread."""

    def __init__(self, client):
        self.seen = []
        self.changed = threading.Condition()
        self.client = client
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with self.client.stream("GET", "/api/stream/active_sessions", headers={"accept": "text/event-stream"}) as r:
            assert r.headers["content-type"] == "text/event-stream; charset=utf-8"
            self.response = r
            try:
                for line in r.iter_lines():
                    if line.startswith("data: "):
                        with self.changed:
                            self.seen.append(json.loads(line[6:]))
                            self.changed.notify_all()
            except Exception:  # the test is over and the connection closed
                return

    def wait(self, test, timeout=30):
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen and test(self.seen[-1]), timeout), self.seen
            return self.seen[-1]


def test_active_sessions_follow_the_runs(server, admin, bot, fake_llm):
    session = unique("s")
    events = Events(server.login())
    events.wait(lambda items: session not in [i["session_id"] for i in items])
    thread, _ = start_long(admin, bot, fake_llm, session)
    items = events.wait(lambda items: session in [i["session_id"] for i in items])
    (item,) = [i for i in items if i["session_id"] == session]
    assert set(item) == {"session_id", "created_at", "is_completed", "status", "last_activity", "query"}
    assert item["is_completed"] is False and item["status"] == "running" and item["query"] == "Go"
    assert isinstance(item["created_at"], float) and isinstance(item["last_activity"], float)
    thread.join(30)
    events.wait(lambda items: session not in [i["session_id"] for i in items])


def test_active_sessions_begin_with_the_present_state_and_show_only_ones_own(server, admin, user, bot, fake_llm):
    session, nobody, myself = unique("s"), user().client, server.login()
    thread, _ = start_long(admin, bot, fake_llm, session, delay=0.2)
    stranger, own = Events(nobody), Events(myself)
    assert stranger.wait(lambda items: True) == []
    own.wait(lambda items: session in [i["session_id"] for i in items])
    admin.post(f"/api/sessions/{session}/interrupt")
    thread.join(30)


# ----------------------------------------------------------------------------------------------------------- interrupt


def test_interrupt_ends_a_run(admin, bot, fake_llm):
    session = unique("s")
    thread, lines = start_long(admin, bot, fake_llm, session, delay=0.2)
    r = admin.post(f"/api/sessions/{session}/interrupt", json={"message": "enough"})
    data = sage.full(r)
    assert data["session_id"] == session and data["user_id"] and r.json()["message"] == f"会话 {session} 已中断"
    thread.join(9)
    assert not thread.is_alive(), "the stream is still open"
    fake_llm.wait_gone(fake_llm.requests_for(bot[1])[-1])
    kept = [m for m in sage.history(admin, session)["messages"] if m["role"] == "assistant"]
    assert kept and kept[-1]["content"].startswith("w0 ")


def test_the_next_run_after_an_interrupt_starts_normally(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    thread, _ = start_long(admin, bot, fake_llm, session, delay=0.2)
    admin.post(f"/api/sessions/{session}/interrupt")
    fake_llm.script(model, Reply("Back again."))
    run = chat(admin, say("Hello?", agent, session), path="/api/web-stream")
    assert run.text == "Back again." and run.ended
    thread.join(5)


def test_interrupt_during_a_tool_call_leaves_a_history_that_can_go_on(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply("Wait. ", tool_calls=[Call("execute_shell_command", {"command": "sleep 30"}, id="c")]))
    with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "tool_call")
        time.sleep(0.5)
        began = time.monotonic()
        admin.post(f"/api/sessions/{session}/interrupt")
        stream.finish()
    assert time.monotonic() - began < 20
    fake_llm.script(model, Reply("I stopped."))
    assert chat(admin, say("And?", agent, session)).text == "I stopped."
    sent = fake_llm.requests_for(model)[-1].body["messages"]
    called = [c["id"] for m in sent for c in m.get("tool_calls") or []]
    answered = [m["tool_call_id"] for m in sent if m["role"] == "tool"]
    assert called == answered


def test_interrupt_of_an_idle_or_unknown_session_is_fine(admin):
    for body in ({}, {"content": b"null"}, {"content": b"{}"}, {"json": {"message": None}}):
        r = admin.post("/api/sessions/nobody/interrupt", **body)
        assert sage.full(r)["session_id"] == "nobody", body


def test_interrupt_works_on_a_direct_stream_too(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply(WORDS, delay=0.2))
    with open_stream(admin, "/api/stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        admin.post(f"/api/sessions/{session}/interrupt")
        began = time.monotonic()
        stream.finish()
    assert time.monotonic() - began < 5 and len(stream.lines) < 40


def test_another_user_cannot_interrupt(admin, user, bot, fake_llm):
    session = unique("s")
    thread, lines = start_long(admin, bot, fake_llm, session, delay=0.02)
    user().client.post(f"/api/sessions/{session}/interrupt")
    thread.join(30)
    assert lines[-1]["type"] == "stream_end" and "w59" in json.dumps(lines)


# ------------------------------------------------------------------------------------------------- slow and lost clients


def raw_request(server, token, path, body):
    """Sends a chat request on a plain socket and returns it."""
    data = json.dumps(body).encode()
    s = socket.create_connection(("127.0.0.1", server.port))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    s.sendall(head.encode() + data)
    return s


@pytest.mark.parametrize("count", [300])
def test_clients_that_vanish_leave_nothing_behind(start_server, fake_llm, count):
    running = start_server()
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    fake_llm.always(name, Reply("word " * 10000, delay=0.3))
    token = admin.headers["authorization"].split()[1]
    fibers, descriptors = running.metric("sluice_fibers"), running.descriptors()
    sockets = [raw_request(running, token, "/api/chat", say("Hi", agent, f"v-{n}")) for n in range(count)]
    deadline = time.monotonic() + 60
    while running.live_streams() < count and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running.live_streams() >= count
    for s in sockets:  # no goodbye: a reset
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        s.close()

    def nothing_left():
        quiet = running.live_streams() == 0 and running.live_runs() == 0
        return quiet and running.descriptors() <= descriptors + 30 and running.metric("sluice_fibers") <= fibers + 5

    deadline = time.monotonic() + 40
    while not nothing_left() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert running.live_streams() == 0 and running.live_runs() == 0
    assert running.descriptors() <= descriptors + 30 and running.metric("sluice_fibers") <= fibers + 5
    watched = [r for r in fake_llm.requests_for(name) if r.body.get("tools")]
    deadline = time.monotonic() + 20
    while not all(r.gone for r in watched) and time.monotonic() < deadline:  # the provider notices when it next writes
        time.sleep(0.1)
    assert watched and all(r.gone for r in watched)


def test_a_client_that_does_not_read_is_no_trouble_to_others(server, admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    big = ["x" * 10000] * 400
    fake_llm.script(model, Reply(big))
    token = admin.headers["authorization"].split()[1]
    lazy = raw_request(server, token, "/api/web-stream", say("Go", agent, session))
    fake_llm.wait_for(model, 2)
    run = resume(admin, session, timeout=60)
    assert len(run.text) == 4_000_000 and run.ended
    lazy.close()


def test_a_stop_cancels_runs_and_marks_them(start_server, fake_llm):
    running = start_server()
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    fake_llm.script(name, Reply("word " * 10000, delay=0.1))
    session = unique("s")
    with open_stream(admin, "/api/web-stream", say("Go", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        data = running.data
        began = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - began < 25
    again = start_server(data=data)
    messages = sage.history(again.login(), session)["messages"]
    assert messages[0]["content"] == "Go" and "word" in messages[1]["content"]


def test_a_resume_after_a_restart_sends_the_client_to_the_history(start_server, fake_llm):
    running = start_server()
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    session = unique("s")
    first = chat(admin, say("Hi", agent, session), path="/api/web-stream")
    assert running.stop() == 0
    admin = start_server(data=running.data).login()
    (end,) = resume(admin, session).lines
    assert end["type"] == "stream_end" and end["resume_fallback"] is True
    assert [m["content"] for m in sage.history(admin, session)["messages"]] == ["Hi", first.text]


def test_a_hanging_model_does_not_hold_up_the_stop(start_server, fake_llm):
    running = start_server()
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    fake_llm.script(name, Hang())
    agent = sage.agent(admin, provider_id)
    token = admin.headers["authorization"].split()[1]
    s = raw_request(running, token, "/api/chat", say("Hi", agent))
    fake_llm.wait_for(name, 2)
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 25
    s.close()
