"""Providers whose early word of a prompt's tokens turned out to be less than what they bill.

Some gateways count by a tokenizer that is not the model's, or begin a stream with a guess. Where
that came out once, holds rest on bytes and stay whole until the answer's end. Others have models
that count differently behind one name: there a turn proves nothing of the next. In memory only.
"""

from agentspend.core.usage import Billing
from agentspend.proxy.charging import Ended
from agentspend.proxy.ladder import BY_TURN, COUNTED


class Trust:
    """Who is believed before the end; everybody is at first."""

    def __init__(self) -> None:
        self._lost: set[str] = set()
        self._unlike: set[tuple[str, str]] = set()

    def __contains__(self, provider: object) -> bool:
        return provider not in self._lost

    def in_turns(self, provider: str, model: str) -> bool:
        """Whether an earlier turn of a conversation bounds the next one with this model."""
        return (provider, model) not in self._unlike

    def hear(self, ended: Ended, begun_tokens: int) -> None:
        """Compare the bill with what was said before. `begun_tokens` is the prompt by the usage at
        the stream's start, 0 where no hold was lowered by it."""
        asked, metered = ended.asked, ended.metered
        if metered.billing is not Billing.EXACT or not metered.parts:
            return
        if asked.facts.may_add_input:
            return
        tokens = metered.parts[0].usage.prompt_tokens
        exceeded = tokens > asked.strict.input_tokens
        if asked.basis == BY_TURN and exceeded:
            self._unlike.add((asked.provider, asked.facts.model))
        counted = asked.basis == COUNTED and exceeded
        if counted or 0 < begun_tokens < tokens:
            self._lost.add(asked.provider)
