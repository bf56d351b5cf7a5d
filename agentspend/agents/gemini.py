"""Gemini CLI: how it is brought through us, and what would take it past us unseen.

Measured with 0.61.0 (Node 20, Linux, 2026-11-25); the layers of settings are in
`gemini_settings`:

- `GOOGLE_GEMINI_BASE_URL` redirects the API-key sign-in, which sends `x-goog-api-key` (and a
  bearer beside it with `GEMINI_API_KEY_AUTH_MECHANISM=bearer`);
- where no file selects a sign-in, the variable selects "gateway", which the CLI itself rejects
  (exit code 41): so a folder of ours stands in as `GEMINI_CLI_HOME`, with the user's settings, the
  API key selected, and links to everything else in `~/.gemini`;
- the selected sign-in beats every variable: with a Google login selected, `GEMINI_API_KEY` and the
  base URL are ignored. `CODE_ASSIST_ENDPOINT` redirects every call that such a login makes but
  the checks of the login itself (measured with `GOOGLE_GENAI_USE_GCA`);
- `enforcedType` in any layer stops a sign-in of another type;
- `HTTP_PROXY` is kept off loopback by `NO_PROXY`.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from agentspend.agents.base import (
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
from agentspend.agents.gemini_settings import (
    ENFORCED,
    SELECTED,
    GeminiSettings,
    gemini_home,
    read_settings,
)
from agentspend.agents.generic import stand_ins
from agentspend.agents.network import no_proxy_variables
from agentspend.agents.plain import FileChange, Keys, PlainPlan, at_home, proxy_warnings
from agentspend.core.errors import LaunchError

BASE_URL = "GOOGLE_GEMINI_BASE_URL"
API_KEY = "gemini-api-key"
GOOGLE_LOGIN = "oauth-personal"
CODE_ASSIST = "CODE_ASSIST_ENDPOINT"
CODE_ASSIST_ORIGIN = "https://cloudcode-pa.googleapis.com"
_VENDORS = {
    "vertex-ai": "Google Vertex AI",
    "compute-default-credentials": "the machine's Google Cloud account",
    "cloud-shell": "the Cloud Shell account",
    "gateway": "a gateway",
}
_SWITCHES = {"GOOGLE_GENAI_USE_VERTEXAI": "vertex-ai", "GOOGLE_GENAI_USE_GCA": GOOGLE_LOGIN}
_BESIDE = (".env", ".agents")
_SHORT = re.compile("-[dhlvy]*s[dhlsvy]*")
_ON = ("true", "1", "docker", "podman", "runsc", "lxc")


class Gemini:
    """The launcher of `agentspend run gemini`."""

    name = "gemini"
    providers: tuple[str, ...] = ("google",)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect Gemini CLI's API-key sign-in; `LaunchError` for what leads past us."""
        require_program("gemini", caller, "npm install -g @google/gemini-cli")
        settings = read_settings(caller)
        _no_container(args, settings, caller)
        selected, place = _sign_in(settings)
        logins = _logins(settings, selected, place, caller)
        auth = choose_auth(facts, logins, "google", login_first=selected == GOOGLE_LOGIN)
        if selected in _VENDORS:
            raise LaunchError(
                f"Gemini CLI would use {_VENDORS[selected]}: {selected!r} is set in {place};"
                " that cannot be metered",
                "take it out, or run plain `gemini`, unmetered",
            )
        if auth is Auth.PASSTHROUGH and selected == GOOGLE_LOGIN:
            return _with_login(args, facts, caller, settings)
        _no_gateway_credential(settings, facts, auth)
        return _through_us(args, facts, caller, settings, auth, logins)

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Lead the sign-in that is in use to a virtual key by `~/.gemini/.env`."""
        require_program("gemini", caller, "npm install -g @google/gemini-cli")
        settings = read_settings(at_home(caller))
        _no_container((), settings, caller)
        selected, place = _sign_in(settings)
        logins = _logins(settings, selected, place, caller)
        auth = choose_auth(facts, logins, "google", login_first=selected == GOOGLE_LOGIN)
        if selected in _VENDORS:
            raise LaunchError(
                f"Gemini CLI signs in by {selected!r} ({place}), which goes past agentspend",
                f"choose the API key inside (/auth), or {API_KEY!r} in {settings.user.path}",
            )
        home = gemini_home(caller)
        shared = (home / ".env").is_file() and not (home / ".gemini/.env").is_file()
        dotenv = home / (".env" if shared else ".gemini/.env")
        notes = ["not reached: gemini in a folder with a .env of its own, at it or above it"]
        if selected == GOOGLE_LOGIN and auth is Auth.PASSTHROUGH:
            _no_other_host(settings)
            _beats_no_file(caller, CODE_ASSIST)
            changes = [FileChange(dotenv, "dotenv", _code_assist(facts))]
        else:
            _can_select(settings)
            _no_gateway_credential(settings, facts, auth)
            _beats_no_file(caller, BASE_URL)
            values: dict[Keys, str] = {(BASE_URL,): facts.base_url}
            if auth is Auth.KEY:
                values[("GEMINI_API_KEY",)] = facts.token
            changes = [FileChange(dotenv, "dotenv", values),
                       FileChange(settings.user.path, "jsonc", {SELECTED: API_KEY})]  # fmt: skip
            if auth is Auth.PASSTHROUGH and not logins:
                notes.append(nobody_pays(facts, ("google",), "choose the API key inside"))
        return PlainPlan(tuple(changes), notes=tuple(notes), warnings=proxy_warnings(caller),
                         auth=auth)  # fmt: skip


def _through_us(
    args: Sequence[str],
    facts: SessionFacts,
    caller: Caller,
    settings: GeminiSettings,
    auth: Auth,
    logins: Sequence[str],
) -> LaunchPlan:
    """The plan of an API-key sign-in, ours or the user's own."""
    env = {**stand_ins(facts), BASE_URL: facts.base_url, **no_proxy_variables(caller.env)}
    files: dict[Path, str] = {}
    links: dict[Path, Path] = {}
    notes: list[str] = []
    if auth is Auth.KEY:
        env["GEMINI_API_KEY"] = facts.token
    if auth is Auth.KEY or logins:
        _can_select(settings)
        found = settings.find(*SELECTED)
        if found is None or found[0] != API_KEY:
            stand_in = facts.scratch / "gemini"
            files, links = _stand_in(settings, caller, stand_in)
            env["GEMINI_CLI_HOME"] = str(stand_in)
            notes.append(
                f"{settings.user.path} does not select {API_KEY!r}: this session works on a copy,"
                " and settings changed in it are not kept"
            )
    else:
        notes.append(nobody_pays(facts, ("google",), "choose the API key inside"))
    return LaunchPlan(
        argv=("gemini", *args),
        env_set=env,
        env_unset=("GEMINI_API_KEY_AUTH_MECHANISM",) if auth is Auth.KEY else (),
        files=files,
        links=links,
        notes=tuple(notes),
        auth=auth,
    )


def _with_login(
    args: Sequence[str], facts: SessionFacts, caller: Caller, settings: GeminiSettings
) -> LaunchPlan:
    """The plan of a Google login: it goes on as it came, to Google's Code Assist through us."""
    _no_other_host(settings)
    pinned = {keys[-1]: value for keys, value in _code_assist(facts).items()}
    return LaunchPlan(
        argv=("gemini", *args),
        env_set={**stand_ins(facts), **pinned, **no_proxy_variables(caller.env)},
        subscribed=True,
    )


def _code_assist(facts: SessionFacts) -> dict[Keys, str]:
    """What leads a Google login here."""
    return {(CODE_ASSIST,): facts.base_url, ("CODE_ASSIST_API_VERSION",): "v1internal"}


def _no_other_host(settings: GeminiSettings) -> None:
    """Refuse to send a login elsewhere than its person chose."""
    url, place = settings.variable(CODE_ASSIST)
    if url and not session_token_in(url) and origin(url) != CODE_ASSIST_ORIGIN:
        raise LaunchError(
            f"{CODE_ASSIST} in {place} names {origin(url)}; agentspend would hand its login to"
            f" {CODE_ASSIST_ORIGIN}",
            f"take it out, or set login_base_url = {json.dumps(origin(url))} under"
            " [providers.google] in config.toml and take it out then",
        )


def _beats_no_file(caller: Caller, name: str) -> None:
    if caller.env.get(name):
        raise LaunchError(
            f"{name} in the environment beats every file", f"take it out: unset {name}"
        )


def _stand_in(
    settings: GeminiSettings, caller: Caller, folder: Path
) -> tuple[dict[Path, str], dict[Path, Path]]:
    """A home for Gemini CLI with the API key selected, and all else as it is at home."""
    content = dict(settings.user.content)
    security, auth = settings.user.get("security"), settings.user.get("security", "auth")
    own = auth if isinstance(auth, dict) else {}
    content["security"] = {
        **(security if isinstance(security, dict) else {}),
        "auth": {**own, "selectedType": API_KEY},
    }
    home = gemini_home(caller)
    inside = [path.name for path in _entries(home / ".gemini") if path.name != "settings.json"]
    names = [f".gemini/{name}" for name in inside]
    names += [name for name in _BESIDE if (home / name).exists()]
    files = {folder / ".gemini/settings.json": json.dumps(content, indent=1)}
    return files, {folder / name: home / name for name in names}


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _sign_in(settings: GeminiSettings) -> tuple[str, str]:
    """The sign-in that would count and where it is chosen, ("", "") when nowhere."""
    found = settings.find(*SELECTED)
    if found is not None:
        return str(found[0]), found[1].place("selectedType")
    for name, kind in _SWITCHES.items():
        value, place = settings.variable(name)
        if value == "true":
            return kind, f"{place} ({name})"
    return "", ""


def _can_select(settings: GeminiSettings) -> None:
    """Refuse where a file that a stand-in for the user's cannot beat says otherwise."""
    above = settings.layers[settings.layers.index(settings.user) + 1 :]
    for name, keys, layers in (
        ("selectedType", SELECTED, above),
        ("enforcedType", ENFORCED, settings.layers),
    ):
        found = [(layer.get(*keys), layer) for layer in layers if layer.get(*keys) is not None]
        if found and found[-1][0] != API_KEY:
            raise LaunchError(
                f"{found[-1][1].place(name)} sets {name} {found[-1][0]!r}: the API key cannot be"
                " used",
                f"take it out, or make it {API_KEY!r}",
            )


def _logins(settings: GeminiSettings, selected: str, place: str, caller: Caller) -> list[str]:
    """Gemini CLI's own credentials: looked for by name, never read out."""
    found: list[str] = []
    path = gemini_home(caller) / ".gemini/oauth_creds.json"
    if selected == GOOGLE_LOGIN:
        found.append(f"a Google login ({place})")
    elif not selected and path.is_file():
        found.append(f"a Google login in {path}")
    value, where = settings.variable("GEMINI_API_KEY")
    outer = session_token_in(settings.variable(BASE_URL)[0])
    if value and value != outer:
        found.append(f"GEMINI_API_KEY in {where}")
    return found


def _no_gateway_credential(settings: GeminiSettings, facts: SessionFacts, auth: Auth) -> None:
    """Refuse to send a gateway's key to another host than the gateway."""
    url, place = settings.variable(BASE_URL)
    upstream = origin(facts.of("google").upstream)
    if auth is Auth.KEY or not url or session_token_in(url) or origin(url) == upstream:
        return
    raise LaunchError(
        f"{BASE_URL} in {place} names {origin(url)}; agentspend would hand its key to {upstream}",
        to_go_there(url, "google"),
    )


def _no_container(args: Sequence[str], settings: GeminiSettings, caller: Caller) -> None:
    """Refuse a sandbox in a container: our loopback cannot be reached from there."""
    asked, option = _sandbox_option(args)
    value, place = settings.variable("GEMINI_SANDBOX")
    found = settings.find("tools", "sandbox")
    if settings.variable("SANDBOX")[0]:
        return
    if asked:
        kind, where = "true", option
    elif value.strip():
        kind, where = value.strip().lower(), f"GEMINI_SANDBOX in {place}"
    elif asked is None and found is not None:
        kind, where = _sandbox_setting(found[0]), found[1].place("sandbox")
    else:
        return
    if kind not in _ON or (kind in ("true", "1") and caller.platform == "darwin"):
        return
    raise LaunchError(
        f"{where} puts Gemini CLI into a container, from which this machine's agentspend cannot be"
        " reached",
        "leave the sandbox out (GEMINI_SANDBOX=false), or run plain `gemini`, unmetered",
    )


def _sandbox_setting(value: object) -> str:
    """`tools.sandbox` in a settings file: a switch, a command, or an object with both."""
    if isinstance(value, dict):
        value = (value.get("command") or True) if value.get("enabled") else False
    return str(value).lower()


def _sandbox_option(args: Sequence[str]) -> tuple[bool | None, str]:
    """What the arguments say of the sandbox, the last one counting, and by which; None: nothing.

    A value other than "true" switches it off, also `docker` (measured).
    """
    said: bool | None = None
    option = ""
    before = list(args[: args.index("--")] if "--" in args else args)
    for index, item in enumerate(before):
        name, equals, value = item.partition("=")
        if name in ("--no-sandbox", "--no-s"):
            said, option = False, item
        elif name in ("--sandbox", "--s") or _SHORT.fullmatch(name):
            following = "".join(before[index + 1 : index + 2])
            value = value if equals else following if following in ("true", "false") else "true"
            said, option = value == "true", item
    return said, option
