# SPDX-License-Identifier: MIT
"""One core behind four faces: what is made through one is there on the others, and ownership holds on all of them."""
import langflow
import sage
import server as servers
from fake_llm import Reply


def langbot_model(client, fake, name, keys=("sk-lb-1",)):
    """A provider and a model made through LangBot's API."""
    body = {"name": f"prov-{name}", "requester": "openai-chat-completions", "base_url": fake.url, "api_keys": list(keys)}
    made = client.post("/api/v1/provider/providers", json=body).json()
    assert made["code"] == 0, made
    body = {"name": name, "provider_uuid": made["data"]["uuid"], "abilities": ["func_call"]}
    model = client.post("/api/v1/provider/models/llm", json=body).json()
    assert model["code"] == 0, model
    return model["data"]["uuid"], body["provider_uuid"]


def test_a_provider_made_through_langbot_answers_in_a_sage_chat_and_in_a_langflow_run(server, fake_llm):
    with server.client() as client:
        body = {"user": servers.ADMIN, "password": servers.PASSWORD}
        token = client.post("/api/v1/user/auth", json=body).json()["data"]["token"]
    owner = server.client(token=token)
    key = owner.post("/api/v1/apikeys", json={"name": "one core"}).json()["data"]["key"]["key"]
    name = sage.unique("shared-model")
    langbot_model(server.client(key=key), fake_llm, name)

    admin = server.login()
    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    fake_llm.script(name, Reply("Answer for Sage."), Reply("Answer for Langflow."), Reply("Streamed answer."))
    agent = sage.agent(admin, found["id"])
    assert sage.chat(admin, sage.say("Hi", agent)).text == "Answer for Sage."

    from fixtures import create_key

    flows = server.client(key=create_key(server, "langflow"))
    flow = flows.post("/api/v1/flows/", json=langflow.chat_flow(name, f"prov-{name}")).json()
    r = flows.post(f"/api/v1/run/{flow['id']}", json={"input_value": "Hi"})
    assert r.status_code == 200 and langflow.answer(r.json()) == "Answer for Langflow."
    r = flows.post(f"/api/v1/run/{flow['id']}?stream=true", json={"input_value": "Hi"})
    assert langflow.answer(langflow.events(r.text)[-1]["data"]["result"]) == "Streamed answer."
    assert [q.key for q in fake_llm.requests_for(name)][-3:] == ["sk-lb-1"] * 3


def test_an_administrators_flow_asks_his_own_provider_before_that_of_another_user(server, admin, user, fake_llm):
    from fixtures import create_key

    name = sage.unique("same-name")
    someone = user(role="admin").client
    langbot_model(someone, fake_llm, name, keys=["sk-of-another"])
    langbot_model(admin, fake_llm, name, keys=["sk-my-own"])
    flows = server.client(key=create_key(server, "langflow"))
    flow = flows.post("/api/v1/flows/", json=langflow.chat_flow(name, "OpenAI")).json()
    assert flows.post(f"/api/v1/run/{flow['id']}", json={"input_value": "Hi"}).status_code == 200
    assert [q.key for q in fake_llm.requests_for(name)] == ["sk-my-own"]


def test_the_reasoning_level_of_a_model_holds_wherever_nothing_else_is_said(server, admin, fake_llm):
    from fixtures import create_key

    name = sage.unique("o3-mini")
    body = {"name": f"prov-{name}", "requester": "openai-chat-completions", "base_url": fake_llm.url, "api_keys": ["sk-r"]}
    provider = admin.post("/api/v1/provider/providers", json=body).json()["data"]["uuid"]
    body = {"name": name, "provider_uuid": provider, "abilities": ["reasoning"], "reasoning_config": {"level": "high"}}
    uuid = admin.post("/api/v1/provider/models/llm", json=body).json()["data"]["uuid"]
    shown = admin.get(f"/api/v1/provider/models/llm/{uuid}").json()["data"]["model"]["reasoning_capabilities"]
    assert shown["supported"] is True and {"disabled", "low", "high"} <= set(shown["levels"])

    def effort():
        return fake_llm.requests_for(name)[-1].body["reasoning_effort"]

    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    agent = sage.agent(admin, found["id"])
    sage.chat(admin, sage.say("Hi", agent))
    assert effort() == "high"
    sage.chat(admin, sage.say("<thinking_level>low</thinking_level>Hi", agent))
    assert effort() == "low"
    flows = server.client(key=create_key(server, "langflow"))
    flow = flows.post("/api/v1/flows/", json=langflow.chat_flow(name, f"prov-{name}")).json()
    assert flows.post(f"/api/v1/run/{flow['id']}", json={"input_value": "Hi"}).status_code == 200
    assert effort() == "high"
    assert admin.post(f"/api/v1/provider/models/llm/{uuid}/test", json={}).json()["code"] == 0
    assert effort() == "high"
    for level, sent in (("disabled", "medium"), ("provider_default", "medium"), ("low", "low")):
        changed = admin.put(f"/api/v1/provider/models/llm/{uuid}", json={"reasoning_config": {"level": level}}).json()
        assert changed["code"] == 0, changed
        sage.chat(admin, sage.say("Hi", agent))
        assert effort() == sent, level


def test_a_provider_made_through_sage_is_listed_by_langbot(server, admin, fake_llm):
    _, name = sage.provider(admin, fake_llm)
    with server.client() as client:
        body = {"user": servers.ADMIN, "password": servers.PASSWORD}
        token = client.post("/api/v1/user/auth", json=body).json()["data"]["token"]
    models = server.client(token=token).get("/api/v1/provider/models/llm").json()["data"]["models"]
    assert name in [m["name"] for m in models]


def test_several_keys_fail_over(server, admin, fake_llm):
    from fake_llm import Fail

    name = sage.unique("failover")
    langbot_model(admin, fake_llm, name, keys=("sk-dead", "sk-good"))
    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    fake_llm.script(name, Fail(401, "Incorrect API key"), Reply("With the second."))
    run = sage.chat(admin, sage.say("Hi", sage.agent(admin, found["id"])))
    assert run.text == "With the second."
    first, second = fake_llm.requests_for(name)
    assert {first.key, second.key} == {"sk-dead", "sk-good"}  # they take turns in being the first


def test_one_account_logs_in_on_every_face(server, user):
    someone = user()
    with server.client() as client:
        for who in (someone.name, someone.email):
            r = client.post("/api/auth/login", json={"username_or_email": who, "password": someone.password})
            assert r.status_code == 200 and r.json()["code"] == 200
            r = client.post("/api/v1/user/auth", json={"user": who, "password": someone.password})
            assert r.json()["code"] == 0, r.text
            r = client.post("/api/v1/login", data={"username": who, "password": someone.password})
            assert r.status_code == 200, r.text


def test_a_deleted_model_is_gone_everywhere(admin, fake_llm):
    name = sage.unique("gone")
    model, provider = langbot_model(admin, fake_llm, name)
    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    agent = sage.agent(admin, found["id"])
    assert admin.delete(f"/api/v1/provider/models/llm/{model}").json()["code"] == 0
    assert name not in [p["model"] for p in sage.full(admin.get("/api/llm-provider/list"))]
    r = admin.post("/api/chat", json=sage.say("Hi", agent))
    assert r.status_code == 500 and r.json()["success"] is False


def test_a_key_opens_only_the_faces_of_its_scopes(server, key):
    langflow_key, langbot_key, langdock_key = key("langflow"), key("resource.view"), key("INTEGRATION_API")
    doors = {
        "langflow": lambda k: server.client(key=k).get("/api/v1/flows/").status_code,
        "langbot": lambda k: server.client(key=k).get("/api/v1/provider/providers").status_code,
        "langdock": lambda k: server.client(token=k).get("/integrations/v1/get").status_code,
        "sage": lambda k: server.client(token=k).get("/api/agent/list").status_code,
    }
    opened = {
        name: [door for door, knock in doors.items() if knock(k) == 200]
        for name, k in (("langflow", langflow_key), ("langbot", langbot_key), ("langdock", langdock_key))
    }
    assert opened == {"langflow": ["langflow"], "langbot": ["langbot"], "langdock": ["langdock"]}


def test_a_sage_key_and_a_full_key(server, key):
    assert server.client(token=key("sage")).get("/api/agent/list").status_code == 200
    whole = key("*")
    assert server.client(token=whole).get("/api/agent/list").status_code == 200
    assert server.client(key=whole).get("/api/v1/flows/").status_code == 200
    assert server.client(token=whole).get("/integrations/v1/get").status_code == 200
