"""`agentspend run -- CMD…`: any program, by the base-URL variables of every dialect.

Which program reads which variable is measured in the wire study, §1-6: Anthropic's clients append
`/v1/messages` to the base, OpenAI's expect `/v1` in it, Gemini's append `/v1beta/…`.
"""

from collections.abc import Sequence
from pathlib import PurePath

from agentspend.agents.base import (
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

_KEY_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


def base_urls(base_url: str) -> dict[str, str]:
    """The base-URL variables of every dialect, for one session."""
    return {
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_BASE": base_url,
        "OPENAI_BASE_URL": f"{base_url}/v1",
        "OPENAI_API_BASE": f"{base_url}/v1",
        "GOOGLE_GEMINI_BASE_URL": base_url,
        "GEMINI_API_BASE": base_url,
    }


class Generic:
    """The launcher of `agentspend run -- CMD…`; `known` are the agents with one of their own."""

    name = "--"

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = tuple(known)

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Start `args` with every dialect's variables set, and our token as its Anthropic key."""
        if not args:
            raise LaunchError("no command after --", "agentspend run -- CMD ARGS…")
        require_program(args[0], caller, "check the name, or give its full path")
        outer = session_token_in(caller.env.get("ANTHROPIC_BASE_URL", ""))
        bearer = caller.env.get("ANTHROPIC_AUTH_TOKEN", "")
        logins = ["ANTHROPIC_AUTH_TOKEN in the environment"] if bearer not in ("", outer) else []
        auth = choose_auth(facts, logins)
        env_set = {**base_urls(facts.base_url), **no_proxy_variables(caller.env)}
        if auth is Auth.KEY:
            env_set |= dict.fromkeys(_KEY_VARIABLES, facts.token)
        program = PurePath(args[0]).name
        notes = (
            (f"`agentspend run {program}` also checks {program}'s own settings",)
            if program in self._known
            else ()
        )
        return LaunchPlan(argv=tuple(args), env_set=env_set, notes=notes, auth=auth)
