"""64 parallel requests in all four dialects, under budgets that overlap: drawn from a seed, run.

The verdict comes from the provider's own bill alone: which budgets a request counts in is worked
out here from what was asked, never read from the ledger.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec

from agentspend.config.shape import AdmissionSection
from agentspend.core.budgets import Budget
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.bill import BillRow
from agentspend.sandbox.script import Seen
from tests.simulation.virtual import VirtualTime, run
from tests.support.desk import Device, budget

REQUESTS = 64
TEAMS = ("red", "blue")
KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}
WORDS = "def total(rows): return sum(row.amount for row in rows if row.kept)  # one pass\n"
MAX_TOKENS = (0, 0, 300, 2_000, 8_000, 32_000)
"""0: no limit of its own, where the API allows that."""
ROUNDING_S = 1e-6

CHAT_MODELS = ("gpt-4.1-mini", "gpt-5.4-mini", "gpt-6.1-sol")
RESPONSES_MODELS = ("gpt-6.1-sol", "gpt-5.4-mini")
GEMINI_MODELS = ("gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview")
CLAUDE_MODELS = ("claude-opus-5-5", "claude-haiku-4-5", "claude-sonnet-5-5")
PROVIDER_OF = {"messages": "anthropic", "chat": "openai", "responses": "openai", "gemini": "google"}


@dataclass(frozen=True, slots=True)
class Call:
    """One client's request. `leaves_after_s`: it hangs up then."""

    name: str
    api: str
    team: str
    model: str
    path: str
    body: dict[str, Any]
    behaviour: Behaviour
    at_s: float
    fault: str
    leaves_after_s: float | None


@dataclass(frozen=True, slots=True)
class Limit:
    """One hard budget, and which calls count in it."""

    budget: Budget
    counts: Callable[[Call], bool]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one client saw: `status` 0 when it left or its answer broke off."""

    status: int = 0
    body: bytes = b""
    after_s: float = 0.0


@dataclass(slots=True)
class Verdict:
    """What one run came to; `faults` are what must not be."""

    seed: int
    bill_nusd: int = 0
    heard: "list[Heard]" = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def limits(chance: Random) -> tuple[Limit, ...]:
    """A dollar for everything; inside it one for a team's tag and one for a provider's models."""
    usd = [f"{chance.uniform(0.15, 0.8):.6f}" for _ in range(2)]
    return (
        Limit(budget("everything", "1.00", "day"), lambda _: True),
        Limit(budget("red", usd[0], "week", tag="team=red"), lambda call: call.team == "red"),
        Limit(
            budget("openai", usd[1], chance.choice(("month", "5h")), provider="openai"),
            lambda call: PROVIDER_OF[call.api] == "openai",
        ),
    )


def calls(chance: Random) -> tuple[Call, ...]:
    """The requests of one run."""
    herd = chance.random() < 0.5
    return tuple(_call(chance, number, herd=herd) for number in range(REQUESTS))


def _call(chance: Random, number: int, *, herd: bool) -> Call:
    api = chance.choice(tuple(PROVIDER_OF))
    model, path, body = _MAKERS[api](chance, _words(chance, number), chance.choice(MAX_TOKENS))
    fault = chance.choices(("none", "cut", "silent", "status", "leave"), (60, 10, 8, 6, 16))[0]
    fields: dict[str, Any] = {
        "output_tokens": int(20_000 ** chance.random()) + 1,
        "paced": True,
        "tokens_per_s": chance.uniform(40, 400),
        "first_byte_delay_s": chance.choice((0, 0.3, 2.0)),
        "deltas": chance.randint(1, 6),
        "torn_bytes": chance.choice((0, 0, 700)),
    }
    match fault:
        case "cut":
            fields["cut_after_events"] = chance.randint(0, 6)
        case "silent":
            fields["silent_on_usage"] = "all"
        case "status":
            fields["status"] = chance.choice((429, 500))
    return Call(
        name=f"m{number}",
        api=api,
        team=chance.choice(TEAMS),
        model=model,
        path=path,
        body=body,
        behaviour=Behaviour(**fields),
        at_s=0.0 if herd else chance.uniform(0.0, 10.0),
        fault=fault,
        leaves_after_s=chance.uniform(0.0, 8.0) if fault == "leave" else None,
    )


def _words(chance: Random, number: int) -> str:
    size = int(10 * 10 ** chance.uniform(0, 3.5))
    return f"{number} {(WORDS * (size // len(WORDS) + 1))[:size]}"


def _messages(chance: Random, words: str, limit: int) -> tuple[str, str, dict[str, Any]]:
    model = chance.choice(CLAUDE_MODELS)
    body: dict[str, Any] = {"messages": [{"role": "user", "content": words}]}
    body |= {"model": model, "max_tokens": limit or 64_000, "stream": chance.random() < 0.8}
    return model, "/v1/messages", body


def _chat(chance: Random, words: str, limit: int) -> tuple[str, str, dict[str, Any]]:
    model = chance.choice(CHAT_MODELS)
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": words}]}
    body |= {"stream": chance.random() < 0.8, "n": chance.choice((1, 1, 1, 2))}
    return model, "/v1/chat/completions", body | ({"max_completion_tokens": limit} if limit else {})


def _responses(chance: Random, words: str, limit: int) -> tuple[str, str, dict[str, Any]]:
    model = chance.choice(RESPONSES_MODELS)
    body: dict[str, Any] = {"model": model, "input": words, "stream": chance.random() < 0.8}
    return model, "/v1/responses", body | ({"max_output_tokens": limit} if limit else {})


def _gemini(chance: Random, words: str, limit: int) -> tuple[str, str, dict[str, Any]]:
    model = chance.choice(GEMINI_MODELS)
    body: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": words}]}]}
    if limit:
        body["generationConfig"] = {"maxOutputTokens": limit}
    method = chance.choice(("generateContent", "streamGenerateContent?alt=sse"))
    return model, f"/v1beta/models/{model}:{method}", body


_MAKERS = {"messages": _messages, "chat": _chat, "responses": _responses, "gemini": _gemini}


def simulate(seed: int, folder: Path) -> Verdict:
    """One run on made-up time."""
    time = VirtualTime(seed)
    return run(time, _live(seed, folder, time))


async def _live(seed: int, folder: Path, time: VirtualTime) -> Verdict:
    chance = Random(seed)
    drawn, asked = limits(chance), calls(chance)
    by_name = {call.name: call for call in asked}

    def answers(seen: Seen) -> Behaviour:
        return by_name[seen.headers["x-sandbox-session"]].behaviour

    verdict, wait_s = Verdict(seed), chance.choice((5, 20))
    on_disconnect = chance.choice(("cancel", "drain"))
    device = Device(
        folder,
        [limit.budget for limit in drawn],
        time=time,
        seed=seed,
        keys=KEYS,
        admission=AdmissionSection(wait_s=wait_s),
        on_disconnect=on_disconnect,
    )
    async with device:
        device.sandbox.behave(answers)
        for team in TEAMS:
            device.open_session(f"s_{team}", f"t-{team}", tags=(f"team={team}",))
        verdict.heard = await asyncio.gather(*(_client(device, call) for call in asked))
        await device.until_idle()
        rows: dict[str, list[BillRow]] = defaultdict(list)
        for row in device.sandbox.bill.rows:
            rows[row.session].append(row)
        verdict.bill_nusd = device.sandbox.bill.total_nusd()
        verdict.faults = [
            *(fault for limit in drawn for fault in _over(limit, asked, rows)),
            *_charges(await device.ledger(), by_name, rows),
            *_refusals(device, verdict.heard, wait_s),
        ]
        for limit in drawn:
            held_nusd = (await device.status(limit.budget.name))["held_nusd"]
            if held_nusd:
                verdict.faults.append(f"{limit.budget.name} still holds {held_nusd}")
    return verdict


def _over(limit: Limit, asked: tuple[Call, ...], rows: dict[str, list[BillRow]]) -> list[str]:
    """The provider's bill of the calls that count here is within the limit."""
    billed = sum(
        (row.usd for call in asked if limit.counts(call) for row in rows[call.name]), Fraction(0)
    )
    if billed * 10**9 <= limit.budget.limit_nusd:
        return []
    return [f"{limit.budget.name}: {float(billed)} of {limit.budget.limit_nusd / 1e9}"]


def _charges(
    ledger: list[dict[str, Any]], by_name: dict[str, Call], rows: dict[str, list[BillRow]]
) -> list[str]:
    """Each call is charged at most once, never less than its bill, and exactly where it is told."""
    charges: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in ledger:
        charges[entry["subagent"]].append(entry)
    found = []
    for name, call in by_name.items():
        billed = sum((row.usd for row in rows[name]), Fraction(0)) * 10**9
        charged = sum(entry["amount_nusd"] for entry in charges[name])
        if len(charges[name]) > 1 or len(rows[name]) > 1:
            found.append(f"{name}: {len(charges[name])} charges, {len(rows[name])} bills")
        if charged < billed:
            found.append(f"{name} ({call.api}, {call.fault}): {charged} of {float(billed)}")
        if call.fault in ("none", "status") and charged != -(-billed // 1):
            found.append(f"{name} ({call.api}): {charged} instead of {float(billed)}")
        found += [f"{name}: {entry}" for entry in charges[name] if "overrun_nusd" in entry]
    return found


def _refusals(device: Device, heard: list[Heard], wait_s: int) -> list[str]:
    """Each refusal came after the whole wait, or for want of money that nothing could free."""
    told = [event.fields for event in device.events if event.kind == "refuse"]
    waited = [each for each in heard if each.status == 400 and b" within " in each.body]
    found = [
        f"refused after {each.after_s} s of {wait_s}: {each.body[:200]!r}"
        for each in waited
        if each.after_s < wait_s - ROUNDING_S
    ]
    for story in told:
        room = story["limit_nusd"] - story["spent_nusd"]
        if story["reason"] == "never_fits" and story["needed_nusd"] <= room:
            found.append(f"refused although {room} was to be had: {story}")
    return found


async def _client(device: Device, call: Call) -> Heard:
    """One client, from its first byte to its last."""
    await asyncio.sleep(call.at_s)
    loop = asyncio.get_running_loop()
    asking = loop.create_task(_ask(device, call))
    done, _ = await asyncio.wait([asking], timeout=call.leaves_after_s)
    if done:
        return asking.result()
    asking.cancel()
    await asyncio.wait([asking])
    return Heard()


async def _ask(device: Device, call: Call) -> Heard:
    token = f"t-{call.team}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "test/1",
        "x-sandbox-session": call.name,
        "x-claude-code-agent-id": call.name,
    }
    if call.api == "gemini":
        headers["x-goog-api-key"] = token
    else:
        headers["Authorization"] = f"Bearer {token}"
    url = f"http://127.0.0.1:{device.port}/s/{token}{call.path}"
    sent, began = msgspec.json.encode(call.body), asyncio.get_running_loop().time()
    try:
        async with device.client.post(url, data=sent, headers=headers) as got:
            body = await got.read()
            after_s = asyncio.get_running_loop().time() - began
            return Heard(got.status, body, after_s)
    except aiohttp.ClientError:
        return Heard()
