# SPDX-License-Identifier: MIT
"""The server's side of the wire to sluice-script (src/script/runner/wire.h), for tests: runs one script in one process.

    outcome = Runner(internet).run("return data.input.n + 1", input={"n": 1})
    outcome.status, outcome.value          # "done", 2

`internet` answers requests: a function of a Request that returns a Response or a text (the sentence of an error).  What the
process sends is checked as strictly as the server has to.
"""
import dataclasses
import json
import os
import select
import socket
import struct
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("SLUICE_SCRIPT_BIN") or os.path.join(
    os.path.dirname(os.environ.get("SLUICE_BIN") or os.path.join(ROOT, "build-test", "sluice")), "sluice-script"
)
ENVIRONMENT = {"GIGACAGE_ENABLED": "0", "JSC_useJIT": "0", "JSC_numberOfGCMarkers": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
READY, RUN, CALL, REPLY, LOG, FILE, DONE, FAIL, LIMITS = 1, 2, 3, 4, 5, 6, 7, 8, 9
HEAD = struct.Struct(">IBII")
FRAME_MAX = 64 << 20
ENDS = {0: "gone", 80: "gone", 81: "no-vm", 82: "no-sandbox", 83: "crash", 86: "memory"}


@dataclasses.dataclass
class Request:
    """A request that the script wants to be made."""

    method: str
    url: str
    headers: list
    body: bytes
    timeout: object = None
    max: object = None

    def header(self, name):
        return ", ".join(v for n, v in self.headers if n == name.lower()) or None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


@dataclasses.dataclass
class Response:
    body: object = b""  # bytes, text, or what becomes JSON
    status: int = 200
    headers: list = dataclasses.field(default_factory=list)
    url: str = ""  # where redirects led to

    def pack(self, request):
        body, headers = self.body, [list(h) for h in self.headers]
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            if not any(n.lower() == "content-type" for n, _ in headers):
                headers.append(["Content-Type", "application/json"])
        if isinstance(body, str):
            body = body.encode()
        return {"status": self.status, "statusText": "", "url": self.url or request.url, "headers": headers}, body


@dataclasses.dataclass
class File:
    """A file of data.input."""

    field: str
    name: str
    mime: str
    data: bytes
    in_list: bool = False
    modified: str = "2026-02-01T08:00:00.000Z"

    def head(self):
        return {"field": self.field, "list": self.in_list, "name": self.name, "mime": self.mime, "size": len(self.data),
                "modified": self.modified}


@dataclasses.dataclass
class Outcome:
    status: str = ""  # done, throw, syntax, memory, output, timeout, or how the process ended
    value: object = None
    message: str = ""
    line: object = None
    stack: object = None
    logs: list = dataclasses.field(default_factory=list)
    requests: list = dataclasses.field(default_factory=list)
    files: list = dataclasses.field(default_factory=list)  # (head, bytes)
    ms: float = 0.0


def no_internet(request):
    return f"no answer for {request.url}"


class Runner:
    def __init__(self, internet=no_internet, wall=20.0, cpu=20, memory=128 << 20):
        self.internet, self.wall, self.cpu, self.memory = internet, wall, cpu, memory
        ours, theirs = socket.socketpair()
        self.socket = ours
        self.process = subprocess.Popen([BINARY], stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT,
                                        close_fds=True, cwd="/")
        theirs.close()
        self.buffer = bytearray()
        self.ended = False

    # ----------------------------------------------------------------------------------------------------------- frames

    def send(self, kind, head, raw=b"", ident=0):
        text = json.dumps(head, separators=(",", ":")).encode()
        frame = HEAD.pack(HEAD.size - 4 + len(text) + len(raw), kind, ident, len(text)) + text + raw
        view = memoryview(frame)
        while view:
            _, writable, _ = select.select([], [self.socket], [], 10)
            if not writable:
                raise TimeoutError("the runner does not read")
            view = view[self.socket.send(view):]

    def receive(self, until):
        """(type, id, head, raw), None at the end of the process, or TimeoutError."""
        while True:
            if len(self.buffer) >= HEAD.size:
                size, kind, ident, length = HEAD.unpack_from(self.buffer)
                assert HEAD.size - 4 + length <= size <= FRAME_MAX, "a frame with lengths that cannot be"
                if len(self.buffer) >= size + 4:
                    head = json.loads(self.buffer[HEAD.size:HEAD.size + length])
                    raw = bytes(self.buffer[HEAD.size + length:size + 4])
                    del self.buffer[:size + 4]
                    return kind, ident, head, raw
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data

    # -------------------------------------------------------------------------------------------------------------- run

    def run(self, code, input=None, auth=None, env=None, aliases=None, last_poll=None, files=(), check=False, warn=False):
        out = Outcome()
        try:
            self.begin(code, {
                "check": check, "input": {} if input is None else input, "aliases": aliases or {}, "auth": auth or {},
                "env": env or {}, "lastPollTime": last_poll, "warnUndeclared": warn, "files": [f.head() for f in files],
            })
            until = time.monotonic() + self.wall
            while not out.status:
                self.take(out, self.receive(until), files)
        except TimeoutError:
            out.status = "timeout"
        except BrokenPipeError:
            out.status = ""
        finally:
            self.close(out)
        return out

    def begin(self, code, head):
        ready = self.receive(time.monotonic() + 30)
        if ready is None:
            raise RuntimeError(f"the runner did not start: {self.process.stderr.read().decode()}")
        assert ready[0] == READY and ready[2]["version"] == 1
        self.send(LIMITS, {"memory": self.memory, "cpu": self.cpu})
        self.send(RUN, head, code.encode("utf-8", "surrogatepass"))

    def take(self, out, frame, files):
        if frame is None:
            out.status = "?"
            return
        kind, ident, head, raw = frame
        if kind == CALL and head["op"] == "file":
            self.send(REPLY, {}, files[head["index"]].data, ident)
        elif kind == CALL:
            request = Request(head["method"], head["url"], head["headers"], raw, head.get("timeout"), head.get("max"))
            out.requests.append(request)
            answer = self.internet(request)
            if isinstance(answer, str):
                self.send(REPLY, {"error": answer}, b"", ident)
            elif answer is not None:
                self.send(REPLY, *answer.pack(request), ident)
        elif kind == LOG:
            out.logs.append(head["text"])
        elif kind == FILE:
            out.files.append((head, raw))
        elif kind == DONE:
            out.status, out.value, out.ms = "done", head["value"], head.get("ms")
        else:
            assert kind == FAIL, f"a frame of the type {kind}"
            out.status, out.message = head["kind"], head.get("message", "")
            out.line, out.stack = head.get("line"), head.get("stack")

    def close(self, out):
        self.socket.close()
        if out.status == "?":
            try:
                code = self.process.wait(30)
            except subprocess.TimeoutExpired:
                code = None
            killed = "cpu" if code in (-9, -24) else "crash" if code is not None and code < 0 else f"exit {code}"
            out.status = ENDS.get(code, killed)
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def run(code, internet=no_internet, wall=20.0, cpu=20, memory=128 << 20, **more):
    return Runner(internet, wall, cpu, memory).run(code, **more)
