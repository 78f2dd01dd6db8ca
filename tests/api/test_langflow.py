# SPDX-License-Identifier: MIT
"""The thin slice of the Langflow face: keys, flows, runs plain and streamed, tweaks."""
import concurrent.futures
import json
import re
import threading
import time

import pytest

import langflow
import sage
import server as servers
from fake_llm import Fail, Reply

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
FLOW_KEYS = {
    "id", "name", "description", "icon", "icon_bg_color", "gradient", "data", "is_component", "updated_at", "webhook",
    "endpoint_name", "tags", "locked", "mcp_enabled", "action_name", "action_description", "access_type", "user_id",
    "folder_id",
}  # fmt: skip
NO_KEY = {
    "An API key must be passed as query or header",
    "Since v1.5, LANGFLOW_AUTO_LOGIN requires a valid API key. Set LANGFLOW_SKIP_AUTH_AUTO_LOGIN=true to skip this check. "
    "Please update your authentication method.",
}


@pytest.fixture(scope="module")
def api_key(server):
    from fixtures import create_key

    return create_key(server, "langflow")


@pytest.fixture(scope="module")
def client(server, api_key):
    return server.client(key=api_key)


@pytest.fixture
def flow(client, model):
    """(flow as read back, model name): a chat flow over a model of this test."""
    made = client.post("/api/v1/flows/", json=langflow.chat_flow(model[1]))
    assert made.status_code == 201, made.text
    return made.json(), model[1]


def run(client, flow, text="hello", stream=False, **more):
    return client.post(f"/api/v1/run/{flow['id']}", params={"stream": "true"} if stream else {}, json={"input_value": text, **more})


# ------------------------------------------------------------------------------------------------------ authentication


def test_the_admin_is_the_superuser(server):
    form = {"username": servers.ADMIN, "password": servers.PASSWORD}
    with server.client() as c:
        r = c.post("/api/v1/login", data=form)
        assert r.status_code == 200, r.text
        body = r.json()
        assert set(body) == {"access_token", "refresh_token", "token_type"} and body["token_type"] == "bearer"
        cookies = " | ".join(r.headers.get_list("set-cookie"))
        assert "access_token_lf=" in cookies and "refresh_token_lf=" in cookies
    with server.client(token=body["access_token"]) as c:
        assert isinstance(c.get("/api/v1/flows/").json(), list)


def test_wrong_password(start_server):
    c = start_server().client()
    r = c.post("/api/v1/login", data={"username": servers.ADMIN, "password": "wrong"})
    assert r.status_code == 401 and r.json() == {"detail": "Incorrect username or password"}
    assert r.headers["www-authenticate"] == "Bearer"


def test_without_a_key(anonymous, flow):
    for r in (anonymous.get("/api/v1/flows/"), run(anonymous, flow[0])):
        assert r.status_code == 403 and r.json()["detail"] in NO_KEY and "www-authenticate" not in r.headers


def test_a_bad_key(server, flow):
    for r in (server.client(key="sk-wrong").get("/api/v1/flows/"), run(server.client(key="sk-wrong"), flow[0])):
        assert r.status_code == 403 and r.json() == {"detail": "Invalid or missing API key"}


def test_a_bad_token(server):
    r = server.client(token="a.b.c").get("/api/v1/flows/")
    assert r.status_code == 401 and r.json() == {"detail": "Could not validate credentials"}
    assert r.headers["www-authenticate"] == "Bearer"


def test_the_key_may_be_a_query_parameter_and_wins_there(server, api_key):
    c = server.client(key="sk-wrong")
    assert c.get("/api/v1/flows/", params={"x-api-key": api_key}).status_code == 200


def test_running_takes_keys_only(server, flow):
    with server.client() as c:
        token = c.post("/api/v1/login", data={"username": servers.ADMIN, "password": servers.PASSWORD}).json()["access_token"]
    r = run(server.client(token=token), flow[0])
    assert r.status_code == 403 and r.json()["detail"] in NO_KEY


def test_keys_are_made_and_listed_and_deleted(server, client):
    made = client.post("/api/v1/api_key/", json={"name": "ci"})
    assert made.status_code == 200, made.text
    body = made.json()
    assert {"name", "last_used_at", "total_uses", "is_active", "id", "api_key", "user_id"} <= set(body)
    assert re.fullmatch(r"sk-[A-Za-z0-9_-]{43}", body["api_key"]) and body["is_active"] is True
    assert server.client(key=body["api_key"]).get("/api/v1/flows/").status_code == 200
    deadline = time.monotonic() + 20
    while True:  # uses are counted in the background
        listed = client.get("/api/v1/api_key/").json()
        (mine,) = [k for k in listed["api_keys"] if k["id"] == body["id"]]
        if mine["total_uses"] or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert mine["api_key"].startswith(body["api_key"][:8]) and body["api_key"] not in json.dumps(listed)
    assert listed["total_count"] >= 1 and mine["total_uses"] >= 1
    assert client.delete(f"/api/v1/api_key/{body['id']}").status_code == 200
    assert server.client(key=body["api_key"]).get("/api/v1/flows/").status_code == 403


def test_version_and_health(anonymous):
    version = anonymous.get("/api/v1/version").json()
    assert set(version) == {"version", "main_version", "package"}
    assert anonymous.get("/health").json() == {"status": "ok"}


def test_health_check_looks_at_the_parts(anonymous):
    assert anonymous.get("/health_check").json() == {"status": "ok", "chat": "ok", "db": "ok"}


# --------------------------------------------------------------------------------------------------------------- flows


def test_a_flow_is_created_and_read(client, flow):
    made, _ = flow
    assert set(made) == FLOW_KEYS and re.fullmatch(UUID, made["id"]) and re.fullmatch(UUID, made["user_id"])
    assert made["access_type"] == "PRIVATE" and made["webhook"] is False and made["locked"] is False
    assert len(made["data"]["nodes"]) == 5 and len(made["data"]["edges"]) == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", made["updated_at"])
    assert client.get(f"/api/v1/flows/{made['id']}").json() == made
    assert made["id"] in [f["id"] for f in client.get("/api/v1/flows/").json()]
    assert made["id"] in [f["id"] for f in client.get("/api/v1/flows").json()]


def test_the_list_of_headers_has_no_graphs(client, flow):
    (mine,) = [f for f in client.get("/api/v1/flows/", params={"header_flows": "true"}).json() if f["id"] == flow[0]["id"]]
    assert mine["data"] is None and mine["name"] == flow[0]["name"]
    assert set(mine) == {
        "id", "name", "folder_id", "is_component", "endpoint_name", "description", "data", "access_type", "tags",
        "mcp_enabled", "action_name", "action_description",
    }  # fmt: skip
    part = client.post("/api/v1/flows/", json={"name": sage.unique("Part"), "is_component": True, "data": {"nodes": [], "edges": []}}).json()
    (shown,) = [f for f in client.get("/api/v1/flows/?header_flows=true").json() if f["id"] == part["id"]]
    assert shown["data"] == part["data"] and shown["is_component"] is True


def test_a_page_of_a_folder(server, user):
    from fixtures import create_key

    mine = server.client(key=create_key(server, "langflow", user=user().name))
    made = [mine.post("/api/v1/flows/", json=langflow.chat_flow("m")).json()["id"] for _ in range(3)]
    page = mine.get("/api/v1/flows/", params={"get_all": "false", "header_flows": "true", "page": 2, "size": 2}).json()
    assert {k: v for k, v in page.items() if k != "items"} == {"total": 3, "page": 2, "size": 2, "pages": 2}
    (last,) = page["items"]
    assert set(last) == FLOW_KEYS and last["id"] == made[0] and last["data"]["nodes"]
    sage.invalid(mine.get("/api/v1/flows/?get_all=false&size=101"), "query", "size")


def test_a_flow_is_changed_in_part(server, client, flow, user):
    from fixtures import create_key

    path, endpoint = f"/api/v1/flows/{flow[0]['id']}", sage.unique("end")
    change = {"description": "new", "locked": True, "mcp_enabled": True, "endpoint_name": endpoint, "access_type": "PUBLIC"}
    got = client.patch(path, json=change).json()
    assert {k: got[k] for k in change} == change and got["data"] == flow[0]["data"] and got["name"] == flow[0]["name"]
    nothing = dict.fromkeys(["name", "description", "data", "locked", "mcp_enabled", "access_type", "folder_id"])
    again = client.patch(path, json=nothing)
    assert again.status_code == 200 and {**again.json(), "updated_at": got["updated_at"]} == got
    assert client.patch(path, json={"endpoint_name": None}).json()["endpoint_name"] is None
    hook = {"nodes": [{"id": "Webhook-abcde", "data": {"node": {"template": {}}}}], "edges": []}
    assert client.patch(path, json={"data": hook}).json()["webhook"] is True

    taken = client.post("/api/v1/flows/", json={"name": sage.unique("Taken"), "endpoint_name": endpoint}).json()
    for body, text in (({"name": taken["name"]}, "Name"), ({"endpoint_name": endpoint}, "Endpoint name")):
        r = client.patch(path, json=body)
        assert r.status_code == 400 and r.json() == {"detail": f"{text} must be unique"}
    other = server.client(key=create_key(server, "langflow", user=user().name))
    theirs = other.post("/api/v1/flows/", json={"name": "theirs"}).json()
    assert theirs["folder_id"] not in (None, got["folder_id"])
    for folder in (theirs["folder_id"], "nothing"):
        r = client.patch(path, json={"folder_id": folder})
        assert r.status_code == 404 and r.json() == {"detail": "Project not found"}
        made = client.post("/api/v1/flows/", json={"name": sage.unique("x"), "folder_id": folder}).json()
        assert made["folder_id"] == got["folder_id"]
    assert client.get(path).json()["folder_id"] == got["folder_id"]
    assert other.patch(path, json={"name": "stolen"}).status_code == 404
    sage.invalid(client.patch(path, json={"endpoint_name": "a b"}), "body", "endpoint_name", kind="value_error")


def test_changes_of_different_members_at_the_same_time_all_stay(server, api_key, flow):
    def change(member, values):
        one = server.client(key=api_key)
        for value in values:
            assert one.patch(f"/api/v1/flows/{flow[0]['id']}", json={member: value}).status_code == 200
            assert one.get(f"/api/v1/flows/{flow[0]['id']}").json()[member] == value

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(change, "description", [f"turn {i}" for i in range(200)]),
            pool.submit(change, "mcp_enabled", [i % 2 == 0 for i in range(200)]),
        ]
        for job in jobs:
            job.result()


def test_a_flow_is_deleted(client, flow):
    path = f"/api/v1/flows/{flow[0]['id']}"
    r = client.delete(path)
    assert r.status_code == 200 and r.json() == {"message": "Flow deleted successfully"}
    for r in (client.delete(path), client.get(path), client.patch(path, json={"name": "x"})):
        assert r.status_code == 404 and r.json() == {"detail": "Flow not found"}


def test_what_was_said_goes_with_the_flow(server, client, flow):
    kept = client.post("/api/v1/flows/", json=langflow.chat_flow(flow[1])).json()
    sessions = {made: sage.unique("session") for made in (flow[0]["id"], kept["id"])}
    for made, session in sessions.items():
        assert client.post(f"/api/v1/run/{made}", json={"input_value": "hello", "session_id": session}).status_code == 200
    admin = server.login()
    messages = "/api/conversations/{}/messages"
    for session in sessions.values():
        assert len(sage.full(admin.get(messages.format(session)))["messages"]) == 2
    assert client.delete(f"/api/v1/flows/{flow[0]['id']}").status_code == 200
    assert admin.get(messages.format(sessions[flow[0]["id"]])).status_code == 404
    assert sage.full(admin.get(messages.format(sessions[kept["id"]])))["messages"]


def test_a_taken_name_gets_a_number(client):
    name = sage.unique("Same")
    names = [client.post("/api/v1/flows/", json={"name": name}).json()["name"] for _ in range(3)]
    assert names == [name, f"{name} (1)", f"{name} (2)"]


def test_a_flow_may_be_empty(client):
    r = client.post("/api/v1/flows/", json={"name": sage.unique("Empty")})
    assert r.status_code == 201 and r.json()["data"] is None and r.json()["description"] is None
    r = client.post("/api/v1/flows/", json={"name": sage.unique("Empty"), "data": {}, "icon_bg_color": "#00FFaa"})
    assert r.status_code == 201 and r.json()["data"] == {} and r.json()["icon_bg_color"] == "#00FFaa"


@pytest.mark.parametrize(
    "body, loc, kind",
    [
        ({}, ["body", "name"], "missing"),
        ({"name": 5}, ["body", "name"], "string_type"),
        ({"name": "x", "data": []}, ["body", "data"], None),
        ({"name": "x", "data": {"edges": []}}, ["body", "data"], "value_error"),
        ({"name": "x", "data": {"nodes": []}}, ["body", "data"], "value_error"),
        ({"name": "x", "endpoint_name": "a b"}, ["body", "endpoint_name"], "value_error"),
        ({"name": "x", "icon_bg_color": "red"}, ["body", "icon_bg_color"], "value_error"),
        ({"name": "x", "icon_bg_color": "#12345"}, ["body", "icon_bg_color"], "value_error"),
    ],
)
def test_flows_that_are_refused(client, body, loc, kind):
    before = len(client.get("/api/v1/flows/").json())
    sage.invalid(client.post("/api/v1/flows/", json=body), *loc, kind=kind)
    assert len(client.get("/api/v1/flows/").json()) == before


def test_unknown_flows(client):
    nobody = "00000000-0000-4000-8000-000000000001"
    r = client.get(f"/api/v1/flows/{nobody}")
    assert r.status_code == 404 and r.json() == {"detail": "Flow not found"}
    (item,) = sage.invalid(client.get("/api/v1/flows/zz"), "path", "flow_id", kind="uuid_parsing")
    assert item["msg"].endswith("followed by [0-9a-fA-F-], found `z` at 1") and item["input"] == "zz"
    for strange in ("0", nobody + "0", nobody.replace("-", "--"), "%C3%A4", nobody[:-1] + "z"):
        sage.invalid(client.get(f"/api/v1/flows/{strange}"), "path", "flow_id", kind="uuid_parsing")
    r = client.post(f"/api/v1/run/{nobody}", json={})
    assert r.status_code == 404 and r.json() == {"detail": f"Flow identifier {nobody} not found"}
    r = client.post("/api/v1/run/no-such-endpoint", json={})
    assert r.status_code == 404 and r.json() == {"detail": "Flow identifier no-such-endpoint not found"}


def test_an_id_may_be_spelled_as_uuids_are(client, flow):
    for spelling in (flow[0]["id"].upper(), flow[0]["id"].replace("-", "")):
        assert client.get(f"/api/v1/flows/{spelling}").json()["id"] == flow[0]["id"]
        assert client.post(f"/api/v1/run/{spelling}", json={"input_value": "hi"}).status_code == 200


def test_preflights_allow_what_is_asked_for(anonymous):
    headers = {"origin": "https://a.example", "access-control-request-method": "POST"}
    headers["access-control-request-headers"] = "x-api-key, x-langflow-global-var-name"
    r = anonymous.options("/api/v1/run/x", headers=headers)
    assert r.status_code == 200 and r.headers["access-control-allow-headers"] == headers["access-control-request-headers"]
    assert r.headers["access-control-allow-origin"] == "*" and "POST" in r.headers["access-control-allow-methods"]


def test_origins_are_those_of_the_configuration(start_server):
    client = start_server(env={"LANGFLOW_CORS_ORIGINS": "https://good.example"}).client()
    for origin, allowed in (("https://good.example", "https://good.example"), ("https://evil.example", None)):
        r = client.get("/api/v1/version", headers={"origin": origin})
        assert r.status_code == 200 and r.headers.get("access-control-allow-origin") == allowed
        asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
        r = client.options("/api/v1/run/x", headers=asked)
        assert r.status_code == (200 if allowed else 400) and r.headers.get("access-control-allow-origin") == allowed


def test_another_users_flow(server, flow, user):
    from fixtures import create_key

    other = server.client(key=create_key(server, "langflow", user=user().name))
    assert other.get(f"/api/v1/flows/{flow[0]['id']}").status_code == 404
    assert flow[0]["id"] not in other.get("/api/v1/flows/").text
    assert run(other, flow[0]).status_code in (403, 404)


def test_unknown_paths_are_json(client):
    r = client.get("/langflow/api/v1/no/such")
    assert r.status_code == 404 and r.json() == {"detail": "Not Found"}


# ---------------------------------------------------------------------------------------------------------------- runs


def test_a_run(client, flow, fake_llm):
    made, model = flow
    fake_llm.script(model, Reply("Hi there"))
    r = run(client, made, session_id="u-77")
    assert r.status_code == 200, r.text
    body = r.json()
    assert set(body) == {"session_id", "outputs"} and body["session_id"] == "u-77"
    (outer,) = body["outputs"]
    assert outer["inputs"] == {"input_value": "hello"}
    (result,) = outer["outputs"]
    output_id = langflow.node_id("ChatOutput")
    assert {
        "results", "artifacts", "outputs", "logs", "messages", "timedelta", "duration", "component_display_name",
        "component_id", "used_frozen_result",
    } <= set(result)  # fmt: skip
    assert result["component_id"] == output_id and result["component_display_name"] == "Chat Output"
    message = result["results"]["message"]
    assert message["text"] == "Hi there" and message["text_key"] == "text" and message["default_value"] == ""
    data = message["data"]
    assert data["text"] == "Hi there" and data["sender"] == "Machine" and data["session_id"] == "u-77"
    assert data["flow_id"] == made["id"] and re.fullmatch(UUID, data["id"]) and data["category"] == "message"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", data["timestamp"])
    assert data["properties"]["source"]["id"] and data["properties"]["state"] == "complete"
    assert result["outputs"] == {"message": {"message": "Hi there", "type": "text"}}
    assert result["artifacts"]["message"] == "Hi there" and result["logs"] == {"message": []}
    (said,) = result["messages"]
    assert said["message"] == "Hi there" and said["component_id"] == output_id and said["type"] == "text"
    asked = [r for r in fake_llm.requests_for(model) if "hello" in json.dumps(r.body)][-1]
    assert "Answer in one short sentence." in json.dumps(asked.body["messages"])
    assert "Question: hello" in asked.body["messages"][-1]["content"]


def test_a_run_by_endpoint_name_with_an_empty_body(client, model):
    endpoint = sage.unique("endpoint")
    made = client.post("/api/v1/flows/", json=langflow.chat_flow(model[1], endpoint_name=endpoint)).json()
    r = client.post(f"/api/v1/run/{endpoint}")
    assert r.status_code == 200, r.text
    assert r.json()["session_id"] == made["id"] and r.json()["outputs"][0]["inputs"] == {}


def test_the_nested_body_is_taken_too(client, flow, fake_llm):
    r = client.post(f"/api/v1/run/{flow[0]['id']}", json={"input_request": {"input_value": "nested!"}, "context": {}})
    assert r.status_code == 200 and "nested!" in json.dumps(fake_llm.requests_for(flow[1])[-1].body)


def test_tweaks_change_one_run_only(client, flow, fake_llm):
    made, model = flow
    tweaks = {
        langflow.node_id("LanguageModelComponent"): {"system_message": "TWEAKED-5", "temperature": 0.9},
        "Prompt Template": {"template": "Say: {question}"},
        "NoSuchNode-xyz": {"a": 1},
    }
    assert run(client, made, tweaks=tweaks).status_code == 200
    body = fake_llm.requests_for(model)[-1].body
    assert body["messages"][0] == {"role": "system", "content": "TWEAKED-5"} and body["temperature"] == 0.9
    assert body["messages"][-1]["content"] == "Say: hello"
    assert client.get(f"/api/v1/flows/{made['id']}").json() == made
    run(client, made)
    assert "TWEAKED-5" not in json.dumps(fake_llm.requests_for(model)[-1].body)


def test_a_scalar_tweak_goes_to_every_field_of_that_name(client, flow, fake_llm):
    run(client, flow[0], tweaks={"system_message": "EVERYWHERE"})
    assert fake_llm.requests_for(flow[1])[-1].body["messages"][0]["content"] == "EVERYWHERE"


def test_a_tweak_of_the_model(client, flow, admin, fake_llm):
    _, other = sage.provider(admin, fake_llm)
    tweaks = {langflow.node_id("LanguageModelComponent"): {"model": [{"name": other, "provider": ""}]}}
    fake_llm.script(other, Reply("From the other."))
    assert langflow.answer(run(client, flow[0], tweaks=tweaks).json()) == "From the other."


def test_what_is_reported_is_chosen(client, flow, fake_llm):
    made, model = flow
    fake_llm.always(model, Reply("Hi there"))

    def reported(**more):
        (outer,) = run(client, made, **more).json()["outputs"]
        return {r["component_id"]: r for r in outer["outputs"]}

    ids = {kind: langflow.node_id(kind) for kind in ("ChatInput", "Prompt Template", "LanguageModelComponent", "ChatOutput")}
    assert set(reported()) == set(reported(output_type="any")) == set(reported(output_type=None)) == {ids["ChatOutput"]}
    assert reported(output_type="text") == reported(output_component="Nobody-12345") == {}
    for name in (ids["LanguageModelComponent"], "Language Model"):
        (one,) = reported(output_component=name, output_type="chat").values()
        assert one["component_id"] == ids["LanguageModelComponent"]
    everything = reported(output_type="debug")
    assert set(everything) == set(ids.values())
    assert everything[ids["ChatInput"]]["results"]["message"]["sender"] == "User"
    asked = everything[ids["LanguageModelComponent"]]
    assert asked["results"] == {} and asked["messages"] == [] and asked["logs"] == {"text_output": []}
    assert asked["outputs"] == {
        "text_output": {"message": "Hi there", "type": "text"},
        "model_output": {"message": "", "type": "unknown"},
    }
    assert asked["artifacts"] == {"text_output": {"repr": "Hi there", "raw": "Hi there", "type": "text"}}


def test_inputs_are_chosen_by_their_type(client, flow, fake_llm):
    for kind, arrives in (("chat", True), ("any", True), (None, True), ("text", False)):
        assert run(client, flow[0], f"for {kind}", input_type=kind).status_code == 200
        assert (f"for {kind}" in json.dumps(fake_llm.requests_for(flow[1])[-1].body)) is arrives


def test_models_that_reason_get_no_temperature(client, flow, fake_llm):
    chosen = [{"name": flow[1], "provider": "", "metadata": {"reasoning_models": [flow[1]]}}]
    for value, sent in ((chosen, False), ([flow[1]], True), (flow[1], True)):
        tweaks = {langflow.node_id("LanguageModelComponent"): {"model": value}}
        assert run(client, flow[0], tweaks=tweaks).status_code == 200
        assert ("temperature" in fake_llm.requests_for(flow[1])[-1].body) is sent


def test_a_tweak_against_the_input_is_refused(client, flow):
    text = "If you pass an input_value to the chat input, you cannot pass a tweak with the same name."
    for key in (langflow.node_id("ChatInput"), "Chat Input"):
        r = run(client, flow[0], tweaks={key: {"input_value": "other"}})
        assert r.status_code == 400 and r.json() == {"detail": text}
        r = run(client, flow[0], stream=True, tweaks={key: {"input_value": "other"}})
        assert r.status_code == 200 and r.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert langflow.events(r.text) == [{"event": "error", "data": {"error": text}}]
    assert run(client, flow[0], tweaks={"Chat Input": {"input_value": None}}).status_code == 200


def test_a_tweak_of_code_is_ignored(client, flow):
    tweaks = {langflow.node_id("ChatOutput"): {"code": "import os; os.abort()"}}
    assert run(client, flow[0], tweaks=tweaks).status_code == 200


def test_wrong_types_are_422(client, flow):
    sage.invalid(run(client, flow[0], tweaks=[]), "body", "tweaks")
    sage.invalid(run(client, flow[0], output_type="loud"), "body", "output_type")
    sage.invalid(client.post(f"/api/v1/run/{flow[0]['id']}?stream=perhaps", json={}), "query", "stream", kind="bool_parsing")


def test_a_failure_in_the_flow_is_a_500_with_a_document_in_a_string(client, flow, fake_llm):
    fake_llm.always(flow[1], Fail(401, "Incorrect API key"))
    r = run(client, flow[0])
    assert r.status_code == 500 and list(r.json()) == ["detail"]
    inner = json.loads(r.json()["detail"])
    assert set(inner) >= {"message", "traceback", "description", "code", "suggestion"}
    assert inner["message"].startswith("Error running graph: Error building Component")
    assert "sk-fake" not in r.text


def test_a_failure_because_something_is_not_found_is_a_404(client, flow, fake_llm):
    fake_llm.always(flow[1], Fail(400, "file-7 not found"))
    r = run(client, flow[0])
    assert r.status_code == 404 and r.json()["detail"].startswith("Error running graph: "), r.text
    assert "file-7 not found" in r.json()["detail"]


def test_a_model_that_nobody_has(client):
    for provider, text in (("OpenAI", "OpenAI API key is required when using OpenAI provider"), ("", "An API key is required")):
        made = client.post("/api/v1/flows/", json=langflow.chat_flow("no-such-model-77", provider)).json()
        r = run(client, made)
        assert r.status_code == 500, r.text
        message = json.loads(r.json()["detail"])["message"]
        assert message.startswith(f"Error running graph: Error building Component Language Model: \n\n{text}")
        assert "no-such-model-77" in message


def test_clients_that_name_no_session_do_not_wait_for_each_other(client, flow, fake_llm):
    fake_llm.always(flow[1], Reply("Hi there", first_delay=0.5))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: run(client, flow[0], f"number {n}"), range(6)))
    assert [r.status_code for r in answers] == [200] * 6, [r.text for r in answers]
    assert {r.json()["session_id"] for r in answers} == {flow[0]["id"]}
    asked = [json.dumps(r.body) for r in fake_llm.requests_for(flow[1])]
    assert all(sum(f"number {n}" in body for body in asked) == 1 for n in range(6))


# -------------------------------------------------------------------------------------------------------------- streams


def test_a_streamed_run(client, flow, fake_llm):
    made, model = flow
    fake_llm.script(model, Reply("one two three"))
    r = run(client, made, stream=True, session_id="s-9")
    assert r.status_code == 200 and r.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = langflow.events(r.text)
    assert not r.text.startswith("data:")
    kinds = [e["event"] for e in found]
    assert kinds[0] == "add_message" and kinds[-1] == "end" and kinds.count("end") == 1 and "error" not in kinds
    user = found[0]["data"]
    assert user["sender"] == "User" and user["text"] == "hello" and user["session_id"] == "s-9" and user["flow_id"] == made["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", user["timestamp"]) and re.fullmatch(UUID, user["id"])
    tokens = [e["data"] for e in found if e["event"] == "token"]
    assert "".join(t["chunk"] for t in tokens) == "one two three" and len(tokens) >= 3
    assert {t["id"] for t in tokens} == {m["data"]["id"] for m in found if m["event"] == "add_message"} - {user["id"]}
    said = [m["data"] for m in found if m["event"] == "add_message"][1:]
    assert [m["properties"]["state"] for m in said] == ["partial", "complete", "complete"]
    assert said[1]["text"] == "one two three" and said[1]["properties"]["source"]["source"] == model
    last = said[-1]
    assert last["text"] == "one two three" and last["properties"]["state"] == "complete" and last["sender"] == "Machine"
    assert langflow.answer(found[-1]["data"]["result"]) == "one two three"
    assert found[-1]["data"]["result"]["session_id"] == "s-9"


def test_tokens_are_sent_when_they_come(client, flow, fake_llm):
    seen = threading.Event()
    fake_llm.script(flow[1], Reply("a b c d e", gates={3: seen}))  # the model says no more before the first ones were seen
    text = ""
    with client.stream("POST", f"/api/v1/run/{flow[0]['id']}?stream=true", json={"input_value": "x"}) as r:
        for part in r.iter_text():
            text += part
            if '"token"' in text:
                seen.set()
    assert "".join(e["data"]["chunk"] for e in langflow.events(text) if e["event"] == "token") == "a b c d e"


def test_a_failure_in_a_streamed_run_is_an_error_event(client, flow, fake_llm):
    fake_llm.always(flow[1], Fail(400, "not like this"))
    found = langflow.events(run(client, flow[0], stream=True).text)
    assert found[-1]["event"] == "error" and "error" in found[-1]["data"]
    assert [e["event"] for e in found].count("error") == 1 and "end" not in [e["event"] for e in found]


def test_a_truncated_model_stream_is_an_error_event(client, flow, fake_llm):
    fake_llm.script(flow[1], Reply("one two three four", truncate_after=3))
    found = langflow.events(run(client, flow[0], stream=True).text)
    assert found[-1]["event"] == "error"


def test_a_client_that_leaves_cancels_the_run(client, flow, fake_llm):
    fake_llm.script(flow[1], Reply("word " * 500, delay=0.1))
    with client.stream("POST", f"/api/v1/run/{flow[0]['id']}?stream=true", json={"input_value": "x"}) as r:
        for part in r.iter_text():
            if '"token"' in part:
                break
    fake_llm.wait_gone(fake_llm.requests_for(flow[1])[-1])


def test_an_interrupted_run_is_told_so(client, admin, flow, fake_llm):
    fake_llm.always(flow[1], Reply("word " * 500, delay=0.1))
    session = sage.unique("session")
    with client.stream("POST", f"/api/v1/run/{flow[0]['id']}?stream=true", json={"input_value": "x", "session_id": session}) as r:
        text = ""
        for part in r.iter_text():
            if '"token"' in part and '"token"' not in text:
                sage.full(admin.post(f"/api/sessions/{session}/interrupt"))
            text += part
    last = langflow.events(text)[-1]
    assert last["event"] == "error" and last["data"]["error"].startswith("The run was interrupted"), last

    asked = len(fake_llm.requests_for(flow[1]))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(run, client, flow[0], session_id=session)
        fake_llm.wait_for(flow[1], asked + 1)
        sage.full(admin.post(f"/api/sessions/{session}/interrupt"))
        r = answer.result()
    assert r.status_code == 500 and json.loads(r.json()["detail"])["message"].startswith("The run was interrupted"), r.text


def test_two_users_may_call_their_sessions_the_same(server, client, flow, fake_llm):
    from fixtures import create_key, create_user

    user = create_user(server, role="admin")
    _, model = sage.provider(user.client, fake_llm)
    other = server.client(key=create_key(server, "langflow", user=user.name))
    theirs = other.post("/api/v1/flows/", json=langflow.chat_flow(model)).json()
    session = sage.unique("session")
    for c, f in ((client, flow[0]), (other, theirs), (client, flow[0]), (other, theirs)):
        r = run(c, f, session_id=session)
        assert r.status_code == 200 and r.json()["session_id"] == session, r.text


def test_refusals_before_the_stream_are_plain_json(client, anonymous, flow):
    r = run(anonymous, flow[0], stream=True)
    assert r.status_code == 403 and r.json()["detail"] in NO_KEY
