"""What a device asks for."""

from msgspec.structs import replace

from agentspend.bookkeeper.rooms import Seat
from agentspend.bookkeeper.team import NO_ACCOUNT
from agentspend.core.admission import Ask
from agentspend.core.budgets import Budget
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window, WindowKind
from agentspend.sync.wants import need, needs
from tests.bookkeeper.conftest import bound


def test_the_first_in_line_is_asked_for_in_all_its_pools() -> None:
    """Also where it fits: what it needs there must not be asked back while another is filled."""
    assert needs([(50, {"org": 50, "day": 10})]) == {"org": 50, "day": 50}


def test_who_fits_needs_nothing_and_others_come_after_the_first() -> None:
    """A later request adds only pools that the first does not need."""
    waiting = [(5, {"org": 9}), (50, {"org": 9, "day": 60}), (70, {"org": 9, "web": 1})]
    assert needs(waiting) == {"org": 50, "day": 50, "web": 70}
    assert needs([]) == {}


def test_comfort_is_asked_for_unless_there_is_too_little_for_it() -> None:
    """Then the least that will do."""
    ask = Ask(bound("1"), bound("1"), 32_000, 16_000, 4_000)
    budget = Budget("team:org", 0, Window(WindowKind.TOTAL), Scope())
    seat = Seat(budget, replace(NO_ACCOUNT, limit_nusd=7), grows=True)
    assert need(ask, [seat]) == (1_400_000_000, {"org": 7})
    assert need(ask, [seat, replace(seat, scant=True)])[0] == 1_100_000_000
