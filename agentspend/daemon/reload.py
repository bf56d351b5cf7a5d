"""Taking over a changed configuration while requests run, and keeping the last good one.

What a person must agree to first is the bookkeeper's decision (`bookkeeper.adoption`); this reads
the file and puts into force what was adopted.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentspend.config.load import Loaded, adopted, load_with_zone
from agentspend.config.paths import Paths
from agentspend.config.providers import Provider
from agentspend.config.schema import Config, overrides_of
from agentspend.core.errors import AgentspendError
from agentspend.core.included import ALL_BP
from agentspend.core.model_patterns import may_name
from agentspend.core.pricebook import PriceBook
from agentspend.daemon.log import log
from agentspend.prices import load_table
from agentspend.proxy.desk import Desk, Settings
from agentspend.proxy.upstream import Upstream, origins_of

TeamPrices = Mapping[str, Mapping[str, Any]]
"""What each of the member's teams says of prices, by model; the home team's under ""."""
OLD_UPSTREAM_S = 600
"""How long requests that began under the old settings may still use their connection."""


def settings_from(config: Config, paths: Paths, team_prices: TeamPrices | None = None) -> Settings:
    """The part of a configuration that journeys use; of a model that the team prices, its price."""
    table = load_table(paths.price_table(config.price_table), config.price_table)

    def book(prices: Mapping[str, Any]) -> PriceBook:
        if not prices:
            return PriceBook(table, config.overrides)
        above = {**config.raw.get("prices", {}), **prices}
        return PriceBook(table, overrides_of({**config.raw, "prices": above}, config.providers))

    by_team = team_prices or {}
    home = by_team.get("", {})
    return Settings(
        book=book(home),
        team_books={name: book(own) for name, own in by_team.items() if own != home},
        admission=config.admission,
        providers=config.providers,
        upstream=Upstream(origins_of(config.providers), config.network),
        rules=config.rules,
        stops_bp={
            name: ALL_BP - 100 * each.included_margin_percent
            for name, each in config.providers.items()
            if each.stop_at_included
        },
    )


Stamp = tuple[int, int, int]
"""A file's inode, time and size."""

STEP_MS = 200
"""How often the watching thread wakes: every 50 ms, as is usual, takes 0.1 % of a core."""
LOOK_EVERY_MS = 5_000


def _doors(config: Config) -> tuple[object, ...]:
    """Where a daemon listens and by which names, which only its start decides."""
    return config.port, config.listen, config.hosts


class Reload:
    """Watches the configuration. `error` says why the file on disk is not in force ("": it is)."""

    def __init__(
        self, paths: Paths, loaded: Loaded, desk: Desk, later: Callable[[float, Upstream], None]
    ) -> None:
        """`later` closes an upstream that is no longer in force, after so many seconds."""
        self._paths = paths
        self._loaded = loaded
        self._desk = desk
        self._later = later
        self._turn = asyncio.Lock()
        self._seen = _stamp(paths.config)
        self._in_force = ""
        self._team_prices: TeamPrices = {}
        self.error = ""

    @property
    def declared(self) -> Loaded:
        """What the file says, in force or not."""
        return self._loaded

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The provider settings in force."""
        return adopted(self._loaded, self._desk.bookkeeper.settings).config.providers

    async def declare(self, loaded: Loaded) -> None:
        """Hand a configuration to the bookkeeper, and put into force what it adopted of it."""
        keeper = self._desk.bookkeeper
        if not keeper.read_only:
            await keeper.declare(loaded.config.budgets, loaded.settings)
        self._loaded = loaded
        await self.apply()

    async def apply(self) -> None:
        """Put the adopted settings into force: prices, providers, network, the ladder."""
        wanted = adopted(self._loaded, self._desk.bookkeeper.settings)
        providers = wanted.config.providers
        self._desk.key_sessions.auth = {name: each.auth for name, each in providers.items()}
        before = self._desk.settings
        if wanted.config.settings == self._in_force:
            self._desk.settings = replace(before, admission=wanted.config.admission)
            return
        self._desk.settings = await asyncio.to_thread(
            settings_from, wanted.config, self._paths, self._team_prices
        )
        names_model = may_name(self._desk.book)
        await self._desk.bookkeeper.ask(lambda books, _: books.read_models_by(names_model))
        self._in_force = wanted.config.settings
        self._later(OLD_UPSTREAM_S, before.upstream)

    async def price_by_team(self, prices: TeamPrices) -> None:
        """A team's policy says what models cost: as `[prices]` would, and above it."""
        if prices == self._team_prices:
            return
        async with self._turn:
            before, self._team_prices, self._in_force = self._team_prices, prices, ""
            try:
                await self.apply()
            except AgentspendError as error:
                log("team_prices", error=error.message)
                self._team_prices = before

    async def now(self) -> None:
        """Read the files now. Raises `AgentspendError` when they cannot be used."""
        async with self._turn:
            self._seen = _stamp(self._paths.config)
            try:
                loaded = await asyncio.to_thread(load_with_zone, self._paths)
                if _doors(loaded.config) != _doors(self._loaded.config):
                    log("needs_restart", port=loaded.config.port, listen=loaded.config.listen)
                await self.declare(loaded)
            except AgentspendError as error:
                self.error = error.message
                raise
            self.error = ""

    async def newest(self) -> None:
        """Read the file where it was written since: the watch sees that a little later."""
        if _stamp(self._paths.config) != self._seen:
            with suppress(AgentspendError):
                await self.now()

    async def watch(self) -> None:
        """Follow changes of the file until cancelled."""
        seen = _stamp(self._paths.config)
        while True:
            seen = await _next_state(self._paths.config, seen)
            with suppress(AgentspendError):
                await self.now()
            log("configuration", error=self.error)


async def _next_state(path: Path, seen: Stamp | None) -> Stamp | None:
    """Wait until a file is not as it was seen.

    The file itself is watched where there is one, not its folder: with `AGENTSPEND_HOME` the ledger
    lies beside it, and each of its writes would wake the watcher (0.13 ms of CPU a request). What
    changes while nobody watches yet is seen at the next look, five seconds later.
    """
    from watchfiles import awatch

    if (found := _stamp(path)) != seen:
        return found
    async for _ in awatch(
        path if seen else path.parent,
        watch_filter=None,
        recursive=False,
        debounce=200,
        step=STEP_MS,
        rust_timeout=LOOK_EVERY_MS,
        yield_on_timeout=True,
    ):
        if (found := _stamp(path)) != seen:
            return found
    return seen


def _stamp(path: Path) -> Stamp | None:
    """What tells one state of a file from another; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
