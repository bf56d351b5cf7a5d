"""`agentspend adjust`: a person lowers a charge that was an estimate, and the ledger says so."""

import json
import sys

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command, spend
from tests.support.process import Home

CUT = {"behaviour": {"output_tokens": 100, "fail": "cut", "cut_after_tokens": 10}, "stream": True}


@pytest.fixture(scope="module")
def charges(house: Home) -> list[dict[str, object]]:
    """One charge by the provider's own usage, and one hold that a crash left open."""
    spend(house)
    return [each for each in house.json("log") if each["kind"] == "settle"]


@pytest.fixture(autouse=True)
def _home(here: Home, charges: list[dict[str, object]]) -> None:
    """Every test here corrects the same ledger."""


def test_the_providers_own_usage_stands(
    agentspend: Command, charges: list[dict[str, object]]
) -> None:
    """A charge that rests on the provider's usage cannot be lowered, whoever asks."""
    ran = agentspend("adjust", str(charges[0]["rid"]), "--to", "0", "--yes")
    assert ran.code == ExitCode.FAILED
    assert "was charged by the provider's own usage" in ran.err
    assert "→ only estimates can be adjusted" in ran.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["r_none"], ExitCode.USAGE, "no charge for request 'r_none'"),
        (["r_none", "--to", "cheap"], ExitCode.USAGE, "'cheap' is not an amount of dollars"),
    ],
)
def test_what_cannot_be_adjusted(
    agentspend: Command, words: list[str], code: int, said: str
) -> None:
    """An unknown request and a wrong amount are told apart."""
    ran = agentspend("adjust", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


class Books:
    """A daemon with one estimate of $2.00."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.pools: list[str] = []

    def ask(self, op: str, **fields: object) -> dict[str, object]:
        self.asked.append((op, fields))
        if op == "adjust":
            return {"team_pools": self.pools}
        return {"rid": "r_1", "charged_nusd": 2 * 10**9, "evidence": "crash_upper_bound"}


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    """In place of the daemon."""
    found = Books()
    monkeypatch.setattr("agentspend.cli.access.ask", found.ask)
    return found


def test_an_estimate_is_lowered(agentspend: Command, books: Books) -> None:
    """What it rests on is told before, and the reason goes into the entry."""
    ran = agentspend("adjust", "r_1", "--to", "0.11", "--reason", "the bill says so", "--yes")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        "request r_1 is charged $2.00: the daemon died while it ran, so the whole hold was charged",
        "request r_1 is now charged $0.11",
    ]
    assert books.asked[-1] == (
        "adjust", {"rid": "r_1", "amount_nusd": 110_000_000, "reason": "the bill says so"},
    )  # fmt: skip


def test_what_a_team_keeps_is_asked_for(agentspend: Command, books: Books) -> None:
    """Its cap counts the estimate until a lead gives it back: the command is ready to copy."""
    books.pools = ["org.month"]
    ran = agentspend("adjust", "r_1", "--to", "0.11", "--yes")
    assert ran.err.splitlines()[2:] == [
        "your team's org.month keeps the $1.89 as spent until a lead gives it back",
        "→ agentspend team request 1.89 --pool org.month --reason 'r_1 was charged an estimate'",
    ]


def test_without_a_person_nothing_changes(
    agentspend: Command, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script must say --yes; the command that would is given, ready to copy."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    ran = agentspend("adjust", "r_1", "--to", "0.11")
    assert ran.code == ExitCode.USAGE
    assert ran.err.endswith("→ agentspend adjust r_1 --to 0.11 --yes\n")
    assert [op for op, _ in books.asked] == ["charge"]


def test_entries_of_an_adjusted_request(house: Home) -> None:
    """An adjust is an entry of its own: the first charge stays in the ledger."""
    lines = house.run("log", "--json", "-n", "0").stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("adjust") == 0
