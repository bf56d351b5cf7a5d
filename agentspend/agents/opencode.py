"""OpenCode: how it is brought through us, and what would take it past us unseen.

Measured with 1.18.33 (native build, Linux, 2026-11-25); the layers are in `opencode_config`:

- `provider.X.options.baseURL` in `OPENCODE_CONFIG_CONTENT` beats every file but managed ones, also
  `api` at a provider or a model; Anthropic's and OpenAI's get `/messages` and `/responses`
  appended, Google's `/models/…`;
- the title of a first prompt is asked for through the same address, from a small model;
- a ChatGPT login rewrites every address with `/v1/responses` in it to chatgpt.com, past us: an
  address without `/v1` stays, and the login's bearer and `chatgpt-account-id` come to us;
- that login also beats `options.apiKey`, unless `OPENCODE_DISABLE_DEFAULT_PLUGINS` is set; keys
  that OpenCode keeps itself do not, but beat those in the environment;
- `enabled_providers` leaves out every other provider, its own free one included.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentspend.agents.base import (
    KEY_VARIABLES,
    VENDORS,
    Auth,
    Caller,
    KeySource,
    LaunchPlan,
    SessionFacts,
    choose_auth,
    nobody_pays,
    origin,
    outer_token,
    require_program,
    session_token_in,
    to_go_there,
)
from agentspend.agents.generic import base_urls, stand_ins
from agentspend.agents.network import no_proxy_variables
from agentspend.agents.opencode_config import (
    CONTENT,
    data_home,
    given_content,
    merged,
    own_file,
    read_layers,
)
from agentspend.agents.other_providers import Way, how_to_meter, listed, ways
from agentspend.agents.places import SettingsFile, dig, read_jsonc
from agentspend.agents.plain import FileChange, PlainPlan, at_home, proxy_warnings
from agentspend.config.ready_providers import READY
from agentspend.core.errors import LaunchError
from agentspend.core.virtual_keys import is_token

_VERSION_IN_URL = {"anthropic": "/v1", "openai": "", "google": "/v1beta"}


class OpenCode:
    """The launcher of `agentspend run opencode`."""

    name = "opencode"
    providers: tuple[str, ...] = tuple(_VERSION_IN_URL)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect every provider that is set up; leave out all others, and refuse one in use."""
        require_program("opencode", caller, "npm install -g opencode-ai")
        before = list(args[: args.index("--")] if "--" in args else args)
        _runs_here(before)
        given = given_content(caller)
        layers = read_layers(caller)
        others = [way for way in ways(facts) if _is_open(way, given, layers)]
        _no_other_provider(before, given, layers, others)
        stored = read_jsonc(data_home(caller) / "auth.json")
        logins = {name: _logins(name, given, layers, stored, caller) for name in self.providers}
        pays = {
            name: choose_auth(facts, logins[name], name, login_first=bool(logins[name]))
            for name in self.providers
        }
        _no_managed_redirect(layers, facts)
        _no_gateway_credential(given, layers, facts, pays)
        keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
        return LaunchPlan(
            argv=("opencode", *args),
            env_set=_environment(facts, caller, given, pays, stored, others),
            notes=tuple(_notes(facts, pays, logins, others)),
            warnings=tuple(_warnings(layers)),
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
            subscribed=any(
                pays[name] is Auth.PASSTHROUGH
                and stored is not None
                and stored.get(name, "type") == "oauth"
                for name in pays
            ),
        )

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Lead Anthropic, OpenAI and Google to a virtual key by the user's own configuration."""
        require_program("opencode", caller, "npm install -g opencode-ai")
        layers = read_layers(at_home(caller))
        stored = read_jsonc(data_home(caller) / "auth.json")
        logins = {name: _logins(name, {}, layers, stored, caller) for name in self.providers}
        pays = {name: choose_auth(facts, logins[name], name) for name in self.providers}
        _no_managed_redirect(layers, facts)
        _no_gateway_credential({}, layers, facts, pays)
        values: dict[tuple[str, ...], str] = {}
        for name, version in _VERSION_IN_URL.items():
            options = ("provider", name, "options")
            values[*options, "baseURL"] = f"{facts.base_url}{version}"
            if pays[name] is Auth.KEY:
                if stored is not None and stored.get(name, "type") == "oauth":
                    raise LaunchError(
                        f"OpenCode's own {VENDORS[name]} login in {stored.path} would be used"
                        " before the stored key",
                        "opencode auth logout, then again",
                    )
                values[*options, "apiKey"] = facts.token
        notes = [
            "not reached: other providers than Anthropic, OpenAI and Google",
            "not reached: a project whose own opencode.json sets a baseURL",
        ]
        if Auth.KEY not in pays.values() and not any(logins.values()):
            notes.append(nobody_pays(facts, tuple(pays), "`opencode auth login`"))
        keyed = Auth.KEY in pays.values()
        return PlainPlan(
            (FileChange(own_file(caller), "jsonc", values),),
            notes=tuple(notes),
            warnings=proxy_warnings(caller),
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
        )


def _environment(
    facts: SessionFacts,
    caller: Caller,
    given: dict[str, Any],
    pays: Mapping[str, Auth],
    stored: SettingsFile | None,
    others: Sequence[Way],
) -> dict[str, str]:
    keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
    found = {**stand_ins(facts), **base_urls(facts.base_url, keyed)}
    found |= no_proxy_variables(caller.env)
    found |= {item: facts.token for name in keyed for item in KEY_VARIABLES[name]}
    found[CONTENT] = json.dumps(merged(given, _content(facts, given, keyed, others)))
    if "openai" in keyed and stored is not None and stored.get("openai", "type") == "oauth":
        found["OPENCODE_DISABLE_DEFAULT_PLUGINS"] = "1"
    return found


def _content(
    facts: SessionFacts, given: dict[str, Any], keyed: Sequence[str], others: Sequence[Way]
) -> dict[str, Any]:
    """What goes on top of every file of the user's."""
    urls = {name: f"{facts.base_url}{version}" for name, version in _VERSION_IN_URL.items()}
    urls |= {way.other.opencode: way.url for way in others}
    named = {*keyed, *(way.other.opencode for way in others if way.keyed)}
    own = given.get("enabled_providers")
    wanted = [name for name in urls if not isinstance(own, list) or name in own]
    providers = {}
    for name, url in urls.items():
        options = {"baseURL": url}
        if name in named:
            options["apiKey"] = facts.token
        providers[name] = {"options": options}
    return {"provider": providers, "enabled_providers": wanted}


def _is_open(way: Way, given: dict[str, Any], layers: Sequence[SettingsFile]) -> bool:
    """Whether a provider may be offered: no managed file leads it elsewhere, and no gateway's own
    key would reach another host than the gateway."""
    name, upstream = way.other.opencode, origin(way.facts.upstream)
    if any(layer.managed and _base_url(layer.content, name) for layer in layers):
        return False
    urls = [_base_url(content, name) for content in (given, *(each.content for each in layers))]
    strange = [url for url in urls if url and not session_token_in(url) and origin(url) != upstream]
    return way.keyed or not strange


def _notes(
    facts: SessionFacts,
    pays: Mapping[str, Auth],
    logins: Mapping[str, Sequence[str]],
    others: Sequence[Way],
) -> Iterator[str]:
    """What the person should know."""
    named = ["Anthropic", "OpenAI", "Google", *(READY[way.other.name].title for way in others)]
    yield f"OpenCode is offered {listed(named)} only: nothing else of it can be metered"
    for name, auth in pays.items():
        from_env = facts.of(name).key is KeySource.ENVIRONMENT
        if auth is Auth.PASSTHROUGH and from_env and logins[name]:
            yield (
                f"OpenCode pays {VENDORS[name]} with {logins[name][0]}, not with the key in the"
                " environment, as it does on its own"
            )
    if Auth.KEY not in pays.values() and not any(logins.values()):
        yield nobody_pays(facts, tuple(pays), "`opencode auth login`")


def _warnings(layers: Sequence[SettingsFile]) -> Iterator[str]:
    """Redirects of the user's own, which this session overrides."""
    for layer in layers:
        for name in _VERSION_IN_URL:
            url = _base_url(layer.content, name)
            if url and not session_token_in(url) and not layer.managed:
                yield (
                    f"{layer.place('baseURL')} sends {name} to {origin(url)}: overridden for this"
                    " session"
                )


def _base_url(content: Mapping[str, Any], name: str) -> str:
    found = dig(content, "provider", name, "options", "baseURL")
    return found if isinstance(found, str) else ""


def _runs_here(before: Sequence[str]) -> None:
    """`LaunchError` for what works on a server that was started elsewhere."""
    away = [item for item in before[:1] if item == "attach"]
    away += [item for item in before if item.partition("=")[0] == "--attach"]
    if away:
        raise LaunchError(
            f"opencode {away[0]} works outside this session, where nothing can be metered",
            f"leave {away[0]} out, or start it as plain `opencode {away[0]}`, unmetered",
        )


def _no_other_provider(
    before: Sequence[str],
    given: dict[str, Any],
    layers: Sequence[SettingsFile],
    ways_open: Sequence[Way],
) -> None:
    """Refuse a model of a provider that does not come through us: that choice is the person's."""
    chosen = [(value, f"{option} {value}") for option, value in _model_flags(before)]
    if not chosen:
        chosen = [(value, f"{CONTENT} in the environment") for value in _models(given)]
        chosen += [
            (value, layer.place(value)) for layer in layers for value in _models(layer.content)
        ]
    allowed = {*_VERSION_IN_URL, *(way.other.opencode for way in ways_open)}
    for model, place in chosen:
        provider, slash, _ = model.partition("/")
        if slash and provider not in allowed:
            way_out = how_to_meter("opencode", provider)
            why = "that is not set up" if way_out else "that cannot be metered"
            raise LaunchError(
                f"OpenCode would use the provider {provider!r}: {place}; {why}",
                way_out
                or "name a model of Anthropic, OpenAI or Google with -m, or run plain `opencode`,"
                " unmetered",
            )
    for layer in layers:
        enabled = layer.get("enabled_providers")
        named = enabled if isinstance(enabled, list) else []
        others = [str(each) for each in named if each not in tuple(allowed)]
        if layer.managed and others:
            raise LaunchError(
                f"{layer.place('enabled_providers')} enables {', '.join(others)}, which"
                " cannot be metered",
                "ask who manages this machine to take it out",
            )


def _model_flags(before: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every model that the arguments name, and by which option."""
    for index, item in enumerate(before):
        name, equals, value = item.partition("=")
        if name == "--model" and equals:
            yield name, value
        elif index and before[index - 1] in ("-m", "--model"):
            yield before[index - 1], item


def _models(content: Mapping[str, Any]) -> Iterator[str]:
    """Every model a configuration names."""
    places = [content]
    for kind in ("agent", "mode", "command"):
        named = content.get(kind)
        if isinstance(named, dict):
            places += [item for item in named.values() if isinstance(item, dict)]
    for place in places:
        yield from (
            value for name in ("model", "small_model") if isinstance(value := place.get(name), str)
        )


def _no_managed_redirect(layers: Sequence[SettingsFile], facts: SessionFacts) -> None:
    """Refuse what managed files force: nothing a person sets beats them."""
    for layer in layers:
        for name in _VERSION_IN_URL:
            url = _base_url(layer.content, name) if layer.managed else ""
            if url and session_token_in(url) != facts.token:
                raise LaunchError(
                    f"{layer.place('baseURL')} sends OpenCode to {origin(url)}, past the meter",
                    "ask who manages this machine to take it out; to go there through agentspend,"
                    f" set it as base_url under [providers.{name}] in config.toml",
                )


def _no_gateway_credential(
    given: dict[str, Any],
    layers: Sequence[SettingsFile],
    facts: SessionFacts,
    pays: Mapping[str, Auth],
) -> None:
    """Refuse to send a gateway's credential to another host than the gateway."""
    places = [(layer.content, layer.place("baseURL")) for layer in layers]
    places.append((given, f"{CONTENT} in the environment"))
    for name, auth in pays.items():
        upstream = origin(facts.of(name).upstream)
        for content, place in places:
            url = _base_url(content, name)
            if auth is Auth.KEY or not url or session_token_in(url) or origin(url) == upstream:
                continue
            raise LaunchError(
                f"{place} sends {name} to {origin(url)}; agentspend would hand what is meant for"
                f" it to {upstream}",
                to_go_there(url, name),
            )


def _logins(
    name: str,
    given: dict[str, Any],
    layers: Sequence[SettingsFile],
    stored: SettingsFile | None,
    caller: Caller,
) -> list[str]:
    """OpenCode's own credentials for a provider: looked for by name, never read out."""
    found: list[str] = []
    kind = stored.get(name, "type") if stored is not None else None
    if stored is not None and kind:
        what = "login" if kind == "oauth" else "key"
        found.append(f"OpenCode's own {VENDORS[name]} {what} in {stored.path}")
    ours = ("", outer_token(caller.env), session_token_in(_base_url(given, name)))
    keys = [(layer.content, layer.place("apiKey")) for layer in layers]
    keys.append((given, f"{CONTENT} in the environment"))
    for content, place in keys:
        key = dig(content, "provider", name, "options", "apiKey")
        if isinstance(key, str) and key not in ours and not is_token(key):
            found.append(f"{name}'s apiKey in {place}")
    variables = [item for item in KEY_VARIABLES[name] if caller.env.get(item, "") not in ours]
    return found + [f"{item} in the environment" for item in variables]
