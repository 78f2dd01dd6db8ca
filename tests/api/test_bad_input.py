# SPDX-License-Identifier: MIT
"""Bad input and faults on every face: the documented error, nothing changed, the server up."""
import json
import os
import time

import pytest

import langflow
import sage
import server as servers
from fake_llm import Reply

JSON = {"content-type": "application/json"}

# Routes that take a JSON body, with who may call them and a body that would be good.
SAGE_WRITES = [
    ("POST", "/api/auth/login"),
    ("POST", "/api/agent/create"),
    ("POST", "/api/chat"),
    ("POST", "/api/stream"),
    ("POST", "/api/web-stream"),
    ("POST", "/api/llm-provider/create"),
    ("POST", "/api/tools/exec"),
    ("POST", "/api/conversations/nobody/title"),
]


@pytest.fixture(scope="module")
def faces(server):
    """A client for each face, with a key that opens it, and a route that takes JSON."""
    from fixtures import create_key

    return {
        "sage": (server.client(token=create_key(server, "sage")), "/api/agent/create"),
        "langbot": (server.client(key=create_key(server, "*")), "/api/v1/provider/providers"),
        "langflow": (server.client(key=create_key(server, "langflow")), "/api/v1/flows/"),
        "langdock": (server.client(token=create_key(server, "INTEGRATION_API")), "/integrations/v1/create"),
    }


STATUS = {"sage": 422, "langbot": 400, "langflow": 422, "langdock": 400}

MALFORMED = {
    "empty": b"",
    "broken": b'{"name": ',
    "trailing": b'{"name":"x"} x',
    "bare word": b"hello",
    "comments": b'{"name":"x"} // no',
    "invalid utf-8": b'{"name":"\xff\xfe"}',
    "overlong utf-8": b'{"name":"\xc0\xaf"}',
    "surrogate": b'{"name":"\\ud800"}',
    "raw control": b'{"name":"a\x01b"}',
    "deep arrays": b'{"name":' + b"[" * 10000 + b"]" * 10000 + b"}",
    "deep objects": b'{"a":' * 10000 + b"1" + b"}" * 10000,
    "duplicate key": b'{"name":"a","name":"b"}',
    "huge number": b'{"name":"x","maxLoopCount":1e999}',
    "array": b"[]",
    "null": b"null",
    "string": b'"x"',
}


@pytest.mark.parametrize("face", STATUS)
@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_bodies_get_the_faces_own_error(faces, face, what):
    client, path = faces[face]
    r = client.post(path, content=MALFORMED[what], headers=JSON)
    assert r.status_code == STATUS[face], (r.status_code, r.text)
    body = r.json()
    if face in ("sage", "langflow"):
        assert isinstance(body["detail"], list) and body["detail"][0]["loc"][0] == "body"
    elif face == "langbot":
        assert body["code"] == -1 and body["msg"]
    else:
        assert body["message"]


@pytest.mark.parametrize("method, path", SAGE_WRITES)
@pytest.mark.parametrize("what", ["broken", "deep arrays", "invalid utf-8", "array"])
def test_every_sage_write_refuses_malformed_json(admin, method, path, what):
    r = admin.request(method, path, content=MALFORMED[what], headers=JSON)
    (item,) = sage.invalid(r)
    if what == "broken":
        assert item["type"] == "json_invalid" and item["loc"][0] == "body" and isinstance(item["loc"][1], int)
        assert item["msg"] == "JSON decode error" and item["input"] == {} and item["ctx"]["error"]


@pytest.mark.parametrize("face", STATUS)
def test_a_nul_in_a_string_is_refused_or_kept_whole(faces, face):
    client, path = faces[face]
    name = sage.unique("nul")[:30]
    body = {"name": name + "\u0000tail", "maxLoopCount": 3, "requester": "openai-chat-completions", "base_url": "http://x", "api_keys": []}
    r = client.post(path, json=body)
    if r.status_code in (200, 201) and r.json().get("code", 0) in (0, 200):
        listed = {
            "sage": lambda: [a["name"] for a in client.get("/api/agent/list").json()["data"]],
            "langbot": lambda: [p["name"] for p in client.get(path).json()["data"]["providers"]],
            "langflow": lambda: [f["name"] for f in client.get(path).json()],
            "langdock": lambda: [i["name"] for i in client.get("/integrations/v1/get").json()["integrations"]],
        }[face]()
        assert name not in listed and name + "\u0000tail" in listed
    else:
        assert r.status_code in (400, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", None])
def test_json_in_other_clothes(admin, kind):
    """The web client always says application/json; others are read as JSON or refused, never misunderstood."""
    body = json.dumps({"name": sage.unique("kind"), "maxLoopCount": 2}).encode()
    r = admin.post("/api/agent/create", content=body, headers={"content-type": kind} if kind else {})
    assert r.status_code in (200, 415, 422), r.text


# -------------------------------------------------------------------------------------------------------------- big ones


def grown(server, before):
    """KB by which the server has grown; nothing under a sanitizer, which keeps what is freed for a while."""
    return 0 if server.instrumented() else server.status("VmRSS") - before


def chunks(total, size=1 << 16):
    piece = b"x" * size
    for _ in range(total // size):
        yield piece


@pytest.mark.parametrize("face", STATUS)
def test_a_body_of_100_mb_is_refused_before_it_is_read(server, faces, face):
    import socket

    client, path = faces[face]
    rss = server.status("VmRSS")
    headers = {k: v for k, v in client.headers.items() if k in ("authorization", "x-api-key")}
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall(head.encode() + b"\r\n" + b"{" * 1000)
        answer = s.recv(65536)
    assert answer.split()[1] in (b"413", b"400"), answer
    assert grown(server, rss) < 60_000


def test_a_chunked_body_without_end_is_cut(server, admin):
    rss = server.status("VmRSS")
    try:
        r = admin.post("/api/agent/create", content=chunks(100 << 20), headers=JSON)
        assert r.status_code in (413, 400)
    except Exception as why:  # the connection may be closed while we still send
        assert "Write" in type(why).__name__ or "Read" in type(why).__name__ or "Remote" in type(why).__name__, why
    assert grown(server, rss) < 60_000


def test_long_strings_in_a_small_place(admin):
    r = admin.post("/api/agent/create", json={"name": "x" * 100_000, "maxLoopCount": 1})
    assert r.status_code in (200, 400, 413, 422, 500) and r.headers["content-type"].startswith("application/json")
    r = admin.get("/api/agent/" + "x" * 3000)
    assert r.status_code in (404, 414, 431, 500)


def test_many_fields(admin):
    body = {f"k{n}": n for n in range(50_000)}
    r = admin.post("/api/agent/create", json=body)
    assert r.status_code in (413, 422), r.text[:200]


# ----------------------------------------------------------------------------------------------------- paths and queries


@pytest.mark.parametrize(
    "path",
    [
        "/api/agent/..%2f..%2fetc%2fpasswd",
        "/api/agent/%2e%2e",
        "/api/agent/a%00b",
        "/api/agent/%ff%fe",
        "/api/agent/%zz",
        "/api/conversations/%2e%2e%2f%2e%2e/messages",
        "/api/../../etc/passwd",
        "/api//agent//list",
        "/..;/api/agent/list",
    ],
)
def test_odd_paths(server, admin, path):
    import socket

    token = admin.headers["authorization"]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        answer = b""
        while part := s.recv(65536):
            answer += part
    status = int(answer.split()[1])
    assert status in (400, 404, 500, 307), answer[:300]
    assert b"root:" not in answer


@pytest.mark.parametrize("query", ["page=%00", "page=1&page=2", "page=99999999999999999999", "page=1e5", "search=%ff", "&&&=&", "search=%27--"])
def test_odd_queries(admin, query):
    assert admin.get("/api/conversations?" + query).status_code in (200, 400, 422)


# ---------------------------------------------------------------------------------------------------------- workspaces


@pytest.mark.parametrize("session", ["../../../tmp/x", "..", ".", "/etc", "a/../../b", "x\u0000y", "-rf", "~", "${HOME}"])
def test_session_ids_are_no_paths(server, admin, bot, fake_llm, session):
    from fake_llm import Call

    agent, model = bot
    fake_llm.script(model, Reply(tool_calls=[Call("todo_write", {"tasks": [{"id": "1", "content": "x"}]}, id="c")]), Reply("ok"))
    before = set(os.listdir(os.path.dirname(server.data))) | set(os.listdir("/tmp"))
    r = admin.post("/api/chat", json=sage.say("Hi", agent, session))
    assert r.status_code in (200, 400, 422, 500), r.text
    after = set(os.listdir(os.path.dirname(server.data)))
    assert "x" not in after - before and not os.path.exists("/tmp/x/TODO_LIST")


def test_a_symlink_out_of_the_workspace_is_no_way_out(server, admin, bot, fake_llm, tmp_path):
    from fake_llm import Call

    agent, model = bot
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret 4711")
    fake_llm.script(model, Reply(tool_calls=[Call("file_write", {"file_path": "here.txt", "content": "x"}, id="w")]), Reply("ok"))
    sage.chat(admin, sage.say("Hi", agent))
    workspace = None
    for folder, _, names in os.walk(server.data):
        if "here.txt" in names and agent in folder:
            workspace = folder
    assert workspace, "the workspace was not found under the data directory"
    os.symlink(secret, os.path.join(workspace, "link.txt"))
    os.symlink(tmp_path, os.path.join(workspace, "dir"))
    calls = [
        Call("file_read", {"file_path": "link.txt"}, id="a"),
        Call("file_read", {"file_path": "dir/secret.txt"}, id="b"),
        Call("grep", {"pattern": "secret"}, id="c"),
        Call("file_write", {"file_path": "dir/new.txt", "content": "x"}, id="d"),
    ]
    fake_llm.script(model, Reply(tool_calls=calls), Reply("ok"))
    run = sage.chat(admin, sage.say("Hi", agent))
    assert "4711" not in run.raw.decode() and not (tmp_path / "new.txt").exists()
    assert json.loads(run.results["a"]["content"])["success"] is False


# ------------------------------------------------------------------------------------------------------- out of things


def test_out_of_descriptors_is_survived(start_server):
    import socket

    limit = ["prlimit", "--nofile=200:200"]
    running = start_server(launcher=limit)
    sockets = []
    try:
        for _ in range(400):
            s = socket.create_connection(("127.0.0.1", running.port), timeout=2)
            s.sendall(b"GET /api/health HTTP/1.1\r\n")
            sockets.append(s)
    except OSError:
        pass
    for s in sockets:
        s.close()
    deadline = time.monotonic() + 15
    while True:
        try:
            with running.client(timeout=2) as c:
                if c.get("/api/health").status_code == 200:
                    break
        except Exception:
            assert time.monotonic() < deadline, "the server does not come back:\n" + running.log()[-5000:]
            time.sleep(0.2)
    assert running.alive()


def test_unknown_things_are_errors_on_each_face(faces):
    nobody = "00000000-0000-4000-8000-000000000009"
    assert faces["sage"][0].get("/api/agent/agent_ffffffff").status_code == 500
    assert faces["langbot"][0].get(f"/api/v1/provider/providers/{nobody}").status_code == 404
    assert faces["langflow"][0].get(f"/api/v1/flows/{nobody}").status_code == 404
    assert faces["langdock"][0].get(f"/integrations/v1/{nobody}").status_code == 404


def test_a_flow_with_a_senseless_graph_is_an_error_and_no_crash(server, key, admin, fake_llm):
    flows = server.client(key=key("langflow"))
    _, model = sage.provider(admin, fake_llm)
    base = langflow.chat_flow(model)
    loop = json.loads(json.dumps(base["data"]))
    if loop["edges"]:
        first = json.loads(json.dumps(loop["edges"][0]))
        first["source"], first["target"] = first["target"], first["source"]
        loop["edges"].append(first)
    graphs = [
        {"nodes": [], "edges": []},
        {"nodes": [{"id": "x"}], "edges": []},
        {"nodes": [{}], "edges": [{}]},
        {"nodes": [1, None, "x"], "edges": [None]},
        {"nodes": base["data"]["nodes"], "edges": [{"source": "no", "target": "where"}]},
        {"nodes": base["data"]["nodes"][:1] * 3, "edges": []},
        loop,
    ]
    for graph in graphs:
        made = flows.post("/api/v1/flows/", json={"name": sage.unique("odd"), "data": graph})
        assert made.status_code in (201, 400, 422), made.text
        if made.status_code == 201:
            r = flows.post(f"/api/v1/run/{made.json()['id']}", json={"input_value": "x"})
            assert r.status_code in (200, 400, 404, 422, 500) and r.headers["content-type"].startswith("application/json")


def test_nothing_secret_is_in_the_log(server, admin, fake_llm):
    secret = "sk-do-not-log-me-" + sage.unique("x")
    body = {"base_url": fake_llm.url, "api_keys": [secret], "model": sage.unique("m")}
    sage.full(admin.post("/api/llm-provider/create", json=body))
    token = admin.headers["authorization"].split()[1]
    log = server.log()
    assert secret not in log and token not in log and servers.PASSWORD not in log


def test_memory_does_not_grow_with_refused_requests(server, admin):
    for _ in range(50):
        admin.post("/api/agent/create", content=MALFORMED["deep arrays"], headers=JSON)
    before = server.status("VmRSS")
    for _ in range(400):
        admin.post("/api/agent/create", content=MALFORMED["deep arrays"], headers=JSON)
    assert grown(server, before) < 30_000
