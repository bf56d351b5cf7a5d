"""Draw the README's picture of `agentspend top` from the recorded day: `docs/top.svg`."""

import asyncio
from datetime import UTC
from pathlib import Path

from tui.app import TopApp
from tui.replay import DEMO, Replay, read

OUT = Path(__file__).parents[1] / "docs" / "top.svg"


async def main() -> None:
    """Draw it once everything is on the screen."""
    app = TopApp(Replay(read(DEMO), name="ana-laptop"), zone=UTC)
    async with app.run_test(size=(110, 26)) as pilot:
        await pilot.pause()
        app.draw()
        await pilot.pause()
        OUT.write_text(app.export_screenshot(title="agentspend top"))


if __name__ == "__main__":
    asyncio.run(main())
