# SPDX-License-Identifier: MIT
"""Every case of tests/script/data, run by sluice-script itself."""
import itertools
import json
import re

import pytest

import cases
import runner

CASES = cases.all_cases()


def echo(request):
    """A service that answers with what it got."""
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        body = request.body.hex()
    return runner.Response({"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body})


def scripted(responses):
    """A service that gives these answers one after the other, the last one for ever."""
    answers = itertools.chain(responses, itertools.repeat(responses[-1]))

    def answer(request):
        r = next(answers)
        if r is None:
            return None
        if "error" in r:
            return r["error"]
        body = bytes.fromhex(r["hex"]) if "hex" in r else r["text"] if "text" in r else r.get("body", "")
        return runner.Response(body, r.get("status", 200), r.get("headers", []), r.get("url", ""))

    return answer


def matches(wanted, request):
    return (
        wanted.get("method", request.method) == request.method
        and wanted.get("url", request.url) == request.url
        and wanted.get("body", request.text) == request.text
        and wanted.get("hex", request.body.hex()) == request.body.hex()
        and wanted.get("timeout", request.timeout) == request.timeout
        and all(fits(v, request.header(n)) for n, v in wanted.get("headers", {}).items())
        and re.search(wanted.get("pattern", ""), request.text) is not None
    )


def fits(wanted, value):
    return value is None if wanted is None else value == wanted


@pytest.mark.parametrize("case", [c for _, c in CASES], ids=[i for i, _ in CASES])
def test_case(case):
    s = case.set
    if s.get("only") == "http":
        pytest.skip("needs the server")
    responses = s.get("response")
    internet = echo if responses is None else scripted(responses if isinstance(responses, list) else [responses])
    files = [runner.File(f["field"], f["name"], f["mime"], cases.input_bytes(f), f.get("list", False)) for f in s.get("files", [])]
    out = runner.run(
        case.code, internet, wall=s.get("wall", 20), cpu=s.get("cpu", 20), memory=s.get("memory", 128 << 20), files=files,
        **{k: s[k] for k in ("input", "auth", "env", "aliases", "last_poll", "warn", "check") if k in s},
    )
    cases.check_ending(case, out.status, out.message, out.value)
    for text in case.logs:
        assert any(text in line for line in out.logs), out.logs
    wanted = s.get("request", [])
    for w in wanted if isinstance(wanted, list) else [wanted]:
        assert any(matches(w, r) for r in out.requests), out.requests
    if "line" in s:
        assert out.line == s["line"], out
    for name, size in s.get("file", {}).items():
        assert [len(raw) for head, raw in out.files if head["name"] == name] == [size], out.files
    json.dumps(out.value)


def test_a_service_does_not_slow_a_script_down_by_the_type_of_its_answer():
    slow = runner.Response("hi", headers=[["Content-Type", "text/plain; charset=" + " " * 60000 + "x"]])
    out = runner.run("return (await ld.request({ url: 'https://api.test/' })).text", lambda request: slow, cpu=2)
    assert out.status == "done" and out.value == "hi", out
