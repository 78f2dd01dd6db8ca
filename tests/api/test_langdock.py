# SPDX-License-Identifier: MIT
"""The thin slice of the Langdock face: integrations, scopes, both mounts."""
import re

import pytest

import sage

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MOUNTS = ["", "/api/public"]


@pytest.fixture(scope="module")
def integrator(server):
    from fixtures import create_key

    return server.client(token=create_key(server, "INTEGRATION_API"))


def refused(response, status, message=None):
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert isinstance(body["message"], str) and body["error"] == body["message"], body
    if message is not None:
        assert body["message"] == message
    return body


def create(client, mount="", **more):
    return client.post(mount + "/integrations/v1/create", json={"name": sage.unique("Desk")[:40], **more})


@pytest.mark.parametrize("mount", MOUNTS)
def test_create_get_and_list(integrator, mount):
    name = sage.unique("Helpdesk")[:40]
    r = integrator.post(mount + "/integrations/v1/create", json={"name": name, "description": "Tickets of the internal helpdesk"})
    assert r.status_code == 201, r.text
    made = r.json()["integration"]
    assert set(made) == {"id", "name", "description", "createdAt"} and re.fullmatch(UUID, made["id"])
    assert made["name"] == name and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    got = integrator.get(f"{mount}/integrations/v1/{made['id']}").json()["integration"]
    assert got["id"] == made["id"] and got["authType"] == "NONE" and got["description"] == "Tickets of the internal helpdesk"
    assert got["authFields"] == [] and got["actions"] == [] and got["triggers"] == [] and got["oauthClient"] is None
    (mine,) = [i for i in integrator.get(mount + "/integrations/v1/get").json()["integrations"] if i["id"] == made["id"]]
    assert mine["name"] == name and mine["buildByLangdock"] is False and mine["authType"] == "NONE" and mine["actions"] == []


def test_the_description_is_never_null(integrator):
    made = create(integrator).json()["integration"]
    assert made["description"] == ""


def test_the_list_is_sorted_by_name(integrator):
    create(integrator)
    names = [i["name"].lower() for i in integrator.get("/integrations/v1/get").json()["integrations"]]
    assert names == sorted(names)


@pytest.mark.parametrize(
    "body, path, code, message",
    [
        ({}, ["name"], "invalid_type", None),
        ({"name": ""}, ["name"], "too_small", None),
        ({"name": "x" * 41}, ["name"], "too_big", "String must contain at most 40 character(s)"),
        ({"name": 5}, ["name"], "invalid_type", None),
        ({"name": "x", "description": "x" * 91}, ["description"], "too_big", "String must contain at most 90 character(s)"),
    ],
)
def test_bodies_that_are_refused(integrator, body, path, code, message):
    r = integrator.post("/integrations/v1/create", json=body)
    (issue,) = refused(r, 400, "Invalid request body")["errors"]
    assert issue["path"] == path and issue["code"] == code
    if message:
        assert issue["message"] == message and issue["inclusive"] is True


def test_lengths_are_counted_in_characters(integrator):
    assert integrator.post("/integrations/v1/create", json={"name": "名" * 40}).status_code == 201


def test_broken_json(integrator):
    r = integrator.post("/integrations/v1/create", content=b"{oops", headers={"content-type": "application/json"})
    (issue,) = refused(r, 400, "Invalid request body")["errors"]
    assert "JSON" in issue["message"] and issue["path"] == []


def test_unknown_and_malformed_ids(integrator):
    refused(integrator.get("/integrations/v1/00000000-0000-4000-8000-000000000001"), 404, "Integration not found")
    refused(integrator.get("/integrations/v1/zz"), 400)


def test_wrong_method(integrator):
    assert integrator.put("/integrations/v1/get").status_code == 405
    r = integrator.get("/integrations/v1/create")
    assert r.status_code == 405 and r.headers["allow"] == "POST"


# ------------------------------------------------------------------------------------------------------ authentication


@pytest.mark.parametrize("mount", MOUNTS)
def test_without_or_with_a_wrong_key(server, anonymous, mount):
    refused(anonymous.get(mount + "/integrations/v1/get"), 401)
    refused(server.client(token="sk-ld-wrong").get(mount + "/integrations/v1/get"), 401)
    refused(server.client(key="sk-ld-wrong").get(mount + "/integrations/v1/get"), 401)


def test_a_key_in_another_header_does_not_count(server, key):
    refused(server.client(key=key("INTEGRATION_API")).get("/integrations/v1/get"), 401)


def test_a_login_token_is_no_key(admin):
    refused(admin.get("/integrations/v1/get"), 401)


def test_scopes(server, key):
    reader = server.client(token=key("ASSISTANT_API"))
    assert reader.get("/integrations/v1/get").status_code == 200
    refused(create(reader), 403)
    stranger = server.client(token=key("USAGE_EXPORT_API"))
    refused(stranger.get("/integrations/v1/get"), 403)
    refused(create(stranger), 403)


def test_another_owners_integration_is_out_of_reach(server, integrator, user):
    from fixtures import create_key

    made = create(integrator).json()["integration"]["id"]
    other = server.client(token=create_key(server, "INTEGRATION_API", user=user().name))
    assert other.get(f"/integrations/v1/{made}").status_code in (403, 404)
    assert made not in other.get("/integrations/v1/get").text


def test_browsers_are_refused(integrator):
    r = integrator.get("/integrations/v1/get", headers={"origin": "https://app.example"})
    refused(r, 403, "Browser requests are not allowed")
    assert not any(h.startswith("access-control-") for h in r.headers)
    assert integrator.options("/integrations/v1/get", headers={"origin": "https://app.example"}).status_code == 403


def test_rate_limit_headers(integrator):
    r = integrator.get("/integrations/v1/get")
    limit, left = int(r.headers["x-ratelimit-limit-requests"]), int(r.headers["x-ratelimit-remaining-requests"])
    assert 0 <= left < limit


def test_the_rate_limit(start_server):
    from fixtures import create_key

    running = start_server(env={"SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "50"})
    client = running.client(token=create_key(running, "INTEGRATION_API"))
    answers = [client.get("/integrations/v1/get") for _ in range(60)]
    refusals = [r for r in answers if r.status_code == 429]
    assert refusals and int(refusals[0].headers["retry-after"]) >= 1
    refused(refusals[0], 429)
    assert answers[0].status_code == 200
