"""What `[providers.NAME]` means: a provider's settings, filled up from the ready entry of its name.

Pure. `Provider` is what the rest of the house works with; the section is only how it is written.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from agentspend.config.addresses import check_base_url
from agentspend.config.lines import Key
from agentspend.config.ready_providers import BUILT_IN, READY, Ready, key_variable
from agentspend.config.shape import DEFAULT_MARGIN_PERCENT, ProviderSection
from agentspend.core.errors import AgentspendError
from agentspend.core.price_overrides import PriceLists
from agentspend.core.regions import is_this_machine
from agentspend.dialects.names import DIALECTS

At = Callable[[tuple[Key, ...], Callable[[], object]], object]
"""Runs a check whose error is told with the place of a setting."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_HEADER = re.compile(r"[a-z][a-z0-9-]*")
_LIST = re.compile(r"[a-z][a-z0-9_-]*(/\S+)?")
_TAKEN_HEADERS = frozenset(
    {"authorization", "host", "cookie", "content-type", "content-length", "connection", "accept"}
)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where requests to one provider go, how they are paid, and what its habits are.

    `base_urls` are the addresses of dialects that have one of their own. `key` is a variable that
    may hold its key ("": only ours), `key_header` "" for a bearer. `lists` are the price lists that
    hold for its models, () for the one of its own name.
    """

    name: str
    dialects: tuple[str, ...]
    base_url: str
    base_urls: Mapping[str, str] = field(default_factory=dict)
    auth: str = "auto"
    on_disconnect: str = "drain"
    key: str = ""
    key_header: str = ""
    lists: PriceLists = ()
    stream_usage: bool = True
    free: bool = False
    stop_at_included: bool = False
    included_margin_percent: int = DEFAULT_MARGIN_PERCENT
    login_base_url: str = ""

    @property
    def vendor(self) -> str:
        """Whose models it serves, where all its prices come from one list; else its own name."""
        return self.lists[0][1] if len(self.lists) == 1 and self.lists[0][0] == "*" else self.name

    def url(self, dialect: str) -> str:
        """The address that requests of this dialect go to."""
        return self.base_urls.get(dialect, self.base_url)

    @property
    def is_here(self) -> bool:
        """Whether it is a server on this machine."""
        urls = (self.base_url, *self.base_urls.values())
        return all(is_this_machine(urlsplit(url).netloc) for url in urls)


def ready_provider(name: str) -> Provider:
    """A ready entry as it would be with nothing else said of it; its address may be ""."""
    return _provider(name, ProviderSection(), READY[name])


def check_name(name: str) -> None:
    """Refuse a name that could not stand in a path, a variable and a file's name."""
    if not _NAME.fullmatch(name):
        raise AgentspendError(
            f"{name!r} is not a name for a provider",
            "use small letters, digits and -, such as my-gateway",
        )


def read_providers(
    sections: Mapping[str, ProviderSection], own_port: int, at: At
) -> dict[str, Provider]:
    """Every provider that can be asked: those built in, then those the file names.

    `own_port` is the daemon's. Errors carry the place of the setting at fault.
    """
    names = [*(each.name for each in BUILT_IN), *sections]
    found = {}
    for name in dict.fromkeys(names):
        at(("providers", name), partial(check_name, name))
        section = sections.get(name, ProviderSection())
        found[name] = _provider(name, section, READY.get(name, Ready(name, name, ())))
        _check(found[name], section, own_port, at)
    return found


def _provider(name: str, section: ProviderSection, ready: Ready) -> Provider:
    spoken = section.dialect or ready.dialects
    own = section.base_url or section.base_urls
    urls = dict(section.base_urls) if own else {**ready.base_urls}
    provider = Provider(
        name=name,
        dialects=(spoken,) if isinstance(spoken, str) else tuple(spoken),
        base_url=section.base_url or ready.base_url,
        base_urls=urls,
        auth=section.auth or ready.auth,
        on_disconnect=section.on_disconnect or ready.on_disconnect,
        key=section.key,
        key_header=(section.key_header or ready.key_header).lower(),
        lists=_lists(name, section.price_prefix or ready.price_prefix),
        stop_at_included=section.stop_at_included,
        included_margin_percent=section.included_margin_percent,
        login_base_url=section.login_base_url or ready.login_base_url,
        stream_usage=ready.stream_usage if section.stream_usage is None else section.stream_usage,
    )
    free = section.free if section.free is not None else ready.free and provider.is_here
    return replace(provider, free=free)


def _lists(name: str, prefix: str | Mapping[str, str]) -> PriceLists:
    if isinstance(prefix, str):
        return () if prefix in ("", name) else (("*", prefix),)
    return tuple(sorted(prefix.items(), key=lambda pair: (-len(pair[0]), pair[0])))


def _check(provider: Provider, section: ProviderSection, own_port: int, at: At) -> None:
    """Values of the right type that still cannot be."""
    name = provider.name

    def check(setting: str, work: Callable[[], object], *more: str) -> None:
        at(("providers", name, setting, *more), work)

    at(("providers", name), lambda: _check_known(provider))
    check("dialect", lambda: _check_dialects(provider))
    for dialect, url in section.base_urls.items():
        check("base_urls", partial(_check_spoken, provider, dialect), dialect)
        check("base_urls", partial(check_base_url, url, own_port), dialect)
    if not provider.base_url and not all(each in provider.base_urls for each in provider.dialects):
        check("base_url", lambda: _no_address(name))
    elif provider.base_url:
        check("base_url", lambda: check_base_url(provider.base_url, own_port))
    if provider.login_base_url:
        check("login_base_url", lambda: _check_has_login(name))
        check("login_base_url", lambda: check_base_url(provider.login_base_url, own_port))
    check("included_margin_percent", lambda: _check_margin(provider))
    check("key", lambda: _check_variable(name, provider.key))
    check("key_header", lambda: _check_header(provider.key_header))
    for pattern, owner in provider.lists:
        check("price_prefix", partial(_check_list, pattern, owner))


def _check_known(provider: Provider) -> None:
    """A name that is not ready must say what it speaks."""
    if provider.dialects:
        return
    near = difflib.get_close_matches(provider.name, READY, n=1)
    instead = f"did you mean {near[0]}? Any other needs" if near else "add"
    raise AgentspendError(
        f"{provider.name} is no provider that is known by its name",
        f'{instead} dialect = "openai_chat" (or anthropic, …) and base_url',
    )


def _check_dialects(provider: Provider) -> None:
    known = ", ".join(f'"{each}"' for each in DIALECTS)
    for dialect in provider.dialects:
        if dialect not in DIALECTS:
            raise AgentspendError(f"{dialect!r} is no API that is spoken here", f"use {known}")


def _check_spoken(provider: Provider, dialect: str) -> None:
    if dialect not in provider.dialects:
        raise AgentspendError(
            f"{dialect!r} is no dialect of {provider.name}",
            f"it speaks {', '.join(provider.dialects)}: dialect = […] changes that",
        )


def _no_address(name: str) -> None:
    like = "https://RESOURCE.openai.azure.com/openai/v1" if name == "azure" else "https://host/v1"
    raise AgentspendError(f"where {name} answers is not said", f'base_url = "{like}"')


def _check_has_login(name: str) -> None:
    if not READY.get(name, Ready(name, name, ())).login_base_url:
        raise AgentspendError(
            "only OpenAI's and Google's clients have a login with an address of its own",
            "leave it out",
        )


def _check_margin(provider: Provider) -> None:
    if not 0 <= provider.included_margin_percent < 100:
        raise AgentspendError("must lie between 0 and 99", "included_margin_percent = 2")


def _check_variable(name: str, variable: str) -> None:
    if variable and not _VARIABLE.fullmatch(variable):
        raise AgentspendError(
            "names the variable that holds a key, and is no place for the key itself",
            f'agentspend keys set {name}, or key = "{key_variable(name)}"',
        )


def _check_header(header: str) -> None:
    if header and (not _HEADER.fullmatch(header) or header in _TAKEN_HEADERS):
        raise AgentspendError(
            f"{header!r} is no header for a key", 'write it like "api-key"; "" is a bearer token'
        )


def _check_list(pattern: str, owner: str) -> None:
    if not pattern or not _LIST.fullmatch(owner):
        raise AgentspendError(
            f"{owner!r} is no price list's name",
            'write price_prefix = "x-ai", or { "claude-*" = "anthropic" }',
        )
