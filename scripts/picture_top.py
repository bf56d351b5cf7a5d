"""Draw the README's pictures of `agentspend top` from the recorded day: `docs/top*.svg`."""

import asyncio
from datetime import UTC
from pathlib import Path

from tui.app import TopApp
from tui.replay import DEMO, Replay, in_team, read
from tui.rows import View

DOCS = Path(__file__).parents[1] / "docs"
DAY = read(DEMO)
PICTURES = {
    "top.svg": (DAY, View.AGENTS),
    "top-team.svg": (in_team(DAY), View.TEAM),
}


async def picture(name: str) -> str:
    """One of them, once everything is on the screen."""
    messages, view = PICTURES[name]
    app = TopApp(Replay(messages, name="ana-laptop"), zone=UTC, view=view)
    async with app.run_test(size=(110, 26)) as pilot:
        for _ in range(3):
            await pilot.pause()
            app.arrangement.anew()
            app.draw()
        await pilot.pause()
        return app.export_screenshot(title="agentspend top")


def main() -> None:
    """Draw them all."""
    for name in PICTURES:
        (DOCS / name).write_text(asyncio.run(picture(name)))


if __name__ == "__main__":
    main()
