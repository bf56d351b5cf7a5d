"""The simulation sees what it is there to see: each planted mistake is found within a few runs."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace

from agentspend.bookkeeper import books
from agentspend.bookkeeper.line import Line
from agentspend.bookkeeper.rooms import Rooms
from agentspend.core import admission, conversation, pricebook
from agentspend.proxy import charging, ending, exchange, ladder
from agentspend.store import accounts, holds
from tests.simulation.scenario import scenario
from tests.simulation.virtual import Stuck
from tests.simulation.world import simulate

pytestmark = pytest.mark.bounded
SEEDS = (*range(2_000, 2_008), 2_032)
Plant = Callable[[], AbstractContextManager[Any]]


def _the_held_money_is_forgotten() -> AbstractContextManager[Any]:
    best = admission.Room.best_nusd
    return mock.patch.object(admission.Room, "free_nusd", best)


def _the_limit_is_not_checked() -> AbstractContextManager[Any]:
    """Neither in the decision nor in the SQL, nor by the table."""

    def take(conn: Any, account_id: int, amount_nusd: int) -> bool:
        conn.execute("PRAGMA ignore_check_constraints=ON")
        conn.execute(
            "UPDATE account SET held_nusd = held_nusd + ? WHERE id = ?", (amount_nusd, account_id)
        )
        return True

    free = property(lambda room: room.limit_nusd)
    return _all(
        mock.patch.object(admission.Room, "free_nusd", free),
        mock.patch.object(admission.Room, "best_nusd", free),
        mock.patch.object(accounts, "take", take),
    )


def _a_settle_charges_nothing() -> AbstractContextManager[Any]:
    settle = books.Books.settle

    def free(self: Any, settlement: Any, at: Any) -> int:
        return settle(self, replace(settlement, amount_nusd=0), at)

    return mock.patch.object(books.Books, "settle", free)


def _a_shrink_forgets_a_share() -> AbstractContextManager[Any]:
    """The hold's own amount falls, its share of the accounts does not."""
    return mock.patch.object(holds, "accounts_of", _only_when_it_ends(holds.accounts_of))


def _without_output(shrunk: Any) -> Any:
    def input_only(so_far: Any, asked: Any, held: Any, book: Any) -> int:
        return int(shrunk(so_far, asked, replace(held, output_tokens=0), book))

    return input_only


def _a_shrink_forgets_the_output() -> AbstractContextManager[Any]:
    shrunk = exchange.shrunk_nusd
    return mock.patch.object(exchange, "shrunk_nusd", _without_output(shrunk))


def _a_shrink_forgets_the_account() -> AbstractContextManager[Any]:
    return mock.patch.object(holds, "shrink_account")


def _bytes_are_bounded_by_a_quarter() -> AbstractContextManager[Any]:
    found = ladder.input_tokens_bound
    return mock.patch.object(ladder, "input_tokens_bound", lambda *a: found(*a) // 4)


def _a_cache_write_is_bounded_as_input() -> AbstractContextManager[Any]:
    bound = pricebook.PriceBook.bound

    def cheap(self: Any, provider: str, facts: Any, *rest: Any) -> Any:
        return bound(self, provider, replace(facts, cache_ttl=""), *rest)

    return mock.patch.object(pricebook.PriceBook, "bound", cheap)


def _a_broken_stream_costs_what_was_seen() -> AbstractContextManager[Any]:
    return mock.patch.object(charging, "output_upper_bound", return_value=1)


def _a_broken_stream_costs_nothing() -> AbstractContextManager[Any]:
    def only_whole(ended: Any, book: Any) -> Any:
        return charging.settlement(ended, book) if ended.complete else None

    return mock.patch.object(ending, "settlement", only_whole)


def _nobody_waits() -> AbstractContextManager[Any]:
    decide = books.decide

    def hasty(ask: Any, rooms: Any, *, patient: bool, behind: str = "") -> Any:
        return decide(ask, rooms, patient=False, behind=behind)

    return mock.patch.object(books, "decide", hasty)


def _held_money_counts_as_spent() -> AbstractContextManager[Any]:
    return mock.patch.object(admission.Room, "best_nusd", admission.Room.free_nusd)


def _the_line_is_not_kept() -> AbstractContextManager[Any]:
    return mock.patch.object(Line, "ahead", return_value="")


def _nobody_is_woken() -> AbstractContextManager[Any]:
    return mock.patch.object(books.Books, "wake")


def _what_rolls_out_wakes_nobody() -> AbstractContextManager[Any]:
    return mock.patch.object(Rooms, "rolls_us", return_value=None)


def _the_count_is_trusted_to_the_token() -> AbstractContextManager[Any]:
    return _all(
        mock.patch.object(ladder, "COUNT_MARGIN_TOKENS", 0),
        mock.patch.object(ladder, "COUNT_MARGIN_PERCENT", 0),
    )


def _a_known_answer_is_forgotten() -> AbstractContextManager[Any]:
    """The next turn's bound leaves out what was added since."""
    return mock.patch.object(
        conversation.Known, "input_tokens_bound", lambda known: known.turn.prompt_tokens
    )


PLANTS: list[Plant] = [
    _the_held_money_is_forgotten, _the_limit_is_not_checked, _a_settle_charges_nothing,
    _a_shrink_forgets_a_share, _a_shrink_forgets_the_output, _a_shrink_forgets_the_account,
    _bytes_are_bounded_by_a_quarter, _a_cache_write_is_bounded_as_input,
    _a_broken_stream_costs_what_was_seen, _a_broken_stream_costs_nothing, _nobody_waits,
    _held_money_counts_as_spent, _the_line_is_not_kept, _nobody_is_woken,
    _what_rolls_out_wakes_nobody, _the_count_is_trusted_to_the_token, _a_known_answer_is_forgotten,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_mistake_is_found(tmp_path: Path, plant: Plant) -> None:
    """At least one of a handful of seeds says what is wrong."""
    for seed in SEEDS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            with plant():
                verdict = simulate(scenario(seed), folder)
        except Stuck:
            return
        if verdict.faults:
            print(seed, verdict.faults[0][:300])
            return
    raise AssertionError("nobody noticed")


def _only_when_it_ends(real: Any) -> Any:
    """What a hold took, except while it shrinks: then its first account is left out."""

    def found(conn: Any, rid: str) -> Any:
        shares = real(conn, rid)
        frame = inspect.currentframe()
        caller = frame.f_back.f_code.co_name if frame and frame.f_back else ""
        return shares[1:] if caller == "shrink" else shares

    return found


class _all(AbstractContextManager[Any]):  # noqa: N801 - reads like a function
    def __init__(self, *patches: Any) -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for patch in self._patches:
            patch.start()

    def __exit__(self, *_: object) -> None:
        for patch in self._patches:
            patch.stop()
