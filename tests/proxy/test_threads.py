"""Claude's message threads: the provider holds the conversation, and the body only the new turn."""

from pathlib import Path

from tests.support.desk import Device, budget, message


async def test_a_thread_never_goes_on_unbounded(tmp_path: Path) -> None:
    """It begins like any request; where it goes on, the client is told to send everything."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        begun = await device.post(message(thread={"type": "create"}))
        gone_on = {"type": "continue", "previous_message_id": "msg_1"}
        reply = await device.post(message("and then?", thread=gone_on))
        again = await device.post(message("say hi. and then?", thread={"type": "create"}))
        await device.until_idle()

        assert (begun.status, reply.status, again.status) == (200, 404, 200)
        assert reply.error["details"] == {"error_code": "thread_not_found"}
        assert len(device.sandbox.requests) == 2
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()
