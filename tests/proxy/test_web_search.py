"""Claude Code's web search is held for the whole window in each of its runs, and says so."""

from pathlib import Path
from typing import Any

from agentspend.bookkeeper import snapshot
from tests.support.desk import Device, budget, message

USES = 8
"""What Claude Code 2.1 allows its search, read in its program."""
OPUS_WINDOW_USD = 36
"""(8 + 1) runs × 1,000,000 tokens × $4 a million."""


def search() -> dict[str, Any]:
    """The request that its WebSearch tool makes."""
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": USES}
    return message(model="claude-opus-5-5", max_tokens=32_000, tools=[tool])


async def test_a_refused_one_says_why_and_what_makes_it_less(tmp_path: Path) -> None:
    """The figure alone, beside a prompt of one line, looks like a defect."""
    async with Device(tmp_path, [budget("daily", str(OPUS_WINDOW_USD))]) as device:
        reply = await device.post(search())
        assert reply.status == 402
        said = reply.error["message"]
        assert f"can cost ${OPUS_WINDOW_USD}." in said
        assert "what its web search brings in may fill the model's whole window" in said
        assert "in each of 9 runs: without it, with fewer uses of it, or on a cheaper" in said


async def test_why_says_what_its_bound_rests_on(tmp_path: Path) -> None:
    """Its bytes bound nothing."""
    async with Device(tmp_path, [budget("daily", str(OPUS_WINDOW_USD + 1))]) as device:
        assert (await device.post(search())).status == 200
        (entry,) = await device.ledger()
        rid = entry["rid"]
        story = await device.bookkeeper.ask(lambda books, _: snapshot.why(books, rid))
    assert story["basis"] == "the model's whole window, in each of 9 runs"
    assert story["input_tokens_bound"] == 9_000_000
