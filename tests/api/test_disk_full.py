# SPDX-License-Identifier: MIT
"""A disk without space: writes are refused clearly, reads go on, and all is well again when there is space."""
import os
import shutil
import subprocess
import tempfile
import threading
import time

import pytest

import databases
import sage
from fake_llm import Reply
from fixtures import create_key
from sage import open_stream, say, unique

pytestmark = databases.sqlite_only  # PostgreSQL's disk is elsewhere


class Disk:
    """A file system of a fixed size that can be filled to the last byte and emptied again."""

    def __init__(self, folder):
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self._filler = os.path.join(folder, "filler")

    def fill(self):
        with open(self._filler, "ab", buffering=0) as f:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"\0" * size)
                except OSError:
                    pass

    def free(self):
        os.unlink(self._filler)


@pytest.fixture
def disk():
    folder = tempfile.mkdtemp(prefix="sluice-disk-")
    mounted = None
    if shutil.which("mount"):
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]
        mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted is None or mounted.returncode != 0:
        os.rmdir(folder)
        pytest.skip("a file system of a fixed size is needed, and this user may not mount one")
    yield Disk(folder)
    subprocess.run(["umount", "-l", folder], check=False)
    os.rmdir(folder)


def exhaust(disk, client):
    """Fills the disk, and then what room the database has in its own files; the answer that says so."""
    disk.fill()
    refused = None
    for size in (20_000, 2_000, 0):
        for _ in range(3000):
            body = {"name": unique("full"), "maxLoopCount": 1, "systemPrefix": "y" * size}
            r = client.post("/api/agent/create", json=body)
            if r.status_code != 200:
                refused = r, body["name"]
                break
        else:
            raise AssertionError("the disk does not get full")
    return refused


def statuses(disk, session):
    return [s for (s,) in databases.rows(disk.data, f"SELECT status FROM run WHERE session_id = '{session}' ORDER BY started_at")]


def wait_for_writes(client):
    deadline = time.monotonic() + 30
    while client.post("/api/agent/create", json={"name": unique("back"), "maxLoopCount": 1}).status_code != 200:
        assert time.monotonic() < deadline, "writes do not come back"
        time.sleep(0.1)


def test_writes_of_every_face_are_refused_clearly_and_reads_go_on(start_server, disk):
    running = start_server(data=disk.data)
    admin = running.login()
    kept = sage.agent(admin)
    key = running.client(key=create_key(running, "langflow"))
    refused, name = exhaust(disk, admin)

    sage.error(refused, 507, "The server has no storage space left")
    provider = {"name": unique("p"), "requester": "openai-chat-completions", "base_url": "http://127.0.0.1:9", "api_keys": []}
    r = admin.post("/api/v1/provider/providers", json=provider)
    assert r.status_code == 507 and "space" in r.json()["msg"], r.text
    r = key.post("/api/v1/flows/", json={"name": unique("f"), "data": {"nodes": [], "edges": []}})
    assert r.status_code == 507 and "space" in r.json()["detail"], r.text
    sage.error(admin.put(f"/api/agent/{kept}", json={"name": unique("renamed"), "maxLoopCount": 2}), 507)
    sage.error(admin.delete(f"/api/agent/{kept}"), 507)

    assert sage.full(admin.get("/api/health"))
    assert sage.full(admin.get(f"/api/agent/{kept}"))["maxLoopCount"] == 10, "what was refused has changed something"
    names = [a["name"] for a in sage.full(admin.get("/api/agent/list"))]
    assert name not in names
    assert key.get("/api/v1/flows/").status_code == 200

    disk.free()
    wait_for_writes(admin)
    assert admin.post("/api/v1/provider/providers", json=provider).status_code == 200
    sage.full(admin.delete(f"/api/agent/{kept}"))
    assert name not in [a["name"] for a in sage.full(admin.get("/api/agent/list"))]
    assert running.stop() == 0
    again = start_server(data=disk.data)
    assert kept not in [a["id"] for a in sage.full(again.login().get("/api/agent/list"))]


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
def test_a_turn_that_cannot_begin_is_refused_and_leaves_nothing(start_server, disk, fake_llm, path):
    running = start_server(data=disk.data)
    admin = running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider_id), unique("s")
    exhaust(disk, admin)
    sage.error(admin.post(path, json=say("Hi", agent, session)), 507, "The server has no storage space left")
    deadline = time.monotonic() + 30
    while running.live_runs() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running.live_runs() == 0 and running.live_streams() == 0
    disk.free()
    wait_for_writes(admin)
    fake_llm.script(name, Reply("Here again."))
    assert sage.chat(admin, say("Hi again", agent, session), path=path).text == "Here again."
    assert [m["content"] for m in sage.history(admin, session)["messages"]][0] == "Hi again"


@pytest.mark.parametrize("path", ["/api/chat", "/api/web-stream"])
def test_a_turn_whose_end_cannot_be_stored_says_so_in_the_stream(start_server, disk, fake_llm, path):
    running = start_server(data=disk.data)
    admin, other = running.login(), running.login()
    provider_id, name = sage.provider(admin, fake_llm)
    agent, session = sage.agent(admin, provider_id), unique("s")
    full = threading.Event()
    fake_llm.script(name, Reply(["first "] + ["x" * 20_000] * 60, gates={2: full}))
    with open_stream(admin, path, say("Hi", agent, session)) as stream:
        stream.until(lambda m: m.get("type") == "do_subtask_result")
        exhaust(disk, other)
        full.set()
        stream.finish()
    (told,) = stream.of("error")
    assert told["content"] == "处理失败: the conversation could not be stored"
    assert told["session_id"] == session
    assert stream.ended and running.live_runs() == 0
    assert sage.history(admin, session)["messages"][0]["content"] == "Hi"
    disk.free()
    wait_for_writes(admin)
    fake_llm.script(name, Reply("Here again."))
    assert sage.chat(admin, say("And now?", agent, session), path=path).text == "Here again."
    contents = [m["content"] for m in sage.history(admin, session)["messages"]]
    assert contents[0] == "Hi" and contents[-2:] == ["And now?", "Here again."]
    deadline = time.monotonic() + 30
    while statuses(disk, session) != ["failed", "completed"]:
        assert time.monotonic() < deadline, statuses(disk, session)
        time.sleep(0.2)
    assert running.stop() == 0


def test_a_first_start_on_a_full_disk_fails_clearly_and_the_next_one_is_good(start_server, disk):
    import server as servers

    disk.fill()
    made = servers.run("serve", "--data", disk.data, "--listen", "127.0.0.1:0", timeout=20)
    assert made.returncode != 0 and made.stderr.strip(), made
    disk.free()
    running = start_server(data=disk.data)
    assert sage.full(running.login().get("/api/agent/list")) == []
    assert running.stop() == 0
