"""Accounts: the limit holds in the table itself."""

import sqlite3
from sqlite3 import Connection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend import db
from agentspend.store import accounts, holds
from agentspend.store.accounts import Account
from agentspend.store.schema import INITIAL, MIGRATIONS

from .conftest import USD, open_account


def amounts(conn: Connection, account: Account) -> tuple[int, int, int]:
    """(spent, held, over) now."""
    found = accounts.by_id(conn, account.id)
    return found.spent_nusd, found.held_nusd, found.over_nusd


def test_a_hold_fits_to_the_last_nano_dollar_and_no_further(
    conn: Connection, account: Account
) -> None:
    """The refused one leaves the account as it was."""
    assert accounts.take(conn, account.id, USD - 1)
    assert not accounts.take(conn, account.id, 2)
    assert accounts.take(conn, account.id, 1)
    assert not accounts.take(conn, account.id, 1)
    assert amounts(conn, account) == (0, USD, 0)


def test_a_negative_hold_is_an_error(conn: Connection, account: Account) -> None:
    """It would free what others hold."""
    accounts.take(conn, account.id, USD)
    with pytest.raises(AssertionError):
        accounts.take(conn, account.id, -1)


def test_a_budget_that_warns_takes_everything(conn: Connection) -> None:
    """And says how far it is past its limit."""
    warn = open_account(conn, mode="warn")
    assert accounts.take(conn, warn.id, 5 * USD)
    accounts.move(conn, warn.id, held_nusd=-5 * USD, spent_nusd=5 * USD)
    assert amounts(conn, warn) == (5 * USD, 0, 4 * USD)


@pytest.mark.parametrize(
    "change",
    [
        "held_nusd = 1000000001",
        "spent_nusd = 1000000001",
        "limit_nusd = -1",
        "held_nusd = -1",
        "spent_nusd = -1",
        "over_nusd = -1",
        "mode = 'Hard'",
        "mode = ''",
    ],
)
def test_the_table_refuses_what_no_code_may_do(
    conn: Connection, account: Account, change: str
) -> None:
    """Past the limit, below zero, or a mode that would switch the limit off."""
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        conn.execute(f"UPDATE account SET {change} WHERE id = ?", (account.id,))


def test_an_excess_is_kept_apart_and_goes_as_it_came(conn: Connection, account: Account) -> None:
    """An overrun is written down; a correction takes it back."""
    accounts.take(conn, account.id, USD)
    accounts.move(conn, account.id, held_nusd=-USD, spent_nusd=USD + 250)
    assert amounts(conn, account) == (USD + 250, 0, 250)
    assert accounts.by_id(conn, account.id).free_nusd == 0
    assert not accounts.take(conn, account.id, 0)
    accounts.move(conn, account.id, spent_nusd=-300)
    assert amounts(conn, account) == (USD - 50, 0, 0)
    assert accounts.take(conn, account.id, 50)


def test_a_correction_never_makes_a_budget_larger(conn: Connection, account: Account) -> None:
    """Giving back more than was spent leaves it at nothing spent."""
    accounts.move(conn, account.id, spent_nusd=10)
    accounts.move(conn, account.id, spent_nusd=-25)
    assert amounts(conn, account) == (0, 0, 0)
    assert not accounts.take(conn, account.id, USD + 1)
    assert open_account(conn, "other", spent_nusd=-5).spent_nusd == 0


def test_a_lower_limit_holds_at_once_and_keeps_what_is_past_it(
    conn: Connection, account: Account
) -> None:
    """Nothing in flight is cut; nothing new gets in."""
    accounts.take(conn, account.id, 600)
    accounts.set_limit(conn, account.id, 500, "hard")
    assert amounts(conn, account) == (0, 600, 100)
    assert not accounts.take(conn, account.id, 1)
    accounts.set_limit(conn, account.id, 700, "hard")
    assert accounts.take(conn, account.id, 100)


def test_an_account_opens_with_what_is_past_its_limit(conn: Connection) -> None:
    """A budget set after the money was spent starts over its limit, and says by how much."""
    late = open_account(conn, limit_nusd=100, spent_nusd=130, held_nusd=20)
    assert (late.over_nusd, late.free_nusd) == (50, 0)


def test_one_account_for_each_budget_generation_and_window(
    conn: Connection, account: Account
) -> None:
    """A second one of the same window would be a second limit."""
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        open_account(conn)
    newer = open_account(conn, generation=2)
    later = open_account(conn, window_key="2026-11-26", starts_us=100, ends_us=200)
    assert accounts.find(conn, "daily", 2, "2026-11-25") == newer
    assert accounts.find(conn, "daily", 3, "2026-11-25") is None
    assert accounts.of_budget(conn, "daily", 1) == [later, account]


def test_a_rolling_window_lets_go_of_exactly_what_left_it(conn: Connection) -> None:
    """A charge at the window's first moment is out, one a microsecond later is in."""
    rolling = open_account(conn, window_key="rolling", ends_us=None)
    for at_us, nusd in ((100, 7), (101, 11), (101, -4), (200, 13)):
        accounts.add_charge(conn, rolling.id, at_us, nusd)
    accounts.roll(conn, rolling.id, 99)
    assert amounts(conn, rolling) == (27, 0, 0)
    accounts.roll(conn, rolling.id, 100)
    assert amounts(conn, rolling) == (20, 0, 0)
    assert accounts.first_charge_us(conn, rolling.id) == 101
    accounts.roll(conn, rolling.id, 200)
    assert amounts(conn, rolling) == (0, 0, 0)
    assert accounts.first_charge_us(conn, rolling.id) is None


def test_when_enough_has_left_a_rolling_window(conn: Connection) -> None:
    """Charges and open holds by the moment of their hold, oldest first, until they come to it."""
    rolling = open_account(conn, window_key="rolling", ends_us=None)
    for at_us, nusd in ((100, 7), (300, 13)):
        accounts.add_charge(conn, rolling.id, at_us, nusd)
    holds.insert(conn, holds.Hold("r_1", 50, 200, "s", b"{}"), {rolling.id: 11})
    wanted = (1, 7, 8, 18, 19, 31, 32)
    found = [accounts.enough_us(conn, rolling.id, nusd) for nusd in wanted]
    assert found == [100, 100, 200, 200, 300, 300, None]
    assert accounts.charged_until_nusd(conn, rolling.id, 299) == 7
    assert accounts.charged_until_nusd(conn, rolling.id, 300) == 20


def test_a_charge_of_nothing_makes_no_room_when_it_leaves(conn: Connection) -> None:
    """Nobody is woken for it."""
    rolling = open_account(conn, window_key="rolling", ends_us=None)
    accounts.add_charge(conn, rolling.id, 100, 0)
    assert accounts.first_charge_us(conn, rolling.id) is None


def test_the_accounts_of_one_session_fullest_first(conn: Connection) -> None:
    """Keys that only begin alike are another session's."""
    for key, spent in (("subagent:s:a", 1), ("subagent:s:b", 3), ("subagent:s2:c", 9),
                       ("subagent:s:", 2), ("session:s", 9)):  # fmt: skip
        open_account(conn, window_key=key, spent_nusd=spent)
    found = accounts.of_keys(conn, "daily", 1, "subagent:s:", 2)
    assert [each.window_key for each in found] == ["subagent:s:b", "subagent:s:"]


def test_rolling_keeps_holds_and_restates_the_excess(conn: Connection) -> None:
    """Only spending ages; a hold counts until it ends."""
    rolling = open_account(conn, window_key="rolling", ends_us=None, held_nusd=USD)
    accounts.add_charge(conn, rolling.id, 10, 300)
    accounts.roll(conn, rolling.id, 0)
    assert amounts(conn, rolling) == (300, USD, 300)
    accounts.roll(conn, rolling.id, 10)
    assert amounts(conn, rolling) == (0, USD, 0)


def test_a_lone_correction_in_a_rolling_window_is_no_credit(conn: Connection) -> None:
    """Negative charges alone never make room."""
    rolling = open_account(conn, window_key="rolling", ends_us=None)
    accounts.add_charge(conn, rolling.id, 10, -300)
    accounts.roll(conn, rolling.id, 0)
    assert amounts(conn, rolling) == (0, 0, 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "settle", "release", "correct", "limit"]), st.integers(0, 150)
    ),
    max_size=25,
)


@given(STEPS)
def test_no_history_lets_a_hold_past_the_limit(steps: list[tuple[str, int]]) -> None:
    """Whatever happens before, a hold is taken exactly when it fits."""
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.executescript(INITIAL)
    account = open_account(conn, limit_nusd=100)
    held: list[int] = []
    spent, limit = 0, 100
    for step, nusd in steps:
        if step == "take":
            fits = spent + sum(held) + nusd <= limit
            assert accounts.take(conn, account.id, nusd) is fits
            held += [nusd] if fits else []
        elif step in ("settle", "release") and held:
            share = held.pop()
            cost = nusd if step == "settle" else 0
            accounts.move(conn, account.id, held_nusd=-share, spent_nusd=cost)
            spent += cost
        elif step == "correct":
            accounts.move(conn, account.id, spent_nusd=-nusd)
            spent = max(0, spent - nusd)
        elif step == "limit":
            accounts.set_limit(conn, account.id, nusd, "hard")
            limit = nusd
        over = max(0, spent + sum(held) - limit)
        assert amounts(conn, account) == (spent, sum(held), over)
    conn.close()


def test_the_largest_limit_and_what_is_spent_past_it_are_exact(conn: Connection) -> None:
    """At the top of the range no sum wraps or turns into a float."""
    top = 2**53 - 1
    large = open_account(conn, limit_nusd=top)
    assert accounts.take(conn, large.id, top)
    accounts.move(conn, large.id, held_nusd=-top, spent_nusd=2**62)
    assert amounts(conn, large) == (2**62, 0, 2**62 - top)
    assert db.version(conn) == len(MIGRATIONS)
