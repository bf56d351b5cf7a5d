"""The document tells the truth: whatever it allows is answered as it says, never with a 5xx."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth, response_schema_conformance

from sync_server.acts.table import ACTS
from sync_server.app import Server
from sync_server.doors.hall import Hall
from sync_server.doors.openapi import document
from sync_server.folder import Folder, Settings
from sync_server.founding import create
from sync_server.open_folder import address_of, opened
from tests.sync_server.office import NOON_US

EXAMPLES = 4


class Served:
    """A server in a thread of its own, in the clear, with a clock that makes nobody wait."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        ticks = itertools.count(0, 60)
        self._opened = opened(folder)
        self.hall = Hall(
            self._opened.__enter__(), address_of(folder),
            now_us=lambda: NOON_US, monotonic_s=lambda: float(next(ticks)),
        )  # fmt: skip
        self._server = Server(folder, self.hall)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop it."""
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self.hall.close()
        self._opened.__exit__(None, None, None)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A server and a lead's token."""
    settings_ = Settings("Acme", "http://127.0.0.1:0", "127.0.0.1", 0, "", "", "")
    folder, token = create(tmp_path_factory.mktemp("served") / "s", settings_, "UTC", NOON_US)
    made = Served(folder)
    yield made, token
    made.close()


@pytest.fixture(scope="module")
def api(served: tuple[Served, str]) -> Any:
    """The document as the server tells it."""
    return schemathesis.openapi.from_url(f"{served[0].url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_route_keeps_its_word(case: Any, served: tuple[Served, str]) -> None:
    """No 5xx, only answers the document names, and none without the token it asks for."""
    told = case.operation.definition.raw
    headers = {"Authorization": f"Bearer {served[1]}"} if "security" in told else {}
    response = case.call(headers=headers, timeout=20)
    checks = [not_a_server_error, response_schema_conformance]
    case.validate_response(response, checks=[*checks, ignored_auth] if headers else checks)
    other = case.method != case.operation.method.upper()
    assert response.status_code == 405 if other else str(response.status_code) in told["responses"]


def test_the_document_names_every_route() -> None:
    """Each act, and its token."""
    paths = document()["paths"]
    for act in ACTS.values():
        assert paths[f"/v1/admin/{act.name}"]["post"]["security"] == [{"token": []}]
    assert {"/v1/enrol", "/v1/sync", "/v1/hello", "/v1/request", "/v1/push"} < set(paths)
