"""Nobody gets past any route without a token, a signature or an invite, whatever they send."""

import json
from typing import Any

import pytest

from sync_server.acts.table import ACTS
from sync_server.doors import devices, people
from sync_server.doors.openapi import document
from tests.sync_server.house import House

OPEN = {"/healthz", "/openapi.json"}
"""Says that it is there, and what all of it takes: nothing of anybody's."""
UNSIGNED = [
    b"", b"{}", b"[]", b"null", b"\xff", b'{"body":"","signature":""}',
    json.dumps({"body": json.dumps({"v": 1, "device": "d_1"}), "signature": "00" * 64}).encode(),
    json.dumps({"body": "{}", "signature": "no hex"}).encode(),
]  # fmt: skip


def routes() -> list[tuple[str, str]]:
    """(method, path) of everything the server listens to."""
    table = [*devices.routes(), *people.routes()]
    found = [(route.method, route.path) for route in table]
    acts = [("POST", f"/v1/admin/{name}") for name in ACTS]
    return [each for each in found if "{" not in each[1]] + acts


def test_the_document_names_every_route() -> None:
    """And no other."""
    assert {path for _, path in routes()} - {"/openapi.json"} == set(document()["paths"]) - {
        "/openapi.json"
    }


@pytest.mark.parametrize(("method", "path"), [each for each in routes() if each[1] not in OPEN])
async def test_without_a_word_of_ones_own_there_is_no_way_in(
    house: House, method: str, path: str
) -> None:
    """No token, another's, or none at all; unsigned, or signed by nobody: 4xx, never a 5xx."""
    for body in UNSIGNED if method == "POST" else [b""]:
        for token in ("", "aspt_unknown", "x" * 4_000):
            status, found = await _knock(house, method, path, body, token)
            assert 400 <= status < 500, (path, body, token, status)
            if path.startswith("/v1/admin/") or path == "/metrics":
                assert status in (401, 429)
            assert found["error"]["message"]


async def _knock(
    house: House, method: str, path: str, body: bytes, token: str
) -> tuple[int, dict[str, Any]]:
    house.now[0] += 60_000_000
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with house.session.request(
        method, house.base + path, data=body, headers=headers, ssl=house.tls
    ) as answer:
        return answer.status, json.loads(await answer.read())
