"""A subscription's windows through whole journeys: heard, kept, shown; stopped before overage."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentspend.bookkeeper import snapshot
from agentspend.core.scopes import Payer
from agentspend.proxy.sessions import Session
from agentspend.sandbox.behaviour import Behaviour
from tests.support.desk import Device, Reply, budget, message
from tests.support.manual_time import START_S, ManualTime

OAUTH = "sk-ant-oat01-of-a-subscriber"
STOP = {"anthropic": 9_800, "openai": 9_800}
HOUR_S = 3_600
ACCOUNT = "9f1c2b3a-0000-4000-8000-00000000000{}"
RESPONSES = {"model": "gpt-5.4-mini", "input": "say hi", "stream": True}


def claude_says(used: str, *, resets_s: float = HOUR_S, **more: str) -> Behaviour:
    """An answer that tells how much of the five hours is used."""
    words = {"5h-status": "allowed", "5h-utilization": used, "status": "allowed", **more}
    words["5h-reset"] = str(int(START_S + resets_s))
    return _behaviour({f"anthropic-ratelimit-unified-{name}": each for name, each in words.items()})


def codex_says(used_percent: str, window: str = "primary", minutes: int = 300) -> Behaviour:
    """The same from ChatGPT."""
    words = {"used-percent": used_percent, "window-minutes": str(minutes)}
    return _behaviour({f"x-codex-{window}-{name}": each for name, each in words.items()})


def _behaviour(headers: dict[str, str]) -> Behaviour:
    return Behaviour(headers=headers, output_tokens=20)


async def ask(device: Device, token: str = OAUTH, account: str = "", **more: Any) -> Reply:
    """A request as Claude Code sends it with its login."""
    if account:
        more["metadata"] = {"user_id": f'{{"device_id":"d","account_uuid":"{account}"}}'}
    return await device.post(message(**more), x_api_key="", Authorization=f"Bearer {token}")


async def ask_codex(device: Device, account: str = "acct-1") -> Reply:
    """A request as Codex sends it with its ChatGPT login."""
    login = {"Authorization": "Bearer eyJhbGciOi", "chatgpt_account_id": account}
    return await device.post(RESPONSES, "/v1/responses", x_api_key="", **login)


async def lines(device: Device) -> list[dict[str, Any]]:
    """The windows as `status` shows them."""
    await device.until_idle()
    return [dict(line) for line in await device.bookkeeper.ask(snapshot.included_lines)]


async def test_a_window_is_heard_kept_and_announced(tmp_path: Path) -> None:
    """Also after a restart; the account is nowhere in clear."""
    time = ManualTime()
    async with Device(tmp_path, time=time) as device:
        device.sandbox.behave(claude_says("0.625"))
        assert (await ask(device, account=ACCOUNT.format(1))).status == 200
        (line,) = await lines(device)
        assert line.pop("account") not in ("", ACCOUNT.format(1))
        assert line == {
            "provider": "anthropic", "name": "5h", "model": "", "called": "5-hour window",
            "used_percent": 62, "resets_at": "2026-11-25T14:00:00+01:00", "status": "open",
            "seen_at": "2026-11-25T13:00:00+01:00",
        }  # fmt: skip
        await device.bookkeeper.ask(lambda *_: None)
        (event,) = [event for event in device.events if event.kind == "included"]
        assert (event.fields["name"], event.fields["used_bp"]) == ("5h", 6_250)
    async with Device(tmp_path, time=time, stops_bp={"anthropic": 6_000}) as device:
        assert len(await lines(device)) == 1
        assert (await ask(device, account=ACCOUNT.format(1))).status == 402
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert ACCOUNT.format(1).encode() not in kept
    assert OAUTH.encode() not in kept


async def test_a_window_that_started_anew_is_not_shown(tmp_path: Path) -> None:
    """What it was at is no longer true, and what it is at nobody has said."""
    time = ManualTime()
    async with Device(tmp_path, time=time, stops_bp=STOP) as device:
        device.sandbox.behave(claude_says("1.0"))
        await ask(device)
        assert len(await lines(device)) == 1
        await time.advance(HOUR_S)
        assert await lines(device) == []
        assert (await ask(device)).status == 200


@pytest.mark.parametrize(
    ("used", "more", "status"),
    [
        ("0.9799", {}, 200),
        ("0.98", {}, 402),
        ("0.5", {"5h-status": "rejected"}, 402),
        ("0.5", {"overage-in-use": "true"}, 402),
        ("0.5", {"overage-status": "allowed"}, 200),
        ("0.5", {"7d-utilization": "1.0"}, 402),
    ],
)
async def test_it_stops_before_paid_overage(
    tmp_path: Path, used: str, more: dict[str, str], status: int
) -> None:
    """The answer that tells of the edge is the last one; nothing of the next one leaves."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(claude_says(used, **more))
        assert (await ask(device)).status == 200
        reply = await ask(device)
        assert reply.status == status
        assert len(device.sandbox.requests) == (2 if status == 200 else 1)


async def test_the_refusal_says_what_when_and_how_to_change_it(tmp_path: Path) -> None:
    """As a budget's does; `why` knows the reason; it is not tried again."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(claude_says("0.985"))
        await ask(device)
        reply = await ask(device)
        assert reply.error == {
            "type": "billing_error",
            "message": "agentspend: the 5-hour window of this anthropic login is 98 % used, and"
            " requests stop at 98 %, so this request could cost money beyond what the subscription"
            " includes. It resets today 14:00 (in 1 h). To go on and pay, set stop_at_included ="
            " false under [providers.anthropic] in config.toml, then, in another terminal:"
            " agentspend budget confirm",
        }
        assert reply.headers["x-should-retry"] == "false"
        await device.bookkeeper.ask(lambda *_: None)
        (event,) = [event for event in device.events if event.kind == "refuse"]
        assert event.fields["reason"] == "included"


async def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    """Paid overage is the provider's and the person's own affair."""
    async with Device(tmp_path, time=ManualTime()) as device:
        device.sandbox.behave(claude_says("1.2", **{"overage-in-use": "true"}))
        assert [(await ask(device)).status for _ in range(3)] == [200] * 3


async def test_a_key_is_never_stopped(tmp_path: Path) -> None:
    """Windows are those of a login; API dollars have budgets."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(claude_says("1.0"))
        await ask(device)
        assert (await device.post(message())).status == 200
        assert (await device.post(message(), x_api_key="sk-ant-api03-own")).status == 200


async def test_each_account_has_its_own_windows(tmp_path: Path) -> None:
    """By the account that Claude Code names, whatever token it has now; else by the token."""
    one, other = ACCOUNT.format(1), ACCOUNT.format(2)
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave_next(claude_says("1.0"))
        assert (await ask(device, account=one)).status == 200
        assert (await ask(device, token="sk-ant-oat01-renewed", account=one)).status == 402
        assert (await ask(device, account=other)).status == 200
        assert (await ask(device)).status == 200
        quoted = f'the file says account_uuid":"{one}"'
        assert (await ask(device, account=other, text=quoted)).status == 200
        device.sandbox.behave_next(claude_says("1.0"))
        await ask(device, token="sk-ant-oat01-a")
        assert (await ask(device, token="sk-ant-oat01-a")).status == 402
        assert (await ask(device, token="sk-ant-oat01-b")).status == 200


async def test_one_models_week_stops_that_model(tmp_path: Path) -> None:
    """The others' requests are still included."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave_next(claude_says("0.1", **{"7d_oi-utilization": "1.0"}))
        await ask(device)
        assert (await ask(device)).status == 402
        assert (await ask(device, model="claude-haiku-4-5")).status == 200


async def test_paid_overage_that_ends_lets_requests_through(tmp_path: Path) -> None:
    """After the reset one request asks, and its answer settles it."""
    time = ManualTime()
    async with Device(tmp_path, time=time, stops_bp=STOP) as device:
        device.sandbox.behave(claude_says("1.0", **{"overage-in-use": "true"}))
        await ask(device)
        assert (await ask(device)).status == 402
        device.sandbox.behave(claude_says("0.01", resets_s=6 * HOUR_S))
        await time.advance(HOUR_S)
        assert [(await ask(device)).status for _ in range(2)] == [200] * 2
        assert [line["name"] for line in await lines(device)] == ["5h"]


async def test_an_answer_with_an_error_is_heard_too(tmp_path: Path) -> None:
    """A login that the provider itself has cut off is told so once, then stopped here."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        says = claude_says("1.0", status="rejected", **{"5h-status": "rejected"})
        cut = Behaviour(headers=says.headers, status=429, error_type="rate_limit_error")
        device.sandbox.behave(cut)
        assert (await ask(device)).status == 429
        assert (await ask(device)).status == 402
        assert len(device.sandbox.requests) == 1


async def test_requests_in_flight_at_the_edge_go_on(tmp_path: Path) -> None:
    """What has left cannot be taken back; everything after the first answer's head stops."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        hangs = Behaviour(headers=claude_says("1.0").headers, output_tokens=20, hang_after_events=2)
        device.sandbox.behave(hangs)
        running = [asyncio.ensure_future(ask(device)) for _ in range(3)]
        await device.sandbox.until_hanging(3)
        assert (await ask(device)).status == 402
        device.sandbox.release()
        assert [reply.status for reply in await asyncio.gather(*running)] == [200] * 3
        assert not [reply for reply in await asyncio.gather(*running) if reply.broken]


async def test_codex_stops_in_plain_words(tmp_path: Path) -> None:
    """By the account of its ChatGPT login; in the shape that Codex shows and does not retry."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(codex_says("100", "secondary", 10_080))
        assert (await ask_codex(device)).status == 200
        reply = await ask_codex(device)
        assert reply.status == 400
        assert b"the week of this openai login is used up" in reply.body
        assert (await ask_codex(device, "acct-2")).status == 200


async def test_what_the_model_list_says_counts(tmp_path: Path) -> None:
    """Free endpoints carry the same headers, and are never stopped."""
    login = {"Authorization": "Bearer eyJhbGciOi", "chatgpt-account-id": "acct-1"}
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(codex_says("100"))
        await ask_codex(device)
        async with device.client.get(f"{device.url}/v1/models", headers=login) as answer:
            assert answer.status == 200
        paths = [(seen.method, seen.path) for seen in device.sandbox.requests]
        assert paths == [
            ("POST", "/backend-api/codex/responses"),
            ("GET", "/backend-api/codex/models"),
        ]


async def test_the_store_learns_what_is_new(tmp_path: Path) -> None:
    """The same word again costs no commit until a minute has passed."""
    time = ManualTime()
    async with Device(tmp_path, time=time) as device:
        device.sandbox.behave(claude_says("0.5"))
        for wait_s, count in ((0, 1), (59, 1), (1, 2), (1, 2)):
            await time.advance(wait_s)
            await ask(device)
            await lines(device)
            heard = [event for event in device.events if event.kind == "included"]
            assert len(heard) == count


async def test_an_outer_sessions_login_is_known_by_account(tmp_path: Path) -> None:
    """Sessions share what their login has left."""
    async with Device(tmp_path, time=ManualTime(), stops_bp=STOP) as device:
        device.sandbox.behave(claude_says("1.0"))
        await ask(device, account=ACCOUNT.format(1))
        who = Payer(member="ana", agent="claude", session="s_other")
        device.desk.sessions.open(Session("s_other", who, "other-token"))
        device.url = device.url.rpartition("/")[0] + "/other-token"
        assert (await ask(device, account=ACCOUNT.format(1))).status == 402


async def test_a_google_login_goes_to_code_assist(tmp_path: Path) -> None:
    """In its envelope, with its bearer; it is a subscription's, and no key takes its place."""
    body = {
        "model": "gemini-2.5-flash", "project": "p", "user_prompt_id": "u",
        "request": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "session_id": "s"},
    }  # fmt: skip
    bearer = {"x_api_key": "", "Authorization": "Bearer ya29.of-a-login"}
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        path = "/v1internal:streamGenerateContent?alt=sse"
        assert (await device.post(body, path, **bearer)).status == 200
        assert (await device.post({}, "/v1internal:loadCodeAssist", **bearer)).status == 200
        refused = await device.post(body, path)
        await device.until_idle()

        (entry,) = await device.ledger()
        assert (entry["counted"], entry["amount_nusd"]) == (
            "subscription", device.sandbox.bill.total_nusd(),
        )  # fmt: skip
        assert refused.status == 400
        paths = [seen.path.removeprefix("/backend-api/codex") for seen in device.sandbox.requests]
        assert paths == [path, "/v1internal:loadCodeAssist"]
        assert all(
            seen.headers["Authorization"] == "Bearer ya29.of-a-login"
            for seen in device.sandbox.requests
        )
