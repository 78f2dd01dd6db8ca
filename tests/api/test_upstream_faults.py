# SPDX-License-Identifier: MIT
"""What the model server does wrong, seen through the whole server: the user is told, the stream has a proper end, the turn is
stored for what it was, and an interrupt works at every moment."""
import json
import threading
import time

import pytest

import sage
from fake_llm import Call, FakeLLM, Fail, Hang, Raw, Reply
from sage import chat, open_stream, say, unique

SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
CALL = Call("glob", {"pattern": "*" + "x" * 200}, id="half", fragments=8)


def run_row(server, session):
    return server.rows(f"SELECT status, error FROM run WHERE session_id = '{session}' ORDER BY started_at")[-1]


def told(run):
    """The text of the chunk that says what went wrong."""
    chunks = run.of("final_answer") + run.of("agent_execution_error") + run.of("error")
    assert len(chunks) == 1 and chunks[0]["role"] == "assistant" and chunks[0]["session_id"], run.lines
    return chunks[0]["content"]


# Faults that end the turn, each as the answers of the model server, and what of the answer was seen before.
FATAL = {
    "400": (Fail(400, "no such thing as this"), ""),
    "401": (Fail(401, "bad key"), ""),
    "quota": (Fail(429, "insufficient quota", code="insufficient_quota"), ""),
    "error body that is no JSON": (Fail(400, body=b"\xff\xfe<html>" * 1000), ""),
    "truncated": (Reply("one two three four five", truncate_after=3), "one two "),
    "truncated in a call": (Reply("one ", tool_calls=[CALL], truncate_after=4), "one "),
    "disconnected": (Reply("one two three four five", disconnect_after=3), "one two "),
    "error in the stream": (Raw(SSE + b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'), None),
    "an event without end": (Reply(["one ", "y" * 20_000_000]), None),
    "garbage in the stream": (Reply("one two three", garbage_after=3), "one two "),
    "a web page": (Raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>"), ""),
    "a list": (Raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]"), ""),
    "an end without an answer": (Raw(SSE + b"data: [DONE]\n\n"), ""),
    "half a line": (Raw(SSE + b"data: " + b"x" * 3_000_000), ""),
    "a pause that nobody waits for": (Fail(429, "slow down", retry_after=3600), ""),
    "withheld": (Reply("", finish="content_filter"), ""),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("fault", FATAL)
def test_a_fault_is_told_ends_the_stream_and_is_stored_as_failed(server, admin, bot, fake_llm, fault, path):
    agent, model = bot
    behaviour, seen = FATAL[fault]
    fake_llm.script(model, behaviour)
    fake_llm.always(model, Fail(400, "that was enough"))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session), path=path, timeout=60)
    assert run.ended and run.lines[-2]["type"] == "token_usage", run.lines
    assert told(run)
    if seen is not None:
        assert run.text.startswith(seen), run.text
    status, error = run_row(server, session)
    assert status == "failed" and error, (status, error)
    history = sage.history(admin, session)["messages"]
    assert history[0]["content"] == "Hi" and (seen or "").strip() in history[1]["content"], history
    assert "sk-fake-key" not in run.raw.decode() and "sk-fake-key" not in error
    # the conversation goes on
    fake_llm.always(model, Reply("All is well."))
    assert chat(admin, say("Again", agent, session), path=path).text == "All is well."
    assert run_row(server, session) == ("completed", None)


# Faults that last: what is tried again, and how often by the server of the test.
LASTING = {
    "429": (Fail(429, "slow down"), "Too many requests. Try again later"),
    "503": (Fail(503, body="<html>busy</html>"), "The service is temporarily unavailable. Try again later"),
    "noise": (Raw(b"\x00\xff\xfe not http at all"), "Network connection failed. Check the network settings or try again later"),
    "closed at once": (Raw(b""), "Network connection failed. Check the network settings or try again later"),
    "nothing in the answer": (Raw(SSE), "The model's answer broke off before its end. Try again"),
}


@pytest.fixture
def impatient(start_server, fake_llm):
    """A server that asks a model twice."""
    running = start_server(env={"SLUICE_LLM_MAX_ATTEMPTS": "2"})
    return running, running.login()


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_is_told_after_the_last_attempt(impatient, fake_llm, fault, path):
    running, admin = impatient
    behaviour, text = LASTING[fault]
    provider, model = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider), unique("s")
    asked = len(fake_llm.requests_for(model))
    fake_llm.always(model, behaviour)
    run = chat(admin, say("Hi", agent, session), path=path, timeout=30)
    # a kept connection that is closed under a request is no attempt: the server may have closed it before
    assert len(fake_llm.requests_for(model)) - asked in ((2, 3) if fault == "closed at once" else (2,))
    assert told(run) == f"Workflow execution failed: {text}"
    assert [m["type"] for m in run.lines[-3:]] == ["final_answer", "token_usage", "stream_end"], run.lines
    assert run_row(running, session) == ("failed", text)


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
def test_a_model_server_that_is_down_is_told(impatient, path):
    running, admin = impatient
    gone, model = FakeLLM(), unique("gone")
    gone.script(model, Raw(SSE + b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'))  # and no connection stays
    provider, _ = sage.provider(admin, gone, model)
    agent, session = sage.agent(admin, provider), unique("s")
    gone.close()
    run = chat(admin, say("Hi", agent, session), path=path, timeout=30)
    text = "Network connection failed. Check the network settings or try again later"
    assert run.ended and told(run) == f"Workflow execution failed: {text}"
    assert run_row(running, session) == ("failed", text)


PASSING = {
    "429": [Fail(429, "slow down", retry_after=0)],
    "500 and 503": [Fail(500, "oops"), Fail(503, body="<html>busy</html>")],
    "closed at once": [Raw(b"")],
    "reset after the head": [Reply(disconnect_after=0)],
    "half a head": [Raw(b"HTTP/1.1 200 OK\r\ncontent-ty")],
}


@pytest.mark.parametrize("fault", PASSING)
def test_trouble_before_the_answer_is_overcome(server, admin, bot, fake_llm, fault):
    agent, model = bot
    fake_llm.script(model, *PASSING[fault], Reply("Here I am."))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    assert run.text == "Here I am." and run.ended
    assert not run.of("final_answer") and not run.of("agent_execution_error")
    assert run_row(server, session) == ("completed", None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(["z" * 700_000] * 3, giant=1 << 22),
        Reply("one two three", split_bytes=1, crlf=True),
        Reply("ä€𝄞 " * 50, split_bytes=3),
        Reply("one two three", delay=0.4),
        Reply("one two three", first_delay=2),
    ],
    ids=["huge chunks", "byte by byte", "split characters", "slow tokens", "slow start"],
)
def test_odd_ways_to_answer_make_no_difference(server, admin, bot, fake_llm, reply):
    agent, model = bot
    fake_llm.script(model, reply)
    session = unique("s")
    run = chat(admin, say("Hi", agent, session), timeout=60)
    whole = reply.text if isinstance(reply.text, str) else "".join(reply.text)
    assert run.text == whole and run.ended
    assert run_row(server, session) == ("completed", None)
    answer = [m for m in sage.history(admin, session)["messages"] if m["role"] == "assistant"][0]
    assert answer["content"] == whole.strip() or answer["content"] == whole


STUCK = {
    "before the head": (Hang(), False),
    "in the pause of a retry": (Fail(429, "slow down", retry_after=30), False),
    "in the pause after errors": (Fail(500, "oops"), False),
    "in the answer": (Reply("one two three", stall_after=2), True),
    "in a call": (Reply("one ", tool_calls=[CALL], stall_after=4), True),
    "between slow tokens": (Reply("one " * 200, delay=0.2), True),
    "in a flood": (Reply(["flood " * 100] * 300_000, giant=1 << 16), True),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("place", STUCK)
def test_an_interrupt_works_at_every_moment(server, admin, bot, fake_llm, place, path):
    agent, model = bot
    behaviour, speaks = STUCK[place]
    fake_llm.always(model, behaviour)
    session, other, result = unique("s"), server.login(), {}

    def follow():
        with open_stream(admin, path, say("Hi", agent, session), timeout=60) as stream:
            result["stream"] = stream
            for line in stream:
                if line.get("type") == "do_subtask_result":
                    spoke.set()

    spoke = threading.Event()
    asked = len(fake_llm.requests_for(model))
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    if speaks:
        assert spoke.wait(20)
    else:
        fake_llm.wait_for(model, asked + 1)
        time.sleep(0.3)
    began = time.monotonic()
    sage.full(other.post(f"/api/sessions/{session}/interrupt", json={"message": "enough"}))
    thread.join(20)
    assert not thread.is_alive() and time.monotonic() - began < 15, "the stream goes on"
    assert not result["stream"].of("final_answer") and not result["stream"].of("error"), result["stream"].lines[-3:]
    assert run_row(server, session)[0] == "interrupted"
    fake_llm.always(model, Reply("All is well."))
    assert chat(admin, say("Again", agent, session), path=path).text == "All is well."
    for m in fake_llm.requests_for(model)[-1].body["messages"]:
        for c in m.get("tool_calls") or []:
            json.loads(c["function"]["arguments"])


@pytest.fixture
def hasty(start_server, fake_llm):
    """A server that waits a second for a model, and an agent on it."""
    running = start_server(env={"SLUICE_LLM_FIRST_BYTE_TIMEOUT": "1s", "SLUICE_LLM_IDLE_TIMEOUT": "1s"})
    admin, model = running.login(), unique("late")
    provider, _ = sage.provider(admin, fake_llm, model)
    return running, admin, sage.agent(admin, provider), model


LATE = {
    "before the head": (Hang(), "The model did not answer within 1 second (asked 2 times).", 2),
    "after the head": (Reply("one two", stall_after=0), "The model did not answer within 1 second (asked 2 times).", 2),
    "in the answer": (Reply("one two three", stall_after=3), "The model fell silent in the middle of its answer", 1),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("place", LATE)
def test_a_model_that_is_late_is_told_soon_and_asked_twice_at_most(hasty, fake_llm, place, path):
    running, admin, agent, model = hasty
    behaviour, text, attempts = LATE[place]
    fake_llm.always(model, behaviour)
    asked, began, session = len(fake_llm.requests_for(model)), time.monotonic(), unique("s")
    run = chat(admin, say("Hi", agent, session), path=path, timeout=30)
    assert time.monotonic() - began < 20 and len(fake_llm.requests_for(model)) - asked == attempts
    assert run.ended and text in told(run) and "llm." in told(run), told(run)
    assert run_row(running, session)[0] == "failed"


TIMELESS = {
    "in the answer": Reply("one two three", stall_after=3),
    "in a call": Reply("one ", tool_calls=[CALL], stall_after=4),
    "in a tool": Reply("one ", tool_calls=[Call("execute_shell_command", {"command": "sleep 60"}, id="c")]),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
@pytest.mark.parametrize("place", TIMELESS)
def test_a_run_that_takes_too_long_is_told_once_and_in_the_conversation(start_server, fake_llm, place, path):
    running = start_server(env={"SLUICE_RUN_TIMEOUT": "2s"})
    admin = running.login()
    provider, model = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider), unique("s")
    fake_llm.script(model, TIMELESS[place])
    run = chat(admin, say("Hi", agent, session, system_context={"response_language": "zh-CN"}), path=path, timeout=30)
    text = "工作流执行失败：运行已达到时间上限，任务尚未完成"
    assert run.ended and run.text.startswith("one ") and told(run) == text
    assert run_row(running, session)[0] == "failed"
    assert sage.history(admin, session)["messages"][-1]["content"] == text
    assert chat(admin, say("Again", agent, session), path=path).text == f"Hello from {model}."
