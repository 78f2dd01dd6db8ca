# SPDX-License-Identifier: MIT
"""A strict OAuth 2.0 provider (RFC 6749, 7636, 7591, 8414), with an API that wants its tokens.

    with FakeOAuth() as provider:
        provider.authorize_url, provider.token_url, provider.url
        provider.expires_in = 3600      # of tokens from now on; None: the answer does not say
        provider.calls("/token")        # forms that came

Codes and refresh tokens are good for once: one that comes again revokes everything that came of it, as RFC 9700 asks, and is noted
in `reused`.  PKCE is required, plain or wrong verifiers are refused.
"""
import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refusal(Exception):
    def __init__(self, error, description, status=400):
        super().__init__(description)
        self.body, self.status = {"error": error, "error_description": description}, status


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many may come at once


class FakeOAuth:
    def __init__(self):
        self.clients = {"the-client": "the-client-secret"}
        self.redirects = {}  # client -> addresses that were registered; absent: any
        self.codes, self.access, self.refresh = {}, {}, {}  # code or token -> facts
        self.used, self.reused, self.revoked = set(), [], set()
        self.requests = []  # (path, form or query, headers)
        self.expires_in = 3600
        self.deny = None  # error that /authorize answers with
        self.token_status = None  # /token fails with it
        self.token_delay = 0
        self.user = {"email": "ann@example.org", "id": 7}
        self.extra = {}  # more members of token responses
        self.say_refresh = True
        self.lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def handle_one(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    status, answer, headers = provider.answer(self.command, url, self.headers, body)
                except Refusal as r:
                    status, answer, headers = r.status, r.body, {}
                data = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", "content-length": len(data), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_one

        self.server = Listener(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.authorize_url, self.token_url = self.url + "/authorize", self.url + "/token"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()

    def calls(self, path):
        return [form for p, form, _ in self.requests if p == path]

    def answer(self, method, url, headers, body):
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        kind = (headers.get("content-type") or "").partition(";")[0]
        form = dict(urllib.parse.parse_qsl(body.decode())) if kind == "application/x-www-form-urlencoded" else None
        with self.lock:
            self.requests.append((url.path, form if form is not None else query, dict(headers)))
        if url.path == "/authorize" and method == "GET":
            return self._authorize(query)
        if url.path == "/token" and method == "POST":
            if self.token_delay:
                time.sleep(self.token_delay)
            if self.token_status:
                return self.token_status, {"error": "server_error"}, {}
            if form is None:
                raise Refusal("invalid_request", "the token endpoint takes forms")
            with self.lock:
                return self._token(form)
        if url.path == "/userinfo":
            return self._userinfo(headers)
        if url.path == "/.well-known/oauth-authorization-server":
            return 200, {"issuer": self.url, "authorization_endpoint": self.authorize_url, "token_endpoint": self.token_url,
                         "registration_endpoint": self.url + "/register", "code_challenge_methods_supported": ["S256"]}, {}  # fmt: skip
        if url.path == "/register" and method == "POST":
            return self._register(json.loads(body))
        return 404, {"error": "not_found"}, {}

    def _register(self, ask):
        if not ask.get("redirect_uris") or "authorization_code" not in ask.get("grant_types", []):
            raise Refusal("invalid_client_metadata", "redirect_uris and grant_types are required")
        client, secret = secrets.token_hex(8), secrets.token_hex(16)
        self.clients[client], self.redirects[client] = secret, ask["redirect_uris"]
        return 201, {"client_id": client, "client_secret": secret, **ask}, {}

    def _authorize(self, q):
        client = q.get("client_id")
        if client not in self.clients or q.get("redirect_uri") not in self.redirects.get(client, [q.get("redirect_uri")]):
            raise Refusal("invalid_request", "unknown client or redirect_uri")
        if not q.get("state") or q.get("response_type") != "code":
            raise Refusal("invalid_request", "state and response_type=code are required")
        back = {"state": q["state"]}
        if self.deny:
            back |= {"error": self.deny, "error_description": "The user said <no>"}
        elif q.get("code_challenge_method") != "S256" or len(q.get("code_challenge", "")) != 43:
            back |= {"error": "invalid_request", "error_description": "PKCE with S256 is required"}
        else:
            code = "code-" + secrets.token_hex(8)
            self.codes[code] = {"client": client, "redirect": q["redirect_uri"], "challenge": q["code_challenge"],
                                "scope": q.get("scope", ""), "family": secrets.token_hex(4)}  # fmt: skip
            back["code"] = code
        return 302, {}, {"location": q["redirect_uri"] + "?" + urllib.parse.urlencode(back)}

    def _token(self, form):
        client = form.get("client_id")
        if self.clients.get(client) != form.get("client_secret"):
            raise Refusal("invalid_client", "the client is unknown or its secret is wrong", 401)
        if form.get("grant_type") == "authorization_code":
            facts = self._take(self.codes, form.get("code"))
            verifier = form.get("code_verifier", "")
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            if facts["client"] != client or facts["redirect"] != form.get("redirect_uri"):
                raise Refusal("invalid_grant", "the code belongs to another client or redirect_uri")
            if not 43 <= len(verifier) <= 128 or digest != facts["challenge"]:
                raise Refusal("invalid_grant", "the code_verifier is wrong")
        elif form.get("grant_type") == "refresh_token":
            facts = self._take(self.refresh, form.get("refresh_token"))
            if facts["client"] != client:
                raise Refusal("invalid_grant", "the token belongs to another client")
        else:
            raise Refusal("unsupported_grant_type", "only authorization_code and refresh_token")
        return 200, self._issue(facts), {}

    def _take(self, store, key):
        if key in self.used:
            self.reused.append(key)
            self.revoked.add(store.get(key, {}).get("family"))
            raise Refusal("invalid_grant", "it was used before")
        if key not in store or store[key]["family"] in self.revoked:
            raise Refusal("invalid_grant", "unknown or revoked")
        self.used.add(key)
        return store[key]

    def _issue(self, facts):
        access, refresh = "access-" + secrets.token_hex(8), "refresh-" + secrets.token_hex(8)
        self.access[access] = {**facts, "until": time.time() + self.expires_in if self.expires_in else None}
        token = {"access_token": access, "token_type": "Bearer", "scope": facts["scope"], **self.extra}
        if self.say_refresh:
            self.refresh[refresh] = facts
            token["refresh_token"] = refresh
        if self.expires_in is not None:
            token["expires_in"] = self.expires_in
        return token

    def expire(self):
        """Access tokens given out so far are refused from now on."""
        for facts in self.access.values():
            facts["until"] = 0

    def _userinfo(self, headers):
        token = (headers.get("authorization") or "").removeprefix("Bearer ")
        facts = self.access.get(token)
        if facts is None or facts["family"] in self.revoked or (facts["until"] is not None and facts["until"] < time.time()):
            raise Refusal("invalid_token", "the token is unknown or has expired", 401)
        return 200, {"user": self.user, "scope": facts["scope"]}, {}
