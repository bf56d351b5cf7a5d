"""Which provider answers a path, and whether it may be asked.

The path's own word comes first (`/@NAME/v1/…`, right under the session's or the key's prefix), then
what the session or key chose, then the built-in provider of the API that the path speaks.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from agentspend.config.providers import Provider
from agentspend.config.ready_providers import READY
from agentspend.dialects.base import Route
from agentspend.dialects.names import ANTHROPIC, CHAT, CODE_ASSIST, GEMINI, RESPONSES
from agentspend.dialects.routes import dialect_name, dialect_of, find_route

PROVIDER_OF = {
    ANTHROPIC: "anthropic",
    CHAT: "openai",
    RESPONSES: "openai",
    GEMINI: "google",
    CODE_ASSIST: "google",
}
API_NAMES = {
    ANTHROPIC: "Anthropic Messages",
    CHAT: "OpenAI Chat Completions",
    RESPONSES: "OpenAI Responses",
    GEMINI: "Gemini",
    CODE_ASSIST: "Google Code Assist",
}
SIGN = "@"
LONGEST_ECHOED_NAME = 32
# The list of models, or one of it; a model's name may have an owner in front.
_MODELS = re.compile(r"(?:/v1(?P<beta>beta)?)?(?P<bare>/models(?:/(?!\.)[A-Za-z0-9._:@-]+){0,3})/?")


@dataclass(frozen=True, slots=True)
class Astray:
    """A path that leads to nobody who could answer it: what is said, in the shape of `route`."""

    route: Route
    what: str
    way_out: str

    @property
    def message(self) -> str:
        """What the agent is told."""
        return f"agentspend: {self.what}. To change it: {self.way_out}"


def provider_in(path: str) -> tuple[str | None, str]:
    """("NAME", the rest) of a path `/@NAME/…`; (None, the path) of any other."""
    if not path.startswith(f"/{SIGN}"):
        return None, path
    name, _, rest = path[2:].partition("/")
    return name, f"/{rest}"


def route_for(
    path: str,
    headers: Mapping[str, str],
    providers: Mapping[str, Provider],
    chosen: Sequence[str] = (),
) -> Route | Astray | None:
    """The route of a path, with or without a version in front; None for one nobody speaks.

    `chosen` are the session's or key's own providers: the first that speaks the API answers, and
    where none of them does, nobody else is asked.
    """
    named, path = provider_in(path)
    spoken = _spoken(path, headers)
    if spoken is None:
        return None
    usual = _route(path, spoken, providers[PROVIDER_OF[spoken]])
    if named is not None:
        if named not in providers:
            return Astray(usual, *unknown_provider(named, providers))
        if spoken not in providers[named].dialects and _is_models(path):
            spoken = providers[named].dialects[0]
        chosen = (named,)
    for name in chosen:
        if name in providers and spoken in providers[name].dialects:
            return replace(_route(path, spoken, providers[name]), named=named is not None)
    if chosen:
        return Astray(usual, *_not_spoken(spoken, chosen, providers))
    return usual


def unknown_provider(name: str, providers: Mapping[str, Provider]) -> tuple[str, str]:
    """What is said of a provider that is not set up, and the way out."""
    known = f"known: {', '.join(providers)}"
    if name in READY:
        return f"provider {name} is not set up; {known}", f"agentspend providers add {name}"
    shown = repr(name) if len(name) <= LONGEST_ECHOED_NAME else "of that name"
    near = difflib.get_close_matches(name, {*providers, *READY}, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no provider {shown}; {known}{hint}", "agentspend providers list"


def _not_spoken(
    spoken: str, chosen: Sequence[str], providers: Mapping[str, Provider]
) -> tuple[str, str]:
    missing = [name for name in chosen if name not in providers]
    if missing:
        return unknown_provider(missing[0], providers)
    speaks = "; ".join(
        f"{name} speaks {', '.join(API_NAMES[each] for each in providers[name].dialects)}"
        for name in chosen
    )
    others = [name for name, each in providers.items() if spoken in each.dialects]
    what = (
        f"this request is {API_NAMES[spoken]}, which its provider does not speak: {speaks};"
        f" {', '.join(others)} would"
    )
    return what, f"agentspend run --provider {others[0] if others else 'NAME'} …"


def _spoken(path: str, headers: Mapping[str, str]) -> str | None:
    """The API a request speaks. Two list their models at one path: headers tell them apart."""
    name = dialect_name(path)
    models = None if name else _MODELS.fullmatch(path)
    if models is None:
        return name
    if models["beta"]:
        return GEMINI
    of_anthropic = "anthropic-version" in headers or "x-api-key" in headers
    return ANTHROPIC if of_anthropic or "Authorization" not in headers else CHAT


def _is_models(path: str) -> bool:
    return dialect_name(path) is None and _MODELS.fullmatch(path) is not None


def _route(path: str, spoken: str, provider: Provider) -> Route:
    injects = provider.stream_usage
    found = find_route(path, provider.name, provider.vendor, injects=injects)
    if found is not None:
        return found
    dialect = dialect_of(spoken, provider.name, provider.vendor, injects=injects)
    models = _MODELS.fullmatch(path)
    assert models is not None
    return Route(dialect, "models", f"/v1{models['beta'] or ''}{models['bare']}")
