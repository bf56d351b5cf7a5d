"""The shapes each compatible server copies, as the sandbox offers them under `/as/<server>`."""

from dataclasses import replace
from typing import Any

from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.compatible import chat
from agentspend.sandbox.compatible.model import answering
from agentspend.sandbox.compatible.prices import CARDS
from agentspend.sandbox.compatible.servers import SERVERS, Server
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES

PREFIX = "/as/"
_PATHS = ("/chat/completions", "/responses", "/messages")


def served_at(path: str) -> tuple[Dialect, bool] | None:
    """The dialect of a path under `/as/<server>`, and whether it needs a key; None elsewhere."""
    server = server_at(path)
    if server is None:
        return None
    for end, dialect in zip(_PATHS, BY_SERVER[server.name], strict=True):
        if path.endswith(end):
            return dialect, server.needs_key
    return BY_SERVER[server.name][0], server.needs_key


def server_at(path: str) -> Server | None:
    """The server that a path is under."""
    if not path.startswith(PREFIX):
        return None
    return SERVERS.get(path.removeprefix(PREFIX).partition("/")[0])


def is_paid(path: str) -> bool:
    """Whether a path under a server is one that answers."""
    return path.endswith(_PATHS)


def _dialects(server: Server) -> tuple[Dialect, Dialect, Dialect]:
    def models() -> dict[str, Any]:
        listed = [{"id": name, "object": "model"} for name in CARDS[server.name]]
        return {"object": "list", "data": listed}

    key = (server.key_header,) if server.key_header else ()
    spoken = replace(
        CHAT,
        name=f"{server.name}-chat",
        key_headers=key,
        answer=answering(server, "chatcmpl-", "messages"),
        whole=chat.whole(server),
        stream=chat.stream(server),
        models=models,
        model=lambda _: None,
    )
    responses = replace(
        RESPONSES,
        name=f"{server.name}-responses",
        key_headers=key,
        answer=answering(server, "resp_", "input"),
        models=models,
    )
    messages = replace(
        MESSAGES,
        name=f"{server.name}-messages",
        answer=answering(server, "msg_", "messages"),
        models=models,
    )
    return spoken, responses, messages


BY_SERVER = {name: _dialects(server) for name, server in SERVERS.items()}
"""Chat Completions, Responses and Messages of each server."""
