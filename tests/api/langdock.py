# SPDX-License-Identifier: MIT
"""What tests of the Langdock API share."""
import json
import socket
import time

import sage
from fixtures import create_key

MOUNTS = ["", "/api/public"]
NOBODY = "00000000-0000-4000-8000-000000000001"


def client(server, *scopes, user=None, **more):
    """A client with a key of these scopes (INTEGRATION_API unless told)."""
    scopes = scopes or ("INTEGRATION_API",)
    return server.client(token=create_key(server, *scopes, **({"user": user} if user else {})), **more)


def refused(response, status, message=None):
    """An error in the API's own form; returns its body."""
    assert response.status_code == status, (response.status_code, response.text)
    body = response.json()
    assert isinstance(body["message"], str) and body["error"] == body["message"], body
    if message is not None:
        assert message in body["message"], body
    return body


def issue(response, path, code=None):
    """The one validation issue of a 400."""
    (found,) = refused(response, 400, "Invalid request body")["errors"]
    assert found["path"] == path, found
    assert code is None or found["code"] == code, found
    return found


def send(server, client, path, body, key):
    """A POST under this Idempotency-Key whose answer nobody reads yet; its socket."""
    data = json.dumps(body, separators=(",", ":")).encode()  # as httpx does, since the same bytes have to come again
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: {client.headers['authorization']}\r\nidempotency-key: {key}\r\n"
    s = socket.create_connection(("127.0.0.1", server.port))
    s.sendall(head.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data))
    return s


def again(client, path, body, key, timeout=20):
    """The same once more, until it is not at work any more."""
    end = time.monotonic() + timeout
    while (r := client.post(path, json=body, headers={"idempotency-key": key})).status_code == 409 and "still being" in r.text:
        assert time.monotonic() < end, "its key stays taken"
        time.sleep(0.1)
    return r


class Desk:
    """An integration made for a test; paths are below it."""

    def __init__(self, client, name=None, **more):
        self.client = client
        made = client.post("/integrations/v1/create", json={"name": name or sage.unique("Desk")[:40], **more})
        assert made.status_code == 201, made.text
        self.id = made.json()["integration"]["id"]
        self.url = f"/integrations/v1/{self.id}"

    def get(self):
        r = self.client.get(self.url)
        assert r.status_code == 200, r.text
        return r.json()["integration"]

    def post(self, path, body=None, **more):
        return self.client.post(f"{self.url}/{path}", json=body or {}, **more)

    def put(self, path, body):
        return self.client.put(f"{self.url}/{path}", json=body)

    def patch(self, path="", body=None, **more):
        return self.client.patch(f"{self.url}/{path}" if path else self.url, json=body or {}, **more)

    def delete(self, path=""):
        return self.client.delete(f"{self.url}/{path}" if path else self.url)

    def action(self, name="Find tickets", **more):
        r = self.post("actions/create", {"name": name, **more})
        assert r.status_code == 201, r.text
        return r.json()["action"]

    def trigger(self, name="New ticket", **more):
        r = self.post("triggers/create", {"name": name, **more})
        assert r.status_code == 201, r.text
        return r.json()["trigger"]

    def auth(self, kind, **more):
        r = self.patch("auth", {"authType": kind, **more})
        assert r.status_code == 200, r.text
        return r.json()
