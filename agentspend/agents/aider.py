"""aider: how it is brought through us, and what would take it past us unseen.

Measured with 0.86.2 (LiteLLM 1.81.10, Python 3.11, Linux, 2026-11-25); where it reads from is in
`aider_files`, what it makes of its options in `aider_options`, which models in `aider_models`:

- `OPENAI_BASE_URL` beats `OPENAI_API_BASE`, and either may stand in a `.env` file, which beats the
  environment: so our variables go into a file of ours that `--env-file` names, read last;
- `GEMINI_API_BASE` must hold the version (`{base}/models/…` is called), `ANTHROPIC_API_BASE` not;
- `GOOGLE_API_KEY` beats `GEMINI_API_KEY`;
- `USE_LITELLM_PROXY` sends every model to a LiteLLM proxy;
- `.env` files are read in the encoding that `--encoding` names, and left out where they do not fit;
- any other provider's model goes straight to that provider, also after `/model` inside;
- `NO_PROXY` is kept; the exit code is 0 even when a request was refused.

So many places have a say that a plan is tried before it is used: `_must_arrive` reads every place
again as a start with it would, and refuses where not all of our addresses come out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentspend.agents.aider_files import CONFIG, Start, env_file_variables, read_start
from agentspend.agents.aider_models import PREFIXES, models, names_a_model, provider, redirects
from agentspend.agents.aider_options import Setting
from agentspend.agents.base import (
    KEY_VARIABLES,
    VENDORS,
    Auth,
    Caller,
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
from agentspend.agents.network import PROXY_VARIABLES, no_proxy_variables
from agentspend.agents.other_providers import Way, how_to_meter, listed, ways
from agentspend.agents.places import read_text
from agentspend.agents.plain import FileChange, PlainPlan, at_home
from agentspend.config.ready_providers import READY
from agentspend.core.errors import LaunchError
from agentspend.core.virtual_keys import is_token

ENV_FILE = "aider.env"
_CHOSEN_BY: dict[str, tuple[str, ...]] = {
    "OPENROUTER_API_KEY": (),
    "DEEPSEEK_API_KEY": ("anthropic",),
    "VERTEXAI_PROJECT": ("anthropic", "openai", "google"),
}
"""Keys of other providers that decide aider's model, and whose key is looked at before."""
_LITELLM_PROXY = "USE_LITELLM_PROXY"
_WAY_OUT = "leave it out; another upstream goes under [providers.…] in config.toml"


class Aider:
    """The launcher of `agentspend run aider`."""

    name = "aider"
    providers: tuple[str, ...] = ("anthropic", "openai", "google")

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Redirect every provider that is set up by a `.env` file of ours, and allow no other."""
        require_program("aider", caller, "uv tool install --python 3.12 aider-chat")
        start = read_start(args, caller)
        used = models(start)
        others = list(ways(facts))
        _no_other_provider(used, others)
        _no_redirect(start, used)
        outer = outer_token(caller.env)
        logins = {name: list(_logins(name, start, outer)) for name in self.providers}
        pays = {
            name: choose_auth(facts, logins[name], name, login_first=bool(logins[name]))
            for name in self.providers
        }
        paid = [name for name in pays if logins[name] or pays[name] is Auth.KEY]
        _no_other_default(start, paid, others)
        _no_gateway_credential(start, facts, pays)
        keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
        variables = _variables(facts, caller, keyed) | _to_others(facts, others)
        path = facts.scratch / ENV_FILE
        end = args.index("--") if "--" in args else len(args)
        found = LaunchPlan(
            argv=("aider", *args[:end], "--env-file", str(path), *args[end:]),
            env_set={**stand_ins(facts), **variables},
            files={path: _env_file(start, variables)},
            notes=tuple(_notes(facts, pays, logins, others)),
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
        )
        _must_arrive(found, path, variables, caller)
        return found

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Lead three providers to a virtual key by a `.env` file of ours that aider reads last."""
        require_program("aider", caller, "uv tool install --python 3.12 aider-chat")
        home = at_home(caller)
        start = read_start([], home)
        path = facts.scratch / ENV_FILE
        if start.env_file not in (None, path):
            raise LaunchError(
                f"aider reads {start.env_file} last already: an env-file is set for it",
                "take that setting out; ~/.env is read without one",
            )
        _no_redirect(start, models(start))
        outer = outer_token(caller.env)
        logins = {name: list(_logins(name, start, outer)) for name in self.providers}
        pays = {name: choose_auth(facts, logins[name], name) for name in self.providers}
        _no_gateway_credential(start, facts, pays)
        keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
        notes = [*_notes(facts, pays, logins, ())]
        notes.append(f"not reached: a repository whose own {CONFIG} sets env-file or an address")
        return PlainPlan(
            (FileChange(caller.home / CONFIG, "yaml", {("env-file",): str(path)}),),
            files={
                path: _env_file(replace(start, env_file=None), _variables(facts, caller, keyed))
            },
            notes=tuple(notes),
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
        )


def _variables(facts: SessionFacts, caller: Caller, keyed: Sequence[str]) -> dict[str, str]:
    found = {**base_urls(facts.base_url), **no_proxy_variables(caller.env)}
    found["AIDER_OPENAI_API_BASE"] = found["OPENAI_API_BASE"]
    found |= {item: facts.token for name in keyed for item in KEY_VARIABLES[name]}
    for name in ("openai", "anthropic"):
        if name in keyed:
            found[f"AIDER_{name.upper()}_API_KEY"] = facts.token
    return found


def _to_others(facts: SessionFacts, others: Sequence[Way]) -> dict[str, str]:
    found = {way.other.variable: way.url for way in others}
    keys = [name for way in others if way.keyed for name in way.key_variables]
    return found | dict.fromkeys(keys, facts.token)


def _env_file(start: Start, variables: Mapping[str, str]) -> str:
    """Our file: what must hold first, then the rest of the person's own."""
    own = env_file_variables(read_text(start.env_file)) if start.env_file else {}
    kept = {name: value for name, value in own.items() if name not in variables}
    return "".join(
        "{}='{}'\n".format(name, value.replace("\\", "\\\\").replace("'", "\\'"))
        for name, value in {**variables, **kept}.items()
        if "\0" not in value and "'" not in name
    )


def _must_arrive(
    plan: LaunchPlan, path: Path, variables: Mapping[str, str], caller: Caller
) -> None:
    """Refuse a plan that something beats: it would lead past the meter."""
    start = read_start(plan.argv[1:], caller, plan.environment(caller.env), plan.files)
    encoding = start.options.value("encoding") or "utf-8"
    if start.env_file != path or not _is_ascii(encoding):
        at_fault = start.options.get("env-file" if start.env_file != path else "encoding")
        assert at_fault is not None, "one of the two is given"
        raise LaunchError(
            f"{at_fault.place} would keep aider from reading the variables of this session",
            "leave it out",
        )
    proxied = any(start.variable(name) for name in PROXY_VARIABLES)
    bases = [name for name in variables if name.endswith(("_API_BASE", "_BASE_URL"))]
    for name in [*bases, *(("no_proxy", "NO_PROXY") if proxied else ())]:
        if start.variable(name) != variables[name]:
            raise LaunchError(
                f"{start.variables[name].place} sets {name}, past the meter", _WAY_OUT
            )


def _is_ascii(encoding: str) -> bool:
    """Whether plain text reads the same in this encoding."""
    try:
        return "='/:.".encode(encoding) == b"='/:."
    except (LookupError, ValueError):
        return False


def _notes(
    facts: SessionFacts,
    pays: dict[str, Auth],
    logins: dict[str, list[str]],
    others: Sequence[Way],
) -> Iterator[str]:
    """What the person should know."""
    named = ["Anthropic", "OpenAI", "Gemini", *(READY[each.other.name].title for each in others)]
    yield f"models of {listed(named)} are metered; `/model` to another one goes past agentspend"
    if Auth.KEY not in pays.values() and not any(logins.values()):
        yield nobody_pays(facts, tuple(pays), "give aider one")


def _no_other_provider(used: Sequence[Setting], others: Sequence[Way]) -> None:
    """Refuse a model that does not come through us: that choice is the person's."""
    for item in used:
        whose = provider(item.value)
        if whose in PREFIXES or any(way.other.litellm == whose for way in others):
            continue
        way_out = how_to_meter("litellm", whose)
        why = f"{whose} is not set up" if way_out else f"{whose} cannot be metered"
        raise LaunchError(
            f"aider would use {item.value}, set by {item.place}:"
            f" {why if whose else 'whose that is cannot be told'}",
            way_out
            or "name a model of Anthropic, OpenAI or Gemini as PROVIDER/MODEL with --model, or"
            " run plain `aider`, unmetered",
        )


def _no_redirect(start: Start, used: Sequence[Setting]) -> None:
    """Refuse what no variable of ours beats."""
    for item in redirects(start, used):
        raise LaunchError(f"{item.place} sets {item.name}, past the meter", _WAY_OUT)
    proxy = start.variables.get(_LITELLM_PROXY)
    if proxy is not None and proxy.value.strip().lower() not in ("", "0", "false"):
        raise LaunchError(
            f"{proxy.place} sets {_LITELLM_PROXY}: aider would send every model to a LiteLLM proxy",
            "leave it out; to go there through agentspend, set its address as base_url under"
            " [providers.…] in config.toml",
        )


def _no_other_default(start: Start, paid: Sequence[str], others: Sequence[Way]) -> None:
    """Refuse where aider, left to choose by the keys it finds, would choose another provider."""
    if names_a_model(start):
        return
    metered = {name for way in others for name in way.key_variables}
    for variable, beaten_by in _CHOSEN_BY.items():
        if variable not in metered and start.variable(variable) and not set(paid) & set(beaten_by):
            raise LaunchError(
                f"no model is named, and aider would choose one by {variable} in"
                f" {start.variables[variable].place}, which cannot be metered",
                "name a model of Anthropic, OpenAI or Gemini with --model",
            )


def _no_gateway_credential(start: Start, facts: SessionFacts, pays: dict[str, Auth]) -> None:
    """Refuse to send a gateway's key to another host than the gateway."""
    for name, auth in pays.items():
        upstream = origin(facts.of(name).upstream)
        for variable in base_urls("", (name,)):
            url = start.variable(variable)
            if auth is Auth.KEY or not url or session_token_in(url) or origin(url) == upstream:
                continue
            raise LaunchError(
                f"{variable} in {start.variables[variable].place} names {origin(url)}; agentspend"
                f" would hand what is meant for it to {upstream}",
                to_go_there(url, name),
            )


def _logins(name: str, start: Start, outer: str) -> Iterator[str]:
    """aider's own keys for a provider: looked for by name, never read out."""
    for variable in KEY_VARIABLES[name]:
        if start.variable(variable) not in ("", outer) and not is_token(start.variable(variable)):
            yield f"a key for {VENDORS[name]} in {start.variables[variable].place}"
