"""Codex: how it is brought through us, and what would take it past us unseen.

Measured with 0.169.0 (native build, Linux, 2026-11-25), against a recording server on loopback:

- a provider of our own by `-c` speaks plain HTTP; the built-in one with `openai_base_url` tries a
  WebSocket first, cannot be given a header, and takes no key from a variable in the full screen;
- every user of a machine can read `argv`, so the URL there holds no token: it goes in a header,
  by `env_http_headers`;
- with `requires_openai_auth` the agent's own ChatGPT login or stored key comes along (bearer and
  `chatgpt-account-id`); with `env_key` the token does, whatever is stored or set; a login also asks
  for `/models`, and belongs to another host than a key does (`proxy.login`);
- `codex exec` tells a failed turn twice, as an error and as the turn's end, whatever the provider
  answered: one request was made;
- `OPENAI_API_KEY` and `OPENAI_BASE_URL` in the environment are ignored; `CODEX_API_KEY` counts;
- named "OpenAI", a provider is also offered web search (`/alpha/search`, a call without a price),
  compaction on the provider's side, and sends zstd: ours has another name;
- `codex resume` lists only the sessions of the provider in use: those of plain runs go by id;
- a `-c` behind the subcommand beats ours, and so does `managed_config.toml`; the user's and the
  system's `config.toml` and a profile do not, and a project's may not name a provider;
- tables merge: keys of a `[model_providers.agentspend]` in a file would count with ours;
- a screen that is started with `-c` does not join a background server that runs already.

Not measured: managed preferences of macOS, and configuration sent to a company login.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from agentspend.agents.base import (
    TOKEN_HEADER,
    TOKEN_VARIABLE,
    Auth,
    Caller,
    KeySource,
    LaunchPlan,
    SessionFacts,
    choose_auth,
    nobody_pays,
    origin,
    require_program,
    session_token_in,
    to_go_there,
)
from agentspend.agents.generic import base_urls, stand_ins
from agentspend.agents.network import no_proxy_variables
from agentspend.agents.places import SettingsFile, read_jsonc, read_toml
from agentspend.agents.plain import FileChange, Keys, PlainPlan, proxy_warnings
from agentspend.core.errors import LaunchError
from agentspend.core.virtual_keys import TOKEN_PREFIX, is_token

PROVIDER = "agentspend"
CHATGPT = "a ChatGPT login"
OWN_KEYS = ("CODEX_API_KEY", "CODEX_ACCESS_TOKEN")
_ELSEWHERE = ("agents", "cloud", "cloud-tasks", "queue", "remote-control")
_WITH_VALUE = (
    "-c", "--config", "--enable", "--disable", "-i", "--image", "-m", "--model", "-p", "--profile",
    "-s", "--sandbox", "-C", "--cd", "--add-dir", "-a", "--ask-for-approval", "--local-provider",
    "--remote", "--remote-auth-token-env",
)  # fmt: skip
_LOCAL = ("--oss", "--local-provider")


class Codex:
    """The launcher of `agentspend run codex`."""

    name = "codex"
    providers: tuple[str, ...] = ("openai",)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect Codex by a provider of our own; `LaunchError` where no flag reaches."""
        require_program("codex", caller, "npm install -g @openai/codex")
        own = list(_before_dashes(args))
        _runs_here(own)
        layers = _layers(own, caller)
        _no_other_provider(own, layers, facts)
        logins = _logins(layers, caller)
        chosen = "CODEX_API_KEY" in facts.taken
        auth = choose_auth(facts, logins, "openai", login_first=not chosen)
        return LaunchPlan(
            argv=("codex", *_flags(facts, auth), *args),
            env_set=_environment(facts, caller, auth),
            env_unset=OWN_KEYS if auth is Auth.KEY else (),
            notes=tuple(_notes(own, facts, auth, logins)),
            auth=auth,
            subscribed=auth is Auth.PASSTHROUGH and bool(logins) and logins[0].startswith(CHATGPT),
        )

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Lead the built-in provider to a virtual key by the user's `config.toml`.

        Never by a provider of our own there: `codex resume` would show other sessions, and `run`
        would mix with it. Codex then tries a WebSocket first, which is answered 426.
        """
        require_program("codex", caller, "npm install -g @openai/codex")
        layers = _layers([], caller)
        _no_other_provider([], layers, facts)
        logins = _logins(layers, caller)
        auth = choose_auth(facts, logins, "openai")
        home = codex_home(caller)
        config: dict[Keys, str] = {("openai_base_url",): f"{facts.base_url}/v1"}
        changes = [FileChange(home / "config.toml", "toml", config)]
        notes = ["not reached: codex with a profile, or a -c, that names another provider or URL"]
        if auth is Auth.KEY:
            if logins:
                raise LaunchError(
                    f"{logins[0]} would be used before the stored key", "codex logout, then again"
                )
            key: dict[Keys, str] = {("OPENAI_API_KEY",): facts.token}
            changes.append(FileChange(home / "auth.json", "json", key))
        elif not logins:
            notes.append(nobody_pays(facts, ("openai",), "`codex login`"))
        return PlainPlan(tuple(changes), notes=tuple(notes), warnings=proxy_warnings(caller),
                         auth=auth)  # fmt: skip


def _flags(facts: SessionFacts, auth: Auth) -> tuple[str, ...]:
    who = f'env_key="{TOKEN_VARIABLE}"' if auth is Auth.KEY else "requires_openai_auth=true"
    table = (
        f'name="{PROVIDER}",base_url="{facts.public_url}/v1",wire_api="responses",'
        f'env_http_headers={{"{TOKEN_HEADER}"="{TOKEN_VARIABLE}"}},{who}'
    )
    return (
        "-c",
        f'model_provider="{PROVIDER}"',
        "-c",
        f"model_providers.{PROVIDER}={{{table}}}",
    )


def _environment(facts: SessionFacts, caller: Caller, auth: Auth) -> dict[str, str]:
    found = {TOKEN_VARIABLE: facts.token, **no_proxy_variables(caller.env)}
    # Not for Codex: for programs that it starts.
    found |= stand_ins(facts)
    if auth is Auth.KEY:
        found |= {"OPENAI_API_KEY": facts.token, **base_urls(facts.base_url, ("openai",))}
    return found


def _notes(
    own: Sequence[str], facts: SessionFacts, auth: Auth, logins: Sequence[str]
) -> Iterator[str]:
    """What the person should know."""
    stays = auth is Auth.PASSTHROUGH and facts.of("openai").key is KeySource.ENVIRONMENT
    yield "Codex's own web search is off in a metered session: its calls have no price"
    if {"resume", "fork"} & set(_words(own)[:2]):
        yield (
            "the list holds the sessions started through agentspend; resume another one by its id"
        )
    if stays and logins:
        yield f"Codex pays with {logins[0]}, not with OPENAI_API_KEY, as it does on its own"
    if auth is Auth.PASSTHROUGH and not logins:
        yield nobody_pays(facts, ("openai",), "`codex login`")


def _before_dashes(args: Sequence[str]) -> Sequence[str]:
    return args[: args.index("--")] if "--" in args else args


def _words(own: Sequence[str]) -> list[str]:
    """The arguments that are neither options nor their values: the subcommand comes first."""
    found: list[str] = []
    items = iter(own)
    for item in items:
        if item in _WITH_VALUE:
            next(items, "")
        elif not item.startswith("-"):
            found.append(item)
    return found


def _values(own: Sequence[str], *names: str) -> list[str]:
    """Every value of an option, in its order: `-c k=v`, `-ck=v`, `--config=k=v`."""
    found: list[str] = []
    for index, item in enumerate(own):
        for name in names:
            if item == name:
                found += own[index + 1 : index + 2]
            elif item.startswith(f"{name}=" if name.startswith("--") else name):
                found.append(item[len(name) :].removeprefix("="))
    return found


def _runs_here(own: Sequence[str]) -> None:
    """`LaunchError` for what starts a session outside this process, or on a local model."""
    words = _words(own)
    away = [word for word in words[:1] if word in _ELSEWHERE]
    away += [" ".join(words[:2])] if words[:2] == ["app-server", "daemon"] else []
    away += ["--remote"] if any(item.partition("=")[0] == "--remote" for item in own) else []
    if away:
        raise LaunchError(
            f"codex {away[0]} works outside this session, where nothing can be metered",
            f"leave {away[0]} out, or start it as plain `codex {away[0]}`, unmetered",
        )
    local = [item for item in own if item.partition("=")[0] in _LOCAL]
    if local:
        raise LaunchError(
            f"{local[0]} takes a model on this machine, past the meter: there is nothing to pay",
            f"leave {local[0]} out, or start it as plain `codex {local[0]}`",
        )


def _layers(own: Sequence[str], caller: Caller) -> list[SettingsFile]:
    """The files that may name a provider, weakest first."""
    machine = caller.managed_dir or Path("/etc/codex")
    home = codex_home(caller)
    places = [(machine / "config.toml", False), (home / "config.toml", False)]
    places += [(home / f"{name}.config.toml", False) for name in _values(own, "-p", "--profile")]
    places.append((machine / "managed_config.toml", True))
    found = [read_toml(path, managed=managed) for path, managed in places]
    return [layer for layer in found if layer is not None]


def codex_home(caller: Caller) -> Path:
    """Codex's own folder."""
    return Path(caller.env.get("CODEX_HOME") or caller.home / ".codex")


def _no_other_provider(
    own: Sequence[str], layers: Sequence[SettingsFile], facts: SessionFacts
) -> None:
    """Refuse a session that would talk to another provider: that choice is the person's."""
    for setting in _values(own, "-c", "--config"):
        name = setting.partition("=")[0].strip()
        whole = name in ("model_provider", "model_providers")
        if whole or name.startswith(f"model_providers.{PROVIDER}"):
            raise LaunchError(
                f"-c {name}=… would take Codex past the meter",
                "leave it out; another upstream goes under [providers.openai] in config.toml",
            )
    for layer in layers:
        way_out = (
            "ask who manages this machine to take it out"
            if layer.managed
            else "take it out, or run plain `codex`, unmetered"
        )
        chosen = layer.get("model_provider")
        if chosen is not None and (layer.managed or chosen not in ("openai", PROVIDER)):
            raise LaunchError(
                f"Codex would use the provider {chosen!r}: model_provider is set in"
                f" {layer.place('model_provider')}; that cannot be metered",
                f"{way_out}; to go there through agentspend, set its address as base_url under"
                " [providers.openai] in config.toml",
            )
        if layer.get("model_providers", PROVIDER) is not None:
            raise LaunchError(
                f"{layer.place(f'model_providers.{PROVIDER}')} holds settings of a provider"
                f" {PROVIDER!r}: Codex would mix them with this session's",
                way_out,
            )
        url = str(layer.get("openai_base_url") or "")
        through = session_token_in(url) or origin(url) == origin(facts.of("openai").upstream)
        if url and not through:
            raise LaunchError(
                f"{layer.place('openai_base_url')} sends Codex to {origin(url)}, and agentspend"
                f" forwards to {origin(facts.of('openai').upstream)}",
                to_go_there(url, "openai"),
            )


def _logins(layers: Sequence[SettingsFile], caller: Caller) -> list[str]:
    """Codex's own credentials: looked for by name, never read out."""
    found = [f"{name} in the environment" for name in OWN_KEYS if caller.env.get(name)]
    path = codex_home(caller) / "auth.json"
    stored = read_jsonc(path)
    if stored is not None and stored.get("tokens", "access_token"):
        found.append(f"{CHATGPT} in {path}")
    elif stored is not None and not is_token(str(stored.get("OPENAI_API_KEY") or TOKEN_PREFIX)):
        found.append(f"an OpenAI key in {path}")
    for layer in reversed(layers):
        if layer.get("cli_auth_credentials_store") in ("keyring", "auto"):
            found.append(
                "perhaps a login in the keyring"
                f" ({layer.place('cli_auth_credentials_store')} keeps it there)"
            )
            break
    return found
