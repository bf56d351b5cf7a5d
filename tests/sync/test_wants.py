"""What a device asks for."""

from agentspend.sync.wants import needs


def test_the_first_in_line_is_asked_for_in_all_its_pools() -> None:
    """Also where it fits: what it needs there must not be asked back while another is filled."""
    assert needs([(50, {"org": 50, "day": 10})]) == {"org": 50, "day": 50}


def test_who_fits_needs_nothing_and_others_come_after_the_first() -> None:
    """A later request adds only pools that the first does not need."""
    waiting = [(5, {"org": 9}), (50, {"org": 9, "day": 60}), (70, {"org": 9, "web": 1})]
    assert needs(waiting) == {"org": 50, "day": 50, "web": 70}
    assert needs([]) == {}
