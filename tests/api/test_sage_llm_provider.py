# SPDX-License-Identifier: MIT
"""/api/llm-provider: private providers, masked keys, probes, and what saving refuses."""
import concurrent.futures
import re
import time

import pytest

import sage
from fake_llm import Fail, Hang, Reply

BASE = "/api/llm-provider"


def body(fake, model=None, **more):
    return {"base_url": fake.url, "api_keys": ["sk-abcdefgh1234"], "model": model or sage.unique("model"), **more}


def mine(client, provider_id):
    (found,) = [p for p in sage.full(client.get(BASE + "/list")) if p["id"] == provider_id]
    return found


def test_create_probes_saves_and_lists_with_the_key_masked(admin, fake_llm):
    sent = body(fake_llm, base_url=fake_llm.url + "/", name="Mine", max_tokens=100, temperature=0.5, max_model_len=8000)
    r = admin.post(BASE + "/create", json=sent)
    data = sage.full(r)
    assert set(data) == {"provider_id"} and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", data["provider_id"])
    (probe,) = fake_llm.requests_for(sent["model"])
    assert probe.key == "sk-abcdefgh1234" and probe.body["messages"] == [{"role": "user", "content": "Hi"}]
    assert probe.body["max_tokens"] == 5
    p = mine(admin, data["provider_id"])
    assert set(p) == {
        "id", "name", "base_url", "api_keys", "model", "max_tokens", "temperature", "top_p", "presence_penalty",
        "max_model_len", "supports_multimodal", "supports_structured_output", "is_default", "user_id", "created_at",
        "updated_at",
    }  # fmt: skip
    assert p["api_keys"] == ["sk-a***1234"] and p["base_url"] == fake_llm.url and p["name"] == "Mine"
    assert p["max_tokens"] == 100 and p["temperature"] == 0.5 and p["top_p"] is None and p["max_model_len"] == 8000
    assert p["is_default"] is False and p["supports_multimodal"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", p["created_at"])


def test_a_short_key_is_masked_whole(admin, fake_llm):
    made = sage.full(admin.post(BASE + "/create", json=body(fake_llm, api_keys=["12345678"])))
    assert mine(admin, made["provider_id"])["api_keys"] == ["***"]


def test_the_key_never_leaves(admin, fake_llm):
    made = body(fake_llm, api_keys=["sk-very-secret-key-77"])
    r = admin.post(BASE + "/create", json=made)
    assert "very-secret" not in r.text + admin.get(BASE + "/list").text


def test_the_name_defaults_to_model_at_host(admin, fake_llm):
    sent = body(fake_llm)
    made = sage.full(admin.post(BASE + "/create", json=sent))
    assert mine(admin, made["provider_id"])["name"].startswith(sent["model"] + "@127.0.0.1")


def test_the_newest_comes_first_and_system_rows_are_hidden(admin, fake_llm):
    first = sage.full(admin.post(BASE + "/create", json=body(fake_llm)))["provider_id"]
    second = sage.full(admin.post(BASE + "/create", json=body(fake_llm)))["provider_id"]
    listed = sage.full(admin.get(BASE + "/list"))
    ids = [p["id"] for p in listed]
    assert ids.index(second) < ids.index(first)
    assert all(p["user_id"] for p in listed) and "Default LLM Provider" not in [p["name"] for p in listed]


def test_creating_the_same_again_answers_the_first(admin, fake_llm):
    sent = body(fake_llm)
    first = sage.full(admin.post(BASE + "/create", json=sent))
    again = sage.full(admin.post(BASE + "/create", json={**sent, "temperature": 1.5}))
    assert again == first and len(fake_llm.requests_for(sent["model"])) == 1
    assert mine(admin, first["provider_id"])["temperature"] is None


@pytest.mark.parametrize("missing", ["base_url", "api_keys", "model"])
def test_required_fields(admin, fake_llm, missing):
    sent = body(fake_llm)
    del sent[missing]
    sage.invalid(admin.post(BASE + "/create", json=sent), "body", missing, kind="missing")


@pytest.mark.parametrize(
    "keys, message",
    [
        ([], "Value error, Exactly one API key is required"),
        (["", "  "], "Value error, Exactly one API key is required"),
        (["a", "b"], "Value error, Exactly one API key is required"),
        (["a\nb"], "Value error, API key must be a single line"),
    ],
)
def test_exactly_one_key(admin, fake_llm, keys, message):
    detail = sage.invalid(admin.post(BASE + "/create", json=body(fake_llm, api_keys=keys)))
    assert [d["msg"] for d in detail] == [message] and detail[0]["loc"][:2] == ["body", "api_keys"]


@pytest.mark.parametrize(
    "failure, text",
    [
        (Fail(401, "bad key"), "Provider authentication failed. Please check the API key."),
        (Fail(400, "You exceeded your current quota"), "Provider quota is insufficient. Please check billing or quota limits."),
        (Fail(404, "The model `x` does not exist"), "Provider model is not available. Please check the model name."),
        (
            Fail(503, "service unavailable"),
            "Provider service is temporarily unavailable. Please try again later.",
        ),
    ],
    ids=["401", "quota", "model", "503"],
)
def test_a_provider_that_does_not_answer_is_not_saved(admin, fake_llm, failure, text):
    sent = body(fake_llm)
    fake_llm.always(sent["model"], failure)
    sage.soft_error(admin.post(BASE + "/create", json=sent), "Cannot save provider. " + text)
    assert sent["model"] not in [p["model"] for p in sage.full(admin.get(BASE + "/list"))]


def test_a_provider_that_cannot_be_reached_is_not_saved(admin, fake_llm):
    sent = body(fake_llm, base_url="http://127.0.0.1:9/v1")
    text = "Cannot save provider. Provider connection failed. Please check the base URL and network connectivity."
    sage.soft_error(admin.post(BASE + "/create", json=sent), text)


def test_a_provider_that_hangs_is_given_up_after_ten_seconds(admin, fake_llm):
    sent = body(fake_llm)
    fake_llm.always(sent["model"], Hang())
    r = admin.post(BASE + "/create", json=sent)
    assert "Provider connection failed" in sage.soft_error(r)["message"]
    assert 8 < r.elapsed.total_seconds() < 15


def test_a_user_may_not_reach_private_addresses(user, fake_llm):
    someone = user()
    sent = body(fake_llm)
    r = someone.client.post(BASE + "/create", json=sent)
    assert r.status_code in (200, 400, 403, 500) and r.json()["success"] is False, r.text
    assert fake_llm.requests_for(sent["model"]) == []
    assert sage.full(someone.client.get(BASE + "/list")) == []


def test_private_addresses_can_be_allowed(start_server, fake_llm):
    from fixtures import create_user

    running = start_server(env={"SLUICE_ALLOW_PRIVATE_NETWORKS": "1"})
    someone = create_user(running)
    assert sage.full(someone.client.post(BASE + "/create", json=body(fake_llm)))["provider_id"]


def test_update_probes_and_changes_what_is_named(admin, fake_llm):
    sent = body(fake_llm, temperature=0.5, top_p=0.9)
    made = sage.full(admin.post(BASE + "/create", json=sent))["provider_id"]
    r = admin.put(f"{BASE}/update/{made}", json={"name": "Renamed", "temperature": None})
    assert sage.full(r) is None and r.json()["message"] == ""
    p = mine(admin, made)
    assert p["name"] == "Renamed" and p["temperature"] is None and p["top_p"] == 0.9 and p["model"] == sent["model"]
    assert len(fake_llm.requests_for(sent["model"])) == 2
    assert {r.key for r in fake_llm.requests_for(sent["model"])} == {"sk-abcdefgh1234"}


def test_null_clears_numbers_and_says_nothing_of_the_rest(admin, fake_llm):
    sent = body(fake_llm, name="Kept", temperature=0.5, top_p=0.9, presence_penalty=0.1, max_tokens=9, max_model_len=8000)
    switches = {"supports_multimodal": True, "supports_structured_output": True, "is_default": True}
    made = sage.full(admin.post(BASE + "/create", json={**sent, **switches}))["provider_id"]
    numbers = ("max_tokens", "temperature", "top_p", "presence_penalty", "max_model_len")
    sage.full(admin.put(f"{BASE}/update/{made}", json=dict.fromkeys([*numbers, *switches, "name", "base_url", "model", "api_keys"])))
    p = mine(admin, made)
    assert {k: p[k] for k in numbers} == dict.fromkeys(numbers)
    assert {k: p[k] for k in switches} == switches
    assert (p["name"], p["base_url"], p["model"]) == ("Kept", fake_llm.url, sent["model"])
    sage.full(admin.put(f"{BASE}/update/{made}", json={"supports_multimodal": False, "is_default": False}))
    p = mine(admin, made)
    assert (p["supports_multimodal"], p["supports_structured_output"], p["is_default"]) == (False, True, False)


def test_abilities_that_another_face_knows_survive_an_update(admin, fake_llm):
    name = sage.unique("model")
    new = {"requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-abcdefgh1234"]}
    r = admin.post("/api/v1/provider/models/llm", json={"name": name, "provider": new, "abilities": ["func_call", "reasoning"]})
    assert r.status_code == 200, r.text
    (p,) = [p for p in sage.full(admin.get(BASE + "/list")) if p["model"] == name]
    sage.full(admin.put(f"{BASE}/update/{p['id']}", json={"supports_multimodal": True}))
    stored = admin.get(f"/api/v1/provider/models/llm/{p['id']}").json()["data"]["model"]["abilities"]
    assert sorted(stored) == ["func_call", "reasoning", "vision"]


def test_update_with_the_mask_keeps_the_key(admin, fake_llm):
    sent = body(fake_llm)
    made = sage.full(admin.post(BASE + "/create", json=sent))["provider_id"]
    sage.full(admin.put(f"{BASE}/update/{made}", json={"api_keys": ["sk-a***1234"]}))
    assert fake_llm.requests_for(sent["model"])[-1].key == "sk-abcdefgh1234"


def test_update_that_fails_its_probe_changes_nothing(admin, fake_llm):
    sent = body(fake_llm)
    made = sage.full(admin.post(BASE + "/create", json=sent))["provider_id"]
    fake_llm.always(sent["model"], Fail(401, "bad key"))
    r = admin.put(f"{BASE}/update/{made}", json={"name": "No"})
    text = "Cannot update provider. Provider authentication failed. Please check the API key."
    sage.soft_error(r, text)
    assert mine(admin, made)["name"] != "No"


def test_what_others_change_during_the_probe_stays(admin, fake_llm):
    sent = body(fake_llm, is_default=True)
    made = sage.full(admin.post(BASE + "/create", json=sent))["provider_id"]
    fake_llm.always(sent["model"], Reply("Hi", first_delay=2))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(admin.put, f"{BASE}/update/{made}", json={"temperature": 0.25})
        while len(fake_llm.requests_for(sent["model"])) < 2:
            time.sleep(0.02)
        (model,) = [m for m in admin.get("/api/v1/provider/models/llm").json()["data"]["models"] if m["uuid"] == made]
        keys = {"api_keys": ["sk-rotated-9876"], "name": "Rotated"}
        assert admin.put(f"/api/v1/provider/providers/{model['provider']['uuid']}", json=keys).status_code == 200
        other = sage.full(admin.post(BASE + "/create", json=body(fake_llm, is_default=True)))["provider_id"]
        assert not slow.done()
        sage.full(slow.result())
    p = mine(admin, made)
    assert (p["temperature"], p["name"], p["api_keys"]) == (0.25, "Rotated", ["sk-r***9876"])
    assert p["is_default"] is False and mine(admin, other)["is_default"] is True


def test_unknown_providers(admin):
    nobody = "00000000-0000-4000-8000-000000000000"
    sage.soft_error(admin.put(f"{BASE}/update/{nobody}", json={"name": "x"}), "Provider not found")
    sage.soft_error(admin.delete(f"{BASE}/delete/{nobody}"), "Provider not found")


def test_another_users_provider_cannot_be_seen_changed_or_deleted(admin, user, fake_llm):
    made = sage.full(admin.post(BASE + "/create", json=body(fake_llm)))["provider_id"]
    someone = user()
    assert sage.full(someone.client.get(BASE + "/list")) == []
    sage.soft_error(someone.client.put(f"{BASE}/update/{made}", json={"name": "x"}), "Permission denied")
    sage.soft_error(someone.client.delete(f"{BASE}/delete/{made}"), "Permission denied")
    assert mine(admin, made)


def test_only_one_default_and_it_cannot_be_deleted(start_server, fake_llm):
    admin = start_server().login()
    first = sage.full(admin.post(BASE + "/create", json=body(fake_llm, is_default=True)))["provider_id"]
    second = sage.full(admin.post(BASE + "/create", json=body(fake_llm, is_default=True)))["provider_id"]
    assert mine(admin, first)["is_default"] is False and mine(admin, second)["is_default"] is True
    sage.soft_error(admin.delete(f"{BASE}/delete/{second}"), "Cannot delete default provider")
    assert sage.full(admin.delete(f"{BASE}/delete/{first}")) is None
    assert [p["id"] for p in sage.full(admin.get(BASE + "/list"))] == [second]


def test_verify(admin, fake_llm):
    sent = body(fake_llm)
    r = admin.post(BASE + "/verify", json=sent)
    assert sage.full(r) is None and r.json()["message"] == "Verification succeeded"
    fake_llm.always(sent["model"], Fail(401, "bad key"))
    assert sage.soft_error(admin.post(BASE + "/verify", json=sent))["message"].startswith("Verification failed: ")


def test_verify_capabilities_reports_what_the_model_can_do(admin, fake_llm):
    sent = body(fake_llm)
    fake_llm.script(sent["model"], Reply("Hello!"))
    fake_llm.always(sent["model"], Reply(['{"ok": ', "true} and it is Red"]))
    r = admin.post(BASE + "/verify-capabilities", json=sent)
    data = sage.full(r)
    assert r.json()["message"] == "Capability verification succeeded"
    assert {"connection", "supports_multimodal", "supports_structured_output", "multimodal", "structured_output"} <= set(data)
    assert data["connection"] == {"supported": True, "response": "Hello!"}
    assert data["model"] == sent["model"] and data["base_url"] == fake_llm.url
    assert data["supports_multimodal"] is True and data["multimodal"]["recognized"] is True
    assert data["supports_structured_output"] is False and data["structured_output"]["parsed"] is None
    kinds = [r.body for r in fake_llm.requests_for(sent["model"])]
    assert any(k.get("response_format") == {"type": "json_object"} for k in kinds)
    assert any("data:image/png;base64," in str(k["messages"]) for k in kinds)


def test_verify_capabilities_of_a_stored_provider_uses_its_key(admin, fake_llm):
    sent = body(fake_llm)
    made = sage.full(admin.post(BASE + "/create", json=sent))["provider_id"]
    sage.full(admin.post(f"{BASE}/verify-capabilities/{made}", json={}))
    assert {r.key for r in fake_llm.requests_for(sent["model"])} == {"sk-abcdefgh1234"}


def test_verify_capabilities_fails_with_the_connection(admin, fake_llm):
    sent = body(fake_llm)
    fake_llm.always(sent["model"], Fail(401, "bad key"))
    message = sage.soft_error(admin.post(BASE + "/verify-capabilities", json=sent))["message"]
    assert message.startswith("Verification failed: ")


def test_verify_multimodal_never_fails(admin, fake_llm):
    sent = body(fake_llm)
    fake_llm.script(sent["model"], Reply("It is red."), Reply("It is green."), Fail(400, "no images"))
    data = sage.full(admin.post(BASE + "/verify-multimodal", json=sent))
    assert data == {"supports_multimodal": True, "response": "It is red.", "recognized": True}
    assert sage.full(admin.post(BASE + "/verify-multimodal", json=sent))["recognized"] is False
    data = sage.full(admin.post(BASE + "/verify-multimodal", json=sent))
    assert data["supports_multimodal"] is False and data["error"]
