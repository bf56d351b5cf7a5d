"""How far a leaving is, in words; the command itself is in tests/daemon/test_team_leaving.py."""

from agentspend.cli.team_leave import leaving_text


def test_what_is_left_is_told_in_the_plural_where_it_is_more_than_one() -> None:
    """With what stops it, and with nothing left but the server's word."""
    many = {"in_flight": 2, "held_nusd": 1_500_000_000, "queued": 1}
    said = leaving_text(many, "it is away")
    assert said.endswith("told of 2 requests in flight ($1.50 held) and 1 report: it is away")
    one = {"in_flight": 1, "held_nusd": 0, "queued": 2}
    assert "1 request in flight ($0.00 held) and 2 reports" in leaving_text(one, "")
    assert leaving_text({}, "").endswith("once it is told")
