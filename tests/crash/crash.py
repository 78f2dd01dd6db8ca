# SPDX-License-Identifier: MIT
"""A server that is killed while it works, and what must be true afterwards.

Writers and talkers use the API from threads and keep book: what was acknowledged must be there after the kill, what was
not may be there or not, but never half.
"""
import random
import threading

import httpx

import databases
import langflow
import sage
import server as servers
from fake_llm import Call, Reply


class Ledger:
    """What the server has acknowledged, over all rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.agents = {}  # id -> (name, prefix)
        self.deleted = set()  # agent ids
        self.flows = {}  # id -> name
        self.providers = {}  # uuid -> name
        self.turns = {}  # session -> texts of the user, of turns that had begun
        self.answers = {}  # session -> texts of the model, of turns that had ended
        self.writes = 0
        self.running = set()  # sessions whose run had begun and not ended at the kill

    def note(self, store, key, value):
        with self.lock:
            store[key] = value
            self.writes += 1


class Gone(Exception):
    """The server went away: no acknowledgement."""


def attempt(call):
    """A response that came whole, or Gone."""
    try:
        return call()
    except (httpx.TransportError, httpx.RemoteProtocolError) as why:
        raise Gone from why


class Worker(threading.Thread):
    """Works until the server goes away; an unexpected answer is kept for the test to report."""

    def __init__(self, running, ledger, fake, token, key, stop):
        super().__init__(daemon=True)
        self.running, self.ledger, self.fake, self.stop = running, ledger, fake, stop
        self.client = httpx.Client(
            base_url=running.url, timeout=20, trust_env=False, headers={"authorization": f"Bearer {token}", "accept-language": "en"}
        )
        self.flows = httpx.Client(base_url=running.url, timeout=20, trust_env=False, headers={"x-api-key": key})
        self.trouble = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
        except Gone:
            pass
        except Exception as why:  # told by the test
            self.trouble = why
        finally:
            self.client.close()
            self.flows.close()

    def step(self):
        raise NotImplementedError


class Writer(Worker):
    """Makes, changes and deletes records."""

    def step(self):
        what = random.random()
        if what < 0.5:
            self.make_agent()
        elif what < 0.7:
            self.replace_agent()
        elif what < 0.8:
            self.delete_agent()
        elif what < 0.9:
            self.make_flow()
        else:
            self.make_provider()

    def make_agent(self):
        body = {"name": sage.unique("crash"), "maxLoopCount": 5, "systemPrefix": "p" * random.randrange(3000)}
        made = sage.full(attempt(lambda: self.client.post("/api/agent/create", json=body)))["agent_id"]
        self.ledger.note(self.ledger.agents, made, (body["name"], body["systemPrefix"]))

    def take(self):
        """An agent of the ledger that nobody else works on: taken out while the answer is open."""
        with self.ledger.lock:
            if not self.ledger.agents:
                return None
            agent = random.choice(list(self.ledger.agents))
            return agent, self.ledger.agents.pop(agent)

    def replace_agent(self):
        if (found := self.take()) is None:
            return
        agent, (name, _) = found
        prefix = "q" * random.randrange(3000)
        r = attempt(lambda: self.client.put(f"/api/agent/{agent}", json={"name": name, "maxLoopCount": 5, "systemPrefix": prefix}))
        sage.full(r)
        self.ledger.note(self.ledger.agents, agent, (name, prefix))

    def delete_agent(self):
        if (found := self.take()) is None:
            return
        sage.full(attempt(lambda: self.client.delete(f"/api/agent/{found[0]}")))
        with self.ledger.lock:
            self.ledger.deleted.add(found[0])
            self.ledger.writes += 1

    def make_flow(self):
        name = sage.unique("crash-flow")
        r = attempt(lambda: self.flows.post("/api/v1/flows/", json={**langflow.chat_flow("m"), "name": name}))
        assert r.status_code == 201, r.text
        self.ledger.note(self.ledger.flows, r.json()["id"], name)

    def make_provider(self):
        name = sage.unique("crash-provider")
        body = {"name": name, "requester": "openai-chat-completions", "base_url": "http://127.0.0.1:9", "api_keys": ["sk-" + name]}
        r = attempt(lambda: self.client.post("/api/v1/provider/providers", json=body))
        assert r.json()["code"] == 0, r.text
        self.ledger.note(self.ledger.providers, r.json()["data"]["uuid"], name)


class Talker(Worker):
    """Holds conversations, managed and direct, some with tool calls, some slow enough to be killed in the middle."""

    def __init__(self, *args, agent, model):
        super().__init__(*args)
        self.agent, self.model = agent, model

    def step(self):
        session = sage.unique("crash-session")
        for turn in range(random.randrange(1, 4)):
            text = f"question {turn} of {session}"
            delay = random.choice([0, 0, 0.01, 0.05])
            answer = f"answer {turn} of {session}"
            tools = [Call("glob", {"pattern": f"{session}*"})] if random.random() < 0.3 else []
            if tools:
                self.fake.script(self.model, Reply("Looking. ", tool_calls=tools, delay=delay))
            self.fake.script(self.model, Reply(answer + " and more " * 10, delay=delay))
            self.talk(session, text, random.choice(["/api/chat", "/api/web-stream"]))

    def talk(self, session, text, path):
        with self.ledger.lock:
            self.ledger.running.add(session)
        lines = []
        try:
            with self.client.stream("POST", path, json=sage.say(text, self.agent, session)) as r:
                assert r.status_code == 200, r.read()
                stream = sage.Stream(r)
                while (line := stream.next()) is not None:
                    lines.append(line)
                    if len(lines) == 1:  # the first chunk says that the turn has begun, and so that it is stored
                        with self.ledger.lock:
                            self.ledger.turns.setdefault(session, []).append(text)
                            self.ledger.writes += 1
        except httpx.TransportError as why:
            raise Gone from why
        if lines and lines[-1].get("type") == "stream_end":
            with self.ledger.lock:
                self.ledger.answers.setdefault(session, []).append(stream.text)
                self.ledger.running.discard(session)
                self.ledger.writes += 1


def check(running, ledger, key):
    """After a restart: everything acknowledged is there."""
    admin = running.login()
    agents = {a["id"]: a for a in sage.full(admin.get("/api/agent/list"))}
    for agent, (name, prefix) in ledger.agents.items():
        assert agent in agents, f"agent {agent} was acknowledged and is lost"
        assert agents[agent]["name"] == name and (agents[agent]["systemPrefix"] or "") == prefix, f"agent {agent} is not as written"
    for agent in ledger.deleted:
        assert agent not in agents, f"agent {agent} was deleted and is back"
    flows = running.client(key=key)
    for flow, name in ledger.flows.items():
        r = flows.get(f"/api/v1/flows/{flow}")
        assert r.status_code == 200 and r.json()["name"] == name, f"flow {flow} is lost"
    for provider, name in ledger.providers.items():
        r = admin.get(f"/api/v1/provider/providers/{provider}")
        assert r.status_code == 200, f"provider {provider} is lost"
        assert r.json()["data"]["provider"]["api_keys"] == ["sk-" + name], f"the key of provider {provider} is not readable"
    check_conversations(admin, ledger)


def check_conversations(admin, ledger):
    for session, texts in ledger.turns.items():
        messages = sage.history(admin, session)["messages"]
        users = [m["content"] for m in messages if m["role"] == "user"]
        for text in texts:
            assert users.count(text) == 1, f"{session}: {text!r} is there {users.count(text)} times"
        said = "".join(m["content"] for m in messages if m["role"] == "assistant" and m.get("content"))
        for answer in ledger.answers.get(session, []):
            assert answer.split(" and more")[0].removeprefix("Looking. ") in said, f"{session}: {answer!r} is lost"
        ids = [m["message_id"] for m in messages]
        assert len(ids) == len(set(ids)), f"{session}: a message is there twice"


def check_file(running):
    """The database is sound, and no run is left that nobody runs."""
    databases.check(running.data)
    assert running.rows("SELECT count(*) FROM run WHERE status = 'running'") == [("0",)]
    return int(running.rows("SELECT count(*) FROM run WHERE status = 'interrupted'")[0][0])


def round_of(start, data, ledger, fake, names, seconds):
    """Starts the server on `data`, lets it work for a while, and kills it."""
    running = start(data=data, listen="127.0.0.1:0")
    admin = running.login()
    token = admin.headers["authorization"].split()[1]
    agent, model, key = names
    stop = threading.Event()
    base = (running, ledger, fake, token, key, stop)
    workers = [Writer(*base) for _ in range(3)] + [Talker(*base, agent=agent, model=model) for _ in range(3)]
    for w in workers:
        w.start()
    stop.wait(seconds)
    running.kill()
    stop.set()
    for w in workers:
        w.join(30)
        assert not w.is_alive(), "a worker still waits for a server that is dead"
        if w.trouble:
            raise w.trouble
    running.check_log()


def set_up(start, data, fake):
    """The records that every round uses: an agent, its model, a key."""
    running = start(data=data)
    admin = running.login()
    provider_id, model = sage.provider(admin, fake)
    agent = sage.agent(admin, provider_id, maxLoopCount=20)
    made = servers.run("key", "create", "--data", data, "--user", servers.ADMIN, "--name", "crash", "--scope", "langflow")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip().splitlines()[-1].split()[-1]
    assert running.stop() == 0
    return agent, model, key
