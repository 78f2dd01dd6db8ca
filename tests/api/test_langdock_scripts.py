# SPDX-License-Identifier: MIT
"""Scripts through the server: integrations as people write them against services that answer, and scripts that mean harm.

Both are data: data/actions/*.js and tests/script/data/hostile.js (tests/script/cases.py says how they are written).
"""
import contextlib
import glob
import json
import os
import sys
import threading
import time

import httpx
import pytest

import langdock
import server as servers
from fake_saas import FakeSaas
from fixtures import create_user

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


class Neighbour:
    """Somebody else whose script runs all the time, while others mean harm."""

    def __init__(self, server):
        self.desk = langdock.Desk(langdock.client(server, user=create_user(server).name, timeout=60))
        self.action = self.desk.action(code="ld.log('n', inputs.n); await ld.wait(5); return [inputs.n, typeof left, Object.keys(secrets)]")
        self.runs, self.wrong, self.slowest = 0, [], 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.over.wait(0.2):
            began = time.monotonic()
            out = self.desk.post(f"actions/{self.action['id']}/test", {"inputs": {"n": self.runs}}).json()
            if out.get("result") != [self.runs, "undefined", []] or out.get("logs") != [f"n {self.runs}"]:
                self.wrong.append(out)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.runs += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def script_processes(server):
    """Those below the server."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
                name, _, rest = f.read().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "sluice-script" and not rest.startswith(" Z"):
            parents[int(pid)] = int(rest.split()[1])
    return [p for p in parents if server.process.pid in (parents[p], parents.get(parents[p]))]


def process_handles(server):
    """Descriptors of the server that stand for processes."""
    directory, found = f"/proc/{server.process.pid}/fd", 0
    for name in os.listdir(directory):
        with contextlib.suppress(OSError):
            found += "pidfd" in os.readlink(f"{directory}/{name}")
    return found


def settled(figure, most):
    """Whether the figure comes down to that within a few seconds."""
    until = time.monotonic() + 30
    while figure() > most and time.monotonic() < until:
        time.sleep(0.2)
    return figure() <= most


@contextlib.contextmanager
def closed(directory, seconds):
    """What means harm here leaves nothing behind and troubles nobody else."""
    running = servers.Server(directory, env={"SLUICE_SCRIPT_TIMEOUT": f"{seconds}s"}).start()
    with Neighbour(running) as neighbour:
        run(running, "return 1")
        processes, handles = len(script_processes(running)), process_handles(running)
        assert processes > 0 and handles > 0
        yield running
    assert running.alive(), running.log()[-6000:]
    assert neighbour.wrong == [] and neighbour.runs > 0
    assert neighbour.slowest < 15, neighbour.slowest
    assert settled(lambda: running.metric("sluice_script_running"), 0)
    assert settled(lambda: len(script_processes(running)), processes + 8), script_processes(running)
    assert settled(lambda: process_handles(running), handles + 8), process_handles(running)
    assert running.stop() == 0


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    with closed(tmp_path_factory.mktemp("closed"), SECONDS) as running:
        yield running


@pytest.fixture(scope="module")
def patient_server(tmp_path_factory):
    """For scripts that end by themselves, on a machine that has much else to do."""
    with closed(tmp_path_factory.mktemp("patient"), 60) as running:
        yield running


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
    r = desk.post(f"actions/{made.json()['action']['id']}/test", {}, timeout=90)
    assert r.status_code == 200, r.text
    return r.json()


@pytest.mark.parametrize("case", HOSTILE, ids=[c.name for c in HOSTILE])
def test_a_script_that_means_harm_harms_itself(request, case):
    endless = {"timeout", "cpu"} & set(case.statuses)
    server = request.getfixturevalue("closed_server" if endless else "patient_server")
    out = run(server, case.code)
    assert server.alive()
    if out["success"]:
        assert case.has_value, out
        assert cases.same(without_ids(out["result"]), case.value), out
    else:
        message = out["error"]["message"]
        assert case.statuses and message, out
        if set(case.statuses) <= {"timeout", "cpu"}:
            assert message == f"Execution timed out after {SECONDS} seconds"
        elif len(case.statuses) == 1:
            assert case.message in message, out
    assert server.client().get("/health").status_code == 200


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


def begin(server, code):
    """A run that goes on while its server has other things to do."""
    desk = langdock.Desk(langdock.client(server))
    path = f"actions/{desk.action(code=code)['id']}/test"

    def work():
        with contextlib.suppress(httpx.HTTPError):
            desk.post(path, timeout=30)

    thread = threading.Thread(target=work)
    thread.start()
    assert settled(lambda: -server.metric("sluice_script_running"), -1)
    return thread


@pytest.mark.parametrize("code", ["for (;;);", "await ld.wait(30000)", "await fetch('http://127.0.0.1:PORT/shop/slow?seconds=5'); for (;;);"])
@pytest.mark.parametrize("end", ["kill", "stop"])
def test_no_process_outlives_its_server(tmp_path, code, end):
    with FakeSaas() as saas:
        running = servers.Server(tmp_path, env={"SLUICE_ALLOW_PRIVATE_NETWORKS": "yes", "SLUICE_SHUTDOWN_GRACE": "1s"}).start()
        thread = begin(running, code.replace("PORT", str(saas.port)))
        processes = script_processes(running)
        assert processes
        getattr(running, end)()
        thread.join()
    assert settled(lambda: sum(os.path.exists(f"/proc/{p}") for p in processes), 0)
