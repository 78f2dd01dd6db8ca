# SPDX-License-Identifier: MIT
"""Login, sessions, tokens, roles and cross-site protection of the Sage face."""
import base64
import hashlib
import hmac
import json
import re
import time

import pytest

import sage
import server as servers


def parts_of(token):
    head, payload, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in (head, payload)]


def forged(payload, key=b"secret", alg="HS256"):
    def b64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    text = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + "." + b64(json.dumps(payload).encode())
    return text + "." + (b64(hmac.new(key, text.encode(), hashlib.sha256).digest()) if alg != "none" else "")


def login(client, name=servers.ADMIN, password=servers.PASSWORD, path="/api/auth/login", **more):
    return client.post(path, json={"username_or_email": name, "password": password}, **more)


# -------------------------------------------------------------------------------------------------------------- login


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/user/login"])
def test_login_answers_tokens_and_sets_a_session_cookie(server, path):
    with server.client() as client:
        r = login(client, path=path)
    data = sage.trimmed(r)
    assert r.json()["message"] == "Signed in successfully"
    assert set(data) == {"access_token", "refresh_token", "expires_in"} and data["expires_in"] == 86400
    head, claims = parts_of(data["access_token"])
    assert head["alg"] == "HS256"
    assert {"userid", "username", "nickname", "phonenum", "email", "role", "avatar", "avatar_url", "exp"} <= set(claims)
    assert claims["username"] == servers.ADMIN and claims["role"] == "admin"
    assert abs(claims["exp"] - time.time() - 86400) < 60
    cookie = r.headers["set-cookie"]
    assert re.match(r"sage_session=[^;]+; ", cookie)
    attributes = {a.strip().lower() for a in cookie.split(";")[1:]}
    assert {"path=/", "max-age=1209600", "httponly", "samesite=lax"} <= attributes
    assert not any(a.startswith(("domain", "secure")) for a in attributes)


def test_the_first_admin_has_the_documented_address(admin):
    claims = sage.trimmed(admin.get("/api/auth/session"))["user"]
    assert claims["email"] == "admin@example.com" and claims["role"] == "admin"
    assert re.fullmatch(r"[0-9a-f]{32}", claims["userid"])


def test_login_by_email_ignores_case_and_blanks(server, user):
    someone = user()
    with server.client() as client:
        assert login(client, f"  {someone.email.upper()} ", someone.password).status_code == 200


@pytest.mark.parametrize("name", [servers.ADMIN, "nobody-at-all"])
def test_wrong_password_and_unknown_user_look_the_same(start_server, name):
    client = start_server().client()
    sage.error(login(client, name, "wrong"), 500, "Invalid username or password", "invalid credentials")


def test_wrong_password_in_chinese_by_default(start_server):
    client = start_server().client(english=False)
    sage.error(login(client, password="wrong"), 500, "用户名或密码错误", "invalid credentials")


@pytest.mark.parametrize("missing", ["username_or_email", "password"])
def test_login_without_a_field_is_422(anonymous, missing):
    body = {"username_or_email": "a", "password": "b"}
    del body[missing]
    (item,) = sage.invalid(anonymous.post("/api/auth/login", json=body), "body", missing, kind="missing")
    assert item["msg"] == "Field required" and item["input"] == body


def test_login_with_wrong_types_is_422(anonymous):
    r = anonymous.post("/api/auth/login", json={"username_or_email": 5, "password": ["x"]})
    detail = sage.invalid(r, "body", "username_or_email", kind="string_type")
    assert len(detail) == 2


def test_guessing_is_slowed_down(start_server):
    client = start_server().client()
    answers = [login(client, password=f"guess {n}") for n in range(12)]
    refused = [r for r in answers if r.status_code == 429]
    assert answers[0].status_code == 500 and refused, [r.status_code for r in answers]
    assert all(int(r.headers["retry-after"]) >= 1 for r in refused)


def test_parallel_guessing_is_no_way_round(start_server):
    from concurrent.futures import ThreadPoolExecutor

    client = start_server().client()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: login(client, password=f"guess {n}").status_code, range(32)))
    assert answers.count(500) <= 10 and answers.count(429) >= 20, answers


# ------------------------------------------------------------------------------------------------------------ session


def test_session_describes_the_caller(user):
    someone = user()
    data = sage.trimmed(someone.client.get("/api/auth/session"))
    assert set(data) == {"user", "has_provider", "has_agent"}
    claims = data["user"]
    assert {"userid", "username", "nickname", "phonenum", "email", "role", "avatar", "avatar_url"} <= set(claims)
    assert claims["username"] == claims["nickname"] == someone.name and claims["email"] == someone.email
    assert claims["role"] == "user" and "exp" in claims  # with a bearer token
    assert data["has_provider"] is False and data["has_agent"] is False


def test_session_knows_of_own_agents_and_providers(admin, bot):
    data = sage.trimmed(admin.get("/api/user/check_login"))
    assert data["has_provider"] is True and data["has_agent"] is True


def test_the_cookie_alone_is_an_identity(cookie_admin):
    data = sage.trimmed(cookie_admin.get("/api/auth/session"))
    assert data["user"]["username"] == servers.ADMIN and "exp" not in data["user"]


def test_a_stale_bearer_beside_a_good_cookie_is_no_matter(cookie_admin):
    r = cookie_admin.get("/api/auth/session", headers={"authorization": "Bearer stale.token.here"})
    assert sage.trimmed(r)["user"]["username"] == servers.ADMIN


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/user/logout"])
def test_logout_ends_the_session(cookie_admin, path):
    r = cookie_admin.post(path, json={})
    assert sage.trimmed(r) == {} and r.json()["message"] == "Signed out successfully"
    assert "expires=Thu, 01 Jan 1970" in r.headers["set-cookie"] or "max-age=0" in r.headers["set-cookie"].lower()
    assert cookie_admin.get("/api/auth/session").status_code == 401


def test_an_old_cookie_is_worth_nothing_after_logout(server, cookie_admin):
    old = dict(cookie_admin.cookies)
    cookie_admin.post("/api/auth/logout", json={})
    assert server.client(cookies=old).get("/api/auth/session").status_code == 401


# ------------------------------------------------------------------------------------------------------- no identity


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/api/auth/session"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/agent/list"),
        ("POST", "/api/agent/create"),
        ("POST", "/api/web-stream"),
        ("GET", "/api/stream/resume/s-1"),
        ("GET", "/api/stream/active_sessions"),
        ("GET", "/api/conversations"),
        ("GET", "/api/conversations/s-1/messages"),
        ("POST", "/api/sessions/s-1/interrupt"),
        ("GET", "/api/tools"),
        ("POST", "/api/tools/exec"),
        ("GET", "/api/llm-provider/list"),
        ("GET", "/api/no/such/path"),
    ],
)
def test_without_identity_the_answer_is_401(anonymous, method, path):
    r = anonymous.request(method, path)
    sage.error(r, 401, "Unauthorized", "missing auth session")


def test_401_is_chinese_by_default(server):
    sage.error(server.client(english=False).get("/api/agent/list"), 401, "未授权", "missing auth session")


def test_paths_that_need_no_login(anonymous):
    assert anonymous.get("/api/health").status_code == 200
    assert anonymous.get("/api/system/info").status_code == 200
    assert anonymous.get("/api/auth/providers").status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "a.b.c",
        forged({"userid": "x", "role": "admin", "exp": time.time() + 1000}),
        forged({"userid": "x", "role": "admin", "exp": time.time() + 1000}, alg="none"),
        forged({"userid": "x", "role": "admin"}, key=b""),
        "x" * 5000,
    ],
    ids=["nonsense", "dots", "wrong key", "alg none", "empty key", "long"],
)
def test_forged_tokens_are_refused(server, token):
    sage.error(server.client(token=token).get("/api/agent/list"), 401, "Invalid token", "invalid token")


def test_a_token_with_another_algorithm_named_is_refused(server):
    with server.client() as client:
        good = login(client).json()["data"]["access_token"]
    _, payload, signature = good.split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    for token in (f"{head}.{payload}.{signature}", f"{head}.{payload}."):
        assert server.client(token=token).get("/api/agent/list").status_code == 401


def test_an_expired_token_says_so(start_server):
    running = start_server(env={"SLUICE_AUTH_JWT_LIFETIME": "1s"})
    with running.client() as client:
        token = login(client).json()["data"]["access_token"]
    time.sleep(2.2)
    sage.error(running.client(token=token).get("/api/agent/list"), 401, "Session expired", "token expired")


def test_the_refresh_token_is_no_access_token(server):
    with server.client() as client:
        refresh = login(client).json()["data"]["refresh_token"]
    assert server.client(token=refresh).get("/api/agent/list").status_code == 401


def test_the_internal_user_header_counts_only_from_trusted_addresses(server, start_server):
    header = {"x-sage-internal-userid": "u-9"}
    assert server.client(headers=header).get("/api/agent/list").status_code == 401
    trusting = start_server(env={"SAGE_TRUSTED_IDENTITY_PROXY_IPS": "127.0.0.0/8"})
    r = trusting.client(headers=header).get("/api/auth/session")
    claims = sage.trimmed(r)["user"]
    assert claims == {"userid": "u-9", "username": "u-9", "nickname": "u-9", "role": "user"}


# ---------------------------------------------------------------------------------------------------------------- csrf


def test_a_cookie_write_from_another_site_is_refused(server, cookie_admin):
    body = {"name": sage.unique("csrf"), "maxLoopCount": 1}
    for headers in (
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ):
        r = cookie_admin.post("/api/agent/create", json=body, headers=headers)
        assert r.status_code in (401, 403), (headers, r.text)
    names = [a["name"] for a in sage.full(cookie_admin.get("/api/agent/list"))]
    assert body["name"] not in names
    assert cookie_admin.post("/api/agent/create", json=body).status_code == 200


def test_a_cookie_write_that_says_nothing_of_its_origin_is_refused(server, cookie_admin):
    plain = server.client(cookies=dict(cookie_admin.cookies))
    r = plain.post("/api/agent/create", json={"name": sage.unique("csrf"), "maxLoopCount": 1})
    assert r.status_code in (401, 403)
    assert plain.get("/api/agent/list").status_code == 200


def test_a_token_needs_no_origin(admin):
    r = admin.post("/api/agent/create", json={"name": sage.unique("csrf"), "maxLoopCount": 1})
    assert r.status_code == 200


# ------------------------------------------------------------------------------------------------- system, health, docs


def test_health(anonymous):
    r = anonymous.get("/api/health")
    data = sage.full(r)
    assert r.json()["message"] == "Service is running"
    assert set(data) == {"status", "timestamp", "service"}
    assert data["status"] == "healthy" and data["service"] == "SagePlatform" and isinstance(data["timestamp"], float)


def test_system_info(anonymous):
    data = sage.full(anonymous.get("/api/system/info"))
    native = {
        "id": "native",
        "type": "native",
        "name": "账号密码",
        "button_text": "使用账号密码登录",
        "description": "输入 Sage 内置账号和密码进入工作台",
        "icon": "key-round",
    }
    assert data == {
        "allow_registration": False,
        "auth_mode": "native",
        "auth_providers": [native],
        "default_auth_provider": "native",
        "has_local_auth": True,
        "has_oauth_auth": False,
        "oauth_enabled": False,
        "oauth_provider_name": None,
        "native_login_admin_only": False,
    }


@pytest.mark.parametrize(
    "headers, message",
    [
        ({}, "服务运行正常"),
        ({"accept-language": "en-US"}, "Service is running"),
        ({"accept-language": "fr-FR, en-GB;q=0.9"}, "Service is running"),
        ({"accept-language": "pt-BR,pt;q=0.9"}, "服务运行正常"),
        ({"accept-language": "zh-TW, en;q=1"}, "服务运行正常"),
        ({"accept-language": "zh", "x-sage-locale": "en_us"}, "Service is running"),
        ({"accept-language": "en", "x-sage-locale": "de"}, "服务运行正常"),
    ],
)
def test_the_language_of_messages(server, headers, message):
    r = server.client(english=False, headers=headers).get("/api/health")
    assert r.json()["message"] == message


def test_the_browser_prefix_reaches_the_same_routes(anonymous, admin):
    assert anonymous.get("/prod-api/api/health").json()["data"]["status"] == "healthy"
    assert anonymous.get("/prod-api/api/agent/list").status_code == 401
    assert admin.get("/prod-api/api/agent/list").status_code == 200


def test_unknown_routes_and_methods_once_logged_in(admin):
    r = admin.get("/api/no/such/path")
    assert r.status_code == 404 and r.json() == {"detail": "Not Found"}
    r = admin.delete("/api/agent/list")
    if r.status_code == 405:
        assert r.json() == {"detail": "Method Not Allowed"}
    r = admin.put("/api/chat", json={})
    assert r.status_code == 405 and r.json() == {"detail": "Method Not Allowed"} and "POST" in r.headers["allow"]


def test_cors_lets_any_page_read_but_not_with_cookies(anonymous):
    r = anonymous.get("/api/health", headers={"origin": "https://app.example"})
    assert r.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in r.headers


def test_cors_preflight(anonymous):
    ask = {"origin": "https://app.example", "access-control-request-method": "PUT"}
    ask["access-control-request-headers"] = "authorization, x-thing"
    r = anonymous.options("/api/agent/create", headers=ask)
    assert r.status_code == 200 and r.text == "OK"
    assert r.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert r.headers["access-control-allow-headers"] == "authorization, x-thing"
    assert r.headers["access-control-max-age"] == "600"
