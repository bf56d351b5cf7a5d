"""`agentspend run -- CMD…`: any program, by the base-URL variables of every dialect.

Which program reads which variable is measured in the wire study, §1-6: Anthropic's clients append
`/v1/messages` to the base, OpenAI's expect `/v1` in it, Gemini's append `/v1beta/…`; only LiteLLM
expects the version in `GEMINI_API_BASE` (1.81.10: it calls `{base}/models/…`).
"""

from collections.abc import Sequence
from pathlib import PurePath

from agentspend.agents.base import (
    KEY_VARIABLES,
    Auth,
    Caller,
    LaunchPlan,
    SessionFacts,
    choose_auth,
    require_program,
    session_token_in,
)
from agentspend.agents.network import no_proxy_variables
from agentspend.core.errors import LaunchError


def base_urls(base_url: str, providers: Sequence[str] = tuple(KEY_VARIABLES)) -> dict[str, str]:
    """The base-URL variables of these providers' dialects, for one session."""
    every = {
        "anthropic": {"ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_API_BASE": base_url},
        "openai": {"OPENAI_BASE_URL": f"{base_url}/v1", "OPENAI_API_BASE": f"{base_url}/v1"},
        "google": {
            "GOOGLE_GEMINI_BASE_URL": base_url,
            "GEMINI_API_BASE": f"{base_url}/v1beta",
        },
    }
    return {name: url for provider in providers for name, url in every[provider].items()}


def stand_ins(facts: SessionFacts, but: Sequence[str] = ()) -> dict[str, str]:
    """Our token in place of every key that `run` took out of the environment, but some providers'.

    For the programs an agent starts: they go on working, are metered, and hold no key.
    """
    found: dict[str, str] = {}
    for provider, names in KEY_VARIABLES.items():
        taken = [name for name in names if name in facts.taken]
        if taken and provider not in but and facts.of(provider).auth is not Auth.PASSTHROUGH:
            found |= {**base_urls(facts.base_url, (provider,)), **dict.fromkeys(taken, facts.token)}
    return found


class Generic:
    """The launcher of `agentspend run -- CMD…`; `known` are the agents with one of their own."""

    name = "--"
    providers: tuple[str, ...] = tuple(KEY_VARIABLES)

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = tuple(known)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Start `args` with every dialect's variables set, and our token as each one's key."""
        if not args:
            raise LaunchError("no command after --", "agentspend run -- CMD ARGS…")
        require_program(args[0], caller, "check the name, or give its full path")
        outer = session_token_in(caller.env.get("ANTHROPIC_BASE_URL", ""))
        bearer = caller.env.get("ANTHROPIC_AUTH_TOKEN", "")
        logins = ["ANTHROPIC_AUTH_TOKEN in the environment"] if bearer not in ("", outer) else []
        pays = {
            name: choose_auth(facts, logins if name == "anthropic" else [], name)
            for name in self.providers
        }
        keyed = [name for name, auth in pays.items() if auth is Auth.KEY]
        env_set = {**base_urls(facts.base_url), **no_proxy_variables(caller.env)}
        env_set |= {item: facts.token for name in keyed for item in KEY_VARIABLES[name]}
        program = PurePath(args[0]).name
        notes = (
            (f"`agentspend run {program}` also checks {program}'s own settings",)
            if program in self._known
            else ()
        )
        return LaunchPlan(
            argv=tuple(args),
            env_set=env_set,
            notes=notes,
            auth=Auth.KEY if keyed else Auth.PASSTHROUGH,
        )
