"""Who is let in again after a restart, and for how long."""

import subprocess
import sys
from pathlib import Path

from agentspend.core.scopes import Payer
from agentspend.daemon.roster import Roster
from agentspend.proxy.sessions import Session, Sessions
from tests.support.desk import Device


async def test_a_restored_session_ends_with_its_run_also_where_no_line_was_open(
    tmp_path: Path,
) -> None:
    """A `run` that is killed while the daemon is away comes back to nobody, nor does its token."""
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    async with Device(tmp_path) as device:
        before = Roster(Sessions(), device.bookkeeper, device.desk.key_sessions)
        await before.open(Session("s_1", Payer(), "token", pid=run.pid))
        live = Sessions()
        roster = Roster(live, device.bookkeeper, device.desk.key_sessions)

        assert await roster.load()
        await roster.end_the_lost()
        assert [each.id for each in live.all()] == ["s_1"]

        run.communicate(b"\n")
        await roster.end_the_lost()
        assert live.by_token("token") is None
        assert not await roster.load()


async def test_a_session_on_its_own_line_lives_as_long_as_the_line(tmp_path: Path) -> None:
    """Whatever is known of its process: in a container its number may be nobody's here."""
    async with Device(tmp_path) as device:
        live = Sessions()
        roster = Roster(live, device.bookkeeper, device.desk.key_sessions)
        await roster.open(Session("s_1", Payer(), "token", pid=0))
        await roster.end_the_lost()

        assert [each.id for each in live.all()] == ["s_1"]
