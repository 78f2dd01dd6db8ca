# SPDX-License-Identifier: MIT
"""Conversations: the list, the messages, titles, edit and rerun, deletion, the shared view."""
import hashlib
import json
import os
import re
import time

import httpx
import pytest

import sage
from fake_llm import Call, Reply
from sage import chat, history, say, unique


def listed(client, **query):
    return sage.full(client.get("/api/conversations", params=query))


@pytest.fixture
def talk(admin, bot):
    """A conversation of one turn: (session, agent, model)."""
    session = unique("talk")
    chat(admin, say("Compare the two", bot[0], session))
    return session, *bot


def test_the_list(admin, talk):
    session, agent, _ = talk
    data = listed(admin, search=session)
    assert {"list", "total", "page", "page_size", "total_pages", "has_next", "has_prev"} <= set(data)
    assert "user_id" not in data  # absent for admins
    (item,) = data["list"]
    assert data["total"] == 1 and data["total_pages"] == 1 and data["has_next"] is False and data["has_prev"] is False
    assert item["session_id"] == session and item["agent_id"] == agent and item["title"] == "Compare the two"
    assert item.get("trace_id") in (None, hashlib.md5(session.encode()).hexdigest()) and "trace_url" not in item
    assert (item["message_count"], item["user_count"], item["agent_count"]) == (2, 1, 1)
    for key in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", item[key])
    assert None not in item.values()


def test_pages(user):
    someone = user()
    agent = sage.agent(someone.client)
    sessions = [unique("page") for _ in range(5)]
    for s in sessions:
        chat(someone.client, say("x", agent, s))
    first = listed(someone.client, page=1, page_size=2)
    assert (first["total"], first["total_pages"], first["has_next"], first["has_prev"]) == (5, 3, True, False)
    assert first["user_id"] == someone.id
    last = listed(someone.client, page=3, page_size=2)
    assert len(last["list"]) == 1 and last["has_next"] is False and last["has_prev"] is True
    pages = [listed(someone.client, page=p, page_size=2)["list"] for p in (1, 2, 3)]
    assert [i["session_id"] for page in pages for i in page] == sessions[::-1]
    assert listed(someone.client, page=9)["list"] == []


def test_an_empty_list(user):
    data = listed(user().client)
    assert data["list"] == [] and data["total"] == 0 and data["total_pages"] == 0


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page_size=0", "page_size=101", "page=x"])
def test_pages_out_of_range(admin, query):
    sage.invalid(admin.get("/api/conversations?" + query), "query", query.split("=")[0])


def test_search_by_title_and_agent(admin, bot):
    word = unique("needle").replace("-", "")
    a, b = unique("s"), unique("s")
    chat(admin, say(f"about {word} one", bot[0], a))
    other = sage.agent(admin)
    chat(admin, say(f"about {word} two", other, b))
    assert {i["session_id"] for i in listed(admin, search=word)["list"]} == {a, b}
    assert [i["session_id"] for i in listed(admin, search=word, agent_id=other)["list"]] == [b]
    titles = [i["title"] for i in listed(admin, search=word, sort_by="title")["list"]]
    assert titles == sorted(titles)
    assert listed(admin, search=word + "'; DROP TABLE x; --")["total"] == 0


@pytest.mark.parametrize("nothing", ["undefined", "null", ""])
def test_what_the_web_client_writes_for_nothing_filters_nothing(user, nothing):
    someone = user()
    session = unique("s")
    chat(someone.client, say("mine", sage.agent(someone.client), session))
    query = dict.fromkeys(["search", "agent_id", "sort_by", "user_id"], nothing)
    assert [i["session_id"] for i in listed(someone.client, **query)["list"]] == [session]


def test_users_see_their_own_only_and_admins_all(admin, user):
    one, two = user(), user()
    session = unique("s")
    chat(one.client, say("mine", sage.agent(one.client), session))
    assert [i["session_id"] for i in listed(one.client)["list"]] == [session]
    assert listed(two.client)["list"] == [] and listed(two.client, user_id=one.id)["list"] == []
    assert listed(admin, search=session)["total"] == 1


@pytest.mark.parametrize(
    "text, title",
    [
        ("x" * 60, "x" * 50 + "..."),
        ("  a \n b  ", "a b"),
        ("<enable_plan>false</enable_plan><skill>pdf</skill> Do <b>it</b>", "Do it"),
        ("<skill>pdf</skill>", "New conversation"),
    ],
)
def test_titles(admin, bot, text, title):
    session = unique("s")
    chat(admin, say(text, bot[0], session))
    assert listed(admin, search=session)["list"][0]["title"] == title


# ------------------------------------------------------------------------------------------------------------ messages


def test_messages(admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    call = Call("glob", {"pattern": "*.md"}, id="call_1", fragments=4)
    fake_llm.script(model, Reply("Looking. ", reasoning="hm", tool_calls=[call]), Reply("None."))
    chat(admin, say("Look", agent, session))
    data = history(admin, session)
    assert set(data) == {"conversation_id", "messages", "message_count", "next_stream_index", "conversation_info"}
    assert data["conversation_id"] == session and data["message_count"] == len(data["messages"]) == 4
    assert data["next_stream_index"] == 0 or isinstance(data["next_stream_index"], int)
    info = data["conversation_info"]
    assert {"session_id", "agent_id", "agent_name", "title", "created_at", "updated_at"} <= set(info)
    assert info["title"] == "Look" and info["agent_id"] == agent
    question, looking, result, answer = data["messages"]
    assert question["role"] == "user" and question["content"] == "Look" and question["type"] == "user_input"
    assert looking["content"].strip() == "Looking." and looking["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "glob", "arguments": call.text()}, **extra(looking)}
    ]
    assert result["role"] == "tool" and result["tool_call_id"] == "call_1" and isinstance(result["content"], str)
    assert answer["content"].strip() == "None."
    for m in data["messages"]:
        assert m["message_type"] == m["type"] and isinstance(m["is_final"], bool) and isinstance(m["is_chunk"], bool)
        assert m["chunk_id"] and m["session_id"] == session and isinstance(m["metadata"], dict)
        assert isinstance(m["timestamp"], float)


def extra(message):
    """The index of a stored call may or may not be there."""
    return {"index": 0} if "index" in message["tool_calls"][0] else {}


def test_the_live_message_ids_are_the_stored_ones(admin, bot):
    session = unique("s")
    run = chat(admin, say("Hi", bot[0], session))
    stored = {m["message_id"] for m in history(admin, session)["messages"]}
    assert {m["message_id"] for m in run.messages} <= stored


def test_a_message_with_a_known_id_is_replaced(admin, bot, fake_llm):
    session = unique("s")
    mid = "11111111-2222-4333-8444-" + hashlib.md5(session.encode()).hexdigest()[:12]
    body = {"agent_id": bot[0], "session_id": session, "messages": [{"role": "user", "content": "one", "message_id": mid}]}
    chat(admin, body)
    body["messages"][0]["content"] = "two"
    chat(admin, body)
    users = [m for m in history(admin, session)["messages"] if m["role"] == "user"]
    assert [(m["content"], m["message_id"]) for m in users] == [("two", mid)]


def test_unknown_conversations(admin):
    sage.error(admin.get("/api/conversations/nobody/messages"), 404, "Conversation nobody does not exist")
    sage.error(admin.post("/api/conversations/nobody/title", json={"title": "x"}), 500, "Conversation nobody does not exist")
    sage.error(admin.delete("/api/conversations/nobody"), 500, "Conversation nobody does not exist")


def test_another_users_conversation(talk, user, admin):
    session, *_ = talk
    other = user().client
    r = other.get(f"/api/conversations/{session}/messages")
    assert r.status_code in (403, 404, 500) and "Compare" not in r.text
    sage.error(other.delete(f"/api/conversations/{session}"), 500, "Not allowed to delete this conversation")
    r = other.post(f"/api/conversations/{session}/title", json={"title": "stolen"})
    assert r.status_code in (403, 404, 500), r.text
    assert history(admin, session)["conversation_info"]["title"] == "Compare the two"


def test_the_shared_view_needs_no_login(anonymous, admin, talk):
    session, *_ = talk
    assert sage.full(anonymous.get(f"/api/share/conversations/{session}/messages")) == history(admin, session)
    sage.error(anonymous.get("/api/share/conversations/nobody/messages"), 404, "Conversation nobody does not exist")


def test_a_conversation_too_large_to_show_says_so_and_goes_on(admin, bot, fake_llm):
    session = unique("large")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 12_000_000}}
    for i in range(3):
        content = [{"type": "text", "text": f"Picture {i}"}, picture, picture]
        chat(admin, {**say("x", bot[0], session), "messages": [{"role": "user", "content": content}]})
    r = admin.get(f"/api/conversations/{session}/messages")
    sage.error(r, 413, "The conversation is too large to be shown at once")
    chat(admin, say("And now?", bot[0], session))
    assert "And now?" in json.dumps(fake_llm.requests_for(bot[1])[-1].body["messages"][-1])


def test_unknown_shared_conversations_are_soon_not_looked_for(start_server):
    running = start_server()
    admin, link, session = running.login(), "/api/share/conversations/{}/messages", unique("session")
    chat(admin, say("Hi", sage.agent(admin), session))
    guest = running.client()
    elsewhere = running.client(transport=httpx.HTTPTransport(local_address="127.0.0.2"))
    for _ in range(40):
        sage.full(guest.get(link.format(session)))  # known ones do not count
    for i in range(30):
        sage.error(guest.get(link.format(f"session_{i}")), 404)
    r = guest.get(link.format("session_30"))
    sage.error(r, 429, "Too many requests. Try again later")
    assert 1 <= int(r.headers["retry-after"]) <= 3
    sage.error(guest.get(link.format(session)), 429)  # or the answer would tell which id there is
    sage.full(elsewhere.get(link.format(session)))
    assert admin.get(f"/api/conversations/{session}/messages").status_code == 200
    time.sleep(int(r.headers["retry-after"]))
    sage.full(guest.get(link.format(session)))


# ------------------------------------------------------------------------------------------------------- title, delete


def test_a_new_title(admin, talk):
    session, *_ = talk
    data = sage.full(admin.post(f"/api/conversations/{session}/title", json={"title": " New 标题 "}))
    assert data == {"session_id": session, "title": " New 标题 "}
    assert history(admin, session)["conversation_info"]["title"] == " New 标题 "


def test_delete(admin, talk):
    session, *_ = talk
    r = admin.delete(f"/api/conversations/{session}")
    assert sage.full(r) == {"session_id": session} and r.json()["message"] == f"会话 {session} 已删除"
    assert listed(admin, search=session)["total"] == 0
    sage.error(admin.get(f"/api/conversations/{session}/messages"), 404)


def test_an_administrator_reads_but_does_not_change_what_others_said(admin, user):
    someone = user()
    session = unique("s")
    chat(someone.client, say("mine", sage.agent(someone.client), session))
    url = f"/api/conversations/{session}"
    sage.error(admin.delete(url), 500, "Not allowed to delete this conversation")
    sage.error(admin.post(f"{url}/edit-last-user-message", json={"content": "x"}), 500, "Not allowed to edit this conversation")
    sage.error(admin.post(f"{url}/rerun-stream", json={}), 500, "Not allowed to rerun this conversation")
    assert [m["content"] for m in history(admin, session)["messages"]][0] == "mine"
    assert sage.full(someone.client.delete(f"/api/conversations/{session}")) == {"session_id": session}


def test_the_task_list_goes_with_its_conversation(server, admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    task = Call("todo_write", {"tasks": [{"id": "1", "content": "x"}]}, id="c")
    fake_llm.script(model, Reply(tool_calls=[task]), Reply("ok"))
    chat(admin, say("Plan", agent, session))
    lists = lambda: [n for _, _, names in os.walk(server.data) for n in names if session in n]  # noqa: E731
    assert lists() == [f"TODO_LIST_{session}.md"]
    sage.full(admin.delete(f"/api/conversations/{session}"))
    assert lists() == []


def test_a_deleted_conversation_begins_anew(admin, talk, fake_llm):
    session, agent, model = talk
    admin.delete(f"/api/conversations/{session}")
    chat(admin, say("Fresh", agent, session))
    assert "Compare" not in json.dumps(fake_llm.requests_for(model)[-1].body)


# ------------------------------------------------------------------------------------------------------ edit and rerun

EDIT, RERUN = "/api/conversations/{}/edit-last-user-message", "/api/conversations/{}/rerun-stream"


@pytest.fixture
def edit_is_served(admin):
    sage.skip_unless_served(admin, "POST", EDIT)
    sage.skip_unless_served(admin, "POST", RERUN)


def test_edit_the_last_user_message_and_rerun(edit_is_served, admin, talk, fake_llm):
    session, agent, model = talk
    before = history(admin, session)["messages"]
    data = sage.full(admin.post(f"/api/conversations/{session}/edit-last-user-message", json={"content": "New text"}))
    assert data["session_id"] == session and data["title"] == "New text" and data["message_count"] == 1
    assert data["last_user_message"]["content"] == "New text"
    assert data["last_user_message"]["message_id"] == before[0]["message_id"]
    assert [m["content"] for m in history(admin, session)["messages"]] == ["New text"]
    fake_llm.script(model, Reply("Rerun answer."))
    run = chat(admin, {"agent_id": agent, "max_loop_count": 5}, path=f"/api/conversations/{session}/rerun-stream")
    assert run.text == "Rerun answer." and run.ended
    sent = [m for m in fake_llm.requests_for(model)[-1].body["messages"] if m["role"] == "user"]
    assert len(sent) == 1 and "New text" in sent[0]["content"]
    assert [m["role"] for m in history(admin, session)["messages"]] == ["user", "assistant"]


def test_an_edit_must_say_something(edit_is_served, admin, talk):
    r = admin.post(f"/api/conversations/{talk[0]}/edit-last-user-message", json={"content": "  "})
    sage.error(r, 500, "Edited message cannot be empty")


def test_edits_that_are_refused(edit_is_served, admin, talk, user):
    sage.error(admin.post(EDIT.format("nobody"), json={"content": "x"}), 500, "Conversation nobody does not exist")
    r = user().client.post(EDIT.format(talk[0]), json={"content": "x"})
    sage.error(r, 500, "Not allowed to edit this conversation")


def test_rerun_of_another_users_conversation(edit_is_served, talk, user):
    r = user().client.post(f"/api/conversations/{talk[0]}/rerun-stream", json={})
    sage.error(r, 500, "Not allowed to rerun this conversation")


def test_a_rerun_with_guidance_adds_one_message(edit_is_served, admin, talk, fake_llm):
    session, agent, model = talk
    body = {"guidance_content": "Be brief", "guidance_id": f"g-{session}"}
    run = chat(admin, body, path=RERUN.format(session))
    assert run.ended
    (added,) = [m for m in history(admin, session)["messages"] if m["content"] == "Be brief"]
    assert added["message_id"] == f"g-{session}" and added["type"] == "user_input"
    assert added["metadata"] == {"injected": True, "guidance_id": f"g-{session}", "source": "guidance"}
    sent = json.dumps(fake_llm.requests_for(model)[-1].body)
    assert "Be brief" in sent and "rerun_from_guidance" in sent


def test_an_edited_message_keeps_its_control_tags_for_the_rerun(edit_is_served, admin, talk, fake_llm):
    session, agent, model = talk
    text = "<enable_deep_thinking>false</enable_deep_thinking>Again"
    data = sage.full(admin.post(EDIT.format(session), json={"content": text}))
    assert data["title"] == "Again"
    chat(admin, {}, path=RERUN.format(session))
    assert history(admin, session)["messages"][0]["content"] == "Again"
    assert "enable_deep_thinking>" not in json.dumps(fake_llm.requests_for(model)[-1].body["messages"])


def test_an_edited_message_with_an_image_does_so_too(edit_is_served, admin, bot, fake_llm):
    agent, model = bot
    session, picture = unique("s"), {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    message = {"role": "user", "content": [picture, {"type": "text", "text": "Whose cat?"}]}
    assert chat(admin, {"messages": [message], "agent_id": agent, "session_id": session}).ended
    tagged = "<enable_deep_thinking>true</enable_deep_thinking>Whose dog?"
    assert sage.full(admin.post(EDIT.format(session), json={"content": tagged}))["title"] == "Whose dog?"
    assert chat(admin, {}, path=RERUN.format(session)).ended
    assert history(admin, session)["messages"][0]["content"] == [picture, {"type": "text", "text": "Whose dog?"}]
    assert fake_llm.requests_for(model)[-1].body["enable_thinking"] is True


def test_an_edit_ends_the_run_that_goes_on(edit_is_served, server, admin, bot, fake_llm):
    agent, model = bot
    session = unique("s")
    fake_llm.script(model, Reply("word " * 200, delay=0.1))
    with sage.open_stream(admin, "/api/web-stream", say("Old", agent, session)) as stream:
        stream.until(lambda line: line.get("type") == "do_subtask_result")
        data = sage.full(admin.post(EDIT.format(session), json={"content": "New"}))
        assert data["message_count"] == 1
        stream.finish()
    assert [m["content"] for m in history(admin, session)["messages"]] == ["New"]
    with sage.open_stream(admin, f"/api/stream/resume/{session}", method="GET") as stream:
        (line,) = stream.finish().lines
    assert line["type"] == "stream_end" and line["resume_fallback"] is True


def test_a_rerun_is_resumed_by_its_own_count_of_lines(edit_is_served, admin, talk, fake_llm):
    session, agent, model = talk
    shell = Call("execute_shell_command", {"command": "for i in 1 2 3; do echo line $i; sleep 0.2; done"}, id="c")
    fake_llm.script(model, Reply(tool_calls=[shell]), Reply("one two three"))
    run = chat(admin, {}, path=RERUN.format(session))
    if json.loads(run.results["c"]["content"]).get("error_code") == "SANDBOX_ERROR":
        pytest.skip("no sandbox on this machine")
    assert run.of("tool_progress") and run.ended
    for n in (0, 1, len(run.lines) // 2, len(run.lines) - 1):
        with sage.open_stream(admin, f"/api/stream/resume/{session}?last_index={n}", method="GET") as stream:
            assert stream.finish().lines == run.lines[n:], n


def test_a_rerun_needs_a_conversation_and_a_user_message(edit_is_served, admin):
    sage.error(admin.post(RERUN.format("nobody"), json={}), 500, "Conversation nobody does not exist")


def test_a_rerun_without_any_loop_limit(edit_is_served, admin, talk):
    session, *_ = talk
    r = admin.post(RERUN.format(session), json={"agent_id": "agent_00000000"})
    sage.error(r, 400, "max_loop_count must be provided explicitly", "Missing required field: max_loop_count")
    sage.invalid(admin.post(RERUN.format(session), json={"agent_mode": "odd"}), "body", "agent_mode")


# -------------------------------------------------------------------------------------------------------- other things


def test_a_deleted_conversation_cannot_be_resumed(admin, bot):
    session = unique("s")
    chat(admin, say("Secret", bot[0], session), path="/api/web-stream")
    sage.full(admin.delete(f"/api/conversations/{session}"))
    with sage.open_stream(admin, f"/api/stream/resume/{session}", method="GET") as stream:
        assert stream.finish().lines == []


def test_the_task_list_of_a_session(admin, talk, user):
    session, *_ = talk
    url = "/api/sessions/{}/tasks_status"
    r = admin.post(url.format(session))
    data = sage.full(r)
    assert data["session_id"] == session and data["tasks_status"] == {"tasks": []} and data["user_id"]
    assert r.json()["message"] == f"会话 {session} 状态获取成功"
    sage.error(admin.post(url.format("nobody")), 500, "Session nobody has completed or does not exist")
    r = user().client.post(url.format(session))
    sage.error(r, 500, f"Session {session} has completed or does not exist")


def test_a_conversation_keeps_its_agent_when_a_turn_names_none(admin, user, bot, fake_llm):
    session = unique("s")
    chat(admin, say("Hi", bot[0], session))
    before = history(admin, session)["conversation_info"]
    body = {"messages": [{"role": "user", "content": "On"}], "session_id": session, "max_loop_count": 3}
    chat(admin, body, path="/api/stream")
    after = history(admin, session)["conversation_info"]
    assert (after["agent_id"], after["agent_name"]) == (before["agent_id"], before["agent_name"])
