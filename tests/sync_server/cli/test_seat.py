"""The same command in the folder, beside a running server, and from another machine."""

import asyncio
from pathlib import Path

from sync_server.cli.helping import ExitCode
from tests.sync_server.cli.command import Ran, run
from tests.sync_server.house import DOLLAR, House, house_in


def elsewhere(house: House, token: str = "") -> dict[str, str]:
    """The environment of another machine."""
    url = house.base.replace("127.0.0.1", "localhost")
    return {"AGENTSPEND_SERVER_URL": url, "AGENTSPEND_SERVER_TOKEN": token or house.token}


async def ran(folder: Path, *words: str, **env: str) -> Ran:
    """A command, while a server runs in this process."""
    return await asyncio.to_thread(run, folder, *words, **env)


async def test_all_three_ways_reach_the_same_server(tmp_path: Path) -> None:
    """With the same answer; the audit chain says who it was."""
    away = tmp_path / "away"
    away.mkdir()
    async with house_in(tmp_path) as house:
        beside = await ran(house.folder.path, "org", "set-cap", "20", "--window", "day")
        far = await ran(away, "org", "show", "--json", **elsewhere(house))
        assert (beside.code, far.code) == (0, 0)
        assert f'"cap_nusd":{20 * DOLLAR}' in far.out
        assert (await ran(away, "team", "create", "Data", **elsewhere(house))).code == 0
        shown = await ran(away, "org", "show", "--json", **elsewhere(house))
    alone = run(house.folder.path, "org", "show", "--json")
    assert alone.out.partition('"clock"')[0] == shown.out.partition('"clock"')[0]
    assert alone.out.partition('"members"')[2] == shown.out.partition('"members"')[2]
    audit = run(house.folder.path, "audit").out
    assert "first lead  team.create" in audit
    assert "cap=$20.00" in audit


async def test_a_wrong_certificate_or_token_is_told_apart(house: House, tmp_path: Path) -> None:
    """The token is never sent to a server of another certificate."""
    secret, _, pin = house.token.partition(".")
    other = pin[:-1] + ("A" if pin[-1] != "A" else "B")
    ran_ = await ran(tmp_path, "org", "show", **elsewhere(house, f"{secret}.{other}"))
    assert (ran_.code, "another certificate" in ran_.err) == (ExitCode.FAILED, True)
    ran_ = await ran(tmp_path, "org", "show", **elsewhere(house, f"aspt_00.{pin}"))
    assert (ran_.code, "unknown or ended" in ran_.err) == (ExitCode.FAILED, True)
    ran_ = await ran(tmp_path, "org", "show", **elsewhere(house, secret))
    assert ran_.code == ExitCode.UNREACHABLE
    assert "certificate" in ran_.err


def test_addresses_that_cannot_be_used(tmp_path: Path) -> None:
    """In the clear, no address, nobody there, no token."""
    for url, said in (
        ("http://spend.acme.example", "in the clear"),
        ("ftp://x", "no address"),
        ("https://127.0.0.1:1", "does not answer"),
    ):
        env = {"AGENTSPEND_SERVER_URL": url, "AGENTSPEND_SERVER_TOKEN": "aspt_1"}
        assert said in run(tmp_path, "org", "show", **env).err
    bare = run(tmp_path, "org", "show", AGENTSPEND_SERVER_URL="https://x")
    assert "AGENTSPEND_SERVER_TOKEN is not" in bare.err


def test_a_socket_that_nobody_serves_is_no_server(initialised: Path) -> None:
    """After a kill -9 the commands use the folder itself."""
    (initialised / "admin.sock").touch()
    assert run(initialised, "team", "list").code == 0
