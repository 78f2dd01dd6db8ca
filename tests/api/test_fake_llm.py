# SPDX-License-Identifier: MIT
"""The fake model server is itself trustworthy: what the other tests conclude from it depends on this."""
import json
import socket
import threading
import time

import httpx
import pytest

from fake_llm import Call, Fail, FakeLLM, Hang, Raw, Reply


@pytest.fixture
def fake():
    server = FakeLLM()
    yield server
    server.close()


def ask(fake, model, path="/v1/chat/completions", stream=True, timeout=30, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream, **more}
    headers = {"authorization": "Bearer sk-test"}
    return httpx.post(fake.origin + path, json=body, headers=headers, timeout=timeout)


def events(text):
    """The data of every event, [DONE] left out."""
    found = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(d) for d in found if d != "[DONE]"]


def deltas(text):
    return [e["choices"][0]["delta"] for e in events(text) if e["choices"]]


def test_an_openai_stream_has_text_finish_usage_and_done(fake):
    fake.script("m", Reply("one two three", usage=(5, 3), cached=2))
    r = ask(fake, "m")
    assert r.headers["content-type"] == "text/event-stream"
    assert "".join(d.get("content", "") for d in deltas(r.text)) == "one two three"
    assert len([d for d in deltas(r.text) if d.get("content")]) == 3
    assert [e["choices"][0]["finish_reason"] for e in events(r.text) if e["choices"]][-1] == "stop"
    usage = events(r.text)[-1]["usage"]
    assert usage["total_tokens"] == 8 and usage["prompt_tokens_details"] == {"cached_tokens": 2}
    assert r.text.endswith("data: [DONE]\n\n")


def test_an_openai_answer_without_streaming_is_one_object(fake):
    fake.script("m", Reply("hi", reasoning="hm", tool_calls=[Call("f", {"a": 1}, id="c1")]))
    body = ask(fake, "m", stream=False).json()
    message = body["choices"][0]["message"]
    assert message["content"] == "hi" and message["reasoning_content"] == "hm"
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    assert message["tool_calls"] == [call]
    assert body["choices"][0]["finish_reason"] == "tool_calls" and body["usage"]["total_tokens"] == 18


@pytest.mark.parametrize("interleave", [False, True])
def test_arguments_of_parallel_calls_come_in_fragments(fake, interleave):
    calls = [Call("f", {"path": "a/b"}, id="c1"), Call("g", {"n": 12345}, id="c2", fragments=5)]
    fake.script("m", Reply(tool_calls=calls, interleave=interleave))
    parts = [p for d in deltas(ask(fake, "m").text) for p in d.get("tool_calls", [])]
    assert [p["index"] for p in parts] != sorted(p["index"] for p in parts) or not interleave
    for index, call in enumerate(calls):
        mine = [p for p in parts if p["index"] == index]
        assert mine[0]["id"] == call.id and mine[0]["function"]["name"] == call.name
        assert "".join(p["function"]["arguments"] for p in mine) == call.text()
        assert len(mine) > 2 and "id" not in mine[1]


def test_an_anthropic_stream_has_its_blocks_in_order(fake):
    fake.script("m", Reply("some text", reasoning="think", tool_calls=[Call("f", {"a": "b"})], usage=(9, 4)))
    found = events(ask(fake, "m", path="/v1/messages").text)
    assert [e["type"] for e in found][:2] == ["message_start", "ping"]
    assert [e["content_block"]["type"] for e in found if e["type"] == "content_block_start"] == [
        "thinking",
        "text",
        "tool_use",
    ]
    arguments = [e["delta"]["partial_json"] for e in found if e.get("delta", {}).get("type") == "input_json_delta"]
    assert json.loads("".join(arguments)) == {"a": "b"} and len(arguments) == 3
    assert found[0]["message"]["usage"]["input_tokens"] == 9
    assert found[-2]["delta"]["stop_reason"] == "tool_use" and found[-2]["usage"] == {"output_tokens": 4}
    assert found[-1]["type"] == "message_stop"


def test_an_anthropic_answer_without_streaming_is_one_object(fake):
    fake.script("m", Reply("yes", tool_calls=[Call("f", {"a": 1})]))
    body = ask(fake, "m", path="/v1/messages", stream=False).json()
    assert [b["type"] for b in body["content"]] == ["text", "tool_use"] and body["stop_reason"] == "tool_use"


def test_behaviours_are_used_in_order_then_the_standing_one_then_hello(fake):
    fake.script("m", Reply("first"), Fail(500), Reply("third"))
    assert "first" in ask(fake, "m").text
    assert ask(fake, "m").status_code == 500
    assert "third" in ask(fake, "m").text
    assert "Hello " in ask(fake, "m").text
    fake.always("m", Fail(401, "wrong key"))
    assert [ask(fake, "m").status_code for _ in range(3)] == [401, 401, 401]
    assert "Hello " in ask(fake, "other").text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_failures_carry_status_message_and_retry_after(fake, path):
    fake.script("m", Fail(429, "slow down", retry_after=7, type="rate_limit_error"), Fail(503, body="<html>"))
    r = ask(fake, "m", path=path)
    assert r.status_code == 429 and r.headers["retry-after"] == "7" and r.json()["error"]["message"] == "slow down"
    r = ask(fake, "m", path=path)
    assert r.status_code == 503 and r.text == "<html>"


def test_requests_are_recorded_whole(fake):
    ask(fake, "m", tools=[{"type": "function", "function": {"name": "grep", "parameters": {}}}])
    (seen,) = fake.requests_for("m")
    deadline = time.monotonic() + 5
    while not seen.answered and time.monotonic() < deadline:  # noted after the last byte, so perhaps after we have read it
        time.sleep(0.01)
    assert seen.path == "/v1/chat/completions" and seen.key == "sk-test" and seen.tools == ["grep"]
    assert seen.body["messages"][0]["content"] == "hi" and seen.answered and not seen.gone


def test_slow_tokens_arrive_one_by_one(fake):
    fake.script("m", Reply("a b c d", delay=0.15))
    times = []
    with httpx.stream("POST", fake.url + "/chat/completions", json={"model": "m", "stream": True}) as r:
        for _ in r.iter_raw():
            times.append(time.monotonic())
    assert len(times) >= 4 and times[-1] - times[0] > 0.3


def test_an_event_waits_at_its_gate(fake):
    gate = threading.Event()
    fake.script("m", Reply("a b c d", gates={2: gate}))
    text = ""
    with httpx.stream("POST", fake.url + "/chat/completions", json={"model": "m", "stream": True}, timeout=30) as r:
        for part in r.iter_text():
            text += part
            assert gate.is_set() or '"b "' not in text
            if '"a "' in text:
                gate.set()
    assert "".join(d.get("content", "") for d in deltas(text)) == "a b c d"


def test_a_truncated_stream_ends_cleanly_without_finish_or_done(fake):
    fake.script("m", Reply("a b c d", truncate_after=3))
    r = ask(fake, "m")
    assert "[DONE]" not in r.text and len(events(r.text)) == 3
    assert all(e["choices"][0]["finish_reason"] is None for e in events(r.text))


def test_a_disconnect_is_an_error_for_the_caller(fake):
    fake.script("m", Reply("a b c d", disconnect_after=3))
    with pytest.raises(httpx.HTTPError):
        ask(fake, "m")


def test_garbage_comes_between_good_events(fake):
    fake.script("m", Reply("a b c", garbage_after=2))
    text = ask(fake, "m").text
    assert "this is no JSON" in text and "nonsense without a colon" in text and "[DONE]" in text


def test_a_hang_sends_no_head_and_notices_that_the_caller_leaves(fake):
    fake.script("m", Hang())
    with pytest.raises(httpx.ReadTimeout):
        ask(fake, "m", timeout=0.3)
    (seen,) = fake.wait_for("m")
    fake.wait_gone(seen)
    assert not seen.answered


def test_a_stall_sends_the_beginning_only(fake):
    fake.script("m", Reply("a b c d", stall_after=2))
    got = b""
    with pytest.raises(httpx.ReadTimeout):
        with httpx.stream("POST", fake.url + "/chat/completions", json={"model": "m", "stream": True}, timeout=2) as r:
            for part in r.iter_raw():
                got += part
    assert got.count(b"data: ") == 2


def test_bytes_can_be_cut_anywhere(fake):
    fake.script("m", Reply("héllo wörld 世界", split_bytes=3, crlf=True))
    r = ask(fake, "m")
    assert "".join(d.get("content", "") for d in deltas(r.text)) == "héllo wörld 世界" and "\r\n\r\n" in r.text


def test_events_can_come_in_one_giant_write(fake):
    fake.script("m", Reply(["x" * 1000] * 300, giant=1 << 20))
    with httpx.stream("POST", fake.url + "/chat/completions", json={"model": "m", "stream": True}) as r:
        assert len(b"".join(r.iter_raw())) > 300_000


def test_raw_bytes_are_the_whole_answer(fake):
    fake.script("m", Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"))
    assert ask(fake, "m").text == "hi"


def test_pages_and_the_model_list_are_served(fake):
    fake.page("/doc", "<p>hello</p>")
    fake.script("m", Reply("x"))
    assert httpx.get(fake.origin + "/doc").text == "<p>hello</p>"
    assert httpx.get(fake.origin + "/none").status_code == 404
    assert [m["id"] for m in httpx.get(fake.url + "/models").json()["data"]] == ["m"]


def test_connections_are_kept_alive(fake):
    with httpx.Client() as client:
        for _ in range(3):
            client.post(fake.url + "/chat/completions", json={"model": "m", "stream": True}).read()
        assert fake.open == 1


def test_it_serves_many_at_once(fake):
    fake.always("m", Reply("a b", delay=0.1))
    began = time.monotonic()
    sockets = []
    body = b'{"model":"m","stream":true}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", fake.port))
        s.sendall(head + body)
        sockets.append(s)
    for s in sockets:
        data = b""
        while b"[DONE]" not in data:
            data += s.recv(65536)
        s.close()
    assert time.monotonic() - began < 15, "one after the other they take 30 s"
