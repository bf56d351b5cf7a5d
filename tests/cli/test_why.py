"""`agentspend why`: one request's story, whatever became of it, by any id people have at hand."""

import json
from typing import Any

import pytest

from agentspend.cli import why
from tests.cli.conftest import Command, spend
from tests.support.process import Home

REFUSED = {
    "rid": "r_1", "outcome": "refused", "at_us": 0, "entries": [], "reason": "waited",
    "budget": "daily", "spent_nusd": 10**9, "limit_nusd": 2 * 10**9, "held_nusd": 5 * 10**8,
    "needed_nusd": 10**9,
}  # fmt: skip


@pytest.fixture(scope="module")
def sent(house: Home) -> list[dict[str, Any]]:
    """What came back of: one that fits, one the budget refuses, one of an unknown model."""
    done = house.run("budget", "set", "daily", "0.10", "--window", "day")
    assert done.returncode == 0, done.stderr
    return spend(house, {}, {"times": 60_000}, {"model": "claude-nope"}, {"max_tokens": 20_000})


@pytest.fixture(autouse=True)
def _home(here: Home, sent: list[dict[str, Any]]) -> None:
    """Every test here reads the same requests."""


def rids(agentspend: Command) -> list[str]:
    """The ids of the charged requests."""
    lines = agentspend("log", "--json", "-n", "0").out.splitlines()
    return [entry["rid"] for line in lines if (entry := json.loads(line))["kind"] == "settle"]


def test_a_settled_request(agentspend: Command) -> None:
    """Who, the bound, the hold, the budget, each count with its rate, and the cost, in order."""
    ran = agentspend("why", rids(agentspend)[0])
    assert (ran.code, ran.err) == (0, "")
    steps = [line.split()[0] for line in ran.out.splitlines()[1:]]
    assert steps == ["who", "model", "bound", "asked", "hold", "budget", "usage", "usage", "cost",
                     "prices", "entry"]  # fmt: skip
    assert "output 100 at $5 per 1M tokens" in ran.out
    assert "python" in ran.out
    assert "budget     daily: $" in ran.out


def test_tags_stand_beside_who_pays() -> None:
    """Where there are any: a session's, a header's and a repository's alike."""
    told = {**REFUSED, "payer": {"agent": "claude", "tags": ["team=web", "urgent"]}}
    assert why.steps_of(told)[:2] == [("who", "claude"), ("tags", "team=web urgent")]
    assert "tags" not in dict(why.steps_of({**told, "payer": {"agent": "claude"}}))


def test_a_downgrade_is_told_with_the_budget_that_caused_it() -> None:
    """After the model that was asked instead."""
    told = {**REFUSED, "downgraded_from": "claude-opus-5",
            "downgraded_by": "80% of budget daily was spent"}  # fmt: skip
    steps = dict(why.steps_of(told))
    assert steps["downgraded"] == "from claude-opus-5: 80% of budget daily was spent"


def test_in_json(agentspend: Command) -> None:
    """The JSON has the whole story and its entries."""
    found = agentspend("why", rids(agentspend)[0], "--json").json()
    assert (found["v"], found["outcome"]) == (1, "settled")
    assert found["entries"][0]["usage"]["output_tokens"] == 100


def test_a_refused_request_by_the_id_the_agent_showed(
    agentspend: Command, sent: list[dict[str, Any]]
) -> None:
    """The id in a refusal leads to its story: which budget, by how much, and the way out."""
    assert sent[1]["status"] == 400
    shown = sent[1]["id"]
    assert shown.startswith("req_agentspend_")
    ran = agentspend("why", shown)
    assert ran.code == 0
    assert "refused    by budget daily: it could not fit even if" in ran.out
    assert "needed     $" in ran.out
    assert "agentspend budget raise daily AMOUNT" in ran.out
    assert "cost " not in ran.out


@pytest.mark.parametrize("field", ["id", "message"])
def test_by_the_providers_own_id(
    agentspend: Command, sent: list[dict[str, Any]], field: str
) -> None:
    """The provider's id of the request, or of its message, leads to the same story."""
    words = sent[0]["id"] if field == "id" else sent[0]["said"]["id"]
    assert agentspend("why", words).out == agentspend("why", rids(agentspend)[0]).out


def test_by_the_number_of_its_entry(agentspend: Command) -> None:
    """The number at the left of `log` will do."""
    line = next(line for line in agentspend("log").out.splitlines() if " settle " in line)
    assert agentspend("why", line.split()[0]).out.startswith(line.split()[-1])


def test_by_its_beginning(agentspend: Command) -> None:
    """The first letters do while they are one request's; else the candidates are named."""
    first = rids(agentspend)[0]
    assert agentspend("why", first[:-1]).code == 0
    ran = agentspend("why", first[:3])
    assert ran.code == 2
    assert first in ran.err
    assert "→ give more of the id" in ran.err


@pytest.mark.parametrize("words", ["r_zzz", "zzz", "999999", "0"])
def test_nothing_of_that_name(agentspend: Command, words: str) -> None:
    """An id that nothing has is said, with where ids are."""
    ran = agentspend("why", words)
    assert (ran.code, ran.out) == (2, "")
    assert f"no request {words!r} is known" in ran.err
    assert "agentspend log" in ran.err


def told(monkeypatch: pytest.MonkeyPatch, agentspend: Command, story: dict[str, Any]) -> str:
    """How a story is told."""
    monkeypatch.setattr(
        why.access, "ask", lambda op, **_: {"entries": []} if op == "entries" else story
    )
    ran = agentspend("why", "r_1")
    assert ran.code == 0, ran.err
    return ran.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "no room came free while it waited"),
        ({"reason": "line_full"}, "too many requests were waiting"),
        ({"reason": "something_new"}, "by budget daily: something_new"),
        ({"budget": "", "reason": "unknown_model"}, "refused  unknown_model"),
        ({"budget": "", "why": "no price is known"}, "refused  no price is known"),
        ({"outcome": "released", "why": "the provider answered 500 and bills nothing"},
         "released  the provider answered 500 and bills nothing; it cost nothing"),
        ({"outcome": "settled", "held_us": 3_500_000, "arrived_us": 0}, "3.5 s in line"),
        ({"outcome": "settled", "output_limit": 5, "wanted_output": 9}, "to 5 output tokens"),
        ({"outcome": "settled"}, "none applied: metering only"),
        ({"payer": {"project": "[red]acme"}}, "[red]acme"),
    ],
)  # fmt: skip
def test_other_endings(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, change: dict[str, Any], said: str
) -> None:
    """Each way a request can end is told in words, and a name is never taken for markup."""
    assert said in told(monkeypatch, agentspend, {**REFUSED, **change})


def test_an_estimate_that_was_lowered(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """An overrun and an adjustment are lines of their own."""
    charge = {"kind": "settle", "seq": 7, "prev": "ab" * 32, "amount_nusd": 2 * 10**9,
              "billing": "ceiling", "evidence": "crash_upper_bound", "overrun_nusd": 10**8,
              "usage": {"web_search_requests": 2}, "rates": {"web_search": 10**10}}  # fmt: skip
    lowered = {"kind": "adjust", "amount_nusd": -(10**9), "text": "a person said so"}
    story = {**REFUSED, "outcome": "settled", "entries": [charge, lowered]}
    out = told(monkeypatch, agentspend, story)
    assert "web_search 2 at $10 per 1,000" in out
    assert "$2.00 ($2) — ceiling, by crash upper bound" in out
    assert "overrun   $0.10 above the hold" in out
    assert "adjusted  by -$1.00: a person said so" in out
