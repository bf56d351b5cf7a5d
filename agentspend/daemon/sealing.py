"""Signing the chain's head now and then, so that nobody can extend a stolen ledger unseen."""

import asyncio

from agentspend.bookkeeper import Bookkeeper
from agentspend.daemon.identity import Device
from agentspend.store import checkpoints
from agentspend.wire import signing


async def seal(bookkeeper: Bookkeeper, device: Device) -> None:
    """Sign the newest head with the device's key and keep the signature; once a head."""
    inc, seq, head, ts_us, known = await bookkeeper.ask(
        lambda books, at: (
            books.chain.inc,
            books.chain.seq,
            books.chain.head,
            books.now(at),
            checkpoints.last_seq(books.conn),
        )
    )
    if seq == known:
        return
    body = signing.checkpoint(inc, seq, head, ts_us)
    signature = await asyncio.to_thread(signing.sign, device.private_key, "checkpoint", body)
    key_id = signing.key_id(device.public_key)
    await bookkeeper.ask(
        lambda books, _: checkpoints.put(books.conn, seq, head, ts_us, key_id, signature.hex())
    )
