"""Claude Code: how it is brought through us, and what would take it past us unseen.

Measured with 2.1.331 (native build, Linux, 2026-11-24); the layers are in `claude_settings`:

- `ANTHROPIC_AUTH_TOKEN` goes out as a bearer and wins over a stored login and over
  `CLAUDE_CODE_OAUTH_TOKEN`; `ANTHROPIC_API_KEY` and `apiKeyHelper` add `x-api-key` beside it;
- a stored login follows `ANTHROPIC_BASE_URL`: its OAuth token is sent to us as the bearer;
- `CLAUDE_CODE_USE_BEDROCK` and its kin count unless "", "0" or "false"; "" in `--settings`
  switches one off again, in every layer but managed settings;
- `HTTP_PROXY` applies to loopback; `no_proxy` is read before `NO_PROXY`, and either from settings;
- `ANTHROPIC_UNIX_SOCKET` counts only in the process environment;
- behind any base URL of another host, Remote Control is off, and an organization's settings and
  policy are not fetched (`/status` of 2.1.332 says so; Remote Control since 2.1.196, by its
  changelog); the 5-hour and weekly meters and 1M context stay (2.1.332), and were lost before
  (claude-code issues 87876 and 68522).
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from agentspend.agents.base import (
    ANTHROPIC_ORIGIN,
    Auth,
    Caller,
    LaunchPlan,
    SessionFacts,
    choose_auth,
    nobody_pays,
    origin,
    require_program,
    session_token_in,
    to_go_there,
)
from agentspend.agents.claude_login import credentials, stored_logins, subscriptions
from agentspend.agents.claude_settings import Settings, config_dir, read_settings
from agentspend.agents.generic import stand_ins
from agentspend.agents.network import (
    PROXY_VARIABLES,
    no_proxy_variables,
    spares_loopback,
    with_loopback,
)
from agentspend.agents.plain import FileChange, PlainPlan, at_home
from agentspend.core.errors import LaunchError

BASE_URL = "ANTHROPIC_BASE_URL"
SETTINGS_FILE = "claude-settings.json"
SWITCHES = {
    "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock",
    "CLAUDE_CODE_USE_VERTEX": "Google Vertex AI",
    "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS": "Claude on AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD": "Claude on Google Cloud",
    "CLAUDE_CODE_USE_MANTLE": "Bedrock Mantle",
    "CLAUDE_CODE_USE_GATEWAY": "a Claude gateway",
}
LOST = (
    "behind a base URL, Claude Code gives a Claude login no Remote Control and fetches no settings"
    " of your organization; versions before 2.1.332 drop their usage meters and 1M context, too"
)
_OFF = ("", "0", "false", "no", "off")
_ELSEWHERE = ("--bg", "--background", "--cloud", "--desktop", "--environment")
_ELSEWHERE_COMMANDS = ("attach", "respawn", "ultrareview", "gateway")


class Claude:
    """The launcher of `agentspend run claude`."""

    name = "claude"
    providers: tuple[str, ...] = ("anthropic",)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect Claude Code to the session's URL, above every layer a flag can beat.

        `LaunchError` names the file and line of what cannot be beaten, or must not be: another
        provider was chosen, or a gateway's own credential would be sent to someone else.
        """
        require_program("claude", caller, "npm install -g @anthropic-ai/claude-code")
        _runs_here(args)
        settings, rest = read_settings(caller, _without_old_settings(args, facts))
        logins = stored_logins(settings, caller)
        auth = choose_auth(facts, logins)
        _no_other_provider(settings)
        _no_managed_redirect(settings, facts, auth)
        _no_gateway_credential(settings, facts, auth)
        path = facts.scratch / SETTINGS_FILE
        notes, warnings = _remarks(settings, facts, auth, logins)
        subscribed = auth is Auth.PASSTHROUGH and _subscribed(settings, caller)
        return LaunchPlan(
            argv=("claude", "--settings", str(path), *rest),
            env_set=_environment(facts, caller, auth),
            env_unset=("ANTHROPIC_API_KEY",) if auth is Auth.KEY else (),
            files={path: json.dumps(_flag(settings, facts, auth), indent=1)},
            notes=notes,
            warnings=warnings,
            once=(LOST,) if subscribed else (),
            auth=auth,
            subscribed=subscribed,
        )

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Lead every plain `claude`, editors' included, to a virtual key by the user's settings.

        No credential is set where Claude Code has one of its own: its login goes on as it comes.
        """
        require_program("claude", caller, "npm install -g @anthropic-ai/claude-code")
        settings, _ = read_settings(at_home(caller), [])
        logins = stored_logins(settings, caller)
        auth = choose_auth(facts, logins)
        _no_other_provider(settings)
        _no_managed_redirect(settings, facts, auth)
        _no_gateway_credential(settings, facts, auth)
        values = {BASE_URL: facts.base_url}
        if settings.value("ENABLE_TOOL_SEARCH") in ("", "true"):
            values["ENABLE_TOOL_SEARCH"] = "true"
        if auth is Auth.KEY:
            values["ANTHROPIC_AUTH_TOKEN"] = facts.token
            if any(layer.env.get("ANTHROPIC_API_KEY") for layer in settings.layers):
                values["ANTHROPIC_API_KEY"] = ""
        if any(settings.value(name) for name in PROXY_VARIABLES):
            names = ("no_proxy", "NO_PROXY")
            values |= no_proxy_variables({name: settings.value(name) for name in names})
        path = config_dir(caller) / "settings.json"
        notes = [f"not reached: a project whose own .claude/settings.json sets {BASE_URL}"]
        if auth is Auth.PASSTHROUGH and not logins:
            notes.append(nobody_pays(facts, ("anthropic",), "/login inside"))
        change = FileChange(path, "json", {("env", name): item for name, item in values.items()})
        return PlainPlan((change,), notes=tuple(notes), auth=auth)


def _subscribed(settings: Settings, caller: Caller) -> bool:
    """Whether a subscription's login is what Claude Code will use."""
    return bool(subscriptions(settings, caller)) and not credentials(settings)


def _environment(facts: SessionFacts, caller: Caller, auth: Auth) -> dict[str, str]:
    found = stand_ins(facts, but=("anthropic",))
    found |= {BASE_URL: facts.base_url, **no_proxy_variables(caller.env)}
    if "ENABLE_TOOL_SEARCH" not in caller.env:
        # A custom base URL switches tool search off, which raises the bill.
        found["ENABLE_TOOL_SEARCH"] = "true"
    if auth is Auth.KEY:
        found["ANTHROPIC_AUTH_TOKEN"] = facts.token
    return found


def _flag(settings: Settings, facts: SessionFacts, auth: Auth) -> dict[str, object]:
    """The content of our `--settings` file: the user's own flag, and what pins the session.

    Pinned even where no layer says otherwise: a settings file written later, by the agent
    itself, takes effect in the running session.
    """
    no_proxy = no_proxy_variables({name: settings.value(name) for name in ("no_proxy", "NO_PROXY")})
    pins: dict[str, str] = {BASE_URL: facts.base_url, **no_proxy, **dict.fromkeys(SWITCHES, "")}
    merged: dict[str, object] = dict(settings.flag)
    if auth is Auth.KEY:
        pins |= {"ANTHROPIC_AUTH_TOKEN": facts.token, "ANTHROPIC_API_KEY": ""}
        if settings.helper() is not None:
            merged["apiKeyHelper"] = ""
    merged["env"] = {**settings.flag.get("env", {}), **pins}
    if facts.statusline and not settings.has_statusline():
        merged["statusLine"] = {"type": "command", "command": facts.statusline}
    return merged


def _remarks(
    settings: Settings, facts: SessionFacts, auth: Auth, logins: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the person should know: notes and warnings."""
    notes: list[str] = []
    warnings = [f"{path} is not valid JSON: Claude Code ignores it too" for path in settings.broken]
    files = [layer for layer in settings.layers if layer.path and BASE_URL in layer.env]
    if files and not session_token_in(files[-1].env[BASE_URL]):
        warnings.append(
            f"{files[-1].place(BASE_URL)} sets {BASE_URL}: overridden for this session,"
            " but not for a claude that the agent starts itself"
        )
    given = settings.layers[0].env.get(BASE_URL, "")
    upstream = facts.of("anthropic").upstream
    if given and not session_token_in(given) and origin(given) != origin(upstream):
        notes.append(f"{BASE_URL} in your environment is replaced for this session")
    if auth is Auth.PASSTHROUGH and not logins:
        notes.append(nobody_pays(facts, ("anthropic",), "/login inside"))
    return tuple(notes), tuple(warnings)


def _runs_here(args: Sequence[str]) -> None:
    """`LaunchError` for what starts a session outside this process: it would not be metered."""
    before = list(args[: args.index("--")] if "--" in args else args)
    away = [item for item in before if item.partition("=")[0] in _ELSEWHERE]
    away += [item for item in before[:1] if item in _ELSEWHERE_COMMANDS]
    if away:
        raise LaunchError(
            f"claude {away[0]} works outside this session, where nothing can be metered",
            f"leave {away[0]} out, or start it as plain `claude {away[0]}`, unmetered",
        )


def _without_old_settings(args: Sequence[str], facts: SessionFacts) -> list[str]:
    """The arguments without a settings file of an earlier session of ours, which is gone.

    Claude Code names it in the command that it prints to resume a session.
    """
    before = list(args[: args.index("--")] if "--" in args else args)
    for index, (flag, value) in enumerate(pairwise(before)):
        path = Path(value)
        ours = path.name == SETTINGS_FILE and path.parent.parent == facts.scratch.parent
        if flag == "--settings" and ours:
            return [*args[:index], *args[index + 2 :]]
    return list(args)


def _no_other_provider(settings: Settings) -> None:
    """Refuse a session that would talk to another provider: that choice is the person's."""
    for name, vendor in SWITCHES.items():
        found = settings.find(name)
        if found is None or found[0].strip().lower() in _OFF:
            continue
        place = found[1].place(name)
        raise LaunchError(
            f"Claude Code would use {vendor}: {name} is set in {place}; that cannot be metered",
            f"env -u {name} agentspend run claude"
            if found[1] is settings.layers[0]
            else f"take {name} out of {place}, or run plain `claude`, unmetered",
        )
    if settings.layers[0].env.get("ANTHROPIC_UNIX_SOCKET"):
        raise LaunchError(
            "ANTHROPIC_UNIX_SOCKET in the environment sends requests to a socket, past the meter",
            "env -u ANTHROPIC_UNIX_SOCKET agentspend run claude",
        )


def _no_managed_redirect(settings: Settings, facts: SessionFacts, auth: Auth) -> None:
    """Refuse what managed settings force: no flag beats them."""
    manager = "ask who manages this machine to take it out"
    url = settings.find(BASE_URL)
    if url and url[1].managed and url[0].rstrip("/") != facts.base_url:
        raise LaunchError(
            f"{url[1].place(BASE_URL)} sends Claude Code to {origin(url[0])}, past the meter",
            f"{manager}; to go there through agentspend, set it as base_url under"
            " [providers.anthropic] in config.toml",
        )
    # Only the lower-case one: it is read before the NO_PROXY that managed settings may set.
    direct = settings.find("no_proxy")
    proxied = any(settings.value(name) for name in PROXY_VARIABLES)
    if proxied and direct and direct[1].managed and not spares_loopback(direct[0]):
        raise LaunchError(
            f"{direct[1].place('no_proxy')} sends loopback through a proxy, past the meter",
            f"{manager}, or to make it {with_loopback(direct[0])}",
        )
    token = settings.find("ANTHROPIC_AUTH_TOKEN")
    if auth is Auth.KEY and token and token[1].managed:
        raise LaunchError(
            f"{token[1].place('ANTHROPIC_AUTH_TOKEN')} sets the credential: the stored key cannot",
            'auth = "passthrough" under [providers.anthropic] in config.toml',
        )


def _no_gateway_credential(settings: Settings, facts: SessionFacts, auth: Auth) -> None:
    """Refuse to send a gateway's credential to another host than the gateway."""
    url = settings.find(BASE_URL)
    if auth is Auth.KEY or url is None or session_token_in(url[0]):
        return
    there = origin(url[0])
    upstream = facts.of("anthropic").upstream
    if there in (origin(upstream), ANTHROPIC_ORIGIN):
        return
    held = credentials(settings)
    if held:
        raise LaunchError(
            f"{url[1].place(BASE_URL)} names {there}, and Claude Code has {held[0]} for it;"
            f" agentspend would hand that to {origin(upstream)}",
            to_go_there(url[0], "anthropic"),
        )
