"""Faults in mid-stream, pacing, and what a client that leaves is billed."""

import asyncio
import json

import aiohttp
import pytest

from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.bill import BillRow
from agentspend.sandbox.model import Answer, answer

from .conftest import KEY, Client, ManualTime, body, events, settle, until


def expected(how: Behaviour, tokens: int) -> object:
    """What the pure model owes for the request after `tokens` of output."""
    found = answer(body(), how)
    assert isinstance(found, Answer)
    return found.usd_after(tokens)


async def row_of(client: Client, outcome: str) -> BillRow:
    await until(lambda: bool(client.sandbox.bill.rows))
    await until(lambda: client.sandbox.bill.rows[0].outcome != "open")
    (row,) = client.sandbox.bill.rows
    assert row.outcome == outcome
    return row


async def test_a_cut_stream_bills_what_was_sent(client: Client) -> None:
    """After n events the connection is reset; n events' tokens are owed."""
    how = Behaviour(output_tokens=100, deltas=10, cut_after_events=5)
    client.sandbox.behave(how)
    response = await client.start(body())
    got = bytearray()

    async def read() -> None:
        async for chunk in response.content.iter_any():
            got.extend(chunk)

    with pytest.raises(aiohttp.ClientError):
        await read()
    response.close()
    assert len(events(bytes(got))) == 5
    row = await row_of(client, "cut")
    assert row.usage.output_tokens == 20
    assert row.usd == expected(how, 20)


async def test_a_cut_json_answer_bills_the_whole(client: Client) -> None:
    """The answer was made, and lost on the way."""
    client.sandbox.behave(Behaviour(output_tokens=100, cut_after_events=0))
    with pytest.raises(aiohttp.ClientError):
        await client.post(body())
    assert (await row_of(client, "cut")).usage.output_tokens == 100


async def test_an_error_inside_a_stream_bills_what_was_sent(client: Client) -> None:
    """The stream ends with an error event instead of its final usage."""
    how = Behaviour(output_tokens=100, deltas=10, error_after_events=4)
    client.sandbox.behave(how)
    seen = await client.stream(body())
    assert [event["type"] for event in seen][-1] == "error"
    assert seen[-1]["error"]["type"] == "overloaded_error"
    assert len(seen) == 5
    row = await row_of(client, "error")
    assert row.usage.output_tokens == 10
    assert row.usd == expected(how, 10)


async def test_the_non_streaming_retry_after_such_an_error_is_answered(client: Client) -> None:
    """Claude Code sends the request again without a stream: that one is a normal, billed one."""
    client.sandbox.behave(Behaviour(error_after_events=0))
    await client.stream(body())
    status, _, _ = await client.post(body())
    assert status == 200
    assert [row.outcome for row in client.sandbox.bill.rows] == ["error", "ok"]


async def test_leaving_a_paced_stream_bills_the_time_it_ran(
    client: Client, time: ManualTime
) -> None:
    """Three seconds at 80 tokens a second are 240 tokens, though fewer had been sent."""
    how = Behaviour(output_tokens=2_000, deltas=4, paced=True)
    client.sandbox.behave(how)
    response = await client.start(body())
    await time.advance(3.0)
    response.close()
    row = await row_of(client, "disconnect")
    assert row.usage.output_tokens == 240
    assert row.usd == expected(how, 240)


async def test_leaving_an_unpaced_stream_bills_what_was_sent(client: Client) -> None:
    """Without pacing, time generates nothing: the events sent are all there is."""
    how = Behaviour(output_tokens=100, deltas=10, hang_after_events=8)
    client.sandbox.behave(how)
    response = await client.start(body())
    await client.sandbox.until_hanging(1)
    response.close()
    row = await row_of(client, "disconnect")
    assert row.usage.output_tokens == 50
    assert row.usd == expected(how, 50)


async def test_leaving_before_the_answer_bills_the_input(client: Client) -> None:
    """The prompt was read; nothing had been written."""
    how = Behaviour(hang_after_events=0)
    client.sandbox.behave(how)
    asked = asyncio.create_task(client.post(body()))
    await client.sandbox.until_hanging(1)
    asked.cancel()
    row = await row_of(client, "disconnect")
    assert row.usage.output_tokens == 0
    assert row.usd == expected(how, 0)


async def test_leaving_a_paced_json_answer_bills_the_time_it_ran(
    client: Client, time: ManualTime
) -> None:
    """A JSON answer is generated at the same speed, unseen."""
    client.sandbox.behave(Behaviour(output_tokens=4_000, paced=True, tokens_per_s=400))
    asked = asyncio.create_task(client.post(body()))
    await until(lambda: bool(client.sandbox.bill.rows))
    await time.advance(2.0)
    asked.cancel()
    assert (await row_of(client, "disconnect")).usage.output_tokens == 800


async def test_pacing_sends_no_event_before_its_tokens_exist(
    client: Client, time: ManualTime
) -> None:
    """100 tokens at 100 a second in ten pieces: half of them have come after half a second."""
    client.sandbox.behave(Behaviour(output_tokens=100, deltas=10, paced=True, tokens_per_s=100))
    response = await client.start(body())
    await time.advance(0.5)
    await settle()
    got = response.content.read_nowait()
    assert sum(event["type"] == "content_block_delta" for event in events(got)) == 5
    await time.advance(0.5)
    rest = await response.content.read()
    assert events(rest)[-1]["type"] == "message_stop"
    (row,) = client.sandbox.bill.rows
    assert (row.outcome, row.usage.output_tokens) == ("ok", 100)


async def test_a_slow_answer_waits_on_the_injected_clock(client: Client, time: ManualTime) -> None:
    """Two seconds to the first byte, one between events; the input is owed at once."""
    client.sandbox.behave(Behaviour(first_byte_delay_s=2.0, chunk_delay_s=1.0, deltas=2))
    asked = asyncio.create_task(client.start(body()))
    await until(lambda: bool(client.sandbox.bill.rows))
    await time.advance(1.9)
    assert not asked.done()
    assert client.sandbox.bill.rows[0].usd > 0
    await time.advance(0.1)
    response = await asked
    await settle()
    assert len(events(response.content.read_nowait())) == 1
    await time.advance(10.0)
    assert events(await response.content.read())[-1]["type"] == "message_stop"


async def test_torn_writes_join_to_the_same_stream(client: Client) -> None:
    """Writes blind to event borders change no byte."""
    whole = Behaviour(output_tokens=60)
    client.sandbox.behave_next(whole, Behaviour(output_tokens=60, torn_bytes=7))
    first, second = await client.stream(body()), await client.stream(body())
    assert [event["type"] for event in first] == [event["type"] for event in second]
    assert first[-2] == second[-2]


async def test_parallel_streams_are_all_billed(client: Client) -> None:
    """Two hundred at once: every row is closed and the totals add up."""
    raw = json.dumps({**body(), "stream": True})

    async def one() -> None:
        url = client.sandbox.url + "/v1/messages"
        async with client.http.post(url, data=raw, headers=KEY) as response:
            await response.read()

    await asyncio.gather(*(one() for _ in range(200)))
    rows = client.sandbox.bill.rows
    assert len(rows) == 200
    assert {row.outcome for row in rows} == {"ok"}
    assert client.sandbox.bill.total() == sum(row.usd for row in rows)
