"""A member with a good key and bad intent, and a viewer's token in wrong hands: no 500, nothing of
others' is touched, and the server starts again afterwards."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from agentspend.core.allowance.messages import (
    Certificate,
    Enrol,
    Hello,
    Link,
    Look,
    RaiseRequest,
    Want,
)
from agentspend.wire import signing
from agentspend.wire.canonical import MAX_INT
from sync_server.acts.table import ACTS
from sync_server.roles import Role
from sync_server.store import cases
from sync_server.store.tables import incarnations
from tests.sync_server.house import DOLLAR, Device, House
from tests.sync_server.made import Chain

POOL = "org.month"


async def two(house: House) -> tuple[Device, Device]:
    """One that means ill, and another."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    return await house.joined("eve"), await house.joined("anna")


async def whole(house: House, anna: Device) -> None:
    """Everybody else goes on, every sum is right, and the journal can be read from its start."""
    answer = await anna.sync(Want(POOL, need_nusd=DOLLAR))
    assert any(told.granted_nusd >= DOLLAR for told in answer.accounts)
    verdict = await house.ask("verify")
    assert verdict["ok"], verdict["faults"]
    assert (await house.ask("report"))["lines"] is not None
    assert (await house.ask("org.show"))["caps"]
    journal = house.hall.service.journal
    assert journal is not None
    with house.hall.service.engine.begin() as conn:
        kept = cases.org_row(conn, house.hall.service.org).journal_seq
    assert list(journal.lines())[-1][0] == kept


@pytest.mark.parametrize(
    "words",
    [
        {"after_seq": -1}, {"after_seq": -MAX_INT}, {"after_seq": MAX_INT},
        {"end": Link(-1, "x")}, {"end": Link(-MAX_INT, "")}, {"end": Link(MAX_INT, "é\0")},
        {"end": Link(0, "x")}, {"inc": ""}, {"inc": "\0" * 9}, {"inc": "x" * 9_999},
        {"nonce": "\0"}, {"nonce": ""}, {"server_inc": -5, "server_seq": -5},
        {"server_seq": MAX_INT}, {"policy": -MAX_INT}, {"policy": MAX_INT}, {"team": "\0"},
        {"wants": tuple(Want(POOL, -MAX_INT, -MAX_INT, -MAX_INT) for _ in range(9))},
        {"wants": tuple(Want(f"p{n}", 1, 1, 1) for n in range(9_000))},
        {"wants": tuple(Want("\0", 1, 1) for n in range(9))},
        {"entries": ("\0",)}, {"entries": ("[" * 9_000,)}, {"entries": ("",) * 9},
    ],
    ids=lambda words: str(words)[:40],
)  # fmt: skip
async def test_a_report_of_nonsense(house: House, words: dict[str, Any]) -> None:
    """It is refused, or says nothing."""
    eve, anna = await two(house)
    await eve.sync()
    status, _ = await house.post("/v1/sync", eve.posted(eve.report(**words)))
    assert status in (200, 400, 403)
    await whole(house, anna)


@pytest.mark.parametrize("window", [-1, 0, 24_000, MAX_INT])
@pytest.mark.parametrize("kind", ["settle", "return", "close"])
async def test_rights_in_windows_that_nobody_was_granted(
    house: House, window: int, kind: str
) -> None:
    """What is spent counts at once; nothing of it waits in a window to come."""
    eve, anna = await two(house)
    answer = await eve.sync(Want(POOL))
    window = answer.accounts[0].window + 1 if window == 24_000 else window
    amount = DOLLAR if kind == "settle" else None
    eve.chain.ts_us = house.now[0]
    eve.chain.add(kind, [(POOL, window, amount or 0)], amount)
    await eve.sync()
    await whole(house, anna)
    [cap] = (await house.ask("cap.list"))["caps"]
    assert cap["spent_nusd"] == (amount or 0)
    house.now[0] = cap["ends_us"] + 1
    await whole(house, anna)


async def test_no_sum_grows_beyond_what_can_be_stored(house: House) -> None:
    """Fantastic amounts are refused before they stop everybody's reports."""
    eve, anna = await two(house)
    statuses = set()
    for _ in range(12):
        chain = Chain(eve.chain.inc)
        chain.bodies, chain.hashes = list(eve.chain.bodies), list(eve.chain.hashes)
        chain.ts_us = house.now[0]
        for _ in range(100):
            chain.add("settle", (), MAX_INT, counted="billed")
        posted = eve.posted(eve.report(after_seq=0, end=chain.end, entries=tuple(chain.bodies)))
        status, _ = await house.post("/v1/sync", posted)
        statuses.add(status)
        if status == 200:
            eve.chain = chain
    assert 500 not in statuses
    await whole(house, anna)


async def test_new_ledgers_are_not_begun_without_end(house: House) -> None:
    """Twenty an hour; each is a row that is kept for ever."""
    eve, anna = await two(house)
    own = eve.certificate
    statuses = []
    for number in range(24):
        asked = Hello(own.team, own.device, "i_none", f"n{number}", "restored", "")
        statuses.append((await house.post("/v1/hello", eve.posted(asked)))[0])
    assert statuses == [200] * 20 + [429] * 4
    house.now[0] += 180_000_000
    asked = Hello(own.team, own.device, "i_none", "later", "restored", "")
    assert (await house.post("/v1/hello", eve.posted(asked)))[0] == 200
    await whole(house, anna)


async def test_a_nonce_that_was_used_by_another(house: House) -> None:
    """Neither a new device nor a new ledger comes by it, and nothing is left half done."""
    eve, anna = await two(house)
    used = [row.nonce for row in _rows(house)]
    made = await house.ask("member.add", member="mal", team="backend")
    code = made["invite"]["join"].split()[4].partition(".")[0]
    device = Device(house, bytes(range(32)))
    for nonce in used:
        assert (await device.enrol(code, nonce))[0] in (400, 404, 409)
    own = eve.certificate
    for nonce in used:
        asked = Hello(own.team, own.device, eve.chain.inc, nonce, "restored", "")
        status, found = await house.post("/v1/hello", eve.posted(asked))
        if status == 200:
            assert json.loads(found["sealed"]["body"])["inc"] == eve.chain.inc
    assert (await device.enrol(code, "fresh"))[0] == 200
    await whole(house, anna)


def _rows(house: House) -> list[Any]:
    with house.hall.service.engine.begin() as conn:
        return list(conn.execute(select(incarnations)))


async def test_a_code_is_worth_one_device_however_many_try_at_once(house: House) -> None:
    """Of twenty that race for it one comes in; so with the lines a device makes for another."""
    eve, anna = await two(house)
    _, line = await eve.add_device("n_7")
    code = line["join"].split()[4].partition(".")[0]
    house.hall.pace.invite_wait_s = lambda _: 0  # type: ignore[method-assign]
    racers = [Device(house, bytes([number]) * 32) for number in range(20)]
    found = await asyncio.gather(*(racer.enrol(code) for racer in racers))
    assert sorted(status for status, _ in found) == [200] + [404] * 19
    assert {(await eve.add_device("n_7"))[1]["join"] for _ in range(3)} == {line["join"]}
    await whole(house, anna)


def asks(own: Certificate, *words: Any) -> RaiseRequest:
    """A raise request: nonce, pool, amount, reason."""
    return RaiseRequest(own.team, own.device, *words)


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("/v1/request", lambda own, n: asks(own, f"a{n}", "\0", n, "")),
        ("/v1/request", lambda own, n: asks(own, f"b{n}", "", n, "\0é" * 9)),
        ("/v1/request", lambda own, n: asks(own, "\0", "x" * 9_999, n, "")),
        ("/v1/look", lambda own, n: Look(own.team, own.device, "\0" * max(1, n % 9))),
        ("/v1/hello", lambda own, n: Hello(own.team, own.device, "\0", f"{n}\0", "\0", "x" * 999)),
    ],
    ids=["pool", "reason", "name", "look", "hello"],
)  # fmt: skip
async def test_words_that_are_none(house: House, path: str, make: Any) -> None:
    """Zero characters, whole books, amounts beyond everything."""
    eve, anna = await two(house)
    for number in (-MAX_INT, -1, 0, 1, MAX_INT):
        status, _ = await house.post(path, eve.posted(make(eve.certificate, number)))
        assert status in (200, 400, 403, 409), (status, number)
    await whole(house, anna)


ODD: list[Any] = [
    None, True, -1, 0, 10**30, -(10**30), 2**63, MAX_INT, 1.5, "", "\0", "\u202e\ud7ff", "é" * 150,
    "' OR 1=1 --", [], {}, [[]], {"a": {"b": {}}},
]  # fmt: skip


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER])
async def test_no_act_can_be_confused(house: House, role: Role) -> None:
    """Each field of each act with each odd value, by a token that may do little."""
    _, anna = await two(house)
    member = "eve" if role is Role.MEMBER else None
    made = await house.ask("token.create", name="odd", role=role.value, member=member or "")
    token = made["token"]
    for name, act in ACTS.items():
        fields = act.takes.__struct_fields__ or ("x",)
        for field in fields:
            for value in ODD:
                house.now[0] += 2_000_000
                raw = json.dumps({field: value}).encode()
                status, _ = await house.post(f"/v1/admin/{name}", raw, token)
                assert status < 500, (name, field, value)
                assert status != 429
    await whole(house, anna)


async def test_who_only_reads_does_not_keep_devices_waiting(house: House) -> None:
    """Thirty answers a minute; a lead's token has no such limit."""
    _, anna = await two(house)
    token = (await house.ask("token.create", name="grafana", role="viewer"))["token"]
    statuses = [(await house.try_to("report", token))[0] for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    assert (await house.get("/metrics", token))[0] == 429
    await whole(house, anna)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000, b'{"body":"\\ud800","signature":""}', b'{"body":"","signature":"zz"}',
        b'{"body":"{}","signature":"00"}', b'{"body":"\\u0000","signature":"00"}', b"\xff\xfe",
        b'{"body":"' + b"[" * 50_000 + b'","signature":""}', b'{"body":{},"signature":[]}',
        b'{"body":"{\\"device\\":\\"\\u0000\\"}","signature":"00"}', b"null", b"",
        b'{"body":"{\\"device\\":{}}","signature":"00"}', b'{"body":"1e999","signature":"00"}',
    ],
    ids=range(13),
)  # fmt: skip
async def test_bytes_that_are_no_message(house: House, raw: bytes) -> None:
    """At every door of devices."""
    for path in (
        "sync",
        "hello",
        "request",
        "look",
        "decide",
        "add_device",
        "draw_reserve",
        "enrol",
    ):
        status, _ = await house.post(f"/v1/{path}", raw)
        assert status in (400, 403, 404, 413), (path, status)


async def test_a_label_and_a_key_of_any_shape(house: House) -> None:
    """A device may call itself anything; it is kept short and without what a terminal obeys."""
    _, anna = await two(house)
    made = await house.ask("member.add", member="mal", team="backend")
    code = made["invite"]["join"].split()[4].partition(".")[0]
    for public in ("", "zz", "00", "00" * 31, "00" * 33, "é"):
        device = Device(house, bytes(32))
        posted = device.posted(Enrol(code, "x", "n", public))
        assert (await house.post("/v1/enrol", posted))[0] in (400, 403)
    device = Device(house, bytes(32))
    public = signing.public_key(device.key).hex()
    posted = device.posted(Enrol(code, "\0\u202e" + "x" * 9_000, "n", public))
    assert (await house.post("/v1/enrol", posted))[0] == 200
    labels = [each["label"] for each in (await house.ask("device.list"))["devices"]]
    assert all(len(label) <= 200 and label.isprintable() for label in labels)
    await whole(house, anna)


async def test_only_reports_are_long(house: House) -> None:
    """What nobody has signed yet is read only where it is short."""
    eve, anna = await two(house)
    for path in ("hello", "request", "look", "decide", "add_device", "draw_reserve", "enrol"):
        posted = {"body": "[" * 20_000, "signature": ""}
        assert (await house.post(f"/v1/{path}", posted))[0] == 413
    await eve.request(DOLLAR, POOL)
    await house.ask("device.revoke", device=eve.certificate.device)
    assert (await eve.request(DOLLAR, POOL, nonce="after"))[0] == 403
    await whole(house, anna)
