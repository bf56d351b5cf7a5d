"""Open questions in words: who asks for what, and both answers."""

import pytest

from agentspend.cli.question_lines import told

LINE = {
    "budget": "daily", "source": "", "requests": 1, "agents": ["claude"],
    "lacking_nusd": 1_400_000_000, "ends_ms": 41_900,
}  # fmt: skip


def test_one_request_of_one_agent() -> None:
    """The budget, how much is lacking, how long it waits, and what to type."""
    assert told([LINE]) == [
        "? 1 request of claude asks for $1.40 more of budget daily, 41 s left",
        "  → agentspend budget raise daily 1.4",
        "  → or no: agentspend budget refuse daily",
    ]


@pytest.mark.parametrize(
    ("more", "way"),
    [
        ({"budget": "team:org.month", "request": "r_1f3a"},
         "agentspend-server request approve r_1f3a"),
        ({"budget": "api.daily", "source": "acme/api/.agentspend.toml"},
         "edit that, then there: agentspend budget confirm"),
        ({"requests": 2, "agents": []}, "agentspend budget raise daily"),
    ],
)  # fmt: skip
def test_the_way_out_is_whose_the_budget_is(more: dict[str, object], way: str) -> None:
    """A lead's, a repository's file, or your own."""
    assert way in told([{**LINE, **more}])[1]
