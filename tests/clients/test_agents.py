# SPDX-License-Identifier: MIT
"""Clients of agents and models: OpenAI's, Anthropic's and the AI SDK of web applications."""
import time

import pytest

import sage
from fake_llm import Call, Fail, Reply
from fixtures import create_key


@pytest.fixture
def action(server):
    """An action that counts; its id."""
    client = server.client(token=create_key(server, "INTEGRATION_API"))
    desk = client.post("/integrations/v1/create", json={"name": sage.unique("Desk")[:40]}).json()["integration"]["id"]
    body = {
        "name": "Count tickets", "code": "return {count: data.input.query.length};", "requiresConfirmation": False,
        "inputFields": [{"label": "Query", "type": "TEXT", "required": True}],
    }
    return client.post(f"/integrations/v1/{desk}/actions/create", json=body).json()["action"]["id"]


@pytest.mark.parametrize("mount", ["", "/api/public"])
def test_a_web_application_chats_with_an_agent(server, node, model, fake_llm, action, mount):
    name = model[1]
    fake_llm.script(
        name,
        Reply(reasoning="Let me count.", tool_calls=[Call("count_tickets", {"query": "vpn"}, id="call_1")]),
        Reply("Three tickets."),
        Reply("Quite sure."),
        Reply("raw"),
        Fail(400, "the reason why"),
        Reply("slow " * 500, delay=0.05),
    )
    key = create_key(server, "AGENT_API", "KNOWLEDGE_FOLDER_API")
    found = node("agents.mjs", server.url + mount, key, name, action)

    assert found["made"] == 201
    parts = found["first"]["parts"]
    assert [p["type"] for p in parts] == ["step-start", "reasoning", "tool-count_tickets", "step-start", "text"]
    assert parts[2]["state"] == "output-available" and parts[2]["input"] == {"query": "vpn"} and parts[2]["output"] == {"count": 3}
    assert parts[4]["text"] == "Three tickets." and found["second"]["parts"][-1]["text"] == "Quite sure."
    assert found["chunks"][0] == "start" and found["chunks"][-1] == "finish"
    assert "the reason why" in found["failed"] and "Invalid request body" in found["refused"]
    assert found["aborted"] in ("AbortError", "ended")
    told = [r for r in fake_llm.requests_for(name) if "How many tickets?" in str(r.body["messages"])]
    assert "The mascot is a heron." in str(told[0].body["messages"]) and "a,b" in str(told[0].body["messages"])
    again = [r for r in told if "Sure?" in str(r.body["messages"])][0].body["messages"]
    assert [m["role"] for m in again[1:]] == ["user", "assistant", "tool", "assistant", "user"]
    deadline = time.monotonic() + 20
    while server.live_runs() > 0:
        assert time.monotonic() < deadline, "a run goes on although its client has left"
        time.sleep(0.05)


def served(admin, fake_llm, requester):
    """The name of a model at a provider that speaks one or the other."""
    name = sage.unique("either")
    body = {"name": name, "requester": requester, "base_url": fake_llm.origin if "anthropic" in requester else fake_llm.url}
    made = admin.post("/api/v1/provider/providers", json={**body, "api_keys": ["sk-1"]}).json()["data"]["uuid"]
    r = admin.post("/api/v1/provider/models/llm", json={"name": name, "provider_uuid": made, "abilities": ["func_call"]})
    assert r.status_code == 200, r.text
    return name


CALL = Reply(tool_calls=[Call("weather", {"place": "Rome"}, id="call_1")])


def scripted(fake_llm, name):
    """One answer for each thing that models.mjs does, in its order."""
    fake_llm.script(name, Reply("Hello you"), Reply("Hello stream"), CALL, Reply("It is sunny"), Reply("one two three four five", disconnect_after=5))
    fake_llm.script(name, Reply("Good day"), Reply("Good stream"), CALL, Reply("Sunny it is"))
    fake_llm.script(name, *[Reply("Text"), CALL, Reply("Sunny.")] * 2, Reply('{"n": 3}'))


@pytest.mark.parametrize("requester", ["openai-chat-completions", "anthropic-messages"])
def test_the_clients_of_both_platforms_use_models_of_either(server, node, fake_llm, admin, embedding_model, requester):
    name = served(admin, fake_llm, requester)
    scripted(fake_llm, name)
    found = node("models.mjs", server.url, create_key(server, "COMPLETION_API"), name, embedding_model)

    o, a, sdk = found["openai"], found["anthropic"], found["ai"]
    assert o["text"] == "Hello you" and o["finish"] == "stop" and o["usage"]["total_tokens"] == 18
    assert o["streamed"] == "Hello stream" and o["pieces"] >= 2 and o["streamedUsage"] == 18
    assert o["call"] == {"name": "weather", "arguments": {"place": "Rome"}, "finish": "tool_calls"} and o["after"] == "It is sunny"
    assert name in o["models"] and embedding_model in o["models"] and o["vectors"] == [8, 8]
    assert o["refused"] == {"status": 404, "name": "NotFoundError"} and o["broken"] == "APIError"
    assert a["text"] == "Good day" and a["stop"] == "end_turn" and a["usage"]["output_tokens"] == 7
    assert a["streamed"] == "Good stream" and a["pieces"] >= 2
    assert a["call"] == {"name": "weather", "input": {"place": "Rome"}, "stop": "tool_use"} and a["after"] == "Sunny it is"
    assert a["tokens"] > 0 and name in a["models"] and a["refused"] == {"status": 404, "type": "not_found_error"}
    for provider in ("openai", "anthropic"):
        assert sdk[provider]["text"] == "Text" and sdk[provider]["total"] == 18
        assert sdk[provider]["streamed"] == "Sunny." and sdk[provider]["results"] == ["sunny in Rome"]
        assert {"tool-call", "tool-result", "text-delta", "finish"} <= set(sdk[provider]["kinds"])
    assert sdk["object"] == {"n": 3} and sdk["vectors"] == 3
