"""A whole device in this process: sandbox provider, bookkeeper on a real file, proxy, one session.

`async with Device(tmp_path, [budget]) as device: await device.post(body)`. Time is real unless a
`ManualTime` is given; then nothing waits on the wall clock.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from agentspend.bookkeeper import Bookkeeper, Ledger, clock
from agentspend.bookkeeper.outcomes import Event
from agentspend.config.ready_providers import BUILT_IN
from agentspend.config.schema import parse_config
from agentspend.config.shape import AdmissionSection, NetworkSection
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.model_patterns import may_name
from agentspend.core.money import parse_usd
from agentspend.core.price_overrides import Overrides
from agentspend.core.rules import NO_RULES, Rules
from agentspend.core.scopes import Payer, Scope
from agentspend.core.windows import Window
from agentspend.prices import load_book
from agentspend.proxy.desk import Desk, Settings
from agentspend.proxy.included import Included
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.memory import Memory
from agentspend.proxy.server import Proxy
from agentspend.proxy.sessions import Session, Sessions
from agentspend.proxy.upstream import Upstream, origins_of
from agentspend.sandbox.server import Sandbox
from agentspend.store import conversations, entries, included
from agentspend.store.ledger_file import open_ledger
from tests.support.manual_time import ManualTime

TOKEN = "test-session-token"
CLAUDE = "claude-cli/2.1.332 (external, cli)"
OPUS = "claude-opus-5"
BUILT_IN_NAMES = {each.name for each in BUILT_IN}


def budget(
    name: str, limit: str, window: str = "day", *, mode: str = "hard", bound: str = "strict",
    counts: str = "billed", **scope: str,
) -> Budget:  # fmt: skip
    """A budget in few words."""
    return Budget(name, parse_usd(limit), Window.parse(window), Scope.of(scope), Mode(mode),
                  BoundKind(bound), Counts(counts))  # fmt: skip


def message(text: str = "say hi", *, model: str = OPUS, max_tokens: int = 1_000,
            stream: bool = True, **more: Any) -> dict[str, Any]:  # fmt: skip
    """A Messages request."""
    turn = {"role": "user", "content": text}
    return {"model": model, "max_tokens": max_tokens, "stream": stream, "messages": [turn], **more}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client got. `broken`: the connection was cut before the answer's end."""

    status: int
    headers: "aiohttp.typedefs.LooseHeaders"
    body: bytes
    broken: bool = False

    @property
    def error(self) -> dict[str, Any]:
        """The error object of a refusal."""
        found: dict[str, Any] = msgspec.json.decode(self.body)["error"]
        return found


class Device:
    """Everything between a client and its provider's bill."""

    def __init__(
        self,
        folder: Path,
        budgets: Sequence[Budget] = (),
        *,
        time: ManualTime | None = None,
        sandbox: Sandbox | None = None,
        base_url: str = "",
        admission: AdmissionSection | None = None,
        network: NetworkSection | None = None,
        overrides: Overrides | None = None,
        keys: dict[str, str] | None = None,
        read_only: bool = False,
        hosts: Sequence[str] = (),
        on_disconnect: str = "cancel",
        rules: Rules = NO_RULES,
        seed: int = 0,
        stops_bp: Mapping[str, int] | None = None,
        config: str = "",
    ) -> None:
        """`config` is TOML, where `SANDBOX` stands for the provider's address."""
        self.folder = folder
        self.time = time
        self.sandbox = sandbox or Sandbox(
            seed=seed, **({"clock": time.clock, "sleep": time.sleep} if time else {})
        )
        self._given = sandbox is not None
        self._budgets = tuple(budgets)
        self._base_url = base_url
        self._admission = admission or AdmissionSection()
        self._network = network or NetworkSection()
        self._overrides = overrides
        self._keys = {"anthropic": "sk-ant-test"} if keys is None else keys
        self._read_only = read_only
        self._hosts = hosts
        self._on_disconnect = on_disconnect
        self._rules = rules
        self._stops_bp = stops_bp or {}
        self._config = config
        self._tasks: set[asyncio.Task[Any]] = set()
        self.events: list[Event] = []

    async def __aenter__(self) -> Self:
        if not self._given:
            await self.sandbox.start()
        connect, read_only = open_ledger(self.folder / "ledger.db")
        ledger = Ledger(connect, self.folder, "i_test", ZoneInfo("Europe/Berlin"),
                        {"device": "k_test"}, self._read_only or read_only)  # fmt: skip
        self.bookkeeper = Bookkeeper(ledger, self.time.moment if self.time else clock)
        await self.bookkeeper.start()
        self.bookkeeper.on_commit(self.events.extend)
        if not self.bookkeeper.read_only:
            await self.adopt(*self._budgets)
        turns = await self.bookkeeper.ask(lambda books, _: conversations.newest(books.conn))
        windows = await self.bookkeeper.ask(lambda books, _: included.all_of(books.conn))
        config = parse_config(self._config.replace("SANDBOX", self.sandbox.url))
        there = self._base_url or self.sandbox.url
        login = f"{there}/backend-api/codex"
        providers = {
            name: replace(each, base_url=there, on_disconnect=self._on_disconnect,
                          login_base_url=login)
            if name in BUILT_IN_NAMES else each
            for name, each in config.providers.items()
        }  # fmt: skip
        upstream = Upstream(origins_of(providers), self._network)
        sessions = Sessions()
        self.desk = Desk(
            bookkeeper=self.bookkeeper,
            sessions=sessions,
            memory=Memory(b"test", turns),
            settings=Settings(load_book(self._overrides or config.overrides), self._admission,
                              providers, upstream, self._rules, stops_bp=self._stops_bp),
            now=self.time.moment if self.time else clock,
            keys=self._keys,
            included=Included(b"test", windows),
            key_sessions=KeySessions(sessions),
        )  # fmt: skip
        names_model = may_name(self.desk.book)
        await self.bookkeeper.ask(lambda books, _: books.read_models_by(names_model))
        self.open_session()
        self.proxy = Proxy(self.desk, self._spawn, self._hosts)
        self.port = await self.proxy.start(0)
        self.url = f"http://127.0.0.1:{self.port}/s/{TOKEN}"
        self.client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.proxy.drain(0.0)
        await self.proxy.stop()
        await self.desk.upstream.close()
        await self.bookkeeper.stop()
        if not self._given:
            await self.sandbox.stop()

    def open_session(
        self, session_id: str = "s_test", token: str = TOKEN, rules: Rules = NO_RULES, **payer: Any
    ) -> None:
        """Let one more session in."""
        who = Payer(**{"member": "ana", "agent": "claude", "session": session_id, **payer})
        self.desk.sessions.open(Session(session_id, who, token, rules=rules))

    async def adopt(self, *budgets: Budget) -> None:
        """Put budgets in force, as a person would."""
        waits = await self.bookkeeper.declare(budgets, "{}")
        await self.bookkeeper.confirm([change.text for change in waits])

    async def post(
        self, body: dict[str, Any] | bytes, path: str = "/v1/messages", **headers: str
    ) -> Reply:
        """One request to the proxy, read to its end."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"Content-Type": "application/json", "x-api-key": TOKEN, "User-Agent": CLAUDE}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url + path, data=raw, headers=sent) as answer:
            try:
                return Reply(answer.status, answer.headers, await answer.read())
            except aiohttp.ClientError:
                return Reply(answer.status, answer.headers, b"", broken=True)

    async def status(self, name: str) -> dict[str, Any]:
        """One budget's line as `agentspend status` shows it."""
        from agentspend.bookkeeper import snapshot

        lines = await self.bookkeeper.ask(snapshot.budget_lines)
        return next(dict(line) for line in lines if line["name"] == name)

    async def ledger(self, kind: str = "settle") -> list[dict[str, Any]]:
        """The ledger's entries of a kind, decoded."""
        bodies = await self.bookkeeper.ask(lambda books, _: list(entries.bodies(books.conn)))
        found = [msgspec.json.decode(body) for body in bodies]
        return [entry for entry in found if entry["kind"] == kind]

    async def spent_nusd(self) -> int:
        """What our ledger says was spent."""
        charged = await self.ledger("settle") + await self.ledger("adjust")
        return sum(entry["amount_nusd"] for entry in charged)

    async def until_idle(self) -> None:
        """Wait until every journey has been settled."""
        while self.proxy.journeys:
            await asyncio.wait([j.task for j in self.proxy.journeys if j.task is not None])

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
