# SPDX-License-Identifier: MIT
"""/api/agent: create, read, replace, delete, share."""
import os
import re

import pytest

import sage
from fake_llm import Call, Reply

KEYS = {
    "id", "user_id", "name", "systemPrefix", "systemContext", "availableWorkflows", "availableTools", "availableSkills",
    "availableKnowledgeBases", "availableSubAgentIds", "subAgentSelectionMode", "memoryType", "maxLoopCount",
    "deepThinking", "thinkingLevel", "llm_provider_id", "fast_llm_provider_id", "enableMultimodal", "agentMode",
    "description", "is_default", "created_at", "updated_at", "im_channels",
}  # fmt: skip

# What the editor of the web client sends.
EDITOR = {
    "description": "",
    "systemPrefix": "…",
    "systemContext": {},
    "availableWorkflows": {},
    "availableTools": ["file_read", "todo_write"],
    "availableSkills": [],
    "availableKnowledgeBases": [],
    "availableSubAgentIds": [],
    "subAgentSelectionMode": "auto_all",
    "memoryType": "session",
    "maxLoopCount": 50,
    "deepThinking": False,
    "thinkingLevel": "medium",
    "enableMultimodal": False,
    "agentMode": "simple",
    "llm_provider_id": "prov-1",
    "fast_llm_provider_id": None,
}


def create(client, **more):
    return client.post("/api/agent/create", json={"name": sage.unique("Agent"), "maxLoopCount": 5, **more})


def test_create_and_read_what_the_editor_sends(admin):
    sent = {**EDITOR, "name": sage.unique("Research")}
    r = admin.post("/api/agent/create", json=sent)
    made = sage.full(r)
    assert set(made) == {"agent_id"} and re.fullmatch(r"agent_[0-9a-f]{8}", made["agent_id"])
    assert r.json()["message"] == f"Agent '{made['agent_id']}' created successfully"
    r = admin.get(f"/api/agent/{made['agent_id']}")
    got = sage.full(r)
    assert set(got) == KEYS
    assert {k: got[k] for k in sent} == sent
    assert got["id"] == made["agent_id"] and got["is_default"] is False and got["im_channels"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", got["created_at"])
    assert r.json()["message"] == f"Agent '{made['agent_id']}' loaded"


def test_defaults_when_only_the_mandatory_is_sent(admin):
    made = sage.full(create(admin))["agent_id"]
    got = sage.full(admin.get(f"/api/agent/{made}"))
    assert got["agentMode"] == "simple" and got["thinkingLevel"] == "medium" and got["deepThinking"] is False
    assert got["enableMultimodal"] is False and got["maxLoopCount"] == 5
    for key in ("systemPrefix", "availableTools", "systemContext", "memoryType", "description", "llm_provider_id"):
        assert got[key] is None, key


def test_a_generated_config_is_saved_unchanged_with_its_unknown_keys_ignored(admin):
    generated = {
        "id": "",
        "name": sage.unique("Generated"),
        "description": "d",
        "systemPrefix": "p",
        "deepThinking": False,
        "moreSupport": False,
        "maxLoopCount": 10,
        "llmConfig": {"model": "", "maxTokens": "", "temperature": ""},
        "availableTools": ["file_read", "download_file_from_url"],
        "systemContext": {},
        "availableWorkflows": {"w": ["a", "b"]},
        "exportTime": "2026-01-01T00:00:00Z",
        "version": "1.0",
    }
    made = sage.full(admin.post("/api/agent/create", json=generated))["agent_id"]
    got = sage.full(admin.get(f"/api/agent/{made}"))
    assert got["id"] == made and got["availableTools"] == generated["availableTools"]
    assert got["availableWorkflows"] == {"w": ["a", "b"]} and set(got) == KEYS


def test_the_name_is_trimmed(admin):
    name = sage.unique("Trim")
    made = sage.full(create(admin, name=f"  {name}\t"))["agent_id"]
    assert sage.full(admin.get(f"/api/agent/{made}"))["name"] == name


def test_names_in_any_script(admin):
    name = sage.unique("研究员 🐙")
    made = sage.full(create(admin, name=name))["agent_id"]
    r = admin.get(f"/api/agent/{made}")
    assert sage.full(r)["name"] == name and name.encode() in r.content


def test_the_list_is_in_the_order_of_creation(admin):
    ids = [sage.full(create(admin))["agent_id"] for _ in range(3)]
    r = admin.get("/api/agent/list")
    listed = sage.full(r)
    assert [a["id"] for a in listed if a["id"] in ids] == ids
    assert all(set(a) == KEYS for a in listed)
    assert r.json()["message"] == f"Loaded {len(listed)} agents"


# -------------------------------------------------------------------------------------------------------------- errors


def test_a_name_is_mandatory(admin):
    sage.invalid(admin.post("/api/agent/create", json={"maxLoopCount": 5}), "body", "name", kind="missing")
    sage.error(create(admin, name="  "), 500, "Agent name is required")


def test_the_loop_count_is_mandatory_and_positive(admin):
    name = sage.unique("Loop")
    sage.error(admin.post("/api/agent/create", json={"name": name}), 400, "Max loop count is required")
    sage.error(create(admin, name=name, maxLoopCount=None), 400, "Max loop count is required")
    sage.error(create(admin, name=name, maxLoopCount=0), 400, "Max loop count cannot be less than 1")
    sage.error(create(admin, name=name, maxLoopCount=-3), 400, "Max loop count cannot be less than 1")


def test_a_name_is_used_once_by_an_owner(admin, user):
    name = sage.unique("Twice")
    sage.full(create(admin, name=name))
    sage.error(create(admin, name=name), 500, f"Agent '{name}' already exists")
    sage.full(create(user().client, name=name))


@pytest.mark.parametrize(
    "field, value",
    [
        ("agentMode", "hive"),
        ("thinkingLevel", "enormous"),
        ("maxLoopCount", "many"),
        ("availableTools", "file_read"),
        ("availableTools", [1]),
        ("systemContext", []),
        ("name", 7),
        ("deepThinking", "perhaps"),
    ],
)
def test_wrong_values_are_422_and_nothing_is_saved(admin, field, value):
    before = len(sage.full(admin.get("/api/agent/list")))
    detail = sage.invalid(create(admin, **{field: value}))
    assert detail[0]["loc"][:2] == ["body", field]
    assert len(sage.full(admin.get("/api/agent/list"))) == before


def test_unknown_agents(admin):
    for r in (
        admin.get("/api/agent/agent_00000000"),
        admin.put("/api/agent/agent_00000000", json={"name": "x", "maxLoopCount": 1}),
        admin.delete("/api/agent/agent_00000000"),
    ):
        sage.error(r, 500, "Agent 'agent_00000000' does not exist")
    sage.error(admin.get("/api/agent/agent_00000000/auth"), 500, "Agent not found")


# -------------------------------------------------------------------------------------------------- update and delete


def test_update_replaces_everything(admin):
    made = sage.full(create(admin, description="old", availableTools=["grep"]))["agent_id"]
    name = sage.unique("New")
    r = admin.put(f"/api/agent/{made}", json={"name": name, "maxLoopCount": 9})
    assert sage.full(r) == {"agent_id": made} and r.json()["message"] == f"Agent '{made}' updated successfully"
    got = sage.full(admin.get(f"/api/agent/{made}"))
    assert got["name"] == name and got["maxLoopCount"] == 9 and got["description"] is None
    assert got["availableTools"] is None


def test_update_checks_as_create_does(admin):
    made = sage.full(create(admin, description="kept"))["agent_id"]
    sage.error(admin.put(f"/api/agent/{made}", json={"name": " ", "maxLoopCount": 1}), 500, f"Agent '{made}' is missing a name")
    sage.error(admin.put(f"/api/agent/{made}", json={"name": "x"}), 400, "Max loop count is required")
    sage.invalid(admin.put(f"/api/agent/{made}", json={"name": "x", "maxLoopCount": 1, "agentMode": "hive"}))
    assert sage.full(admin.get(f"/api/agent/{made}"))["description"] == "kept"


def test_delete(admin):
    made = sage.full(create(admin))["agent_id"]
    r = admin.delete(f"/api/agent/{made}")
    assert sage.full(r) == {"agent_id": made} and r.json()["message"] == f"Agent '{made}' deleted successfully"
    sage.error(admin.get(f"/api/agent/{made}"), 500, f"Agent '{made}' does not exist")
    assert made not in [a["id"] for a in sage.full(admin.get("/api/agent/list"))]


def workspaces(server, agent):
    return [os.path.join(folder, agent) for folder, names, _ in os.walk(server.data) if agent in names]


def test_the_files_of_an_agent_go_with_it(server, admin, user, model, fake_llm, tmp_path):
    guest = user()
    provider_id, name = model
    agent, other = (sage.agent(admin, provider_id, availableTools=["file_write"]) for _ in range(2))
    sage.full(admin.post(f"/api/agent/{agent}/auth", json={"user_ids": [guest.id]}))
    for client, its in ((admin, agent), (guest.client, agent), (admin, other)):
        fake_llm.script(name, Reply(tool_calls=[Call("file_write", {"file_path": "a/b/c.txt", "content": "x"}, id="w")]), Reply("ok"))
        assert sage.chat(client, sage.say("Write", its)).ended
    ours = workspaces(server, agent)
    assert len(ours) == 2 and all(os.path.exists(f"{w}/a/b/c.txt") for w in ours)
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    os.symlink(outside, f"{ours[0]}/a/link")
    os.makedirs(ours[0] + "/deep" * 300)
    os.chmod(f"{ours[0]}/a/b", 0o555)
    sage.full(admin.delete(f"/api/agent/{agent}"))
    assert workspaces(server, agent) == [] and (outside / "kept").is_dir()
    (left,) = workspaces(server, other)
    assert os.path.exists(f"{left}/a/b/c.txt")


def test_an_agent_that_may_not_be_deleted_keeps_its_files(server, admin, user, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id)
    fake_llm.script(name, Reply("ok"))
    sage.chat(admin, sage.say("Hi", agent))
    sage.error(user().client.delete(f"/api/agent/{agent}"), 500, "Not allowed to delete this agent")
    assert len(workspaces(server, agent)) == 1


@pytest.mark.parametrize(
    "mode, given, kept",
    [
        ("simple", ["grep", "sys_spawn_agent", "sys_delegate_task", "sys_team_delegate_task"], {"grep"}),
        ("fibre", ["grep", "sys_team_delegate_task"], {"grep", "sys_spawn_agent", "sys_delegate_task"}),
        ("team", ["grep", "sys_spawn_agent", "sys_delegate_task"], {"grep", "sys_team_delegate_task"}),
    ],
)
def test_the_mode_decides_on_delegation_tools(admin, mode, given, kept):
    made = sage.full(create(admin, agentMode=mode, availableTools=given))["agent_id"]
    assert set(sage.full(admin.get(f"/api/agent/{made}"))["availableTools"]) == kept


# --------------------------------------------------------------------------------------------------------- permissions


def test_another_users_agent_is_out_of_reach(admin, user):
    made = sage.full(create(admin))["agent_id"]
    other = user().client
    sage.error(other.get(f"/api/agent/{made}"), 500, "Not allowed to access this agent")
    r = other.put(f"/api/agent/{made}", json={"name": "x", "maxLoopCount": 1})
    sage.error(r, 500, "Not allowed to update this agent")
    sage.error(other.delete(f"/api/agent/{made}"), 500, "Not allowed to delete this agent")
    sage.error(other.get(f"/api/agent/{made}/auth"), 500, "Not allowed to view authorized users")
    sage.error(other.post(f"/api/agent/{made}/auth", json={"user_ids": []}), 500, "Not allowed to modify authorizations")
    assert sage.full(other.get("/api/agent/list")) == []
    assert sage.full(admin.get(f"/api/agent/{made}"))["id"] == made


def test_an_admin_sees_all_agents(admin, user):
    someone = user()
    made = sage.full(create(someone.client))["agent_id"]
    assert made in [a["id"] for a in sage.full(admin.get("/api/agent/list"))]
    assert sage.full(admin.get(f"/api/agent/{made}"))["user_id"] == someone.id


def test_sharing(admin, user):
    owner, guest, third = user(), user(), user()
    made = sage.full(create(owner.client))["agent_id"]
    r = owner.client.post(f"/api/agent/{made}/auth", json={"user_ids": [guest.id, owner.id]})
    assert sage.full(r) == {} and r.json()["message"] == "Authorization updated"
    r = owner.client.get(f"/api/agent/{made}/auth")
    assert sage.full(r) == [guest.id] and r.json()["message"] == "Authorized users loaded"
    assert [a["id"] for a in sage.full(guest.client.get("/api/agent/list"))] == [made]
    assert sage.full(guest.client.get(f"/api/agent/{made}"))["id"] == made
    r = guest.client.put(f"/api/agent/{made}", json={"name": "x", "maxLoopCount": 1})
    sage.error(r, 500, "Not allowed to update this agent")
    sage.full(owner.client.post(f"/api/agent/{made}/auth", json={"user_ids": [third.id]}))
    sage.error(guest.client.get(f"/api/agent/{made}"), 500, "Not allowed to access this agent")
    assert sage.full(third.client.get(f"/api/agent/{made}"))["id"] == made


@pytest.mark.parametrize("query", ["", "?language=en", "?language=zh", "?params=%5Bobject+Object%5D"])
def test_the_default_system_prompt(admin, query):
    data = sage.full(admin.get("/api/agent/template/default_system_prompt" + query))
    assert set(data) == {"content"} and len(data["content"]) > 100
