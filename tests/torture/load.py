"""The load: clients of one session that ask at once, in seeded sizes, until the daemon is dead.

Every request carries a name of its own in two headers: the sandbox bills under the one, our
ledger keeps the other as `subagent`. So each charge meets the bill row it must cover, also when
the daemon died before it knew the provider's request id.
"""

import asyncio
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

CLIENTS = 10
PROMPT = "Please read this file again and tell me what the loop in it does. "
MODELS = ("claude-opus-5", "claude-haiku-4-5", "claude-sonnet-5")
BEHAVIOURS: tuple[tuple[int, dict[str, Any]], ...] = (
    (6, {"chunk_delay_s": 0.002, "deltas": 5}),
    (4, {}),
    (2, {"paced": True, "tokens_per_s": 400.0, "output_tokens": 40, "deltas": 4}),
    (2, {"first_byte_delay_s": 0.02}),
    (2, {"status": 529}),
    (1, {"torn_bytes": 97, "deltas": 3}),
    (1, {"cut_after_events": 4}),
    (1, {"silent_on_usage": "final", "chunk_delay_s": 0.001}),
)


@dataclass(frozen=True, slots=True)
class Access:
    """One session's way in. `name` is its id in the ledger."""

    name: str
    token: str
    url: str


@dataclass(slots=True)
class Heard:
    """What the clients saw. `complete` names requests whose whole 200 answer arrived, with the
    provider's request id; `fell_over` are answers of 500: an exception that nobody caught."""

    complete: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    broken: int = 0
    other: dict[int, int] = field(default_factory=dict)
    fell_over: list[str] = field(default_factory=list)


class Clients:
    """Ten clients on a session, two of them still on the one before."""

    def __init__(self, chance: Random, heard: Heard) -> None:
        self._chance = chance
        self._heard = heard
        self._asked = 0
        self.turned_away = False

    async def run(self, now: Access, before: Access | None) -> None:
        """Ask until nobody listens any more (`turned_away`), or until every client was refused."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            places = [now] * CLIENTS
            if before is not None:
                places[:2] = [before, before]
            await asyncio.gather(*(self._client(http, place) for place in places))

    async def _client(self, http: aiohttp.ClientSession, place: Access) -> None:
        refusals = 0
        while refusals < 2:
            try:
                refusals += await self._ask(http, place)
            except aiohttp.ClientConnectorError:
                self.turned_away = True
                return
            except (aiohttp.ClientError, ConnectionError):
                self._heard.broken += 1

    async def _ask(self, http: aiohttp.ClientSession, place: Access) -> int:
        """One request; returns 1 when it was refused for its budget."""
        self._asked += 1
        name = f"{place.name}.{self._asked}.{self._chance.getrandbits(32):08x}"
        weights = [weight for weight, _ in BEHAVIOURS]
        _, behaviour = self._chance.choices(BEHAVIOURS, weights)[0]
        body = {
            "model": self._chance.choice(MODELS),
            "max_tokens": self._chance.choice((64, 256, 512, 1_024)),
            "stream": self._chance.random() < 0.7,
            "messages": [{"role": "user", "content": PROMPT * self._chance.randint(1, 60)}],
        }
        headers = {
            "x-api-key": place.token,
            "x-sandbox-session": name,
            "x-claude-code-agent-id": name,
            "x-sandbox-behaviour": json.dumps(behaviour),
            "User-Agent": "claude-cli/2.1.332 (external, cli)",
        }
        leaves = self._chance.random() < 0.05
        async with http.post(f"{place.url}/v1/messages", json=body, headers=headers) as answer:
            if leaves and answer.status == 200:
                await answer.content.readany()
                answer.close()
                return 0
            text = await answer.text()
            if answer.status == 500:
                self._heard.fell_over.append(f"{name}: {text[:200]}")
            return self._note(name, answer)

    def _note(self, name: str, answer: aiohttp.ClientResponse) -> int:
        if answer.status == 200:
            self._heard.complete[name] = answer.headers["request-id"]
            return 0
        if answer.status == 402:
            self._heard.refused += 1
            return 1
        self._heard.other[answer.status] = self._heard.other.get(answer.status, 0) + 1
        return 0
