# SPDX-License-Identifier: MIT
"""Runs: POST /api/chat and /api/stream against a model server that answers well, slowly, wrongly and not at all."""
import json
import re
import threading
import time
import urllib.parse
import uuid

import pytest

import sage
from fake_llm import Call, Fail, Hang, Raw, Reply
from sage import chat, open_stream, say, unique

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


# ------------------------------------------------------------------------------------------------------- a plain answer


def test_an_answer_arrives_as_deltas_of_one_message(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply("Hello dear world", reasoning="Let me think", usage=(20, 9)))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    assert run.text == "Hello dear world" and run.reasoning == "Let me think"
    texts = run.of("do_subtask_result")
    assert len(texts) >= 3 and texts[-1]["content"] == "\n"
    assert len({m["message_id"] for m in texts + run.of("reasoning_content")}) == 1
    for m in run.messages:
        assert m["role"] == "assistant" and m["session_id"] == session and m["agent_name"] == "SimpleAgent"
        assert isinstance(m["timestamp"], float) and m["metadata"] == {}
        assert re.fullmatch(UUID, m["message_id"])
        assert not {"message_type", "is_final", "is_chunk", "chunk_id"} & set(m)
        assert None not in m.values()
    for m in run.of("reasoning_content"):
        assert "content" not in m


def test_the_stream_ends_with_usage_and_stream_end(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply("Hi", usage=(20, 9), cached=4))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    usage, end = run.lines[-2:]
    assert usage["type"] == "token_usage" and usage["role"] == "assistant" and usage["content"] == ""
    assert usage["metadata"]["session_id"] == session and usage["metadata"]["model"] == model
    info = usage["metadata"]["token_usage"]["total_info"]
    assert (info["prompt_tokens"], info["completion_tokens"], info["total_tokens"]) == (20, 9, 29)
    assert info["model"] == model and info["models"] == [model]
    (step,) = usage["metadata"]["token_usage"]["per_step_info"]
    assert step["model"] == model and step["usage"]["total_tokens"] == 29 and step["step_name"]
    assert set(end) == {"type", "session_id", "timestamp", "total_stream_count"}
    assert end["session_id"] == session and end["total_stream_count"] == len(run.lines) - 1


def test_lines_are_plain_utf8_without_escapes(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply(["你好，", "wörld 🐙", " \"quoted\" \\ \n line \t"], split_bytes=5))
    run = chat(admin, say("Hi", agent))
    assert run.text == '你好，wörld 🐙 "quoted" \\ \n line \t'
    assert "你好，".encode() in run.raw and "🐙".encode() in run.raw and b"\\u" not in run.raw
    assert run.raw.count(b"\n") == len(run.lines) and run.raw.endswith(b"}\n")


def test_chunks_are_sent_when_they_are_made(admin, bot, fake_llm):
    agent, model = bot
    seen = threading.Event()
    fake_llm.script(model, Reply("a b c d e", gates={3: seen}))  # the model says no more before the first ones were seen
    with open_stream(admin, "/api/chat", say("Hi", agent)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        seen.set()
        stream.finish()
    assert stream.text == "a b c d e" and stream.ended


def test_a_session_id_is_made_when_none_is_given(admin, bot):
    run = chat(admin, say("Hi", bot[0]))
    assert re.fullmatch(UUID, run.lines[-1]["session_id"])


@pytest.mark.parametrize(
    "session",
    ["session_1767000000000", "s", "a b/c?d", "会话-1", "x" * 255, "会" * 255, "🐙" * 255],
    ids=["web client", "short", "signs", "chinese", "long", "long chinese", "long emoji"],
)
def test_a_session_id_is_any_string(admin, bot, session):
    session = session[: 255 - 9] + uuid.uuid4().hex[:9] if len(session) > 20 else session + uuid.uuid4().hex[:9]
    assert chat(admin, say("Hi", bot[0], session)).lines[-1]["session_id"] == session
    assert sage.history(admin, urllib.parse.quote(session, safe=""))["conversation_id"] == session


def test_a_session_id_of_more_than_255_characters_is_refused(admin, bot):
    sage.error(admin.post("/api/chat", json=say("Hi", bot[0], "会" * 256)), 400, "Invalid session_id")


def test_the_model_sees_prompt_context_and_request(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(
        admin, provider_id, systemPrefix="You are PIRATE-77.", systemContext={"team": "Blue"}, availableTools=["grep"]
    )
    chat(admin, say("What is up?", agent, system_context={"project": "Apollo"}))
    request = fake_llm.requests_for(name)[-1].body
    assert request["stream"] is True and request["stream_options"] == {"include_usage": True}
    system = [m["content"] for m in request["messages"] if m["role"] == "system"]
    assert "PIRATE-77" in system[0]
    (user,) = [m["content"] for m in request["messages"] if m["role"] == "user"]
    assert "<user_request>\nWhat is up?\n</user_request>" in user
    assert "<current_time>" in user and "Blue" in user and "Apollo" in user
    assert "api_key" not in request and "max_model_len" not in request and "_step_name" not in request


def test_tools_are_offered_as_the_agent_allows_them(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id, availableTools=["grep", "file_read", "no_such_tool"])
    chat(admin, say("Hi", agent))
    request = fake_llm.requests_for(name)[-1]
    assert {"grep", "file_read"} <= set(request.tools) and "file_write" not in request.tools
    assert "no_such_tool" not in request.tools
    (grep,) = [t["function"] for t in request.body["tools"] if t["function"]["name"] == "grep"]
    assert grep["parameters"]["type"] == "object" and grep["parameters"]["required"] == ["pattern"]
    assert grep["parameters"]["additionalProperties"] is False
    assert not {"session_id", "user_id"} & set(grep["parameters"]["properties"])
    assert request.tools == sorted(request.tools)


def test_an_empty_tool_list_means_all_but_the_explicit_ones(admin, bot, fake_llm):
    agent, name = bot
    chat(admin, say("Hi", agent))
    tools = set(fake_llm.requests_for(name)[-1].tools)
    assert {"file_read", "file_write", "file_update", "grep", "glob", "list_dir", "todo_write", "todo_read"} <= tools
    assert "apply_patch" not in tools and "load_skill" not in tools
    assert not tools & {"sys_spawn_agent", "sys_delegate_task", "sys_team_delegate_task"}


def test_the_conversation_goes_on(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply("I am Ann."), Reply("You asked before."))
    chat(admin, say("Who are you?", agent, session))
    chat(admin, say("And before?", agent, session))
    roles = [(m["role"], m["content"]) for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] != "system"]
    assert [r for r, _ in roles] == ["user", "assistant", "user"]
    assert "Who are you?" in roles[0][1] and roles[1][1].strip() == "I am Ann." and "And before?" in roles[2][1]


def test_provider_parameters_reach_the_model(admin, fake_llm):
    provider_id, name = sage.provider(admin, fake_llm, temperature=0.25, max_tokens=77, top_p=0.5)
    chat(admin, say("Hi", sage.agent(admin, provider_id)))
    body = fake_llm.requests_for(name)[-1].body
    assert body["temperature"] == 0.25 and body["max_tokens"] == 77 and body["top_p"] == 0.5


def test_an_agent_without_provider_uses_the_default_one(server, user, fake_llm):
    someone = user()
    agent = sage.agent(someone.client)
    assert chat(someone.client, say("Hi", agent)).text == "Hello from system-model."
    assert fake_llm.requests_for("system-model")[-1].key == "sk-system-key-01"


def test_images_reach_the_model_only_when_it_can_see(admin, fake_llm):
    picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": picture}}]
    for sees in (True, False):
        provider_id, name = sage.provider(admin, fake_llm, supports_multimodal=sees)
        agent = sage.agent(admin, provider_id, enableMultimodal=sees)
        run = chat(admin, {"messages": [{"role": "user", "content": content}], "agent_id": agent})
        assert run.ended and run.text
        sent = [m for m in fake_llm.requests_for(name)[-1].body["messages"] if m["role"] == "user"][-1]["content"]
        kinds = [p["type"] for p in sent] if isinstance(sent, list) else []
        assert ("image_url" in kinds) is sees
        assert "What is this?" in json.dumps(sent, ensure_ascii=False)


def test_control_tags_are_obeyed_and_removed(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    tags = "<enable_deep_thinking>true</enable_deep_thinking><thinking_level>high</thinking_level>"
    chat(admin, say(tags + "Think of it", agent, session))
    body = fake_llm.requests_for(model)[-1].body
    assert "enable_deep_thinking>" not in json.dumps(body["messages"])
    assert body["enable_thinking"] is True and body["thinking"] == {"type": "enabled"}
    assert sage.history(admin, session)["messages"][0]["content"] == "Think of it"
    chat(admin, say("<enable_deep_thinking>false</enable_deep_thinking>Now not", agent, session))
    body = fake_llm.requests_for(model)[-1].body
    assert body["enable_thinking"] is False and body["thinking"] == {"type": "disabled"}


def test_control_tags_and_the_title_stand_in_the_first_text_of_a_list(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    text = {"type": "text", "text": "<enable_deep_thinking>true</enable_deep_thinking>Whose cat is this?"}
    message = {"role": "user", "content": [picture, text]}
    assert chat(admin, {"messages": [message], "agent_id": agent, "session_id": session}).ended
    assert fake_llm.requests_for(model)[-1].body["enable_thinking"] is True
    loaded = sage.history(admin, session)
    assert loaded["messages"][0]["content"] == [picture, {"type": "text", "text": "Whose cat is this?"}]
    assert loaded["conversation_info"]["title"] == "Whose cat is this?"


# --------------------------------------------------------------------------------------------------------------- tools


def test_a_tool_call_runs_and_its_result_goes_back(admin, bot, fake_llm):
    agent, model = bot
    write = Call("file_write", {"file_path": "notes/a.txt", "content": "hello"}, id="call_w", fragments=6)
    read = Call("file_read", {"file_path": "notes/a.txt"}, id="call_r")
    fake_llm.script(model, Reply("I write it. ", tool_calls=[write]), Reply(tool_calls=[read]), Reply("Done."))
    run = chat(admin, say("Write a note", agent))
    assert [(i, n, json.loads(a)) for i, n, a in run.calls] == [
        ("call_w", "file_write", write.arguments),
        ("call_r", "file_read", read.arguments),
    ]
    deltas = [d for m in run.of("tool_call") for d in m["tool_calls"]]
    assert all("index" in d for d in deltas)
    assert [d["function"]["name"] for d in deltas if d["id"]] == ["file_write", "file_read"]
    assert len([d for d in deltas if not d["id"]]) >= 2  # arguments come in pieces
    result = run.results["call_w"]
    assert result["type"] == "tool_call_result" and result["metadata"]["tool_execution_status"] == "success"
    assert json.loads(result["content"])["status"] == "success"
    assert "hello" in json.loads(run.results["call_r"]["content"])["content"]
    assert run.text.endswith("Done.")
    order = [m.get("tool_call_id") or (m.get("tool_calls") or [{}])[0].get("id") for m in run.messages]
    assert order.index("call_w") < len(order) - 1 - order[::-1].index("call_w")
    last = fake_llm.requests_for(model)[-1].body["messages"]
    calls = [m for m in last if m.get("tool_calls")]
    assert [c["tool_calls"][0]["function"]["name"] for c in calls] == ["file_write", "file_read"]
    assert [m["tool_call_id"] for m in last if m["role"] == "tool"] == ["call_w", "call_r"]
    assert calls[0]["content"].strip() == "I write it."


def test_usage_adds_up_over_the_turns(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply(tool_calls=[Call("todo_read")], usage=(10, 2)), Reply("ok", usage=(30, 5)))
    info = chat(admin, say("Hi", agent)).usage
    assert info["total_info"]["total_tokens"] == 47 and len(info["per_step_info"]) == 2


@pytest.mark.parametrize("interleave", [False, True])
def test_parallel_tool_calls_run_at_the_same_time(admin, bot, fake_llm, interleave):
    agent, model = bot
    sleep = [Call("execute_shell_command", {"command": f"sleep 3; echo {n}"}, id=f"call_{n}") for n in "abc"]
    fake_llm.script(model, Reply(tool_calls=sleep, interleave=interleave), Reply("Done."))
    began = time.monotonic()
    run = chat(admin, say("Sleep", agent))
    results = [json.loads(run.results[f"call_{n}"]["content"]) for n in "abc"]
    if all(r.get("error_code") == "SANDBOX_ERROR" for r in results):
        pytest.skip("no sandbox on this machine")
    assert [r["stdout"].strip() for r in results] == ["a", "b", "c"], results
    assert time.monotonic() - began < 8.5
    assert [m["tool_call_id"] for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] == "tool"] == [
        "call_a",
        "call_b",
        "call_c",
    ]


def test_a_tool_that_fails_does_not_end_the_run(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply(tool_calls=[Call("file_read", {"file_path": "none.txt"}, id="c")]), Reply("No such file."))
    run = chat(admin, say("Read", agent))
    content = json.loads(run.results["c"]["content"])
    assert content["success"] is False and content["error_code"] == "NOT_FOUND"
    assert run.results["c"]["metadata"]["tool_execution_status"] == "error" and run.text == "No such file."


def test_a_model_is_told_which_results_are_failures(admin, fake_llm):
    agent, name = sage.claude(admin, fake_llm)
    session = unique("s")
    calls = [Call("file_read", {"file_path": "none.txt"}, id="toolu_bad"), Call("glob", {"pattern": "*"}, id="toolu_good")]
    fake_llm.script(name, Reply(tool_calls=calls), Reply("No such file."), Reply("As I said."))
    assert chat(admin, say("Read", agent, session)).text == "No such file."
    assert chat(admin, say("Why?", agent, session)).text == "As I said."
    for request in fake_llm.requests_for(name)[-2:]:  # of the same run, and of the next one
        blocks = [b for m in request.body["messages"] if isinstance(m["content"], list) for b in m["content"]]
        failed = {b["tool_use_id"]: b.get("is_error", False) for b in blocks if b["type"] == "tool_result"}
        assert failed == {"toolu_bad": True, "toolu_good": False}


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd", "a/../../b", "notes/\u0000x"])
def test_tools_stay_in_the_workspace(admin, bot, fake_llm, path):
    agent, model = bot
    calls = [Call("file_read", {"file_path": path}, id="r"), Call("file_write", {"file_path": path, "content": "x"}, id="w")]
    fake_llm.script(model, Reply(tool_calls=calls), Reply("Refused."))
    run = chat(admin, say("Read", agent))
    for result in run.results.values():
        content = json.loads(result["content"])
        refused = content.get("success") is False and content["error_code"] in ("PERMISSION_DENIED", "INVALID_ARGUMENT")
        assert refused or content["status"] == "rejected", content
    assert "root:" not in run.raw.decode()


def test_a_tool_that_was_not_offered_is_rejected_and_the_run_goes_on(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id, availableTools=["grep"])
    fake_llm.script(name, Reply(tool_calls=[Call("rm_rf", {"x": 1}, id="c")]), Reply("Understood."))
    run = chat(admin, say("Hi", agent))
    content = json.loads(run.results["c"]["content"])
    assert content == {"status": "rejected", "code": "tool_not_available_in_request", "tool_name": "rm_rf"}
    assert run.results["c"]["metadata"]["streamed_tool_rejected"] is True and run.text.endswith("Understood.")


def test_arguments_that_are_no_json_are_rejected_and_the_run_goes_on(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply(tool_calls=[Call("grep", '{"pattern": "x', id="c")]), Reply("Sorry."))
    run = chat(admin, say("Hi", agent))
    content = json.loads(run.results["c"]["content"])
    assert content["code"] == "invalid_tool_arguments" and content["status"] == "rejected"
    assert run.text.endswith("Sorry.")
    sent = fake_llm.requests_for(model)[-1].body["messages"]
    for m in sent:  # what is sent again is well-formed: every call is JSON and has its result
        for c in m.get("tool_calls") or []:
            json.loads(c["function"]["arguments"])


def test_arguments_that_are_nearly_json_are_understood(admin, bot, fake_llm):
    agent, model = bot
    call = Call("file_write", "{'file_path': 'a.txt', 'content': \"it's\", 'mode': None,}", id="c")
    fake_llm.script(model, Reply(tool_calls=[call]), Reply("Done."))
    run = chat(admin, say("Hi", agent))
    assert json.loads(run.results["c"]["content"])["content_length"] == 4
    (sent,) = [m["tool_calls"][0] for m in fake_llm.requests_for(model)[-1].body["messages"] if m.get("tool_calls")]
    assert json.loads(sent["function"]["arguments"]) == {"file_path": "a.txt", "content": "it's", "mode": None}


def test_missing_arguments_are_named(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply(tool_calls=[Call("grep", {}, id="c")]), Reply("Sorry."))
    run = chat(admin, say("Hi", agent))
    content = json.loads(run.results["c"]["content"])
    assert content["success"] is False and content["error"] == "Missing required parameters: pattern"


def test_a_provider_may_number_its_calls_anew_in_each_answer(admin, bot, fake_llm):
    agent, model = bot
    for n in range(3):
        fake_llm.script(model, Reply(tool_calls=[Call("file_write", {"file_path": f"f{n}.txt", "content": f"c{n}"}, id="call_0")]))
        fake_llm.script(model, Reply(tool_calls=[Call("file_read", {"file_path": f"f{n}.txt"}, id="call_0")]))
    fake_llm.script(model, Reply("Done."))
    run = chat(admin, say("Write", agent))
    assert run.text == "Done."
    sent = fake_llm.requests_for(model)[-1].body["messages"]
    results = [m["content"] for m in sent if m["role"] == "tool"]
    assert len(results) == 6 and [f"c{n}" in results[2 * n + 1] for n in range(3)] == [True] * 3, results
    # clients, too, find a result by the id of its call
    ids = [c[0] for c in run.calls]
    assert len(set(ids)) == 6 and ids[0] == "call_0" and set(run.results) == set(ids)
    assert [c["id"] for m in sent for c in m.get("tool_calls") or []] == ids
    assert "c0" in run.results[ids[1]]["content"] and "c2" in run.results[ids[5]]["content"]


def test_the_loop_limit_ends_the_run_with_a_question(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id, maxLoopCount=3)
    replies = [Reply(f"step {n} ", tool_calls=[Call("glob", {"pattern": f"*.{n}"})]) for n in range(9)]
    fake_llm.script(name, *replies)
    run = chat(admin, say("Loop", agent))
    assert len(fake_llm.requests_for(name)) == 1 + 3  # the probe when it was saved, and three turns
    (notice,) = run.of("assistant_text")
    meta = notice["metadata"]
    assert meta["runtime_notice"] == "max_loop_questionnaire" and meta["stop_reason"] == "max_loop_count"
    assert meta["max_loop_count"] == 3 and meta["runtime_generated"] is True and meta["needs_user_input"] is True
    assert "questionnaire" in notice["content"] and run.ended


def test_endless_repetition_is_noticed(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id, maxLoopCount=60)
    fake_llm.always(name, Reply("Again.", tool_calls=[Call("glob", {"pattern": "*.x"})]))
    run = chat(admin, say("Loop", agent))
    (notice,) = run.of("assistant_text")
    assert notice["metadata"]["stop_reason"] == "repeat_pattern" and run.ended
    assert len(fake_llm.requests_for(name)) < 40


def test_the_todo_list_is_kept_and_shown_whole(admin, bot, fake_llm):
    agent, model = bot
    tasks = [{"id": "t1", "content": "First"}, {"id": "t2", "content": "Second", "status": "in_progress"}]
    fake_llm.script(
        model,
        Reply(tool_calls=[Call("todo_write", {"tasks": tasks}, id="a")]),
        Reply(tool_calls=[Call("todo_write", {"tasks": [{"id": "t1", "status": "completed"}]}, id="b")]),
        Reply("ok"),
    )
    session = unique("s")
    run = chat(admin, say("Plan", agent, session))
    first, second = (json.loads(run.results[c]["content"]) for c in "ab")
    assert first["summary"] == "Task list updated. Added: 2, updated: 0, currently unfinished: 2."
    assert [(t["index"], t["id"], t["name"], t["status"]) for t in second["tasks"]] == [
        (second["tasks"][0]["index"], "t1", "First", "completed"),
        (second["tasks"][1]["index"], "t2", "Second", "in_progress"),
    ]
    sage.skip_unless_served(admin, "POST", "/api/sessions/{}/tasks_status")
    data = sage.full(admin.post(f"/api/sessions/{session}/tasks_status"))
    assert {t["id"]: t["status"] for t in data["tasks_status"]["tasks"]} == {"t1": "completed", "t2": "in_progress"}


def test_the_turn_status_tool_is_never_seen(start_server, fake_llm):
    running = start_server(env={"SAGE_TASK_COMPLETION_MODE": "turn_status"})
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    fake_llm.script(name, Reply("All done.", tool_calls=[Call("turn_status", {"status": "task_done"}, id="ts")]))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    assert run.text == "All done." and run.calls == [] and run.results == {} and b"turn_status" not in run.raw
    assert "turn_status" not in json.dumps(sage.history(admin, session))


def test_a_model_may_judge_whether_it_is_done(start_server, fake_llm):
    running = start_server(env={"SAGE_TASK_COMPLETION_MODE": "judge"})
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent, tried = sage.agent(admin, provider_id), len(fake_llm.requests_for(name))
    fake_llm.script(
        name,
        Reply("First part."),
        Reply('{"decision": "continue", "reason": "the second part is missing"}'),
        Reply(tool_calls=[Call("todo_read", {}, id="a")]),
        Reply("All of it."),
        Reply('{"decision": "completed", "reason": "done"}'),
    )
    run = chat(admin, say("Hi", agent, unique("s")))
    assert run.ended and "decision" not in run.text and run.text.replace("\n", "") == "First part.All of it."
    asked = fake_llm.requests_for(name)[tried:]
    assert [r.body.get("tool_choice") for r in asked] == [None, None, "required", None, None]
    assert "the second part is missing" in json.dumps(asked[2].body["messages"])


def test_the_cheaper_model_is_the_judge_where_there_is_one(start_server, fake_llm):
    running = start_server(env={"SAGE_TASK_COMPLETION_MODE": "judge"})
    admin = running.login()
    (provider_id, name), (own, of_agent), (asked_for, of_request) = (sage.provider(admin, fake_llm) for _ in range(3))
    agent = sage.agent(admin, provider_id, fast_llm_provider_id=own)
    for more, judge in (({}, of_agent), ({"fast_provider_id": asked_for}, of_request)):
        tried = {n: len(fake_llm.requests_for(n)) for n in (name, of_agent, of_request)}
        fake_llm.script(judge, Reply('{"decision": "completed", "reason": "done"}'))
        run = chat(admin, say("Hi", agent, **more))
        assert run.text == f"Hello from {name}."
        asked = {n: len(fake_llm.requests_for(n)) - tried[n] for n in tried}
        assert asked == {name: 1, of_agent: 0, of_request: 0, judge: 1}
        assert [s["model"] for s in run.usage["per_step_info"]] == [name, judge]
    r = admin.post("/api/chat", json=say("Hi", agent, fast_provider_id="nobody"))
    sage.error(r, 500, detail="LLM provider not found: nobody")
    fake_llm.script(name, Reply("Alone."), Reply('{"decision": "completed", "reason": "done"}'))
    sage.full(admin.delete(f"/api/llm-provider/delete/{own}"))
    assert chat(admin, say("Hi", agent)).text == "Alone."


def test_anonymous_callers_may_be_kept_out(start_server, fake_llm):
    running = start_server(env={"SLUICE_AUTH_ANONYMOUS": "no"})
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider_id), unique("s")
    body = say("Hi", agent, session)
    shared = f"/api/share/conversations/{session}/messages"
    stranger, tried = running.client(), len(fake_llm.requests_for(name))
    for path in ("/api/chat", "/api/stream"):
        sage.error(stranger.post(path, json=body), 401, "Unauthorized", "missing auth session")
        sage.error(running.client(token="nonsense").post(path, json=body), 401)
        sage.error(stranger.get(path), 401, "Unauthorized", "missing auth session")
    assert len(fake_llm.requests_for(name)) == tried
    fake_llm.always(name, Reply("Hello."))
    assert chat(admin, body).ended
    sage.error(stranger.get(shared), 401, "Unauthorized", "missing auth session")
    assert sage.full(admin.get(shared))["messages"]
    for path in ("/api/health", "/api/system/info", "/api/auth/providers"):
        assert stranger.get(path).status_code == 200, path


def test_anonymous_callers_may_chat_where_nothing_else_is_said(server, admin, anonymous, fake_llm):
    provider_id, name = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider_id), unique("s")
    fake_llm.always(name, Reply("Hello."))
    assert chat(anonymous, say("Hi", agent, session)).ended
    assert chat(anonymous, say("Hi", agent, unique("s")), path="/api/stream").ended
    assert sage.full(anonymous.get(f"/api/share/conversations/{session}/messages"))["messages"]


def test_the_model_is_told_what_is_in_the_workspace(admin, fake_llm):
    provider_id, name = sage.provider(admin, fake_llm)
    agent, tried = sage.agent(admin, provider_id, availableTools=["file_write"]), len(fake_llm.requests_for(name))
    call = Call("file_write", {"file_path": "notes/today.md", "content": "x"}, id="a")
    fake_llm.script(name, Reply(tool_calls=[call]), Reply("Written."), Reply("Seen."))
    session = unique("s")
    assert chat(admin, say("Write", agent, session)).ended and chat(admin, say("Look", agent, session)).ended
    first, second, third = (r.body["messages"] for r in fake_llm.requests_for(name)[tried:])
    assert "<workspace_files>" not in json.dumps(first)  # there is nothing yet
    assert first[1] == second[1]  # made once for a message, so that the provider can cache what is in front
    told = third[-1]["content"]
    assert "</system_context>\n<workspace_files>\nFile status in current workspace /" in told
    assert ":\nnotes/\n  today.md\n</workspace_files>\n</runtime_context>\n\n<user_request>\nLook\n</user_request>" in told


def test_long_conversations_are_compressed(admin, fake_llm):
    provider_id, name = sage.provider(admin, fake_llm, max_model_len=16000)
    agent = sage.agent(admin, provider_id, availableTools=["grep"])
    session = unique("s")
    fake_llm.always(name, Reply("word " * 1200, usage=None))
    for turn in range(12):
        run = chat(admin, say(f"turn {turn}: tell me more", agent, session))
        assert run.ended
    found = [r.body["messages"] for r in fake_llm.requests_for(name)]
    sizes = [len(json.dumps(m)) for m in found]
    assert max(sizes) < 16000 * 8
    summaries = [m for m in sage.history(admin, session)["messages"] if (m.get("metadata") or {}).get("compression_anchor")]
    assert summaries, "nothing was compressed"
    call = [m for m in summaries if m["role"] == "assistant"][0]["tool_calls"][0]
    assert call["function"]["name"] == "compress_conversation_history" and call["id"].startswith("auto_compress_")
    assert "turn 0" in json.dumps(sage.history(admin, session))  # the originals stay


# --------------------------------------------------------------------------------------------- what the model server does


def failure_of(run):
    """The chunk that tells the user, followed by a proper end."""
    (chunk,) = run.of("final_answer")
    assert chunk["role"] == "assistant" and chunk["session_id"]
    assert [m["type"] for m in run.lines[-2:]] == ["token_usage", "stream_end"], run.lines
    return chunk["content"]


@pytest.mark.parametrize(
    "fail, text",
    [
        (Fail(401, "Incorrect API key provided"), "API authentication failed. Check whether the API key is correct"),
        (
            Fail(404, "The model `x` does not exist", code="model_not_found"),
            "The selected model does not exist or is unavailable. Check the model configuration",
        ),
        (
            Fail(402, "insufficient quota", code="insufficient_quota"),
            "API quota is insufficient. Check the account balance or quota settings",
        ),
    ],
    ids=["401", "404", "quota"],
)
def test_a_refusal_is_told_and_stored(admin, bot, fake_llm, fail, text):
    agent, model = bot
    fake_llm.always(model, fail)
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    assert failure_of(run) == f"Workflow execution failed: {text}"
    assert [m["content"] for m in sage.history(admin, session)["messages"]][-1] == f"Workflow execution failed: {text}"


@pytest.mark.parametrize(
    "language, text",
    [
        ("zh-CN", "工作流执行失败：API 认证失败，请检查 API Key 是否正确"),
        ("pt-BR", "Falha na execução do fluxo: Falha na autenticação da API. Verifique se a chave da API está correta"),
    ],
)
def test_a_refusal_is_told_in_the_language_of_the_answer(admin, bot, fake_llm, language, text):
    agent, model = bot
    fake_llm.always(model, Fail(401, "Incorrect API key provided"))
    assert failure_of(chat(admin, say("Hi", agent, system_context={"response_language": language}))) == text


def test_an_unknown_refusal_is_told_in_its_own_words_without_the_key(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.always(model, Fail(400, "strange: sk-fake-key-0001 is odd " + "x" * 500))
    text = failure_of(chat(admin, say("Hi", agent)))
    assert "strange" in text and "sk-fake-key-0001" not in text and len(text) < 300


@pytest.mark.parametrize("fail", [Fail(429, "slow down", retry_after=1), Fail(500, "oops"), Fail(503, body="<html>")])
def test_passing_trouble_is_retried(admin, bot, fake_llm, fail):
    agent, model = bot
    fake_llm.script(model, fail, Reply("Here I am."))
    began = time.monotonic()
    run = chat(admin, say("Hi", agent))
    assert run.text == "Here I am." and run.ended and not run.of("final_answer")
    if fail.status == 429:
        assert time.monotonic() - began >= 0.9


def test_a_connection_that_dies_before_the_answer_is_retried(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Raw(b""), Reply(disconnect_after=0), Reply("Here I am."))
    assert chat(admin, say("Hi", agent)).text == "Here I am."


@pytest.mark.parametrize("fault", ["truncate_after", "disconnect_after"])
def test_an_answer_that_breaks_off_is_an_error_that_is_seen(admin, bot, fake_llm, fault):
    agent, model = bot
    fake_llm.script(model, Reply("one two three four five", **{fault: 3}))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    assert run.text.startswith("one two") and run.of("agent_execution_error") + run.of("final_answer"), run.lines
    assert run.ended and len([r for r in fake_llm.requests_for(model) if r.body.get("tools")]) == 1
    stored = [m for m in sage.history(admin, session)["messages"] if m["role"] == "assistant"]
    assert "one two" in json.dumps(stored)
    # and the session is not stuck
    fake_llm.script(model, Reply("Again."))
    assert chat(admin, say("Hi", agent, session)).text == "Again."


def test_a_half_streamed_tool_call_is_discarded(admin, bot, fake_llm):
    agent, model = bot
    call = Call("file_write", {"file_path": "half.txt", "content": "x" * 400}, id="c", fragments=8)
    fake_llm.script(model, Reply("Now. ", tool_calls=[call], truncate_after=6))
    session = unique("s")
    run = chat(admin, say("Hi", agent, session))
    result = run.results["c"]
    assert json.loads(result["content"])["status"] == "discarded" and result["metadata"]["partial_stream_discarded"] is True
    assert run.of("agent_execution_error") and run.ended
    fake_llm.script(model, Reply("Fine."))
    assert chat(admin, say("Go on", agent, session)).text == "Fine."
    for m in fake_llm.requests_for(model)[-1].body["messages"]:
        for c in m.get("tool_calls") or []:
            json.loads(c["function"]["arguments"])


def test_events_in_one_giant_write_are_all_there(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply([f"{n:05d} " + "x" * 500 + " " for n in range(1000)], giant=1 << 22))
    run = chat(admin, say("Hi", agent), timeout=60)
    assert re.findall(r"\d{5}", run.text) == [f"{n:05d}" for n in range(1000)] and run.ended


def test_the_client_that_leaves_ends_the_run(server, admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply("word " * 200, delay=0.05))
    session = unique("s")
    with open_stream(admin, "/api/chat", say("Hi", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
    fake_llm.wait_gone(fake_llm.requests_for(model)[-1])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        messages = sage.history(admin, session)["messages"]
        if any("word" in (m.get("content") or "") for m in messages if m["role"] == "assistant"):
            break
        time.sleep(0.1)
    assert any("word" in (m.get("content") or "") for m in messages if m["role"] == "assistant")
    assert chat(admin, say("Again", agent, session)).text == f"Hello from {model}."


def test_a_model_that_hangs_is_left_when_the_client_leaves(admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Hang())
    with sage.asking(admin, "/api/chat", say("Hi", agent)):
        request = fake_llm.wait_for(model, 2)[-1]  # the first one was the probe of the provider
    fake_llm.wait_gone(request)


# ------------------------------------------------------------------------------------------------- refused before the run


def test_chat_needs_an_agent_and_messages(admin, bot):
    sage.invalid(admin.post("/api/chat", json={"messages": []}), "body", "agent_id", kind="missing")
    sage.invalid(admin.post("/api/chat", json={"agent_id": bot[0]}), "body", "messages", kind="missing")
    sage.invalid(admin.post("/api/chat", json={"agent_id": bot[0], "messages": [{"content": "x"}]}), "body", "messages", 0, "role")


@pytest.mark.parametrize(
    "message, why",
    [
        ({"role": "user"}, "a message has neither content nor reasoning_content"),
        ({"role": "user", "content": 7}, "a message has neither content nor reasoning_content"),
        ({"role": "user", "content": ["x"]}, "the parts of a content must be objects"),
        ({"role": "tool", "content": "x"}, "messages of role tool cannot be sent"),
    ],
)
def test_messages_that_say_nothing_are_named(admin, bot, message, why):
    r = admin.post("/api/chat", json={"agent_id": bot[0], "messages": [message]})
    (item,) = sage.invalid(r, "body", "messages", kind="value_error")
    assert item["msg"] == "Value error, " + why


def test_no_messages(admin, bot, server):
    sage.error(admin.post("/api/chat", json={"agent_id": bot[0], "messages": []}), 500, "Message list cannot be empty")
    chinese = server.client(token=admin.headers["authorization"].split()[1], english=False)
    sage.error(chinese.post("/api/chat", json={"agent_id": bot[0], "messages": []}), 500, "消息列表不能为空")
    r = admin.post("/api/stream", json={"messages": [], "max_loop_count": 3})
    sage.error(r, 500, "Message list cannot be empty")


def test_unknown_agent(admin):
    sage.error(admin.post("/api/chat", json=say("Hi", "agent_00000000")), 500, "Agent does not exist")


def test_unknown_provider(admin, bot):
    r = admin.post("/api/chat", json=say("Hi", bot[0], provider_id="nope"))
    sage.error(r, 500, detail="LLM provider not found: nope")


def test_no_default_provider(start_server):
    running = start_server(with_model=False, env={"SLUICE_DEMO_MODEL": "0"})
    admin = running.login()
    agent = sage.agent(admin)
    r = admin.post("/api/chat", json=say("Hi", agent))
    sage.error(r, 500, "Default LLM provider not found", "Default LLM provider not found")


def test_anonymous_callers_may_use_chat_but_not_as_somebody_else(anonymous, admin, user, bot):
    run = chat(anonymous, say("Hi", bot[0]))
    assert run.ended
    victim = user()
    session = unique("s")
    chat(anonymous, say("Hi", bot[0], session, user_id=victim.id))
    listed = sage.full(victim.client.get("/api/conversations"))["list"]
    assert session not in [c["session_id"] for c in listed]


def test_another_users_private_agent_cannot_be_run(admin, user, bot):
    r = user().client.post("/api/chat", json=say("Hi", bot[0]))
    assert r.status_code == 500 and r.json()["success"] is False, r.text


def test_another_users_session_cannot_be_continued(admin, user, bot, fake_llm):
    session = unique("s")
    secret = unique("secret")
    chat(admin, say(f"My secret is {secret}", bot[0], session))
    someone = user()
    agent = sage.agent(someone.client)
    r = someone.client.post("/api/chat", json=say("What is the secret?", agent, session))
    assert r.status_code in (403, 404, 500), r.text
    assert secret not in json.dumps([x.body for x in fake_llm.requests_for("system-model")])


# --------------------------------------------------------------------------------------------------------- /api/stream


def test_stream_without_an_agent(admin, user, fake_llm):
    body = {
        "messages": [{"role": "user", "content": "ping"}],
        "session_id": unique("s"),
        "agent_mode": "simple",
        "max_loop_count": 20,
        "system_prefix": "You are TERSE-9.",
        "available_tools": ["file_read", "grep"],
        "llm_model_config": {"temperature": 0.2},
        "system_context": {"response_language": "en-US"},
    }
    run = chat(admin, body, path="/api/stream")
    assert run.text == "Hello from system-model."
    request = fake_llm.requests_for("system-model")[-1]
    assert "TERSE-9" in json.dumps(request.body["messages"]) and request.body["temperature"] == 0.2
    assert {"file_read", "grep"} <= set(request.tools) and "file_write" not in request.tools


def test_stream_needs_a_loop_limit(admin):
    r = admin.post("/api/stream", json={"messages": [{"role": "user", "content": "ping"}]})
    sage.error(r, 400, "max_loop_count must be provided explicitly", "Missing required field: max_loop_count")


def test_stream_refuses_an_unknown_mode(admin):
    body = {"messages": [{"role": "user", "content": "x"}], "max_loop_count": 2, "agent_mode": "hive"}
    sage.invalid(admin.post("/api/stream", json=body), "body", "agent_mode")


def test_stream_requests_win_over_the_agent_where_they_should(admin, model, fake_llm):
    provider_id, name = model
    agent = sage.agent(admin, provider_id, maxLoopCount=9, systemPrefix="AGENT-PREFIX", availableTools=["grep"])
    fake_llm.script(name, *[Reply(tool_calls=[Call("grep", {"pattern": str(n)})]) for n in range(9)])
    body = say("Hi", agent, max_loop_count=2, system_prefix="REQUEST-PREFIX", available_tools=["file_write"])
    run = chat(admin, body, path="/api/stream")
    assert run.of("assistant_text")[0]["metadata"]["max_loop_count"] == 2
    request = fake_llm.requests_for(name)[-1]
    assert "AGENT-PREFIX" in json.dumps(request.body) and "REQUEST-PREFIX" not in json.dumps(request.body)
    assert "file_write" not in request.tools


def test_tool_progress_is_sent_by_stream_only(admin, bot, fake_llm):
    agent, model = bot
    shell = Call("execute_shell_command", {"command": "for i in 1 2 3; do echo line $i; sleep 0.2; done"}, id="c")
    for path, wanted in (("/api/stream", True), ("/api/chat", False), ("/api/web-stream", False)):
        fake_llm.script(model, Reply(tool_calls=[shell]), Reply("ok"))
        run = chat(admin, say("Run", agent), path=path)
        if json.loads(run.results["c"]["content"]).get("error_code") == "SANDBOX_ERROR":
            pytest.skip("no sandbox on this machine")
        progress = run.of("tool_progress")
        assert bool(progress) is wanted, path
        if wanted:
            assert set(progress[0]) == {"type", "session_id", "tool_call_id", "text", "stream", "closed", "ts"}
            assert "".join(p["text"] for p in progress) == "line 1\nline 2\nline 3\n"
            assert progress[-1]["closed"] is True and progress[0]["tool_call_id"] == "c"


def test_rules_for_commands_come_with_the_request_and_before_those_of_the_context(admin, bot, fake_llm):
    agent, model = bot
    context = {"command_policy": {"rules": [], "default_action": "allow"}}
    policy = {"rules": [{"action": "deny", "match": {"base": "ls"}, "category": "no_listing", "reason": "House rule"}]}
    for more, blocked in (({"command_policy": policy}, True), ({}, False)):
        fake_llm.script(model, Reply(tool_calls=[Call("execute_shell_command", {"command": "ls"}, id="c")]), Reply("ok"))
        run = chat(admin, say("Run", agent, system_context=context, sandbox_approval_mode="on-request", **more), path="/api/stream")
        result = json.loads(run.results["c"]["content"])
        assert (result.get("error_code") == "SAFETY_BLOCKED") is blocked, result
        if blocked:
            assert (result["policy_action"], result["policy_category"], result["policy_reason"]) == ("deny", "no_listing", "House rule")
            assert result["policy_approval_mode"] == "on-request"
        sent = json.dumps(fake_llm.requests_for(model)[-1].body["messages"])
        assert "no_listing" not in sent.replace(json.dumps(run.results["c"]["content"])[1:-1], "")


def test_a_busy_session_refuses_a_second_run(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply("word " * 100, delay=0.05))
    with open_stream(admin, "/api/chat", say("Hi", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        for path in ("/api/chat", "/api/stream"):
            r = admin.post(path, json=say("Again", agent, session))
            text = "The conversation is already running. Call interrupt first or use a different session ID"
            sage.error(r, 500, text)


# ----------------------------------------------------------------------------------------------------------- anthropic


def anthropic(admin, fake):
    """A model behind an Anthropic provider, made through the LangBot face; its id in the Sage list."""
    name = unique("claude")
    made = admin.post(
        "/api/v1/provider/providers",
        json={"name": name, "requester": "anthropic-messages", "base_url": fake.origin, "api_keys": ["sk-ant-1"]},
    ).json()["data"]["uuid"]
    r = admin.post("/api/v1/provider/models/llm", json={"name": name, "provider_uuid": made, "abilities": ["func_call"]})
    assert r.json()["code"] == 0, r.text
    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    return found["id"], name


def test_an_anthropic_model_streams_thinks_and_calls_tools(admin, fake_llm):
    provider_id, name = anthropic(admin, fake_llm)
    agent = sage.agent(admin, provider_id, systemPrefix="You are CLAUDIUS.")
    calls = [Call("glob", {"pattern": "*"}, id="toolu_1"), Call("todo_read", {}, id="toolu_2")]
    fake_llm.script(name, Reply("Looking. ", reasoning="hm hm", tool_calls=calls, usage=(9, 4)), Reply("Nothing there.", usage=(20, 6)))
    run = chat(admin, say("Look", agent))
    assert run.reasoning == "hm hm" and run.text == "Looking. Nothing there." and run.ended
    assert [(i, n) for i, n, _ in run.calls] == [("toolu_1", "glob"), ("toolu_2", "todo_read")]
    assert run.usage["total_info"]["total_tokens"] == 39
    first, second = fake_llm.requests_for(name)[-2:]
    assert first.headers["x-api-key"] == "sk-ant-1" and first.headers["anthropic-version"]
    assert "CLAUDIUS" in json.dumps(first.body["system"]) and first.body["max_tokens"] > 0
    assert all("input_schema" in t for t in first.body["tools"])
    kinds = [[b["type"] for b in m["content"]] if isinstance(m["content"], list) else m["content"] for m in second.body["messages"]]
    assert ["tool_result", "tool_result"] in kinds, kinds
    assert [m["role"] for m in second.body["messages"]] == ["user", "assistant", "user"]


def test_an_anthropic_stream_that_breaks_off_is_told(admin, fake_llm):
    provider_id, name = anthropic(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    fake_llm.script(name, Reply("one two three four", truncate_after=5))
    run = chat(admin, say("Hi", agent))
    assert run.ended and (run.of("agent_execution_error") or run.of("final_answer"))


# ---------------------------------------------------------------------------------------------------------------- demo


def test_the_demo_model_answers_without_any_configuration(start_server):
    running = start_server(with_model=False)
    admin = running.login()
    agent = sage.agent(admin)
    run = chat(admin, say("Hello, who are you?", agent))
    assert run.ended and "demo" in run.text.lower()
