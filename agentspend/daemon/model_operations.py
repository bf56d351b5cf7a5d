"""Which models one running session may use, changed while it runs."""

from collections.abc import Callable
from dataclasses import replace

from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.rules import BY_HAND, NO_RULES, ModelRule
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.roster import Roster
from agentspend.proxy.sessions import Sessions
from agentspend.wire.control import Op


class ModelOperations:
    """Tightening is anyone's to do, letting more through a person's (`no_agent`).

    The rule lives as long as its session: a restart forgets none, or an agent could lift it so.
    """

    def __init__(
        self, sessions: Sessions, roster: Roster, no_agent: Callable[[Caller, str], None]
    ) -> None:
        self._sessions = sessions
        self._roster = roster
        self._no_agent = no_agent

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {Op.SESSION_MODELS: self.allow}

    async def allow(self, caller: Caller, message: Message) -> None:
        """Allow a session only models like these, besides all other rules; none: lift that."""
        name, patterns = str(message["session"]), tuple(map(str, message["allow"]))
        session = next((each for each in self._sessions.all() if each.id == name), None)
        if session is None:
            raise AgentspendError(
                f"no session {name!r} runs",
                "agentspend status    lists those that do",
                Kind.UNKNOWN_NAME,
            )
        kept = tuple(rule for rule in session.rules.models if rule.source != BY_HAND)
        if len(kept) < len(session.rules.models):
            self._no_agent(caller, "change which models a session may use")
        if patterns:
            kept += (ModelRule(allow=patterns, source=BY_HAND),)
        session.rules = replace(session.rules, models=kept) + NO_RULES
        await self._roster.keep_rules(session)
        await caller.send({"session": name, "allow": list(patterns)})
