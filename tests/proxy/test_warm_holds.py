"""A warm bound trusts what an earlier turn proved: not for a request that reads no such cache."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import Device, budget, message

MARK = {"type": "ephemeral"}
LONG = "word " * 24_000
LIMIT_NUSD = 370_000_000
"""Enough for the long prompt once ($0.30), and once more when it is read from the cache."""


def turn(mark: dict[str, str] | None, **more: Any) -> dict[str, Any]:
    """A long prompt, marked for the cache or not."""
    words = {"type": "text", "text": LONG}
    system = [words if mark is None else {**words, "cache_control": mark}]
    return message(model="claude-opus-5", max_tokens=100, system=system, **more)


@pytest.mark.parametrize(
    ("then", "status"),
    [(turn(MARK), 200), (turn(None), 402), (turn(MARK, speed="fast"), 402)],
    ids=["the same", "without a mark", "at another speed"],
)
async def test_only_who_reads_the_cache_is_held_for_less(
    tmp_path: Path, then: dict[str, Any], status: int
) -> None:
    """Claude's cache is read at marks, and apart by speed: a warm cap holds there too."""
    cap = budget("daily", f"0.{LIMIT_NUSD:09d}", bound="warm")
    async with Device(tmp_path, [cap]) as device:
        assert (await device.post(turn(MARK))).status == 200
        await device.until_idle()
        reply = await device.post(then)
        await device.until_idle()

        assert reply.status == status, reply.body
        assert device.sandbox.bill.total_nusd() <= LIMIT_NUSD
