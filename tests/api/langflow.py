# SPDX-License-Identifier: MIT
"""Small words for tests of the Langflow face."""
import copy
import json
import os

import sage

with open(os.path.join(os.path.dirname(__file__), "data", "langflow_chat.json"), encoding="utf-8") as f:
    CHAT_FLOW = json.load(f)


def chat_flow(model, provider="", **more):
    """The flow Chat Input → Prompt → Language Model → Chat Output with this model chosen in it."""
    flow = copy.deepcopy(CHAT_FLOW)
    for node in flow["data"]["nodes"]:
        template = node["data"].get("node", {}).get("template", {})
        if "model" in template:
            template["model"]["value"] = [{"name": model, "provider": provider}]
            template["api_key"].update(value="", load_from_db=False)
    body = {"name": sage.unique("Flow"), "data": flow["data"], "description": "answers", **more}
    return body


def node_id(kind):
    return next(n["id"] for n in CHAT_FLOW["data"]["nodes"] if n["data"]["type"] == kind)


def events(text):
    """The events of a streamed run: each is one JSON document on a line, an empty line after it, and no prefix."""
    assert text.endswith("\n\n") or not text
    found = [json.loads(part) for part in text.split("\n\n") if part]
    assert all(set(e) == {"event", "data"} for e in found)
    return found


def answer(body):
    """The text that a run answered."""
    return body["outputs"][0]["outputs"][0]["results"]["message"]["text"]
