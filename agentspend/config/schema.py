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

from agentspend.config.addresses import (
    LOOPBACK_ADDRESS,
    check_host,
    check_listen,
    check_proxy,
)
from agentspend.config.budgets import read_budgets
from agentspend.config.misshapen import in_words
from agentspend.config.placing import Placing
from agentspend.config.providers import Provider, read_providers
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
from agentspend.core.price_overrides import Overrides, read_overrides, with_providers
from agentspend.core.rules import NO_RULES, Rules

SETTINGS = (
    "providers", "network", "price_table", "prices", "aliases", "unknown_model", *RULE_SECTIONS,
)  # fmt: skip
"""The sections that decide what a request costs, where it goes, and what besides budgets rules."""


FROM_WORDS = "the settings"
"""Where settings that stand in no file are said to be."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the file says, checked. `raw` is the file as TOML gives it."""

    port: int
    zone: str
    listen: str
    hosts: tuple[str, ...]
    providers: Mapping[str, Provider]
    budgets: tuple[Budget, ...]
    admission: AdmissionSection
    network: NetworkSection
    overrides: Overrides
    price_table: str = ""
    statusline: bool = False
    rules: Rules = NO_RULES
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def anthropic(self) -> Provider:
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


def parse_section(name: str, section: dict[str, Any]) -> Provider:
    """One provider's settings, checked as a file's would be."""
    return _Reader("", FROM_WORDS).read({"providers": {name: section}}).providers[name]


class _Reader:
    """Turns TOML's values into ours, one section after the other."""

    def __init__(self, text: str, name: str) -> None:
        self._placing = Placing(text, name)
        self._at = self._placing.at
        self._error = self._placing.error

    def read(self, raw: dict[str, Any]) -> Config:
        sections = self._sections(raw.get("providers", {}))
        try:
            found = msgspec.convert({**raw, "providers": {}}, File)
        except msgspec.ValidationError as error:
            raise self._error(*in_words(str(error))) from error
        self._check(found)
        providers = read_providers(sections, found.daemon.port, self._at)
        overrides = self._at((), lambda: overrides_of(raw, providers))
        return Config(
            port=found.daemon.port,
            zone=found.daemon.zone,
            listen=found.daemon.listen if found.daemon.listen != LOOPBACK_ADDRESS else "",
            hosts=found.daemon.hosts,
            providers=providers,
            budgets=read_budgets(found.budgets, self._placing),
            admission=found.admission,
            network=found.network,
            overrides=overrides,
            price_table=found.price_table,
            statusline=found.statusline.claude,
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

    def _sections(self, raw: Any) -> dict[str, ProviderSection]:
        """Each provider's section by itself: so its errors can name it."""
        found = {}
        if not isinstance(raw, dict):
            raise self._error(("providers",), "must be a table", "write [providers.NAME]")
        for name, section in raw.items():
            try:
                found[name] = msgspec.convert(section, ProviderSection)
            except msgspec.ValidationError as error:
                raise self._error(*in_words(str(error), inside=("providers", name))) from error
        return found

    def _check(self, found: File) -> None:
        """Values that have the right type and still cannot be."""
        admission, port = found.admission, found.daemon.port
        if not 0 <= port <= 65_535:
            raise self._error(("daemon", "port"), f"{port} is not a port", "use 1 to 65535")
        if found.daemon.listen:
            self._at(("daemon", "listen"), partial(check_listen, found.daemon.listen))
        for host in found.daemon.hosts:
            self._at(("daemon", "hosts"), partial(check_host, host))
        if not 1 <= admission.floor_tokens <= admission.comfort_tokens:
            hint = f"floor_tokens = {min(4096, admission.comfort_tokens)}"
            what = "must lie between 1 and comfort_tokens"
            raise self._error(("admission", "floor_tokens"), what, hint)
        if not 0 <= admission.wait_s <= 600:
            raise self._error(("admission", "wait_s"), f"{admission.wait_s} is out of range",
                              "use 0 to 600 seconds")  # fmt: skip
        proxy = found.network.proxy
        if proxy:
            self._at(("network", "proxy"), lambda: check_proxy(proxy))


def overrides_of(raw: Mapping[str, Any], providers: Mapping[str, Provider]) -> Overrides:
    """Everything a file says about prices, what it says of whole providers included."""
    said = read_overrides(raw.get("prices"), raw.get("aliases"), raw.get("unknown_model"))
    lists = {name: each.lists for name, each in providers.items() if each.lists}
    return with_providers(said, lists, [name for name, each in providers.items() if each.free])
