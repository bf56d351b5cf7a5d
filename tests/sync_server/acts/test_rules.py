"""Rules of everybody, of a team and of a tier reach whom they concern; acts are a chain."""

import pytest

from agentspend.core.allowance.messages import Want
from sync_server.store import tables
from tests.sync_server.house import DOLLAR, House


async def test_rules_reach_whom_they_concern(house: House) -> None:
    """Everybody's, the team's, and the tier's; a team's loop guard instead of everybody's."""
    anna = await house.joined("anna", "backend")
    ben = await house.joined("ben", "data")
    await house.ask("policy.set", rules={
        "models": [{"deny": ["*-pro"]}], "loop_guard": {"repeats": 9, "within_s": 60},
        "tiers": {"junior": {"allow": ["claude-haiku-*"]}},
    })  # fmt: skip
    await house.ask("policy.set", team="backend", rules={
        "rates": [{"per": "session", "rpm": 30}], "loop_guard": {"repeats": 3, "within_s": 60},
    })  # fmt: skip
    await house.ask("member.set_tier", member="ben", tier="junior")
    await anna.sync()
    await ben.sync()
    assert anna.policy["models"] == [{"scope": {}, "allow": [], "deny": ["*-pro"]}]
    assert anna.policy["rates"][0]["rpm"] == 30
    assert anna.policy["loop_guard"]["repeats"] == 3
    assert ben.policy["models"][1] == {"scope": {}, "allow": ["claude-haiku-*"], "deny": []}
    assert (ben.policy["rates"], ben.policy["loop_guard"]["repeats"]) == ([], 9)
    shown = await house.ask("policy.show", team="backend")
    assert shown["rules"]["rates"][0]["per"] == "session"


async def test_a_rule_that_names_somebody_reaches_nobody_else(house: House) -> None:
    """A device is told its own limits, not its colleagues'."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    own = anna.certificate.device
    scopes = [{"member": "anna"}, {"device": own}, {"member": "anna", "agent": "codex"}, {},
              {"agent": "codex"}]  # fmt: skip
    rules = {
        "rates": [{"scope": scope, "rpm": 10 + number} for number, scope in enumerate(scopes)],
        "models": [{"scope": scope, "deny": [f"m{n}"]} for n, scope in enumerate(scopes)],
    }
    await house.ask("policy.set", rules=rules)
    await house.ask("policy.set", team="backend", rules=rules)
    for device, theirs in ((anna, scopes), (ben, scopes[3:])):
        await device.sync()
        for name in ("rates", "models"):
            assert [each["scope"] for each in device.policy[name]] == [*theirs, *theirs]


@pytest.mark.parametrize(
    "rules",
    [{"models": [{"scope": {"planet": "x"}}]}, {"rates": [{"rpm": -1}]}, {"colour": 1},
     {"tiers": {"Very Senior": {}}}],
    ids=str,
)  # fmt: skip
async def test_rules_that_mean_nothing_are_refused(house: House, rules: dict[str, object]) -> None:
    """Before they are in force."""
    status, _ = await house.try_to("policy.set", rules=rules)
    assert status in (400, 409)
    assert (await house.ask("policy.show"))["version"] == 0


async def test_what_is_shown_can_be_set_and_says_nothing_of_reserves(house: House) -> None:
    """Who drew one, and why, is told by `reserve list` to those who may know it."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    await house.ask("reserve.set", pool="org.day", reserve_nusd=DOLLAR)
    await house.ask("policy.set", rules={"models": [{"deny": ["*-pro"]}], "visibility": "named"})
    await anna.draw_reserve("org.day", "a secret")
    made = await house.ask("token.create", name="bens", role="member")
    shown = await house.ask("policy.show", made["token"])
    assert "secret" not in str(shown)
    answer = await house.ask("policy.set", rules=shown["rules"])
    assert "secret" not in str(answer)
    assert (await house.ask("reserve.list"))["reserves"][0]["why"] == "a secret"


async def test_acts_are_a_chain_that_verify_checks(house: House) -> None:
    """Who did what; one changed record is found."""
    await house.ask("team.create", team="backend")
    await house.ask("cap.set", level="org", window="month", cap_nusd=DOLLAR)
    told = await house.ask("audit")
    assert [(act["who"], act["what"]) for act in told["acts"]] == [
        ("init", "init"), ("first lead", "team.create"), ("first lead", "cap.set"),
    ]  # fmt: skip
    assert told["acts"][1]["prev"] == told["acts"][0]["hash"]
    assert (await house.ask("verify"))["ok"]
    with house.hall.service.engine.begin() as conn:
        body = tables.audit.c.body
        conn.execute(tables.audit.update().where(tables.audit.c.seq == 2).values(
            body=body.concat(" ")))  # fmt: skip
    found = await house.ask("verify")
    assert (found["ok"], "act 2" in found["faults"][0]) == (False, True)


async def test_a_team_can_watch_before_its_caps_are_hard(house: House) -> None:
    """Nothing needs rights meanwhile and everything is counted; then what is left is left."""
    anna = await house.joined("anna", "backend")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    await house.ask("cap.set", level="team", name="backend", window="month", cap_nusd=10 * DOLLAR)
    await house.ask("policy.set", team="backend", rules={"stage": "warn"})
    answer = await anna.sync(Want("org.month", need_nusd=9 * DOLLAR))
    modes = {pool["id"]: pool.get("mode", "hard") for pool in anna.policy["pools"]}
    assert modes == {"org.month": "hard", "team.backend.month": "warn"}
    [window] = [told.window for told in answer.accounts if told.pool == "org.month"]
    anna.chain.ts_us = house.now[0]
    anna.chain.add(
        "settle", [("org.month", window, 9 * DOLLAR)], 9 * DOLLAR, counted="billed",
        project="acme/api",
    )  # fmt: skip
    await anna.sync()
    spent = {each["pool"]: each["spent_nusd"] for each in (await house.ask("cap.list"))["caps"]}
    assert spent == {"org.month": 9 * DOLLAR, "team.backend.month": 9 * DOLLAR}

    await house.ask("policy.set", team="backend", rules={})

    answer = await anna.sync(Want("team.backend.month", need_nusd=5 * DOLLAR))
    assert {pool.get("mode") for pool in anna.policy["pools"]} == {None}
    granted = {told.pool: told.granted_nusd for told in answer.accounts}
    assert granted["team.backend.month"] == DOLLAR


async def test_everybodys_caps_are_watched_by_everybodys_rules_alone(house: House) -> None:
    """A team cannot soften a cap that is not its own."""
    anna = await house.joined("anna", "backend")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    await house.ask("policy.set", rules={"stage": "warn"})
    await anna.sync()
    assert [pool["mode"] for pool in anna.policy["pools"]] == ["warn"]


async def test_a_model_is_priced_for_everybody_in_one_act(house: House) -> None:
    """Beside the other rules; said anew it is replaced, and it can be unsaid."""
    anna = await house.joined("anna", "backend")
    await house.ask("policy.set", rules={"models": [{"deny": ["*-pro"]}]})
    await house.ask("policy.price", model="anthropic/claude-next", input="3", output="15")
    await house.ask("policy.price", model="anthropic/claude-next", input="4", output="16")
    await anna.sync()
    assert anna.policy["prices"] == [
        {"model": "anthropic/claude-next", "input": "4", "output": "16"}
    ]
    assert anna.policy["models"]
    await house.ask("policy.set", rules={"models": [{"deny": ["*-max"]}]})
    assert (await house.ask("policy.show"))["rules"]["prices"] == anna.policy["prices"]
    await house.ask("policy.price", model="anthropic/claude-next", remove=True)
    await anna.sync()
    assert "prices" not in anna.policy
    status, _ = await house.try_to("policy.price", model="anthropic/claude-next", remove=True)
    assert status == 404


@pytest.mark.parametrize(
    "price",
    [{"model": "no-provider", "input": "1", "output": "2"}, {"model": "a/b", "input": "1"},
     {"model": "a/b", "input": "dear", "output": "2"}, {"model": "a/b"}],
    ids=str,
)  # fmt: skip
async def test_a_price_that_is_none_is_refused(house: House, price: dict[str, str]) -> None:
    """By the same rules as a device's own."""
    assert (await house.try_to("policy.price", **price))[0] == 409
    assert (await house.try_to("policy.set", rules={"prices": [price]}))[0] == 409
