# SPDX-License-Identifier: MIT
"""Fixtures of the API tests and the crash test.

One server and one fake model server serve all tests of a pytest process: tests keep apart by users, agents and model names
of their own.  A test that needs other settings, or breaks things, starts its own with start_server.
"""
import os

import pytest

import sage
import server as servers
from fake_llm import FakeLLM

SYSTEM_MODEL = "system-model"


@pytest.fixture(scope="session")
def fake_llm():
    fake = FakeLLM()
    yield fake
    fake.close()


def default_llm(fake):
    """Settings that make the fake model server the system's default provider."""
    return {
        "SLUICE_DEFAULT_LLM_BASE_URL": fake.url,
        "SLUICE_DEFAULT_LLM_API_KEY": "sk-system-key-01",
        "SLUICE_DEFAULT_LLM_MODEL_NAME": SYSTEM_MODEL,
    }


@pytest.fixture(scope="session")
def server(tmp_path_factory, fake_llm):
    env = {**default_llm(fake_llm), "SLUICE_PUBLIC_API_REQUESTS_PER_MINUTE": "1000000", "SLUICE_PUBLIC_API_TOKENS_PER_MINUTE": "1000000000"}  # all tests are one user's
    running = servers.Server(tmp_path_factory.mktemp("data"), env=env).start()
    yield running
    assert running.alive(), f"the server ended during the tests:\n{running.log()[-6000:]}"
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def server_survives(request):
    """No test ends the shared server: the one that does is the one that fails."""
    running = request.getfixturevalue("server") if "server" in request.fixturenames else None
    pid = running.process.pid if running else None
    yield
    if running:
        assert running.alive() and running.process.pid == pid, f"the server died:\n{running.log()[-6000:]}"


@pytest.fixture
def start_server(tmp_path, fake_llm):
    """Starts servers of one's own: start_server(env={...}, args=[...], data=DIR)."""
    started = []

    def start(data=None, env=None, with_model=True, **more):
        settings = {**(default_llm(fake_llm) if with_model else {}), **(env or {})}
        running = servers.Server(data or tmp_path / f"data{len(started)}", env=settings, **more)
        started.append(running)
        return running.start()

    yield start
    for running in started:
        try:
            if running.alive():
                assert running.stop() == 0
        finally:
            running.kill()


@pytest.fixture(scope="session")
def admin(server):
    """The first admin, by bearer token, in English."""
    return server.login()


@pytest.fixture(scope="session")
def anonymous(server):
    return server.client()


@pytest.fixture
def cookie_admin(server):
    """The admin in a browser: a session cookie, and the headers that a page of ours would send."""
    client = server.client(headers={"origin": server.url, "sec-fetch-site": "same-origin"})
    body = {"username_or_email": servers.ADMIN, "password": servers.PASSWORD}
    assert client.post("/api/auth/login", json=body).status_code == 200
    yield client
    client.close()


class User:
    """An account of a test, and a client logged in as it."""

    def __init__(self, server, name, email, password):
        self.name, self.email, self.password = name, email, password
        self.client = server.login(name, password)
        self.id = sage.trimmed(self.client.get("/api/auth/session"))["user"]["userid"]


def create_user(server, role="user"):
    name, password = sage.unique("user"), "a password of some length"
    email = f"{name}@example.org"
    made = servers.run(
        "user", "create", "--data", server.data, "--name", name, "--email", email, "--role", role, "--password-stdin",
        stdin=password + "\n",
    )
    assert made.returncode == 0, made.stderr
    return User(server, name, email, password)


@pytest.fixture
def user(server):
    """Makes ordinary users: user() or user(role="admin")."""
    return lambda role="user": create_user(server, role)


def create_key(server, *scopes, name="test", user=servers.ADMIN):
    args = [part for scope in scopes for part in ("--scope", scope)]
    made = servers.run("key", "create", "--data", server.data, "--user", user, "--name", name, *args)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1].split()[-1]


@pytest.fixture
def key(server):
    """Makes API keys: key("resource.view", user=NAME)."""
    return lambda *scopes, **more: create_key(server, *scopes, **more)


@pytest.fixture
def model(admin, fake_llm):
    """(provider id, model name) of a provider of the admin's, made for this test."""
    return sage.provider(admin, fake_llm)


@pytest.fixture
def embedding_model(admin, fake_llm):
    """The name of an embedding model of the admin's, with vectors of eight numbers."""
    name = sage.unique("embedding")
    provider, _ = sage.provider(admin, fake_llm)
    body = {"name": name, "provider_uuid": provider}
    r = admin.post("/api/v1/provider/models/embedding", json=body)
    assert r.status_code == 200, r.text
    return name


@pytest.fixture
def bot(admin, model):
    """(agent id, model name) of a simple agent with all tools, made for this test."""
    provider_id, name = model
    return sage.agent(admin, provider_id), name


def pytest_report_header():
    return f"binary: {os.path.relpath(servers.BINARY, servers.ROOT)}"
