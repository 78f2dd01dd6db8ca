# SPDX-License-Identifier: MIT
"""Metrics, request ids and the log."""
import json
import re

import pytest

import langflow
import sage
from fake_llm import Reply


def families(text):
    """The metric families of an exposition: name -> (type, [(sample name, labels, value)])."""
    found, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, f"{name} is described twice"
            kinds[name] = kind
            found[name] = (kind, [])
        elif line and not line.startswith("#"):
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            assert match, line
            base = re.sub(r"_(bucket|sum|count)$", "", match.group(1))
            owner = match.group(1) if match.group(1) in kinds else base
            assert owner in kinds, f"{line}: no # TYPE before it"
            found[owner][1].append((match.group(1), match.group(2) or "", float(match.group(3))))
    return found


@pytest.fixture
def metrics(server):
    def read():
        with server.client() as client:
            r = client.get("/metrics")
        assert r.status_code == 200 and r.headers["content-type"].startswith("text/plain; version=0.0.4")
        return families(r.text)

    return read


def test_the_exposition_is_well_formed(metrics):
    for name, (kind, samples) in metrics().items():
        assert samples, name
        if kind == "histogram":
            series = {}
            for sample, labels, value in samples:
                rest = re.sub(r',?le="[^"]*"', "", labels).strip(",")
                series.setdefault(rest, {}).setdefault(sample.removeprefix(name), []).append((labels, value))
            for parts in series.values():
                counts = [v for _, v in parts["_bucket"]]
                assert counts == sorted(counts), f"{name}: buckets are cumulative"
                assert 'le="+Inf"' in parts["_bucket"][-1][0]
                assert counts[-1] == parts["_count"][0][1] and "_sum" in parts


def test_what_is_measured(admin, bot, metrics):
    sage.chat(admin, sage.say("Hi", bot[0]))
    found = metrics()
    histograms = [n for n, (kind, _) in found.items() if kind == "histogram"]
    gauges = [n for n, (kind, _) in found.items() if kind == "gauge"]
    for word in ("request", "first_token", "run"):
        assert any(word in n for n in histograms), (word, histograms)
    for word in ("http_open", "runs", "fibers", "resident"):
        assert any(word in n for n in gauges), (word, gauges)
    for name in histograms:
        if "first_token" in name or "run" in name:
            assert sum(v for s, _, v in found[name][1] if s.endswith("_count")) >= 1, name


def test_the_first_word_of_a_flow_is_not_the_users(server, key, model, fake_llm):
    client = server.client(key=key("langflow"))
    made = client.post("/api/v1/flows/", json=langflow.chat_flow(model[1])).json()
    fake_llm.script(model[1], Reply("at last", first_delay=0.3), Reply("at last", first_delay=0.3))
    for stream in ("false", "true"):
        before = server.metric("sluice_run_first_token_seconds_sum"), server.metric("sluice_run_first_token_seconds_count")
        r = client.post(f"/api/v1/run/{made['id']}", params={"stream": stream}, json={"input_value": "hi"})
        assert r.status_code == 200 and "last" in r.text
        assert server.metric("sluice_run_first_token_seconds_count") == before[1] + 1
        assert server.metric("sluice_run_first_token_seconds_sum") >= before[0] + 0.25


def test_requests_are_counted(server, admin):
    before = server.metric("sluice_http_requests_total")
    for _ in range(10):
        admin.get("/api/agent/list")
    assert server.metric("sluice_http_requests_total") >= before + 10


def test_live_streams_are_counted(server, admin, bot, fake_llm):
    agent, model = bot
    fake_llm.script(model, Reply("word " * 50, delay=0.05))
    idle = server.live_streams()
    with sage.open_stream(admin, "/api/chat", sage.say("Hi", agent)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        assert server.live_streams() >= idle + 1
        stream.finish()


def test_metrics_name_no_users_and_no_ids(server, admin, bot):
    sage.chat(admin, sage.say("Hi", bot[0], "session-that-must-not-be-a-label"))
    with server.client() as client:
        text = client.get("/metrics").text
    assert bot[0] not in text and "session-that-must-not-be-a-label" not in text


def test_a_request_id_comes_back(admin):
    r = admin.get("/api/health", headers={"x-request-id": "trace-me-77"})
    assert r.headers["x-request-id"] == "trace-me-77"


def test_a_request_id_is_made(admin):
    a, b = (admin.get("/api/health").headers["x-request-id"] for _ in range(2))
    assert a and b and a != b


@pytest.mark.parametrize("given", ["a b", "x" * 129, "ü", '"><script>'])
def test_a_strange_request_id_is_replaced_or_harmless(admin, given):
    got = admin.get("/api/health", headers={"x-request-id": given.encode()}).headers["x-request-id"]
    assert len(got) <= 128 and got.isprintable()


def test_errors_carry_the_request_id(admin):
    r = admin.get("/api/agent/agent_00000000", headers={"x-request-id": "find-this-error"})
    assert r.status_code == 500 and r.headers["x-request-id"] == "find-this-error"


def test_the_request_id_is_in_the_log_and_follows_the_run(start_server, fake_llm):
    running = start_server(env={"SLUICE_LOG_LEVEL": "debug"})
    admin = running.login()
    provider_id, model = sage.provider(admin, fake_llm)
    agent = sage.agent(admin, provider_id)
    sage.chat(admin, sage.say("Hi", agent), headers={"x-request-id": "follow-me-1"})
    running.wait_log("follow-me-1")


def test_the_log_can_be_json_lines(start_server):
    running = start_server(env={"SLUICE_LOG_FORMAT": "json", "SLUICE_LOG_LEVEL": "debug"})
    running.client().get("/api/health", headers={"x-request-id": "json-1"})
    records = [json.loads(line) for line in running.log().splitlines() if line.startswith("{")]
    assert records and all("level" in r and ("time" in r or "ts" in r) for r in records)


def test_a_log_line_is_one_line_whatever_a_client_sends(start_server):
    running = start_server(env={"SLUICE_LOG_LEVEL": "debug"})
    running.client().get("/api/agent/x%0aFAKE%20level=error%20msg=intruder")
    assert not any(line.startswith("FAKE") for line in running.log().splitlines())
