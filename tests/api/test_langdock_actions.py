# SPDX-License-Identifier: MIT
"""Actions made through the Langdock API as tools: over /api/tools/exec, in chats, with files, names that collide and confirmation."""
import base64
import json

import httpx
import pytest

import langdock
import sage
import server as servers
from fake_llm import Call, Fail, Reply
from fixtures import SYSTEM_MODEL, create_key, create_user
from langdock import NOBODY, Desk, refused


@pytest.fixture(scope="module")
def integrator(server):
    return langdock.client(server)


@pytest.fixture
def desk(integrator):
    return Desk(integrator)


def slug(desk):
    """A name for an action that no other test has."""
    return "find " + sage.unique("x").replace("-", " ")


def free(desk, code, name=None, **more):
    """An action that needs no confirmation, and the name of its tool."""
    action = desk.action(name or slug(desk), code=code, requiresConfirmation=False, **more)
    return action["slug"], action


def execute(client, name, arguments=None):
    """The tool's result; one that is not JSON stands under "content" there."""
    data = sage.full(client.post("/api/tools/exec", json={"tool_name": name, "tool_params": arguments or {}}))
    content = data["content"]
    return content["content"] if isinstance(content, dict) and list(content) == ["content"] else content


def tools(client):
    return {t["name"]: t for t in sage.full(client.get("/api/tools"))["tools"]}


def trial(desk, action, **body):
    r = desk.post(f"actions/{action['id']}/test", body)
    assert r.status_code == 200, r.text
    return r.json()


# ------------------------------------------------------------------------------------------------------------ test runs


def test_a_test_run_shows_result_logs_and_time(desk):
    action = desk.action(code="ld.log('a', {b: 1}); console.log('c'); return { n: inputs.dealId, same: data.input.deal_id };", inputFields=[{"label": "Deal ID"}])
    got = trial(desk, action, inputs={"deal_id": "7"})
    assert got["success"] is True and got["result"] == {"n": "7", "same": "7"} and got["durationMs"] >= 0
    assert got["logs"][0].startswith("a ") and len(got["logs"]) == 2


@pytest.mark.parametrize("key", ["deal_id", "dealId", "Deal ID"])
def test_inputs_are_found_under_each_name_of_their_field(desk, key):
    action = desk.action(code="return [inputs.dealId, inputs.deal_id, JSON.stringify(inputs)]", inputFields=[{"label": "Deal ID"}])
    assert trial(desk, action, inputs={key: "x"})["result"] == ["x", "x", '{"dealId":"x"}']


def test_a_run_that_fails_is_told_with_its_reason(desk):
    got = trial(desk, desk.action(code="ld.log('before');\nthrow new Error('no luck')"))
    assert got["success"] is False and got["error"]["message"] == "no luck" and got["logs"] == ["before"]
    assert "result" not in got and isinstance(got["error"]["stack"], str)
    assert trial(desk, desk.action("Empty"))["error"]["message"] == "there is no code"


def test_values_become_what_their_field_wants(desk):
    fields = [{"label": "n", "type": "NUMBER"}, {"label": "b", "type": "BOOLEAN"}, {"label": "o", "type": "OBJECT"}, {"label": "s"}]
    action = desk.action(code="return [inputs.n, inputs.b, inputs.o, inputs.s, 's' in inputs]", inputFields=fields)
    assert trial(desk, action, inputs={"n": "2.5", "b": "true", "o": {"k": 1}})["result"] == [2.5, True, {"k": 1}, None, False]


@pytest.mark.parametrize(
    "inputs, message",
    [
        ({}, "must have required property 'queue'"),
        ({"queue": "other"}, "must be one of the options at /queue"),
        ({"queue": "net", "count": "many"}, "must be number at /count"),
        ({"queue": "net", "tags": "a"}, "must be array at /tags"),
        ({"queue": "net", "tags": ["a", "z"]}, "must be one of the options at /tags/1"),
        ({"queue": "net", "flag": 1}, "must be boolean at /flag"),
        ({"queue": "net", "object": "x"}, "must be object at /object"),
    ],
)
def test_inputs_that_do_not_fit(desk, inputs, message):
    options = [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]
    fields = [
        {"label": "Queue", "type": "SELECT", "required": True, "options": [{"label": "N", "value": "net"}]},
        {"label": "Count", "type": "NUMBER"},
        {"label": "Tags", "type": "SELECT", "allowMultiSelect": True, "options": options},
        {"label": "Flag", "type": "BOOLEAN"},
        {"label": "Object", "type": "OBJECT"},
    ]
    action = desk.action(code="return 1", inputFields=fields)
    refused(desk.post(f"actions/{action['id']}/test", {"inputs": inputs}), 400, message)
    assert trial(desk, action, inputs={"queue": "net", "tags": ["a", "b"], "count": "5"})["result"] == 1


def test_a_field_that_is_read_but_not_declared_is_noted(desk):
    got = trial(desk, desk.action(code="return data.input.max_results ?? 'default'"))
    assert got["result"] == "default" and any("max_results" in line for line in got["logs"])


def test_test_runs_need_the_right_to_change(desk, server, user):
    action, trigger = desk.action(code="return 1"), desk.trigger(pollingCode="return []")
    stranger = langdock.client(server, user=user().name)
    for path in (f"actions/{action['id']}", f"triggers/{trigger['id']}"):
        refused(stranger.post(f"{desk.url}/{path}/test", json={}), 403)
        refused(langdock.client(server, "AGENT_API").post(f"{desk.url}/{path}/test", json={}), 403, "scope")
    refused(desk.post(f"actions/{NOBODY}/test"), 404, "Action not found")
    refused(desk.post("actions/7/test"), 400, "Invalid action ID format")
    refused(desk.post(f"triggers/{NOBODY}/test"), 404, "Trigger not found")
    refused(desk.post(f"actions/{action['id']}/test", {"inputs": []}), 400)
    assert desk.client.post(f"{desk.url}/actions/{action['id']}/test").json()["result"] == 1  # without a body


def test_a_trigger_can_be_tried(desk):
    code = "return [{ id: 1, timestamp: lastPollTime, data: inputs.queue }]"
    trigger = desk.trigger(pollingCode=code, inputFields=[{"label": "Queue"}])
    path = f"triggers/{trigger['id']}/test"
    got = desk.post(path, {"inputs": {"queue": "net"}, "lastPollTime": "2026-01-01T00:00:00.000Z"}).json()
    assert got["result"] == [{"id": 1, "timestamp": "2026-01-01T00:00:00.000Z", "data": "net"}]
    assert desk.post(path).json()["result"][0]["timestamp"].endswith("Z")
    bad = desk.trigger("Bad", pollingCode="return 5")
    assert "array of events" in desk.post(f"triggers/{bad['id']}/test").json()["error"]["message"]


@pytest.mark.parametrize("code, line", [("return ((", 1), ("const a = 1;\nconst a = 2;", 2), ("x = 1;\n\nfoo bar", 3)])
def test_code_that_does_not_compile_is_refused_with_its_line(desk, code, line):
    r = desk.post("actions/create", {"name": "Bad", "code": code})
    body = refused(r, 400, "code does not compile")
    assert body["errors"][0]["path"] == ["code"] and body["errors"][0]["line"] == line
    action = desk.action("Good", code="return 1")
    refused(desk.put(f"actions/{action['id']}", {"name": "Good", "code": code}), 400)
    refused(desk.patch(f"actions/{action['id']}", {"code": code}), 400)
    refused(desk.post("triggers/create", {"name": "Bad", "pollingCode": code}), 400, "pollingCode does not compile")
    refused(desk.patch("auth", {"authType": "API_KEY", "authTestCode": code}), 400, "authTestCode does not compile")
    client = {"refreshTokenCode": code}
    refused(desk.patch("auth", {"authType": "OAUTH", "oauthClient": client}), 400, "refreshTokenCode does not compile")
    assert desk.get()["actions"][0]["code"] == "return 1" and desk.get()["triggers"] == []


# ---------------------------------------------------------------------------------------------------------------- tools


def test_an_action_is_listed_as_a_tool(desk, admin):
    fields = [
        {"label": "User ID", "description": "Who", "placeholder": "u1", "required": True},
        {"label": "Kind", "type": "SELECT", "options": [{"label": "A", "value": "a"}]},
        {"label": "Kinds", "type": "SELECT", "allowMultiSelect": True, "options": [{"label": "A", "value": "a"}]},
        {"label": "Count", "type": "NUMBER"},
        {"label": "Deep", "type": "BOOLEAN"},
        {"label": "Filter", "type": "OBJECT", "jsonSchema": '{"type":"object","properties":{"a":{"type":"string"}}}'},
        {"label": "Paper", "type": "FILE"},
        {"label": "Papers", "type": "FILE", "allowMultiSelect": True},
        {"label": "Meaning", "type": "VECTOR"},
    ]
    name, action = free(desk, "return 1", description="Finds things", inputFields=fields)
    tool = tools(admin)[name]
    assert tool["description"] == "Finds things" and tool["source"] == desk.get()["name"] and tool["required"] == ["userId"]
    p = tool["parameters"]
    assert p["userId"] == {"type": "string", "description": "Who (for example: u1)"}
    assert p["kind"]["enum"] == ["a"] and p["kinds"]["type"] == "array" and p["kinds"]["items"]["enum"] == ["a"]
    assert (p["count"]["type"], p["deep"]["type"], p["meaning"]["type"]) == ("number", "boolean", "string")
    assert p["filter"]["properties"] == {"a": {"type": "string"}}
    assert p["paper"]["type"] == "string" and p["papers"] == {"type": "array", "items": {"type": "string"}, "description": p["papers"]["description"]}


def test_an_action_runs_over_tools_exec(desk, admin):
    name, action = free(desk, "return { got: inputs.userId }", inputFields=[{"label": "User ID", "required": True}])
    assert execute(admin, name, {"userId": "7"}) == {"got": "7"}
    assert execute(admin, action["id"], {"userId": "8"}) == {"got": "8"}
    text, _ = free(desk, "return 'plain words'")
    assert execute(admin, text) == "plain words"
    forms = sage.full(admin.post("/api/tools/exec", json={"tool_name": text}))
    assert forms["parsed"] == forms["content"] == {"content": "plain words"}
    raw = json.dumps({"content": "plain words"}, indent=2)
    assert forms["raw_text"] == forms["formatted_text"] == forms["tool_response"] == raw
    nothing, _ = free(desk, "")
    assert execute(admin, nothing) is None or execute(admin, nothing) == {}


def test_a_crash_and_a_bad_value_are_results(desk, admin):
    name, _ = free(desk, "throw new Error('no luck')")
    assert execute(admin, name) == {"error": True, "message": "no luck"}
    name, _ = free(desk, "return 1", inputFields=[{"label": "Kind", "type": "SELECT", "options": [{"label": "A", "value": "a"}]}])
    assert execute(admin, name, {"kind": "z"}) == {"error": True, "message": "must be one of the options at /kind"}
    name, _ = free(desk, "return 1", inputFields=[{"label": "Meaning", "type": "VECTOR"}])
    assert execute(admin, name, {"meaning": "x"})["message"] == "meaning needs an embedding model, and the connection names none"
    desk.auth("API_KEY")
    assert execute(admin, name)["message"] == f"No connection configured for integration {desk.get()['name']}"


VECTOR_CODE = "return Array.isArray(data.input.meaning) ? data.input.meaning.map(Number) : typeof data.input.meaning"


def vector_desk(desk, value):
    """An action with a VECTOR field, and a connection that chooses `value` as its embedding model."""
    desk.auth("API_KEY", authFields=[{"slug": "embedder", "label": "Embedder", "type": "EMBEDDING_MODEL", "required": False}])
    assert desk.post("connections", {"values": {"embedder": value}}).status_code in (200, 201)
    return free(desk, VECTOR_CODE, inputFields=[{"label": "Meaning", "type": "VECTOR"}])


def test_text_for_a_vector_field_reaches_the_script_as_numbers(desk, admin, embedding_model, fake_llm):
    name, action = vector_desk(desk, embedding_model)
    assert execute(admin, name, {"meaning": "three"}) == [5.0 + i for i in range(8)]
    assert fake_llm.requests_for(embedding_model)[-1].body["input"] == ["three"]
    tested = desk.post(f"actions/{action['id']}/test", {"inputs": {"meaning": "one"}}).json()
    assert tested["success"] is True and tested["result"] == [3.0 + i for i in range(8)], tested
    asked = len(fake_llm.requests_for(embedding_model))
    assert execute(admin, name, {"meaning": ""}) == execute(admin, name, {}) == "undefined"
    assert len(fake_llm.requests_for(embedding_model)) == asked


def test_the_embedding_model_of_a_connection_may_be_named_by_its_id(desk, admin, embedding_model):
    listed = admin.get("/api/v1/provider/models/embedding").json()["data"]["models"]
    name, _ = vector_desk(desk, next(m["uuid"] for m in listed if m["name"] == embedding_model))
    assert execute(admin, name, {"meaning": "one"}) == [3.0 + i for i in range(8)]


def test_embedding_that_cannot_be_is_said(desk, admin, embedding_model, model, fake_llm):
    for unknown in ("no-such-model", model[1]):  # the latter is for chat
        name, action = vector_desk(desk, unknown)
        said = f"meaning needs the embedding model {unknown}, which is not configured"
        assert execute(admin, name, {"meaning": "x"}) == {"error": True, "message": said}
        tested = desk.post(f"actions/{action['id']}/test", {"inputs": {"meaning": "x"}}).json()
        assert tested["success"] is False and said in str(tested), tested
        for c in desk.client.get(desk.url + "/connections").json()["connections"]:
            desk.delete(f"connections/{c['id']}")
    name, _ = vector_desk(desk, embedding_model)
    fake_llm.script(embedding_model, Fail(400, "too long"))
    message = execute(admin, name, {"meaning": "x"})["message"]
    assert message.startswith(f"the embedding model {embedding_model} failed for meaning: ") and "too long" in message


def test_soft_errors_of_scripts_are_ordinary_results(desk, admin):
    name, _ = free(desk, "return { error: true, message: 'soft', n: 1 }")
    assert execute(admin, name) == {"error": True, "message": "soft", "n": 1}


def test_a_result_that_is_too_long_is_cut(start_server):
    running = start_server(env={"SLUICE_TOOLS_RESULT_TOKENS": "1000000"})
    desk, admin = Desk(langdock.client(running)), running.login()
    name, _ = free(desk, "return 'ü'.repeat(200000)")
    text = execute(admin, name)
    assert text.startswith("üüü") and text.endswith("[result truncated: 100000 of 400000 bytes]") and len(text.encode()) < 100100


def test_an_action_is_nobody_elses_tool(desk, server, admin):
    name, action = free(desk, "return 1")
    other = create_user(server)
    assert name in tools(admin) and name not in tools(other.client)
    for asked in (name, action["id"]):
        r = other.client.post("/api/tools/exec", json={"tool_name": asked, "tool_params": {}})
        assert r.status_code == 500 and "not found" in r.json()["message"]
    assert name not in {t["name"] for t in sage.full(server.client().get("/api/tools"))["tools"]} if server.client().get("/api/tools").status_code == 200 else True


def test_the_oldest_integration_has_the_name(integrator, admin):
    name = slug(None)
    one, two, three = (Desk(integrator, title) for title in ("First desk", "Second desk", "Second desk"))
    short = free(one, "return 1", name)[0]
    assert tools(admin)[short]["source"] == "First desk"
    free(two, "return 2", name)
    free(three, "return 3", name)
    long = f"second_desk_{short}"
    listed = tools(admin)
    assert listed[short]["source"] == "First desk" and {long, long + "_2"} <= set(listed)
    assert [execute(admin, n) for n in (short, long, long + "_2", f"first_desk_{short}")] == [1, 2, 3, 1]
    one.delete()
    assert execute(admin, short) == 2 and execute(admin, long) in (2, 3)
    for desk in (two, three):
        desk.delete()


def test_a_builtin_tool_keeps_its_name(desk, admin):
    desk.patch(body={"name": "Desk of greps"})
    action = desk.action("grep", code="return 'mine'", requiresConfirmation=False)
    assert tools(admin)["grep"]["type"] == "basic"
    assert execute(admin, "desk_of_greps_grep") == "mine" and execute(admin, action["id"]) == "mine"


def test_confirmation_is_a_persons_not_a_programs(desk, server, admin, cookie_admin):
    action = desk.action(slug(desk), code="return 'done'")
    message = "This action requires user confirmation and cannot run through the API"
    program = server.client(token=create_key(server, "*"))
    assert execute(program, action["slug"]) == {"error": True, "message": message}
    assert execute(admin, action["slug"]) == "done" and execute(cookie_admin, action["slug"]) == "done"
    desk.patch(f"actions/{action['id']}", {"requiresConfirmation": False})
    assert execute(program, action["slug"]) == "done"


def test_options_from_another_action_are_hinted_at(desk, admin):
    source, listed = free(desk, "return [{label: 'N', value: 'net'}]")
    field = {"label": "Queue", "type": "SELECT", "contextActionId": listed["id"], "options": [{"label": "x", "value": "y"}]}
    name, _ = free(desk, "return inputs.queue", inputFields=[field])
    queue = tools(admin)[name]["parameters"]["queue"]
    assert "enum" not in queue and source in queue["description"]
    assert execute(admin, name, {"queue": "net"}) == "net"


def options(client, desk, action, field="queue", **more):
    return client.get(f"{desk.url}/actions/{action['id']}/options", params={"field": field, **more})


def with_options(desk, code, **more):
    """An action with a field "Queue List" whose options this code yields; also the action with the code."""
    source = desk.action(slug(desk), code=code, **more)
    field = {"label": "Queue List", "type": "SELECT", "contextActionId": source["id"]}
    return desk.action(slug(desk), inputFields=[{"label": "Note"}, field]), source


@pytest.mark.parametrize(
    "returned, expected",
    [
        ("['a', 'b']", [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]),
        ("[{label: 'A', value: 'a', more: 1}]", [{"label": "A", "value": "a"}]),
        ("{ options: [{label: 'A', value: 7}, null] }", [{"label": "A", "value": "7"}]),
        ("[]", []),
    ],
)
def test_options_are_what_the_context_action_returns(desk, integrator, returned, expected):
    action, _ = with_options(desk, "return " + returned)
    for name in ("queue_list", "queueList"):
        r = options(integrator, desk, action, name)
        assert r.status_code == 200 and r.json() == {"options": expected}, r.text


def test_options_of_a_field_without_a_context_action_are_its_own(desk, integrator):
    fields = [{"label": "Queue", "type": "SELECT", "options": [{"label": "X", "value": "y"}]}, {"label": "Note"}]
    action = desk.action(slug(desk), inputFields=fields)
    assert options(integrator, desk, action).json() == {"options": [{"label": "X", "value": "y"}]}
    assert options(integrator, desk, action, "note").json() == {"options": []}


def test_options_are_kept_for_a_connection_until_it_or_the_code_changes(desk, integrator):
    desk.auth("API_KEY", authFields=[{"slug": "token", "label": "Token", "type": "TEXT", "required": True}])
    code = "return [data.auth.token + ' ' + Math.random()]"
    action, source = with_options(desk, code)
    made = [desk.post("connections", {"values": {"token": t}, "isDefault": t == "two"}).json()["connection"]["id"] for t in ("one", "two")]

    def value(**more):
        r = options(integrator, desk, action, "queue_list", **more)
        assert r.status_code == 200, r.text
        return r.json()["options"][0]["value"]

    one, two = (value(connectionId=c) for c in made)
    assert one.startswith("one ") and two.startswith("two ")
    assert (value(connectionId=made[0]), value(connectionId=made[1])) == (one, two)
    assert value() == two  # the default connection
    assert desk.patch(f"connections/{made[0]}", {"values": {"token": "three"}}).status_code == 200
    assert value(connectionId=made[0]).startswith("three ") and value(connectionId=made[1]) == two
    desk.patch(f"actions/{source['id']}", {"code": code + " // changed"})
    assert value(connectionId=made[1]) != two


def test_options_that_cannot_be_had(desk, server, integrator):
    action, source = with_options(desk, "throw new Error('no luck')")
    refused(options(integrator, desk, action, "queue_list"), 502, "no luck")
    desk.patch(f"actions/{source['id']}", {"code": "return 5"})
    refused(options(integrator, desk, action, "queue_list"), 502, "must return an array of options")
    refused(options(integrator, desk, action, "nothing"), 404, "The action has no field nothing")
    refused(integrator.get(f"{desk.url}/actions/{action['id']}/options"), 400, "Invalid request query")
    refused(options(integrator, desk, {"id": NOBODY}), 404, "Action not found")
    refused(options(integrator, desk, action, "queue_list", connectionId=NOBODY), 404, "Connection not found")
    desk.auth("API_KEY")
    refused(options(integrator, desk, action, "queue_list"), 404, "No connection configured")
    stranger = langdock.client(server, user=create_user(server).name)
    refused(options(stranger, desk, action, "queue_list"), 403, "You do not have access to this integration")


# ----------------------------------------------------------------------------------------------------------------- chat


def test_an_action_made_through_the_langdock_api_runs_in_a_sage_chat(desk, admin, fake_llm):
    name, _ = free(desk, "ld.log('secret log'); return { user: inputs.userId, name: 'Ann' }", description="Finds a user", inputFields=[{"label": "User ID", "required": True}])
    provider, model = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider, availableTools=[name])
    fake_llm.script(model, Reply(tool_calls=[Call(name, {"userId": "7"})]), Reply("It is Ann."))
    for path in ("/api/chat", "/api/stream"):
        fake_llm.script(model, Reply(tool_calls=[Call(name, {"userId": "7"})]), Reply("It is Ann.")) if path != "/api/chat" else None
        run = sage.chat(admin, sage.say("Who is 7?", agent), path=path)
        assert run.text == "It is Ann."
        first, second = fake_llm.requests_for(model)[-2:]
        (offered,) = [t for t in first.body["tools"] if t["function"]["name"] == name]
        assert offered["function"]["description"] == "Finds a user" and offered["function"]["parameters"]["required"] == ["userId"]
        answer = [m for m in second.body["messages"] if m["role"] == "tool"][-1]["content"]
        assert json.loads(answer) == {"user": "7", "name": "Ann"} and "secret log" not in str(second.body)


def test_an_action_is_not_offered_unless_it_is_named(desk, admin, fake_llm):
    name, _ = free(desk, "return 1")
    provider, model = sage.provider(admin, fake_llm)
    sage.chat(admin, sage.say("Hi", sage.agent(admin, provider)))
    assert name not in {t["function"]["name"] for t in fake_llm.requests_for(model)[-1].body.get("tools", [])}


def test_an_action_that_wants_confirmation_is_a_clear_error_in_a_chat(desk, admin, fake_llm):
    action = desk.action(slug(desk), code="return 'done'")
    provider, model = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider, availableTools=[action["slug"]])
    fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("It cannot be done."))
    assert sage.chat(admin, sage.say("Do it", agent)).text == "It cannot be done."
    answer = [m for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] == "tool"][-1]["content"]
    assert "requires user confirmation and cannot run through the API" in answer


# ------------------------------------------------------------------------------------------------------- agents that lend


def lender(server, desk, admin, fake_llm, action, guest, **entry):
    """An agent of the Agents API with this action, which a guest may use; its id and the name of its model."""
    _, model = sage.provider(admin, fake_llm)
    key = server.client(token=create_key(server, "AGENT_API"))
    body = {"name": sage.unique("Lender"), "model": model, "actions": [{"actionId": action["id"], **entry}]}
    r = key.post("/agent/v1/create", json=body)
    assert r.status_code == 201, r.text
    agent = r.json()["agent"]["id"]
    sage.full(admin.post(f"/api/agent/{agent}/auth", json={"user_ids": [guest.id]}))
    return agent, model


def answer_of_tool(fake_llm, model):
    return [m for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] == "tool"][-1]["content"]


def test_an_agent_lends_its_owners_action_and_connection(desk, server, admin, fake_llm):
    desk.auth("API_KEY", authFields=[{"slug": "who", "label": "Who", "type": "TEXT"}])
    lent = desk.post("connections", {"values": {"who": "the lender"}}).json()["connection"]
    desk.post("connections", {"values": {"who": "somebody"}, "isDefault": True})
    action = desk.action(slug(desk), code="return data.auth.who")
    guest = create_user(server)
    entry = {"requiresConfirmation": False, "connectionId": lent["id"]}
    agent, model = lender(server, desk, admin, fake_llm, action, guest, **entry)
    for client in (guest.client, admin):
        fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("Done."))
        assert sage.chat(client, sage.say("Do it", agent)).text == "Done."
        assert answer_of_tool(fake_llm, model) == "the lender"
    assert action["slug"] not in tools(guest.client)  # only within the agent
    desk.delete(f"connections/{lent['id']}")
    fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("Done."))
    sage.chat(guest.client, sage.say("Do it", agent))
    assert "No connection configured" in answer_of_tool(fake_llm, model)


def test_an_agent_lends_nothing_of_an_owner_who_is_disabled(server, admin, fake_llm):
    owner, guest = create_user(server), create_user(server)
    desk = Desk(langdock.client(server, user=owner.name))
    desk.auth("API_KEY", authFields=[{"slug": "who", "label": "Who", "type": "TEXT"}])
    lent = desk.post("connections", {"values": {"who": "the lender"}}).json()["connection"]
    action = desk.action(slug(desk), code="return data.auth.who")
    entry = {"actionId": action["id"], "requiresConfirmation": False, "connectionId": lent["id"]}
    key = server.client(token=create_key(server, "AGENT_API", user=owner.name))
    agent = key.post("/agent/v1/create", json={"name": sage.unique("Lender"), "actions": [entry]}).json()["agent"]["id"]
    model, before = SYSTEM_MODEL, len(fake_llm.requests_for(SYSTEM_MODEL))  # it does not go with the owner
    sage.full(admin.post(f"/api/agent/{agent}/auth", json={"user_ids": [guest.id]}))
    fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("Done."))
    sage.chat(guest.client, sage.say("Do it", agent))
    assert answer_of_tool(fake_llm, model) == "the lender"
    assert servers.run("user", "disable", "--data", server.data, owner.name).returncode == 0
    fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("It cannot be done."))
    sage.chat(guest.client, sage.say("Do it", agent))
    asked = [r.body for r in fake_llm.requests_for(model)[before + 2 :]]
    assert asked and action["slug"] not in str([b.get("tools") for b in asked]) and "the lender" not in str(asked)


def test_an_agents_entry_decides_about_confirmation(desk, server, admin, fake_llm):
    action = desk.action(slug(desk), code="return 'done'", requiresConfirmation=False)
    guest = create_user(server)
    agent, model = lender(server, desk, admin, fake_llm, action, guest)  # an entry asks for confirmation unless it says not to
    fake_llm.script(model, Reply(tool_calls=[Call(action["slug"])]), Reply("No."))
    sage.chat(guest.client, sage.say("Do it", agent))
    assert "requires user confirmation" in answer_of_tool(fake_llm, model)


def test_an_agent_has_no_actions_that_it_does_not_name(desk, server, admin, fake_llm):
    named, other = desk.action(slug(desk), code="return 1"), desk.action(slug(desk), code="return 2", requiresConfirmation=False)
    agent, model = lender(server, desk, admin, fake_llm, named, create_user(server), requiresConfirmation=False)
    sage.chat(admin, sage.say("Hi", agent))
    offered = {t["function"]["name"] for t in fake_llm.requests_for(model)[-1].body.get("tools", [])}
    assert named["slug"] in offered and other["slug"] not in offered
    desk.delete(f"actions/{named['id']}")
    sage.chat(admin, sage.say("Hi", agent))
    assert named["slug"] not in str(fake_llm.requests_for(model)[-1].body.get("tools", []))


def test_a_request_cannot_borrow_what_its_user_has_not(desk, server, fake_llm, admin):
    action = desk.action(slug(desk), code="return 1", requiresConfirmation=False)
    _, model = sage.provider(admin, fake_llm)
    stranger = server.client(token=create_key(server, "AGENT_API", user=create_user(server).name))
    inline = {"name": "x", "instructions": "y", "model": model, "actions": [{"actionId": action["id"], "requiresConfirmation": False}]}
    r = stranger.post("/agent/v1/chat/completions", json={"agent": inline, "messages": [{"role": "user", "content": "Do it"}]})
    assert action["slug"] not in str([q.body for q in fake_llm.requests_for(model)]), r.text


# ---------------------------------------------------------------------------------------------------------------- files


def test_a_file_that_an_action_makes_is_another_actions_input(desk, admin, server):
    code = "return { rows: 2, files: { fileName: 'export.csv', mimeType: 'text/csv', text: 'a,b\\n1,2\\n' } }"
    maker, _ = free(desk, code)
    made = execute(admin, maker)
    (info,) = [made["files"]] if isinstance(made["files"], dict) else made["files"]
    assert made["rows"] == 2 and info["fileName"] == "export.csv" and info["mimeType"] == "text/csv" and info["size"] == 8
    assert langdock_uuid(info["attachmentId"]) and "text" not in info and "base64" not in info
    reader, action = free(desk, "const f = inputs.paper; return [f.fileName, f.mimeType, f.size, atob(f.base64)]", inputFields=[{"label": "Paper", "type": "FILE", "required": True}])
    for reference in (f"attachment/{info['attachmentId']}/export.csv", info["attachmentId"], "/mnt/data/export.csv", "export.csv"):
        assert execute(admin, reader, {"paper": reference}) == ["export.csv", "text/csv", 8, "a,b\n1,2\n"], reference
    assert execute(admin, reader, {"paper": "missing.csv"}) == {"error": True, "message": "There is no file missing.csv"}
    refused(desk.post(f"actions/{action['id']}/test", {"inputs": {"paper": f"attachment/{NOBODY}/x"}}), 400, "There is no file")
    several, many = free(desk, "return inputs.papers.map(f => f.fileName)", inputFields=[{"label": "Papers", "type": "FILE", "allowMultiSelect": True}])
    assert execute(admin, several, {"papers": ["export.csv", info["attachmentId"]]}) == ["export.csv", "export.csv"]
    assert execute(admin, several, {"papers": "export.csv"}) == trial(desk, many, inputs={"papers": "export.csv"})["result"] == ["export.csv"]


def langdock_uuid(text):
    return isinstance(text, str) and len(text) == 36


def test_a_file_of_the_workspace_is_found_by_its_name(desk, admin, tmp_path):
    execute(admin, "file_write", {"file_path": "notes/hello.txt", "content": "Grüße"})
    reader, _ = free(desk, "return [inputs.paper.fileName, inputs.paper.base64]", inputFields=[{"label": "Paper", "type": "FILE"}])
    encoded = base64.b64encode("Grüße".encode()).decode()
    assert execute(admin, reader, {"paper": "notes/hello.txt"}) == ["hello.txt", encoded]
    assert execute(admin, reader, {"paper": "/mnt/data/notes/hello.txt"}) == ["hello.txt", encoded]
    for outside in ("../../../../etc/passwd", "/etc/passwd", "notes"):
        assert execute(admin, reader, {"paper": outside})["error"] is True


def test_nobody_elses_files_are_found(desk, server):
    maker, _ = free(desk, "return { files: { fileName: 'mine.txt', mimeType: 'text/plain', text: 'x' } }")
    admin = server.login()
    made = execute(admin, maker)["files"]
    ident = (made if isinstance(made, dict) else made[0])["attachmentId"]
    other = create_user(server)
    theirs = Desk(langdock.client(server, user=other.name))
    reader, _ = free(theirs, "return inputs.paper.fileName", inputFields=[{"label": "Paper", "type": "FILE"}])
    assert execute(other.client, reader, {"paper": ident})["message"].startswith("There is no file")
    assert execute(other.client, reader, {"paper": "mine.txt"})["error"] is True


def test_too_many_files_are_refused(desk, admin):
    maker, _ = free(desk, "return { files: { fileName: 'many.txt', mimeType: 'text/plain', text: 'x' } }")
    execute(admin, maker)
    reader, _ = free(desk, "return inputs.papers.length", inputFields=[{"label": "Papers", "type": "FILE", "allowMultiSelect": True}])
    assert execute(admin, reader, {"papers": ["many.txt"] * 20}) == 20
    assert "more than 20 files" in execute(admin, reader, {"papers": ["many.txt"] * 21})["message"]


# ---------------------------------------------------------------------------------------------------- without a runner


def test_without_a_runner_everything_else_works(start_server, tmp_path):
    running = start_server(env={"SLUICE_SCRIPT_RUNNER": str(tmp_path / "nowhere")})
    desk = Desk(langdock.client(running))
    action = desk.action("A", code="return ((", requiresConfirmation=False)  # nobody can tell that it is wrong
    r = desk.post(f"actions/{action['id']}/test")
    refused(r, 501)
    result = execute(running.login(), "a")
    assert result["error"] is True and result["message"]
    assert httpx.get(running.url + "/api/health", trust_env=False).status_code == 200
