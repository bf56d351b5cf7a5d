"""The shape of config.toml: its sections, keys, types and defaults. Meaning is `schema`'s.

The docstring of each field is its documentation. Amounts and prices are strings: a TOML float
would already have lost digits.
"""

from typing import Any, Literal

import msgspec

from agentspend.core.limits import DEFAULT_COMFORT_TOKENS, DEFAULT_FLOOR_TOKENS, DEFAULT_WAIT_S

DEFAULT_PORT = 4141
DEFAULT_MARGIN_PERCENT = 2


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One table of the file; an unknown key is a mistake."""


class DaemonSection(Section, frozen=True):
    """`[daemon]`: `port` on loopback (0: any free one), `zone` of calendar windows ("": here).

    For agents in containers: `listen` is one more address of this machine to answer on ("": none),
    `hosts` are the names by which they reach it.
    """

    port: int = DEFAULT_PORT
    zone: str = ""
    listen: str = ""
    hosts: tuple[str, ...] = ()


class ProviderSection(Section, frozen=True):
    """`[providers.NAME]`: where requests go, and who authenticates.

    What is not said is the ready entry's of this name (`config.ready_providers`). `dialect` is one
    API or several; `base_urls` are addresses of single ones. `auth` "none" needs no key.
    `on_disconnect`: when a client hangs up, "cancel" stops the provider too, "drain" reads on.
    `stop_at_included`: requests of a subscription's login are refused before paid overage begins,
    `included_margin_percent` before the end of a window; `login_base_url` is where requests of a
    ChatGPT login go, which no API key opens.
    `key` names a variable that may hold its key, `key_header` the header it goes in ("": a bearer).
    `price_prefix` is the price table's name for it, or names by pattern of models. `stream_usage`:
    its Chat streams can be asked for their usage. `free`: nothing it does costs anything.
    """

    dialect: str | tuple[str, ...] = ()
    base_url: str = ""
    base_urls: dict[str, str] = {}
    auth: Literal["auto", "key", "passthrough", "none"] | None = None
    on_disconnect: Literal["cancel", "drain"] | None = None
    key: str = ""
    key_header: str = ""
    price_prefix: str | dict[str, str] = ""
    stream_usage: bool | None = None
    free: bool | None = None
    stop_at_included: bool = False
    included_margin_percent: int = DEFAULT_MARGIN_PERCENT
    login_base_url: str = ""


class BudgetSection(Section, frozen=True):
    """`[[budgets]]`: one budget; `limit` in dollars, such as "25.00"."""

    name: str
    limit: str
    window: str
    scope: dict[str, str] = {}
    mode: Literal["hard", "warn"] = "hard"
    bound: Literal["strict", "warm"] = "strict"
    counts: Literal["billed", "all"] = "billed"
    warn_percents: tuple[int, ...] = (50, 80)


class ModelsSection(Section, frozen=True):
    """`[[models]]`: which models a scope may use. No `allow` allows all; `deny` beats `allow`."""

    scope: dict[str, str] = {}
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class RateLimitSection(Section, frozen=True):
    """`[[rate_limits]]`: requests and tokens a minute, requests and subagents at once; 0: no limit.

    `per` gives each session, key, subagent … a counter of its own ("": one for the whole scope).
    """

    scope: dict[str, str] = {}
    per: str = ""
    rpm: int = 0
    tpm: int = 0
    parallel: int = 0
    subagents: int = 0


class DowngradeSection(Section, frozen=True):
    """`[[downgrades]]`: past `percent` of a budget, models like `of` are replaced by `to`."""

    budget: str
    of: str
    to: str
    percent: int = 100


class LoopGuardSection(Section, frozen=True):
    """`[loop_guard]`: the same request `repeats` times `within` so long pauses its session."""

    repeats: int = 0
    within: str = "5m"


class AdmissionSection(Section, frozen=True):
    """`[admission]`: the tunable steps of the ladder.

    `on_exceed`: what no budget lets pass is refused, or waits while a person is asked.
    """

    comfort_tokens: int = DEFAULT_COMFORT_TOKENS
    floor_tokens: int = DEFAULT_FLOOR_TOKENS
    wait_s: int = DEFAULT_WAIT_S
    on_exceed: Literal["refuse", "ask"] = "refuse"


class NetworkSection(Section, frozen=True):
    """`[network]`: the daemon's way out: a CONNECT proxy, a private CA, hosts that go direct."""

    proxy: str = ""
    ca_file: str = ""
    no_proxy: tuple[str, ...] = ()


class StatusLineSection(Section, frozen=True):
    """`[statusline]`: whether `agentspend run claude` shows our line under Claude Code's prompt."""

    claude: bool = False


class File(Section, frozen=True):
    """The whole file. Prices are read by `core.price_overrides`, which owns their meaning.

    `price_table` is the SHA-256 of a table that `prices update` took over ("": the vendored one).
    """

    price_table: str = ""

    daemon: DaemonSection = DaemonSection()
    providers: dict[str, ProviderSection] = {}
    budgets: tuple[BudgetSection, ...] = ()
    models: tuple[ModelsSection, ...] = ()
    rate_limits: tuple[RateLimitSection, ...] = ()
    downgrades: tuple[DowngradeSection, ...] = ()
    loop_guard: LoopGuardSection = LoopGuardSection()
    admission: AdmissionSection = AdmissionSection()
    network: NetworkSection = NetworkSection()
    statusline: StatusLineSection = StatusLineSection()
    prices: dict[str, dict[str, Any]] = {}
    aliases: dict[str, Any] = {}
    unknown_model: dict[str, Any] = {}
