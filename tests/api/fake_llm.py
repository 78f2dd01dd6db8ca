# SPDX-License-Identifier: MIT
"""A model server that does as it is told: OpenAI chat completions and Anthropic messages, streaming and not.

It runs on an event loop in a thread of the test process, so a test talks to it directly:

    fake.script("m1", Reply(tool_calls=[Call("glob", {"pattern": "*"})]), Reply("Done."))   # first and second request
    fake.always("m2", Fail(429, retry_after=1))                                          # every request
    fake.requests_for("m1")[0].body["messages"]

A behaviour is chosen by the `model` of the request.  What is queued with script() is used up in order, then what always()
set, then a plain `Hello from MODEL.`.  Everything received is recorded, also what was refused, and whether the caller
went away before the answer ended.
"""
import asyncio
import dataclasses
import itertools
import json
import threading
import time
from collections import defaultdict, deque


@dataclasses.dataclass
class Call:
    """A tool call; `arguments` is an object, or the text to send as it is (also when it is no JSON)."""

    name: str
    arguments: object = dataclasses.field(default_factory=dict)
    id: str = ""
    fragments: int = 3  # the arguments come in so many pieces

    def text(self):
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclasses.dataclass
class Reply:
    """An answer.  The faults at the end break it on purpose, counted in events sent."""

    text: object = ""  # a string (sent word by word), or the list of pieces to send
    reasoning: object = ""
    signature: str = "sig"  # Anthropic's, of the reasoning
    redacted: str = ""  # Anthropic's: a block of reasoning that nobody may read, before the other
    tool_calls: list = dataclasses.field(default_factory=list)
    interleave: bool = False  # fragments of parallel calls alternate
    usage: tuple = (11, 7)  # prompt and completion tokens; None: not said
    cached: int = 0  # prompt tokens that came from a cache
    first_delay: float = 0.0  # seconds before the head of the response
    delay: float = 0.0  # seconds before each event
    pauses: dict = dataclasses.field(default_factory=dict)  # number of an event -> seconds more before it
    gates: dict = dataclasses.field(default_factory=dict)  # number of an event -> threading.Event that it waits for
    finish: str = ""  # finish_reason when it is not the natural one
    stopped_by: object = None  # the stop sequence that was met, as Anthropic and vLLM tell it
    giant: int = 0  # all events in writes of about so many bytes
    truncate_after: int = -1  # end the body cleanly after so many events, without a finish or [DONE]
    disconnect_after: int = -1  # reset the connection after so many events
    stall_after: int = -1  # send nothing more after so many events, until the caller goes away
    garbage_after: int = -1  # then send lines that are no events, and go on
    split_bytes: int = 0  # write in pieces of so many bytes, cutting lines and UTF-8 anywhere
    crlf: bool = False


@dataclasses.dataclass
class Fail:
    """An error status."""

    status: int
    message: str = "the fake model refuses"
    code: str = ""
    type: str = "error"
    retry_after: object = None
    body: object = None  # sent instead of the usual error object: bytes or text
    delay: float = 0.0


@dataclasses.dataclass
class Hang:
    """Nothing at all, until the caller goes away or the time is over."""

    seconds: float = 3600.0


@dataclasses.dataclass
class Raw:
    """These bytes are the whole answer, head included; then the connection closes."""

    data: bytes


@dataclasses.dataclass
class Request:
    path: str
    headers: dict
    body: object  # parsed, or the raw bytes when they are no JSON
    at: float
    answered: bool = False  # the answer went out to its end
    gone: bool = False  # the caller left before
    ended_at: float = 0.0

    @property
    def model(self):
        return self.body.get("model") if isinstance(self.body, dict) else None

    @property
    def key(self):
        """The key it came with, whichever way."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def tools(self):
        """Names of the tools offered."""
        return [t.get("name") or t["function"]["name"] for t in self.body.get("tools", [])]


class FakeLLM:
    def __init__(self):
        self._queues = defaultdict(deque)
        self._always = {}
        self._pages = {}
        self._lock = threading.Lock()
        self.requests = []
        self.open = 0  # connections
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    # ------------------------------------------------------------------------------------------- what tests say and ask

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self):
        """The base URL of an OpenAI-style provider."""
        return self.origin + "/v1"

    def script(self, model, *behaviours):
        with self._lock:
            self._queues[model].extend(behaviours)

    def always(self, model, behaviour):
        with self._lock:
            self._always[model] = behaviour

    def page(self, path, body, content_type="text/html; charset=utf-8", status=200, headers=()):
        """A page to GET, for tools that fetch."""
        data = body if isinstance(body, bytes) else body.encode()
        with self._lock:
            self._pages[path] = (status, content_type, data, tuple(headers))

    def requests_for(self, model):
        with self._lock:
            return [r for r in self.requests if r.model == model]

    def wait_for(self, model, count=1, timeout=30.0):
        """The requests for a model once there are `count` of them."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if len(found := self.requests_for(model)) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{len(self.requests_for(model))} requests for {model}, {count} expected")

    def wait_gone(self, request, timeout=30.0):
        """Waits until the caller has left this request."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if request.gone:
                return
            time.sleep(0.01)
        raise AssertionError("the caller is still waiting for the model")

    def wait_answered(self, request, timeout=30.0):
        """Waits until the answer went out to its end, which is noted after the caller may have read it."""
        end = time.monotonic() + timeout
        while not request.answered:
            assert time.monotonic() < end and not request.gone, "the answer did not go out to its end"
            time.sleep(0.01)

    def close(self):
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    # ---------------------------------------------------------------------------------------------------------- serving

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 24, backlog=1024))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _connection(self, reader, writer):
        self.open += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _one(self, reader, writer):
        """Serves one request; whether the connection is good for another."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self._body(reader, headers)
        path = target.split("?")[0]
        try:
            parsed = json.loads(body) if body else {}
        except ValueError:
            parsed = body
        request = Request(path, headers, parsed, time.monotonic())
        with self._lock:
            self.requests.append(request)
        watch = asyncio.ensure_future(self._watch(reader, request))
        try:
            alive = await self._answer(method, path, request, writer)
            await writer.drain()
            request.answered = alive and not request.gone
            return alive
        except ConnectionError:
            request.gone = True
            return False
        finally:
            request.ended_at = time.monotonic()
            watch.cancel()
            try:
                await watch
            except (asyncio.CancelledError, ConnectionError):
                pass

    @staticmethod
    async def _body(reader, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int((await reader.readline()).split(b";")[0], 16):
                data += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
            return data
        return await reader.readexactly(int(headers.get("content-length", 0)))

    @staticmethod
    async def _watch(reader, request):
        """Notices that the caller closes while it waits: the stream reaches its end without data being consumed."""
        while not reader.at_eof():
            if reader.exception() is not None:
                break
            await asyncio.sleep(0.01)
        request.gone = True

    async def _answer(self, method, path, request, writer):
        if method == "GET":
            return self._get(path, writer)
        with self._lock:
            queue = self._queues[request.model]
            behaviour = queue.popleft() if queue else self._always.get(request.model)
        if behaviour is None:
            behaviour = Reply(f"Hello from {request.model}.")
        if isinstance(behaviour, Hang):
            await self._until_gone(request, behaviour.seconds)
            return False
        if isinstance(behaviour, Raw):
            writer.write(behaviour.data)
            await writer.drain()
            return False
        if isinstance(behaviour, Fail):
            await asyncio.sleep(behaviour.delay)
            return self._fail(behaviour, path, writer)
        await asyncio.sleep(behaviour.first_delay)
        if path.endswith("/embeddings") and isinstance(request.body, dict):
            return self._send(writer, 200, "application/json", json.dumps(embeddings(request.body)).encode())
        dialect = Anthropic if path.endswith("/messages") else OpenAI
        if not isinstance(request.body, dict) or not path.endswith(("/chat/completions", "/messages")):
            return self._fail(Fail(404, f"no such endpoint: {path}"), path, writer)
        if not request.body.get("stream"):
            data = json.dumps(dialect.whole(request.model, behaviour)).encode()
            return self._send(writer, 200, "application/json", data)
        return await self._stream(dialect, behaviour, request, writer)

    def _get(self, path, writer):
        if path.endswith("/models"):
            with self._lock:
                names = sorted(set(self._queues) | set(self._always))
            listing = {"object": "list", "data": [{"id": n, "object": "model", "owned_by": "fake"} for n in names]}
            return self._send(writer, 200, "application/json", json.dumps(listing).encode())
        with self._lock:
            status, kind, data, headers = self._pages.get(path, (404, "text/plain", b"not here\n", ()))
        return self._send(writer, status, kind, data, headers)

    @staticmethod
    def _send(writer, status, kind, data, headers=()):
        extra = "".join(f"{k}: {v}\r\n" for k, v in headers)
        head = f"HTTP/1.1 {status} Fake\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n{extra}\r\n"
        writer.write(head.encode() + data)
        return True

    def _fail(self, fail, path, writer):
        if fail.body is not None:
            data = fail.body if isinstance(fail.body, bytes) else str(fail.body).encode()
        elif path.endswith("/messages"):
            data = json.dumps({"type": "error", "error": {"type": fail.type, "message": fail.message}}).encode()
        else:
            error = {"message": fail.message, "type": fail.type, "code": fail.code or None}
            data = json.dumps({"error": error}).encode()
        headers = [] if fail.retry_after is None else [("retry-after", fail.retry_after)]
        return self._send(writer, fail.status, "application/json", data, headers)

    async def _stream(self, dialect, reply, request, writer):
        end = "\r\n" if reply.crlf else "\n"
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await writer.drain()
        pending = b""
        for n, event in enumerate(dialect.events(request.model, reply)):
            if n == reply.garbage_after:
                event = "data: {this is no JSON" + end + end + "nonsense without a colon" + end + end + event
            if n == reply.stall_after:
                await self._until_gone(request, 3600)
                return False
            if n == reply.disconnect_after:
                await writer.drain()
                writer.transport.abort()
                return False
            if n == reply.truncate_after:
                break
            while n in reply.gates and not reply.gates[n].is_set() and not request.gone:
                await asyncio.sleep(0.01)
            if reply.delay or n in reply.pauses:
                await asyncio.sleep(reply.delay + reply.pauses.get(n, 0))
            if request.gone:
                return False
            pending += event.replace("\n", end).encode()
            if len(pending) >= reply.giant:
                await self._write(writer, pending, reply.split_bytes)
                pending = b""
        if pending:
            await self._write(writer, pending, reply.split_bytes)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    @staticmethod
    async def _write(writer, data, piece):
        for start in range(0, len(data), piece or len(data)):
            part = data[start : start + (piece or len(data))]
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            await writer.drain()
            if piece:
                await asyncio.sleep(0)

    @staticmethod
    async def _until_gone(request, seconds):
        end = time.monotonic() + seconds
        while not request.gone and time.monotonic() < end:
            await asyncio.sleep(0.01)


def pieces(text):
    """A string word by word with its blanks; a list as it is."""
    if not isinstance(text, str):
        return list(text)
    words = text.split(" ")
    return [w + (" " if i + 1 < len(words) else "") for i, w in enumerate(words) if w or i + 1 < len(words)]


def fragments(text, count):
    """A text cut into at most `count` pieces of about equal size."""
    size = max(1, -(-len(text) // max(1, count)))
    return [text[i : i + size] for i in range(0, len(text), size)]


_ids = itertools.count(1)


def numbered(calls):
    """Calls with ids: those of the test, else ones that no other answer has."""
    return [dataclasses.replace(c, id=c.id or f"call_{next(_ids)}_{c.name}") for c in calls]


def embeddings(body):
    """Vectors of eight numbers that depend on the input alone."""
    vectors = [[float(len(str(one)) + i) for i in range(body.get("dimensions") or 8)] for one in body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    return {"object": "list", "data": data[::-1], "model": body["model"], "usage": {"prompt_tokens": 5, "total_tokens": 5}}


class OpenAI:
    """The chat completions dialect."""

    @staticmethod
    def usage(reply):
        prompt, completion = reply.usage
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        if reply.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": reply.cached}
        return usage

    @staticmethod
    def finish(reply):
        return reply.finish or ("tool_calls" if reply.tool_calls else "stop")

    @classmethod
    def whole(cls, model, reply):
        message = {"role": "assistant", "content": "".join(pieces(reply.text)) or None}
        if reply.reasoning:
            message["reasoning_content"] = "".join(pieces(reply.reasoning))
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.text()}}
                for c in numbered(reply.tool_calls)
            ]
        answer = {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1, "model": model}
        answer["choices"] = [{"index": 0, "message": message, "finish_reason": cls.finish(reply), "stop_reason": reply.stopped_by}]
        if reply.usage:
            answer["usage"] = cls.usage(reply)
        return answer

    @classmethod
    def deltas(cls, reply):
        yield {"role": "assistant", "content": ""}
        for piece in pieces(reply.reasoning):
            yield {"reasoning_content": piece}
        for piece in pieces(reply.text):
            yield {"content": piece}
        lanes = []
        for index, call in enumerate(numbered(reply.tool_calls)):
            opening = {"index": index, "id": call.id, "type": "function"}
            lane = [{**opening, "function": {"name": call.name, "arguments": ""}}]
            lane += [{"index": index, "function": {"arguments": f}} for f in fragments(call.text(), call.fragments)]
            lanes.append(lane)
        for part in interleaved(lanes) if reply.interleave else [p for lane in lanes for p in lane]:
            yield {"tool_calls": [part]}

    @classmethod
    def events(cls, model, reply):
        head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1, "model": model}

        def event(choices, **more):
            return "data: " + json.dumps({**head, "choices": choices, **more}, ensure_ascii=False) + "\n\n"

        for delta in cls.deltas(reply):
            yield event([{"index": 0, "delta": delta, "finish_reason": None}])
        yield event([{"index": 0, "delta": {}, "finish_reason": cls.finish(reply), "stop_reason": reply.stopped_by}])
        if reply.usage:
            yield event([], usage=cls.usage(reply))
        yield "data: [DONE]\n\n"


class Anthropic:
    """The messages dialect."""

    @staticmethod
    def finish(reply):
        return reply.finish or ("stop_sequence" if reply.stopped_by else "tool_use" if reply.tool_calls else "end_turn")

    @classmethod
    def whole(cls, model, reply):
        content = []
        if reply.redacted:
            content.append({"type": "redacted_thinking", "data": reply.redacted})
        if reply.reasoning:
            thinking = "".join(pieces(reply.reasoning))
            content.append({"type": "thinking", "thinking": thinking, "signature": reply.signature})
        if reply.text:
            content.append({"type": "text", "text": "".join(pieces(reply.text))})
        for call in numbered(reply.tool_calls):
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.text())})
        prompt, completion = reply.usage or (0, 0)
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": cls.finish(reply),
            "stop_sequence": reply.stopped_by,
            "usage": {"input_tokens": prompt, "output_tokens": completion},
        }

    @classmethod
    def events(cls, model, reply):
        def event(kind, **data):
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **data}, ensure_ascii=False)}\n\n"

        prompt, completion = reply.usage or (0, 0)
        usage = {"input_tokens": prompt, "output_tokens": 1, "cache_read_input_tokens": reply.cached}
        message = {"id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": []}
        message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
        yield event("message_start", message=message)
        yield event("ping")
        index = 0
        for start, deltas in cls.blocks(reply):
            yield event("content_block_start", index=index, content_block=start)
            for delta in deltas:
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
            index += 1
        stop = {"stop_reason": cls.finish(reply), "stop_sequence": reply.stopped_by}
        yield event("message_delta", delta=stop, usage={"output_tokens": completion})
        yield event("message_stop")

    @staticmethod
    def blocks(reply):
        if reply.redacted:
            yield {"type": "redacted_thinking", "data": reply.redacted}, []
        if reply.reasoning:
            deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces(reply.reasoning)]
            deltas += [{"type": "signature_delta", "signature": p} for p in fragments(reply.signature, 3)]
            yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
        if reply.text:
            yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in pieces(reply.text)]
        for call in numbered(reply.tool_calls):
            parts = [{"type": "input_json_delta", "partial_json": f} for f in fragments(call.text(), call.fragments)]
            yield {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, parts


def interleaved(lanes):
    """One item of each lane in turn."""
    for n in range(max(map(len, lanes), default=0)):
        for lane in lanes:
            if n < len(lane):
                yield lane[n]
