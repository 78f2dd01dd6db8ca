# SPDX-License-Identifier: MIT
"""The Integrations API: every endpoint, its errors, limits and traps (contracts/langdock.md sections 1 and 2)."""
import concurrent.futures
import pathlib
import re

import pytest

import langdock
import sage
from langdock import MOUNTS, NOBODY, Desk, issue, refused

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
FIELD = {
    "slug": "user_id", "label": "User ID", "type": "TEXT", "description": "", "placeholder": None, "required": False,
    "order": 0, "options": None, "allowMultiSelect": None, "contextActionId": None, "jsonSchema": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def integrator(server):
    return langdock.client(server)


@pytest.fixture
def desk(integrator):
    return Desk(integrator)


@pytest.fixture
def stranger(server, user):
    """A client with a key of somebody else."""
    return langdock.client(server, user=user().name)


# ---------------------------------------------------------------------------------------------------------- integrations


def test_an_integration_is_shown_whole(desk):
    desk.action("Find", code="return 1", inputFields=[{"label": "User ID"}])
    desk.trigger("New", pollingCode="return []", inputFields=[{"label": "Queue", "type": "NUMBER"}])
    got = desk.get()
    assert set(got) >= {
        "id", "name", "description", "authType", "authTestCode", "authFields", "oauthClient", "actions", "triggers",
        "iconUrl", "color", "createdAt", "updatedAt", "allowedHosts", "buildByLangdock",
    }  # fmt: skip
    (action,) = got["actions"]
    assert action["code"] == "return 1" and action["inputFields"] == [FIELD]
    (trigger,) = got["triggers"]
    assert trigger["pollingCode"] == "return []" and trigger["inputFields"][0]["type"] == "NUMBER"
    assert re.fullmatch(TIME, got["updatedAt"])


def test_the_list_names_actions_in_their_order(desk):
    first, second = desk.action("Zebra", description="d"), desk.action("Ant")
    (mine,) = [i for i in desk.client.get("/integrations/v1/get").json()["integrations"] if i["id"] == desk.id]
    assert mine["actions"] == [
        {"id": first["id"], "name": "Zebra", "description": "d"},
        {"id": second["id"], "name": "Ant", "description": ""},
    ]


def test_patch_changes_what_is_sent_and_nothing_else(desk):
    r = desk.patch(body={"color": "#1A73E8"})
    assert r.status_code == 200 and set(r.json()["integration"]) == {"id", "name", "description"}
    assert desk.patch(body={"iconUrl": "https://example.org/i.png"}).status_code == 200
    r = desk.patch(body={"name": "Renamed", "description": "d"})
    assert r.json()["integration"] == {"id": desk.id, "name": "Renamed", "description": "d"}
    got = desk.get()
    assert (got["color"], got["iconUrl"], got["description"]) == ("#1A73E8", "https://example.org/i.png", "d")
    assert desk.patch(body={"iconUrl": None, "color": None, "description": None}).status_code == 200
    got = desk.get()
    assert (got["color"], got["iconUrl"], got["description"], got["name"]) == (None, None, "", "Renamed")


@pytest.mark.parametrize(
    "body, message",
    [
        ({}, "At least one field (name, description, iconUrl or color) must be provided."),
        ({"other": 1}, "At least one field"),
        ({"color": "red"}, "color"),
        ({"color": "#12345"}, "color"),
        ({"color": "#ggg"}, "color"),
        ({"iconUrl": "javascript:alert(1)"}, "iconUrl"),
        ({"allowedHosts": ["https://a.org"]}, "allowedHosts[0]"),
        ({"allowedHosts": ["a.org", "*"]}, "allowedHosts[1]"),
        ({"allowedHosts": [""]}, "allowedHosts[0]"),
    ],
)
def test_patches_that_are_refused(desk, body, message):
    refused(desk.patch(body=body), 400, message)


@pytest.mark.parametrize("body, path", [({"name": "x" * 41}, "name"), ({"name": ""}, "name"), ({"name": None}, "name"), ({"description": "x" * 91}, "description")])
def test_patches_beyond_the_limits(desk, body, path):
    issue(desk.patch(body=body), [path])


def test_a_color_has_three_or_six_digits(desk):
    for color in ("#abc", "#A1B2C3"):
        assert desk.patch(body={"color": color}).status_code == 200


def test_allowed_hosts_are_kept(desk):
    assert desk.patch(body={"allowedHosts": ["api.example.org", "*.example.net"]}).status_code == 200
    assert desk.get()["allowedHosts"] == ["api.example.org", "*.example.net"]
    assert desk.patch(body={"allowedHosts": None}).status_code == 200
    assert desk.get()["allowedHosts"] is None


def test_delete_takes_everything_with_it(desk):
    action = desk.action()
    assert desk.delete().json() == {"message": "Integration deleted", "id": desk.id}
    refused(desk.client.get(desk.url), 404, "Integration not found")
    refused(desk.delete(f"actions/{action['id']}"), 404)
    refused(desk.delete(), 404)


def every_call(desk, action, trigger):
    """(method, path, body) of every endpoint below an integration."""
    return [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("PATCH", "/auth", {"authType": "NONE"}),
        ("GET", "/icon", None),
        ("POST", "/actions/create", {"name": "x"}),
        ("PUT", f"/actions/{action}", {"name": "x"}),
        ("PATCH", f"/actions/{action}", {"name": "x"}),
        ("DELETE", f"/actions/{action}", None),
        ("POST", "/triggers/create", {"name": "x"}),
        ("PUT", f"/triggers/{trigger}", {"name": "x"}),
        ("PATCH", f"/triggers/{trigger}", {"name": "x"}),
        ("DELETE", f"/triggers/{trigger}", None),
    ]


def test_a_foreign_integration_is_denied_everywhere(desk, stranger):
    calls = every_call(desk, desk.action()["id"], desk.trigger()["id"])
    for method, path, body in calls:
        refused(stranger.request(method, desk.url + path, json=body), 403, "You do not have access")
    r = stranger.put(desk.url + "/icon", files={"icon": ("i.png", PNG, "image/png")})
    refused(r, 403, "You do not have access")
    assert desk.get()["actions"] and desk.get()["triggers"]


def test_unknown_and_malformed_ids(desk):
    for method, path, body in every_call(desk, NOBODY, NOBODY):
        refused(desk.client.request(method, f"/integrations/v1/{NOBODY}{path}", json=body), 404, "Integration not found")
        refused(desk.client.request(method, f"/integrations/v1/zz{path}", json=body), 400, "Invalid integration ID format")
    for kind in ("action", "trigger"):
        for method in ("PUT", "PATCH", "DELETE"):
            refused(desk.client.request(method, f"{desk.url}/{kind}s/{NOBODY}", json={"name": "x"}), 404, "not found")
            refused(desk.client.request(method, f"{desk.url}/{kind}s/7", json={"name": "x"}), 400, f"Invalid {kind} ID format")


def test_every_endpoint_needs_the_scope(desk, server):
    agent = langdock.client(server, "AGENT_API", "ASSISTANT_API", "KNOWLEDGE_FOLDER_API")
    for method, path, body in every_call(desk, desk.action()["id"], desk.trigger()["id"]):
        refused(agent.request(method, desk.url + path, json=body), 403, "Insufficient scope")
    refused(agent.put(desk.url + "/icon", files={"icon": ("i.png", PNG, "image/png")}), 403, "Insufficient scope")
    assert agent.get("/integrations/v1/get").status_code == 200


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("PATCH", "/integrations/v1/get", "GET"),
        ("DELETE", "/integrations/v1/create", "POST"),
        ("GET", "/integrations/v1/create", "POST"),
        ("PUT", "/integrations/v1/{id}", None),
        ("GET", "/integrations/v1/{id}/auth", None),
        ("POST", "/integrations/v1/{id}/icon", None),
        ("GET", "/integrations/v1/{id}/actions/create", None),
        ("PUT", "/integrations/v1/{id}/actions/create", "POST"),
        ("PATCH", "/integrations/v1/{id}/triggers/create", "POST"),
    ],
)
def test_wrong_methods(desk, method, path, allow):
    r = desk.client.request(method, path.replace("{id}", desk.id), json={"name": "x"} if method != "GET" else None)
    refused(r, 405, "Method not allowed")
    assert r.headers["allow"] == allow if allow else r.headers["allow"]


@pytest.mark.parametrize("mount", MOUNTS)
def test_both_mounts_do_the_same(server, mount):
    client = langdock.client(server)
    made = client.post(mount + "/integrations/v1/create", json={"name": "Twice"}).json()["integration"]["id"]
    r = client.post(f"{mount}/integrations/v1/{made}/actions/create", json={"name": "A"})
    assert r.status_code == 201
    path = f"{mount}/integrations/v1/{made}/actions/{r.json()['action']['id']}"
    assert client.put(path, json={"name": "B"}).json()["action"]["name"] == "B"
    assert client.delete(path).json()["message"] == "Action deleted"


def test_a_delete_with_a_body_and_an_encoded_id(desk):
    action = desk.action()
    path = f"{desk.url.replace('-', '%2D')}/actions/{action['id'].replace('-', '%2D')}"
    assert desk.client.request("DELETE", path, json={}).json() == {"message": "Action deleted", "id": action["id"]}


# --------------------------------------------------------------------------------------------------------------- actions


def test_an_action_as_it_is_answered(desk):
    got = desk.action("Find Tickets", description="Searches", code="return 1", activeLabel="Searching", inputFields=[{"label": "User ID"}])
    assert re.fullmatch(UUID, got["id"]) and got["slug"] == "find_tickets" and got["order"] == 0
    assert got["requiresConfirmation"] is True and got["code"] == "return 1" and got["description"] == "Searches"
    assert got["inputFields"] == [FIELD] and got["activeLabel"] == "Searching" and got["doneLabel"] is None
    assert desk.get()["actions"] == [got]
    bare = desk.action("Bare")
    assert bare["code"] is None and bare["inputFields"] == [] and bare["description"] == "" and bare["order"] == 1


def test_a_name_is_unique_and_a_slug_stays(desk):
    action = desk.action("Find")
    refused(desk.post("actions/create", {"name": "Find"}), 409, "An action with this name already exists")
    other = desk.action("find!")
    assert other["slug"] == "find_2"
    refused(desk.put(f"actions/{other['id']}", {"name": "Find"}), 409, "already exists")
    refused(desk.patch(f"actions/{other['id']}", {"name": "Find"}), 409, "already exists")
    assert desk.put(f"actions/{action['id']}", {"name": "Search"}).json()["action"]["slug"] == "find"
    assert Desk(desk.client).action("Find")["slug"] == "find"


@pytest.mark.parametrize(
    "body, path",
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "x", "description": "x" * 1001}, ["description"]),
        ({"name": "x", "code": "x" * 150001}, ["code"]),
        ({"name": "x", "code": 7}, ["code"]),
        ({"name": "x", "requiresConfirmation": "yes"}, ["requiresConfirmation"]),
        ({"name": "x", "inputFields": {}}, ["inputFields"]),
        ({"name": "x", "inputFields": [{}]}, ["inputFields", 0, "label"]),
        ({"name": "x", "inputFields": [{"label": "x" * 101}]}, ["inputFields", 0, "label"]),
        ({"name": "x", "inputFields": [{"label": "x", "type": "DATE"}]}, ["inputFields", 0, "type"]),
        ({"name": "x", "inputFields": [{"label": "x"}, {"label": "y", "description": "x" * 501}]}, ["inputFields", 1, "description"]),
        ({"name": "x", "inputFields": [{"label": "x", "placeholder": "x" * 201}]}, ["inputFields", 0, "placeholder"]),
        ({"name": "x", "inputFields": [{"label": "x", "options": [{"label": "x"}]}]}, ["inputFields", 0, "options", 0, "value"]),
        ({"name": "x", "inputFields": [{"label": "x", "options": [{"value": "x" * 1_000_000}]}]}, ["inputFields", 0, "options", 0, "value"]),
        ({"name": "x", "inputFields": [{"label": "x", "options": [{"value": "x", "label": "x" * 501}]}]}, ["inputFields", 0, "options", 0, "label"]),
        ({"name": "x", "inputFields": [{"label": "x"}] * 201}, ["inputFields"]),
    ],
)
def test_action_bodies_that_are_refused(desk, body, path):
    issue(desk.post("actions/create", body), path)
    assert desk.get()["actions"] == []


@pytest.mark.parametrize(
    "field, message",
    [({"contextActionId": "x"}, "contextActionId"), ({"jsonSchema": "{"}, "jsonSchema"), ({"jsonSchema": "[]"}, "jsonSchema")],
)
def test_fields_that_are_refused(desk, field, message):
    refused(desk.post("actions/create", {"name": "x", "inputFields": [{"label": "x", **field}]}), 400, message)


def test_input_fields_are_limited_together(desk):
    """What each of them may have is more than all of them may have."""
    field = {"label": "x", "type": "SELECT", "options": [{"label": "l" * 50, "value": "v" * 50}] * 1000}
    made = desk.action("Some", inputFields=[field])
    assert len(made["inputFields"][0]["options"]) == 1000
    for answer in (
        desk.post("actions/create", {"name": "More", "inputFields": [field] * 3}),
        desk.put(f"actions/{made['id']}", {"name": "Some", "inputFields": [field] * 3}),
        desk.post("triggers/create", {"name": "More", "inputFields": [field] * 3}),
    ):
        refused(answer, 400, "inputFields are longer than 262144 bytes")
    got = desk.get()
    assert got["actions"] == [made] and got["triggers"] == []


def test_code_may_have_150000_characters(desk):
    for filler in "x", "é", "日", "🐦":  # however many bytes they have
        code = "/*" + filler * 149980 + "*/ return 'ended'"
        assert len(code) <= 150000
        action = desk.action(f"Long {ord(filler)}", code=code)
        assert action["code"] == code
        assert desk.post(f"actions/{action['id']}/test").json()["result"] == "ended"
    refused(desk.post("actions/create", {"name": "x", "code": "é" * 150001}), 400)


@pytest.mark.parametrize("kind", "TEXT MULTI_LINE_TEXT NUMBER BOOLEAN SELECT PASSWORD VECTOR OBJECT FILE ID".split())
def test_types_of_fields(desk, kind):
    sent = {"label": "A b", "type": kind, "required": True, "allowMultiSelect": True, "options": [{"label": "L", "value": "v"}]}
    (got,) = desk.action(inputFields=[sent])["inputFields"]
    assert {k: got[k] for k in sent} == sent and got["slug"] == "a_b"


def test_labels_that_come_twice_get_numbers(desk):
    fields = desk.action(inputFields=[{"label": "Name", "slug": "mine", "order": 5}, {"label": "name"}])["inputFields"]
    assert [(f["slug"], f["order"]) for f in fields] == [("name", 0), ("name_2", 1)]


def test_put_replaces_and_keeps_by_the_table(desk):
    schema = '{"type":"object"}'
    action = desk.action(
        "Find", description="d", code="return 1", requiresConfirmation=False, doneLabel="Done",
        inputFields=[{"label": "Filter", "type": "OBJECT", "jsonSchema": schema}, {"label": "Other"}],
    )  # fmt: skip
    path = f"actions/{action['id']}"
    issue(desk.put(path, {"code": "return 2"}), ["name"])
    got = desk.put(path, {"name": "Find", "inputFields": [{"label": "filter", "type": "OBJECT"}]}).json()["action"]
    assert got["description"] == "" and got["code"] == "return 1" and got["requiresConfirmation"] is False
    assert [(f["slug"], f["jsonSchema"]) for f in got["inputFields"]] == [("filter", schema)] and got["doneLabel"] == "Done"
    got = desk.put(path, {"name": "Find"}).json()["action"]
    assert got["inputFields"] == []
    got = desk.put(path, {"name": "Find", "inputFields": [{"label": "Filter"}]}).json()["action"]
    assert got["inputFields"][0]["jsonSchema"] is None
    got = desk.put(path, {"name": "Find", "code": "return 3", "requiresConfirmation": True}).json()["action"]
    assert got["code"] == "return 3" and got["requiresConfirmation"] is True and got["id"] == action["id"]


def test_patch_of_an_action_keeps_what_is_left_out(desk):
    action = desk.action("Find", description="d", code="return 1", requiresConfirmation=False, inputFields=[{"label": "A"}])
    path = f"actions/{action['id']}"
    got = desk.patch(path, {"code": "return 2"}).json()["action"]
    assert {**got, "updatedAt": 0} == {**action, "code": "return 2", "updatedAt": 0}
    assert desk.patch(path, {}).json()["action"]["code"] == "return 2"
    got = desk.patch(path, {"code": None, "description": None, "inputFields": None, "doneLabel": "x"}).json()["action"]
    assert got["code"] is None and got["description"] == "" and got["inputFields"] == [] and got["doneLabel"] == "x"
    issue(desk.patch(path, {"name": None}), ["name"])


def test_delete_of_an_action(desk):
    options, action = desk.action("Queues"), desk.action("Find")
    field = {"label": "Queue", "type": "SELECT", "contextActionId": options["id"]}
    assert desk.patch(f"actions/{action['id']}", {"inputFields": [field]}).status_code == 200
    r = desk.delete(f"actions/{options['id']}")
    assert r.json() == {"message": "Action deleted", "id": options["id"]}
    refused(desk.delete(f"actions/{options['id']}"), 404, "Action not found")
    (left,) = desk.get()["actions"]
    assert left["inputFields"][0]["contextActionId"] is None and left["order"] == 0


def test_an_action_of_another_integration_is_not_there(desk):
    action = Desk(desk.client).action()
    refused(desk.put(f"actions/{action['id']}", {"name": "x"}), 404, "Action not found")
    refused(desk.delete(f"actions/{action['id']}"), 404, "Action not found")


def test_actions_made_at_once_have_one_order(desk):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: desk.post("actions/create", {"name": f"Action {n % 20}"}), range(40)))
    made = [r.json()["action"] for r in answers if r.status_code == 201]
    assert len(made) == 20 and sorted(r.status_code for r in answers)[20:] == [409] * 20
    listed = desk.get()["actions"]
    assert [a["order"] for a in listed] == list(range(20)) and len({a["slug"] for a in listed}) == 20


# -------------------------------------------------------------------------------------------------------------- triggers


def test_a_trigger_as_it_is_answered(desk):
    field = {"label": "Queue", "type": "SELECT", "options": [{"label": "All", "value": "all"}], "contextActionId": NOBODY, "jsonSchema": "{"}
    got = desk.trigger("New ticket", description="d", pollingCode="return [];", inputFields=[field])
    assert re.fullmatch(UUID, got["id"]) and got["slug"] == "new_ticket" and got["kind"] == "polling"
    assert got["description"] == "d" and got["pollingCode"] == "return [];"
    assert got["inputFields"][0]["contextActionId"] is None and got["inputFields"][0]["jsonSchema"] is None
    assert desk.get()["triggers"] == [got]
    assert desk.trigger("Hook", kind="webhook")["kind"] == "webhook"
    refused(desk.post("triggers/create", {"name": "Hook"}), 409, "A trigger with this name already exists")


@pytest.mark.parametrize(
    "body, path",
    [
        ({}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "x", "description": "x" * 91}, ["description"]),
        ({"name": "x", "pollingCode": "x" * 40001}, ["pollingCode"]),
        ({"name": "x", "kind": "other"}, ["kind"]),
        ({"name": "x", "inputFields": [{"label": "x", "type": "OBJECT"}]}, ["inputFields", 0, "type"]),
        ({"name": "x", "inputFields": [{"label": "x", "type": "FILE"}]}, ["inputFields", 0, "type"]),
    ],
)
def test_trigger_bodies_that_are_refused(desk, body, path):
    issue(desk.post("triggers/create", body), path)
    assert desk.get()["triggers"] == []


def test_put_of_a_trigger_replaces_everything_and_patch_nothing_else(desk):
    trigger = desk.trigger("New", description="d", pollingCode="return []", inputFields=[{"label": "A"}])
    path = f"triggers/{trigger['id']}"
    got = desk.patch(path, {"name": "Newer"}).json()["trigger"]
    assert {**got, "updatedAt": 0} == {**trigger, "name": "Newer", "updatedAt": 0}
    got = desk.put(path, {"name": "X"}).json()["trigger"]
    assert got["name"] == "X" and got["slug"] == "new"
    assert got["description"] == "" and got["pollingCode"] is None and got["inputFields"] == []
    other = desk.trigger("Other")
    refused(desk.put(f"triggers/{other['id']}", {"name": "X"}), 409)
    assert desk.delete(path).json() == {"message": "Trigger deleted", "id": trigger["id"]}
    refused(desk.delete(path), 404, "Trigger not found")


# ------------------------------------------------------------------------------------------------------------------ auth


def test_auth_fields_are_replaced_as_a_whole(desk):
    fields = [
        {"slug": "api_key", "label": "API key", "type": "PASSWORD", "required": True, "id": "mine"},
        {"slug": "base_url", "label": "Base URL", "type": "TEXT", "placeholder": "https://hd.example.org"},
    ]
    body = desk.auth("API_KEY", authFields=fields, authTestCode="return 1")
    got = body["integration"]
    assert got["authType"] == "API_KEY" and got["authTestCode"] == "return 1" and body["deletedConnections"] == 0
    first, second = got["authFields"]
    assert re.fullmatch(UUID, first.pop("id"))
    assert first == {"slug": "api_key", "label": "API key", "type": "PASSWORD", "description": "", "placeholder": None, "required": True, "order": 0}
    assert second["order"] == 1 and second["required"] is False
    assert desk.auth("API_KEY")["integration"]["authFields"] == []
    assert desk.get()["authTestCode"] == "return 1"
    assert desk.auth("API_KEY", authTestCode=None)["integration"]["authTestCode"] is None


@pytest.mark.parametrize("kind", ["NONE", "API_KEY", "SERVICE_ACCOUNT", "OAUTH", "OAUTH_DCR"])
def test_auth_types(desk, kind):
    assert desk.auth(kind)["integration"]["authType"] == kind


@pytest.mark.parametrize(
    "body, path",
    [
        ({}, ["authType"]),
        ({"authType": "BASIC"}, ["authType"]),
        ({"authType": "API_KEY", "authFields": [{}]}, None),
        ({"authType": "API_KEY", "authFields": [{"slug": "a", "label": "b", "type": "FILE"}]}, ["authFields", 0, "type"]),
        ({"authType": "API_KEY", "authFields": [{"slug": "x" * 101, "label": "b", "type": "TEXT"}]}, ["authFields", 0, "slug"]),
        ({"authType": "API_KEY", "authTestCode": "x" * 40001}, ["authTestCode"]),
        ({"authType": "OAUTH", "oauthClient": {"scopes": "x" * 2001}}, ["oauthClient", "scopes"]),
        ({"authType": "OAUTH", "oauthClient": {"label": "x" * 101}}, ["oauthClient", "label"]),
        ({"authType": "OAUTH", "oauthClient": {"clientId": 5}}, ["oauthClient", "clientId"]),
    ],
)
def test_auth_bodies_that_are_refused(desk, body, path):
    errors = refused(desk.patch("auth", body), 400, "Invalid request body")["errors"]
    assert path is None or errors[0]["path"] == path


def test_auth_rules_that_are_refused(desk):
    twice = [{"slug": "a", "label": "b", "type": "TEXT"}] * 2
    refused(desk.patch("auth", {"authType": "API_KEY", "authFields": twice}), 400, "authFields[1].slug")
    refused(desk.patch("auth", {"authType": "OAUTH", "oauthClient": {"authUrl": "ftp://x"}}), 400, "authUrl")


def test_credentials_are_write_only_and_stay(desk, server):
    client = {"scopes": "a b", "authUrl": "https://id.example.org/a", "tokenUrl": "https://id.example.org/t",
              "clientId": "the-client", "clientSecret": "the-secret-of-it", "label": "Calendar"}  # fmt: skip
    shown = desk.auth("OAUTH", oauthClient=client)["integration"]["oauthClient"]
    assert shown == {
        "scopes": "a b", "authUrl": client["authUrl"], "tokenUrl": client["tokenUrl"], "label": "Calendar",
        "authorizationCode": None, "accessTokenCode": None, "refreshTokenCode": None, "hasClientId": True, "hasClientSecret": True,
    }  # fmt: skip
    again = desk.auth("OAUTH", oauthClient={"scopes": "c"})["integration"]["oauthClient"]
    assert again["scopes"] == "c" and again["hasClientSecret"] is True and again["authUrl"] is None
    assert desk.auth("OAUTH")["integration"]["oauthClient"] == again
    assert "the-secret-of-it" not in desk.client.get(desk.url).text + server.log() + str(server.rows("SELECT * FROM integration"))
    assert desk.auth("API_KEY")["integration"]["oauthClient"] is None


# ----------------------------------------------------------------------------------------------------------------- icons


@pytest.mark.parametrize(
    "name, data, kind",
    [
        ("i.png", PNG, "image/png"),
        ("i.jpg", b"\xff\xd8\xff\xe0" + b"x" * 50, "image/jpeg"),
        ("i.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"x" * 20, "image/webp"),
        ("lie.png", b"\xff\xd8\xff\xe0" + b"x" * 50, "image/jpeg"),
    ],
)
def test_an_icon_is_stored_and_served(desk, anonymous, name, data, kind):
    assert desk.client.get(desk.url + "/icon").json() == {"iconUrl": None, "url": None}
    r = desk.client.put(desk.url + "/icon", files={"icon": (name, data, "image/png")})
    assert r.status_code == 200, r.text
    url = r.json()["iconUrl"]
    assert r.json()["integration"]["iconUrl"] == url == desk.get()["iconUrl"]
    assert url.endswith(f"/api/public{desk.url}/icon/raw?v=1")
    assert desk.client.get(desk.url + "/icon").json() == {"iconUrl": url, "url": url}
    got = anonymous.get(url)
    assert got.status_code == 200 and got.content == data and got.headers["content-type"] == kind
    assert got.headers["x-content-type-options"] == "nosniff"


def test_a_new_icon_takes_the_place_of_the_old_one(desk, server):
    first = desk.client.put(desk.url + "/icon", files={"icon": ("i.png", PNG, "image/png")}).json()["iconUrl"]
    second = desk.client.put(desk.url + "/icon", files={"icon": ("i.png", PNG + b"2", "image/png")}).json()["iconUrl"]
    assert first.endswith("v=1") and second.endswith("v=2")
    assert desk.client.get(second).content == PNG + b"2"
    assert desk.patch(body={"iconUrl": "https://example.org/i.png"}).status_code == 200
    assert desk.get()["iconUrl"] == "https://example.org/i.png"
    refused(desk.client.get(second), 404, "no icon")


def test_of_icons_that_are_stored_at_once_one_is_kept(start_server):
    server = start_server()
    desk = Desk(langdock.client(server))

    def put(n):
        return desk.client.put(desk.url + "/icon", files={"icon": ("i.png", PNG + b"%d" % n, "image/png")}).status_code

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set(pool.map(put, range(30))) == {200}
    kept = [p for p in pathlib.Path(server.data, "objects").rglob("*") if p.is_file()]
    assert [p.read_bytes() for p in kept] == [desk.client.get(desk.get()["iconUrl"]).content]


def test_icons_that_are_refused(desk):
    def put(**files):
        return desk.client.put(desk.url + "/icon", files=files)

    refused(put(icon=("i.svg", b"<svg onload='alert(1)'/>", "image/png")), 400, "PNG, JPEG or WebP")
    refused(put(icon=("i.png", b"", "image/png")), 400, "PNG, JPEG or WebP")
    refused(put(other=("i.png", PNG, "image/png")), 400, "no part named icon")
    refused(desk.client.put(desk.url + "/icon", json={}), 400)
    refused(put(icon=("i.png", PNG + b"\0" * (20 * 1024 * 1024), "image/png")), 413)
    assert desk.get()["iconUrl"] is None


def test_a_secret_that_is_set_while_scripts_are_compiled_stays(desk):
    code = "return 'https://example.org'; " + "function f() { return [1, 2, 3].map(x => x + 1); }\n" * 700
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            desk.auth("NONE")
            desk.auth("OAUTH", oauthClient={"scopes": "a"})
            scripts = {"authorizationCode": code, "accessTokenCode": code, "refreshTokenCode": code}
            slow = pool.submit(desk.auth, "OAUTH", oauthClient=scripts)
            desk.auth("OAUTH", oauthClient={"clientSecret": "a new secret"})
            slow.result()
            assert desk.get()["oauthClient"]["hasClientSecret"] is True


# ----------------------------------------------------------------------------------------- keys for repeated requests


@pytest.mark.parametrize("what", ["create", "actions", "triggers"])
def test_a_repeated_request_is_carried_out_once(integrator, desk, what):
    url = "/integrations/v1/create" if what == "create" else f"{desk.url}/{what}/create"
    body, headers = {"name": sage.unique("Once")[:40]}, {"idempotency-key": sage.unique("key")}
    first = integrator.post(url, json=body, headers=headers)
    again = integrator.post("/api/public" + url, json=body, headers=headers)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    refused(integrator.post(url, json={"name": "Other"}, headers=headers), 422, "used for another request")


def test_a_key_is_a_users_own_and_a_failed_request_frees_it(desk, stranger):
    headers = {"idempotency-key": sage.unique("key")}
    desk.action("Find")
    refused(desk.post("actions/create", {"name": "Find"}, headers=headers), 409)
    issue(desk.post("actions/create", {"name": ""}, headers=headers), ["name"])
    assert desk.post("actions/create", {"name": "Search"}, headers=headers).status_code == 201
    r = stranger.post("/integrations/v1/create", json={"name": "Mine"}, headers=headers)
    assert r.status_code == 201 and r.json()["integration"]["name"] == "Mine"


def test_kept_answers_are_sealed(integrator, server):
    name, key = sage.unique("Sealed")[:40], sage.unique("key")
    assert integrator.post("/integrations/v1/create", json={"name": name}, headers={"idempotency-key": key}).status_code == 201
    (row,) = [r for r in server.rows("SELECT * FROM idempotency") if key in r]
    assert name not in str(row)


def test_keys_that_are_refused(integrator):
    for bad in ("x" * 256, ""):
        r = integrator.post("/integrations/v1/create", json={"name": "x"}, headers={"idempotency-key": bad})
        refused(r, 400, "Idempotency-Key")


def test_one_of_many_requests_at_once_is_carried_out(integrator, desk):
    headers = {"idempotency-key": sage.unique("key")}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.post("actions/create", {"name": "One"}, headers=headers), range(16)))
    ids = {r.json()["action"]["id"] for r in answers if r.status_code == 201}
    assert len(ids) == 1 and {r.status_code for r in answers} <= {201, 409} and len(desk.get()["actions"]) == 1
    waited = [r for r in answers if r.status_code == 409]
    assert all("still being carried out" in r.json()["message"] and r.headers["retry-after"] for r in waited)


# ---------------------------------------------------------------------------------------------------- browsers and rates


def test_an_allowed_origin_may_call_from_the_browser(start_server):
    running = start_server(env={"SLUICE_PUBLIC_API_ALLOW_BROWSER_ORIGINS": "https://app.example"})
    client = langdock.client(running)
    for mount in MOUNTS:
        asked = {"origin": "https://app.example", "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
        r = running.client().options(mount + "/integrations/v1/create", headers=asked)
        assert r.status_code == 204 and r.headers["access-control-allow-origin"] == "https://app.example"
        assert {"Authorization", "Content-Type"} <= set(r.headers["access-control-allow-headers"].split(", "))
        r = client.get(mount + "/integrations/v1/get", headers={"origin": "https://app.example", "sec-fetch-mode": "cors"})
        assert r.status_code == 200 and r.headers["access-control-allow-origin"] == "https://app.example"
        assert "Origin" in r.headers["vary"]
        r = client.get(mount + "/integrations/v1/get", headers={"origin": "https://evil.example"})
        refused(r, 403, "Browser requests are not allowed")
        assert "access-control-allow-origin" not in r.headers
        assert running.client().options(mount + "/integrations/v1/get", headers={"origin": "https://evil.example"}).status_code == 403


def test_every_answer_tells_the_limits(integrator, desk, anonymous):
    answers = [
        integrator.get("/integrations/v1/get"),
        integrator.get(f"/integrations/v1/{NOBODY}"),
        integrator.get("/integrations/v1/zz"),
        integrator.put("/integrations/v1/get"),
        integrator.get("/integrations/v1/a/b/c/d"),
        desk.post("actions/create", {}),
        anonymous.get("/integrations/v1/get"),
    ]
    for r in answers:
        for what in ("requests", "tokens"):
            limit, left = int(r.headers[f"x-ratelimit-limit-{what}"]), int(r.headers[f"x-ratelimit-remaining-{what}"])
            assert 0 <= left <= limit and re.fullmatch(r"(\d+m)?\d+s", r.headers[f"x-ratelimit-reset-{what}"]), r.url


def test_both_mounts_and_all_keys_of_a_user_share_the_limit(start_server):
    running = start_server(env={"SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "30"})  # one comes back every two seconds
    one, other = langdock.client(running), langdock.client(running)
    before = int(one.get("/integrations/v1/get").headers["x-ratelimit-remaining-requests"])
    for _ in range(20):
        other.get("/api/public/integrations/v1/get")
    assert int(one.get("/integrations/v1/get").headers["x-ratelimit-remaining-requests"]) <= before - 15
