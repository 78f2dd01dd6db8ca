# SPDX-License-Identifier: MIT
"""Starts the built binary for tests: on a free port, with a data directory of its own, and stops it so that leaks show."""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

import httpx

import databases

ADMIN = "admin"
PASSWORD = "correct horse battery staple"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("SLUICE_BIN") or os.path.join(ROOT, "build-test", "sluice")
SANITIZER = re.compile(r"(ERROR: (Address|Leak|Undefined)\w*Sanitizer|WARNING: ThreadSanitizer|runtime error:)")


def binary():
    if not os.path.exists(BINARY):
        raise RuntimeError(f"no binary at {BINARY}: run ./dev test, or set SLUICE_BIN")
    return BINARY


def environment(**more):
    """The environment without anybody's keys and settings."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("SLUICE_", "SAGE_", "LANGFLOW_", "OPENAI_", "ANTHROPIC_"))}
    keep |= {"SLUICE_ADMIN_USERNAME": ADMIN, "SLUICE_ADMIN_PASSWORD": PASSWORD}
    keep |= {k: str(v) for k, v in more.items()}
    return keep


def run(*args, timeout=30, env=None, stdin=None):
    """One `sluice` command to its end."""
    args = [str(a) for a in args]
    data = args[args.index("--data") + 1] if "--data" in args else None
    return subprocess.run(
        [binary(), *args],
        env=environment(**{**databases.settings(data), **(env or {})}),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def free_port():
    """One that the system gives to nobody meanwhile: below those that it takes for connections and for servers that name none."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        first = int(f.read().split()[0])
    for _ in range(100):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", random.SystemRandom().randrange(10000, first) if first > 20000 else 0))
            return s.getsockname()[1]
    raise RuntimeError("no port is free")


class Server:
    """A running server.  `data` is kept over restarts; everything it prints is in log()."""

    def __init__(self, data, listen="127.0.0.1:0", args=(), env=None, launcher=()):
        self.data = str(data)
        self.listen = listen
        self.args = list(args)
        self.env = {**databases.settings(self.data), **(env or {})}
        self.launcher = list(launcher)
        self.process = None
        self._log = tempfile.TemporaryFile()
        self._reader = None
        self._clients = []

    def start(self, timeout=30):
        command = [*self.launcher, binary(), "serve", "--data", self.data, "--listen", self.listen, *self.args]
        began = time.monotonic()
        self._log.seek(0, os.SEEK_END)
        start_of_log = self._log.tell()
        self.process = subprocess.Popen(
            command, env=environment(**self.env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        found = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self.process, found), daemon=True)
        self._reader.start()
        while not found.wait(0.05):
            if self.process.poll() is not None or time.monotonic() - began > timeout:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log(start_of_log)}")
        self.started_in = time.monotonic() - began
        return self

    def _read(self, process, found):
        for line in process.stdout:
            self._log.write(line)
            self._log.flush()
            if match := re.search(rb"listening on (http://(\S+?):(\d+))", line):
                if not found.is_set():
                    self.url, self.port = match.group(1).decode(), int(match.group(3))
                    found.set()

    def log(self, start=0):
        with os.fdopen(os.dup(self._log.fileno()), "rb") as copy:
            size = os.fstat(copy.fileno()).st_size
            return os.pread(copy.fileno(), size, start).decode("utf-8", "replace")

    def wait_log(self, text, timeout=20):
        """Waits until this is in the log: what is written before an answer may come through the pipe after it."""
        end = time.monotonic() + timeout
        while text not in (log := self.log()):
            assert time.monotonic() < end, f"{text} is not in the log:\n{log[-4000:]}"
            time.sleep(0.02)

    def client(self, token=None, key=None, english=True, **more):
        """An HTTP client of this server; closed with it."""
        headers = {"accept-language": "en-US"} if english else {}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if key:
            headers["x-api-key"] = key
        headers |= more.pop("headers", {})
        client = httpx.Client(base_url=self.url, headers=headers, timeout=more.pop("timeout", 30), trust_env=False, **more)
        self._clients.append(client)
        return client

    def login(self, name=ADMIN, password=PASSWORD, **more):
        """A client that bears the token of a fresh login."""
        with httpx.Client(base_url=self.url, timeout=30, trust_env=False) as client:
            r = client.post("/api/auth/login", json={"username_or_email": name, "password": password})
            assert r.status_code == 200, r.text
            return self.client(token=r.json()["data"]["access_token"], **more)

    def stop(self, timeout=30):
        """A clean stop; what the sanitizers found fails the test."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end within {timeout} s of SIGTERM:\n{self.log()[-4000:]}") from None
        self.process = None
        self.check_log()
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def check_log(self):
        if self._reader is not None:
            self._reader.join(2)  # to the last line, unless a process of the server's is left that has the pipe
        log = self.log()
        if match := SANITIZER.search(log):
            raise AssertionError(log[max(0, match.start() - 500) : match.start() + 6000])

    @staticmethod
    def instrumented():
        """Whether the binary was built with AddressSanitizer, under which figures of memory mean nothing."""
        with open(binary(), "rb") as f:
            return b"__asan_init" in f.read()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    # ------------------------------------------------------------------------------------------------------- looking in

    def status(self, field):
        """A figure of /proc/PID/status: "VmRSS" in KB, "Threads" …"""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise KeyError(field)

    def rows(self, sql):
        """What the database says, as tuples of texts; NULL is None.  Also while nothing runs."""
        return databases.rows(self.data, sql)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metric(self, name, label=""):
        """The sum of a metric's samples that have this label."""
        text = httpx.get(self.url + "/metrics", trust_env=False, timeout=30).text
        values = [
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if re.match(re.escape(name) + r"(\{[^}]*\})? ", line) and label in line
        ]
        if not values:
            raise KeyError(f"{name} is not in:\n{text}")
        return sum(values)

    def live_streams(self):
        return self.metric("sluice_http_open", 'kind="stream"')

    def live_runs(self):
        return self.metric("sluice_runs", 'state="live"')
