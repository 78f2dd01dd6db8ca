# SPDX-License-Identifier: MIT
"""The model endpoints of the Langdock face, in OpenAI's and in Anthropic's words, over providers of either kind."""
import base64
import concurrent.futures
import json
import struct
import time

import pytest

import databases
import sage
from fake_llm import Call, Fail, Hang, Reply
from fixtures import create_key, create_user
from langdock import NOBODY

TOOL = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object", "properties": {}}}}
OTHER = {"type": "function", "function": {"name": "other", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def boss(server):
    """An administrator of this file's own: requests are limited by user."""
    return create_user(server, role="admin")


@pytest.fixture(scope="module")
def admin(boss):
    return boss.client


@pytest.fixture(scope="module")
def client(server, boss):
    return server.client(token=create_key(server, "COMPLETION_API", user=boss.name))


@pytest.fixture(params=["openai-chat-completions", "anthropic-messages"])
def served(request, admin, fake_llm):
    """The name of a model at a provider of each kind."""
    name = sage.unique("served")
    url = fake_llm.origin if "anthropic" in request.param else fake_llm.url
    body = {"name": name, "requester": request.param, "base_url": url, "api_keys": ["sk-1"]}
    made = admin.post("/api/v1/provider/providers", json=body).json()["data"]["uuid"]
    body = {"name": name, "provider_uuid": made, "abilities": ["func_call", "vision", "structured_output"]}
    assert admin.post("/api/v1/provider/models/llm", json=body).status_code == 200
    return name


def refused(response, status, message=""):
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert message in body["message"] and body["error"] == body["message"], body


def refused_by_anthropic(response, status, kind, message=""):
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert body["type"] == "error" and body["error"]["type"] == kind and message in body["error"]["message"], body


def complete(client, model, path="/openai/eu/v1/chat/completions", **more):
    return client.post(path, json={"model": model, "messages": [{"role": "user", "content": "Hi"}], **more})


def message(client, model, path="/anthropic/eu/v1/messages", **more):
    return client.post(path, json={"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}], **more})


def events(response):
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/event-stream"), response.text
    return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]


# -------------------------------------------------------------------------------------------------------------- OpenAI


@pytest.mark.parametrize("path", ["/openai/eu/v1", "/openai/us/v1", "/openai/v1", "/api/public/openai/eu/v1", "/langdock/openai/v1"])
def test_a_completion_at_every_place(client, served, fake_llm, path):
    fake_llm.script(served, Reply("Hello."))
    r = complete(client, served, path + "/chat/completions")
    assert r.status_code == 200, r.text
    body = r.json()
    assert body["object"] == "chat.completion" and body["model"] == served and body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    (choice,) = body["choices"]
    assert choice["message"]["content"] == "Hello." and choice["finish_reason"] == "stop" and choice["index"] == 0
    assert body["usage"]["prompt_tokens"] == 11 and body["usage"]["completion_tokens"] == 7
    assert int(r.headers["x-ratelimit-limit-tokens"]) > 0 and int(r.headers["x-ratelimit-remaining-requests"]) > 0


def test_a_conversation_reaches_the_provider_as_it_was(client, served, fake_llm):
    fake_llm.script(served, Reply("ok"))
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Rome"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    r = complete(client, served, messages=messages, tools=[TOOL], max_tokens=33, temperature=0.5, stop=["END"])
    assert r.status_code == 200, r.text
    (request,) = fake_llm.requests_for(served)
    told = json.dumps(request.body)
    assert "Be brief." in told and "AAAA" in told and "sunny" in told and "Rome" in told
    assert request.body["max_tokens"] == 33 and request.body["temperature"] == 0.5 and "END" in told and request.tools == ["weather"]


@pytest.mark.parametrize(
    "choice, offered, forced",
    [("none", [], False), ("auto", ["weather", "other"], False), ("required", ["weather", "other"], True),
     ({"type": "function", "function": {"name": "other"}}, ["other"], True)],
)
def test_tool_choices(client, served, fake_llm, choice, offered, forced):
    fake_llm.script(served, Reply("ok"))
    assert complete(client, served, tools=[TOOL, OTHER], tool_choice=choice).status_code == 200
    (request,) = fake_llm.requests_for(served)
    assert request.tools == offered
    assert (str(request.body.get("tool_choice")) in ("required", "{'type': 'any'}")) == forced


def test_chunks_of_text_reasoning_and_calls(client, served, fake_llm):
    fake_llm.script(served, Reply("Hi you", reasoning="hm", tool_calls=[Call("weather", {"place": "Rome"}), Call("other", {})]))
    r = complete(client, served, stream=True, tools=[TOOL, OTHER], stream_options={"include_usage": True})
    assert r.text.endswith("data: [DONE]\n\n")
    found = events(r)
    assert {c["object"] for c in found} == {"chat.completion.chunk"} and len({c["id"] for c in found}) == 1
    deltas = [c["choices"][0]["delta"] for c in found if c["choices"]]
    assert deltas[0]["role"] == "assistant"
    assert "".join(d.get("content") or "" for d in deltas) == "Hi you" and "".join(d.get("reasoning_content", "") for d in deltas) == "hm"
    calls = {}
    for d in deltas:
        for c in d.get("tool_calls", []):
            one = calls.setdefault(c["index"], {"name": "", "arguments": ""})
            one["name"] += c["function"].get("name", "")
            one["arguments"] += c["function"]["arguments"]
    assert [c["name"] for c in calls.values()] == ["weather", "other"] and json.loads(calls[0]["arguments"]) == {"place": "Rome"}
    assert [c["choices"][0]["finish_reason"] for c in found if c["choices"]][-1] == "tool_calls"
    assert found[-1]["choices"] == [] and found[-1]["usage"]["total_tokens"] == 18
    fake_llm.script(served, Reply("x"))
    assert all(c["choices"] for c in events(complete(client, served, stream=True))), "usage comes only when it is asked for"


@pytest.mark.parametrize(
    "body, message",
    [
        ({"messages": []}, "Invalid request body"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0]: the role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0]: content"),
        ({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, "'file'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "tool call"),
        ({"n": 2}, "Invalid request body"),
        ({"temperature": 3}, "Invalid request body"),
        ({"max_tokens": 0}, "Invalid request body"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "none"}}}, "unknown function none"),
    ],
)
def test_completions_that_are_refused(client, model, body, message):
    refused(complete(client, model[1], **body), 400, message)


def test_unknown_models_and_regions(client, model):
    refused(complete(client, "no-such-model"), 404, "no-such-model")
    refused(complete(client, model[1], "/openai/mars/v1/chat/completions"), 404, "mars")
    refused(client.get("/openai/mars/v1/models"), 404, "mars")
    refused_by_anthropic(client.get("/anthropic/mars/v1/models"), 404, "not_found_error", "mars")
    refused(client.get("/openai/v1/chat/completions"), 405)
    refused(client.get("/openai/v1/nothing"), 404)


def test_a_providers_refusal_is_passed_through(client, served, fake_llm):
    fake_llm.script(served, Fail(400, "the reason why"))
    refused(complete(client, served), 400, "the reason why")
    fake_llm.script(served, Fail(401, "bad key"))
    refused(complete(client, served), 502)
    fake_llm.script(served, Fail(400, "too bad"))
    refused(complete(client, served, stream=True), 400, "too bad")


def test_a_stream_that_breaks_says_so_and_is_not_done(client, served, fake_llm):
    fake_llm.script(served, Reply("one two three four five", truncate_after=5))
    r = complete(client, served, stream=True)
    assert "error" in events(r)[-1] and "[DONE]" not in r.text
    fake_llm.script(served, Reply("one two three four five", truncate_after=5))
    refused(complete(client, served), 502)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/openai/eu/v1/chat/completions", "/anthropic/eu/v1/messages"])
def test_a_client_that_leaves_frees_the_provider(client, served, fake_llm, path, stream):
    fake_llm.script(served, Hang())
    body = {"model": served, "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    with sage.asking(client, path, body):
        (request,) = fake_llm.wait_for(served)
    fake_llm.wait_gone(request)


def test_silent_streams_are_kept_alive(client, admin, fake_llm):
    """Before the first event, in the middle, and before an error; all at once, because each takes its time."""
    behaviours = {
        "late": Reply("one two", first_delay=16),
        "pausing": Reply("one two", pauses={2: 16}),
        "failing": Fail(400, "changed my mind", delay=16),
    }
    signs = {complete: ": keep-alive\n\n", message: 'event: ping\ndata: {"type":"ping"}\n\n'}

    def run(how, ask):
        name = sage.unique(how)
        sage.provider(admin, fake_llm, name)
        fake_llm.always(name, behaviours[how])
        return how, ask, ask(client, name, stream=True).text

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for job in [pool.submit(run, how, ask) for how in behaviours for ask in signs]:
            how, ask, text = job.result()
            own = 1 if ask is message and how != "failing" else 0  # each message has a ping after its start
            assert text.count(signs[ask]) == own + 1, (how, text)
            assert text.startswith(signs[ask]) == (how != "pausing"), (how, text)
            if how == "failing":
                assert "changed my mind" in text and "[DONE]" not in text and "message_stop" not in text, text
            else:
                assert "two" in text and text.endswith("data: [DONE]\n\n" if ask is complete else '{"type":"message_stop"}\n\n'), text


def test_many_at_once(client, served, fake_llm):
    fake_llm.always(served, Reply("one two three", delay=0.02))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(complete if i % 2 else message, client, served, stream=bool(i & 2)) for i in range(24)]
        assert all("one" in j.result().text and j.result().status_code == 200 for j in jobs)


def test_once_the_tokens_of_a_minute_are_used_up_model_calls_are_refused(start_server, fake_llm):
    running = start_server(env={"SLUICE_PUBLIC_API_TOKENS_PER_MINUTE": "1000"})
    scopes = ("COMPLETION_API", "AGENT_API", "ASSISTANT_API", "INTEGRATION_API")
    client, name = running.client(token=create_key(running, *scopes)), sage.unique("greedy")
    sage.provider(running.login(), fake_llm, name)
    fake_llm.script(name, Reply("x", usage=(800, 100)), Reply("x", usage=(800, 200)))
    for _ in range(2):  # what a call takes is known after it
        assert complete(client, name).status_code == 200
    asked = len(fake_llm.requests_for(name))
    told = client.get("/openai/v1/models")
    assert told.status_code == 200 and told.headers["x-ratelimit-remaining-tokens"] == "0"
    assert (told.headers["x-ratelimit-limit-tokens"], told.headers["x-ratelimit-reset-tokens"][:2]) == ("1000", "1m")
    agent = {"agentId": NOBODY, "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}]}
    assistant = {"assistantId": NOBODY, "messages": [{"role": "user", "content": "Hi"}]}
    refusals = [
        complete(client, name),
        complete(client, name, "/openai/v1/chat/completions"),
        embed(client, name, input="x"),
        client.post("/agent/v1/chat/completions", json=agent),
        client.post("/assistant/v1/chat/completions", json=assistant),
    ]
    for r in refusals:
        refused(r, 429, "the tokens of this minute are used up")
        assert 40 <= int(r.headers["retry-after"]) <= 61, r.headers
    r = message(client, name)
    assert r.status_code == 429 and r.json()["type"] == "error" and r.json()["error"]["type"] == "rate_limit_error"
    assert 40 <= int(r.headers["retry-after"]) <= 61 and len(fake_llm.requests_for(name)) == asked
    assert client.get("/integrations/v1/get").status_code == 200
    count = {"model": name, "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/anthropic/v1/messages/count_tokens", json=count).status_code == 200


def test_without_a_limit_of_tokens_none_is_told(start_server, fake_llm):
    running = start_server(env={"SLUICE_PUBLIC_API_TOKENS_PER_MINUTE": "0"})
    client, name = running.client(token=create_key(running, "COMPLETION_API")), sage.unique("free")
    sage.provider(running.login(), fake_llm, name)
    fake_llm.always(name, Reply("x", usage=(10**9, 10**9)))
    for _ in range(2):
        r = complete(client, name)
        assert r.status_code == 200 and "x-ratelimit-limit-tokens" not in r.headers, r.text
    assert "x-ratelimit-limit-requests" in r.headers
    assert "x-ratelimit-limit-tokens" not in running.client().get("/openai/v1/models").headers


def test_calls_are_in_the_usage_of_their_user(server, client, model, fake_llm):
    fake_llm.script(model[1], Reply("x", usage=(1234, 5)))
    assert complete(client, model[1]).status_code == 200
    used = databases.rows(server.data, "SELECT source, status, input_tokens, output_tokens FROM run WHERE input_tokens = 1234")
    assert used == [("direct_model_invocation", "completed", "1234", "5")]


def test_models_are_listed_with_those_for_embeddings(client, model, embedding_model):
    body = client.get("/openai/eu/v1/models").json()
    ids = [m["id"] for m in body["data"]]
    assert body["object"] == "list" and model[1] in ids and embedding_model in ids and len(ids) == len(set(ids))
    assert abs(next(m["created"] for m in body["data"] if m["id"] == model[1]) - time.time()) < 600


# ---------------------------------------------------------------------------------------------------------- embeddings


def embed(client, model, **body):
    return client.post("/openai/eu/v1/embeddings", json={"model": model, **body})


def test_embeddings_of_texts_and_tokens(client, embedding_model):
    r = embed(client, embedding_model, input=["one", "three"])
    assert r.status_code == 200, r.text
    body = r.json()
    assert body["object"] == "list" and body["model"] == embedding_model and body["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    assert [d["index"] for d in body["data"]] == [0, 1] and body["data"][1]["embedding"] == [5.0 + i for i in range(8)]
    assert len(embed(client, embedding_model, input="one").json()["data"]) == 1
    assert len(embed(client, embedding_model, input=[1, 2, 3]).json()["data"]) == 1
    assert len(embed(client, embedding_model, input=[[1, 2], [3]]).json()["data"]) == 2
    assert len(embed(client, embedding_model, input="x", dimensions=4).json()["data"][0]["embedding"]) == 4


def test_embeddings_are_in_the_usage_of_their_user(server, client, embedding_model):
    assert embed(client, embedding_model, input="one").status_code == 200
    sql = f"SELECT source, status, input_tokens FROM run WHERE step_models LIKE '%{embedding_model}%'"
    assert databases.rows(server.data, sql) == [("direct_model_invocation", "completed", "5")]


def test_embeddings_in_base64_are_little_endian_floats(client, embedding_model):
    text = embed(client, embedding_model, input="one", encoding_format="base64").json()["data"][0]["embedding"]
    assert struct.unpack("<8f", base64.b64decode(text)) == tuple(3.0 + i for i in range(8))


def test_embeddings_that_are_refused(client, embedding_model, model, fake_llm):
    for bad in ([], [""], 5, [1, "x"], [[]]):
        refused(embed(client, embedding_model, input=bad), 400)
    refused(embed(client, embedding_model), 400, "Invalid request body")
    refused(embed(client, model[1], input="x"), 404, model[1])
    fake_llm.script(embedding_model, Fail(400, "too long"))
    refused(embed(client, embedding_model, input="x"), 400, "too long")


def test_without_embedding_models_the_platforms_own_words_are_said(server, user):
    other = user()
    nobody = server.client(token=create_key(server, "COMPLETION_API", user=other.name))
    refused(embed(nobody, "any", input="x"), 400, "No embedding models available for the eu region")


# ----------------------------------------------------------------------------------------------------------- Anthropic


@pytest.mark.parametrize("path", ["/anthropic/eu/v1", "/anthropic/v1", "/api/public/anthropic/us/v1"])
def test_a_message_at_every_place(server, boss, served, fake_llm, path):
    by_header = server.client(key=create_key(server, "COMPLETION_API", user=boss.name))
    fake_llm.script(served, Reply("Hello."))
    body = message(by_header, served, path + "/messages").json()
    assert body["type"] == "message" and body["role"] == "assistant" and body["id"].startswith("msg_"), body
    assert body["content"] == [{"type": "text", "text": "Hello."}] and body["stop_reason"] == "end_turn" and body["model"] == served
    assert body["usage"]["input_tokens"] == 11 and body["usage"]["output_tokens"] == 7


def test_blocks_reach_the_provider_as_they_were(client, served, fake_llm):
    fake_llm.script(served, Reply("ok"))
    messages = [
        {"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "the document"}},
            {"type": "text", "text": "Look"},
        ]},
        {"role": "assistant", "content": [{"type": "text", "text": "I ask."}, {"type": "tool_use", "id": "c1", "name": "weather", "input": {"place": "Rome"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "sunny"}]}, {"type": "text", "text": "And?"}]},
    ]
    tools = [{"name": "weather", "description": "d", "input_schema": {"type": "object"}}]
    r = message(client, served, messages=messages, tools=tools, system=[{"type": "text", "text": "Be brief."}], stop_sequences=["END"])
    assert r.status_code == 200, r.text
    (request,) = fake_llm.requests_for(served)
    told = json.dumps(request.body)
    for part in ("AAAA", "the document", "Look", "I ask.", "Rome", "sunny", "And?", "Be brief.", "END"):
        assert part in told, part
    assert request.tools == ["weather"] and request.body["max_tokens"] == 50


def test_a_failed_tool_is_told_as_such(client, served, fake_llm):
    fake_llm.script(served, Reply("ok"))
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "is_error": True, "content": "no such place"}]},
    ]
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    assert message(client, served, messages=messages, tools=tools).status_code == 200
    (request,) = fake_llm.requests_for(served)
    assert "no such place" in json.dumps(request.body)
    if "/messages" in request.path:
        assert request.body["messages"][2]["content"][0]["is_error"] is True


@pytest.mark.parametrize("stream", [False, True])
def test_the_stop_sequence_that_was_met_is_told(client, served, fake_llm, stream):
    fake_llm.script(served, Reply("one two", stopped_by="END"))
    r = message(client, served, stream=stream, stop_sequences=["END"])
    body = events(r)[-2]["delta"] if stream else r.json()
    assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "END"), body


def test_events_of_a_message(client, served, fake_llm):
    fake_llm.script(served, Reply("Hi you", reasoning="hm", tool_calls=[Call("weather", {"place": "Rome"})]))
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    r = message(client, served, stream=True, tools=tools, tool_choice={"type": "auto"})
    found = events(r)
    names = [line[7:] for line in r.text.splitlines() if line.startswith("event: ")]
    assert names == [e["type"] for e in found]
    assert names[:2] == ["message_start", "ping"] and names[-2:] == ["message_delta", "message_stop"]
    starts = [e["content_block"]["type"] for e in found if e["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use"]
    assert [e["index"] for e in found if e["type"] == "content_block_stop"] == [0, 1, 2]
    deltas = [e["delta"] for e in found if e["type"] == "content_block_delta"]
    assert "".join(d.get("text", "") for d in deltas) == "Hi you" and "".join(d.get("thinking", "") for d in deltas) == "hm"
    assert json.loads("".join(d.get("partial_json", "") for d in deltas)) == {"place": "Rome"}
    assert found[-2]["delta"]["stop_reason"] == "tool_use" and found[-2]["usage"]["output_tokens"] == 7


@pytest.mark.parametrize(
    "body, text",
    [
        ({"messages": []}, ""),
        ({"max_tokens": None}, ""),
        ({"messages": [{"role": "system", "content": "x"}]}, "the role"),
        ({"messages": [{"role": "user", "content": 5}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_use"}]}]}, "'tool_use'"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]}, "image"),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "base64"}}]}]}, "plain text"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool_use_id"),
        ({"tools": [{"name": "x"}]}, "input_schema"),
        ({"tools": [], "tool_choice": {"type": "tool", "name": "x"}}, "no tool x"),
    ],
)
def test_messages_that_are_refused(client, model, body, text):
    refused_by_anthropic(message(client, model[1], **body), 400, "invalid_request_error", text)


def test_the_envelope_of_every_error(server, boss, client, served, fake_llm):
    refused_by_anthropic(message(server.client(), served), 401, "authentication_error")
    refused_by_anthropic(message(server.client(key="sk-ld-wrong"), served), 401, "authentication_error")
    agents = server.client(key=create_key(server, "AGENT_API", user=boss.name))
    refused_by_anthropic(message(agents, served), 403, "permission_error")
    refused_by_anthropic(message(client, "no-such-model"), 404, "not_found_error", "no-such-model")
    refused_by_anthropic(client.get("/anthropic/v1/nothing"), 404, "not_found_error")
    fake_llm.script(served, Fail(400, "too bad"))
    refused_by_anthropic(message(client, served), 400, "invalid_request_error", "too bad")
    fake_llm.script(served, Reply("one two three four five", truncate_after=6))
    found = events(message(client, served, stream=True))
    assert found[-1]["type"] == "error" and found[-1]["error"]["type"] == "api_error"


def test_tokens_are_counted_and_models_listed(client, model):
    def count(text):
        body = {"model": model[1], "messages": [{"role": "user", "content": text}]}
        return client.post("/anthropic/eu/v1/messages/count_tokens", json=body).json()["input_tokens"]

    assert 0 < count("Hi") < count("Hi " * 100)
    body = client.get("/anthropic/eu/v1/models").json()
    (mine,) = [m for m in body["data"] if m["id"] == model[1]]
    assert mine["type"] == "model" and mine["created_at"].endswith("Z") and body["has_more"] is False
    assert body["first_id"] == body["data"][0]["id"] and body["last_id"] == body["data"][-1]["id"]


def test_thinking_goes_to_models_that_can(client, admin, fake_llm, served):
    fake_llm.script(served, Reply("ok"))
    r = message(client, served, thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=4000)
    assert r.status_code == 200, r.text
    (request,) = fake_llm.requests_for(served)
    assert "enabled" in str(request.body.get("thinking"))
