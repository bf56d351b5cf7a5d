"""aider: how it is brought through us, and what would take it past us unseen.

Measured with 0.86.2 (LiteLLM 1.81.10, Python 3.11, Linux, 2026-11-25); where it reads from is in
`aider_files`:

- `OPENAI_BASE_URL` beats `OPENAI_API_BASE`, and either may stand in a `.env` file, which beats the
  environment: so our variables go into a file of ours that `--env-file` names, read last;
- `GEMINI_API_BASE` must hold the version (`{base}/models/…` is called), `ANTHROPIC_API_BASE` not;
- `GOOGLE_API_KEY` beats `GEMINI_API_KEY`;
- an `AIDER_…` variable beats the same option in a configuration file; nothing beats an option on
  the command line, nor `set-env` and `api-key` in a configuration file;
- any other provider's model goes straight to that provider, also after `/model` inside;
- `NO_PROXY` is kept; the exit code is 0 even when a request was refused.
"""

from collections.abc import Iterator, Sequence

from agentspend.agents.aider_files import Setting, env_file, read_settings, without
from agentspend.agents.base import (
    KEY_VARIABLES,
    VENDORS,
    Auth,
    Caller,
    LaunchPlan,
    SessionFacts,
    choose_auth,
    origin,
    outer_token,
    require_program,
    session_token_in,
)
from agentspend.agents.generic import base_urls, stand_ins
from agentspend.agents.network import no_proxy_variables
from agentspend.agents.places import read_text
from agentspend.core.errors import LaunchError

ENV_FILE = "aider.env"
OPTION_URL = "openai-api-base"
_PREFIXES = {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}
_MODEL_OPTIONS = ("model", "weak-model", "editor-model")
_OTHER_ALIASES = {
    "deepseek": "deepseek/deepseek-chat",
    "r1": "deepseek/deepseek-reasoner",
    "grok3": "xai/grok-3-beta",
    "quasar": "openrouter/openrouter/quasar-alpha",
    "optimus": "openrouter/openrouter/optimus-alpha",
}
_SHORTCUTS = (
    "sonnet", "opus", "haiku", "4", "4o", "mini", "4-turbo", "35turbo", "35-turbo", "3",
    "o1-mini", "o1-preview", "deepseek",
)  # fmt: skip
_CHOSEN_BY: dict[str, tuple[str, ...]] = {
    "OPENROUTER_API_KEY": (),
    "DEEPSEEK_API_KEY": ("anthropic",),
    "VERTEXAI_PROJECT": ("anthropic", "openai", "google"),
}
"""Keys of other providers that decide aider's model, and whose key is looked at before."""
_KEY_OPTIONS = {"openai-api-key": "openai", "anthropic-api-key": "anthropic"}


class Aider:
    """The launcher of `agentspend run aider`."""

    name = "aider"
    providers: tuple[str, ...] = ("anthropic", "openai", "google")

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect three providers by a `.env` file of ours; `LaunchError` for any other."""
        require_program("aider", caller, "uv tool install --python 3.12 aider-chat")
        settings = read_settings(args, caller)
        _no_other_provider(settings)
        _no_redirect_above_ours(settings)
        outer = outer_token(caller.env)
        logins = {name: list(_logins(name, settings, outer)) for name in self.providers}
        pays = {
            name: choose_auth(facts, logins[name], name, login_first=bool(logins[name]))
            for name in self.providers
        }
        _no_other_default(
            settings, [name for name in pays if logins[name] or pays[name] is Auth.KEY]
        )
        _no_gateway_credential(settings, facts, pays)
        keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
        path = facts.scratch / ENV_FILE
        variables = _variables(facts, caller, keyed)
        named = env_file(args, caller)
        text = f"{read_text(named).rstrip()}\n" if named is not None else ""
        return LaunchPlan(
            argv=("aider", "--env-file", str(path), *without(args, "--env-file")),
            env_set={**stand_ins(facts), **variables},
            files={path: text + "".join(f"{key}='{value}'\n" for key, value in variables.items())},
            notes=tuple(_notes(pays, logins)),
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
        )


def _variables(facts: SessionFacts, caller: Caller, keyed: Sequence[str]) -> dict[str, str]:
    found = {**base_urls(facts.base_url), **no_proxy_variables(caller.env)}
    found["AIDER_OPENAI_API_BASE"] = found["OPENAI_API_BASE"]
    found |= {item: facts.token for name in keyed for item in KEY_VARIABLES[name]}
    for option, name in _KEY_OPTIONS.items():
        if name in keyed:
            found[f"AIDER_{option.upper().replace('-', '_')}"] = facts.token
    return found


def _notes(pays: dict[str, Auth], logins: dict[str, list[str]]) -> Iterator[str]:
    """What the person should know."""
    yield (
        "models of Anthropic, OpenAI and Gemini are metered; `/model` to another one goes past"
        " agentspend"
    )
    if Auth.KEY not in pays.values() and not any(logins.values()):
        yield "no provider key is stored and none was found: `agentspend keys set anthropic`"


def _no_other_provider(settings: Sequence[Setting]) -> None:
    """Refuse a model that does not come through us: that choice is the person's."""
    counting = {_option(item): item for item in settings if _option(item) in _MODEL_OPTIONS}
    shortcuts = [item for item in settings if item.last and item.name in _OTHER_ALIASES]
    for item in [*counting.values(), *shortcuts]:
        asked = item.name if item in shortcuts else item.value
        model = _OTHER_ALIASES.get(asked, asked)
        prefix, slash, _ = model.partition("/")
        if slash and prefix not in _PREFIXES:
            raise LaunchError(
                f"aider would use {model}, set by {item.place}: {prefix} cannot be metered",
                "name a model of Anthropic, OpenAI or Gemini with --model, or run plain `aider`,"
                " unmetered",
            )


def _no_other_default(settings: Sequence[Setting], paid: Sequence[str]) -> None:
    """Refuse where aider, left to choose by the keys it finds, would choose another provider."""
    if any(_option(item) == "model" or item.name in _SHORTCUTS for item in settings):
        return
    for variable, beaten_by in _CHOSEN_BY.items():
        found = [item for item in settings if item.name == variable and item.value]
        if found and not set(paid) & set(beaten_by):
            raise LaunchError(
                f"no model is named, and aider would choose one by {variable} in {found[-1].place},"
                " which cannot be metered",
                "name a model of Anthropic, OpenAI or Gemini with --model",
            )


def _option(item: Setting) -> str:
    """The option a setting stands for: `AIDER_WEAK_MODEL` is `weak-model`."""
    if item.name.startswith("AIDER_"):
        return item.name.removeprefix("AIDER_").replace("_", "-").lower()
    return item.name


def _no_redirect_above_ours(settings: Sequence[Setting]) -> None:
    """Refuse what beats our file: it would lead past the meter."""
    ours = base_urls("")
    for item in settings:
        variable = item.value.partition("=")[0].strip()
        if (item.name == "set-env" and variable in ours) or (item.last and item.name == OPTION_URL):
            what = variable if item.name == "set-env" else OPTION_URL
            raise LaunchError(
                f"{item.place} sets {what}, past the meter",
                "leave it out; another upstream goes under [providers.…] in config.toml",
            )


def _no_gateway_credential(
    settings: Sequence[Setting], facts: SessionFacts, pays: dict[str, Auth]
) -> None:
    """Refuse to send a gateway's key to another host than the gateway."""
    for name, auth in pays.items():
        variables = (*base_urls("", (name,)), *((OPTION_URL,) if name == "openai" else ()))
        urls = [item for item in settings if item.name in variables and item.value]
        upstream = origin(facts.of(name).upstream)
        if auth is Auth.KEY or not urls or session_token_in(urls[-1].value):
            continue
        there = origin(urls[-1].value)
        if there != upstream:
            raise LaunchError(
                f"{urls[-1].name} in {urls[-1].place} names {there}; agentspend would hand what is"
                f" meant for it to {upstream}",
                f'base_url = "{there}" under [providers.{name}] in config.toml: then agentspend'
                " forwards there",
            )


def _logins(name: str, settings: Sequence[Setting], outer: str) -> Iterator[str]:
    """aider's own keys for a provider: looked for by name, never read out."""
    for item in settings:
        key = item.value
        given = item.name in KEY_VARIABLES[name] or _KEY_OPTIONS.get(_option(item)) == name
        if item.name == "api-key":
            prefix, _, key = item.value.partition("=")
            given = _PREFIXES.get(prefix.strip().lower()) == name
        if given and key and key != outer:
            yield f"a key for {VENDORS[name]} in {item.place}"
