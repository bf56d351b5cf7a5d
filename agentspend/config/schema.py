"""A configuration's meaning: checked values, and errors that name file, line and key.

Pure: the text of the file goes in. Which parts are money's (`settings`) is decided here: a change
of prices or of where requests go is as good as a raise, so it is adopted like one.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import msgspec

from agentspend.config.addresses import check_base_url, check_proxy
from agentspend.config.lines import Key, line_of
from agentspend.config.misshapen import in_words
from agentspend.config.rules import read_rules
from agentspend.config.shape import (
    AdmissionSection,
    BudgetSection,
    File,
    NetworkSection,
    ProviderSection,
)
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError, ConfigError
from agentspend.core.money import parse_usd
from agentspend.core.policy import RULE_SECTIONS
from agentspend.core.price_overrides import Overrides, read_overrides
from agentspend.core.rules import NO_RULES, Rules
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

T = TypeVar("T")
SETTINGS = (
    "providers", "network", "price_table", "prices", "aliases", "unknown_model", *RULE_SECTIONS,
)  # fmt: skip
"""The sections that decide what a request costs, where it goes, and what besides budgets rules."""
_BUDGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the file says, checked. `raw` is the file as TOML gives it."""

    port: int
    zone: str
    providers: Mapping[str, ProviderSection]
    budgets: tuple[Budget, ...]
    admission: AdmissionSection
    network: NetworkSection
    overrides: Overrides
    price_table: str = ""
    rules: Rules = NO_RULES
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def anthropic(self) -> ProviderSection:
        """`[providers.anthropic]`."""
        return self.providers["anthropic"]

    @property
    def settings(self) -> str:
        """The money's sections as one JSON text: what is adopted, and compared."""
        kept = {name: self.raw[name] for name in SETTINGS if self.raw.get(name)}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))

    def with_settings(self, settings: str) -> "Config":
        """This configuration with the money's sections as they were adopted."""
        others = {name: value for name, value in self.raw.items() if name not in SETTINGS}
        return _Reader("", "the adopted settings").read({**others, **json.loads(settings)})


def parse_config(text: str, name: str = "config.toml") -> Config:
    """Read a configuration; `ConfigError` says what is wrong, in which line, and the way out."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}", "mend that line") from error
    reader = _Reader(text, name)
    config = reader.read(raw)
    reader.check_downgrades(config)
    return config


class _Reader:
    """Turns TOML's values into ours, one section after the other."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name

    def read(self, raw: dict[str, Any]) -> Config:
        try:
            found = msgspec.convert(raw, File)
        except msgspec.ValidationError as error:
            raise self._error(*in_words(str(error))) from error
        self._check(found)
        budgets = tuple(self._budget(number, item) for number, item in enumerate(found.budgets))
        for number, budget in enumerate(budgets):
            if any(other.name == budget.name for other in budgets[:number]):
                raise self._error(("budgets", number, "name"), f"{budget.name!r} stands twice",
                                  "give each budget a name of its own")  # fmt: skip
        overrides = self._at(
            (), lambda: read_overrides(found.prices, found.aliases, found.unknown_model)
        )
        return Config(
            port=found.daemon.port,
            zone=found.daemon.zone,
            providers=_providers(found),
            budgets=budgets,
            admission=found.admission,
            network=found.network,
            overrides=overrides,
            price_table=found.price_table,
            rules=read_rules(found, self._at),
            raw=raw,
        )

    def check_downgrades(self, config: Config) -> None:
        """A downgrade goes by a budget of the same file; what was adopted may have lost its own."""
        names = [budget.name for budget in config.budgets]
        for number, rule in enumerate(config.rules.downgrades):
            if rule.budget not in names:
                hint = f"budgets here: {', '.join(names) or 'none'}"
                what = f"{rule.budget!r} is not a budget of this file"
                raise self._error(("downgrades", number, "budget"), what, hint)

    def _check(self, found: File) -> None:
        """Values that have the right type and still cannot be."""
        admission, port = found.admission, found.daemon.port
        if not 0 <= port <= 65_535:
            raise self._error(("daemon", "port"), f"{port} is not a port", "use 1 to 65535")
        if not 1 <= admission.floor_tokens <= admission.comfort_tokens:
            hint = f"floor_tokens = {min(4096, admission.comfort_tokens)}"
            what = "must lie between 1 and comfort_tokens"
            raise self._error(("admission", "floor_tokens"), what, hint)
        if not 0 <= admission.wait_s <= 600:
            raise self._error(("admission", "wait_s"), f"{admission.wait_s} is out of range",
                              "use 0 to 600 seconds")  # fmt: skip
        for name, provider in _providers(found).items():
            keys = ("providers", name, "base_url")
            self._at(keys, partial(check_base_url, provider.base_url, port))
            if not 0 <= provider.included_margin_percent < 100:
                raise self._error(
                    ("providers", name, "included_margin_percent"), "must lie between 0 and 99",
                    "included_margin_percent = 2",
                )  # fmt: skip
        login_url = found.providers.openai.login_base_url
        keys = ("providers", "openai", "login_base_url")
        self._at(keys, partial(check_base_url, login_url, port))
        proxy = found.network.proxy
        if proxy:
            self._at(("network", "proxy"), lambda: check_proxy(proxy))

    def _budget(self, number: int, item: BudgetSection) -> Budget:
        def at(name: str, work: Callable[[], T]) -> T:
            return self._at(("budgets", number, name), work)

        at("name", lambda: check_budget_name(item.name))
        if not all(0 < percent <= 100 for percent in item.warn_percents):
            raise self._error(("budgets", number, "warn_percents"), "lie between 1 and 100",
                              "warn_percents = [50, 80]")  # fmt: skip
        return Budget(
            name=item.name,
            limit_nusd=at("limit", lambda: parse_usd(item.limit)),
            window=at("window", lambda: Window.parse(item.window)),
            scope=at("scope", lambda: Scope.of(item.scope)),
            mode=Mode(item.mode),
            bound=BoundKind(item.bound),
            counts=Counts(item.counts),
            warn_percents=tuple(sorted(set(item.warn_percents))),
        )

    def _at(self, keys: tuple[Key, ...], work: Callable[[], T]) -> T:
        """Run a check; its error gets the place in the file."""
        try:
            return work()
        except ConfigError:
            raise
        except AgentspendError as error:
            place = self._place(keys) if keys else self._line_named_in(error.message)
            raise ConfigError(f"{place}: {error.message}", error.hint) from error

    def _line_named_in(self, message: str) -> str:
        """The place of a key that an error names itself, as `core.price_overrides` does."""
        keys = [
            key.strip('"')
            for key in re.findall(r'"[^"]*"|[a-z_0-9]+', message.split(" ", maxsplit=1)[0])
        ]
        line = line_of(self._text, keys)
        return f"{self._name} line {line}" if line else self._name

    def _error(self, keys: tuple[Key, ...], what: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._place(keys)} {what}", hint)

    def _place(self, keys: tuple[Key, ...]) -> str:
        """`config.toml line 7: budgets[0].limit`."""
        dotted = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        line = line_of(self._text, keys) if self._text and keys else None
        where = f"{self._name} line {line}" if line else self._name
        return f"{where}: {dotted.removeprefix('.')}" if dotted else where


def _providers(found: File) -> dict[str, ProviderSection]:
    sections = found.providers
    return {"anthropic": sections.anthropic, "openai": sections.openai, "google": sections.google}


def check_budget_name(name: str) -> None:
    """Refuse a name that could not be typed after `budget raise`, or shown on one line."""
    if not _BUDGET_NAME.fullmatch(name):
        raise AgentspendError(
            f"{name!r} is not a name for a budget", "use letters, digits, - _ and ."
        )
