"""Whose money a request spends: our token is swapped for the key, everything else is untouched."""

from pathlib import Path

import pytest

from agentspend.core.scopes import Payer
from agentspend.proxy.sessions import Session
from tests.support.desk import TOKEN, Device, budget, message

OAUTH = "sk-ant-oat01-of-a-subscriber"
OWN = "sk-ant-api03-of-the-caller"


@pytest.mark.parametrize(
    ("sent", "up", "counted"),
    [
        ({"x-api-key": TOKEN}, {"x-api-key": "sk-ant-test"}, "billed"),
        ({"Authorization": f"Bearer {TOKEN}"}, {"x-api-key": "sk-ant-test"}, "billed"),
        (
            {"x-api-key": TOKEN, "Authorization": f"bearer {TOKEN}"},
            {"x-api-key": "sk-ant-test"},
            "billed",
        ),
        ({}, {"x-api-key": "sk-ant-test"}, "billed"),
        ({"x-api-key": OWN}, {"x-api-key": OWN}, "billed"),
        (
            {"Authorization": f"Bearer {OAUTH}"},
            {"authorization": f"Bearer {OAUTH}"},
            "subscription",
        ),
        (
            {"x-api-key": TOKEN, "Authorization": f"Bearer {OAUTH}"},
            {"authorization": f"Bearer {OAUTH}"},
            "subscription",
        ),
        (
            {"x-api-key": OWN, "Authorization": f"Bearer {OAUTH}"},
            {"x-api-key": OWN, "authorization": f"Bearer {OAUTH}"},
            "billed",
        ),
        (
            {"x-api-key": OWN, "x-goog-api-key": OAUTH, "api-key": OAUTH},
            {"x-api-key": OWN},
            "billed",
        ),
        (
            {"Authorization": f"Bearer {OWN} \t"},
            {"authorization": f"Bearer {OWN}"},
            "billed",
        ),
        ({"x-api-key": f"{TOKEN} "}, {"x-api-key": "sk-ant-test"}, "billed"),
        ({"x-api-key": OWN, "chatgpt-account-id": "a_1"}, {"x-api-key": OWN}, "billed"),
    ],
)
async def test_who_pays(
    tmp_path: Path, sent: dict[str, str], up: dict[str, str], counted: str
) -> None:
    """What reaches the provider, and how the ledger counts it. No header makes a request that a
    key may pay a subscription's."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        headers = {"Content-Type": "application/json", **sent}
        async with device.client.post(
            device.url + "/v1/messages", json=message(), headers=headers
        ) as answer:
            assert answer.status == 200
            await answer.read()
        await device.until_idle()

        (seen,) = device.sandbox.requests
        auth = ("x-api-key", "authorization")
        assert {name: seen.headers[name] for name in auth if name in seen.headers} == up
        assert TOKEN not in str(dict(seen.headers))
        (entry,) = await device.ledger()
        assert entry["counted"] == counted
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd()
        spent_nusd = (await device.status("daily"))["spent_nusd"]
        assert spent_nusd == (entry["amount_nusd"] if counted == "billed" else 0)


async def test_a_budget_may_count_the_subscription_too(tmp_path: Path) -> None:
    """`counts = "all"` holds and refuses at list price."""
    async with Device(tmp_path, [budget("all", "0.001", counts="all")]) as device:
        reply = await device.post(message(), x_api_key="", Authorization=f"Bearer {OAUTH}")

        assert reply.status == 402
        assert device.sandbox.bill.rows == []


async def test_a_sessions_own_key_comes_before_the_stored_one(tmp_path: Path) -> None:
    """The key of the caller's environment serves that session alone."""
    async with Device(tmp_path) as device:
        who = Payer(member="ana", agent="claude", session="s_other")
        other = Session("s_other", who, "other-token", keys={"anthropic": OWN})
        device.desk.sessions.open(other)
        async with device.client.post(
            f"http://127.0.0.1:{device.port}/s/other-token/v1/messages",
            json=message(),
            headers={"x-api-key": "other-token"},
        ) as answer:
            await answer.read()
        await device.post(message())

        keys = [seen.headers["x-api-key"] for seen in device.sandbox.requests]
        assert keys == [OWN, "sk-ant-test"]
        assert OWN not in repr(other)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_after_a_restart_the_key_is_waited_for(tmp_path: Path, path: str) -> None:
    """A restored session whose `run` has not come back yet: try again, not "store a key"."""
    async with Device(tmp_path, keys={}) as device:
        for session in device.desk.sessions.all():
            session.restored = True
        reply = await device.post(message(), path)

        assert (reply.status, reply.headers["x-should-retry"]) == (502, "true")
        assert "restarted" in reply.error["message"]
        assert device.sandbox.requests == []
