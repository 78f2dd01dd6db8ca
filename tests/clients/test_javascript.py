# SPDX-License-Identifier: MIT
"""The platforms' own JavaScript clients against the server."""
import time

import pytest

import langflow
from fake_llm import Reply
from fixtures import create_key


@pytest.fixture
def flow_key(server):
    return create_key(server, "langflow")


def test_langflows_client_runs_and_streams_a_flow(server, node, model, fake_llm, flow_key):
    name = model[1]
    with server.client(key=flow_key) as client:
        made = client.post("/api/v1/flows/", json=langflow.chat_flow(name)).json()
    model_node = langflow.node_id("LanguageModelComponent")
    slow = Reply("never to its end " * 500, delay=0.05)
    fake_llm.script(name, Reply("Hi there"), Reply("Warmer"), Reply("One two three"), slow)
    found = node("langflow.mjs", server.url, flow_key, made["id"], model_node)

    assert found["text"] == "Hi there" and found["session"] == "from-node"
    (tweaked,) = [r.body for r in fake_llm.requests_for(name) if "tweaked" in str(r.body["messages"])]
    assert tweaked["temperature"] == 0.7
    kinds = [e["event"] for e in found["events"]]
    assert kinds[0] == "add_message" and "token" in kinds and kinds[-1] == "end" and kinds.count("end") == 1
    assert "".join(e["data"]["chunk"] for e in found["events"] if e["event"] == "token") == "One two three"
    assert langflow.answer(found["events"][-1]["data"]["result"]) == "One two three"
    assert found["refused"] == "403 - Forbidden"
    assert found["aborted"] == "AbortError"
    deadline = time.monotonic() + 20
    while server.live_runs() > 0:
        assert time.monotonic() < deadline, "a run goes on although its client has left"
        time.sleep(0.05)


@pytest.mark.parametrize("mount", ["", "/api/public"])
def test_the_quick_start_of_langdocks_documentation(server, node, mount, fake_llm):
    fake_llm.page("/users/42", '{"id": 42, "name": "Ann"}', "application/json")
    found = node("langdock.mjs", server.url + mount, create_key(server, "INTEGRATION_API"), fake_llm.origin)
    assert found["status"] == 201 and found["made"]["name"] == "My Custom Integration"
    assert found["read"]["id"] == found["made"]["id"] and found["read"]["description"] == "Connects to my internal API"
    assert found["made"]["id"] in found["listed"] and int(found["limit"]) > 0
    assert found["actionStatus"] == 201 and found["action"]["slug"] == "get_user_data"
    assert found["action"]["inputFields"][0]["slug"] == "user_id" and found["action"]["requiresConfirmation"] is True
    assert found["run"]["success"] is True and found["run"]["result"] == {"id": 42, "name": "Ann"}
    assert found["refused"]["status"] == 400 and found["refused"]["message"] == "Invalid request body"
    assert found["refused"]["errors"][0]["path"] == ["name"] and found["refused"]["errors"][0]["code"] == "too_big"
