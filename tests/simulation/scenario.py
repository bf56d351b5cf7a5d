"""What happens in one run, drawn from a seed: budgets, requests, how the provider behaves."""

from dataclasses import dataclass
from random import Random
from typing import Any

from agentspend.core.budgets import Budget
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.prices import find
from tests.support.desk import budget

REQUESTS = 64
LIMIT_USD = "1.00"
SESSIONS = ("s_one", "s_two")
MODELS = (
    ("claude-opus-5", 3), ("claude-opus-5-5", 4), ("claude-sonnet-5", 5), ("claude-sonnet-5-5", 3),
    ("claude-haiku-5-5", 4), ("claude-haiku-4-5", 4), ("claude-opus-4-6", 1),
    ("claude-sonnet-4-5", 1), ("claude-fable-5", 1),
)  # fmt: skip
MAX_TOKENS = (64, 500, 1_000, 4_096, 8_000, 16_384, 32_000, 64_000, 128_000)
WORDS = "def total(rows): return sum(row.amount for row in rows if row.kept)  # one pass\n"
OTHER_WORDS = "größer 漢字かな 한국어 ≠ ✓ "
WORST_WORDS = "~ZZ"
FAULTS = (
    ("none", 52), ("cut", 7), ("error", 6), ("silent", 6), ("hang", 1), ("status", 6),
    ("leave", 16), ("refusal", 2), ("late", 4),
)  # fmt: skip
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}


@dataclass(frozen=True, slots=True)
class Query:
    """One client's request. `leaves_after_s`: it hangs up then. `second`: it sends a next turn.

    `whole`: a client that stays gets the answer and its usage to the end.
    """

    name: str
    session: str
    at_s: float
    body: dict[str, Any]
    behaviour: Behaviour
    fault: str = "none"
    leaves_after_s: float | None = None
    second: "Second | None" = None

    @property
    def whole(self) -> bool:
        """Whether the provider's own usage must be what we charge."""
        return self.fault in ("none", "late", "refusal", "status")


@dataclass(frozen=True, slots=True)
class Second:
    """The next turn of a conversation: what is added to it, and how it is answered."""

    after_s: float
    added: str
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run."""

    seed: int
    budgets: tuple[Budget, ...]
    queries: tuple[Query, ...]
    wait_s: int = 20
    on_disconnect: str = "cancel"


def scenario(seed: int, *, real_time: bool = False) -> Scenario:
    """The run of this seed. In real time everything is small and soon over."""
    chance = Random(seed)
    herd = chance.random() < 0.3
    queries = tuple(_query(chance, n, herd=herd, small=real_time) for n in range(REQUESTS))
    budgets, wait_s = _budgets(chance), chance.choice((5, 20, 20, 60))
    if cap := _velocity_cap(seed):
        budgets, wait_s = (*budgets, cap), 90
    return Scenario(
        seed=seed,
        budgets=budgets,
        queries=queries,
        wait_s=1 if real_time else wait_s,
        on_disconnect="drain" if chance.random() < 0.15 else "cancel",
    )


def _budgets(chance: Random) -> tuple[Budget, ...]:
    """A dollar for everything; beside it a budget per session and one for some models."""

    def mode() -> str:
        return "warn" if chance.random() < 0.4 else "hard"

    usd = [f"{chance.uniform(0.25, 1.2):.6f}" for _ in range(2)]
    pattern = chance.choice(("claude-opus-*", "claude-sonnet-*", "claude-*", "claude-haiku-5-5"))
    found = [
        budget("everything", LIMIT_USD, "day"),
        budget("each-session", usd[0], "session", mode=mode()),
        budget("some-models", usd[1], chance.choice(("day", "5h", "month")), mode=mode(),
               model=pattern),
    ]  # fmt: skip
    chance.shuffle(found)
    return tuple(found)


def _velocity_cap(seed: int) -> Budget | None:
    """Every third run has one, for everything or some models: so much a minute or two, and
    patience to see it roll out."""
    chance = Random(f"velocity {seed}")
    if chance.random() > 0.34:
        return None
    scope = {} if chance.random() < 0.5 else {"model": "claude-opus-*"}
    usd, window = f"{chance.uniform(0.3, 1.0):.6f}", chance.choice(("1m", "1m", "2m"))
    return budget("burst", usd, window, **scope)


def _query(chance: Random, number: int, *, herd: bool, small: bool) -> Query:
    fault = _pick(chance, FAULTS)
    model = "claude-haiku-4-5" if fault == "late" else _pick(chance, MODELS)
    if small and fault == "hang":
        fault = "none"
    card = find(model)
    assert card is not None
    most = min(chance.choice(MAX_TOKENS), card.max_output)
    rule, words = _words(chance, model, small=small)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": most,
        "stream": chance.random() < 0.8,
        "messages": [{"role": "user", "content": f"{number} {words}"}],
    }
    if chance.random() < 0.3:
        _mark(chance, body)
    thinking = 0
    if most > 2_000 and chance.random() < 0.2:
        budgeted = chance.randint(1_024, min(most - 1, 20_000))
        body["thinking"] = {"type": "enabled", "budget_tokens": budgeted}
        if chance.random() < 0.5:
            body["thinking"]["display"] = "omitted"
        thinking = chance.randint(1, 500 if small else budgeted)
    if fault == "late":
        body["tools"] = [SEARCH]
    behaviour = _behaviour(chance, fault, rule, thinking, small=small)
    leaves = chance.uniform(0.0, 0.8 if small else 12.0) if fault == "leave" else None
    second = None
    if fault == "none" and chance.random() < 0.3:
        again = _behaviour(chance, "none", rule, 0, small=small)
        second = Second(
            chance.uniform(0, 0.1 if small else 4.0), words[: chance.randint(1, 900)], again
        )
    at_s = 0.0 if herd else chance.uniform(0.0, 0.2 if small else chance.choice((0.05, 3.0, 15.0)))
    return Query(
        f"q{number}", chance.choice(SESSIONS), at_s, body, behaviour, fault, leaves, second
    )


def _words(chance: Random, model: str, *, small: bool) -> tuple[str, str]:
    """A token rule and a prompt: mostly short, sometimes long, now and then past a price tier."""
    long_tier = model == "claude-haiku-5-5" and chance.random() < 0.05 and not small
    size = 260_000 if long_tier else int(10 * 10 ** chance.uniform(0, 2 if small else 3.7))
    rule = chance.choice(("code", "code", "prose", "minified", "random", "worst"))
    seen = {"worst": WORST_WORDS}.get(rule, OTHER_WORDS if chance.random() < 0.15 else WORDS)
    return rule, (seen * (size // len(seen) + 1))[:size]


def _mark(chance: Random, body: dict[str, Any]) -> None:
    """Ask for a cached prefix, shared between the requests that have the same."""
    mark = {"type": "ephemeral"}
    if chance.random() < 0.4:
        mark["ttl"] = "1h"
    words = WORDS * chance.choice((10, 60, 120))
    body["system"] = [{"type": "text", "text": words, "cache_control": mark}]


def _behaviour(chance: Random, fault: str, rule: str, thinking: int, *, small: bool) -> Behaviour:
    """How the provider answers. An answer that does not tell its usage is generated at a speed a
    model can have: that is what the charge for it assumes."""
    paced = fault not in ("none", "late", "refusal", "status") or chance.random() < 0.7
    to_the_limit = chance.random() < 0.12 and not small
    high = 200 if small else 30_000 if to_the_limit else 6_000
    output = 30_000 if to_the_limit else int(high ** chance.random()) + thinking
    fields: dict[str, Any] = {
        "tokens": rule,
        "output_tokens": output,
        "thinking_tokens": thinking,
        "paced": paced,
        "tokens_per_s": 400.0 if small else chance.uniform(max(40, output / 500), 400),
        "first_byte_delay_s": chance.uniform(0, 0.2) if small else chance.choice((0, 0.3, 1.5, 4)),
        "deltas": chance.randint(1, 6),
        "torn_bytes": chance.choice((0, 0, 0, 0, 700)),
        "cache": chance.choice(("normal", "normal", "normal", "miss", "off")),
        "count_status": chance.choice((200, 200, 200, 200, 500, 404)),
        "count_off_tokens": chance.choice((0, 0, -2_000, -500, 700)),
    }
    match fault:
        case "cut":
            fields["cut_after_events"] = chance.randint(0, 8)
        case "error":
            fields["error_after_events"] = chance.randint(0, 8)
        case "hang":
            fields["hang_after_events"] = chance.randint(0, 6)
        case "silent":
            fields["silent_on_usage"] = chance.choice(("final", "all"))
        case "status":
            fields["status"] = chance.choice((429, 500, 529))
        case "refusal":
            fields["refusal"] = True
        case "late":
            fields["late_input_tokens"] = chance.randint(0, 150_000)
            fields["web_search_requests"] = chance.randint(0, 1)
    return Behaviour(**fields)


def _pick(chance: Random, weighted: tuple[tuple[str, int], ...]) -> str:
    return chance.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]
