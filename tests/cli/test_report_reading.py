"""The sums of a report come page by page, in whole quarters of an hour."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import tzlocal

from agentspend.cli.report_reading import opening, rows
from agentspend.core.windows import QUARTER_US
from agentspend.reports.periods import Period


class Answers:
    """Who holds two pages of sums; what it was asked."""

    def __init__(self, zone: str = "Europe/Berlin") -> None:
        self.zone = zone
        self.asked: list[dict[str, Any]] = []

    def __call__(self, op: str, **fields: Any) -> dict[str, Any]:
        assert op == "spending"
        if not fields:
            return {"now_us": 5, "zone": self.zone, "extent": [1, 3], "held_nusd": 7,
                    "held_requests": 1}  # fmt: skip
        self.asked.append(fields)
        row = ["billed", "web", 9, 0, 1, 2, 3, 4, 5]
        following = 8 if fields["since"] < 8 else None
        return {"names": ["counted", "project"], "rows": [row], "next": following}


def test_every_page_is_read() -> None:
    """From the quarter the period begins in up to the one it ends in."""
    ask = Answers()
    period = Period(2 * QUARTER_US, 9 * QUARTER_US + 1)
    found = list(rows(ask, {"project"}, period))
    assert [said["project"] for said, _ in found] == ["web", "web"]
    assert found[0][1].billed_nusd == 9
    assert [(each["since"], each["until"]) for each in ask.asked] == [(2, 10), (8, 10)]
    assert list(rows(ask, (), Period(0, None)))
    assert ask.asked[-1]["until"] is None


@pytest.mark.parametrize(
    ("name", "zone"),
    [("Asia/Kathmandu", ZoneInfo("Asia/Kathmandu")), ("UTC", UTC),
     ("local", tzlocal.get_localzone()), ("/etc", tzlocal.get_localzone())],
)  # fmt: skip
def test_days_are_those_of_the_configuration(name: str, zone: object) -> None:
    """By its zone's name; a machine whose zone has none, and so cannot be told, uses its own."""
    found = opening(Answers(name))
    assert found.zone == zone
    assert found.extent_us == (QUARTER_US, 3 * QUARTER_US)
    assert (found.held_nusd, found.held_requests) == (7, 1)
