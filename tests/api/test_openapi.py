# SPDX-License-Identifier: MIT
"""/openapi.json and /docs: generated from the route tables, valid, complete, usable without the internet."""
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

MUST_HAVE = {
    ("get", "/api/health"), ("get", "/api/system/info"),
    ("post", "/api/auth/login"), ("get", "/api/auth/session"), ("post", "/api/auth/logout"),
    ("get", "/api/llm-provider/list"), ("post", "/api/llm-provider/create"), ("post", "/api/llm-provider/verify"),
    ("put", "/api/llm-provider/update/{provider_id}"), ("delete", "/api/llm-provider/delete/{provider_id}"),
    ("get", "/api/agent/list"), ("post", "/api/agent/create"), ("get", "/api/agent/{}"), ("put", "/api/agent/{}"),
    ("delete", "/api/agent/{}"), ("get", "/api/agent/template/default_system_prompt"),
    ("post", "/api/chat"), ("post", "/api/stream"), ("post", "/api/web-stream"), ("get", "/api/stream/resume/{}"),
    ("get", "/api/stream/active_sessions"), ("get", "/api/conversations"), ("get", "/api/conversations/{}/messages"),
    ("post", "/api/sessions/{}/interrupt"), ("get", "/api/tools"), ("post", "/api/tools/exec"),
    ("get", "/api/v1/provider/providers"), ("post", "/api/v1/provider/providers"),
    ("get", "/api/v1/provider/models/llm"), ("post", "/api/v1/provider/models/llm/{}/test"),
    ("get", "/api/v1/provider/requesters"), ("post", "/api/v1/apikeys"),
    ("post", "/api/v1/flows/"), ("get", "/api/v1/flows/"), ("post", "/api/v1/run/{}"),
    ("post", "/integrations/v1/create"), ("get", "/integrations/v1/get"), ("get", "/integrations/v1/{}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def document(anonymous):
    r = anonymous.get("/openapi.json")
    assert r.status_code == 200 and r.headers["content-type"].startswith("application/json")
    return r.json()


def nameless(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield method, path, operation


def test_it_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    assert not errors, errors[:3]


@pytest.mark.parametrize("face", ["sage", "langbot", "langflow", "langdock"])
def test_each_face_has_its_own(server, anonymous, face):
    found = anonymous.get(f"/{face}/openapi.json", headers={"sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"})
    assert found.status_code == 200 and found.json()["servers"] == [{"url": f"/{face}"}]
    assert not list(OpenAPIV31SpecValidator(found.json()).iter_errors())
    own = {(method, nameless(path)) for method, path, _ in operations(found.json())}
    assert own and {(m, nameless(p)) for m, p in MUST_HAVE} & own
    assert anonymous.get(f"/{face}/docs").headers["content-type"].startswith("text/html")


def test_a_face_below_another_path_is_described_there(anonymous):
    found = anonymous.get("/api/public/openapi.json").json()
    assert found["servers"] == [{"url": "/api/public"}] and "/integrations/v1/create" in found["paths"]
    assert not [path for path in found["paths"] if path.startswith(("/api/agent", "/api/conversations"))]


def test_every_route_is_in_it(document):
    have = {(method, nameless(path)) for method, path, _ in operations(document)}
    assert {(m, nameless(p)) for m, p in MUST_HAVE} <= have


def test_every_operation_says_what_it_does(document):
    ids = set()
    for method, path, operation in operations(document):
        assert operation.get("summary"), (method, path)
        assert not operation["summary"].endswith(".") and operation.get("tags"), (method, path)
        assert operation.get("responses"), (method, path)
        if "operationId" in operation:
            assert operation["operationId"] not in ids, operation["operationId"]
            ids.add(operation["operationId"])
        named = set(re.findall(r"\{([^}]*)\}", path))
        given = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert named == given, (method, path)


def test_request_bodies_are_the_schemas_that_are_enforced(document):
    schema = document["paths"]["/api/agent/create"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    assert "name" in schema["required"] and schema["properties"]["name"]["type"] == "string"
    assert {"simple", "fibre", "team"} <= set(str_enum(schema["properties"]["agentMode"]))


def str_enum(schema):
    """The values of an enum, also inside anyOf."""
    return [v for s in [schema, *schema.get("anyOf", [])] for v in s.get("enum", [])]


def test_examples_hold_no_secrets_and_no_machine_names(document):
    text = str(document)
    assert "sk-proj" not in text and "/home/" not in text


def test_the_page_needs_nothing_from_outside(anonymous):
    r = anonymous.get("/docs")
    assert r.status_code == 200 and r.headers["content-type"].startswith("text/html")
    for reference in re.findall(r"""(?:src|href)=["']([^"']+)""", r.text):
        assert not re.match(r"(https?:)?//", reference), reference
        if not reference.startswith(("#", "data:", "{", "$")):
            target = reference if reference.startswith("/") else "/" + reference
            assert anonymous.get(target).status_code == 200, reference
    assert not re.search(r"""(import|fetch|url)\(?\s*["'(]https?://""", r.text)


def test_the_documents_need_no_login(anonymous):
    assert anonymous.get("/openapi.json").status_code == 200
    assert anonymous.get("/docs").status_code == 200
