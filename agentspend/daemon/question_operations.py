"""Saying no to requests that wait for a person's answer; a yes is a raise like any other."""

from collections.abc import Callable

from agentspend.bookkeeper import Bookkeeper
from agentspend.core.errors import AgentspendError
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.wire.control import Op


class QuestionOperations:
    """A person's to answer, not an agent's."""

    def __init__(self, bookkeeper: Bookkeeper, no_agent: Callable[[Caller, str], None]) -> None:
        self._bookkeeper = bookkeeper
        self._no_agent = no_agent

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {Op.QUESTION_REFUSE: self.refuse}

    async def refuse(self, caller: Caller, message: Message) -> None:
        """Refuse the requests that ask for more of a budget."""
        self._no_agent(caller, "answer for a person")
        budget = str(message["budget"])
        count = await self._bookkeeper.ask(lambda books, _: books.questions.say_no(budget))
        if not count:
            raise AgentspendError(
                f"no request asks for more of budget {budget!r}",
                "agentspend status    lists the questions that are open",
            )
        await caller.send({"refused": count})
