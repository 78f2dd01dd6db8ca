# SPDX-License-Identifier: MIT
"""Actions and triggers as people write them (tests/api/data/actions), run by sluice-script against services that answer."""
import glob
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import pytest

import cases
import runner

sys.path.insert(0, os.path.join(runner.ROOT, "tests", "api"))
from fake_saas import FakeSaas  # noqa: E402

PATHS = sorted(glob.glob(os.path.join(runner.ROOT, "tests", "api", "data", "actions", "*.js")))
ACTIONS = [(p, i, c.name) for p in PATHS for i, c in enumerate(cases.read(p))]


@pytest.fixture(scope="module")
def key():
    """An RSA key as PEM, on one line as people paste it."""
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True, timeout=60)
    return made.stdout.decode()


def read(path, saas, key):
    return cases.read(path, lambda line: line.replace("$BASE", saas.url).replace("$KEY", key.replace("\n", "\\\\n")))


def fetch(request, hops=5):
    """What the server does for a script: the request, redirects followed."""
    parts = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=request.timeout / 1000 if request.timeout else 10)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(request.method, path, request.body or None, dict(request.headers))
        r = connection.getresponse()
        body = r.read()
        where = r.getheader("Location")
        if r.status in (301, 302, 303, 307, 308) and where and hops > 0:
            request.url = urllib.parse.urljoin(request.url, where)
            return fetch(request, hops - 1)
        return runner.Response(body, r.status, r.getheaders(), request.url)
    except OSError as why:
        return str(why)
    finally:
        connection.close()


class Patient:
    """Answers slow requests later, so that the others do not wait for them, and gives up those that have a time limit."""

    def __init__(self):
        self.slow = []

    def __call__(self, request):
        if "/slow" in request.url and request.timeout:
            return f"Request timed out after {request.timeout} ms"
        if "/slow" in request.url:
            thread = threading.Thread(target=fetch, args=(request,))
            thread.start()
            self.slow.append(thread)
            return None
        return fetch(request)


@pytest.mark.parametrize("path, number", [a[:2] for a in ACTIONS], ids=[f"{os.path.basename(p)[:-3]}: {name}" for p, _, name in ACTIONS])
def test_action(path, number, key):
    with FakeSaas() as saas:
        case = read(path, saas, key)[number]
        s = case.set
        files = [runner.File(f["field"], f["name"], f["mime"], cases.input_bytes(f), f.get("list", False)) for f in s.get("files", [])]
        internet = Patient()
        out = runner.run(case.code, internet, files=files, **{k: s[k] for k in ("input", "auth", "env", "aliases", "last_poll") if k in s})
        for thread in internet.slow:
            thread.join()
        cases.check_ending(case, out.status, out.message, out.value)
        for name, size in s.get("file", {}).items():
            assert [len(raw) for head, raw in out.files if head["name"] == name] == [size], out.files
        json.dumps(out.value)


def verified(key, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("key", "public", "signature")]
        with open(names[0], "w") as f:
            f.write(key)
        with open(names[2], "wb") as f:
            f.write(signature)
        subprocess.run(["openssl", "pkey", "-in", names[0], "-pubout", "-out", names[1]], check=True, timeout=30)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", names[1], "-signature", names[2]], input=text, capture_output=True, timeout=30)
        return b"Verified OK" in done.stdout


@pytest.mark.parametrize("how", [
    "return ld.signWithRS256('hällo', secrets.key, { encoding: 'hex' }).signature",
    "return Buffer.from(ld.signWithRS256('hällo', secrets.key.replace(/\\n/g, '\\\\n')).signature, 'base64').toString('hex')",
    """const der = Buffer.from(secrets.key.split('-----')[2], 'base64');
    const key = await crypto.subtle.importKey('pkcs8', der, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
    return Buffer.from(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key, new TextEncoder().encode('hällo'))).toString('hex')""",
])
def test_signatures_are_those_of_the_key(key, how):
    out = runner.run(how, auth={"key": key})
    assert out.status == "done", out
    assert verified(key, "hällo".encode(), bytes.fromhex(out.value))
