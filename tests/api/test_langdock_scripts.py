# SPDX-License-Identifier: MIT
"""Scripts through the server: integrations as people write them against services that answer, and scripts that mean harm.

Both are data: data/actions/*.js and tests/script/data/hostile.js (tests/script/cases.py says how they are written).
"""
import glob
import json
import os
import sys

import pytest

import langdock
import server as servers
from fake_saas import FakeSaas

sys.path.insert(0, os.path.join(servers.ROOT, "tests", "script"))
import cases  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PATHS = sorted(glob.glob(os.path.join(HERE, "data", "actions", "*.js")))
SECONDS = 4  # that a hostile script gets

# What tests/script/test_actions.py alone can give: files, environments, other names of fields.
ALONE = ("files", "env", "aliases")


def runs_here(case):
    """Hostile cases that need no scripted service: those would need the network."""
    s = case.set
    return s.get("only") != "runner" and "api.test" not in case.code and not any(k in s for k in ("request", "response", "input", "auth", "files", "file"))


HOSTILE = [c for _, c in cases.all_cases("hostile") if runs_here(c)]


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """One that may call services on this machine."""
    running = servers.Server(tmp_path_factory.mktemp("open"), env={"SLUICE_ALLOW_PRIVATE_NETWORKS": "yes"}).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    running = servers.Server(tmp_path_factory.mktemp("closed"), env={"SLUICE_SCRIPT_TIMEOUT": f"{SECONDS}s"}).start()
    yield running
    assert running.alive(), running.log()[-6000:]
    assert running.stop() == 0


def field(name, value):
    kind = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER"}.get(type(value), "TEXT")
    if isinstance(value, list):
        return {"label": name, "type": "OBJECT", "jsonSchema": json.dumps({"type": "array", "items": {"type": "number"}})}
    return {"label": name, "type": kind}


def connect(desk, auth):
    """The connection that gives a script data.auth."""
    desk.auth("API_KEY", authFields=[{"slug": name, "label": name, "type": "TEXT"} for name in auth])
    made = desk.post("connections", {"values": auth, "isDefault": True})
    assert made.status_code == 201, made.text


def here(case):
    return case.set.get("kind", "trigger") == "trigger" and not any(k in case.set for k in ALONE) and "$KEY" not in str(case.set)


ACTIONS = [(p, i, c.name) for p in PATHS for i, c in enumerate(cases.read(p)) if here(c)]


@pytest.mark.parametrize("path, number", [a[:2] for a in ACTIONS], ids=[f"{os.path.basename(p)[:-3]}: {name}" for p, _, name in ACTIONS])
def test_an_action_as_people_write_it(open_server, path, number):
    with FakeSaas() as saas:
        case = cases.read(path, lambda line: line.replace("$BASE", saas.url))[number]
        desk = langdock.Desk(langdock.client(open_server))
        connect(desk, case.set.get("auth", {}))
        inputs = case.set.get("input", {})
        fields = [field(name, value) for name, value in inputs.items()]
        if "kind" in case.set:
            made, kind = desk.trigger(pollingCode=case.code, inputFields=fields), "triggers"
        else:
            made, kind = desk.action(code=case.code, inputFields=fields), "actions"
        body = {"inputs": inputs, **({"lastPollTime": case.set["last_poll"]} if "last_poll" in case.set else {})}
        r = desk.post(f"{kind}/{made['id']}/test", body)
        assert r.status_code == 200, r.text
        out = r.json()
        cases.check_ending(case, "done" if out["success"] else "throw", out.get("error", {}).get("message", ""), without_ids(out.get("result")))


def without_ids(value):
    """A result without the ids that the server gives to its files."""
    if isinstance(value, list):
        return [without_ids(v) for v in value]
    if isinstance(value, dict):
        return {k: without_ids(v) for k, v in value.items() if k != "attachmentId"}
    return value


def run(server, code):
    desk = langdock.Desk(langdock.client(server))
    made = desk.post("actions/create", {"name": "Harm", "code": code})
    if made.status_code == 400:
        return {"success": False, "error": made.json()}  # it does not compile
    assert made.status_code == 201, made.text
    r = desk.post(f"actions/{made.json()['action']['id']}/test", {}, timeout=60)
    assert r.status_code == 200, r.text
    return r.json()


@pytest.mark.parametrize("case", HOSTILE, ids=[c.name for c in HOSTILE])
def test_a_script_that_means_harm_harms_itself(closed_server, case):
    out = run(closed_server, case.code)
    assert closed_server.alive()
    if out["success"]:
        assert case.has_value, out
        assert cases.same(without_ids(out["result"]), case.value), out
    else:
        message = out["error"]["message"]
        assert case.statuses and message, out
        if set(case.statuses) <= {"timeout", "cpu"}:
            assert message == f"Execution timed out after {SECONDS} seconds"
        elif case.statuses == ("throw",):
            assert case.message in message, out
    assert closed_server.client().get("/health").status_code == 200


def test_no_script_sees_the_secrets_of_others(open_server):
    mine, other = langdock.Desk(langdock.client(open_server)), langdock.Desk(langdock.client(open_server))
    connect(mine, {"token": "mine-1234"})
    connect(other, {"token": "other-5678"})
    look = """const seen = [];
        const walk = (v, depth) => { if (depth > 6 || (typeof v !== 'object' && typeof v !== 'function') || v === null) return;
            for (const k of Reflect.ownKeys(v)) { let x; try { x = v[k]; } catch { continue; } if (typeof x === 'string' && /^(mine|other)-/.test(x)) seen.push(x); else if (k !== 'globalThis') walk(x, depth + 1); } };
        for (const k of ['data', 'inputs', 'secrets', 'env', 'ld']) walk(globalThis[k], 0);
        return [...new Set(seen)];"""
    for desk, token in ((mine, "mine-1234"), (other, "other-5678")):
        action = desk.action(code=look)
        assert desk.post(f"actions/{action['id']}/test").json()["result"] == [token]


def test_a_service_on_this_machine_hears_nothing(closed_server):
    with FakeSaas() as saas:
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "0"):
            out = run(closed_server, f"return (await ld.request({{ url: 'http://{host}:{saas.port}/shop/flaky' }})).status")
            assert not out["success"] and out["error"]["message"], host
        assert saas.requests == []
