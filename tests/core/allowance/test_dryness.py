"""For whom nobody waits, and for how long."""

from agentspend.core.allowance.dryness import (
    AWAY_US,
    COMES_WITHIN_US,
    COMING_US,
    DRY_US,
    LAST_COMING_US,
    SURPLUS_US,
    UNHEARD_US,
    Dryness,
)
from agentspend.core.allowance.messages import NOTHING, Answer, Lacking, Status, Told, Want

NEED = Want("org", need_nusd=50)
HOUR_US = 3_600_000_000


def answer(lacking: Lacking, ends_us: int | None = None) -> Answer:
    """An answer about one pool, at 1,000."""
    told = Told("org", 3, 10, None, ends_us, lacking)
    return Answer("d", "i", "n", 1, 1, 1_000, Status.ACTIVE, NOTHING, False, (told,), 1, "", "")


def listening() -> Dryness:
    """Of a device that has a line to the server open."""
    made = Dryness()
    made.listens = True
    return made


def dried(dryness: Dryness, mono_us: int, ends_us: int | None = None) -> None:
    """The server has neither enough for comfort nor the least."""
    assert dryness.answered(answer(Lacking.DRY, ends_us), [NEED], {"org": 0}, mono_us)
    assert not dryness.answered(answer(Lacking.DRY, ends_us), [NEED], {"org": 0}, mono_us)


def test_what_the_server_has_not_got_is_dry_for_a_while() -> None:
    """And only that, whatever is said of others, until there is more or the policy is another."""
    dryness = listening()
    dried(dryness, 0)
    assert not dryness.answered(answer(Lacking.NOTHING), [Want("web")], {"org": 9, "web": 0}, 0)
    assert dryness.is_dry("org", DRY_US - 1)
    assert not dryness.is_dry("org", DRY_US)
    assert not dryness.is_dry("web", 0)
    dryness.answered(answer(Lacking.NOTHING), [], {}, 5)
    assert dryness.is_dry("org", 5)
    dryness.answered(answer(Lacking.NOTHING), [NEED], {"org": 50}, 5)
    assert not dryness.is_dry("org", 5)
    dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 5)
    assert dryness.is_dry("org", 5)
    dryness.forget()
    assert not dryness.is_dry("org", 5)
    assert not dryness.is_scant("org", 5)


def test_what_is_too_little_for_comfort_is_asked_for_less_of() -> None:
    """At once, before anybody is refused; for a while nobody asks for more than the least."""
    dryness = listening()
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 100)
    assert not dryness.is_dry("org", 100)
    assert not dryness.is_coming("org", 100)
    assert dryness.is_scant("org", 100 + DRY_US - 1)
    assert not dryness.is_scant("org", 100 + DRY_US)
    assert not dryness.is_scant("web", 100)
    dryness.returned(["org"])
    assert not dryness.is_scant("org", 100)


def test_whom_nobody_tells_of_more_asks_again_soon() -> None:
    """Without a line a raise of the cap is heard of only by asking; also when the line broke after
    the pool was found dry. A line that opens makes nothing dry that was not."""
    dryness = Dryness()
    dried(dryness, 100)
    assert dryness.is_dry("org", 100 + UNHEARD_US - 1)
    assert not dryness.is_dry("org", 100 + UNHEARD_US)
    dryness.listens = True
    assert dryness.is_dry("org", 100 + UNHEARD_US)
    assert not dryness.is_dry("org", 100 + DRY_US)
    assert not dryness.is_dry("web", 100)


def test_an_answer_from_before_the_policy_in_force_makes_nothing_dry() -> None:
    """It was given before a cap was raised and comes after the word of the raise: ask again."""
    dryness = listening()
    for _ in range(3):
        assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 0, policy=2)
        assert not dryness.is_dry("org", 0)
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 0}, 0, policy=1)
    assert not dryness.answered(answer(Lacking.DRY), [NEED], {"org": 0}, 0, policy=1)
    assert dryness.is_dry("org", 0)


def test_what_was_granted_in_vain_is_reported_once_more_and_soon() -> None:
    """So that the server asks it back; not at every answer to a request that goes on waiting for a
    person, and not where nothing lies here."""
    dryness = listening()
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 0)
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 0) == SURPLUS_US
    assert dryness.is_dry("org", 0)
    assert not dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, SURPLUS_US)
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 2 * DRY_US) == COMING_US
    assert dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, 2 * DRY_US) == SURPLUS_US


def test_an_agent_that_asks_without_end_has_little_granted_in_vain() -> None:
    """What was given back is granted for each try, and given back once a minute."""
    dryness, talks = listening(), []
    for mono_us in range(0, 4 * DRY_US, DRY_US // 10):
        dryness.returned(["org"])
        dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, mono_us)
        if wait_us := dryness.answered(answer(Lacking.DRY), [NEED], {"org": 9}, mono_us):
            talks.append(mono_us + wait_us)
    assert sorted(set(talks)) == [SURPLUS_US + minute * DRY_US for minute in range(5)]


def test_what_was_given_back_can_be_had_again() -> None:
    """By whoever needs less than the one for whom it was too little."""
    dryness = Dryness()
    dried(dryness, 0)
    dryness.returned(["org", "web"])
    assert not dryness.is_dry("org", 0)


def test_no_pool_is_dry_beyond_its_window() -> None:
    """When the next day begins there is more, at once."""
    dryness = Dryness()
    dried(dryness, 100, ends_us=1_007)
    assert dryness.is_dry("org", 106)
    assert not dryness.is_dry("org", 107)


def test_what_is_coming_is_asked_for_again_but_not_for_ever() -> None:
    """It may lie on devices that do not answer: less and less often within a request's patience,
    and no more often for one that asks in between. Once it came, patience is whole again."""
    dryness, waits, now_us = Dryness(), [], 0
    while wait_us := dryness.answered(answer(Lacking.COMING), [NEED], {"org": 0}, now_us):
        assert not dryness.is_dry("org", now_us)
        assert dryness.is_coming("org", now_us + wait_us)
        assert not dryness.is_coming("org", now_us + wait_us + COMING_US)
        waits.append(wait_us)
        now_us += wait_us
    assert waits[0] == COMING_US
    assert waits == sorted(waits)
    assert COMES_WITHIN_US <= now_us < COMES_WITHIN_US + LAST_COMING_US
    assert dryness.is_dry("org", now_us)
    assert not dryness.is_coming("org", now_us)
    assert dryness.answered(answer(Lacking.COMING), [NEED], {"org": 9}, now_us + DRY_US)
    assert not dryness.answered(answer(Lacking.NOTHING), [NEED], {"org": 50}, now_us)
    assert dryness.answered(answer(Lacking.COMING), [NEED], {"org": 9}, now_us) == COMING_US


def test_what_was_asked_for_long_ago_is_waited_for_anew() -> None:
    """Another request comes an hour after the last one gave up."""
    dryness = Dryness()
    assert dryness.answered(answer(Lacking.COMING), [NEED], {"org": 9}, 0)
    assert dryness.answered(answer(Lacking.COMING), [NEED], {"org": 9}, HOUR_US) == COMING_US


def test_what_another_request_took_meanwhile_is_not_dry() -> None:
    """The server had given it: ask again."""
    dryness = listening()
    assert dryness.answered(answer(Lacking.NOTHING), [NEED], {"org": 9}, 0)
    assert not dryness.is_dry("org", 0)
    assert not dryness.is_coming("org", 0)


def test_while_the_server_is_away_everything_is_dry_for_some_seconds() -> None:
    """Then somebody may try again; at once when it has answered."""
    dryness = Dryness()
    dryness.away(0)
    assert dryness.is_dry("web", AWAY_US - 1)
    assert not dryness.is_dry("web", AWAY_US)
    dryness.away(0)
    dryness.answered(answer(Lacking.NOTHING), [], {}, 1)
    assert not dryness.is_dry("web", 1)
