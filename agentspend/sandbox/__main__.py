"""Run the sandbox on its own: `python -m agentspend.sandbox --port 0 --bill FILE`.

Prints one JSON line with the port when it is ready, and runs until it is told to stop.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import msgspec

from agentspend.sandbox.behaviour import BehaviourError
from agentspend.sandbox.server import Sandbox


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m agentspend.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bill", type=Path, help="append the bill to this file")
    parser.add_argument("--behaviour", help="JSON, as POST /_sandbox/behaviour takes it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true", help="keep requests to look at")
    options = parser.parse_args()
    sandbox = Sandbox(
        seed=options.seed, port=options.port, bill_path=options.bill, record=options.record
    )
    if options.behaviour:
        try:
            sandbox.director.direct(json.loads(options.behaviour))
        except (BehaviourError, ValueError) as error:
            parser.error(f"--behaviour: {error}")
    if sys.platform == "win32":
        asyncio.run(_serve(sandbox))
        return
    import uvloop

    uvloop.run(_serve(sandbox))


async def _serve(sandbox: Sandbox) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with sandbox:
        sys.stdout.buffer.write(msgspec.json.encode({"port": sandbox.port}) + b"\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
