#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the server against references in the same run: nginx for requests, the bare model server for chat turns.

Prints a table of figures with their targets.  `--smoke` is short and small, to see that everything works; its figures
mean nothing.  `--write` also writes docs/benchmarks.md.
"""
import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADMIN, PASSWORD = "admin", "benchmark password"
CHUNKS = 20  # of a turn
TURN_PACE = 5_000  # microseconds between the chunks of a turn whose latency is measured
STREAM_PACE = 500_000  # the same of a live stream


@dataclasses.dataclass
class Figure:
    name: str
    value: str
    target: str = ""
    met: object = None  # True, False, or None where there is no target


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        self.figures = []
        self.notes = []
        self.seconds = 1 if args.smoke else args.seconds
        self.load = os.path.join(args.programs, "load")

    # ------------------------------------------------------------------------------------------------------- the parts

    def note(self, text):
        self.notes.append(text)
        say(f"  {text}")

    def figure(self, name, value, target="", met=None):
        self.figures.append(Figure(name, value, target, met))
        say(f"  {name}: {value}" + (f"   target {target}: {'met' if met else 'NOT met'}" if target else ""))

    @contextlib.contextmanager
    def process(self, command, ready, env=None, log="process"):
        """Runs a program and waits for a line with `ready` in it."""
        with open(os.path.join(self.folder, log + ".log"), "ab+") as out:
            start = out.tell()
            p = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
            try:
                deadline = time.monotonic() + 30
                while True:
                    text = os.pread(out.fileno(), 1 << 20, start).decode(errors="replace")
                    if ready in text:
                        break
                    if p.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"bench: {command[0]} did not start:\n{text}")
                    time.sleep(0.01)
                yield p
            finally:
                if p.poll() is None:
                    p.send_signal(signal.SIGTERM)
                    try:
                        p.wait(30)
                    except subprocess.TimeoutExpired:
                        p.kill()
                        p.wait()

    def model_server(self):
        self.model_port = free_port()
        return self.process([os.path.join(self.args.programs, "fake_llm"), str(self.model_port)], "ready", log="model")

    def nginx(self):
        self.nginx_port = free_port()
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(
                f"""daemon off; worker_processes auto; pid {self.folder}/nginx.pid; error_log stderr warn;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
    uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
    server {{
        listen 127.0.0.1:{self.nginx_port} reuseport;
        location / {{ return 200 '{{"success":true,"code":200,"message":"ok","data":{{"status":"healthy"}}}}'; }}
    }}
}}
"""
            )
        binary = shutil.which("nginx") or "/usr/sbin/nginx"

        @contextlib.contextmanager
        def running():
            p = subprocess.Popen([binary, "-c", conf, "-p", self.folder], stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            try:
                wait_for(lambda: http_get(f"http://127.0.0.1:{self.nginx_port}/"))
                yield p
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(30)

        return running()

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    def environment(self):
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("SLUICE_", "SAGE_", "OPENAI_"))}
        return keep | {
            "SLUICE_ADMIN_USERNAME": ADMIN,
            "SLUICE_ADMIN_PASSWORD": PASSWORD,
            "SLUICE_DEFAULT_LLM_BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "SLUICE_DEFAULT_LLM_API_KEY": "sk-bench",
            "SLUICE_DEFAULT_LLM_MODEL_NAME": "bench-1-0",
        }

    def serve(self, port):
        return [self.args.sluice, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}"]

    @contextlib.contextmanager
    def server(self):
        self.port = free_port()
        with self.process(self.serve(self.port), "listening on", env=self.environment(), log="server") as p:
            self.pid = p.pid
            self.url = f"http://127.0.0.1:{self.port}"
            yield p

    def call(self, method, path, body=None, token=None):
        headers = {"content-type": "application/json", "accept-language": "en"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as r:
                answer = json.load(r)
        except urllib.error.HTTPError as why:
            raise SystemExit(f"bench: {method} {path}: {why.code} {why.read()[:300]}") from None
        if answer.get("code", 200) != 200:
            raise SystemExit(f"bench: {method} {path}: {answer}")
        return answer["data"]

    def login(self):
        body = {"username_or_email": ADMIN, "password": PASSWORD}
        self.token = self.call("POST", "/api/auth/login", body)["access_token"]

    def agent(self, model):
        """An agent over one model of the model server, without tools beyond one."""
        body = {"base_url": f"http://127.0.0.1:{self.model_port}/v1", "api_keys": ["sk-bench"], "model": model}
        provider = self.call("POST", "/api/llm-provider/create", body, self.token)["provider_id"]
        self.made = getattr(self, "made", 0) + 1
        body = {"name": f"agent {self.made} over {model}", "maxLoopCount": 5, "agentMode": "simple", "llm_provider_id": provider}
        body |= {"availableTools": ["grep"], "systemPrefix": "You are a benchmark."}
        return self.call("POST", "/api/agent/create", body, self.token)["agent_id"]

    # -------------------------------------------------------------------------------------------------- the measurements

    def wrk(self, url, connections, header=None):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{min(self.seconds, 3)}", "--latency", url]
        if header:
            command[1:1] = ["-H", header]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in text:
            raise SystemExit(f"bench: {url} answered errors:\n{text}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), re.search(r"99%\s+(\S+)", text).group(1)

    def requests(self):
        """Reference and server by turns, and the middle of the rounds: what else this machine does changes from second to second."""
        say("requests per second")
        for n in range(20):
            body = {"name": f"listed {n}", "maxLoopCount": 5, "systemPrefix": "You are agent number %d." % n}
            self.call("POST", "/api/agent/create", body, self.token)
        measured = (
            ("/api/health", "/api/health", None, 0.9),
            ("authenticated /api/agent/list of 20 agents", "/api/agent/list", f"Authorization: Bearer {self.token}", 0.25),
        )
        for connections in (64,) if self.args.smoke else (64, 1000):
            rounds = {name: [] for name in ("nginx", *(m[0] for m in measured))}
            with self.nginx():
                for _ in range(1 if self.args.smoke else 5):
                    rounds["nginx"].append(self.wrk(f"http://127.0.0.1:{self.nginx_port}/", connections))
                    for name, path, header, _target in measured:
                        rounds[name].append(self.wrk(self.url + path, connections, header))
            middle = {name: sorted(runs)[len(runs) // 2] for name, runs in rounds.items()}
            reference, p99 = middle["nginx"]
            span = f"{min(rounds['nginx'])[0]:,.0f} to {max(rounds['nginx'])[0]:,.0f}"
            self.note(f"nginx `return 200`, {connections} connections: {reference:,.0f} requests/s ({span}), p99 {p99}")
            for name, _path, _header, target in measured:
                rate, p99 = middle[name]
                ratio = rate / reference
                met = ratio >= target if connections == 64 else None
                self.figure(
                    f"{name}, {connections} connections",
                    f"{ratio:.2f} × nginx ({rate:,.0f}/s, p99 {p99})",
                    f"≥ {target} × nginx" if met is not None else "",
                    met,
                )

    def run_load(self, *args, timeout=300):
        run = subprocess.run([self.load, *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False)
        if run.returncode != 0 or not run.stdout:
            raise SystemExit(f"bench: load {args[0]}: {run.stderr}")
        if run.stderr:
            say(run.stderr.rstrip())
        return json.loads(run.stdout)

    def turns(self, model, connections, direct, spread=0):
        common = ["--connections", connections, "--seconds", self.seconds, "--spread", spread]
        if direct:
            body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
            return self.run_load("turns", self.model_port, "/v1/chat/completions", compact(body), *common, "--expect", "[DONE]")
        body = {"agent_id": self.agents[model], "session_id": "{s}", "messages": [{"role": "user", "content": "Hello"}]}
        header = f"Authorization: Bearer {self.token}"
        end = '"type":"stream_end"'
        more = ["--header", header, "--per-session", 4, "--expect", end]
        return self.run_load("turns", self.port, "/api/chat", compact(body), *common, *more)

    def chat_turns(self):
        say("chat turns: authentication, agent, history of up to three turns, 20 chunks, stored durably")
        paced, quick = f"bench-{CHUNKS}-{TURN_PACE}", f"bench-{CHUNKS}-0"
        self.agents = {m: self.agent(m) for m in (paced, quick)}
        whole = self.turns(paced, 50, False)
        self.note(
            f"all 50 turns beginning and ending at the same moments: p50 {whole['p50_ms']:.2f} ms, p99 {whole['p99_ms']:.2f} ms"
        )
        spread = CHUNKS * TURN_PACE / 1000  # people come at different moments
        bare = self.turns(paced, 50, True, spread)
        whole = self.turns(paced, 50, False, spread)
        self.note(
            f"paced model ({CHUNKS} chunks, {TURN_PACE / 1000:g} ms apart), 50 concurrent turns: bare p50 {bare['p50_ms']:.2f} ms, "
            f"p99 {bare['p99_ms']:.2f} ms; through the server p50 {whole['p50_ms']:.2f} ms, p99 {whole['p99_ms']:.2f} ms"
        )
        self.failures("paced turns", whole)
        for name, limit in (("p50", 1), ("p99", 5)):
            added = whole[f"{name}_ms"] - bare[f"{name}_ms"]
            self.figure(f"added by a turn, {name}, 50 concurrent", f"{added:.2f} ms", f"< {limit} ms", added < limit)
        self.steady_turns(bare, whole)
        bare, whole = self.turns(quick, 50, True), self.turns(quick, 50, False)
        self.failures("turns at full speed", whole)
        self.note(f"model that answers at once, 50 concurrent: bare {bare['per_second']:,.0f} turns/s")
        rate = whole["per_second"]
        self.figure("turns per second, 50 concurrent", f"{rate:,.0f} ({rate / bare['per_second']:.3f} × bare)", "≥ 3,000", rate >= 3000)

    def steady_turns(self, bare, whole):
        """The same without the turns in whose time the machine slowed down: tests/bench/machine.h."""
        self.note(
            f"the machine was at under half of its speed for {100 * whole['slow_share']:.1f} % of the time of the paced turns, "
            f"{100 * bare['slow_share']:.1f} % of that of the bare ones"
        )
        bare, whole = bare["steady"], whole["steady"]
        if not bare["turns"] or not whole["turns"]:
            self.note("no turn went by in which the machine kept its speed")
            return
        added = whole["p99_ms"] - bare["p99_ms"]
        name = f"the same p99 of the {whole['turns']} turns in which the machine kept its speed"
        self.figure(name, f"{added:.2f} ms", "< 5 ms", added < 5)

    def failures(self, what, result):
        if result["failures"] or not result["turns"]:
            self.figure(f"{what} that failed", f"{result['failures']} of {result['failures'] + result['turns']}", "0", False)

    def live_streams(self):
        model = f"bench-{10**8}-{STREAM_PACE}"
        nominal = STREAM_PACE / 1000
        for count in (200,) if self.args.smoke else (1000, 8000):
            say(f"{count} live streams at {1_000_000 // STREAM_PACE} chunks/s")
            with self.server():
                self.login()
                agent = self.agent(model)
                warm = {"agent_id": self.agent("bench-3-0"), "messages": [{"role": "user", "content": "x"}], "session_id": "{s}"}
                header = f"Authorization: Bearer {self.token}"
                self.run_load("turns", self.port, "/api/chat", compact(warm), "--connections", 8, "--seconds", 1, "--header", header)
                body = {"agent_id": agent, "session_id": "{s}", "messages": [{"role": "user", "content": "Hello"}]}
                r = self.run_load(
                    "streams", self.port, "/api/chat", compact(body), "--connections", count, "--header", header,
                    "--seconds", 3 if self.args.smoke else max(10, self.seconds), "--pid", self.pid,
                )  # fmt: skip
            kb = (r["rss_after_kb"] - r["rss_before_kb"]) / count
            self.note(
                f"{count} streams: opened in {r['open_seconds']} s, gap p50 {r['gap_p50_ms']} ms, max {r['gap_max_ms']} ms, "
                f"server {r['rss_before_kb'] / 1024:.1f} MB before and {r['rss_after_kb'] / 1024:.1f} MB during"
            )
            target = count == 8000
            self.figure(f"memory per stream at {count}", f"{kb:.1f} KB", "< 24 KB" if target else "", kb < 24 if target else None)
            gap, limit = r["gap_p99_ms"], 1.1 * nominal
            self.figure(
                f"chunk gap p99 at {count}",
                f"{gap / nominal:.3f} × nominal ({gap} ms)",
                "< 1.1 × nominal" if target else "",
                gap < limit if target else None,
            )
            self.figure(f"streams lost at {count}", str(r["lost"]), "0", r["lost"] == 0)

    def start_time(self):
        say("start time and idle memory")
        times = []
        for _ in range(3 if self.args.smoke else 7):
            port = free_port()
            began = time.perf_counter()
            p = subprocess.Popen(
                self.serve(port), env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
            )
            try:
                while not first_200(port):
                    if p.poll() is not None or time.perf_counter() - began > 20:
                        raise SystemExit("bench: the server does not start")
                times.append((time.perf_counter() - began) * 1000)
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(30)
        middle = statistics.median(times)
        self.figure("exec to first 200, existing database", f"{middle:.1f} ms (median of {len(times)})", "< 50 ms", middle < 50)
        with self.server():
            self.login()
            for path in ("/api/health", "/api/system/info"):
                self.call("GET", path)
            self.call("GET", "/api/agent/list", token=self.token)
            time.sleep(1)
            mb = status_kb(self.pid, "VmRSS") / 1024
            self.figure("idle RSS, after a login and some requests", f"{mb:.1f} MB", "< 20 MB", mb < 20)

    def scripts(self):
        """What a script costs over the request that it makes, and how many run a second; bare requests are the reference."""
        say("scripts")
        runner = os.path.join(os.path.dirname(os.path.abspath(self.args.sluice)), "sluice-script")
        if not os.path.exists(runner):
            self.note("scripts: not measured, for there is no sluice-script beside the server")
            return
        seconds = "1" if self.args.smoke else "6"
        made = subprocess.run(
            [os.path.join(self.args.programs, "script"), runner, seconds], capture_output=True, text=True, timeout=120, check=False
        )
        if made.returncode != 0:
            raise SystemExit(f"bench: the scripts failed:\n{made.stdout}{made.stderr}")
        lines = {m[1]: m for m in re.finditer(r"^(.+?)\s+(?:p50\s+)?([\d.]+) (?:ms|runs/s)(.*)$", made.stdout, re.MULTILINE)}
        for name, what in (("warm script, ld.request", "ld.request"), ("warm script, fetch", "fetch")):
            ms = float(lines[name][2])
            self.figure(f"added by a warm script to the one {what} that it makes, p50", f"{ms:.2f} ms", "< 3 ms", ms < 3)
        rate = float(lines["sustained, ld.request"][2])
        self.figure("scripts per second with one request each, a fresh process each", f"{rate:.0f}", "≥ 120", rate >= 120)
        self.note("scripts: " + "; ".join(re.sub(r"\s+", " ", line) for line in made.stdout.splitlines()))

    def binary_size(self):
        stripped = os.path.join(self.folder, "stripped")
        subprocess.run(["strip", "-o", stripped, self.args.sluice], check=True)
        mb = os.stat(stripped).st_size / (1 << 20)
        self.figure("stripped binary", f"{mb:.2f} MB", "< 5 MB", mb < 5)

    def run(self):
        self.binary_size()
        with self.model_server():
            with self.server():
                self.login()
                self.requests()
                self.chat_turns()
            self.start_time()
            self.live_streams()
        self.scripts()


# ------------------------------------------------------------------------------------------------------------- small ones


def say(text):
    print(text, flush=True)


def compact(body):
    return json.dumps(body, separators=(",", ":"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def http_get(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as r:
            return r.status == 200
    except OSError:
        return False


def first_200(port):
    """Asks once for /api/health; whether it was answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return s.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        time.sleep(0.0005)
        return False


def wait_for(test, seconds=10):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise SystemExit("bench: nothing answers")
        time.sleep(0.02)


def status_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":"))


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(f.readline().split()[1]) / (1 << 20)
    return f"{os.cpu_count()} × {model}, {memory:.0f} GB, Linux {platform.release()}"


def table(figures):
    rows = [("figure", "value", "target", "")]
    rows += [(f.name, f.value, f.target, "" if f.met is None else "met" if f.met else "NOT met") for f in figures]
    widths = [max(len(r[i]) for r in rows) for i in range(4)]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def document(bench, when):
    return f"""# Benchmarks

Written by `./dev bench --write` on {when}: {machine()}.  Server, load and references share these cores, on the loopback
interface; every ratio is against a reference measured in the same run.  Requests are made by `wrk -t1`, reference and server
by turns, the middle of five rounds; turns and streams by `tests/bench/load.c` over the model server
`tests/bench/fake_llm.c`, both single-threaded.  The database is SQLite with `synchronous=FULL`.

{table(bench.figures)}

References and details:

{chr(10).join("- " + n for n in bench.notes)}
"""


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--sluice", default=os.path.join(ROOT, "build", "sluice"))
    args.add_argument("--programs", default=os.path.join(ROOT, "build-bench", "tests", "bench"))
    args.add_argument("--seconds", type=int, default=5)
    args.add_argument("--smoke", action="store_true")
    args.add_argument("--write", action="store_true")
    args.add_argument("--only", action="append", choices=["requests", "turns", "streams", "start", "size", "scripts"])
    args = args.parse_args()
    folder = tempfile.mkdtemp(prefix="sluice-bench-")
    bench = Bench(args, folder)
    say(machine())
    try:
        if args.only:
            with bench.model_server():
                if "size" in args.only:
                    bench.binary_size()
                if {"requests", "turns"} & set(args.only):
                    with bench.server():
                        bench.login()
                        if "requests" in args.only:
                            bench.requests()
                        if "turns" in args.only:
                            bench.chat_turns()
                if "start" in args.only:
                    with bench.server():
                        pass
                    bench.start_time()
                if "streams" in args.only:
                    bench.live_streams()
                if "scripts" in args.only:
                    bench.scripts()
        else:
            bench.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("\n" + table(bench.figures))
    if args.write:
        with open(os.path.join(ROOT, "docs", "benchmarks.md"), "w", encoding="utf-8") as f:
            f.write(document(bench, datetime.date.today().isoformat()))
        say("written: docs/benchmarks.md")
    missed = [f.name for f in bench.figures if f.met is False]
    return 1 if missed and not args.smoke else 0


if __name__ == "__main__":
    sys.exit(main())
