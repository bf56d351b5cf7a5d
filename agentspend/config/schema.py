"""A configuration's meaning: checked values, and errors that name file, line and key.

Pure: the text of the file goes in. Which parts are money's (`settings`) is decided here: a change
of prices or of where requests go is as good as a raise, so it is adopted like one.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from agentspend.config.addresses import check_base_url, check_proxy
from agentspend.config.budgets import read_budgets
from agentspend.config.misshapen import in_words
from agentspend.config.placing import Placing
from agentspend.config.rules import read_rules
from agentspend.config.shape import (
    AdmissionSection,
    File,
    NetworkSection,
    ProviderSection,
)
from agentspend.core.budgets import Budget
from agentspend.core.errors import ConfigError
from agentspend.core.policy import RULE_SECTIONS
from agentspend.core.price_overrides import Overrides, read_overrides
from agentspend.core.rules import NO_RULES, Rules

SETTINGS = (
    "providers", "network", "price_table", "prices", "aliases", "unknown_model", *RULE_SECTIONS,
)  # fmt: skip
"""The sections that decide what a request costs, where it goes, and what besides budgets rules."""


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
        self._placing = Placing(text, name)
        self._at = self._placing.at
        self._error = self._placing.error

    def read(self, raw: dict[str, Any]) -> Config:
        try:
            found = msgspec.convert(raw, File)
        except msgspec.ValidationError as error:
            raise self._error(*in_words(str(error))) from error
        self._check(found)
        overrides = self._at(
            (), lambda: read_overrides(found.prices, found.aliases, found.unknown_model)
        )
        return Config(
            port=found.daemon.port,
            zone=found.daemon.zone,
            providers=_providers(found),
            budgets=read_budgets(found.budgets, self._placing),
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


def _providers(found: File) -> dict[str, ProviderSection]:
    sections = found.providers
    return {"anthropic": sections.anthropic, "openai": sections.openai, "google": sections.google}
