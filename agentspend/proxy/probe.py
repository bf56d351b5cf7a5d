"""Asking a provider something free: does it answer, does it take the key, which models has it.

Goes the daemon's own way out, with its proxy and certificates, so that what works here works for
requests. Neither the key nor the provider's own words, which may repeat it, are told.
"""

import asyncio
from dataclasses import dataclass

import msgspec
from multidict import CIMultiDict

from agentspend.config.providers import Provider
from agentspend.config.ready_providers import READY
from agentspend.dialects.base import Dialect
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.names import ANTHROPIC, GEMINI
from agentspend.dialects.routes import dialect_of
from agentspend.http.incoming import TooLarge
from agentspend.proxy.credentials import BEARER
from agentspend.proxy.desk import Desk
from agentspend.proxy.upstream import Unreachable, shown, way_to

WITHIN_S = 20
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_REFUSED = frozenset({401, 403})
_NO_SUCH_CALL = frozenset({404, 405, 501})


class _Model(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Models(msgspec.Struct):
    data: list[_Model] = []
    models: list[_Model] = []


_MODELS = msgspec.json.Decoder(_Models)


@dataclass(frozen=True, slots=True)
class Found:
    """What a free call brought to light. `status` is 0 where nobody answered, and `why` says why.

    `key` is "accepted", "refused", "none" (there is none to send) or "unknown": a list of models
    that anybody may see proves nothing. `models` is None where it has no free call for them.
    """

    url: str
    status: int
    key: str
    models: list[str] | None = None
    why: str = ""


async def probe(desk: Desk, provider: Provider) -> Found:
    """Ask for the models, and where everybody may see those, for what only a key opens."""
    dialect = dialect_of(provider.dialects[0], provider.name, provider.vendor)
    key = desk.key(provider.name)
    url = shown(provider.url(dialect.name))
    path = "/v1beta/models" if dialect.name == GEMINI else "/v1/models"
    try:
        async with asyncio.timeout(WITHIN_S):
            status, answer = await _get(desk, dialect, provider, path, key)
            models = _listed(answer) if status == 200 else None
            opened = READY[provider.name].key_path if provider.name in READY else ""
            if opened and key and status not in _REFUSED:
                status, _ = await _get(desk, dialect, provider, opened, key)
    except Unreachable as error:
        return Found(url, 0, "unknown", why=str(error))
    except OSError as error:
        why = f"{url} did not answer within {WITHIN_S} s" if isinstance(error, TimeoutError) else ""
        return Found(url, 0, "unknown", why=why or f"{url} broke the connection")
    return Found(url, status, _of_key(key, status, provider), models)


def _of_key(key: str | None, status: int, provider: Provider) -> str:
    if status in _REFUSED:
        return "refused" if key else "none"
    if not key:
        return "none"
    proves = provider.auth != "none" and status not in _NO_SUCH_CALL and status < 500
    return "accepted" if proves and status == 200 else "unknown"


async def _get(
    desk: Desk, dialect: Dialect, provider: Provider, path: str, key: str | None
) -> tuple[int, bytes]:
    headers = CIMultiDict({"Accept": "application/json", "Accept-Encoding": "identity"})
    if dialect.name == ANTHROPIC:
        headers["anthropic-version"] = "2023-06-01"
    if key and provider.key_header:
        headers[provider.key_header] = key
    elif key:
        headers[BEARER] = f"Bearer {key}"
    answer = await desk.upstream.send(way_to(dialect), "GET", path, headers, None)
    async with answer:
        try:
            return answer.status, await answer.content.read(MAX_ANSWER_BYTES)
        except TooLarge:
            return answer.status, b""


def _listed(answer: bytes) -> list[str] | None:
    """The models of a list in any dialect's shape; None for what is no such list."""
    try:
        found = _MODELS.decode(answer)
    except UNREADABLE:
        return None
    names = [each.id or each.name.removeprefix("models/") for each in (*found.data, *found.models)]
    return [name for name in names if name]
