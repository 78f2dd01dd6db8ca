# SPDX-License-Identifier: MIT
"""Connections: API keys, service accounts, OAuth in both forms, refreshing, and that no secret gets out (contracts/langdock.md section 4)."""
import concurrent.futures
import html
import re
import time
import urllib.parse

import httpx
import pytest

import databases
import langdock
import sage
from fake_oauth import FakeOAuth
from langdock import NOBODY, Desk, refused
from server import ADMIN, PASSWORD

CALLBACK = "/oauth/integrations/callback"
WHO = "const r = await ld.request({ url: %r + '/userinfo', headers: { Authorization: 'Bearer ' + data.auth.access_token } });\n"
FIELDS = [
    {"slug": "api_key", "label": "API key", "type": "PASSWORD", "required": True},
    {"slug": "base_url", "label": "Base URL", "type": "TEXT"},
    {"slug": "limit", "label": "Limit", "type": "NUMBER"},
]
TEST_CODE = "if (data.auth.api_key !== 'good-key-123') throw new Error('Invalid credentials ' + data.auth.limit);\nreturn { ok: true };"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory, fake_llm):
    """A server that may call the providers of these tests, which are on loopback."""
    import server as servers

    from fixtures import default_llm

    env = {**default_llm(fake_llm), "SLUICE_ALLOW_PRIVATE_NETWORKS": "1", "SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "1000000", "SLUICE_PUBLIC_API_TOKENS_PER_MINUTE": "1000000000"}
    running = servers.Server(tmp_path_factory.mktemp("open"), env=env).start()
    yield running
    assert running.alive(), running.log()[-6000:]
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(open_server):
    return langdock.client(open_server)


@pytest.fixture
def provider():
    with FakeOAuth() as fake:
        yield fake


@pytest.fixture
def desk(client):
    return Desk(client)


@pytest.fixture
def keyed(desk):
    desk.auth("API_KEY", authFields=FIELDS, authTestCode=TEST_CODE)
    return desk


def connect(desk, status=201, **body):
    r = desk.post("connections", body)
    assert r.status_code == status, r.text
    return r.json()["connection"] if status == 201 else r.json()


def connections(desk):
    return desk.client.get(desk.url + "/connections").json()["connections"]


def run(desk, action, **body):
    r = desk.post(f"actions/{action['id']}/test", body)
    assert r.status_code == 200, r.text
    return r.json()


# -------------------------------------------------------------------------------------------------------------- API keys


def test_a_key_is_tested_and_then_used(keyed):
    action = keyed.action(code="return [data.auth.api_key.length, secrets.limit, typeof data.auth.base_url]")
    assert "No connection configured for integration" in run(keyed, action)["error"]["message"]
    made = connect(keyed, label="Mine", values={"api_key": "good-key-123", "limit": "5", "other": "x"})
    assert made["status"] == "active" and made["label"] == "Mine" and made["isDefault"] is False
    assert connections(keyed) == [made]
    assert run(keyed, action)["result"] == [12, 5, "undefined"]


def test_values_that_are_refused(keyed):
    r = keyed.post("connections", {"values": {"api_key": "bad-key-456", "limit": 9}})
    refused(r, 400, "The connection test failed: Invalid credentials 9")
    refused(keyed.post("connections", {}), 400, "api_key is required")
    refused(keyed.post("connections", {"values": {"api_key": ""}}), 400, "api_key is required")
    refused(keyed.post("connections", {"values": {"api_key": ["x"]}}), 400, "api_key must be a text")
    refused(keyed.post("connections", {"values": {"api_key": "x", "limit": "many"}}), 400, "limit must be a number")
    refused(keyed.post("connections", {"label": "x" * 201}), 400)
    for name, value in (("base_url", "x" * 1_000_000), ("base_url", "é" * 33_000), ("limit", "0" * 1_000_000)):
        refused(keyed.post("connections", {"values": {"api_key": "good-key-123", name: value}}), 400, f"{name} is longer than 65536 bytes")
    refused(keyed.post("connections", {"values": []}), 400)
    assert connections(keyed) == []


def test_an_integration_without_credentials_needs_no_connection(desk):
    refused(desk.post("connections", {}), 400, "needs no connection")
    assert run(desk, desk.action(code="return Object.keys(data.auth)"))["result"] == []


def test_the_default_is_used_and_a_named_one_goes_before_it(keyed):
    action = keyed.action(code="return data.auth.limit")
    one = connect(keyed, values={"api_key": "good-key-123", "limit": 1})
    two = connect(keyed, values={"api_key": "good-key-123", "limit": 2})
    assert "No connection configured" in run(keyed, action)["error"]["message"]
    assert keyed.patch(f"connections/{two['id']}", {"isDefault": True}).json()["connection"]["isDefault"] is True
    assert run(keyed, action)["result"] == 2
    assert run(keyed, action, connectionId=one["id"])["result"] == 1
    assert keyed.patch(f"connections/{one['id']}", {"isDefault": True}).status_code == 200
    assert [c["isDefault"] for c in connections(keyed)] == [True, False] and run(keyed, action)["result"] == 1
    refused(keyed.post(f"actions/{action['id']}/test", {"connectionId": NOBODY}), 404, "Connection not found")


def test_a_change_of_values_is_tested_before_it_counts(keyed):
    made = connect(keyed, values={"api_key": "good-key-123", "limit": 1})
    path = f"connections/{made['id']}"
    refused(keyed.patch(path, {"values": {"api_key": "wrong-key-9"}}), 400, "The connection test failed")
    action = keyed.action(code="return data.auth.limit ?? null")
    assert run(keyed, action)["result"] == 1
    got = keyed.patch(path, {"values": {"api_key": "good-key-123"}, "label": "New"}).json()["connection"]
    assert got["label"] == "New" and run(keyed, action)["result"] is None


def test_a_test_that_fails_later_says_so_and_a_good_one_heals(keyed):
    made = connect(keyed, values={"api_key": "good-key-123"})
    path = f"connections/{made['id']}/test"
    assert keyed.post(path).json()["success"] is True
    keyed.auth("API_KEY", authFields=FIELDS, authTestCode="throw new Error('revoked')")
    body = keyed.post(path).json()
    assert body["success"] is False and "revoked" in body["error"]["message"]
    assert body["connection"]["status"] == "needs_reconnect"
    action = keyed.action(code="return 1")
    assert "must be connected again" in run(keyed, action)["error"]["message"]
    keyed.auth("API_KEY", authFields=FIELDS, authTestCode=None)
    assert keyed.post(path).json()["connection"]["status"] == "active" and run(keyed, action)["result"] == 1


def test_a_connection_is_its_owners(keyed, open_server):
    made = connect(keyed, values={"api_key": "good-key-123"}, shared=True)
    from fixtures import create_user

    other = langdock.client(open_server, user=create_user(open_server, role="admin").name)  # even an administrator
    url = f"{keyed.url}/connections"
    assert other.get(url).json()["connections"] == []
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/reconnect")):
        refused(other.request(method, f"{url}/{made['id']}{path}", json={}), 404, "Connection not found")
    stranger = langdock.client(open_server, user=create_user(open_server).name)
    refused(stranger.get(url), 403)
    refused(stranger.post(url, json={}), 403)
    refused(keyed.client.get(f"{keyed.url}/connections/7", follow_redirects=False), 405)
    refused(keyed.patch("connections/7", {}), 400, "Invalid connection ID format")
    refused(keyed.patch(f"connections/{NOBODY}", {}), 404, "Connection not found")
    action = keyed.action(code="return 1")
    assert other.post(f"{keyed.url}/actions/{action['id']}/test", json={}).json()["result"] == 1  # it is shared
    refused(keyed.post(f"connections/{made['id']}/reconnect"), 400, "Only OAuth")
    assert keyed.delete(f"connections/{made['id']}").json() == {"message": "Connection deleted", "id": made["id"]}
    refused(keyed.delete(f"connections/{made['id']}"), 404)


def test_another_auth_type_deletes_connections_and_says_how_many(keyed):
    connect(keyed, values={"api_key": "good-key-123"})
    connect(keyed, values={"api_key": "good-key-123"})
    assert keyed.auth("API_KEY", authFields=FIELDS)["deletedConnections"] == 0
    r = keyed.patch("auth?dryRun=true", {"authType": "NONE"})
    assert r.json()["deletedConnections"] == 2 and r.json()["dryRun"] is True
    assert r.json()["integration"]["authType"] == "API_KEY" and len(connections(keyed)) == 2
    assert keyed.auth("NONE")["deletedConnections"] == 2 and connections(keyed) == []


def test_no_secret_is_in_answers_logs_or_tables(keyed, open_server):
    secret = "good-key-123"
    connect(keyed, values={"api_key": secret})
    keyed.post("connections", {"values": {"api_key": "bad-secret-777"}})
    told = run(keyed, keyed.action(code="ld.log(data.auth, 1); throw new Error('my key is ' + data.auth.api_key)"))
    assert told["error"]["message"] == "my key is ************" and secret not in str(told)
    assert "************" in told["logs"][0]
    keyed.auth("API_KEY", authFields=FIELDS, authTestCode="throw new Error('bad key ' + data.auth.api_key)")
    r = keyed.post("connections", {"values": {"api_key": "bad-secret-777"}})
    refused(r, 400, "bad key **************")
    shown = keyed.client.get(keyed.url + "/connections").text + keyed.client.get(keyed.url).text.replace(TEST_CODE.replace("\n", "\\n"), "")
    assert secret not in shown
    assert secret not in open_server.log() and "bad-secret-777" not in open_server.log()
    assert secret not in str(open_server.rows("SELECT * FROM connection"))


def test_a_repeated_connect_is_carried_out_once(keyed):
    body, headers = {"values": {"api_key": "good-key-123"}}, {"idempotency-key": f"connect-{keyed.id}"}
    one = keyed.post("connections", body, headers=headers).json()
    assert keyed.post("connections", body, headers=headers).json() == one and len(connections(keyed)) == 1


@databases.sqlite_only
@pytest.mark.parametrize("leave", ["during the test", "while it is written"])
def test_a_connect_whose_client_leaves_is_found_done_under_its_key(desk, open_server, leave):
    path, body, key = f"{desk.url}/connections", {"values": {"api_key": "good-key-123"}}, sage.unique("key")
    desk.auth("API_KEY", authFields=FIELDS, authTestCode="await ld.wait(700); return {};")
    s = langdock.send(open_server, desk.client, path, body, key)
    time.sleep(0.3)
    if leave == "during the test":
        s.close()
    else:
        with databases.locked(open_server.data):
            time.sleep(1)
            s.close()
            time.sleep(0.3)
    r = langdock.again(desk.client, path, body, key)
    assert r.status_code == 201 and r.headers["idempotent-replayed"] == "true", r.text
    assert [c["id"] for c in connections(desk)] == [r.json()["connection"]["id"]]


def test_allowed_hosts_hold_for_tests_and_actions(keyed, provider):
    code = "return (await ld.request({ url: %r + '/nowhere' })).status" % provider.url
    action = keyed.action(code=code)
    connect(keyed, values={"api_key": "good-key-123"})
    assert run(keyed, action)["result"] == 404
    assert keyed.patch(body={"allowedHosts": ["api.example.org"]}).status_code == 200
    assert "127.0.0.1" in run(keyed, action)["error"]["message"]
    assert keyed.patch(body={"allowedHosts": ["127.0.0.1"]}).status_code == 200
    assert run(keyed, action)["result"] == 404
    assert keyed.patch(body={"allowedHosts": []}).status_code == 200
    assert run(keyed, action)["success"] is False


def test_an_administrators_list_opens_private_addresses_and_a_users_does_not(server, user, provider):
    from fixtures import create_key

    code = "return (await fetch(%r + '/nowhere')).status" % provider.url
    for name, works in ((ADMIN, True), (user().name, False)):
        desk = Desk(server.client(token=create_key(server, "INTEGRATION_API", user=name)))
        action = desk.action(code=code)
        assert run(desk, action)["success"] is False
        assert desk.patch(body={"allowedHosts": ["127.0.0.1"]}).status_code == 200
        assert run(desk, action)["success"] is works


# ----------------------------------------------------------------------------------------------------------------- OAuth


def oauth_client(provider, **more):
    return {"scopes": "read write", "authUrl": provider.authorize_url, "tokenUrl": provider.token_url,
            "clientId": "the-client", "clientSecret": "the-client-secret", "label": "Calendar - {{data.input.user.email}}", **more}  # fmt: skip


@pytest.fixture
def calendar(desk, provider):
    test = WHO % provider.url + "if (r.status !== 200) throw new Error('status ' + r.status);\nreturn r.json;"
    desk.auth("OAUTH", oauthClient=oauth_client(provider), authTestCode=test)
    desk.who = desk.action("Who", code=WHO % provider.url + "return { status: r.status, user: r.json.user };")
    return desk


def test_an_administrators_list_holds_for_tokens_too(server, user, provider):
    for name, works in ((ADMIN, True), (user().name, False)):
        desk = Desk(langdock.client(server, user=name))
        desk.auth("OAUTH", oauthClient=oauth_client(provider))
        for hosts, status in ((["127.0.0.1"], 200 if works else 400), ([], 400)):
            assert desk.patch(body={"allowedHosts": hosts}).status_code == 200
            _, url = begin(desk)
            assert finish(consent(url)).status_code == status, (name, hosts)


def begin(desk, **body):
    r = desk.post("connections", body)
    assert r.status_code == 201, r.text
    return r.json()["connection"], r.json()["authorizationUrl"]


def consent(url):
    """What a browser does at the provider: the address it is sent back to."""
    r = httpx.get(url, trust_env=False, timeout=30)
    assert r.status_code == 302, r.text
    return r.headers["location"]


def finish(url, **more):
    """What a browser does in which nobody is logged in: comes back, and says yes when it is asked."""
    more = {"trust_env": False, "timeout": 30, **more}
    page = httpx.get(url, **more)
    if link := re.search(r'<a href="([^"]+)">Yes, connect</a>', page.text):
        page = httpx.get(urllib.parse.urljoin(url, html.unescape(link[1])), **more)
    return page


def authorized(desk):
    made, url = begin(desk)
    r = finish(consent(url))
    assert r.status_code == 200, r.text
    (got,) = [c for c in connections(desk) if c["id"] == made["id"]]
    assert got["status"] == "active", got
    return got


def test_consent_exchange_and_use(calendar, provider, open_server):
    made, url = begin(calendar)
    assert made["status"] == "pending" and url.startswith(provider.authorize_url + "?")
    back = consent(url)
    assert back.startswith(open_server.url + CALLBACK + "?")
    page = finish(back)
    assert page.status_code == 200 and "Connected" in page.text and "ann@example.org" in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8" and page.headers["referrer-policy"] == "no-referrer"
    (got,) = connections(calendar)
    assert got["status"] == "active" and got["label"] == "Calendar - ann@example.org" and got["expiresAt"]
    assert run(calendar, calendar.who)["result"] == {"status": 200, "user": provider.user}
    (form,) = provider.calls("/token")
    assert form["redirect_uri"] == open_server.url + CALLBACK and form["code_verifier"]
    tokens = list(provider.access) + list(provider.refresh) + ["the-client-secret"]
    kept = open_server.log() + str(open_server.rows("SELECT * FROM connection")) + str(open_server.rows("SELECT * FROM oauth_state"))
    assert not [t for t in tokens if t in kept]
    assert "access_token" not in calendar.client.get(calendar.url + "/connections").text


def test_a_consent_that_is_asked_for_again_is_the_same_one(calendar):
    headers = {"idempotency-key": sage.unique("key")}
    first, again = (calendar.post("connections", {}, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    assert len(connections(calendar)) == 1
    assert finish(consent(first.json()["authorizationUrl"])).status_code == 200


def test_the_state_counts_once_and_only_if_it_is_ours(calendar, open_server):
    _, url = begin(calendar)
    back = consent(url)
    assert finish(back).status_code == 200
    again = finish(back)
    assert again.status_code == 400 and "used already, or is too old" in again.text
    for query in ("?code=x&state=unknown", "?code=x", ""):
        assert finish(open_server.url + CALLBACK + query).status_code == 400
    assert [c["status"] for c in connections(calendar)] == ["active"]


def test_whoever_is_not_logged_in_is_told_whose_it_will_be(calendar, provider):
    _, url = begin(calendar)
    page = httpx.get(consent(url), trust_env=False, timeout=30)
    assert page.status_code == 200 and f"Connect {calendar.get()['name']}?" in page.text
    assert f"{ADMIN} will be able to act with your account" in page.text
    assert [c["status"] for c in connections(calendar)] == ["pending"] and provider.calls("/token") == []


def test_somebody_else_who_is_logged_in_cannot_finish_it(calendar, open_server):
    from fixtures import create_user

    someone = create_user(open_server)
    browser = open_server.client(headers={"origin": open_server.url, "sec-fetch-site": "same-origin"})
    body = {"username_or_email": someone.name, "password": someone.password}
    assert browser.post("/api/auth/login", json=body).status_code == 200
    _, url = begin(calendar)
    back = consent(url)
    browser.headers.pop("origin")
    r = browser.get(back)
    assert r.status_code == 400 and "another user" in r.text
    owner = open_server.client(headers={"sec-fetch-site": "same-origin"})
    assert owner.post("/api/auth/login", json={"username_or_email": ADMIN, "password": PASSWORD}).status_code == 200
    _, url = begin(calendar)
    assert owner.get(consent(url)).status_code == 200


def test_a_refused_consent_is_told_without_running_markup(calendar, provider):
    made, url = begin(calendar)
    provider.deny = "access_denied"
    page = finish(consent(url))
    assert page.status_code == 400 and "The user said &lt;no&gt;" in page.text and "<no>" not in page.text
    (got,) = connections(calendar)
    assert got["status"] == "needs_reconnect" and "The user said" in got["error"]
    provider.deny = None
    url = calendar.post(f"connections/{made['id']}/reconnect").json()["authorizationUrl"]
    assert finish(consent(url)).status_code == 200
    (got,) = connections(calendar)
    assert got["status"] == "active" and got["error"] is None


def test_a_code_that_the_provider_refuses(calendar, provider):
    _, url = begin(calendar)
    page = finish(consent(url).replace("code=code-", "code=forged-"))
    assert page.status_code == 400 and "unknown or revoked" in page.text
    (got,) = connections(calendar)
    assert got["status"] == "needs_reconnect"


def test_tokens_that_fail_the_test_do_not_connect(calendar, provider):
    calendar.auth("OAUTH", authTestCode="throw new Error('not you, ' + data.auth.access_token)")
    _, url = begin(calendar)
    page = finish(consent(url))
    assert page.status_code == 400 and "not you" in page.text
    (got,) = connections(calendar)
    assert got["status"] == "needs_reconnect" and "***" in got["error"]
    assert not [t for t in provider.access if t in page.text + str(got)]


def test_what_is_not_set_up_cannot_begin(desk, provider):
    desk.auth("OAUTH")
    refused(desk.post("connections", {}), 400, "authUrl")
    desk.auth("OAUTH", oauthClient={"authUrl": provider.authorize_url})
    refused(desk.post("connections", {}), 400, "clientId")
    assert connections(desk) == []


def test_an_expired_token_is_refreshed_before_it_is_used(calendar, provider):
    provider.expires_in = 30  # within the minute before the end
    provider.extra = {"instance_url": "https://i.example.org"}
    authorized(calendar)
    provider.expires_in, provider.extra = 3600, {}
    assert run(calendar, calendar.who)["result"]["status"] == 200
    assert [f["grant_type"] for f in provider.calls("/token")] == ["authorization_code", "refresh_token"]
    action = calendar.action("Extra", code="return data.auth.instance_url")
    assert run(calendar, action)["result"] == "https://i.example.org"  # what is not repeated stays
    assert len(provider.calls("/token")) == 2 and provider.reused == []


def test_many_runs_at_once_refresh_once(calendar, provider):
    provider.expires_in = 30
    authorized(calendar)
    provider.expires_in, provider.token_delay = 3600, 0.3
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: run(calendar, calendar.who), range(12)))
    assert all(f["success"] and f["result"]["status"] == 200 for f in found), found
    assert len(provider.calls("/token")) == 2 and provider.reused == []


def test_rotating_tokens_survive_many_refreshes(calendar, provider):
    provider.expires_in = 30
    authorized(calendar)
    for _ in range(6):
        assert run(calendar, calendar.who)["result"]["status"] == 200
    assert len(provider.calls("/token")) == 7 and provider.reused == []


def test_a_refresh_token_that_is_not_repeated_stays(calendar, provider):
    provider.expires_in = 30
    authorized(calendar)
    first = list(provider.refresh)
    provider.say_refresh, provider.expires_in = False, 3600
    assert run(calendar, calendar.who)["success"]
    provider.expire()
    provider.used.clear()  # this provider does not rotate
    provider.say_refresh = True
    assert run(calendar, calendar.who)["result"]["status"] == 200
    assert [f.get("refresh_token") for f in provider.calls("/token")][1:] == first * 2


def test_a_token_of_unknown_life_is_refreshed_when_it_is_refused(calendar, provider):
    provider.expires_in = None
    made = authorized(calendar)
    assert made["expiresAt"] is None
    provider.expire()
    assert run(calendar, calendar.who)["result"]["status"] == 200
    assert len(provider.calls("/token")) == 2


def test_a_script_that_did_more_is_not_run_again(calendar, provider):
    authorized(calendar)
    provider.expire()
    code = "await ld.request({ url: %r + '/first' });\n" % provider.url + WHO % provider.url + "return r.status;"
    action = calendar.action("Two requests", code=code)
    assert run(calendar, action)["result"] == 401
    assert len(provider.calls("/first")) == 1 and len(provider.calls("/token")) == 2
    assert run(calendar, action)["result"] == 200  # with the new token


def test_tokens_that_are_refused_even_when_new_need_the_user(calendar, provider):
    authorized(calendar)
    provider.expires_in = -1000  # every token is dead at once
    provider.expire()
    assert run(calendar, calendar.who)["result"]["status"] == 401
    (got,) = connections(calendar)
    assert got["status"] == "needs_reconnect"


def test_a_refused_refresh_needs_the_user_and_reconnecting_heals(calendar, provider):
    made = authorized(calendar)
    provider.expire()
    provider.refresh.clear()
    assert run(calendar, calendar.who)["result"]["status"] == 401
    (got,) = connections(calendar)
    assert got["status"] == "needs_reconnect" and "unknown or revoked" in got["error"]
    assert "must be connected again" in run(calendar, calendar.who)["error"]["message"]
    tested = calendar.post(f"connections/{made['id']}/test").json()
    assert tested["success"] is False and "unknown or revoked" in tested["connection"]["error"]
    calls = len(provider.calls("/token"))
    run(calendar, calendar.who)
    assert len(provider.calls("/token")) == calls  # nobody asks in vain
    url = calendar.post(f"connections/{made['id']}/reconnect").json()["authorizationUrl"]
    assert finish(consent(url)).status_code == 200
    assert run(calendar, calendar.who)["result"]["status"] == 200 and len(connections(calendar)) == 1


def test_a_provider_that_is_away_costs_no_connection(calendar, provider):
    provider.expires_in = 30
    authorized(calendar)
    provider.token_status = 503
    r = calendar.post(f"actions/{calendar.who['id']}/test", {})
    refused(r, 502, "could not be refreshed")
    (got,) = connections(calendar)
    assert got["status"] == "active" and "503" in got["error"]
    provider.token_status = None
    assert run(calendar, calendar.who)["result"]["status"] == 200
    (got,) = connections(calendar)
    assert got["error"] is None and provider.reused == []


def test_a_client_that_leaves_takes_no_token_with_it(calendar, provider):
    provider.expires_in = 30
    authorized(calendar)
    provider.expires_in, provider.token_delay = 3600, 1
    deadline = time.monotonic() + 30
    with sage.asking(calendar.client, f"{calendar.url}/actions/{calendar.who['id']}/test", {}):
        while len(provider.calls("/token")) < 2:
            assert time.monotonic() < deadline, "no token is asked for"
            time.sleep(0.02)
    provider.token_delay = 0
    while len(provider.refresh) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run(calendar, calendar.who)["result"]["status"] == 200
    assert len(provider.calls("/token")) == 2 and provider.reused == []


def test_values_that_change_during_a_refresh_lose_no_token(calendar, provider):
    provider.expires_in = 30
    made = authorized(calendar)
    provider.expires_in, provider.token_delay = 3600, 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, calendar, calendar.who) for _ in range(2)]
        deadline = time.monotonic() + 10
        while len(provider.calls("/token")) < 2:
            assert time.monotonic() < deadline, "no refresh has begun"
            time.sleep(0.01)
        assert calendar.patch(f"connections/{made['id']}", {"values": {}}).status_code == 200
        assert [r.result()["result"]["status"] for r in runs] == [200, 200]
    provider.token_delay = 0
    provider.expire()
    assert run(calendar, calendar.who)["result"]["status"] == 200, "with the token of the rotation"
    assert len(provider.calls("/token")) == 3 and provider.reused == []


def test_scripts_can_do_all_of_it(desk, provider):
    token = """
        const r = await ld.request({ method: 'POST', url: '%s', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
            body: { %%s, client_id: env.CLIENT_ID, client_secret: data.env.CLIENT_SECRET } });
        if (!r.json.access_token) throw new Error('refused: ' + r.json.error);
        return r.json;""" % provider.token_url
    scripts = {
        "authorizationCode": """return `%s?client_id=${env.CLIENT_ID}&response_type=code&scope=${data.input.scope}` +
            `&redirect_uri=${encodeURIComponent(data.input.redirectUrl)}&state=${data.input.state}` +
            `&code_challenge=${data.input.codeChallenge}&code_challenge_method=S256&login=${data.auth.subdomain}`;""" % provider.authorize_url,
        "accessTokenCode": token % "grant_type: 'authorization_code', code: data.input.code, redirect_uri: data.input.redirectUrl, code_verifier: data.input.codeVerifier",
        "refreshTokenCode": token % "grant_type: 'refresh_token', refresh_token: data.input.refresh_token",
    }  # fmt: skip
    client = {"scopes": "a b", "clientId": "the-client", "clientSecret": "the-client-secret", **scripts}
    desk.auth("OAUTH", oauthClient=client, authFields=[{"slug": "subdomain", "label": "Subdomain", "type": "TEXT", "required": True}])
    refused(desk.post("connections", {}), 400, "subdomain is required")
    provider.expires_in = 30
    made, url = begin(desk, values={"subdomain": "acme"})
    assert "scope=a%20b" in url and "login=acme" in url
    assert finish(consent(url)).status_code == 200
    (got,) = connections(desk)
    assert got["status"] == "active" and got["label"] == desk.get()["name"]
    who = desk.action("Who", code=WHO % provider.url + "return [r.status, r.json.scope, data.auth.subdomain];")
    assert run(desk, who)["result"] == [200, "a b", "acme"]
    assert [f["grant_type"] for f in provider.calls("/token")] == ["authorization_code", "refresh_token"]
    provider.refresh.clear()
    r = desk.post(f"actions/{who['id']}/test", {})
    assert "must be connected again" in r.json()["error"]["message"]
    assert "refused: invalid_grant" in connections(desk)[0]["error"]


def test_a_script_that_returns_no_address(desk):
    desk.auth("OAUTH", oauthClient={"authorizationCode": "return 'javascript:alert(1)'"})
    refused(desk.post("connections", {}), 400, "did not return a web address")
    desk.auth("OAUTH", oauthClient={"authorizationCode": "throw new Error('broken')"})
    refused(desk.post("connections", {}), 400, "authorizationCode failed: broken")


def test_a_client_can_register_itself(desk, provider):
    desk.auth("OAUTH_DCR", oauthClient={"authUrl": provider.url, "scopes": "read"})
    who = desk.action("Who", code=WHO % provider.url + "return r.status;")
    provider.expires_in = 30
    authorized(desk)
    assert run(desk, who)["result"] == 200
    (registered,) = [c for c in provider.redirects]
    (connection,) = connections(desk)
    assert desk.patch(f"connections/{connection['id']}", {"values": {}}).status_code == 200
    assert run(desk, who)["result"] == 200, "new values do not take the client away that the tokens belong to"
    assert {f["client_id"] for f in provider.calls("/token")} == {registered} and len(provider.calls("/token")) == 3
    desk.auth("OAUTH_DCR", oauthClient={"authUrl": "http://127.0.0.1:9"})
    assert desk.post("connections", {}).status_code == 502


def test_a_servers_metadata_sends_nobody_to_a_script(desk, provider, monkeypatch):
    desk.auth("OAUTH_DCR", oauthClient={"authUrl": provider.url, "scopes": "read"})
    monkeypatch.setattr(provider, "authorize_url", "javascript:alert(1)//")
    refused(desk.post("connections", {}), 400, "no web address")


def test_connections_of_a_purged_consent_do_not_count(calendar):
    begin(calendar)
    assert [c["status"] for c in connections(calendar)] == ["pending"]
    assert "No connection configured" in run(calendar, calendar.who)["error"]["message"]


def test_the_public_address_of_the_server_is_what_providers_get(start_server, provider):
    running = start_server(env={"SLUICE_PUBLIC_URL": "https://sluice.example.org/", "SLUICE_ALLOW_PRIVATE_NETWORKS": "1"})
    desk = Desk(langdock.client(running))
    desk.auth("OAUTH", oauthClient=oauth_client(provider))
    _, url = begin(desk)
    assert "redirect_uri=https%3A%2F%2Fsluice.example.org%2Foauth%2Fintegrations%2Fcallback" in url
