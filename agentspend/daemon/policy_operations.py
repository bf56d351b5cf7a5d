"""What a person's commands change of what is in force: budgets, rules, prices, providers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.config.repository import Workplace
from agentspend.core.errors import AgentspendError
from agentspend.core.policy import PendingChange, budget_from_dict
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.reload import Reload
from agentspend.daemon.workplaces import settled
from agentspend.wire.control import Op

LOOSEN = "raise or remove a budget, or lower a price"


@dataclass(slots=True)
class PolicyOperations:
    """Adopts what the files declare. What loosens is a person's to do (`no_agent`)."""

    bookkeeper: Bookkeeper
    reload: Reload
    no_agent: Callable[[Caller, str], None]

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {
            Op.POLICY: self.policy,
            Op.MAY_LOOSEN: self.may_loosen,
            Op.CONFIRM: self.confirm,
            Op.BUDGET_SET: self.budget_set,
            Op.SETTINGS_SET: self.settings_set,
        }

    async def policy(self, caller: Caller, message: Message) -> None:
        """Budgets in force, and declared changes that wait, of the files as they are this moment.

        A caller in a repository may say what its files declare.
        """
        await self.reload.now()
        if "repository" in message:
            await self.declare(settled({"payer": {}, **message}, None))
        await caller.send(
            {"waits": [change_words(change) for change in self.bookkeeper.waits]}
            | {"in_force": [budget.name for budget in self.bookkeeper.budgets]}
        )

    async def may_loosen(self, caller: Caller, _: Message) -> None:
        """Whether this caller may loosen what is in force; refused for agents."""
        self.no_agent(caller, LOOSEN)
        await caller.send({"may_loosen": True})

    async def confirm(self, caller: Caller, message: Message) -> None:
        """A person agrees to the waiting changes with these texts."""
        self.no_agent(caller, LOOSEN)
        await self.reload.now()
        changed = await self.bookkeeper.confirm([str(text) for text in message["agreed"]])
        await self.reload.apply()
        await caller.send({"adopted": [change_words(change) for change in changed]})

    async def budget_set(self, caller: Caller, message: Message) -> None:
        """A command wrote this budget to the file: adopt it, and nothing else that waits.

        What only tightens is adopted by reading the file, so an agent may tighten.
        """
        name, expected = str(message["name"]), message.get("budget")
        await self.reload.now()
        if expected is None and self._is_repositorys(name):
            self.no_agent(caller, LOOSEN)
            await self.bookkeeper.forget(name)
        elif any(change.budget == name for change in self.bookkeeper.waits):
            self.no_agent(caller, LOOSEN)
            budget = budget_from_dict(expected) if expected is not None else None
            await self.bookkeeper.set_one(name, budget)
        await caller.send({"adopted": name})

    async def settings_set(self, caller: Caller, message: Message) -> None:
        """A command wrote prices, providers or network settings to the file: adopt them."""
        self.no_agent(caller, "change prices or where requests go")
        await self.reload.now()
        declared = self.reload.declared
        if declared.config.settings != message["settings"]:
            raise AgentspendError("the configuration changed meanwhile", "agentspend config show")
        await self.bookkeeper.set_settings(declared.settings)
        await self.reload.apply()
        await caller.send({"adopted": "settings"})

    async def declare(self, place: Workplace) -> tuple[PendingChange, ...]:
        """Adopt what tightens of a repository's files; returns what of them waits."""
        if not place.declared or self.bookkeeper.read_only:
            return ()
        return await self.bookkeeper.declare_repositories(place.declared)

    def _is_repositorys(self, name: str) -> bool:
        """Whether a budget in force was declared by a repository's file."""
        return any(budget.name == name and budget.source for budget in self.bookkeeper.budgets)


def change_words(change: PendingChange) -> dict[str, Any]:
    """A change that waits, or was adopted, as JSON."""
    return {"budget": change.budget, "what": change.text}
