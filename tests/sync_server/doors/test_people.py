"""People over real HTTPS: tokens, roles, and answers that say what to do."""

import pytest

from sync_server.acts.table import ACTS
from sync_server.roles import Role
from tests.sync_server.house import DOLLAR, House


async def test_every_act_takes_a_token(house: House) -> None:
    """Without one, with a wrong one, and for acts that do not exist: 401."""
    for name in [*ACTS, "none"]:
        assert (await house.post(f"/v1/admin/{name}", {}))[0] == 401
        break
    for token in ("", "aspt_00", "Basic x"):
        assert (await house.post("/v1/admin/report", {}, token))[0] == 401
    assert (await house.get("/metrics"))[0] == 401


async def test_guessing_tokens_is_slowed_down(house: House) -> None:
    """Twenty wrong ones a minute from one address."""
    statuses = [(await house.post("/v1/admin/audit", {}, f"aspt_{n}"))[0] for n in range(21)]
    assert statuses == [401] * 20 + [429]


@pytest.mark.parametrize("role", list(Role))
async def test_roles_reach_as_far_as_they_should(house: House, role: Role) -> None:
    """Each act needs its least role; nothing else is looked at before that."""
    token = (await house.ask("token.create", name="t", role=role.value))["token"]
    for name, act in ACTS.items():
        house.now[0] += 2_000_000
        status, found = await house.try_to(name, token, none_such=1)
        assert status == (400 if role.may(act.least) else 403), found


async def test_a_members_token_has_the_members_role(house: House) -> None:
    """Also after it changed, and none when the member has left."""
    await house.joined("anna")
    token = (await house.ask("token.create", name="annas", member="anna"))["token"]
    assert (await house.try_to("audit", token))[0] == 403
    await house.ask("member.set_role", member="anna", role="lead")
    assert (await house.try_to("audit", token))[0] == 200
    await house.ask("member.revoke", member="anna")
    assert (await house.try_to("audit", token))[0] == 401


async def test_an_ended_token_opens_nothing(house: House) -> None:
    """And ending it twice says that there is none."""
    token = (await house.ask("token.create", name="grafana"))["token"]
    assert (await house.get("/metrics", token))[0] == 200
    await house.ask("token.revoke", name="grafana")
    assert (await house.get("/metrics", token))[0] == 401
    assert (await house.try_to("token.revoke", name="grafana"))[0] == 404
    listed = (await house.ask("token.list"))["tokens"]
    assert {each["name"]: each["active"] for each in listed} == {
        "first lead": True, "grafana": False,
    }  # fmt: skip


async def test_what_is_said_wrong_is_explained(house: House) -> None:
    """Which field, and what is known."""
    status, found = await house.try_to("cap.set", level="galaxy", window="day", cap_nusd=1)
    assert (status, "galaxy" in found["error"]["message"]) == (400, True)
    status, found = await house.try_to("cap.set", level="team", name="x", window="day", cap_nusd=1)
    assert (status, found["error"]["message"]) == (404, "there is no team 'x'")
    assert (await house.try_to("nothing"))[0] == 404
    assert (await house.post("/v1/admin/report", b"{", house.token))[0] == 400
    assert (await house.get("/v1/admin/report", house.token))[0] == 405
    assert (await house.get("/none"))[0] == 404


async def test_health_figures_and_the_document(house: House) -> None:
    """What a monitor asks for."""
    await house.ask("cap.set", level="org", window="month", cap_nusd=5 * DOLLAR)
    assert await house.get("/healthz") == (200, '{"ok":true}')
    _, text = await house.get("/metrics", house.token)
    assert 'agentspend_pool_usd{pool="org.month",level="org",part="cap"} 5.000000000' in text
    assert 'agentspend_server_acts_total{act="cap.set"} 1' in text
    assert "agentspend_server_requests_total{" in text
    assert '"openapi":"3.1.0"' in (await house.get("/openapi.json"))[1]
