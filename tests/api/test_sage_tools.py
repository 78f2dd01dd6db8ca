# SPDX-License-Identifier: MIT
"""/api/tools and /api/tools/exec: the builtin tools as a list, and called without a conversation."""
import json

import pytest

import sage
from fake_llm import Reply

REQUIRED = {
    "file_read": ["file_path"],
    "file_write": ["file_path", "content"],
    "file_update": ["file_path", "operations"],
    "grep": ["pattern"],
    "glob": ["pattern"],
    "list_dir": [],
    "todo_write": ["tasks"],
    "todo_read": [],
    "fetch_webpages": ["urls"],
    "execute_shell_command": ["command"],
}


def tools(client, **query):
    return sage.full(client.get("/api/tools", params=query))["tools"]


def execute(client, name, arguments=None, **more):
    return client.post("/api/tools/exec", json={"tool_name": name, "arguments": arguments or {}, **more})


def test_the_list(admin):
    r = admin.get("/api/tools")
    found = {t["name"]: t for t in sage.full(r)["tools"]}
    assert r.json()["message"] == "Tool list loaded"
    for name, required in REQUIRED.items():
        t = found[name]
        assert {"name", "description", "parameters", "required", "input_schema", "type", "source", "user_id", "server_kind"} <= set(t)
        assert sorted(t["required"]) == sorted(required), name
        assert t["type"] == "basic" and t["source"] == "基础工具" and t["user_id"] == "" and t["server_kind"] == ""
        assert t["input_schema"]["type"] == "object" and t["input_schema"]["properties"] == t["parameters"]
        assert t["description"]
        for parameter in t["parameters"].values():
            assert parameter["type"] and parameter["description"]
    assert not {"turn_status", "await_shell", "kill_shell"} & set(found)


def test_everybody_sees_the_builtin_ones(user):
    assert set(REQUIRED) <= {t["name"] for t in tools(user().client)}


def test_the_filter_by_type(admin):
    assert {t["type"] for t in tools(admin, type="basic")} == {"basic"}
    assert tools(admin, type="mcp") == []
    assert tools(admin, type="undefined", language="undefined") == tools(admin, type="null", language="null") == tools(admin)


def test_descriptions_in_the_language_asked_for(admin):
    english = {t["name"]: t["description"] for t in tools(admin)}
    assert english["grep"].startswith("Searches the text")
    for language, word in (("zh", "搜索"), ("zh-CN", "搜索"), ("pt", "Pesquisa"), ("fr", "Searches")):
        found = {t["name"]: t["description"] for t in tools(admin, language=language)}
        assert set(english) == set(found) and word in found["grep"], language
    for headers, word in (
        ({"x-accept-language": "pt", "accept-language": "zh-CN"}, "Pesquisa"),
        ({"accept-language": "fr, pt-BR;q=0.9"}, "Pesquisa"),
        ({"accept-language": "zh-CN,zh;q=0.9"}, "搜索"),
        ({"accept-language": "fr"}, "Searches"),
    ):
        found = {t["name"]: t for t in sage.full(admin.get("/api/tools", headers=headers))["tools"]}
        assert word in found["grep"]["description"], headers
        pattern = found["grep"]["parameters"]["pattern"]
        assert set(pattern["description_i18n"]) == {"zh", "en", "pt"}
        assert pattern["description"] in pattern["description_i18n"].values()


def test_models_hear_of_tools_in_the_language_of_the_answer(admin, fake_llm):
    provider_id, name = sage.provider(admin, fake_llm)
    agent, tried = sage.agent(admin, provider_id, availableTools=["grep"]), len(fake_llm.requests_for(name))
    fake_llm.always(name, Reply("ok"))
    for language in ("zh-CN", "pt-BR", "en-US"):
        body = sage.say("Hi", agent, system_context={"response_language": language})
        assert sage.chat(admin, body).ended
    told = [r.body["tools"][0]["function"] for r in fake_llm.requests_for(name)[tried:]]
    assert [t["description"].split()[0] for t in told] == ["用正则表达式搜索工作区文件的内容。", "Pesquisa", "Searches"]
    assert [t["parameters"]["properties"]["pattern"]["description"][:5] for t in told] == ["正则表达式", "Expre", "Regul"]
    assert "description_i18n" not in json.dumps(told)


def test_exec_answers_the_result_in_its_five_forms(admin):
    r = execute(admin, "todo_read")
    data = sage.full(r)
    assert r.json()["message"] == "Tool executed successfully"
    assert set(data) == {"raw_text", "parsed", "content", "formatted_text", "tool_response"}
    assert data["content"] == data["parsed"] and data["raw_text"] == data["tool_response"]
    json.loads(data["raw_text"])


def test_exec_takes_tool_params_and_arguments(admin):
    a = sage.full(admin.post("/api/tools/exec", json={"tool_name": "grep", "arguments": {"pattern": "zzz"}}))
    b = sage.full(admin.post("/api/tools/exec", json={"tool_name": "grep", "tool_params": {"pattern": "zzz"}}))
    assert a["parsed"].get("success") == b["parsed"].get("success")
    assert "Missing required" not in json.dumps(a) + json.dumps(b)


def test_exec_of_an_unknown_tool(admin):
    sage.error(execute(admin, "rm_rf"), 500, "Tool not found", "Tool 'rm_rf' not found")


def test_exec_names_what_is_missing(admin):
    parsed = sage.full(execute(admin, "grep"))["parsed"]
    assert parsed["success"] is False and parsed["status"] == "error"
    assert parsed["error"] == "Missing required parameters: pattern"
    assert parsed["required_params"] == ["pattern"] and parsed["provided_params"] == []


def test_exec_needs_a_name_and_objects(admin):
    sage.invalid(admin.post("/api/tools/exec", json={}), "body", "tool_name", kind="missing")
    sage.invalid(admin.post("/api/tools/exec", json={"tool_name": "grep", "arguments": []}), "body", "arguments")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://localhost/", "http://169.254.169.254/latest", "http://[::1]/",
                                 "http://0.0.0.0/", "http://2130706433/", "file:///etc/passwd", "gopher://x/"])  # fmt: skip
def test_fetching_stays_off_private_addresses(admin, url):
    parsed = sage.full(execute(admin, "fetch_webpages", {"urls": [url], "retries": 0}))["parsed"]
    text = json.dumps(parsed)
    assert "root:" not in text
    for result in parsed.get("results", []):
        assert result["status"] != "success", result


def test_fetching_a_page(start_server, fake_llm):
    fake_llm.page("/page", "<html><title>T</title><body><h1>Head</h1><p>Some text</p><script>bad()</script></body></html>")
    admin = start_server(env={"SLUICE_ALLOW_PRIVATE_NETWORKS": "1"}).login()
    parsed = sage.full(execute(admin, "fetch_webpages", {"urls": [fake_llm.origin + "/page"]}))["parsed"]
    text = json.dumps(parsed)
    if "session" in text.lower() and parsed.get("status") == "error":
        pytest.skip("the tool needs a conversation")
    assert "Some text" in text and "bad()" not in text


def test_a_redirect_to_a_private_address_is_not_followed(start_server, fake_llm):
    fake_llm.page("/secret", "top secret 99")
    fake_llm.page("/hop", "", status=302, headers=[("location", fake_llm.origin + "/secret")])
    admin = start_server().login()
    parsed = sage.full(execute(admin, "fetch_webpages", {"urls": [fake_llm.origin + "/hop"], "retries": 0}))["parsed"]
    assert "top secret" not in json.dumps(parsed)
