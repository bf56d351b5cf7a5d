"""A hundred thousand inputs for each dialect in minutes: what `test_fuzz` holds, by plain chance.

`python -m tests.dialects.volume --inputs 100000 --seed 1` runs them all and prints what broke.
Hypothesis looks for the strange ones and makes them small; this makes many. Input `n` of a seed is
always the same, so that what broke can be run again alone (`--first N --inputs 1`).
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from agentspend.core.usage import Billing
from agentspend.sandbox.answer import Answer, Ask, nusd_up
from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.rules import RULES
from tests.dialects.cases import BOOK
from tests.dialects.fuzzing import (
    SPLICES,
    SPOKEN,
    assert_never_less_sure_than_it_says,
    damaged,
    dumped,
    read,
)
from tests.dialects.spoken import JSON, Spoken
from tests.dialects.test_fuzz import AT_S, DIALECTS, asked_too, metering

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 0.5, 10**30, "", "x", "~ZZ" * 40, "é漢" * 30, "\U0001d160" * 9,
    [], {}, [[]], {"type": "text"}, {"": None}, [None], "1h", {"type": "ephemeral", "ttl": "1h"},
    "http://x", {"url": "u"}, "web_search", {"type": "web_search_20250305"}, "\x00", "\ud7ff",
)  # fmt: skip
ALPHABETS = ("ab \n", '~Z"\\', "é漢e\u0301\u0323", "\U0001d160\ufb2c", "0123456789+/=", "{}[]:,")


def main(words: list[str]) -> int:
    """Run, and say for each dialect how many inputs held."""
    parser = argparse.ArgumentParser(prog="python -m tests.dialects.volume")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dialect", choices=tuple(DIALECTS), action="append")
    asked = parser.parse_args(words)
    failed = 0
    for name in asked.dialect or DIALECTS:
        broken = dict(
            run(DIALECTS[name], asked.seed, range(asked.first, asked.first + asked.inputs))
        )
        failed += len(broken)
        print(f"{name}: {asked.inputs - len(broken):,} of {asked.inputs:,} inputs held", flush=True)
        for number, error in list(broken.items())[:5]:
            print(f"  input {number} of seed {asked.seed}: {error!r}"[:400])
    return 1 if failed else 0


def run(spoken: Spoken, seed: int, numbers: range) -> Iterator[tuple[int, BaseException]]:
    """What broke: the input's number and the error. Each kind of input takes its turn."""
    for number in numbers:
        chance = random.Random(f"{seed} {number}")
        try:
            KINDS[number % len(KINDS)](spoken, chance)
        except Exception as error:
            yield number, error


def strange_request(spoken: Spoken, chance: random.Random) -> None:
    """A whole request with hostile values in places of its tree: read or refused."""
    body = seed_request(spoken, chance)
    for _ in range(chance.randint(1, 3)):
        _put(body, deepcopy(chance.choice(HOSTILE)), chance)
    read(spoken.dialect, dumped(body, ascii_only=chance.random() < 0.3), spoken.model)


def damaged_request(spoken: Spoken, chance: random.Random) -> None:
    """Its bytes with a few lost or put in: read or refused."""
    body = dumped(seed_request(spoken, chance))
    for _ in range(chance.randint(1, 3)):
        splice = chance.choice([*SPLICES, chance.randbytes(chance.randint(0, 4))])
        body = damaged(body, splice, chance.random(), chance.randint(0, 8))
    read(spoken.dialect, body, spoken.model)


def bounded_request(spoken: Spoken, chance: random.Random) -> None:
    """A request of a client's: bounded at the provider's own count, by every tokenizer."""
    body = _retold(seed_request(spoken, chance), chance)
    facts = read(spoken.dialect, dumped(body, ascii_only=chance.random() < 0.3), spoken.model)
    assert facts is not None, body
    rule = chance.choice(["worst", *RULES])
    counted = spoken.provider.count(spoken.theirs(body), Behaviour(tokens=rule))
    assert isinstance(counted, ApiError) or facts.input_bound_tokens >= counted, body


def billed_answer(spoken: Spoken, chance: random.Random) -> None:
    """An answer in any pieces: to the nano-dollar what the provider bills."""
    body, answer, sent, kind = an_answer(spoken, chance)
    facts = spoken.dialect.read_request(dumped(body), path_model=spoken.model)
    cuts = [chance.random() for _ in range(chance.randint(0, 5))]
    said = assert_never_less_sure_than_it_says(lambda: metering(spoken, kind, facts), sent, cuts)
    assert said.billing is Billing.EXACT
    charge = BOOK.charge(spoken.dialect.provider, said, int(AT_S * 1_000_000), answer.request_model)
    assert (charge.nusd, charge.unknown) == (nusd_up(answer.usd()), ())


def damaged_answer(spoken: Spoken, chance: random.Random) -> None:
    """Its bytes with a few lost or put in: metered alike wherever they are cut."""
    _, _, sent, kind = an_answer(spoken, chance)
    for _ in range(chance.randint(1, 3)):
        splice = chance.choice([*SPLICES, chance.randbytes(chance.randint(0, 4))])
        sent = damaged(sent, splice, chance.random(), chance.randint(0, 30))
    whole, meter = metering(spoken, kind), metering(spoken, kind)
    whole.feed(sent)
    at = sorted(chance.randint(0, len(sent)) for _ in range(chance.randint(0, 5)))
    for begin, end in zip([0, *at], [*at, len(sent)], strict=True):
        meter.feed(sent[begin:end])
        meter.so_far()
        meter.end(complete=False)
    assert meter.end(complete=True) == whole.end(complete=True)


KINDS: tuple[Callable[[Spoken, random.Random], None], ...] = (
    strange_request, damaged_request, bounded_request, billed_answer, damaged_answer,
)  # fmt: skip


def seed_request(spoken: Spoken, chance: random.Random) -> dict[str, Any]:
    """One of the requests that everything starts from, fresh."""
    found: dict[str, Any] = json.loads(chance.choice(spoken.seeds))
    return found


def an_answer(spoken: Spoken, chance: random.Random) -> tuple[dict[str, Any], Answer, bytes, str]:
    """A request, its answer, the bytes that carry it and their content type."""
    streamed = chance.random() < 0.7
    body = seed_request(spoken, chance)
    body |= {} if spoken.dialect.provider == "google" else {"stream": streamed}
    kind = chance.choice(spoken.kinds) if streamed else JSON
    more = asked_too(kind, streamed=streamed)
    prompt = PromptUsage(chance.randint(1, 9_000), chance.choice([0, chance.randint(1, 9_000)]))
    behaviour = Behaviour(
        output_tokens=chance.randint(1, 90),
        thinking_tokens=chance.choice([0, chance.randint(1, 40)]),
        usage=prompt,
        late_input_tokens=chance.choice([0, 0, 400]),
        deltas=chance.randint(1, 6),
    )
    answer = spoken.provider.answer(Ask({**spoken.theirs(body), **more}, behaviour, at_s=AT_S))
    assert isinstance(answer, Answer), answer
    steps = spoken.provider.stream(answer) if streamed else ()
    return (
        body,
        answer,
        b"".join(each.data for each in steps) or spoken.provider.whole(answer),
        kind,
    )


def _put(value: Any, hostile: Any, chance: random.Random) -> None:
    """Put a hostile value somewhere into a tree, under a name that is there or beside it."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            value[key] = hostile
            return
        value = inner


def _retold(value: Any, chance: random.Random) -> Any:
    """The same request with other texts in it, of any length and script."""
    if isinstance(value, list):
        return [_retold(inner, chance) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _text(chance) if isinstance(inner, str) and name in SPOKEN else _retold(inner, chance)
        for name, inner in value.items()
    }


def _text(chance: random.Random) -> str:
    alphabet = chance.choice(ALPHABETS)
    word = "".join(chance.choices(alphabet, k=chance.randint(1, 12)))
    return word * chance.choice([1, 3, 40])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
