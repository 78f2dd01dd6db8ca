# SPDX-License-Identifier: MIT
"""Signed thinking of Anthropic's models: it goes back as it came while the model works with tools, and to nobody else."""
import sage
from fake_llm import Call, Reply
from sage import chat, claude, say, unique

SIGNATURE = "EqQBCgIYAhIM/+abc123=="
THINK = "<enable_deep_thinking>true</enable_deep_thinking>"


def assistants(request):
    return [m["content"] for m in request.body["messages"] if m["role"] == "assistant"]


def test_thinking_goes_back_unchanged_before_the_results_of_tools(server, admin, fake_llm):
    agent, name = claude(admin, fake_llm)
    session = unique("s")
    fake_llm.script(
        name,
        Reply("", reasoning='hm "é" hm', signature=SIGNATURE, redacted="Emwkcmk=", tool_calls=[Call("glob", {"pattern": "*"}, id="toolu_1")]),
        Reply("More. ", reasoning="and on", signature="second==", tool_calls=[Call("todo_read", {}, id="toolu_2")]),
        Reply("Done."),
    )
    run = chat(admin, say(THINK + "Look", agent, session))
    assert run.ended and run.text == "More. Done."
    first, second, third = fake_llm.requests_for(name)[-3:]
    assert all(r.body["thinking"]["type"] == "enabled" for r in (first, second, third))
    blocks = [{"type": "redacted_thinking", "data": "Emwkcmk="}, {"type": "thinking", "thinking": 'hm "é" hm', "signature": SIGNATURE}]
    (content,) = assistants(second)
    assert content[:2] == blocks and content[2]["type"] == "tool_use", content
    before, content = assistants(third)
    assert before[:2] == blocks and content[0] == {"type": "thinking", "thinking": "and on", "signature": "second=="}
    assert [b["type"] for b in content] == ["thinking", "text", "tool_use"]

    # a person has spoken: what was thought before is over, and no client sees signatures
    fake_llm.script(name, Reply("Yes."))
    assert chat(admin, say(THINK + "And now?", agent, session)).text == "Yes."
    request = fake_llm.requests_for(name)[-1]
    assert request.body["thinking"]["type"] == "enabled" and "signature" not in str(request.body["messages"])
    assert SIGNATURE not in str(sage.history(admin, session)) and SIGNATURE not in run.raw.decode()
    assert any(SIGNATURE in body for (body,) in server.rows("SELECT body FROM message")), "it is stored with the message"


def test_without_thinking_nothing_of_it_is_sent(admin, fake_llm):
    agent, name = claude(admin, fake_llm)
    fake_llm.script(name, Reply("", reasoning="hm", tool_calls=[Call("glob", {"pattern": "*"}, id="toolu_1")]), Reply("Done."))
    assert chat(admin, say("Look", agent)).text == "Done."
    second = fake_llm.requests_for(name)[-1]
    assert "thinking" not in second.body and [b["type"] for b in assistants(second)[0]] == ["tool_use"]
