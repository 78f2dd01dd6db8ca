# SPDX-License-Identifier: MIT
"""The agents of the Langdock face: attachments, agents and their versions, chats whole and as a stream, assistants."""
import base64
import concurrent.futures
import json
import pathlib
import re
import socket
import struct
import time

import pytest

import databases
import langdock
import sage
from fake_llm import Call, Fail, Hang, Reply
from fixtures import create_key, create_user

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@pytest.fixture(scope="module")
def boss(server):
    """An administrator of this file's own: requests are limited by user."""
    return create_user(server, role="admin")


@pytest.fixture(scope="module")
def admin(boss):
    return boss.client


@pytest.fixture(scope="module")
def builder(server, boss):
    """A key for everything that is tested here."""
    return server.client(token=create_key(server, "AGENT_API", "ASSISTANT_API", "KNOWLEDGE_FOLDER_API", user=boss.name))


@pytest.fixture
def stranger(server, user):
    """The same of an ordinary user."""
    other = user()
    return server.client(token=create_key(server, "AGENT_API", "KNOWLEDGE_FOLDER_API", user=other.name))


def refused(response, status, message=None):
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert isinstance(body["message"], str) and body["error"] == body["message"], body
    if message is not None:
        assert message in body["message"], body
    return body


def create(client, **more):
    r = client.post("/agent/v1/create", json={"name": sage.unique("Agent"), **more})
    assert r.status_code == 201, r.text
    return r.json()["agent"]


def get(client, agent_id, **params):
    r = client.get("/agent/v1/get", params={"agentId": agent_id, **params})
    assert r.status_code == 200, r.text
    return r.json()["agent"]


def said(text, **more):
    return {"id": "u1", "role": "user", "parts": [{"type": "text", "text": text}], **more}


def chat(client, **body):
    return client.post("/agent/v1/chat/completions", json=body)


def upload(client, name, data, mime="text/plain"):
    r = client.post("/attachment/v1/upload", files={"file": (name, data, mime)})
    assert r.status_code == 200, r.text
    return r.json()["attachmentId"]


@pytest.fixture
def model(admin, fake_llm):
    """(provider id, model name); the requests that saving it made are forgotten."""
    made = sage.provider(admin, fake_llm)
    with fake_llm._lock:
        fake_llm.requests[:] = [r for r in fake_llm.requests if r.model != made[1]]
    return made


def sent_text(request):
    """Everything that the model was told, as one text."""
    return json.dumps(request.body["messages"], ensure_ascii=False)


# --------------------------------------------------------------------------------------------------------- attachments


@pytest.mark.parametrize("mount", ["", "/api/public"])
def test_a_file_is_uploaded_and_deleted(builder, mount):
    r = builder.post(mount + "/attachment/v1/upload", files={"file": ("größe.txt", b"hello", "text/plain")})
    assert r.status_code == 200, r.text
    body = r.json()
    assert re.fullmatch(UUID, body["attachmentId"])
    assert body["file"] == {"name": "größe.txt", "mimeType": "text/plain", "sizeInBytes": 5}
    gone = builder.request("DELETE", mount + "/attachment/v1/delete", json={"attachmentId": body["attachmentId"]})
    assert gone.status_code == 200, gone.text
    assert gone.json() == {
        "success": True, "message": "Attachment deleted successfully", "attachmentId": body["attachmentId"],
    }
    again = builder.request("DELETE", mount + "/attachment/v1/delete", json={"attachmentId": body["attachmentId"]})
    refused(again, 404, "Attachment not found")


@pytest.mark.parametrize(
    "name, data", [("a.bin", b"\x7fELF\x02\x01"), ("b.txt", b"MZ\x90\x00"), ("c.EXE", b"text"), ("d", b"\xcf\xfa\xed\xfe")]
)
def test_programs_are_refused(builder, name, data):
    refused(builder.post("/attachment/v1/upload", files={"file": (name, data, "text/plain")}), 406)


@pytest.mark.parametrize(
    "name, sent, kept",
    [("a.md", "", "text/markdown"), ("a.PDF", "application/octet-stream", "application/pdf"), ("a", 'x/"<b>', "application/octet-stream"),
     ("a.csv", "Text/CSV; charset=utf-8", "text/csv"), ("x" * 300 + ".txt", "text/plain", "text/plain")],
)
def test_the_type_of_a_file_is_what_is_sent_or_by_its_name(builder, name, sent, kept):
    r = builder.post("/attachment/v1/upload", files={"file": (name, b"x", sent)})
    assert r.status_code == 200 and r.json()["file"]["mimeType"] == kept, r.text
    assert len(r.json()["file"]["name"]) <= 255


def test_clients_that_leave_before_their_answer_leave_no_file_behind(start_server):
    """At each moment of storing it: whatever is kept has its row."""
    server = start_server(env={"SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "1000000"})
    key = create_key(server, "KNOWLEDGE_FOLDER_API")
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n'
    head = (
        f"POST /attachment/v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )

    def begin():
        s = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        s.sendall(head.encode() + body)
        return s

    def orphans():
        kept = {p.name for p in pathlib.Path(server.data, "objects").rglob("*") if p.is_file()}
        return kept ^ {key for (key,) in databases.rows(server.data, "SELECT object_key FROM attachment")}

    with begin() as patient:
        assert patient.recv(1000).startswith(b"HTTP/1.1 200 ")
    for n in range(40):
        leaving = [begin() for _ in range(20)]
        time.sleep(n * 0.001)
        for s in leaving:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a goodbye
            s.close()
    time.sleep(1)
    deadline = time.monotonic() + 10
    while left := orphans():
        assert time.monotonic() < deadline, f"{len(left)} files are left"
        time.sleep(0.1)


def test_uploads_that_are_refused(builder):
    refused(builder.post("/attachment/v1/upload", files={"file": ("x" * 300 + ".exe", b"x")}), 406)
    refused(builder.post("/attachment/v1/upload", files={"other": ("a.txt", b"x")}), 400, "No file")
    refused(builder.post("/attachment/v1/upload", data={"file": "no file"}, files={"x": ("y", b"")}), 400, "No file")
    refused(builder.post("/attachment/v1/upload", json={}), 400)
    for body, message in (({}, "Invalid request body"), ({"attachmentId": "att_1"}, "Invalid attachment ID")):
        refused(builder.request("DELETE", "/attachment/v1/delete", json=body), 400, message)
    refused(builder.request("DELETE", "/attachment/v1/delete", json={"attachmentId": UNKNOWN}), 404)


def test_an_upload_that_breaks_off_leaves_nothing(server, builder):
    before = set(p.name for p in __import__("pathlib").Path(server.data, "objects").rglob("*"))
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        key = builder.headers["authorization"]
        s.sendall(
            f"POST /attachment/v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: 1000000\r\n"
            'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; '
            'filename="a.txt"\r\n\r\n'.encode()
        )
        s.sendall(b"x" * 70000)
        time.sleep(0.2)
    deadline = time.monotonic() + 20
    while set(p.name for p in __import__("pathlib").Path(server.data, "objects").rglob("*")) - before:
        assert time.monotonic() < deadline, "a half file is left"
        time.sleep(0.05)


def test_an_upload_that_is_repeated_is_one_attachment(builder):
    def send(key, data, name="a.txt"):
        return builder.post("/attachment/v1/upload", files={"file": (name, data, "text/plain")}, headers={"idempotency-key": key})

    key = sage.unique("once")
    first, again = send(key, b"hello" * 50000), send(key, b"hello" * 50000)
    assert first.status_code == again.status_code == 200 and first.json() == again.json(), again.text
    assert again.headers["idempotent-replayed"] == "true"
    for other in (send(key, b"hello" * 49999 + b"hellO"), send(key, b"hello" * 50000, "b.txt")):
        refused(other, 422, "used for another request")
    refused(send(sage.unique("program"), b"MZ"), 406)
    assert send(sage.unique("other"), b"hello" * 50000).json()["attachmentId"] != first.json()["attachmentId"]


def test_attachments_are_their_owners(builder, stranger):
    mine = upload(builder, "mine.txt", b"x")
    refused(stranger.request("DELETE", "/attachment/v1/delete", json={"attachmentId": mine}), 404)
    refused(stranger.post("/agent/v1/create", json={"name": "x", "attachments": [mine]}), 404, mine)
    body = {"agent": {"instructions": "x"}, "messages": [said("x", metadata={"attachments": [mine]})]}
    refused(chat(stranger, **body), 400, mine)


@pytest.mark.parametrize(
    "scope, method, path",
    [
        ("AGENT_API", "POST", "/attachment/v1/upload"),
        ("KNOWLEDGE_FOLDER_API", "POST", "/agent/v1/create"),
        ("AGENT_API", "GET", "/assistant/v1/models"),
        ("ASSISTANT_API", "GET", "/agent/v1/models"),
        ("AGENT_API", "POST", "/openai/v1/chat/completions"),
        ("AGENT_API", "GET", "/openai/eu/v1/models"),
    ],
)
def test_scopes(server, boss, scope, method, path):
    client = server.client(token=create_key(server, scope, user=boss.name))
    refused(client.request(method, path, json={} if method == "POST" else None), 403)
    refused(server.client().request(method, path), 401)
    refused(server.client(token="sk-ld-wrong").request(method, path), 401, "The provided API key is invalid.")


# -------------------------------------------------------------------------------------------------------------- agents


def test_an_agent_is_created_with_every_field_and_shown_with_the_names_of_answers(builder, model):
    attachment = upload(builder, "facts.txt", b"The mascot is a heron.")
    fields = [
        {"slug": "topic", "type": "SELECT", "label": "Topic", "description": "What", "required": True, "order": 0,
         "options": ["a", "b"], "fileTypes": None, "emailDomain": None},
    ]
    made = create(
        builder, description="Helps", emoji="🦊", instruction="Be brief.", inputType="STRUCTURED", model=model[1],
        creativity=0.5, conversationStarters=["Hi"], inputFields=fields, attachments=[attachment], webSearch=True,
        imageGeneration=True, canvas=True, dataAnalyst=True,
    )
    assert re.fullmatch(UUID, made["id"]) and re.fullmatch(TIME, made["createdAt"]) and re.fullmatch(TIME, made["updatedAt"])
    expected = {
        "description": "Helps", "instruction": "Be brief.", "emojiIcon": "🦊", "model": model[1], "temperature": 0.5,
        "conversationStarters": ["Hi"], "inputType": "STRUCTURED", "webSearchEnabled": True, "imageGenerationEnabled": True,
        "canvasEnabled": True, "codeInterpreterEnabled": False, "extendedThinking": False, "actions": [],
        "inputFields": fields, "attachments": [attachment], "knowledgeFolderIds": [],
    }
    assert {k: made[k] for k in expected} == expected
    got = get(builder, made["id"])
    assert got == made


def test_names_need_not_be_unique_and_aliases_are_understood(builder, model):
    body = {"name": "Twin", "instructions": "Be long.", "temperature": 0.1, "capabilities": {"webSearch": True}}
    one, two = (builder.post("/agent/v1/create", json=body).json()["agent"] for _ in range(2))
    assert one["id"] != two["id"]
    assert one["instruction"] == "Be long." and one["temperature"] == 0.1 and one["webSearchEnabled"] is True
    assert create(builder)["inputType"] == "PROMPT" and create(builder)["temperature"] == 0.3


@pytest.mark.parametrize(
    "body, status, message",
    [
        ({}, 400, "Invalid request body"),
        ({"name": ""}, 400, "Invalid request body"),
        ({"name": "x" * 256}, 400, "Invalid request body"),
        ({"name": "x", "description": "x" * 801}, 400, "Invalid request body"),
        ({"name": "x", "instruction": "x" * 50001}, 400, "Invalid request body"),
        ({"name": "x", "creativity": 1.1}, 400, "Invalid request body"),
        ({"name": "x", "inputType": "OTHER"}, 400, "Invalid request body"),
        ({"name": "x", "conversationStarters": ["a"] * 21}, 400, "Invalid request body"),
        ({"name": "x", "conversationStarters": [""]}, 400, "conversationStarters"),
        ({"name": "x", "attachments": [UNKNOWN] * 51}, 400, "Invalid request body"),
        ({"name": "x", "inputFields": [{"slug": "s", "type": "OBJECT", "label": "l"}]}, 400, "Invalid request body"),
        ({"name": "x", "actions": [{}]}, 400, "Invalid request body"),
        ({"name": "x", "actions": [{"actionId": UNKNOWN}]}, 404, f"Action not found: {UNKNOWN}"),
        ({"name": "x", "model": "no-such-model"}, 404, "Model not found: no-such-model"),
        ({"name": "x", "attachments": [UNKNOWN]}, 404, f"Attachment not found: {UNKNOWN}"),
        ({"name": "x", "knowledgeFolderIds": [UNKNOWN]}, 404, f"Knowledge folder not found: {UNKNOWN}"),
    ],
)
def test_agents_that_are_refused(builder, body, status, message):
    refused(builder.post("/agent/v1/create", json=body), status, message)


def test_extended_thinking_needs_a_model_that_reasons(builder, model):
    r = builder.post("/agent/v1/create", json={"name": "x", "model": model[1], "extendedThinking": True})
    refused(r, 400, "extendedThinking")


def test_an_agent_that_thinks_makes_its_model_think(builder, admin, fake_llm):
    name = sage.unique("thinker")
    body = {"name": name, "requester": "anthropic-messages", "base_url": fake_llm.origin, "api_keys": ["sk-1"]}
    made = admin.post("/api/v1/provider/providers", json=body).json()["data"]["uuid"]
    admin.post("/api/v1/provider/models/llm", json={"name": name, "provider_uuid": made, "abilities": ["reasoning"]})
    assert [m["supportsExtendedThinking"] for m in builder.get("/agent/v1/models").json()["data"] if m["id"] == name] == [True]
    agent = create(builder, model=name, extendedThinking=True)
    assert agent["extendedThinking"] is True
    fake_llm.script(name, Reply("x"))
    assert chat(builder, agentId=agent["id"], messages=[said("?")]).status_code == 200
    assert fake_llm.requests_for(name)[-1].body["thinking"]["type"] == "enabled"
    # the same wherever it is used, unless a message says otherwise
    assert sage.chat(admin, sage.say("?", agent["id"])).ended
    assert fake_llm.requests_for(name)[-1].body["thinking"]["type"] == "enabled"
    assert sage.chat(admin, sage.say("<enable_deep_thinking>false</enable_deep_thinking>?", agent["id"])).ended
    assert "thinking" not in fake_llm.requests_for(name)[-1].body


def test_actions_go_round_with_members_that_nobody_knows(server, boss):
    both = server.client(token=create_key(server, "AGENT_API", "INTEGRATION_API", user=boss.name))
    made = both.post("/integrations/v1/create", json={"name": "Desk"}).json()["integration"]
    r = both.post(f"/integrations/v1/{made['id']}/actions/create", json={"name": "Find tickets"})
    assert r.status_code == 201, r.text
    action = {"actionId": r.json()["action"]["id"], "further": {"kept": [1]}}
    agent = create(both, actions=[action])
    assert agent["actions"] == [{**action, "requiresConfirmation": True, "connectionId": None}]
    again = both.patch("/agent/v1/update", json={"agentId": agent["id"], "actions": agent["actions"]})
    assert again.json()["agent"]["actions"] == agent["actions"]
    bad = [{**agent["actions"][0], "connectionId": UNKNOWN}]
    refused(both.patch("/agent/v1/update", json={"agentId": agent["id"], "actions": bad}), 404, "Connection not found")


def both_apis(server, name):
    return server.client(token=create_key(server, "AGENT_API", "INTEGRATION_API", user=name))


def keyed_desk(client):
    """(integration, its connection) with an API key."""
    desk = langdock.Desk(client)
    desk.auth("API_KEY", authFields=[{"slug": "key", "label": "Key", "type": "PASSWORD"}])
    made = desk.post("connections", {"values": {"key": "k-12345678"}})
    assert made.status_code == 201, made.text
    return desk, made.json()["connection"]["id"]


def test_what_was_deleted_is_in_no_agent_any_more(server, boss):
    client = both_apis(server, boss.name)
    desk, connection = keyed_desk(client)
    first, second = desk.action("First")["id"], desk.action("Second")["id"]
    agent = create(client, actions=[{"actionId": first, "connectionId": connection}, {"actionId": second, "further": 1}])
    assert [a["connectionId"] for a in agent["actions"]] == [connection, None]
    desk.auth("SERVICE_ACCOUNT")  # deletes the connections
    assert [(a["actionId"], a["connectionId"]) for a in get(client, agent["id"])["actions"]] == [(first, None), (second, None)]
    assert desk.delete(f"actions/{first}").status_code == 200
    left = get(client, agent["id"])["actions"]
    assert left == [{"actionId": second, "further": 1, "requiresConfirmation": True, "connectionId": None}]
    again = client.patch("/agent/v1/update", json={"agentId": agent["id"], "actions": left})
    assert again.status_code == 200 and again.json()["agent"]["actions"] == left, again.text
    assert desk.delete().status_code == 200
    assert get(client, agent["id"])["actions"] == []


def test_an_agent_is_given_what_its_owner_may_use_and_nothing_else(server, boss, user):
    client, theirs = both_apis(server, boss.name), both_apis(server, user().name)
    desk, connection = keyed_desk(client)
    other, other_connection = keyed_desk(client)
    mine, foreign = desk.action()["id"], langdock.Desk(theirs).action()["id"]
    refused(client.post("/agent/v1/create", json={"name": "x", "actions": [{"actionId": mine, "connectionId": other_connection}]}), 404, "Connection not found")
    refused(client.post("/agent/v1/create", json={"name": "x", "actions": [{"actionId": foreign}]}), 404, "Action not found")
    agent = create(theirs, actions=[{"actionId": foreign}])
    assert get(client, agent["id"])["actions"][0]["actionId"] == foreign
    for bad in ({"actionId": mine}, {"actionId": foreign, "connectionId": connection}):
        refused(client.patch("/agent/v1/update", json={"agentId": agent["id"], "actions": [bad]}), 404)
    kept = client.patch("/agent/v1/update", json={"agentId": agent["id"], "actions": [{"actionId": foreign}]})
    assert kept.status_code == 200, kept.text


def test_a_model_is_found_with_at_sign_and_with_dash(builder, admin, fake_llm):
    name = sage.unique("claude") + "@default"
    sage.provider(admin, fake_llm, model=name)
    assert create(builder, model=name)["model"] == name
    assert create(builder, model=name.replace("@", "-"))["model"] == name


def test_an_update_changes_what_it_names(builder, model):
    made = create(builder, description="old", instruction="Be brief.", emoji="🦊", conversationStarters=["Hi"], model=model[1])
    r = builder.patch("/agent/v1/update", json={"agentId": made["id"], "description": "", "emoji": None, "conversationStarters": []})
    assert r.status_code == 200 and r.json()["message"] == "Agent updated successfully", r.text
    got = get(builder, made["id"])
    assert got["description"] == "" and got["emojiIcon"] is None and got["conversationStarters"] == []
    assert got["instruction"] == "Be brief." and got["name"] == made["name"] and got["model"] == model[1]


def test_drafts_are_published(builder):
    made = create(builder, instruction="one")
    publish = {"agentId": made["id"], "description": "first"}
    r = builder.post("/agent/v1/publish", json=publish)
    assert r.status_code == 200 and r.json()["message"] == "Agent published successfully", r.text
    version = r.json()["version"]
    assert version["version"] == 1 and re.fullmatch(UUID, version["id"]) and re.fullmatch(TIME, version["createdAt"])
    refused(builder.post("/agent/v1/publish", json=publish), 409)
    r = builder.patch("/agent/v1/update", json={"agentId": made["id"], "instruction": "two"})
    assert r.json()["agent"]["instruction"] == "two"
    assert get(builder, made["id"])["instruction"] == "one"
    assert get(builder, made["id"], version="draft")["instruction"] == "two"
    r = builder.patch("/agent/v1/update", json={"agentId": made["id"], "description": "more"})
    assert r.json()["agent"]["instruction"] == "two", "a second change loses no first one"
    assert builder.post("/agent/v1/publish", json=publish).json()["version"]["version"] == 2
    assert get(builder, made["id"])["instruction"] == "two" and get(builder, made["id"], version="draft")["description"] == "more"
    refused(builder.post("/agent/v1/publish", json={"agentId": made["id"], "description": "x" * 501}), 400)


def test_changes_of_different_members_at_once_are_all_kept(builder):
    made = create(builder)
    assert builder.post("/agent/v1/publish", json={"agentId": made["id"]}).status_code == 200
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for n in range(6):
            wanted = {"name": f"N{n}", "description": f"D{n}", "instruction": f"I{n}", "emoji": f"{n}", "conversationStarters": [f"S{n}"], "canvas": n % 2 == 0}
            change = lambda one: builder.patch("/agent/v1/update", json={"agentId": made["id"], one[0]: one[1]})  # noqa: E731
            assert {r.status_code for r in pool.map(change, wanted.items())} == {200}
            got = get(builder, made["id"], version="draft")
            shown = {"emoji": "emojiIcon", "canvas": "canvasEnabled"}
            assert {k: got[shown.get(k, k)] for k in wanted} == wanted


def test_a_change_that_comes_while_it_is_published_is_not_lost(builder):
    made = create(builder)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for n in range(20):
            assert builder.patch("/agent/v1/update", json={"agentId": made["id"], "description": f"D{n}"}).status_code == 200
            publishing = pool.submit(builder.post, "/agent/v1/publish", json={"agentId": made["id"]})
            changing = pool.submit(builder.patch, "/agent/v1/update", json={"agentId": made["id"], "instruction": f"I{n}"})
            assert publishing.result().status_code == changing.result().status_code == 200
            assert get(builder, made["id"], version="draft")["instruction"] == f"I{n}"


def test_publishing_twice_under_one_key_makes_one_version(builder):
    made, headers = create(builder), {"Idempotency-Key": sage.unique("once")}
    first, again = (builder.post("/agent/v1/publish", json={"agentId": made["id"]}, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    assert first.json()["version"]["version"] == 1


def test_ids_that_are_none_and_agents_of_others(builder, stranger):
    made = create(builder)
    for method, path, key in (("GET", "get", "params"), ("PATCH", "update", "json"), ("POST", "publish", "json")):
        for agent_id, status in (("agent_123", 400), (UNKNOWN, 404), (made["id"], 404)):
            r = stranger.request(method, f"/agent/v1/{path}", **{key: {"agentId": agent_id}})
            refused(r, status)
        refused(stranger.request(method, f"/agent/v1/{path}", **{key: {}}), 400)


def test_an_agent_that_is_shared_is_used_but_not_changed(server, builder, admin, user, model, fake_llm):
    other = user()
    client = server.client(token=create_key(server, "AGENT_API", user=other.name))
    made = create(builder, model=model[1])
    sage.full(admin.post(f"/api/agent/{made['id']}/auth", json={"user_ids": [other.id]}))
    assert get(client, made["id"])["name"] == made["name"]
    assert builder.post("/agent/v1/publish", json={"agentId": made["id"]}).status_code == 200
    assert builder.patch("/agent/v1/update", json={"agentId": made["id"], "instruction": "not yet"}).status_code == 200
    refused(client.get("/agent/v1/get", params={"agentId": made["id"], "version": "draft"}), 403, "permission")
    assert "not yet" not in str(get(client, made["id"], version="published"))
    refused(client.patch("/agent/v1/update", json={"agentId": made["id"], "name": "y"}), 403)
    refused(client.patch("/agent/v1/disable", json={"agentId": made["id"], "disabled": True}), 403)
    fake_llm.script(model[1], Reply("yes"))
    assert chat(client, agentId=made["id"], messages=[said("?")]).json()["messages"][0]["content"] == "yes"


def test_the_files_of_an_agent_are_its_owners_whoever_changes_it(builder, stranger):
    theirs, mine = upload(stranger, "theirs.txt", b"x"), upload(builder, "mine.txt", b"y")
    made = create(stranger, attachments=[theirs])
    body = {"agentId": made["id"], "attachments": get(builder, made["id"])["attachments"]}
    r = builder.patch("/agent/v1/update", json=body)
    assert r.status_code == 200 and r.json()["agent"]["attachments"] == [theirs], r.text
    refused(builder.patch("/agent/v1/update", json={"agentId": made["id"], "attachments": [mine]}), 404, mine)
    assert get(stranger, made["id"])["attachments"] == [theirs]


def test_a_disabled_agent_answers_nobody(builder, admin, model):
    made = create(builder, model=model[1])
    r = builder.patch("/agent/v1/disable", json={"agentId": made["id"], "disabled": True})
    assert r.json() == {"status": "success", "message": "Agent disabled successfully"}
    refused(chat(builder, agentId=made["id"], messages=[said("?")]), 403, "disabled")
    r = admin.post("/api/chat", json={"agent_id": made["id"], "messages": [{"role": "user", "content": "?"}]})
    assert "is disabled" in r.json()["message"], r.text
    assert get(builder, made["id"])["disabled"] is True
    r = builder.patch("/agent/v1/disable", json={"agentId": made["id"], "disabled": False})
    assert r.json()["message"] == "Agent enabled successfully"
    assert chat(builder, agentId=made["id"], messages=[said("?")]).status_code == 200
    refused(builder.patch("/agent/v1/disable", json={"agentId": made["id"]}), 400)


def test_models_are_listed_with_milliseconds(builder, model):
    body = builder.get("/agent/v1/models").json()
    (mine,) = [m for m in body["data"] if m["id"] == model[1]]
    assert body["object"] == "list" and mine["object"] == "model" and mine["owned_by"] == "system"
    assert abs(mine["created"] - time.time() * 1000) < 600_000 and mine["supportsExtendedThinking"] is False


def test_an_agent_made_here_is_one_in_sage_and_the_other_way_round(builder, admin, fake_llm, model):
    made = create(builder, instruction="You are a heron.", model=model[1])
    listed = sage.full(admin.get("/api/agent/list"))
    assert made["id"] in [a["id"] for a in listed]
    fake_llm.script(model[1], Reply("From Sage"))
    r = admin.post("/api/chat", json={"agent_id": made["id"], "messages": [{"role": "user", "content": "Who?"}]})
    assert r.status_code == 200 and "From" in r.text, r.text
    (request,) = fake_llm.requests_for(model[1])
    assert "You are a heron." in sent_text(request) and request.tools == []

    theirs = sage.agent(admin, model[0], systemPrefix="You are a stork.")
    assert get(builder, theirs)["instruction"] == "You are a stork."
    fake_llm.script(model[1], Reply("From the API"))
    r = chat(builder, agentId=theirs, messages=[said("Who?")])
    assert r.json()["messages"][-1]["content"] == "From the API"
    assert "You are a stork." in sent_text(fake_llm.requests_for(model[1])[-1])
    renamed = builder.patch("/agent/v1/update", json={"agentId": theirs, "name": "Renamed"})
    assert renamed.status_code == 200, renamed.text
    fake_llm.script(model[1], Reply("still with its tools"))
    chat(builder, agentId=theirs, messages=[said("Who?")])
    assert "todo_write" in fake_llm.requests_for(model[1])[-1].tools


def test_creating_twice_under_one_key_makes_one_agent(builder):
    headers = {"Idempotency-Key": sage.unique("once")}
    body = {"name": "Once"}
    first, again = (builder.post("/agent/v1/create", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.json() == again.json()


# --------------------------------------------------------------------------------------------------------------- chats


@pytest.mark.parametrize("mount", ["", "/api/public"])
def test_a_chat_answers_with_both_forms_of_a_message(builder, fake_llm, model, mount):
    fake_llm.script(model[1], Reply("Two tickets match.", reasoning="Let me see."))
    body = {"agent": {"instructions": "Be brief.", "model": model[1], "temperature": 0.25}, "messages": [said("How many?")]}
    r = builder.post(mount + "/agent/v1/chat/completions", json=body)
    assert r.status_code == 200, r.text
    answer = r.json()
    (message,) = answer["messages"]
    assert message["role"] == answer["role"] == "assistant" and message["content"] == "Two tickets match."
    assert message["parts"] == answer["parts"] and message["id"] == answer["id"] and re.fullmatch(UUID, answer["id"])
    assert [p["type"] for p in answer["parts"]] == ["step-start", "reasoning", "text"] and "output" not in answer
    (request,) = fake_llm.requests_for(model[1])
    assert request.body["temperature"] == 0.25 and "Be brief." in sent_text(request) and request.tools == []


def test_members_that_are_null_are_as_if_they_were_not_there(builder, fake_llm, model):
    fake_llm.script(model[1], Reply("x"))
    agent = {"model": model[1], "temperature": None, "instructions": None, "capabilities": None, "actions": None, "attachmentIds": None}
    r = chat(builder, agent=agent, agentId=None, messages=[said("?")], output=None, stream=None, maxSteps=None)
    assert r.status_code == 200, r.text
    assert "temperature" not in fake_llm.requests_for(model[1])[0].body
    both = {"model": model[1], "temperature": 0.5, "creativity": None}
    assert chat(builder, agent=both, messages=[said("?")]).status_code == 200


def test_nothing_of_a_chat_is_kept(builder, admin, fake_llm, model):
    before = sage.full(admin.get("/api/conversations"))["total"]
    fake_llm.script(model[1], Reply("x"))
    assert chat(builder, agent={"model": model[1]}, messages=[said("?")]).status_code == 200
    assert sage.full(admin.get("/api/conversations"))["total"] == before


@pytest.mark.parametrize(
    "body, message",
    [
        ({"messages": [said("x")]}, "Exactly one of agentId and agent"),
        ({"agentId": UNKNOWN, "agent": {}, "messages": [said("x")]}, "Exactly one of agentId and agent"),
        ({"agentId": UNKNOWN, "messages": [said("x")]}, "not found or not shared"),
        ({"agentId": "agent_123", "messages": [said("x")]}, "Invalid agent ID"),
        ({"agent": {}}, "Invalid request body"),
        ({"agent": {}, "messages": []}, "Invalid request body"),
        ({"agent": {}, "messages": [{"role": "robot", "parts": []}]}, "Invalid request body"),
        ({"agent": {}, "messages": [{"role": "user", "parts": []}]}, "empty"),
        ({"agent": {}, "messages": [{"role": "user", "parts": [{"type": "video"}]}]}, "'video'"),
        ({"agent": {}, "messages": [said("x")], "maxSteps": 21}, "Invalid request body"),
        ({"agent": {}, "messages": [said("x")], "maxSteps": 0}, "Invalid request body"),
        ({"agent": {"temperature": 2}, "messages": [said("x")]}, "Invalid request body"),
        ({"agent": {}, "messages": [said("x")], "output": {"type": "list"}}, "Invalid request body"),
        ({"agent": {}, "messages": [said("x")], "output": {"type": "enum"}}, "output.enum"),
        ({"agent": {}, "messages": [{"role": "user", "parts": [{"type": "file", "url": "file:///etc/passwd"}]}]}, "url of a file"),
        ({"agent": {}, "messages": [{"role": "user", "parts": [{"type": "file", "url": "data:text/plain;base64,?"}]}]}, "malformed"),
        ({"agent": {}, "messages": [{"role": "user", "parts": [{"type": "file", "url": "https://x.example/a.pdf"}]}]}, "only images"),
    ],
)
def test_chats_that_are_refused(builder, body, message):
    refused(chat(builder, **body), 400, message)


def test_unknown_models_of_inline_agents_are_named(builder):
    refused(chat(builder, agent={"model": "no-such"}, messages=[said("x")]), 404, "no-such")


def test_a_replayed_history_reaches_the_model_as_it_was(builder, fake_llm, model):
    history = [
        {"id": "s", "role": "system", "parts": [{"type": "text", "text": "Answer in rhymes."}]},
        said("How many tickets?"),
        {
            "id": "a1", "role": "assistant",
            "parts": [
                {"type": "step-start"}, {"type": "reasoning", "text": "hm"},
                {"type": "text", "text": "I look."},
                {"type": "tool-find", "toolCallId": "c1", "state": "output-available", "input": {"q": "vpn"}, "output": {"n": 2}},
                {"type": "tool-find", "toolCallId": "c2", "state": "output-error", "input": {"q": "x"}, "errorText": "broken"},
                {"type": "tool-find", "toolCallId": "c3", "state": "input-available", "input": {"q": "y"}},
                {"type": "step-start"}, {"type": "text", "text": "Two."},
                {"type": "source-url", "sourceId": "s1", "url": "https://example.org"},
            ],
        },
        said("Sure?"),
    ]
    fake_llm.script(model[1], Reply("Sure."))
    assert chat(builder, agent={"model": model[1]}, messages=history).status_code == 200
    (request,) = fake_llm.requests_for(model[1])
    seen = request.body["messages"]
    assert seen[0]["role"] == "system" and "Answer in rhymes." in seen[0]["content"]
    assert [m["role"] for m in seen[1:]] == ["user", "assistant", "tool", "tool", "tool", "assistant", "user"]
    assert seen[2]["content"] == "I look." and [c["id"] for c in seen[2]["tool_calls"]] == ["c1", "c2", "c3"]
    assert json.loads(seen[2]["tool_calls"][0]["function"]["arguments"]) == {"q": "vpn"}
    assert json.loads(seen[3]["content"]) == {"n": 2} and seen[4]["content"] == "broken" and "interrupted" in seen[5]["content"]
    assert seen[6]["content"] == "Two."


def test_files_reach_the_model_inline_and_as_attachments(builder, fake_llm, admin):
    provider, name = sage.provider(admin, fake_llm, supports_multimodal=True)
    note = upload(builder, "note.md", "Größe: 5".encode(), "text/markdown")
    picture = upload(builder, "dot.png", PIXEL, "image/png")
    message = {
        "role": "user",
        "parts": [
            {"type": "text", "text": "What is this?"},
            {"type": "file", "mediaType": "text/csv", "filename": "t.csv", "url": "data:text/csv;base64," + base64.b64encode(b"a,b").decode()},
            {"type": "file", "mediaType": "text/plain", "url": "data:text/plain,percent%20text"},
            {"type": "file", "mediaType": "text/markdown", "url": "attachment://" + note},
        ],
        "metadata": {"attachments": [picture]},
    }
    fake_llm.script(name, Reply("Things."))
    r = chat(builder, agent={"model": name}, messages=[message])
    assert r.status_code == 200, r.text
    told = sent_text(fake_llm.requests_for(name)[-1])
    assert "a,b" in told and "percent text" in told and "Größe: 5" in told and 'name=\\"note.md\\"' in told
    assert "data:image/png;base64," in told or "image" in told


def test_a_document_without_plain_text_is_refused_and_not_ignored(builder, fake_llm, model):
    pdf = upload(builder, "paper.pdf", b"%PDF-1.7\n\x00\xff\xfe", "application/pdf")
    r = chat(builder, agent={"model": model[1]}, messages=[said("Read", metadata={"attachments": [pdf]})])
    refused(r, 400, "paper.pdf")
    assert fake_llm.requests_for(model[1]) == []


def test_the_files_of_an_agent_are_in_its_prompt(builder, fake_llm, model):
    facts = upload(builder, "facts.txt", b"The mascot is a heron.")
    agent = create(builder, instruction="Help.", model=model[1], attachments=[facts])
    fake_llm.script(model[1], Reply("A heron."), Reply("?"))
    assert chat(builder, agentId=agent["id"], messages=[said("Mascot?")]).status_code == 200
    assert "The mascot is a heron." in fake_llm.requests_for(model[1])[0].body["messages"][0]["content"]
    builder.request("DELETE", "/attachment/v1/delete", json={"attachmentId": facts})
    assert chat(builder, agentId=agent["id"], messages=[said("Mascot?")]).status_code == 200
    assert "was deleted" in fake_llm.requests_for(model[1])[1].body["messages"][0]["content"]


def test_tools_run_and_are_parts_of_the_answer(builder, fake_llm, model, admin):
    agent = sage.agent(admin, model[0], availableTools=["get_current_time"])
    fake_llm.script(model[1], Reply("Let me look.", tool_calls=[Call("get_current_time", {})]), Reply("It is late."))
    answer = chat(builder, agentId=agent, messages=[said("Time?")]).json()
    kinds = [p["type"] for p in answer["parts"]]
    assert kinds == ["step-start", "text", "tool-get_current_time", "step-start", "text"]
    tool = answer["parts"][2]
    assert tool["state"] == "output-available" and tool["input"] == {} and tool["output"]
    assert answer["messages"][-1]["content"] == "It is late."


def test_max_steps_ends_a_run(builder, fake_llm, model, admin):
    agent = sage.agent(admin, model[0], availableTools=["get_current_time"])
    fake_llm.always(model[1], Reply(tool_calls=[Call("get_current_time", {})]))
    r = chat(builder, agentId=agent, messages=[said("Time?")], maxSteps=2)
    assert r.status_code == 200, r.text
    assert len(fake_llm.requests_for(model[1])) == 2


@pytest.mark.parametrize(
    "output, answer, value",
    [
        ({"type": "object", "schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}, '{"n": 2}', {"n": 2}),
        ({"type": "object"}, 'Here: ```json\n{"a": 1}\n```', {"a": 1}),
        ({"type": "array", "schema": {"type": "string"}}, '{"elements": ["a", "b"]}', ["a", "b"]),
        ({"type": "array", "schema": {"type": "string"}}, '["a"]', ["a"]),
        ({"type": "enum", "enum": ["red", "blue"]}, '{"result": "blue"}', "blue"),
    ],
)
def test_structured_output(builder, fake_llm, model, output, answer, value):
    fake_llm.script(model[1], Reply(answer))
    r = chat(builder, agent={"model": model[1]}, messages=[said("?")], output=output)
    assert r.status_code == 200 and r.json()["output"] == value, r.text
    (request,) = fake_llm.requests_for(model[1])
    assert "JSON Schema" in request.body["messages"][0]["content"]


def test_an_answer_that_does_not_fit_is_mended_once(builder, fake_llm, model):
    output = {"type": "object", "schema": {"type": "object", "required": ["n"]}}
    fake_llm.script(model[1], Reply("no json"), Reply('{"n": 1}'))
    r = chat(builder, agent={"model": model[1]}, messages=[said("?")], output=output)
    assert r.json()["output"] == {"n": 1}, r.text
    assert "no json" in sent_text(fake_llm.requests_for(model[1])[1])
    fake_llm.script(model[1], Reply("no json"), Reply("again none"))
    refused(chat(builder, agent={"model": model[1]}, messages=[said("?")], output=output), 502, "does not fit")


def test_failures_of_the_provider_have_a_status(builder, fake_llm, model):
    for status, expected in ((401, 502), (400, 400)):
        fake_llm.script(model[1], Fail(status, "the reason why"))
        refused(chat(builder, agent={"model": model[1]}, messages=[said("?")]), expected)
    fake_llm.script(model[1], Fail(429, "insufficient quota", code="insufficient_quota"))
    r = chat(builder, agent={"model": model[1]}, messages=[said("?")])
    refused(r, 429)
    assert int(r.headers["retry-after"]) >= 1


def test_chats_go_on_at_the_same_time(builder, fake_llm, model):
    fake_llm.always(model[1], Reply("one two three", delay=0.05))
    agent = create(builder, model=model[1])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(chat, builder, agentId=agent["id"], messages=[said(str(i))]) for i in range(16)]
        assert all(j.result().json()["messages"][0]["content"] == "one two three" for j in jobs)


# ------------------------------------------------------------------------------------------------------------- streams

STRICT = {
    "start": {"messageId"}, "start-step": set(), "finish-step": set(), "finish": set(), "abort": set(),
    "text-start": {"id"}, "text-delta": {"id", "delta"}, "text-end": {"id"},
    "reasoning-start": {"id"}, "reasoning-delta": {"id", "delta"}, "reasoning-end": {"id"},
    "tool-input-start": {"toolCallId", "toolName"}, "tool-input-delta": {"toolCallId", "inputTextDelta"},
    "tool-input-available": {"toolCallId", "toolName", "input"},
    "tool-input-error": {"toolCallId", "toolName", "input", "errorText"},
    "tool-output-available": {"toolCallId", "output"}, "tool-output-error": {"toolCallId", "errorText"},
    "error": {"errorText"},
}


def chunks(response):
    """The chunks of a stream, each checked for its members, and the framing."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache" and response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    events = response.text.split("\n\n")
    assert events[-1] == "" and events[-2] == "data: [DONE]", response.text[-200:]
    found = []
    for event in events[:-2]:
        if event.startswith(":"):
            continue
        assert event.startswith("data: ") and "\n" not in event
        chunk = json.loads(event[6:])
        assert set(chunk) == {"type"} | STRICT[chunk["type"]], chunk
        found.append(chunk)
    return found


def streamed(client, **body):
    return chunks(chat(client, stream=True, **body))


def test_a_stream_has_its_chunks_in_order(builder, fake_llm, model, admin):
    agent = sage.agent(admin, model[0], availableTools=["get_current_time"])
    fake_llm.script(
        model[1],
        Reply(reasoning="Need the time.", tool_calls=[Call("get_current_time", {}, id="call_1")]),
        Reply("It is late."),
    )
    found = streamed(builder, agentId=agent, messages=[said("Time?")])
    kinds = [c["type"] for c in found]
    order = [k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k]
    assert order == [
        "start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end", "tool-input-start", "tool-input-delta",
        "tool-input-available", "tool-output-available", "finish-step", "start-step", "text-start", "text-delta", "text-end",
        "finish-step", "finish",
    ]
    assert "".join(c["delta"] for c in found if c["type"] == "text-delta") == "It is late."
    assert {c["toolCallId"] for c in found if "toolCallId" in c} == {"call_1"}
    (available,) = [c for c in found if c["type"] == "tool-input-available"]
    assert available["input"] == {} and available["toolName"] == "get_current_time"


def test_parallel_calls_and_failing_tools_in_a_stream(builder, fake_llm, model, admin):
    agent = sage.agent(admin, model[0], availableTools=["get_current_time", "file_read"])
    calls = [Call("get_current_time", {}), Call("file_read", {"path": "none.txt", "note": 'a "quote" }{'}), Call("file_read", "no json")]
    fake_llm.script(model[1], Reply(tool_calls=calls, interleave=True), Reply("done"))
    found = streamed(builder, agentId=agent, messages=[said("Go")])
    by_kind = {}
    for c in found:
        by_kind.setdefault(c["type"], []).append(c)
    assert len(by_kind["tool-input-start"]) == 3 and len(by_kind["tool-input-available"]) == 2
    assert len(by_kind["tool-input-error"]) == 1 and by_kind["tool-input-error"][0]["input"] == "no json"
    assert len(by_kind["tool-output-error"]) + len(by_kind["tool-output-available"]) == 3
    for result in by_kind["tool-output-error"] + by_kind["tool-output-available"]:
        before = [c for c in found[: found.index(result)] if c.get("toolCallId") == result["toolCallId"]]
        assert before[-1]["type"] in ("tool-input-available", "tool-input-error")


def test_a_failure_in_a_stream_is_told_in_it(builder, fake_llm, model):
    fake_llm.script(model[1], Fail(400, "the reason why"))
    found = streamed(builder, agent={"model": model[1]}, messages=[said("?")])
    assert [c["type"] for c in found] == ["start", "error"] and "the reason why" in found[-1]["errorText"]
    fake_llm.script(model[1], Reply("one two three", truncate_after=3))
    found = streamed(builder, agent={"model": model[1]}, messages=[said("?")])
    assert found[-1]["type"] == "error" or [c["type"] for c in found].count("error") == 1
    assert "finish" not in [c["type"] for c in found]


def test_structured_output_is_streamed_as_text_and_nothing_else(builder, fake_llm, model):
    fake_llm.script(model[1], Reply('I think {"result": "blue"}'))
    found = streamed(builder, agent={"model": model[1]}, messages=[said("?")], output={"type": "enum", "enum": ["red", "blue"]})
    assert [c["type"] for c in found] == ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish"]
    assert json.loads(found[3]["delta"]) == "blue"
    fake_llm.script(model[1], Reply("none"), Reply("none"))
    found = streamed(builder, agent={"model": model[1]}, messages=[said("?")], output={"type": "object"})
    assert [c["type"] for c in found] == ["error"]


@pytest.mark.parametrize("stream, output", [(False, None), (True, None), (True, {"type": "object"})])
def test_a_client_that_leaves_ends_its_run(server, builder, fake_llm, model, stream, output):
    fake_llm.script(model[1], Hang())
    body = {"agent": {"model": model[1]}, "messages": [said("?")], "stream": stream}
    with sage.asking(builder, "/agent/v1/chat/completions", {**body, "output": output} if output else body):
        (request,) = fake_llm.wait_for(model[1])
    fake_llm.wait_gone(request)
    deadline = time.monotonic() + 20
    while server.live_runs() > 0:
        assert time.monotonic() < deadline, "the run goes on"
        time.sleep(0.05)


@pytest.mark.parametrize("output", [None, {"type": "object"}])
def test_a_silent_stream_is_kept_alive(server, builder, fake_llm, model, output):
    fake_llm.script(model[1], Reply('{"a": 1}', first_delay=16))
    body = {"agent": {"model": model[1]}, "messages": [said("?")], "stream": True}
    if output:
        body["output"] = output
    with builder.stream("POST", "/agent/v1/chat/completions", json=body, timeout=60) as r:
        text = "".join(r.iter_text())
    assert text.count(": keep-alive\n\n") == 1 and text.endswith("data: [DONE]\n\n")


# ---------------------------------------------------------------------------------------------------------- assistants


def test_assistants_are_agents_under_another_name(builder, model):
    r = builder.post("/assistant/v1/create", json={"name": "Old", "instruction": "Be.", "model": model[1]})
    assert r.status_code == 201 and r.json()["message"] == "Assistant created successfully", r.text
    made = r.json()["assistant"]
    assert r.json()["agent"] == made and get(builder, made["id"])["instruction"] == "Be."
    r = builder.patch("/assistant/v1/update", json={"assistantId": made["id"], "description": "d"})
    assert r.json()["message"] == "Assistant updated successfully" and r.json()["assistant"]["description"] == "d"
    r = builder.get("/assistant/v1/get", params={"assistantId": made["id"]})
    assert r.json()["assistant"]["name"] == "Old"
    assert model[1] in [m["id"] for m in builder.get("/assistant/v1/models").json()["data"]]


def test_a_chat_with_an_assistant_answers_with_its_messages(builder, fake_llm, model, admin):
    agent = sage.agent(admin, model[0], availableTools=["get_current_time"])
    fake_llm.script(model[1], Reply(tool_calls=[Call("get_current_time", {}, id="call_1")]), Reply("It is late."))
    messages = [{"role": "user", "content": "Time?"}, {"role": "assistant", "content": "Which?"}, {"role": "user", "content": "Now"}]
    r = builder.post("/assistant/v1/chat/completions", json={"assistantId": agent, "messages": messages})
    assert r.status_code == 200, r.text
    call, result, text = r.json()["result"]
    assert call["role"] == "assistant" and call["content"][0]["type"] == "tool-call" and call["content"][0]["args"] == {}
    assert result["role"] == "tool" and result["content"][0]["toolCallId"] == "call_1" and result["content"][0]["result"]
    assert text["content"] == [{"type": "text", "text": "It is late."}] and "output" not in r.json()
    seen = fake_llm.requests_for(model[1])[0].body["messages"]
    assert [m["role"] for m in seen[1:]] == ["user", "assistant", "user"]


def test_an_assistant_with_files_output_and_stream(builder, fake_llm, model):
    note = upload(builder, "note.txt", b"heron")
    body = {"assistant": {"model": model[1]}, "messages": [{"role": "user", "content": "?", "attachmentIds": [note]}]}
    fake_llm.script(model[1], Reply('{"a": 1}'), Reply("streamed"))
    r = builder.post("/assistant/v1/chat/completions", json={**body, "output": {"type": "object"}})
    assert r.json()["output"] == {"a": 1}, r.text
    assert "heron" in sent_text(fake_llm.requests_for(model[1])[0])
    found = chunks(builder.post("/assistant/v1/chat/completions", json={**body, "stream": True}))
    assert "".join(c["delta"] for c in found if c["type"] == "text-delta") == "streamed"
    refused(builder.post("/assistant/v1/chat/completions", json={"messages": body["messages"]}), 400, "assistantId and assistant")


# --------------------------------------------------------------------------------------------- actions of integrations


@pytest.fixture
def action(server, boss):
    """An action without credentials, and a client that may make agents with it: (client, action id)."""
    client = server.client(token=create_key(server, "AGENT_API", "INTEGRATION_API", user=boss.name))
    desk = client.post("/integrations/v1/create", json={"name": sage.unique("Desk")[:40]}).json()["integration"]["id"]
    body = {
        "name": "Count tickets", "code": "return {count: data.input.query.length};", "requiresConfirmation": False,
        "inputFields": [{"label": "Query", "type": "TEXT", "required": True}],
    }
    made = client.post(f"/integrations/v1/{desk}/actions/create", json=body)
    assert made.status_code == 201, made.text
    return client, made.json()["action"]["id"]


@pytest.mark.parametrize("saved", [False, True])
def test_an_agent_calls_its_actions_and_no_others(fake_llm, model, action, saved):
    client, action_id = action
    entries = [{"actionId": action_id, "requiresConfirmation": False}]
    fake_llm.script(model[1], Reply(tool_calls=[Call("count_tickets", {"query": "vpn"})]), Reply("Three."))
    agent = {"agentId": create(client, model=model[1], actions=entries)["id"]} if saved else {"agent": {"model": model[1], "actions": entries}}
    answer = chat(client, **agent, messages=[said("How many?")]).json()
    assert answer["messages"][0]["content"] == "Three.", answer
    (tool,) = [p for p in answer["parts"] if p["type"] == "tool-count_tickets"]
    assert tool["state"] == "output-available" and tool["output"] == {"count": 3}
    (name,) = fake_llm.requests_for(model[1])[0].tools
    assert name == "count_tickets"


def test_an_action_that_wants_confirmation_does_not_run_and_says_so(fake_llm, model, action):
    client, action_id = action
    fake_llm.script(model[1], Reply(tool_calls=[Call("count_tickets", {"query": "vpn"})]), Reply("Sorry."))
    found = streamed(client, agent={"model": model[1], "actions": [{"actionId": action_id}]}, messages=[said("How many?")])
    (error,) = [c for c in found if c["type"] == "tool-output-error"]
    assert error["errorText"] == "This action requires user confirmation and cannot run through the API"


def test_a_document_goes_by_its_name_to_agents_with_actions(fake_llm, model, action, builder):
    client, action_id = action
    pdf = upload(builder, "paper.pdf", b"%PDF-1.7\n\x00\xff\xfe", "application/pdf")
    fake_llm.script(model[1], Reply("I cannot read it."))
    body = {"agent": {"model": model[1], "actions": [{"actionId": action_id}]}, "messages": [said("Read", metadata={"attachments": [pdf]})]}
    assert chat(client, **body).status_code == 200
    assert f"attachment/{pdf}/paper.pdf" in sent_text(fake_llm.requests_for(model[1])[0])
