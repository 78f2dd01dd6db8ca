# SPDX-License-Identifier: MIT
"""Small words for tests of the Sage face: envelopes, NDJSON streams, agents and providers."""
import contextlib
import itertools
import json
import re
import socket
import time
import uuid

import pytest

_count = itertools.count(1)


def unique(prefix):
    """A name that no other test uses."""
    return f"{prefix}-{next(_count)}-{uuid.uuid4().hex[:8]}"


# ----------------------------------------------------------------------------------------------------------- envelopes


def full(response, code=200):
    """Checks a full success envelope and returns its data."""
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["success", "code", "message", "data", "timestamp"], body
    assert body["success"] is True and body["code"] == code, body
    assert isinstance(body["message"], str) and isinstance(body["timestamp"], float)
    assert abs(body["timestamp"] - time.time()) < 120
    return body["data"]


def trimmed(response):
    """Checks a success envelope without `success` and returns its data."""
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["code", "message", "data", "timestamp"], body
    assert body["code"] == 200, body
    return body["data"]


def error(response, status=500, message=None, detail=..., code=None):
    """Checks an error envelope: status, code, and that there is no data."""
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert set(body) == {"success", "code", "message", "error_detail", "timestamp"}, body
    assert body["success"] is False and body["code"] == (code or status), body
    assert body["error_detail"] is None or isinstance(body["error_detail"], str)
    if message is not None:
        assert body["message"] == message, body
    if detail is not ...:
        assert body["error_detail"] == detail, body
    return body


def skip_unless_served(client, method, path):
    """For endpoints that are not part of every build: skips when the documentation does not list them."""
    listed = client.get("/openapi.json").json()["paths"]
    served = {(m.upper(), re.sub(r"\{[^}]*\}", "{}", p)) for p, item in listed.items() for m in item}
    if (method, re.sub(r"\{[^}]*\}", "{}", path)) not in served:
        pytest.skip(f"{method} {path} is not served yet")


def soft_error(response, message=None, code=500):
    """An error that is answered with HTTP 200."""
    assert response.status_code == 200, response.text
    body = response.json()
    assert set(body) == {"success", "code", "message", "error_detail", "timestamp"}, body
    assert body["success"] is False and body["code"] == code and body["error_detail"] is None, body
    if message is not None:
        assert body["message"] == message, body
    return body


def invalid(response, *loc, kind=None):
    """Checks a 422 body: an item at this location, of this type."""
    assert response.status_code == 422, (response.status_code, response.text)
    body = response.json()
    assert list(body) == ["detail"] and body["detail"], body
    for item in body["detail"]:
        assert {"type", "loc", "msg", "input"} <= set(item), item
    if loc:
        found = [item for item in body["detail"] if item["loc"] == list(loc)]
        assert found, body
        if kind:
            assert found[0]["type"] == kind, body
    return body["detail"]


# ------------------------------------------------------------------------------------------------------------- streams


class Stream:
    """The NDJSON stream of a run, read on demand."""

    def __init__(self, response):
        self.response = response
        self.lines = []  # the JSON objects so far
        self.raw = b""
        self.heartbeats = 0
        self._rest = b""
        self._bytes = response.iter_raw()

    def __iter__(self):
        yield from self.lines
        while (line := self.next()) is not None:
            yield line

    def next(self):
        """The next object, None at the end."""
        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                if line == b": heartbeat":
                    self.heartbeats += 1
                elif line:
                    self.lines.append(json.loads(line.decode("utf-8")))
                    return self.lines[-1]
            try:
                part = next(self._bytes)
            except StopIteration:
                assert self._rest == b"", f"the stream ends in the middle of a line: {self._rest!r}"
                return None
            self.raw += part
            self._rest += part

    def until(self, test):
        """Reads on to an object for which test(object) is true."""
        while (line := self.next()) is not None:
            if test(line):
                return line
        raise AssertionError(f"the stream ended before that: {self.lines}")

    def finish(self):
        for _ in self:
            pass
        return self

    # what was said

    @property
    def messages(self):
        return [line for line in self.lines if "role" in line and line.get("type") != "token_usage"]

    def of(self, kind):
        return [line for line in self.lines if line.get("type") == kind]

    @property
    def text(self):
        """The visible answer, without the line feed that closes it."""
        return "".join(m.get("content", "") for m in self.of("do_subtask_result")).removesuffix("\n")

    @property
    def reasoning(self):
        return "".join(m.get("reasoning_content", "") for m in self.lines)

    @property
    def calls(self):
        """Tool calls merged from their deltas as the web client does it: (id, name, arguments)."""
        merged = []
        for message in self.of("tool_call"):
            for delta in message["tool_calls"]:
                place = (message["message_id"], delta.get("index"))
                known = [c for c in merged if (delta.get("id") and c["id"] == delta["id"]) or c["place"] == place]
                if known:
                    known[0]["arguments"] += delta["function"].get("arguments") or ""
                else:
                    function = delta["function"]
                    merged.append(
                        {"place": place, "id": delta["id"], "name": function["name"], "arguments": function["arguments"] or ""}
                    )
        return [(c["id"], c["name"], c["arguments"]) for c in merged]

    @property
    def results(self):
        return {m["tool_call_id"]: m for m in self.lines if m.get("role") == "tool"}

    @property
    def usage(self):
        return self.of("token_usage")[-1]["metadata"]["token_usage"]

    @property
    def ended(self):
        return bool(self.lines) and self.lines[-1].get("type") == "stream_end"


@contextlib.contextmanager
def open_stream(client, path, body=None, method="POST", **more):
    """Opens a run's stream and checks its head."""
    with client.stream(method, path, json=body, **more) as response:
        if response.status_code != 200:
            response.read()
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert method == "GET" or "content-length" not in response.headers
        yield Stream(response)


def chat(client, body, path="/api/chat", **more):
    """A whole run."""
    with open_stream(client, path, body, **more) as stream:
        return stream.finish()


@contextlib.contextmanager
def asking(client, path, body):
    """A request on a connection of its own whose answer nobody reads; at the end of the block the caller has gone."""
    url, data = client.base_url, json.dumps(body).encode()
    headers = {"host": f"{url.host}:{url.port}", "content-type": "application/json", "content-length": len(data)}
    headers |= {k: client.headers[k] for k in ("authorization", "x-api-key", "accept-language") if k in client.headers}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    with socket.create_connection((url.host, url.port), timeout=30) as s:
        s.sendall(head.encode() + data)
        yield


def say(text, agent, session=None, **more):
    """The body of a chat request."""
    body = {"messages": [{"role": "user", "content": text}], "agent_id": agent, **more}
    if session is not None:
        body["session_id"] = session
    return body


# --------------------------------------------------------------------------------------------------- things to talk to


def provider(client, fake, model=None, **more):
    """A provider at the fake model server: (provider id, model name).  The probe that saving makes is answered."""
    model = model or unique("model")
    body = {"base_url": fake.url, "api_keys": ["sk-fake-key-0001"], "model": model, **more}
    data = full(client.post("/api/llm-provider/create", json=body))
    return data["provider_id"], model


def agent(client, provider_id=None, **more):
    """An agent; its id."""
    body = {"name": unique("Agent"), "maxLoopCount": 10, "agentMode": "simple", "llm_provider_id": provider_id, **more}
    return full(client.post("/api/agent/create", json=body))["agent_id"]


def claude(admin, fake):
    """An agent with an Anthropic model, and the model's name."""
    name = unique("claude")
    body = {"name": name, "requester": "anthropic-messages", "base_url": fake.origin, "api_keys": ["sk-ant-1"]}
    made = admin.post("/api/v1/provider/providers", json=body).json()["data"]["uuid"]
    admin.post("/api/v1/provider/models/llm", json={"name": name, "provider_uuid": made, "abilities": ["func_call"]})
    (found,) = [p for p in full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    return agent(admin, found["id"]), name


def history(client, session):
    return full(client.get(f"/api/conversations/{session}/messages"))
