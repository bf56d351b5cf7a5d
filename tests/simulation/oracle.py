"""What a request can cost at least, and whether it may be refused: worked out on its own.

Nothing of `agentspend` is used for prices or bounds: rates come from the sandbox's own list, in
exact fractions; token bounds from the rules of DESIGN.md §3 applied to the body that was sent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

import msgspec

from agentspend.core.budgets import Budget
from agentspend.core.windows import WindowKind
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.model import count
from agentspend.sandbox.prices import WEB_SEARCH_USD, Rates, find

NANO = 10**9
FLOOR_TOKENS, COMFORT_TOKENS = 4_096, 16_384


@dataclass(frozen=True, slots=True)
class KnownTurn:
    """What an earlier turn of the same conversation proved, by the provider's bill.

    `messages` is how many messages that turn had; `cut_at` the clamp it was cut at (0: not).
    """

    prompt_tokens: int
    output_tokens: int
    messages: int
    cut_at: int = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """One request's bounds in nano-USD by output tokens. `guessed_tokens` bounds its input before
    the provider was asked to count, `smallest_tokens` with everything that can be known."""

    model: str
    session: str
    wanted: int
    comfort: int
    floor: int
    guessed_tokens: int
    smallest_tokens: int
    rates: "Dear"

    def smallest_nusd(self) -> int:
        """The smallest bound: nothing less can be promised for this request."""
        return self.rates.nusd(self.smallest_tokens, self.floor)

    def waits_for_nusd(self, output_tokens: int) -> int:
        """The bound it stands in line with: counting comes before waiting, except where an
        earlier turn is known (then only before a refusal)."""
        return self.rates.nusd(self.guessed_tokens, output_tokens)


@dataclass(frozen=True, slots=True)
class Dear:
    """The dearest rates a request can trigger."""

    input: Fraction
    output: Fraction
    fees: Fraction
    long_above: int
    long_input: Fraction
    long_output: Fraction

    def nusd(self, input_tokens: int, output_tokens: int) -> int:
        """The cost, rounded up once."""
        long = input_tokens > self.long_above
        usd = input_tokens * (self.long_input if long else self.input) + self.fees
        usd += output_tokens * (self.long_output if long else self.output)
        return math.ceil(usd * NANO)


def needs(
    body: Mapping[str, Any], behaviour: Behaviour, session: str, known: KnownTurn | None
) -> Needs:
    """The bounds of one request as it was sent."""
    card = find(body["model"])
    assert card is not None
    searches = sum(int(tool.get("max_uses", 10)) for tool in body.get("tools") or ())
    by_bytes = _bytes_bound(body)
    guesses = [by_bytes]
    if known is not None:
        guesses.append(_known_bound(body, known))
    counted = _counted(body, behaviour)
    smallest = min([*guesses, counted]) if counted is not None else min(guesses)
    guessed = min(guesses) if known is not None else smallest
    if searches:
        guessed = smallest = card.context_window * (1 + searches)
    else:
        guessed, smallest = (min(each, card.context_window) for each in (guessed, smallest))
    wanted = int(body["max_tokens"])
    thinking = int((body.get("thinking") or {}).get("budget_tokens", 0))
    least = known.cut_at + 1 if known is not None and known.cut_at else 1
    floor = min(wanted, max(FLOOR_TOKENS + thinking, least))
    comfort = max(floor, min(wanted, max(COMFORT_TOKENS + thinking, least)))
    return Needs(
        body["model"], session, wanted, comfort, floor, guessed, smallest, _dear(body, searches)
    )


def fits_now(request: Needs, budgets: Sequence["Standing"]) -> bool:
    """Whether the ladder owes this request an answer now: all it wants or a comfortable clamp
    fits, or the floor does and no comfortable one ever could."""

    def all_hold(output_tokens: int, *, best: bool) -> bool:
        bound = request.waits_for_nusd(output_tokens)
        return all(bound <= (each.best_nusd if best else each.free_nusd) for each in budgets)

    if all_hold(request.comfort, best=False):
        return True
    return all_hold(request.floor, best=False) and not all_hold(request.comfort, best=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """One hard budget at a moment, added up from the ledger's entries and open holds.

    `rolls`: what a velocity cap has spent comes free again; `soon_nusd` in time for this request.
    """

    name: str
    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    rolls: bool = False
    soon_nusd: int = 0

    @property
    def free_nusd(self) -> int:
        """What a hold may take."""
        return self.limit_nusd - self.spent_nusd - self.held_nusd

    @property
    def best_nusd(self) -> int:
        """What would be free in time if everything in flight cost nothing."""
        return self.limit_nusd - self.spent_nusd + self.soon_nusd

    @property
    def most_nusd(self) -> int:
        """What can be free at all."""
        return self.limit_nusd if self.rolls else self.best_nusd


def counts_in(each: Budget, session: str, model: str, of_session: str) -> bool:
    """Whether a charge of `session` and `model` is in the account that `of_session` uses."""
    if each.window.kind is WindowKind.SESSION and session != of_session:
        return False
    return all(
        fnmatchcase(model, pattern) if key == "model" else False
        for key, pattern in each.scope.terms
    )


def _bytes_bound(body: Mapping[str, Any]) -> int:
    """2 for an ASCII byte and 3 for another, 16 a message, 1,024 for tools."""
    rest = {name: value for name, value in body.items() if name != "messages"}
    total = sum(_weigh(name) - 4 + _weigh(value) for name, value in rest.items())
    total += 1_024 if body.get("tools") else 0
    return total + sum(_weigh(message) + 16 for message in body["messages"])


def _known_bound(body: Mapping[str, Any], known: KnownTurn) -> int:
    """The earlier turn's exact tokens, and the bound of the messages added since."""
    added = body["messages"][known.messages :]
    answered = known.prompt_tokens + known.output_tokens + 2 * _mark_bytes(body)
    return answered + sum(_weigh(message) + 16 for message in added)


def _mark_bytes(body: Mapping[str, Any]) -> int:
    """The bytes of the cache marks, which may stand elsewhere in the next turn."""
    system = body.get("system")
    blocks = list(system) if isinstance(system, list) else []
    for message in body["messages"]:
        content = message["content"]
        blocks += content if isinstance(content, list) else []
    marks = [block["cache_control"] for block in blocks if "cache_control" in block]
    return sum(len(b',"cache_control":') + len(msgspec.json.encode(mark)) for mark in marks)


def _counted(body: Mapping[str, Any], behaviour: Behaviour) -> int | None:
    """The provider's count with its margin; None when it gives none."""
    if behaviour.count_status != 200:
        return None
    told = count(body, behaviour)
    assert isinstance(told, int)
    return told + max(told * 2 // 100 + 1, 1_024)


def _weigh(value: object) -> int:
    raw = msgspec.json.encode(value)
    ascii_bytes = len(raw.translate(None, bytes(range(128, 256))))
    return 2 * ascii_bytes + 3 * (len(raw) - ascii_bytes)


def _dear(body: Mapping[str, Any], searches: int) -> Dear:
    card = find(body["model"])
    assert card is not None
    raw = msgspec.json.encode(body)
    marked = b'"cache_control"' in raw
    long = card.long_context if card.long_context and card.long_context.until_s is None else None

    def dear_input(rates: Rates) -> Fraction:
        if not marked:
            return rates.input
        written = rates.cache_write_1h if b'"1h"' in raw else rates.cache_write_5m
        return max(rates.input, written)

    return Dear(
        input=dear_input(card.rates),
        output=card.rates.output,
        fees=searches * WEB_SEARCH_USD,
        long_above=long.above_tokens if long else 10**12,
        long_input=dear_input(long.rates if long else card.rates),
        long_output=(long.rates if long else card.rates).output,
    )
