"""Which budgets and settings are in force: tightening at once, loosening only when confirmed."""

import pytest

from agentspend.core.budgets import Budget
from agentspend.core.errors import AgentspendError
from agentspend.store import entries
from agentspend.wire.entries import decode
from tests.bookkeeper.conftest import Desk, budget

FULL_PRICE, CHEAP = '{"prices":{}}', '{"prices":{"*":{"multiplier":"0.5"}}}'
USD = 10**9


def _declare(desk: Desk, *budgets: Budget, settings: str = FULL_PRICE) -> list[str]:
    waits = desk.do(lambda: desk.adoption.declare(budgets, settings, desk.at))
    return [change.text for change in waits]


def _limit(desk: Desk, name: str = "daily") -> int:
    return next(b.limit_nusd for b in desk.adoption.budgets if b.name == name)


def _policies(desk: Desk) -> list[str]:
    found = [decode(body) for body in entries.bodies(desk.conn)]
    return [str(entry.text) for entry in found if entry.kind == "policy"]


def test_the_first_configuration_is_adopted_whole(desk: Desk) -> None:
    """Nothing was in force, so there is nothing to raise."""
    assert _declare(desk, budget("daily", "5"), settings=CHEAP) == []
    assert (_limit(desk), desk.adoption.settings) == (5 * USD, CHEAP)
    assert _policies(desk) == ["config"]


def test_a_lowered_limit_is_in_force_at_once(desk: Desk) -> None:
    """Also in the account that is already open."""
    _declare(desk, budget("daily", "5"))
    desk.hold(desk.request("0.10", 100))

    assert _declare(desk, budget("daily", "2")) == []

    assert _limit(desk) == 2 * USD
    row = desk.conn.execute("SELECT limit_nusd FROM account").fetchone()
    assert row == (2 * USD,)


def test_a_raise_waits_and_the_old_limit_goes_on_refusing(desk: Desk) -> None:
    """The file alone moves nothing; a person's agreement does."""
    _declare(desk, budget("daily", "1"))

    waits = _declare(desk, budget("daily", "9"))

    assert waits == ["budget daily limit rises from $1.00 to $9.00"]
    assert _limit(desk) == USD
    desk.do(lambda: desk.adoption.confirm(waits, desk.at))
    assert _limit(desk) == 9 * USD
    assert desk.adoption.waits == ()
    assert _policies(desk) == ["config", "confirmed"]


def test_agreement_to_other_changes_than_those_that_wait_is_refused(desk: Desk) -> None:
    """The file may have changed since the person saw it: texts are compared, all of them."""
    _declare(desk, budget("daily", "1"), budget("weekly", "5", "week"))
    shown = _declare(desk, budget("daily", "2"), budget("weekly", "6", "week"))
    _declare(desk, budget("daily", "900"), budget("weekly", "6", "week"))

    for agreed in (shown, shown[:1], [], [*shown, shown[0]]):
        with pytest.raises(AgentspendError, match="changed since"):
            desk.do(lambda agreed=agreed: desk.adoption.confirm(agreed, desk.at))
        desk.conn.execute("ROLLBACK")
    assert _limit(desk) == USD


def test_a_removed_budget_stays_in_force_until_confirmed(desk: Desk) -> None:
    """Taking a cap out of the file is a raise."""
    _declare(desk, budget("daily", "1"))

    waits = _declare(desk)

    assert waits == ["budget daily is removed"]
    assert _limit(desk) == USD
    desk.do(lambda: desk.adoption.confirm(waits, desk.at))
    assert desk.adoption.budgets == ()


def test_cheaper_prices_wait_while_a_hard_budget_is_in_force(desk: Desk) -> None:
    """Half the price is twice the budget by another name."""
    _declare(desk, budget("daily", "1"))

    waits = _declare(desk, budget("daily", "1"), settings=CHEAP)
    assert waits == ['prices."*".multiplier is set to "0.5"']
    assert desk.adoption.settings == FULL_PRICE

    desk.do(lambda: desk.adoption.confirm(waits, desk.at))
    assert desk.adoption.settings == CHEAP


@pytest.mark.parametrize("budgets", [(), (budget("daily", "1", mode="warn"),)])
def test_cheaper_prices_are_adopted_where_nothing_is_capped(
    desk: Desk, budgets: tuple[Budget, ...]
) -> None:
    """No hard budget, nothing to raise."""
    _declare(desk, *budgets)

    assert _declare(desk, *budgets, settings=CHEAP) == []
    assert desk.adoption.settings == CHEAP


RULE = '{"models":[{"deny":["opus"]}]}'
RULES = '{"models":[{"deny":["opus"]}],"rate_limits":[{"rpm":9}]}'


def test_a_rule_that_is_added_holds_at_once_and_one_that_goes_waits(desk: Desk) -> None:
    """Without any budget too: what a rule refuses is not let through by editing the file."""
    _declare(desk, settings="{}")

    assert _declare(desk, settings=RULE) == []
    assert _declare(desk, settings=RULES) == []
    assert desk.adoption.settings == RULES

    for looser, said in (
        (RULE, "rate_limits is removed"),
        ("{}", "models is removed"),
        (RULES.replace("opus", "gpt"), 'models changes from [{"deny": ["opus"]}] to'),
        (RULES.replace("9", "90"), 'rate_limits changes from [{"rpm": 9}] to [{"rpm": 90}]'),
    ):
        assert _declare(desk, settings=looser)[0].startswith(said)
        assert desk.adoption.settings == RULES


def test_a_yes_is_for_what_was_shown(desk: Desk) -> None:
    """A file that changes again between the question and the answer is asked for again."""
    _declare(desk, budget("daily", "1"))
    shown = _declare(desk, budget("daily", "1"), settings=CHEAP)
    _declare(desk, budget("daily", "1"), settings=CHEAP.replace("0.5", "0.0001"))

    with pytest.raises(AgentspendError, match="changed since"):
        desk.do(lambda: desk.adoption.confirm(shown, desk.at))


def test_a_rule_beside_a_cheaper_price_waits_with_it(desk: Desk) -> None:
    """Settings are adopted whole."""
    _declare(desk, budget("daily", "1"))

    both = CHEAP[:-1] + ',"models":[{"deny":["opus"]}]}'
    assert _declare(desk, budget("daily", "1"), settings=both) == [
        'models is set to [{"deny": ["opus"]}]',
        'prices."*".multiplier is set to "0.5"',
    ]
    assert desk.adoption.settings == FULL_PRICE


def test_the_same_configuration_again_writes_nothing(desk: Desk) -> None:
    """A reload without a change leaves no entry."""
    _declare(desk, budget("daily", "1"))
    _declare(desk, budget("daily", "1"))

    assert _policies(desk) == ["config"]


def test_a_budget_set_by_command_is_adopted_alone(desk: Desk) -> None:
    """`budget set daily` agrees to that budget; what else waits in the file goes on waiting."""
    _declare(desk, budget("daily", "1"), budget("weekly", "5", "week"))
    _declare(desk, budget("daily", "3"), budget("weekly", "50", "week"), settings=CHEAP)

    desk.do(lambda: desk.adoption.set_one("daily", budget("daily", "3"), desk.at))

    assert (_limit(desk), _limit(desk, "weekly")) == (3 * USD, 5 * USD)
    assert [change.budget for change in desk.adoption.waits] == ["weekly", ""]
    assert desk.adoption.settings == FULL_PRICE


def test_a_command_removes_one_budget(desk: Desk) -> None:
    """None stands for removal."""
    _declare(desk, budget("daily", "1"), budget("weekly", "5", "week"))
    _declare(desk, budget("weekly", "5", "week"))

    desk.do(lambda: desk.adoption.set_one("daily", None, desk.at))

    assert [b.name for b in desk.adoption.budgets] == ["weekly"]
    assert desk.adoption.waits == ()


def test_a_command_that_does_not_say_what_the_file_says_is_refused(desk: Desk) -> None:
    """Between edit and adoption somebody else wrote the file."""
    _declare(desk, budget("daily", "1"))
    _declare(desk, budget("daily", "9"))

    with pytest.raises(AgentspendError, match="something else"):
        desk.do(lambda: desk.adoption.set_one("daily", budget("daily", "3"), desk.at))
    desk.conn.execute("ROLLBACK")
    with pytest.raises(AgentspendError, match="changed meanwhile"):
        desk.do(lambda: desk.adoption.set_settings(CHEAP, desk.at))
    desk.conn.execute("ROLLBACK")

    assert (_limit(desk), desk.adoption.settings) == (USD, FULL_PRICE)


def test_settings_set_by_command_raise_no_budget(desk: Desk) -> None:
    """`prices set` agrees to prices, not to the raise that waits beside them."""
    _declare(desk, budget("daily", "1"))
    _declare(desk, budget("daily", "9"), settings=CHEAP)

    desk.do(lambda: desk.adoption.set_settings(CHEAP, desk.at))

    assert (_limit(desk), desk.adoption.settings) == (USD, CHEAP)
    assert [change.budget for change in desk.adoption.waits] == ["daily"]


def test_what_was_adopted_survives_a_restart_and_what_waits_does_not(desk: Desk) -> None:
    """The ledger says what is in force; the file is asked again."""
    _declare(desk, budget("daily", "1"))
    _declare(desk, budget("daily", "9"), settings=CHEAP)
    held = desk.hold(desk.request("0.01", 100))
    desk.settle(held.rid, "0.50")  # type: ignore[union-attr]

    again = Desk(desk.path)

    assert (_limit(again), again.adoption.settings) == (USD, FULL_PRICE)
    assert again.adoption.waits == ()
    assert len(_declare(again, budget("daily", "9"), settings=CHEAP)) == 2
    again.hold(again.request("0.01", 100, payer=None))
    assert again.account("daily")[0] == USD // 2


def test_a_budget_that_measures_something_else_starts_from_the_ledger(desk: Desk) -> None:
    """A new window is a new account, which already knows what was spent in it."""
    _declare(desk, budget("daily", "5"))
    held = desk.hold(desk.request("0.01", 100))
    desk.settle(held.rid, "0.50")  # type: ignore[union-attr]
    moved = budget("daily", "5", "week")
    waits = _declare(desk, moved)

    desk.do(lambda: desk.adoption.confirm(waits, desk.at))
    desk.hold(desk.request("0.01", 100))

    rows = desk.conn.execute("SELECT generation, spent_nusd FROM account ORDER BY id").fetchall()
    assert [row[1] for row in rows] == [USD // 2, USD // 2]
    assert rows[0][0] != rows[1][0]


def test_two_budgets_of_one_name_are_refused_and_nothing_changes(desk: Desk) -> None:
    """Their accounts would be one."""
    _declare(desk, budget("daily", "1"))

    with pytest.raises(AgentspendError, match="two budgets"):
        _declare(desk, budget("daily", "1"), budget("daily", "2"))
    desk.conn.execute("ROLLBACK")

    assert _limit(desk) == USD
