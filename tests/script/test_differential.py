# SPDX-License-Identifier: MIT
"""Our URL, URLSearchParams, Buffer, atob and TextDecoder beside those of Node, over inputs that a seed makes.

Left out is where Node 20 is not up to date or wrong: "^" in paths, ports of no digits, characters beyond ASCII next to broken escapes,
"foo:///..".
And our hosts are stricter than the standard: no quotes, braces and backticks.
"""
import json
import random
import shutil
import subprocess

import pytest

import runner

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

PIECES = ["http:", "https:", "ftp:", "foo:", "//", "/", "\\", "?", "#", ":", "@", "user", "p%20w", "example.org", "EXAMPLE.com", "1.2.3.4", "0x7f.1",
          "256", "08", "[::1]", "[1:2:3::8]", "[::1.2.3.4]", "[1::2::3]", "a", "b.c", ".", "..", "%2e", "%2E%2e", " ", "é", "日本", "{x}", "|", "`", "'", '"', "<", ">", "%zz",
          "%41", "&", "=", "+", ";", "8080", "80", "443", "99999", "\t", "\n", "\u0001", "~", "$", "\ud83d\ude00", "%", "*", "x"]
BASES = [None, "http://host/a/b?q#f", "https://u:p@h.example:8443/x/", "foo://bar/baz/", "foo:/a/b", "http://h"]


def urls(seed, n):
    random.seed(seed)
    made = []
    for _ in range(n):
        text = "".join(random.choice(PIECES) for _ in range(random.randint(1, 8)))
        if random.random() < 0.6:
            text = random.choice(["http://", "https://", "foo://", "//", "http:"]) + text
        made.append([text, random.choice(BASES)])
    return made


def both(code, value):
    """What the code returns here and in Node, for data.input.v."""
    ours = runner.run(code, input={"v": value}, wall=60, cpu=60)
    assert ours.status == "done", ours
    node = "const data = {input: {v: JSON.parse(require('fs').readFileSync(0, 'utf8'))}}; (async () => {" + code + "})().then((r) => console.log(JSON.stringify(r)))"
    theirs = subprocess.run(["node", "-e", node], input=json.dumps(value), capture_output=True, text=True, timeout=120, check=True)
    return ours.value, json.loads(theirs.stdout)


def strict_host(ours, theirs):
    return ours is None and any(c in theirs[2] for c in "\"{}`")


def compare(code, values):
    ours, theirs = both(code, values)
    wrong = [(v, a, b) for v, a, b in zip(values, ours, theirs, strict=True) if a != b and not strict_host(a, b) and not (b and b[0] == "foo://")]
    assert not wrong, "\n".join(f"{v!r}: {a!r} is not {b!r}" for v, a, b in wrong[:6]) + f"\n{len(wrong)} differ"


@pytest.mark.parametrize("seed", range(4))
def test_urls(seed):
    compare("""return data.input.v.map(([text, base]) => { try { const u = new URL(text, base === null ? undefined : base);
        return [u.href, u.origin, u.host, u.username, u.password, u.pathname, u.search, u.hash]; } catch { return null; } });""", urls(seed, 3000))


def test_setters_of_urls():
    random.seed(5)
    keys = ["protocol", "host", "hostname", "port", "pathname", "search", "hash", "username", "password"]
    values = [[random.choice(["http://h:81/a?b#c", "https://u@x.org/", "foo://h/p", "mailto:x"]), random.choice(keys), random.choice(PIECES + ["h2:90", "http", "a b"])] for _ in range(3000)]
    values = [v for v in values if not (v[1] == "port" and not v[2].isdigit()) and not (v[1] == "pathname" and v[2][0] in ".%") and not (v[1].startswith("host") and v[2] in ('"', "{x}", "`"))]
    compare("return data.input.v.map(([text, key, value]) => { const u = new URL(text); u[key] = value; return u.href; });", values)


def test_queries():
    random.seed(6)
    values = ["".join(random.choice(["a", "b", "=", "&", "+", "%20", "%zz", "%C3%A9", "%ff", "?", "#", " ", "~", "*", "'"]) for _ in range(random.randint(0, 12))) for _ in range(3000)]
    compare("""return data.input.v.map((q) => { const p = new URLSearchParams(q); const sorted = new URLSearchParams(q); sorted.sort();
        return [String(p), [...p], p.get('a'), p.getAll('b'), String(sorted)]; });""", values)


def test_buffers_and_base64():
    random.seed(7)
    alphabet = "ABCabc0189+/-_=zZ \n*é"
    values = ["".join(random.choice(alphabet) for _ in range(random.randint(0, 14))) for _ in range(3000)]
    compare("""return data.input.v.map((t) => { const out = [];
        for (const e of ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'utf16le']) { const b = Buffer.from(t, e); out.push(b.toString('hex'), b.toString(e), b.toString('base64')); }
        try { out.push(Buffer.from(atob(t), 'latin1').toString('hex')); } catch (e) { out.push(e.name); }
        try { out.push(btoa(t)); } catch (e) { out.push(e.name); }
        return out; });""", values)


def test_decoders():
    random.seed(8)
    values = [[random.choice([0x41, 0x80, 0xbf, 0xc2, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0xf4, 0x90, 0xff, 0xef, 0xbb]) for _ in range(random.randint(0, 8))] for _ in range(3000)]
    compare("""return data.input.v.map((bytes) => { const out = [];
        for (const label of ['utf-8', 'utf-16le']) { const b = new Uint8Array(bytes);
            out.push(new TextDecoder(label).decode(b));
            const d = new TextDecoder(label); let text = '';
            for (const x of b) text += d.decode(new Uint8Array([x]), { stream: true });
            out.push(text + d.decode());
            try { out.push(new TextDecoder(label, { fatal: true }).decode(b)); } catch (e) { out.push(e.name); } }
        return out; });""", values)
