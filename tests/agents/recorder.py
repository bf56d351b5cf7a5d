"""A provider on loopback that writes down what agents send, and answers in their dialect.

It is also the proxy of everything else: an agent that is told to use it as HTTPS_PROXY shows
where it would have gone. Nothing leaves the machine.
"""

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SAYS = "Hello from the recorder."
_OPENAI_USAGE = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body, decoded."""
        zipped = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if zipped else self.body)


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    body: bytes
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Recorder:
    """The server, from `with` to its end."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    def calls(self) -> list[Seen]:
        """The model calls."""
        return [item for item in self.seen if item.method == "POST" and item.path.startswith("/")]

    def elsewhere(self) -> list[str]:
        """The hosts asked for through this proxy, each once."""
        away = [item for item in self.seen if not item.path.startswith("/")]
        return sorted({item.path.removeprefix("http://").partition("/")[0] for item in away})

    def answer(self, seen: Seen) -> Reply:
        """Write a request down and answer it."""
        with self._lock:
            self.seen.append(seen)
        if seen.headers.get("upgrade", "").lower() == "websocket":
            return Reply(426, b"", "text/plain")
        if not seen.path.startswith("/"):
            return Reply(502, b"nothing leaves this machine", "text/plain")
        if seen.method != "POST":
            return Reply(200, b'{"models": []}')
        return happy(seen)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self.rfile.read(length))
                reply = recorder.answer(seen)
                self.send_response(reply.status)
                for name, value in {"content-type": reply.type, **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
                self.close_connection = self.command == "CONNECT" or reply.status == 426

            do_GET = do_POST = do_HEAD = do_CONNECT = do_PUT = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *args: object) -> None:
                """Keep quiet."""

        return Handler


def happy(seen: Seen) -> Reply:
    """A short answer in the dialect of the path."""
    path = seen.path.partition("?")[0]
    if path.endswith("/responses"):
        return _sse(_responses(), named=True)
    if path.endswith("/chat/completions"):
        return _sse([*_chat(seen.json()["model"]), "[DONE]"])
    if path.endswith("/messages"):
        return _sse(_messages(seen.json()["model"]), named=True)
    if path.endswith(":streamGenerateContent"):
        return _sse([_gemini(SAYS)])
    if path.endswith(":generateContent"):
        routed = json.dumps({"complexity_reasoning": "greeting", "complexity_score": 1})
        return Reply(200, json.dumps(_gemini(routed)).encode())
    return Reply(404, b'{"error": {"message": "no such path"}}')


def _sse(events: list[Any], *, named: bool = False) -> Reply:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        data = event if isinstance(event, str) else json.dumps(event)
        lines.append(f"{name}data: {data}\n\n")
    return Reply(200, "".join(lines).encode(), "text/event-stream")


def _responses() -> list[dict[str, Any]]:
    part = {"type": "output_text", "text": SAYS, "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    answer = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
    done = {**answer, "status": "completed", "usage": _OPENAI_USAGE}
    at = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    return [
        {"type": "response.created", "response": {**answer, "created_at": 1, "model": "m"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.output_text.delta", "delta": SAYS, **at},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**item, "content": [part]},
        },
        {"type": "response.completed", "response": {**done, "created_at": 1, "model": "m"}},
    ]


def _chat(model: str) -> list[dict[str, Any]]:
    base = {"id": "c_1", "object": "chat.completion.chunk", "created": 1, "model": model}
    delta = {"role": "assistant", "content": SAYS}
    return [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    ]


def _messages(model: str) -> list[dict[str, Any]]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    text = {"type": "text_delta", "text": SAYS}
    return [
        {"type": "message_start", "message": message},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]


def _gemini(text: str) -> dict[str, Any]:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14}
    content = {"role": "model", "parts": [{"text": text}]}
    return {
        "candidates": [{"index": 0, "content": content, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": "m",
        "responseId": "r_1",
    }
