# SPDX-License-Identifier: MIT
"""Images in messages: inline ones go to the model, files of the agent's workspace as data, large ones made smaller, and nothing else is
read."""
import base64
import os
import shutil
import subprocess

import pytest

import sage
from fake_llm import Reply
from sage import chat, unique

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAABQAAAAUCAIAAAAC64paAAAAGklEQVR42mP4z8BANmIY1TyqeVTzqOaB1QwAMc2OgIQLi4wAAAAASUVORK5CYII=")
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()


def seeing(admin, fake, requester):
    """An agent whose model takes images, and the model's name."""
    name = unique("eyes")
    base = fake.origin if requester.startswith("anthropic") else fake.url
    body = {"name": name, "requester": requester, "base_url": base, "api_keys": ["sk-1"]}
    made = admin.post("/api/v1/provider/providers", json=body).json()["data"]["uuid"]
    admin.post("/api/v1/provider/models/llm", json={"name": name, "provider_uuid": made, "abilities": ["func_call", "vision"]})
    (found,) = [p for p in sage.full(admin.get("/api/llm-provider/list")) if p["model"] == name]
    return sage.agent(admin, found["id"]), name


def ask(admin, agent, *urls, session=None):
    content = [{"type": "text", "text": "What is this?"}] + [{"type": "image_url", "image_url": {"url": u}} for u in urls]
    body = {"messages": [{"role": "user", "content": content}], "agent_id": agent, "session_id": session or unique("s")}
    return chat(admin, body)


def parts(request, kind):
    users = [m["content"] for m in request.body["messages"] if m["role"] == "user" and isinstance(m["content"], list)]
    return [p for content in users for p in content if p["type"] == kind]


@pytest.fixture
def workspace(server, admin):
    """The directory of an agent's files, as the server has it for the admin."""
    user = sage.trimmed(admin.get("/api/auth/session"))["user"]["userid"]

    def make(agent):
        path = os.path.join(server.data, "agents", user, agent)
        os.makedirs(path, exist_ok=True)
        return os.path.realpath(path)

    return make


def test_inline_images_reach_both_kinds_of_models(admin, fake_llm):
    agent, name = seeing(admin, fake_llm, "openai-chat-completions")
    ask(admin, agent, DATA, "https://example.org/a.png")
    request = fake_llm.requests_for(name)[-1]
    assert [p["image_url"]["url"] for p in parts(request, "image_url")] == [DATA, "https://example.org/a.png"]
    agent, name = seeing(admin, fake_llm, "anthropic-messages")
    ask(admin, agent, DATA, "https://example.org/a.png")
    inline, linked = [p["source"] for p in parts(fake_llm.requests_for(name)[-1], "image")]
    assert inline == {"type": "base64", "media_type": "image/png", "data": DATA.partition(",")[2]}
    assert linked == {"type": "url", "url": "https://example.org/a.png"}


@pytest.mark.parametrize("requester", ["openai-chat-completions", "anthropic-messages"])
def test_files_of_the_workspace_are_sent_as_data(admin, fake_llm, workspace, requester):
    agent, name = seeing(admin, fake_llm, requester)
    home = workspace(agent)
    with open(os.path.join(home, "a b.jpg"), "wb") as file:
        file.write(PNG)
    session = unique("s")
    ask(admin, agent, "a b.jpg", f"file://{home}/a%20b.jpg", session=session)
    request = fake_llm.requests_for(name)[-1]
    if requester.startswith("anthropic"):
        assert [p["source"]["media_type"] for p in parts(request, "image")] == ["image/png"] * 2
    else:
        assert [p["image_url"]["url"] for p in parts(request, "image_url")] == [DATA] * 2
    stored = sage.history(admin, session)["messages"][0]["content"]
    assert stored[1]["image_url"]["url"] == "a b.jpg", "the conversation keeps the reference"


@pytest.mark.skipif(shutil.which("gm") is None, reason="GraphicsMagick is not installed")
@pytest.mark.parametrize("requester", ["openai-chat-completions", "anthropic-messages"])
def test_large_images_are_made_smaller_for_the_model_alone(admin, fake_llm, workspace, requester):
    agent, name = seeing(admin, fake_llm, requester)
    large = subprocess.run(["gm", "convert", "-size", "4000x3000", "gradient:red-blue", "jpeg:-"], capture_output=True, check=True).stdout
    with open(os.path.join(workspace(agent), "photo.jpg"), "wb") as file:
        file.write(large)
    sent, session = "data:image/jpeg;base64," + base64.b64encode(large).decode(), unique("s")
    ask(admin, agent, sent, "photo.jpg", session=session)
    request = fake_llm.requests_for(name)[-1]
    if requester.startswith("anthropic"):
        seen = [p["source"]["data"] for p in parts(request, "image")]
    else:
        seen = [p["image_url"]["url"].partition(",")[2] for p in parts(request, "image_url")]
    assert len(seen) == 2
    for image in map(base64.b64decode, seen):
        told = subprocess.run(["gm", "identify", "-format", "%m %w %h", "-"], input=image, capture_output=True, check=True).stdout
        assert told.split() == [b"JPEG", b"1536", b"1152"], told
    stored = sage.history(admin, session)["messages"][0]["content"]
    assert stored[1]["image_url"]["url"] == sent, "the conversation keeps what was sent"


@pytest.mark.parametrize("place", ["../secret.png", "/etc/passwd", "file:///etc/passwd", "%2e%2e/secret.png", "file:../secret.png", "link.png", "none.png", "text.png"])
def test_what_may_not_or_cannot_be_read_is_said(admin, fake_llm, workspace, place):
    agent, name = seeing(admin, fake_llm, "openai-chat-completions")
    home = workspace(agent)
    with open(os.path.join(home, "..", "secret.png"), "wb") as file:
        file.write(PNG)
    os.symlink("../secret.png", os.path.join(home, "link.png"))
    with open(os.path.join(home, "text.png"), "w", encoding="utf-8") as file:
        file.write("no image, but a text of some length")
    fake_llm.script(name, Reply("I cannot see it."))
    assert ask(admin, agent, place).text == "I cannot see it."
    request = fake_llm.requests_for(name)[-1]
    assert not parts(request, "image_url")
    assert any(p["text"].startswith(f"(The image {place} cannot be shown: ") for p in parts(request, "text")), request.body
    assert "root:" not in str(request.body)


def test_a_model_without_eyes_gets_words(admin, fake_llm, model):
    provider, name = model
    agent = sage.agent(admin, provider)
    ask(admin, agent, DATA, "a.png")
    request = fake_llm.requests_for(name)[-1]
    assert DATA not in str(request.body) and "![a.png](a.png)" in str(request.body)
