# SPDX-License-Identifier: MIT
"""The thin slice of the LangBot face: login, API keys, requesters, providers, models for chat and embeddings."""
import concurrent.futures
import re
import time

import httpx
import pytest

import sage
import server as servers
from fake_llm import Fail, Hang

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PROVIDERS = "/api/v1/provider/providers"
MODELS = "/api/v1/provider/models/llm"
EMBEDDINGS = "/api/v1/provider/models/embedding"
KEYS = "/api/v1/apikeys"


def ok(response):
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["code"] == 0 and body["msg"] == "ok" and set(body) == {"code", "msg", "data"}, body
    return body["data"]


def failed(response, status, code, msg=None):
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert body["code"] == code and "data" not in body, body
    if msg is not None:
        assert body["msg"] == msg, body
    return body


def token_of(client, name, password):
    return ok(client.post("/api/v1/user/auth", json={"user": name, "password": password}))["token"]


@pytest.fixture(scope="module")
def owner(server):
    """The workspace owner, who is the first admin, by user token."""
    with server.client() as client:
        return server.client(token=token_of(client, servers.ADMIN, servers.PASSWORD))


@pytest.fixture
def provider(owner, fake_llm):
    name = sage.unique("provider")
    body = {"name": name, "requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-one", "sk-two"]}
    return ok(owner.post(PROVIDERS, json=body))["uuid"], name


@pytest.fixture
def model(owner, provider):
    name = sage.unique("lb-model")
    body = {"name": name, "provider_uuid": provider[0], "abilities": ["func_call"], "extra_args": {"temperature": 0.3}}
    return ok(owner.post(MODELS, json=body))["uuid"], name


# --------------------------------------------------------------------------------------------------------------- login


def test_the_admin_logs_in_by_name_and_by_address(server):
    client = server.client()
    for name in (servers.ADMIN, "admin@example.com"):
        token = token_of(client, name, servers.PASSWORD)
        assert ok(server.client(token=token).get("/api/v1/user/check-token"))["token"]


def test_a_wrong_password_is_a_soft_failure(start_server):
    client = start_server().client()
    r = client.post("/api/v1/user/auth", json={"user": servers.ADMIN, "password": "wrong"})
    failed(r, 200, 1, "Invalid username or password")


def test_the_instance_is_initialised(anonymous):
    assert ok(anonymous.get("/api/v1/user/init")) == {"initialized": True}
    r = anonymous.post("/api/v1/user/init", json={"user": "a@b.example", "password": "x" * 12})
    failed(r, 200, 1, "System already initialized")


def test_a_server_without_accounts_is_set_up_as_its_web_client_does_it(start_server):
    running = start_server(env={"SLUICE_ADMIN_AT_START": "no"})
    client = running.client()
    assert "created the administrator" not in running.log()
    assert ok(client.get("/api/v1/user/init")) == {"initialized": False}
    assert ok(client.get("/api/v1/user/account-info")) == {"initialized": False}
    mine = {"user": "  Mira@Example.org ", "password": "short"}
    for wrong in ({"user": "mira"}, {"password": ""}, {"password": " "}):
        assert client.post("/api/v1/user/init", json=mine | wrong).status_code == 400
    for wrong in ({"user": "m@" + "x" * 320}, {"password": "p" * 1025}, {"password": None}):
        assert client.post("/api/v1/user/init", json=mine | wrong).status_code == 400
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert client.post("/api/v1/user/init", json=mine, headers=evil).status_code == 403
    assert ok(client.get("/api/v1/user/init")) == {"initialized": False}

    page = {"origin": running.url, "sec-fetch-site": "same-origin"}
    assert ok(client.post("/api/v1/user/init", json=mine, headers=page)) is None
    assert ok(client.get("/api/v1/user/init")) == {"initialized": True}
    assert ok(client.get("/api/v1/user/account-info"))["password_login_enabled"] is True
    failed(client.post("/api/v1/user/init", json=mine), 200, 1, "System already initialized")
    owner = running.client(token=token_of(client, "mira@example.org", "short"))
    info = ok(owner.get("/api/v1/user/info"))
    assert info["user"] == "mira@example.org" and info["has_password"] is True
    ok(owner.get(PROVIDERS))
    assert running.login("admin", "short").get("/api/auth/session").json()["data"]["user"]["role"] == "admin"


def test_of_several_who_set_up_a_server_at_once_one_owns_it(start_server):
    running = start_server(env={"SLUICE_ADMIN_AT_START": "no"})
    client = running.client()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        bodies = [{"user": f"u{n}@example.org", "password": "a password"} for n in range(6)]
        answers = list(pool.map(lambda body: client.post("/api/v1/user/init", json=body), bodies))
    won = [body for body, r in zip(bodies, answers) if r.status_code == 200 and r.json()["code"] == 0]
    assert len(won) == 1, [r.text for r in answers]
    for r in answers:
        assert (r.status_code, r.json()["code"]) in ((200, 0), (200, 1), (409, "registration_closed")), r.text
    assert token_of(client, won[0]["user"], "a password")
    for body in bodies:
        if body is not won[0]:
            failed(client.post("/api/v1/user/auth", json=body), 200, 1, "Invalid username or password")


def account_of(client):
    return ok(client.get("/api/v1/user/info"))["account_uuid"]


def test_there_is_one_workspace(server, owner, key):
    (one,) = {p["workspace_uuid"] for p in ok(owner.get(PROVIDERS))["providers"]}
    assert re.fullmatch(UUID, one) and [len(part) for part in account_of(owner).split("-")] == [8, 4, 4, 4, 12]
    ok(owner.get(PROVIDERS, headers={"x-workspace-id": one}))
    other = {"x-workspace-id": "00000000-0000-4000-8000-000000000099"}
    failed(owner.get(PROVIDERS, headers=other), 404, "resource_not_found", "Resource not found")
    ok(owner.get("/api/v1/user/info", headers=other))
    ok(server.client(key=key("resource.view")).get(PROVIDERS, headers=other))


def test_health(anonymous):
    r = anonymous.get("/healthz")
    assert r.status_code == 200 and r.json()["code"] == 0 and r.json()["msg"] == "ok"


# ------------------------------------------------------------------------------------------------------ authentication


def test_without_credentials(anonymous):
    failed(anonymous.get(PROVIDERS), 401, -1, "No valid authentication provided (user token or API key required)")
    failed(anonymous.get(KEYS), 401, -1, "No valid user token provided")


@pytest.mark.parametrize("headers", [{"x-api-key": "lbk_wrong"}, {"authorization": "Bearer lbk_wrong"}, {"authorization": "Bearer a.b.c"}])
def test_bad_credentials(server, headers):
    r = server.client(headers=headers).get(PROVIDERS)
    failed(r, 401, "invalid_authentication", "Invalid authentication credentials")


def test_a_bad_key_is_not_saved_by_a_good_token(server, owner):
    r = owner.get(PROVIDERS, headers={"x-api-key": "lbk_wrong"})
    failed(r, 401, "invalid_authentication")


def test_a_key_of_another_face_has_no_business_here(server, key):
    k = key("langflow")
    r = server.client(key=k).get(PROVIDERS)
    assert r.status_code in (401, 403), r.text


# ------------------------------------------------------------------------------------------------------------ API keys


def test_an_api_key_is_shown_once_and_works_both_ways(server, owner):
    made = ok(owner.post(KEYS, json={"name": "ci", "description": "for tests"}))["key"]
    assert re.fullmatch(r"lbk_[A-Za-z0-9_-]{43}", made["key"])
    assert made["name"] == "ci" and made["status"] == "active" and made["expires_at"] is None
    assert isinstance(made["id"], int) and re.fullmatch(UUID, made["uuid"]) and {"resource.view", "api_key.manage"} <= set(made["scopes"])
    assert made["description"] == "for tests"
    for headers in ({"x-api-key": made["key"]}, {"authorization": f"Bearer {made['key']}"}):
        assert "providers" in ok(server.client(headers=headers).get(PROVIDERS))
    deadline = time.monotonic() + 20
    while True:  # uses are written down behind the answer
        (listed,) = [k for k in ok(owner.get(KEYS))["keys"] if k["id"] == made["id"]]
        if listed["last_used_at"] or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert "key" not in listed and listed["secret_available"] is False
    assert listed["last_used_at"] and made["key"] not in owner.get(KEYS).text
    assert ok(owner.get(f"{KEYS}/{made['id']}"))["key"]["uuid"] == made["uuid"]


def test_a_key_opens_the_other_faces_only_when_asked_to(server, owner):
    own = ok(owner.post(KEYS, json={"name": "own"}))["key"]["key"]
    assert server.client(headers={"authorization": f"Bearer {own}"}).get("/api/agent/list").status_code in (401, 403)
    assert server.client(key=own).get("/api/v1/flows/").status_code == 403
    every = ok(owner.post(KEYS, json={"name": "every", "scopes": ["*"]}))["key"]["key"]
    assert server.client(headers={"authorization": f"Bearer {every}"}).get("/api/agent/list").status_code == 200
    assert server.client(key=every).get("/api/v1/flows/").status_code == 200


def test_a_revoked_key_stops_working_and_stays_listed(server, owner):
    made = ok(owner.post(KEYS, json={"name": "old"}))["key"]
    assert ok(owner.delete(f"{KEYS}/{made['id']}")) is None
    failed(server.client(key=made["key"]).get(PROVIDERS), 401, "invalid_authentication")
    (row,) = [k for k in ok(owner.get(KEYS))["keys"] if k["id"] == made["id"]]
    assert row["status"] == "revoked"


def test_keys_are_renamed(owner):
    made = ok(owner.post(KEYS, json={"name": "a"}))["key"]
    path = f"{KEYS}/{made['id']}"
    assert ok(owner.put(path, json={"name": "b"})) is None
    assert ok(owner.put(path, json={"description": "for b"})) is None
    failed(owner.put(path, json={"name": " "}), 400, "invalid_api_key", "Name is required")
    key = ok(owner.get(path))["key"]
    assert key["name"] == "b" and key["description"] == "for b"


@pytest.mark.parametrize(
    "body, status, code, msg",
    [
        ({"name": ""}, 400, "invalid_api_key", "Name is required"),
        ({"name": "x", "scopes": ["fly"]}, 400, "invalid_api_key", "Unknown API key scope: fly"),
        ({"name": "x", "expires_at": "soon"}, 400, "invalid_expiry", "Invalid API key expiry"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00"}, 400, "invalid_expiry", "API key expiry must be in the future"),
        ({"name": "x", "expires_at": "2098-02-31T00:00:00"}, 400, "invalid_expiry", "Invalid API key expiry"),
        ({"name": "x", "expires_at": "2098-01-01T00:00:00+-5"}, 400, "invalid_expiry", "Invalid API key expiry"),
        ({"name": "x", "expires_at": "2098-01-01T00:00:00+05:30 or so"}, 400, "invalid_expiry", "Invalid API key expiry"),
    ],
)
def test_keys_that_cannot_be_made(owner, body, status, code, msg):
    before = len(ok(owner.get(KEYS))["keys"])
    failed(owner.post(KEYS, json=body), status, code, msg)
    assert len(ok(owner.get(KEYS))["keys"]) == before


@pytest.mark.parametrize(
    "given, shown",
    [
        ("2098-01-01T12:00:00", "2098-01-01T12:00:00"),
        ("2098-01-01 12:00:00Z", "2098-01-01T12:00:00"),
        ("2098-01-01T12:00:00+05:30", "2098-01-01T06:30:00"),
        ("2098-01-01T12:00:00-0530", "2098-01-01T17:30:00"),
        ("2098-01-01", "2098-01-01T00:00:00"),
        ("", None),
    ],
)
def test_the_expiry_of_a_key_is_kept_in_utc(owner, given, shown):
    made = ok(owner.post(KEYS, json={"name": "x", "expires_at": given}))["key"]
    assert made["expires_at"] == shown == ok(owner.get(f"{KEYS}/{made['id']}"))["key"]["expires_at"]


def test_unknown_key(owner):
    failed(owner.get(f"{KEYS}/999999"), 404, "resource_not_found", "API key not found")


def test_an_api_key_cannot_manage_keys(server, owner):
    made = ok(owner.post(KEYS, json={"name": "x"}))["key"]["key"]
    r = server.client(key=made).post(KEYS, json={"name": "y"})
    assert r.status_code in (401, 403), r.text


def test_scopes_are_few_and_each_counts_once(owner):
    body = failed(owner.post(KEYS, json={"name": "many", "scopes": ["sage"] * 65}), 400, -1)
    assert "64" in body["msg"]
    made = ok(owner.post(KEYS, json={"name": "twice", "scopes": ["sage", "resource.view", "sage"] * 20}))["key"]
    assert made["scopes"] == ["sage", "resource.view"]
    assert ok(owner.get(f"{KEYS}/{made['id']}"))["key"]["scopes"] == ["sage", "resource.view"]


def test_scopes_limit_a_key(server, owner, provider):
    made = ok(owner.post(KEYS, json={"name": "viewer", "scopes": ["resource.view"]}))["key"]["key"]
    viewer = server.client(key=made)
    (mine,) = [p for p in ok(viewer.get(PROVIDERS))["providers"] if p["uuid"] == provider[0]]
    assert mine["api_keys"] == ["***"]
    r = viewer.post(PROVIDERS, json={"name": "x", "requester": "openai-chat-completions", "base_url": "", "api_keys": []})
    failed(r, 403, "permission_denied", "Missing Workspace permission: provider_secret.manage")
    failed(viewer.delete(f"{PROVIDERS}/{provider[0]}"), 403, "permission_denied", "Missing Workspace permission: resource.manage")
    # the mask is on the whole answer, not only in the list
    assert "sk-one" not in viewer.get(f"{PROVIDERS}/{provider[0]}").text + viewer.get(MODELS).text


def test_secrets_in_arguments_and_addresses_are_for_those_with_the_permission(server, owner, fake_llm):
    args = {
        "temperature": 0.5,
        "max_tokens": 7,
        "extra_headers": {"X-Api-Key": "sk-hidden-1", "accept": "x/y"},
        "clientSecret": {"list": ["sk-hidden-2", "", 5]},
        "callback_url": "https://me:sk-hidden-3@cb.example/in?x=1&api_key=sk-hidden-4#top",
    }
    url = "https://me:sk-hidden-5@llm.example/v1?token=sk-hidden-6"
    body = {"name": sage.unique("p"), "requester": "openai-chat-completions", "base_url": url, "api_keys": []}
    provider = f"{PROVIDERS}/{ok(owner.post(PROVIDERS, json=body))['uuid']}"
    body = {"name": sage.unique("m"), "provider_uuid": provider.rsplit("/", 1)[1], "extra_args": args}
    model = f"{MODELS}/{ok(owner.post(MODELS, json=body))['uuid']}"
    assert ok(owner.get(model))["model"]["extra_args"] == args and ok(owner.get(provider))["provider"]["base_url"] == url

    viewer = server.client(key=ok(owner.post(KEYS, json={"name": "v", "scopes": ["resource.view"]}))["key"]["key"])
    shown = ok(viewer.get(model))["model"]
    masked = {
        **args,
        "extra_headers": {"X-Api-Key": "***", "accept": "x/y"},
        "clientSecret": {"list": ["***", "", "***"]},
        "callback_url": "https://***@cb.example/in?x=1&api_key=***#top",
    }
    assert shown["extra_args"] == masked and shown["provider"]["base_url"] == "https://***@llm.example/v1?token=***"
    for path in (MODELS, PROVIDERS, provider):
        assert "sk-hidden" not in viewer.get(path).text

    ok(owner.put(model, json={"extra_args": {**masked, "temperature": 1}}))
    assert ok(owner.get(model))["model"]["extra_args"] == {**args, "temperature": 1}
    ok(owner.put(provider, json={"base_url": shown["provider"]["base_url"]}))
    assert ok(owner.get(provider))["provider"]["base_url"] == url
    r = owner.put(model, json={"extra_args": {"extra_headers": {"Cookie": "***"}}})
    failed(r, 400, -1, "Masked secret has no existing value")
    failed(owner.post(MODELS, json={**body, "extra_args": {"token": "***"}}), 400, -1, "Masked secret has no existing value")


def test_a_key_from_the_command_line_is_the_same_kind_of_key(server, key):
    viewer = server.client(key=key("resource.view"))
    assert "providers" in ok(viewer.get(PROVIDERS))


# ---------------------------------------------------------------------------------------------------------- requesters


def test_requesters(owner):
    found = {r["name"]: r for r in ok(owner.get("/api/v1/provider/requesters"))["requesters"]}
    openai = found["openai-chat-completions"]
    assert openai["label"]["en_US"] == "OpenAI" and "zh_Hans" in openai["label"]
    spec = openai["spec"]
    assert spec["support_type"] == ["llm", "text-embedding"] and spec["provider_category"] == "manufacturer"
    config = {c["name"]: c for c in spec["config"]}
    assert config["base_url"]["default"] == "https://api.openai.com/v1" and config["base_url"]["required"] is True
    assert config["timeout"]["default"] == 120
    assert "anthropic-messages" in found and "ollama-chat" in found
    assert all({"name", "label", "spec"} <= set(r) for r in found.values())


def test_what_requesters_ask_for(owner):
    found = {r["name"]: r["spec"]["config"] for r in ok(owner.get("/api/v1/provider/requesters"))["requesters"]}
    config = {name: {c["name"]: (c["type"], c["default"]) for c in items} for name, items in found.items()}
    plain = {"base_url": ("string", "https://api.deepseek.com"), "timeout": ("integer", 120)}
    assert config["deepseek-chat-completions"] == plain
    for name in ("jiekouai", "modelscope", "ppio", "qhaigc", "shengsuanyun"):
        own = config[f"{name}-chat-completions"]
        assert own["args"] == ("object", {}) and own["timeout"] == ("int", 120) and len(own) == 3
    assert config["litellm-chat"] == {
        "base_url": ("string", ""),
        "timeout": ("integer", 120),
        "custom_llm_provider": ("string", ""),
        "drop_params": ("boolean", False),
        "num_retries": ("integer", 0),
        "api_version": ("string", ""),
    }
    assert {c["name"]: c["required"] for c in found["litellm-chat"]}["base_url"] is False
    assert all(c["required"] for c in found["deepseek-chat-completions"])


def test_requesters_by_type_and_by_name(owner):
    for kind in ("llm", "text-embedding", "rerank"):
        for r in ok(owner.get("/api/v1/provider/requesters", params={"type": kind}))["requesters"]:
            assert kind in r["spec"]["support_type"]
    one = ok(owner.get("/api/v1/provider/requesters/anthropic-messages"))["requester"]
    assert one["name"] == "anthropic-messages"
    failed(owner.get("/api/v1/provider/requesters/nobody"), 404, -1, "requester not found")


# ----------------------------------------------------------------------------------------------------------- providers


def test_a_provider_is_created_and_read(owner, provider, fake_llm):
    uuid, name = provider
    assert re.fullmatch(UUID, uuid)
    got = ok(owner.get(f"{PROVIDERS}/{uuid}"))["provider"]
    assert got["name"] == name and got["requester"] == "openai-chat-completions" and got["base_url"] == fake_llm.url
    assert got["api_keys"] == ["sk-one", "sk-two"]
    listed = [p for p in ok(owner.get(PROVIDERS))["providers"] if p["uuid"] == uuid]
    assert listed[0]["llm_count"] == 0 and listed[0]["embedding_count"] == 0 and listed[0]["rerank_count"] == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", got["created_at"])


@pytest.mark.parametrize("given, kept", [("sk-only", ["sk-only"]), ([" a ", "", "b", "a"], ["a", "b"]), ([], [])])
def test_keys_are_tidied(owner, given, kept):
    body = {"name": sage.unique("p"), "requester": "openai-chat-completions", "base_url": "https://api.example/v1", "api_keys": given}
    uuid = ok(owner.post(PROVIDERS, json=body))["uuid"]
    assert ok(owner.get(f"{PROVIDERS}/{uuid}"))["provider"]["api_keys"] == kept


def test_a_provider_is_changed_in_part_and_a_mask_keeps_its_keys(owner, provider):
    uuid, _ = provider
    assert ok(owner.put(f"{PROVIDERS}/{uuid}", json={"name": "Renamed", "api_keys": ["***"]})) is None
    got = ok(owner.get(f"{PROVIDERS}/{uuid}"))["provider"]
    assert got["name"] == "Renamed" and got["api_keys"][0] == "sk-one"


def test_a_provider_is_sent_back_as_it_was_read(owner):
    (systems,) = [p for p in ok(owner.get(PROVIDERS))["providers"] if p["api_keys"] == ["sk-system-key-01"]]
    path, fields = f"{PROVIDERS}/{systems['uuid']}", ("name", "requester", "base_url", "api_keys")
    assert ok(owner.put(path, json={k: systems[k] for k in fields})) is None
    assert {k: ok(owner.get(path))["provider"][k] for k in fields} == {k: systems[k] for k in fields}
    failed(owner.put(path, json={"requester": "nobody"}), 400, -1, "Unknown requester: nobody")


def test_masks_stand_for_the_keys_at_their_places(owner, provider):
    path = f"{PROVIDERS}/{provider[0]}"
    ok(owner.put(path, json={"api_keys": ["sk-1", "sk-2"]}))
    ok(owner.put(path, json={"api_keys": ["sk-new", "***"]}))
    assert ok(owner.get(path))["provider"]["api_keys"] == ["sk-new", "sk-2"]
    failed(owner.put(path, json={"api_keys": ["a", "b", "***"]}), 400, -1, "Masked secret has no existing value")
    ok(owner.put(path, json={"api_keys": []}))
    failed(owner.put(path, json={"api_keys": "***"}), 400, -1, "Masked secret has no existing value")


def test_a_provider_in_use_is_not_deleted(owner, provider, model):
    r = owner.delete(f"{PROVIDERS}/{provider[0]}")
    failed(r, 400, -1, "Cannot delete provider: LLM models still reference it")
    assert ok(owner.delete(f"{MODELS}/{model[0]}")) is None
    assert ok(owner.delete(f"{PROVIDERS}/{provider[0]}")) is None
    failed(owner.get(f"{PROVIDERS}/{provider[0]}"), 404, -1, "provider not found")


def test_unknown_provider(owner):
    nobody = "00000000-0000-4000-8000-000000000001"
    failed(owner.get(f"{PROVIDERS}/{nobody}"), 404, -1, "provider not found")
    failed(owner.put(f"{PROVIDERS}/{nobody}", json={"name": "x"}), 404, "resource_not_found")
    failed(owner.delete(f"{PROVIDERS}/{nobody}"), 404, "resource_not_found")


def test_a_client_mistake_is_400_and_not_500(owner):
    for body in ({}, {"name": "x"}, {"name": 5, "requester": "openai-chat-completions"}):
        r = owner.post(PROVIDERS, json=body)
        assert r.status_code == 400 and r.json()["code"] == -1, r.text
    r = owner.post(PROVIDERS, content=b"{broken", headers={"content-type": "application/json"})
    assert r.status_code == 400 and r.json()["code"] == -1


def test_the_systems_provider_is_used_by_everybody_and_the_administrators_to_see_into(server, owner, user):
    (systems,) = [p for p in ok(owner.get(PROVIDERS))["providers"] if p["api_keys"] == ["sk-system-key-01"]]
    someone = user()
    other = server.client(token=token_of(server.client(), someone.name, someone.password))
    (shown,) = [p for p in ok(other.get(PROVIDERS))["providers"] if p["uuid"] == systems["uuid"]]
    assert shown["api_keys"] == ["***"]
    assert ok(other.get(f"{PROVIDERS}/{systems['uuid']}"))["provider"]["api_keys"] == ["***"]
    models = ok(other.get(MODELS))["models"]
    assert models and "sk-system-key-01" not in str(models) + other.get(f"{MODELS}/{models[0]['uuid']}").text
    for body in ({"provider_uuid": systems["uuid"]}, {"provider": {"uuid": systems["uuid"]}}):
        for path in (MODELS, EMBEDDINGS):
            failed(other.post(path, json={"name": "slipped-in", **body}), 404, "resource_not_found")
    failed(other.put(f"{PROVIDERS}/{systems['uuid']}", json={"base_url": "http://evil.example"}), 404, "resource_not_found")
    failed(other.put(f"{MODELS}/{models[0]['uuid']}", json={"name": "x"}), 404, "resource_not_found")
    assert "slipped-in" not in owner.get(MODELS).text + owner.get(EMBEDDINGS).text


# -------------------------------------------------------------------------------------------------------------- models


def test_a_model_is_created_and_read(owner, provider, model):
    uuid, name = model
    got = ok(owner.get(f"{MODELS}/{uuid}"))["model"]
    assert got["name"] == name and got["provider_uuid"] == provider[0] and got["abilities"] == ["func_call"]
    assert got["extra_args"] == {"temperature": 0.3} and got["prefered_ranking"] == 0
    assert got["reasoning_config"] == {"level": "provider_default"} and got["provider"]["uuid"] == provider[0]
    assert got["reasoning_capabilities"]["levels"]
    everything = [m for m in ok(owner.get(MODELS))["models"] if m["uuid"] == uuid]
    assert everything[0]["provider"]["requester"] == "openai-chat-completions"
    (filtered,) = ok(owner.get(MODELS, params={"provider_uuid": provider[0]}))["models"]
    assert filtered["uuid"] == uuid and "provider" not in filtered
    listed = [p for p in ok(owner.get(PROVIDERS))["providers"] if p["uuid"] == provider[0]]
    assert listed[0]["llm_count"] == 1


def test_models_are_listed_as_they_were_made(owner, fake_llm):
    first, second = sage.unique("p"), sage.unique("p")
    body = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": []}
    providers = [ok(owner.post(PROVIDERS, json={**body, "name": name}))["uuid"] for name in (first, second)]
    made = [ok(owner.post(MODELS, json={"name": sage.unique("m"), "provider_uuid": providers[n % 2]}))["uuid"] for n in range(4)]
    listed = [m["uuid"] for m in ok(owner.get(MODELS))["models"]]
    assert [uuid for uuid in listed if uuid in made] == made


def test_an_inline_provider_is_found_or_made(owner, fake_llm):
    inline = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": [sage.unique("sk")]}
    a = ok(owner.post(MODELS, json={"name": sage.unique("m"), "provider": inline}))["uuid"]
    b = ok(owner.post(MODELS, json={"name": sage.unique("m"), "provider": inline}))["uuid"]
    providers = {ok(owner.get(f"{MODELS}/{u}"))["model"]["provider_uuid"] for u in (a, b)}
    assert len(providers) == 1
    assert ok(owner.get(f"{PROVIDERS}/{providers.pop()}"))["provider"]["name"].startswith("127.0.0.1")


@pytest.mark.parametrize("path", [MODELS, EMBEDDINGS])
def test_models_as_the_published_document_describes_them(owner, fake_llm, path):
    name, key = sage.unique("old-style"), sage.unique("sk")
    body = {
        "name": name,
        "description": "from the document",
        "requester": "openai-chat-completions",
        "requester_config": {"base_url": fake_llm.url, "timeout": 120},
        "api_keys": [{"name": "mine", "keys": [key]}, "sk-second"],
        "extra_args": {},
    }
    one = f"{path}/{ok(owner.post(path, json=body))['uuid']}"
    made = ok(owner.get(one))["model"]["provider"]
    assert made["requester"] == "openai-chat-completions" and made["base_url"] == fake_llm.url
    assert made["api_keys"] == [key, "sk-second"]
    assert ok(owner.post(f"{path}/_/test", json=body)) is None
    assert fake_llm.requests_for(name)[0].key in (key, "sk-second")

    ok(owner.put(one, json={"requester_config": {"base_url": fake_llm.url + "/"}}))
    assert ok(owner.get(one))["model"]["provider_uuid"] == made["uuid"]
    ok(owner.put(one, json={"api_keys": [{"name": "mine", "keys": [key]}]}))
    assert ok(owner.get(one))["model"]["provider"]["api_keys"] == [key]
    body = {"name": name, "requester": "openai-chat-completions", "requester_config": {}, "api_keys": [key]}
    one = f"{path}/{ok(owner.post(path, json=body))['uuid']}"
    assert ok(owner.get(one))["model"]["provider"]["base_url"] == "https://api.openai.com/v1"
    failed(owner.post(path, json={"name": name, "requester_config": {}, "api_keys": []}), 400, -1)


def test_a_model_is_changed_in_part(owner, model):
    assert ok(owner.put(f"{MODELS}/{model[0]}", json={"abilities": ["vision"], "context_length": 9000})) is None
    got = ok(owner.get(f"{MODELS}/{model[0]}"))["model"]
    assert got["abilities"] == ["vision"] and got["context_length"] == 9000 and got["name"] == model[1]


def test_a_model_moves_to_another_provider(owner, model, provider, fake_llm):
    path = f"{MODELS}/{model[0]}"
    body = {"name": sage.unique("other"), "requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-other"]}
    other = ok(owner.post(PROVIDERS, json=body))["uuid"]
    assert ok(owner.put(path, json={"name": model[1], "provider_uuid": other, "abilities": []})) is None
    assert ok(owner.get(path))["model"]["provider_uuid"] == other
    ok(owner.post(f"{path}/test", json={}))
    assert fake_llm.requests_for(model[1])[-1].key == "sk-other"
    ok(owner.put(path, json={"provider_uuid": "", "provider": {"uuid": provider[0]}}))
    assert ok(owner.get(path))["model"]["provider_uuid"] == provider[0]
    inline = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": [sage.unique("sk")]}
    ok(owner.put(path, json={"provider": inline}))
    moved = ok(owner.get(path))["model"]["provider"]
    assert moved["uuid"] not in (provider[0], other) and moved["api_keys"] == inline["api_keys"]

    failed(owner.put(path, json={"provider_uuid": "00000000-0000-4000-8000-000000000001"}), 404, "resource_not_found")
    rerank = {"requester": "jina-rerank", "base_url": "https://api.jina.ai/v1", "api_keys": []}
    r = owner.put(path, json={"provider": rerank})
    failed(r, 400, -1, 'Provider requester "jina-rerank" does not support llm models')
    assert ok(owner.get(path))["model"]["provider_uuid"] == moved["uuid"]


@pytest.mark.parametrize(
    "body, msg",
    [
        ({"reasoning_config": []}, "reasoning_config must be an object"),
        ({"reasoning_config": {"level": "vast"}}, "Unsupported reasoning level: vast"),
        ({"reasoning_config": {"level": 5}}, "Unsupported reasoning level: 5"),
        ({"reasoning_config": {"level": "low", "depth": 1}}, "Unsupported reasoning_config fields: depth"),
        (
            {
                "reasoning_config": {"level": "high"},
                "abilities": ["reasoning"],
                "extra_args": {"reasoning": {}, "extra_body": {"thinking": {}}},
            },
            "reasoning_config conflicts with advanced parameters: thinking, reasoning",
        ),
        (
            {"reasoning_config": {"level": "high"}},
            "The reasoning ability must be enabled before selecting a reasoning level",
        ),
    ],
)
def test_reasoning_is_checked(owner, model, body, msg):
    failed(owner.put(f"{MODELS}/{model[0]}", json=body), 400, -1, msg)


def test_a_requester_without_chat_models_is_refused(owner):
    body = {"name": sage.unique("p"), "requester": "jina-rerank", "base_url": "https://api.jina.ai/v1", "api_keys": []}
    uuid = ok(owner.post(PROVIDERS, json=body))["uuid"]
    r = owner.post(MODELS, json={"name": "m", "provider_uuid": uuid})
    failed(r, 400, -1, 'Provider requester "jina-rerank" does not support llm models')


def test_unknown_model_and_provider(owner):
    nobody = "00000000-0000-4000-8000-000000000001"
    failed(owner.get(f"{MODELS}/{nobody}"), 404, -1, "model not found")
    failed(owner.post(MODELS, json={"name": "m", "provider_uuid": nobody}), 404, "resource_not_found")


def test_a_model_is_tested_with_a_real_question(owner, model, fake_llm):
    assert ok(owner.post(f"{MODELS}/{model[0]}/test", json={})) is None
    (asked,) = fake_llm.requests_for(model[1])
    assert asked.key in ("sk-one", "sk-two") and asked.body["temperature"] == 0.3 and len(asked.body["messages"]) >= 1


def test_an_unsaved_model_is_tested(owner, fake_llm):
    name = sage.unique("unsaved")
    inline = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-x"]}
    body = {"uuid": "", "name": name, "provider_uuid": "", "provider": inline, "abilities": [], "extra_args": {}}
    assert ok(owner.post(f"{MODELS}/_/test", json=body)) is None
    assert fake_llm.requests_for(name)[0].key == "sk-x"


def test_a_failed_test_says_why_and_is_no_401(owner, model, fake_llm):
    fake_llm.always(model[1], Fail(401, "Incorrect API key"))
    r = owner.post(f"{MODELS}/{model[0]}/test", json={})
    assert r.status_code == 400 and r.json()["code"] == -1 and r.json()["msg"] != "Internal server error"


def test_a_test_ends_before_the_clients_give_up(owner, model, fake_llm):
    fake_llm.always(model[1], Hang())
    began = time.monotonic()
    r = owner.post(f"{MODELS}/{model[0]}/test", json={}, timeout=40)
    assert time.monotonic() - began < 30
    failed(r, 400, -1, "The model did not answer within 25 seconds")


# ---------------------------------------------------------------------------------------------------------- embeddings


@pytest.fixture
def embedding(owner, provider):
    name = sage.unique("lb-embedding")
    body = {"name": name, "provider_uuid": provider[0], "extra_args": {"truncate": "end"}, "prefered_ranking": 3}
    return ok(owner.post(EMBEDDINGS, json=body))["uuid"], name


def test_an_embedding_model_is_created_read_changed_and_deleted(owner, provider, embedding):
    uuid, name = embedding
    got = ok(owner.get(f"{EMBEDDINGS}/{uuid}"))["model"]
    assert set(got) == {
        *("uuid", "workspace_uuid", "name", "provider_uuid", "extra_args", "prefered_ranking"),
        *("created_at", "updated_at", "provider"),
    }
    assert got["name"] == name and got["extra_args"] == {"truncate": "end"} and got["prefered_ranking"] == 3
    (listed,) = ok(owner.get(EMBEDDINGS, params={"provider_uuid": provider[0]}))["models"]
    assert listed["uuid"] == uuid and "provider" not in listed
    assert ok(owner.put(f"{EMBEDDINGS}/{uuid}", json={"name": name + "-2", "extra_args": {}})) is None
    got = ok(owner.get(f"{EMBEDDINGS}/{uuid}"))["model"]
    assert (got["name"], got["extra_args"], got["prefered_ranking"]) == (name + "-2", {}, 3)
    assert ok(owner.get(f"{PROVIDERS}/{provider[0]}"))["provider"]["embedding_count"] == 1
    r = owner.delete(f"{PROVIDERS}/{provider[0]}")
    failed(r, 400, -1, "Cannot delete provider: Embedding models still reference it")
    assert ok(owner.delete(f"{EMBEDDINGS}/{uuid}")) is None
    failed(owner.get(f"{EMBEDDINGS}/{uuid}"), 404, -1, "model not found")


def test_each_kind_of_model_is_at_its_own_routes(owner, provider, model, embedding):
    for path, own, other in ((MODELS, model[0], embedding[0]), (EMBEDDINGS, embedding[0], model[0])):
        ids = [m["uuid"] for m in ok(owner.get(path))["models"]]
        assert own in ids and other not in ids
        failed(owner.get(f"{path}/{other}"), 404, -1, "model not found")
        failed(owner.put(f"{path}/{other}", json={"name": "x"}), 404, "resource_not_found")
        failed(owner.delete(f"{path}/{other}"), 404, "resource_not_found")
        failed(owner.post(f"{path}/{other}/test", json={}), 404, "resource_not_found")


def test_an_embedding_model_answers_to_clients_of_openai(owner, embedding, server, key, fake_llm):
    client = server.client(token=key("COMPLETION_API"))
    assert embedding[1] in [m["id"] for m in client.get("/openai/eu/v1/models").json()["data"]]
    r = client.post("/openai/v1/embeddings", json={"model": embedding[1], "input": "one"})
    assert r.status_code == 200 and len(r.json()["data"][0]["embedding"]) == 8, r.text
    (asked,) = fake_llm.requests_for(embedding[1])
    assert asked.body["truncate"] == "end" and asked.body["input"] == ["one"]


def test_an_embedding_model_is_tested_saved_or_not(owner, embedding, fake_llm):
    assert ok(owner.post(f"{EMBEDDINGS}/{embedding[0]}/test", json={})) is None
    (asked,) = fake_llm.requests_for(embedding[1])
    assert asked.body["input"] == ["Hello, world!"]
    name = sage.unique("unsaved")
    inline = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-x"]}
    assert ok(owner.post(f"{EMBEDDINGS}/_/test", json={"name": name, "provider": inline})) is None
    fake_llm.always(name, Fail(401, "Incorrect API key"))
    r = owner.post(f"{EMBEDDINGS}/_/test", json={"name": name, "provider": inline})
    assert r.status_code == 400 and r.json()["code"] == -1 and r.json()["msg"] != "Internal server error"


def test_the_demo_embeds_without_a_network(owner, server, key):
    name = sage.unique("demo")
    body = {"name": name, "provider": {"requester": "demo", "base_url": "demo:", "api_keys": []}}
    uuid = ok(owner.post(EMBEDDINGS, json=body))["uuid"]
    assert ok(owner.post(f"{EMBEDDINGS}/{uuid}/test", json={})) is None
    client = server.client(token=key("COMPLETION_API"))
    assert len(client.post("/openai/v1/embeddings", json={"model": name, "input": "a"}).json()["data"]) == 1


@pytest.mark.parametrize("requester", ["jina-rerank", "anthropic-messages", "anthropic"])
def test_a_requester_without_embeddings_is_refused(owner, requester):
    body = {"name": "m", "provider": {"requester": requester, "base_url": "https://api.example", "api_keys": []}}
    r = owner.post(EMBEDDINGS, json=body)
    if requester == "anthropic":  # a driver's name is no requester of LangBot's
        failed(r, 400, -1, "Unknown requester: anthropic")
    else:
        failed(r, 400, -1, f'Provider requester "{requester}" does not support text-embedding models')


def test_any_origin_may_call_without_cookies(anonymous):
    r = anonymous.get(PROVIDERS, headers={"origin": "https://app.example"})
    assert r.headers.get("access-control-allow-origin") == "*"


def test_the_face_on_its_own_listener_and_prefix(server, owner, start_server):
    token = owner.headers["authorization"]
    assert "providers" in ok(server.client(headers={"authorization": token}).get("/langbot" + PROVIDERS))
    port = servers.free_port()
    start_server(env={"SLUICE_LISTEN_LANGBOT": f"127.0.0.1:{port}"})
    own = f"http://127.0.0.1:{port}"
    assert httpx.get(own + "/healthz", trust_env=False).status_code == 200
    assert httpx.get(own + PROVIDERS, trust_env=False).json()["code"] == -1
    assert httpx.get(own + "/api/agent/list", trust_env=False).status_code == 404  # nobody else lives there
