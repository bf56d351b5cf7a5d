"""The loop guard and pauses through the whole journey: nothing leaves until a person says so."""

from pathlib import Path

from agentspend.core.rules import LoopGuard, Rules
from agentspend.sandbox.behaviour import Behaviour
from tests.support.desk import Device, budget, message

RULES = Rules(loop_guard=LoopGuard(repeats=3, within_s=300))


async def test_the_same_request_over_and_over_pauses_its_session(tmp_path: Path) -> None:
    """The third is not sent, nor is anything else of the session, until it is resumed."""
    async with Device(tmp_path, [budget("daily", "5")], rules=RULES) as device:
        for _ in range(2):
            assert (await device.post(message("again"))).status == 200
            await device.until_idle()
        reply = await device.post(message("again", max_tokens=999))
        assert (reply.status, reply.error["type"]) == (402, "billing_error")
        for words in ("session s_test is paused", "came 3 times within 5 min",
                      "agentspend resume s_test"):  # fmt: skip
            assert words in reply.error["message"]
        assert (await device.post(message("something else"))).status == 402
        assert len(device.sandbox.bill.rows) == 2
        device.open_session("s_other", "other")
        device.url = device.url.replace("test-session-token", "other")
        assert (await device.post(message("again"), x_api_key="other")).status == 200


async def test_a_resumed_session_goes_on(tmp_path: Path) -> None:
    """And may ask the same as often again."""
    async with Device(tmp_path, rules=RULES) as device:
        for _ in range(3):
            await device.post(message("again"))
            await device.until_idle()
        assert await device.desk.pauses.resume("s_test") == ["s_test"]
        device.desk.repeats.forget("s_test")
        statuses = []
        for _ in range(3):
            statuses.append((await device.post(message("again"))).status)
            await device.until_idle()
        assert statuses == [200, 200, 402]


async def test_retries_after_errors_and_cuts_are_no_loop(tmp_path: Path) -> None:
    """What was not answered whole is asked again by agents themselves, as often as they like."""
    async with Device(tmp_path, rules=RULES) as device:
        for behaviour in (Behaviour(status=529), Behaviour(cut_after_events=3),
                          Behaviour(error_after_events=2)):  # fmt: skip
            device.sandbox.behave(behaviour)
            for _ in range(4):
                assert (await device.post(message("again"))).status != 402
                await device.until_idle()
        device.sandbox.behave(Behaviour())
        assert (await device.post(message("again", stream=False))).status == 200
        assert not device.desk.pauses


async def test_subagents_that_ask_the_same_are_no_loop(tmp_path: Path) -> None:
    """Three who look at one thing three times: each asks once."""
    async with Device(tmp_path, rules=RULES) as device:
        for subagent in ("a", "b", "c", ""):
            reply = await device.post(message("vote"), x_claude_code_agent_id=subagent)
            assert reply.status == 200
            await device.until_idle()


async def test_a_pause_by_hand_and_of_everybody(tmp_path: Path) -> None:
    """One session's, and the switch for all, also for sessions that begin later."""
    async with Device(tmp_path) as device:
        await device.desk.pauses.pause("s_test", "a person paused it", 1, ["s_test"])
        assert (await device.post(message())).status == 402
        await device.desk.pauses.resume("s_test")
        assert (await device.post(message())).status == 200
        await device.desk.pauses.pause("", "a person paused it", 2, [])
        device.open_session("s_late", "late")
        device.url = device.url.replace("test-session-token", "late")
        reply = await device.post(message(), x_api_key="late")
        assert reply.status == 402
        assert "every session is paused" in reply.error["message"]
        assert "agentspend resume --all" in reply.error["message"]
        await device.desk.pauses.pause("s_late", "loop", 3, ["s_late"])
        assert await device.desk.pauses.resume("") == ["s_late", ""]
        assert (await device.post(message(), x_api_key="late")).status == 200


async def test_a_session_inside_a_paused_one_is_paused_too(tmp_path: Path) -> None:
    """It spends that one's budget, and is its agent's doing."""
    async with Device(tmp_path) as device:
        device.open_session("s_inner", session="s_test")
        await device.desk.pauses.pause("s_test", "a person paused it", 1, ["s_test"])
        assert (await device.post(message())).status == 402


async def test_pauses_of_sessions_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    """The list does not grow; a pause that holds keeps its reason."""
    async with Device(tmp_path) as device:
        pauses = device.desk.pauses
        await pauses.pause("s_gone", "loop", 1, ["s_gone"])
        await pauses.pause("s_test", "loop", 2, ["s_test"])
        await pauses.pause("s_test", "a person paused it", 3, ["s_test"])
        assert pauses.told() == {"s_test": {"why": "loop", "since_us": 2}}
