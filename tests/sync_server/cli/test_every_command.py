"""Every command against a running server, with a lead's token, from another machine."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agentspend.core.allowance.messages import Want
from sync_server.cli import app
from tests.sync_server.cli.test_app import COMMANDS
from tests.sync_server.house import DOLLAR, House

POLICY = '[[models]]\ndeny = ["*-pro"]\n\n[tiers.junior]\nallow = ["claude-haiku-*"]\n'
PEOPLE = "name,email,team\nCid,cid@acme.example,data\n"
IN_THE_FOLDER = {("init",), ("serve",), ("backup",), ("restore",), ("org", "create")}
"""What is done on the server's own machine: `test_serving`."""
IN_DOUBT = {("org", "confirm-clock")}
"""What is done when the server's clock is in doubt: `test_serving`, too."""


def story(device: str, request: str, other: str) -> list[list[str]]:
    """Each command once at least, in an order that makes sense."""
    return [
        ["org", "set-cap", "2000", "--window", "month"],
        ["team", "create", "data"],
        ["team", "list"],
        ["team", "set-cap", "data", "500", "--window", "month"],
        ["member", "add", "ben", "--team", "data"],
        ["member", "import", "people.csv"],
        ["member", "list"],
        ["member", "set-role", "ben", "lead"],
        ["member", "set-tier", "ben", "junior"],
        ["member", "set-cap", "ben", "25", "--window", "day"],
        ["member", "move", "cid", "backend"],
        ["member", "add-team", "cid", "data"],
        ["member", "remove-team", "cid", "data"],
        ["member", "revoke", "cid"],
        ["invite", "ben"],
        ["project", "set-cap", "acme/api", "50", "--window", "week"],
        ["tag", "set-cap", "ci", "10", "--window", "day"],
        ["device", "list"],
        ["device", "report"],
        ["device", "set-cap", device, "10", "--window", "day"],
        ["device", "write-off", device],
        ["report", "--by", "member"],
        ["request", "list"],
        ["request", "approve", request],
        ["request", "reopen", request],
        ["request", "deny", request],
        ["policy", "set", "policy.toml"],
        ["policy", "price", "anthropic/claude-next", "--input", "3", "--output", "15"],
        ["policy", "show"],
        ["reserve", "set", "org.month", "100"],
        ["reserve", "list"],
        ["freeze", "data"],
        ["unfreeze", "data"],
        ["token", "create", "grafana", "--role", "viewer"],
        ["token", "list"],
        ["token", "revoke", "grafana"],
        ["org", "show"],
        ["device", "revoke", device],
        ["device", "lost", other],
        ["audit"],
        ["verify"],
        ["export"],
    ]


async def test_they_all_answer_in_json_and_in_tables(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once as versioned JSON, and where looking changes nothing, once for people."""
    anna, eve = await house.joined("anna"), await house.joined("eve")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    await anna.sync(Want("org.month", need_nusd=DOLLAR))
    _, asked = await anna.request(5 * DOLLAR)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "people.csv").write_text(PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AGENTSPEND_SERVER_URL", house.base.replace("127.0.0.1", "localhost"))
    monkeypatch.setenv("AGENTSPEND_SERVER_TOKEN", house.token)
    told = story(anna.certificate.device, asked["id"], eve.certificate.device)
    names = {tuple(words[: len(name)]) for words in told for name in COMMANDS
             if tuple(words[: len(name)]) == name}  # fmt: skip
    assert names | IN_THE_FOLDER | IN_DOUBT == set(COMMANDS)

    for words in told:
        found = await said([*words, *([] if words == ["export"] else ["--json"])], capsys)
        assert words == ["export"] or found["v"] == 1
        if words[-1] in ("list", "show", "report", "audit", "verify"):
            assert await asyncio.to_thread(app.run, words) == 0
            assert "".join(capsys.readouterr())


async def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command writes; it must succeed."""
    code = await asyncio.to_thread(app.run, words)
    out, err = capsys.readouterr()
    assert code == 0, (words, err)
    return json.loads(out.splitlines()[0])
