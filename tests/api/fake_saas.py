# SPDX-License-Identifier: MIT
"""Services that integrations talk to, small and strict: an issue tracker, a CRM, mail, a calendar, files, a shop, OAuth.

    with FakeSaas() as saas:
        saas.url                # "http://127.0.0.1:PORT"; each service has a path of its own
        saas.requests           # what came, as Request
        saas.log("crm")         # "GET /crm/deals", … of one service

Every service checks its credentials, methods and types and answers as services of its kind do, errors included.  The data is the same
for each new object.  A function that answers is named after its route.
"""
import base64
import dataclasses
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOOK_SECRET = b"hook-secret"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict  # name -> list of values
    headers: dict  # lower case
    body: bytes
    at: float

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return {k: v[0] for k, v in urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def type(self):
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def one(self, name, default=None):
        return self.query.get(name, [default])[0]


@dataclasses.dataclass
class Answer:
    status: int
    body: object = None  # bytes, text, or what becomes JSON
    headers: dict = dataclasses.field(default_factory=dict)

    def pack(self):
        if self.body is None:
            return b"", None
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json; charset=utf-8"


ROUTES = []


def route(method, pattern):
    def add(function):
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return add


def error(status, message, **more):
    return Answer(status, {"error": {"message": message, **more}})


def bearer(token):
    """The route needs this token."""

    def wrap(function):
        def checked(saas, request, *parts):
            if request.headers.get("authorization") != f"Bearer {token}":
                return error(401, "bad token")
            return function(saas, request, *parts)

        return checked

    return wrap


# ------------------------------------------------------------------------------------------------------- the issue tracker


def seed_issues():
    titles = ["VPN down", "Printer jam", "VPN slow", "New laptop", "Password reset", "VPN certificate", "Broken chair"]
    return [
        {"id": n, "title": t, "state": "closed" if n % 3 == 0 else "open", "created": f"2026-02-{n:02d}T09:00:00.000Z", "labels": []}
        for n, t in enumerate(titles, 1)
    ]


@route("GET", r"/tracker/issues")
@bearer("tracker-token")
def list_issues(saas, request):
    found = [i for i in saas.issues if request.one("q", "").lower() in i["title"].lower()]
    if since := request.one("since"):
        found = [i for i in found if i["created"] > since]
    for state in request.query.get("state", []):
        found = [i for i in found if i["state"] == state]
    size, page = int(request.one("per_page", 3)), int(request.one("page", 1))
    headers = {"X-Total": str(len(found))}
    if page * size < len(found):
        headers["Link"] = f'<{saas.url}/tracker/issues?page={page + 1}&per_page={size}>; rel="next"'
    return Answer(200, found[(page - 1) * size : page * size], headers)


@route("POST", r"/tracker/issues")
@bearer("tracker-token")
def create_issue(saas, request):
    if request.type != "application/json":
        return error(415, "JSON is needed")
    title = request.json.get("title")
    if not title:
        return error(422, "title is missing", field="title")
    issue = {"id": len(saas.issues) + 1, "state": "open", "created": "2026-03-01T09:00:00.000Z", "labels": request.json.get("labels", []), "title": title}
    saas.issues.append(issue)
    return Answer(201, issue, {"Location": f"{saas.url}/tracker/issues/{issue['id']}"})


@route("GET", r"/tracker/issues/(\d+)")
@bearer("tracker-token")
def get_issue(saas, request, number):
    found = [i for i in saas.issues if i["id"] == int(number)]
    return Answer(200, found[0]) if found else error(404, "no such issue")


@route("PATCH", r"/tracker/issues/(\d+)")
@bearer("tracker-token")
def update_issue(saas, request, number):
    answer = get_issue(saas, request, number)
    if answer.status == 200:
        answer.body.update(request.json)
    return answer


@route("DELETE", r"/tracker/issues/(\d+)")
@bearer("tracker-token")
def delete_issue(saas, request, number):
    answer = get_issue(saas, request, number)
    if answer.status == 200:
        saas.issues.remove(answer.body)
        return Answer(204)
    return answer


@route("POST", r"/tracker/graphql")
@bearer("tracker-token")
def graphql(saas, request):
    if "viewer" not in request.json["query"]:
        return Answer(200, {"data": None, "errors": [{"message": "Cannot query that field"}]})
    return Answer(200, {"data": {"viewer": {"login": "ada", "limit": request.json["variables"]["first"]}}})


# ----------------------------------------------------------------------------------------------------------------- the CRM


@route("GET", r"/crm/deals")
def list_deals(saas, request):
    """Pages by cursor."""
    if request.headers.get("x-api-key") != "crm-key":
        return error(403, "bad key")
    start = int(base64.b64decode(request.one("after", "")) or 0)
    page = saas.deals[start : start + 2]
    more = start + 2 < len(saas.deals)
    paging = {"next": {"after": base64.b64encode(str(start + 2).encode()).decode()}} if more else None
    return Answer(200, {"results": page, "paging": paging})


@route("POST", r"/crm/deals/search")
def search_deals(saas, request):
    if request.headers.get("x-api-key") != "crm-key":
        return error(403, "bad key")
    field, value = request.json["filter"]["field"], request.json["filter"]["value"]
    return Answer(200, {"results": [d for d in saas.deals if d.get(field) == value]})


@route("PUT", r"/crm/deals/(\w+)")
def put_deal(saas, request, ident):
    if request.headers.get("x-api-key") != "crm-key":
        return error(403, "bad key")
    for deal in saas.deals:
        if deal["id"] == ident:
            if request.headers.get("if-match") != f'"{deal["version"]}"':
                return error(412, "version is old")
            deal.update(request.json, version=deal["version"] + 1)
            return Answer(200, deal, {"ETag": f'"{deal["version"]}"'})
    return error(404, "no such deal")


# ------------------------------------------------------------------------------------------------------- mail and calendar


@route("POST", r"/mail/send")
@bearer("mail-token")
def send_mail(saas, request):
    raw = request.json["raw"]
    message = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()
    saas.sent.append(message)
    return Answer(200, {"id": f"m{len(saas.sent)}", "threadId": "t1"})


@route("GET", r"/mail/messages")
@bearer("mail-token")
def list_mail(saas, request):
    return Answer(200, {"messages": [{"id": "a1"}, {"id": "a2"}, {"id": "a3"}]})


@route("GET", r"/mail/messages/(\w+)")
@bearer("mail-token")
def get_mail(saas, request, ident):
    body = base64.urlsafe_b64encode(f"Grüße von {ident}".encode()).decode().rstrip("=")
    headers = [{"name": "Subject", "value": f"Subject of {ident}"}, {"name": "From", "value": "ada@example.org"}]
    return Answer(200, {"id": ident, "internalDate": "1770000000000", "payload": {"headers": headers, "body": {"data": body}}})


@route("PROPFIND", r"/calendar/")
def propfind(saas, request):
    if request.headers.get("authorization") != "Basic " + base64.b64encode(b"ada:pa:ss").decode():
        return Answer(401, "who are you?", {"WWW-Authenticate": 'Basic realm="calendar"'})
    if request.headers.get("depth") != "1" or request.type != "application/xml":
        return error(400, "Depth and type are needed")
    hrefs = "".join(f"<d:response><d:href>/calendar/{n}.ics</d:href></d:response>" for n in ("work", "home"))
    return Answer(207, f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{hrefs}</d:multistatus>', {"Content-Type": "application/xml"})


@route("REPORT", r"/calendar/")
def report(saas, request):
    if b"time-range" not in request.body:
        return error(400, "a time-range is needed")
    text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Stand-up\r\nDTSTART:20260201T090000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nDTSTART:20260201T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR"
    return Answer(207, f"<multistatus><calendar-data>{text}</calendar-data></multistatus>", {"Content-Type": "application/xml"})


# ------------------------------------------------------------------------------------------------------------------- files


@route("GET", r"/files/list")
@bearer("files-token")
def list_files(saas, request):
    return Answer(200, {"files": [{"id": i, "name": f"{i}.bin", "mimeType": "application/octet-stream"} for i in sorted(saas.stored)]})


@route("GET", r"/files/download/(\w+)")
@bearer("files-token")
def download(saas, request, ident):
    if ident not in saas.stored:
        return error(404, "no such file")
    mime, data = saas.stored[ident]
    return Answer(200, data, {"Content-Type": mime, "Content-Disposition": f'attachment; filename="{ident}.png"'})


@route("PUT", r"/files/upload/(\w+)")
@bearer("files-token")
def upload(saas, request, ident):
    saas.stored[ident] = (request.type, request.body)
    return Answer(201, {"id": ident, "size": len(request.body), "sha256": hashlib.sha256(request.body).hexdigest()})


@route("POST", r"/files/form")
@bearer("files-token")
def upload_form(saas, request):
    """A multipart form."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    if request.type != "multipart/form-data" or not boundary:
        return error(400, "a multipart form is needed")
    parts = {}
    for part in request.body.split(b"--" + boundary.group(1).encode())[1:-1]:
        head, _, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head).group(1).decode()
        file = re.search(rb'filename="([^"]*)"', head)
        parts[name] = {"fileName": file.group(1).decode(), "size": len(data)} if file else data.decode()
    return Answer(200, parts)


@route("GET", r"/files/old/(\w+)")
def moved(saas, request, ident):
    return Answer(302, None, {"Location": f"/files/download/{ident}"})


@route("GET", r"/files/rows.csv")
def rows(saas, request):
    return Answer(200, "id;name\n1;Müller\n2;Ada".encode("latin-1"), {"Content-Type": "text/csv; charset=iso-8859-1"})


# ---------------------------------------------------------------------------------------------------------------- the shop


@route("POST", r"/shop/charges")
def charge(saas, request):
    if request.headers.get("authorization") != "Basic " + base64.b64encode(b"sk_test:").decode():
        return error(401, "bad key")
    if request.type != "application/x-www-form-urlencoded":
        return error(415, "a form is needed")
    form = request.form
    if int(form.get("amount", 0)) <= 0:
        return error(402, "amount must be positive", type="card_error", code="amount_too_small")
    return Answer(200, {"id": "ch_1", "amount": int(form["amount"]), "metadata": {k[9:-1]: v for k, v in form.items() if k.startswith("metadata[")}})


@route("GET", r"/shop/flaky")
def flaky(saas, request):
    """Too busy twice, then well."""
    saas.flaky += 1
    if saas.flaky < 3:
        return Answer(429 if saas.flaky == 1 else 503, "busy", {"Retry-After": "0"})
    return Answer(200, {"attempt": saas.flaky})


@route("GET", r"/shop/slow")
def slow(saas, request):
    time.sleep(min(float(request.one("seconds", 1)), 5))
    return Answer(200, {"slow": True})


@route("GET", r"/shop/html")
def html(saas, request):
    return Answer(502, "<html><h1>Bad gateway</h1></html>", {"Content-Type": "text/html"})


# ------------------------------------------------------------------------------------------------------ webhooks and OAuth


@route("POST", r"/hooks/in")
def hook(saas, request):
    wanted = "sha256=" + hmac.new(HOOK_SECRET, request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers.get("x-signature", "")):
        return error(401, "bad signature")
    return Answer(202, {"received": request.json["event"]})


@route("POST", r"/oauth/token")
def token(saas, request):
    if request.type != "application/x-www-form-urlencoded":
        return Answer(400, {"error": "invalid_request", "error_description": "a form is needed"})
    form = request.form
    if (form.get("client_id"), form.get("client_secret")) != ("client-1", "client-secret"):
        return Answer(401, {"error": "invalid_client", "error_description": "Unknown client"})
    if form.get("grant_type") == "authorization_code" and form.get("code") == "code-1":
        return Answer(200, saas.issue())
    if form.get("grant_type") == "refresh_token" and form.get("refresh_token") == f"refresh-{saas.issued}":
        return Answer(200, saas.issue())
    return Answer(400, {"error": "invalid_grant", "error_description": "The code or token is not valid"})


@route("GET", r"/oauth/userinfo")
def userinfo(saas, request):
    if request.headers.get("authorization") != f"Bearer access-{saas.issued}":
        return Answer(401, {"error": "invalid_token"}, {"WWW-Authenticate": "Bearer"})
    return Answer(200, {"sub": "42", "email": "ada@example.org", "name": "Ada"})


@route("POST", r"/oauth/jwt")
def jwt_grant(saas, request):
    """A service account: the assertion's parts are checked, its signature by whoever has the key."""
    form = request.form
    head, claims, signature = form["assertion"].split(".")
    read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))  # noqa: E731
    if read(head) != {"alg": "RS256", "typ": "JWT"} or len(signature) != 342:
        return Answer(400, {"error": "invalid_grant"})
    saas.assertions.append(form["assertion"])
    return Answer(200, {"access_token": f"for {read(claims)['iss']}", "expires_in": 3600})


# ---------------------------------------------------------------------------------------------------------------- the server


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fake"
    sys_version = ""

    def answer(self):
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {}
        for name, value in self.headers.items():
            headers[name.lower()] = value
        request = Request(self.command, parts.path, urllib.parse.parse_qs(parts.query, keep_blank_values=True), headers, body, time.monotonic())
        reply = self.server.saas.serve(request)
        data, mime = reply.pack()
        self.send_response(reply.status)
        for name, value in {**({"Content-Type": mime} if mime else {}), **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_PROPFIND = do_REPORT = answer

    def log_message(self, *args):
        pass


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many may come at once


class FakeSaas:
    def __init__(self):
        self.issues = seed_issues()
        self.deals = [{"id": f"d{n}", "name": f"Deal {n}", "stage": "won" if n % 2 else "open", "amount": 100 * n, "version": 1} for n in range(1, 6)]
        self.stored = {"logo": ("image/png", PNG)}
        self.sent, self.assertions, self.requests = [], [], []
        self.flaky = self.issued = 0
        self._lock = threading.Lock()
        self._server = Listener(("127.0.0.1", 0), Handler)
        self._server.saas = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def issue(self):
        """A new pair of tokens; the old ones are void."""
        self.issued += 1
        return {"access_token": f"access-{self.issued}", "refresh_token": f"refresh-{self.issued}", "expires_in": 3600, "token_type": "Bearer", "scope": "read write"}

    def serve(self, request):
        with self._lock:
            self.requests.append(request)
        for method, pattern, function in ROUTES:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                try:
                    return function(self, request, *match.groups())
                except (KeyError, ValueError, TypeError, AttributeError) as why:
                    return error(400, f"cannot read the request: {why!r}")
        return error(404, f"no route {request.method} {request.path}")

    def log(self, service=""):
        return [f"{r.method} {r.path}" for r in self.requests if r.path.startswith("/" + service)]

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
