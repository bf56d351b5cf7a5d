"""How a request's hold ends: exactly once, settled or released, and its turn remembered."""

from msgspec.structs import replace

from agentspend.core.conversation import remember
from agentspend.core.errors import StoreError
from agentspend.proxy.charging import Ended, in_full, settlement, tells_input
from agentspend.proxy.desk import Desk


async def end_hold(desk: Desk, ended: Ended, *, clamped_to: int, left: bool) -> None:
    """Settle or release; `left`: the client hung up. `clamped_to` is 0 where nothing was clamped.

    A mistake of ours on the way is raised again, once the hold has ended in full.
    """
    try:
        await _end(desk, ended, clamped_to=clamped_to, left=left)
    except StoreError:
        raise
    except Exception:
        await desk.bookkeeper.settle(in_full(ended))
        raise


async def _end(desk: Desk, ended: Ended, *, clamped_to: int, left: bool) -> None:
    """The next request of this conversation rests on what the answer proved, if it can be true."""
    asked = ended.asked
    charge = settlement(ended)
    if charge is None:
        why = f"the provider answered {ended.status} and bills nothing"
        await desk.bookkeeper.release(asked.rid, why, {"status": ended.status})
        return
    desk.unasked.hear(asked.account, asked.facts, ended.metered, asked.started_us)
    turn = remember(
        asked.facts,
        ended.metered,
        started_us=asked.started_us,
        before=asked.known.turn if asked.known else None,
        clamped_to=clamped_to,
    )
    if turn is not None and asked.facts.prefixes and tells_input(ended.metered, asked):
        digest = desk.memory.keep(asked.facts.prefixes[0], turn, asked.provider)
        charge = replace(charge, turn=(digest, turn))
    if left:
        charge = replace(charge, story={"ended": "the client hung up"})
    await desk.bookkeeper.settle(charge)
