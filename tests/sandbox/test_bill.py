"""The bill and its file."""

import json
from fractions import Fraction
from pathlib import Path

import aiohttp
import pytest

from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.bill import Bill
from agentspend.sandbox.model import Answer, answer
from agentspend.sandbox.server import Sandbox

from .conftest import Client, ManualTime, body


def made(number: int = 1, output: int = 10) -> Answer:
    how = Behaviour(usage=PromptUsage(input_tokens=100), output_tokens=output)
    found = answer(body(), how, number=number)
    assert isinstance(found, Answer)
    return found


def test_an_open_row_owes_its_input(tmp_path: Path) -> None:
    """The file has the input's cost before the answer, and the whole after it."""
    path = tmp_path / "bill.jsonl"
    bill, found = Bill(path), made()
    row = bill.open(found, "s", 1.5)
    assert Bill.read(path).total() == Fraction(100 * 4, 1_000_000)
    bill.end(row, found.usage, found.usd(), "ok")
    assert Bill.read(path).total() == bill.total() == Fraction(100 * 4 + 10 * 20, 1_000_000)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["open", "end"]
    assert lines[1]["usd"] == "3/5000"
    assert lines[1]["nusd_up"] == 600_000
    assert lines[1]["session"] == "s"
    assert lines[1]["ts"] == 1.5


def test_a_line_still_being_written_is_not_there_yet(tmp_path: Path) -> None:
    """Reading beside a writer never fails on half a line."""
    path = tmp_path / "bill.jsonl"
    bill, found = Bill(path), made()
    bill.open(found, "", 0.0)
    with path.open("ab") as file:
        file.write(b'{"event":"end","n":1,')
    assert Bill.read(path).total() == found.usd_at_start()


def test_amounts_are_exact_and_rounded_up_apart() -> None:
    """A third of a nano-dollar is kept in the fraction and counts as one in the rounded sum."""
    bill = Bill()
    for number in (1, 2, 3):
        row = bill.open(made(number), "", 0.0)
        bill.end(row, row.usage, Fraction(1, 3 * 10**9), "ok")
    assert bill.total() == Fraction(1, 10**9)
    assert bill.total_nusd() == 3


def test_a_bill_goes_on_where_it_ended(tmp_path: Path) -> None:
    """A second run on the same file adds to it, with numbers of its own."""
    path = tmp_path / "bill.jsonl"
    first = Bill(path)
    assert first.next_number == 1
    first.open(made(4), "", 0.0)
    first.close()
    second = Bill(path)
    assert second.next_number == 5
    second.open(made(5), "", 0.0)
    assert len(Bill.read(path).rows) == 2


async def test_the_file_of_a_server_is_its_bill(tmp_path: Path, time: ManualTime) -> None:
    """After streams, JSON, a refusal and an error the file sums to the bill in memory."""
    path = tmp_path / "bill.jsonl"
    async with (
        Sandbox(clock=time.clock, sleep=time.sleep, bill_path=path) as sandbox,
        aiohttp.ClientSession() as http,
    ):
        client = Client(sandbox, http)
        sandbox.behave_next(Behaviour(), Behaviour(refusal=True), Behaviour(error_after_events=3))
        for _ in range(3):
            await client.stream(body())
        await client.post(body())
        read = Bill.read(path)
        assert [row.outcome for row in read.rows] == ["ok", "refusal", "error", "ok"]
        assert read.rows == sandbox.bill.rows
        assert read.total() == sandbox.bill.total() > 0
        assert read.rows[1].usd == 0


def test_a_line_that_is_not_ours_is_an_error(tmp_path: Path) -> None:
    """A damaged bill is no truth to compare with."""
    path = tmp_path / "bill.jsonl"
    path.write_text("nonsense\n")
    with pytest.raises(ValueError):
        Bill.read(path)
