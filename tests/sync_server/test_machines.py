"""A member lets another machine in without the lead: once, soon, signed, and not too many."""

from agentspend.wire.team import Sealed
from sync_server.machines import MOST_AN_HOUR, secret_of
from tests.sync_server.house import Device, House

HOUR_US = 3_600_000_000


async def test_the_line_lets_one_machine_in_as_the_same_member(house: House) -> None:
    """And stands in the audit chain, with the machine that asked."""
    anna = await house.joined("anna")
    status, found = await anna.add_device()
    assert (status, found["member"]) == (200, "anna")
    assert found["expires_us"] - house.now[0] == HOUR_US

    second = await Device.join(house, found["join"])

    assert (second.certificate.member, second.certificate.team) == ("anna", "backend")
    code = found["join"].split()[4].partition(".")[0]
    assert (await Device(house, bytes(32)).enrol(code))[0] == 404
    acts = (await house.ask("audit", limit=100))["acts"]
    [act] = [each for each in acts if each["what"] == "device.add"]
    assert (act["who"], act["device"]) == ("anna", anna.certificate.device)


async def test_it_expires_soon(house: House) -> None:
    """An hour later it opens nothing."""
    anna = await house.joined("anna")
    _, found = await anna.add_device()
    house.now[0] += HOUR_US
    code = found["join"].split()[4].partition(".")[0]
    assert (await Device(house, bytes(32)).enrol(code))[0] == 404


async def test_a_message_that_is_heard_again_makes_no_second_one(house: House) -> None:
    """Replayed, it names the same code, which works once."""
    anna = await house.joined("anna")
    first, again = await anna.add_device("n_7"), await anna.add_device("n_7")
    assert first == again


async def test_only_an_enrolled_machine_of_an_active_member_may(house: House) -> None:
    """Not with another key, not when the device or its member was revoked."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    forged = Device(house, bytes(32))
    forged.certificate = anna.certificate
    assert (await forged.add_device())[0] == 403
    await house.ask("device.revoke", device=anna.certificate.device)
    assert (await anna.add_device())[0] == 403
    await house.ask("member.revoke", member="ben")
    assert (await ben.add_device())[0] == 403


async def test_only_so_many_an_hour(house: House) -> None:
    """Whoever steals a laptop lets no fleet in; used ones count too."""
    anna = await house.joined("anna")
    for number in range(MOST_AN_HOUR):
        status, found = await anna.add_device(f"n_{number}")
        assert status == 200
    await Device.join(house, found["join"])
    status, found = await anna.add_device("n_9")
    assert status == 409
    assert "ask a lead" in found["error"]["hint"]
    house.now[0] += HOUR_US
    assert (await anna.add_device("n_10"))[0] == 200


async def test_guessing_codes_is_told_to_the_leads(house: House) -> None:
    """Fifty wrong ones in an hour lock the door, and stand in the audit chain, once."""
    from agentspend.wire.invite import write_code
    from sync_server.doors.pace import INVITES_PER_HOUR

    for number in range(INVITES_PER_HOUR + 3):
        house.now[0] += 13_000_000
        status, _ = await Device(house, bytes(32)).enrol(write_code(number.to_bytes(16)))
        assert status == (404 if number <= INVITES_PER_HOUR else 429)
    acts = [each["what"] for each in (await house.ask("audit", limit=100))["acts"]]
    assert acts.count("enrol.locked") == 1


def test_a_code_is_known_to_the_server_alone() -> None:
    """It follows from the message only together with the server's key."""
    body = Sealed(b"{}", b"").body
    assert secret_of(bytes(32), body) != secret_of(bytes(31) + b"1", body)
    assert secret_of(bytes(32), body) != secret_of(bytes(32), b"{} ")


async def test_a_machine_that_is_revoked_lets_nobody_in_any_more(house: House) -> None:
    """The codes it made end with it; a lead's invite for the same member holds."""
    anna = await house.joined("anna")
    _, found = await anna.add_device()
    of_a_lead = await house.ask("invite", member="anna")
    await house.ask("device.revoke", device=anna.certificate.device)
    code = found["join"].split()[4].partition(".")[0]
    assert (await Device(house, bytes(32)).enrol(code))[0] == 404
    await Device.join(house, of_a_lead["join"])
