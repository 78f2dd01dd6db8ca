# SPDX-License-Identifier: MIT
"""HTTP/1.1 at the byte level: what is ambiguous, malformed or too big never reaches an application."""
import json
import socket
import threading
import time

import pytest

import server as servers

HEALTH = b"GET /api/health HTTP/1.1\r\nHost: x\r\n"


def talk(server, data, timeout=20.0, half_close=False):
    """Sends bytes and reads to the end of the connection, or until nothing comes for a while."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before its end
        answer = b""
        try:
            while part := s.recv(65536):
                answer += part
        except TimeoutError:
            pass
        except ConnectionResetError:
            pass
        return answer


def statuses(answer):
    """The status codes of the responses in these bytes, by their own framing."""
    found = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        found.append(int(head.split()[1]))
        if found[-1] < 200 or found[-1] in (204, 304):
            answer = rest
            continue
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
        if b"content-length" in headers:
            answer = rest[int(headers[b"content-length"]) :]
        elif headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            while True:
                size, _, rest = rest.partition(b"\r\n")
                n = int(size, 16)
                rest = rest[n + 2 :]
                if n == 0:
                    break
            answer = rest
        else:
            answer = b""
    return found


def one(server, data, **more):
    answer = talk(server, data, **more)
    return statuses(answer)[0] if answer else None


SMUGGLE = b"GET /api/system/info HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

# Every one of these must be refused with 400 (or 501), and nothing after it may be answered.
SMUGGLING = {
    "length and chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "two different lengths": POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLE,
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLE,
    "length list": POST + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLE,
    "length with plus": POST + b"Content-Length: +2\r\n\r\n{}" + SMUGGLE,
    "negative length": POST + b"Content-Length: -2\r\n\r\n{}" + SMUGGLE,
    "hex length": POST + b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLE,
    "huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}" + SMUGGLE,
    "empty length": POST + b"Content-Length: \r\n\r\n{}" + SMUGGLE,
    "length with words": POST + b"Content-Length: 2 bytes\r\n\r\n{}" + SMUGGLE,
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked then gzip": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunked in two headers": POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n{}" + SMUGGLE,
    "vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLE,
    "chunk size hex prefix": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLE,
    "chunk size sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + SMUGGLE,
    "chunk size empty": POST + b"Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n" + SMUGGLE,
    "chunk size overflow": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n" + SMUGGLE,
    "chunk without line end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + SMUGGLE,
    "chunk line feed only": POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + SMUGGLE,
    "blank before colon": POST + b"Content-Length : 2\r\n\r\n{}" + SMUGGLE,
    "obs-fold": HEALTH + b"X-A: one\r\n two\r\n\r\n" + SMUGGLE,
    "folded length": POST + b"Content-Length:\r\n 2\r\n\r\n{}" + SMUGGLE,
    "NUL in a value": HEALTH + b"X-A: a\x00b\r\n\r\n" + SMUGGLE,
    "NUL in a name": HEALTH + b"X\x00A: b\r\n\r\n" + SMUGGLE,
    "bare CR in a value": HEALTH + b"X-A: a\rb\r\n\r\n" + SMUGGLE,
    "bare LF line ends": b"GET /api/health HTTP/1.1\nHost: x\n\n" + SMUGGLE,
    "no colon": HEALTH + b"JustAName\r\n\r\n" + SMUGGLE,
    "empty name": HEALTH + b": value\r\n\r\n" + SMUGGLE,
    "header with blank in its name": HEALTH + b"X A: b\r\n\r\n" + SMUGGLE,
}


@pytest.mark.parametrize("what", SMUGGLING)
def test_ambiguous_requests_are_refused_and_the_connection_closed(server, what):
    answer = talk(server, SMUGGLING[what], timeout=8)
    assert statuses(answer) in ([400], [501], [413]), answer
    assert b"allow_registration" not in answer, "the smuggled request was answered"


MALFORMED = {
    "no host": (b"GET /api/health HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "bad host": (b"GET /api/health HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "host with a path": (b"GET /api/health HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "host with userinfo": (b"GET /api/health HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    "unknown method": (b"BREW /api/health HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "lower-case method": (b"get /api/health HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", (400, 405, 501)),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "HTTP/3.0": (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", (400, 505)),
    "no version": (b"GET /\r\n\r\n", 400),
    "blank in the target": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "NUL in the target": (b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "high byte in the target": (b"GET /a\xff HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50, 400),
    "noise": (bytes(range(1, 255)) * 4, 400),
    "body on a GET with both": (HEALTH + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_requests(server, what):
    data, wanted = MALFORMED[what]
    answer = talk(server, data, timeout=3)
    got = statuses(answer)
    if what == "TLS hello" and not got:
        return  # no end of a head in it: it is waited for, and given up
    assert len(got) == 1 and got[0] in (wanted if isinstance(wanted, tuple) else (wanted,)), answer


def test_an_absolute_target_is_understood(server):
    data = b"GET http://x/api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert one(server, data) in (200, 400)


def test_http_1_0_needs_no_host_and_closes(server):
    answer = talk(server, b"GET /api/health HTTP/1.0\r\n\r\n")
    assert statuses(answer) == [200] and b"transfer-encoding" not in answer.lower()


# --------------------------------------------------------------------------------------------------------- head limits


def test_too_many_bytes_of_head(server):
    data = HEALTH + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(3000)) + b"\r\n"
    assert one(server, data) in (400, 431)


def test_too_many_headers(server):
    data = HEALTH + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n"
    assert one(server, data) in (400, 431)


def test_a_head_without_an_end(server):
    assert one(server, HEALTH + b"X: " + b"y" * 3_000_000) in (400, 431)


def test_too_long_a_target(server):
    assert one(server, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n") in (400, 414, 431)


def test_many_headers_within_the_limit_are_fine(server):
    data = HEALTH + b"".join(b"X-%d: y\r\n" % n for n in range(50)) + b"Connection: close\r\n\r\n"
    assert one(server, data) == 200


# -------------------------------------------------------------------------------------------------------------- framing


def test_pipelined_requests_are_answered_in_order(server):
    data = HEALTH + b"\r\n" + SMUGGLE + b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = talk(server, data)
    assert statuses(answer) == [200, 200, 404]
    assert answer.index(b"healthy") < answer.index(b"allow_registration")


def test_a_connection_is_kept_and_closed_on_request(server):
    assert statuses(talk(server, (HEALTH + b"\r\n") * 5 + HEALTH + b"Connection: close\r\n\r\n")) == [200] * 6


def test_byte_by_byte(server):
    body = json.dumps({"username_or_email": servers.ADMIN, "password": servers.PASSWORD}).encode()
    data = POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            s.sendall(data[i : i + 1])
        answer = b""
        while part := s.recv(65536):
            answer += part
    assert statuses(answer) == [200]


@pytest.mark.parametrize("extension", [b"", b";a=b", b'; name="va;lue"'])
def test_a_chunked_request(server, extension):
    body = json.dumps({"username_or_email": servers.ADMIN, "password": servers.PASSWORD}).encode()
    parts = [body[i : i + 7] for i in range(0, len(body), 7)]
    chunked = b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in parts) + b"0\r\nX-Trailer: y\r\n\r\n"
    assert one(server, POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked) in (200, 400 if extension else 200)


def test_head_has_the_length_and_no_body(server):
    answer = talk(server, b"HEAD /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] in (b"200", b"405") and body == b""


def test_expect_100_continue(server):
    body = json.dumps({"username_or_email": servers.ADMIN, "password": servers.PASSWORD}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as s:
        s.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        first = s.recv(65536)
        assert first.startswith(b"HTTP/1.1 100 "), first
        s.sendall(body)
        answer = b""
        while part := s.recv(65536):
            answer += part
    assert statuses(answer) == [200]


def test_expect_is_not_continued_when_the_answer_is_no(server):
    data = b"POST /api/agent/create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 500000000\r\n\r\n"
    assert one(server, data, timeout=3) in (401, 413, 417)


def test_another_expectation(server):
    assert one(server, HEALTH + b"Expect: the-unexpected\r\nConnection: close\r\n\r\n", timeout=3) in (417, 400)


def test_an_early_answer_to_a_body_that_is_not_wanted(server):
    """A refusal leaves the connection in a known state: closed, or the body was read."""
    data = b"POST /api/agent/create HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n" + b"x" * 20 + HEALTH + b"Connection: close\r\n\r\n"
    got = statuses(talk(server, data))
    assert got in ([401], [401, 200])


# ------------------------------------------------------------------------------------------------------------- patience


def test_a_slow_head_is_not_waited_for_forever(start_server):
    running = start_server()
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as s:
        began = time.monotonic()
        s.sendall(b"GET /api/health HTTP/1.1\r\n")
        answer = b""
        try:
            for n in range(120):
                s.sendall(b"X-%d: y\r\n" % n)
                s.settimeout(0.25)
                try:
                    part = s.recv(4096)
                    answer += part
                    break
                except TimeoutError:
                    continue
        except OSError:
            pass
        took = time.monotonic() - began
    assert took < 25, f"a head that never ends was read for {took:.0f} s"
    assert answer == b"" or statuses(answer) == [408]


def test_many_slow_clients_are_no_trouble_to_the_others(server):
    sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for s in sockets:
        s.sendall(b"GET /api/health HT")
    began = time.monotonic()
    with server.client() as client:
        assert client.get("/api/health").status_code == 200
    assert time.monotonic() - began < 6
    for s in sockets:
        s.close()


def test_connections_that_open_and_close(server):
    for _ in range(300):
        socket.create_connection(("127.0.0.1", server.port)).close()
    with server.client() as client:
        assert client.get("/api/health").status_code == 200


def test_a_half_closed_client_still_gets_its_answer(server):
    assert statuses(talk(server, HEALTH + b"Connection: close\r\n\r\n", half_close=True)) in ([200], [])


def test_many_at_once(server):
    answers = []

    def ask():
        answers.append(one(server, HEALTH + b"Connection: close\r\n\r\n", timeout=20))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [200] * 100


def test_responses_carry_no_version_of_the_server(server):
    head = talk(server, HEALTH + b"Connection: close\r\n\r\n").partition(b"\r\n\r\n")[0].lower()
    assert b"x-powered-by" not in head and b"uvicorn" not in head


def test_header_injection_is_impossible(server, admin):
    """What a client sends is never copied into a response head with its line ends."""
    r = admin.get("/api/agent/x%0d%0aset-cookie:%20a=b")
    assert "set-cookie" not in r.headers
    r = admin.get("/api/health", headers={"x-request-id": "a" * 300})
    assert len(r.headers.get("x-request-id", "")) <= 128
