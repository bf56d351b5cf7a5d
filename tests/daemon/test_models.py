"""A running session is allowed only some models: from its next request on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError
from tests.daemon.helpers import ask, session
from tests.support.process import Home, SandboxProcess


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home with a daemon and a provider."""
    with SandboxProcess(tmp_path) as provider, Home(tmp_path / "home", provider.url) as found:
        found.run("daemon", "start")
        yield found


def test_a_session_may_be_kept_to_cheaper_models(home: Home) -> None:
    """Its next request for another is refused with the reason; an agent cannot lift that."""
    with session(home) as way:
        assert way.post().status == 200
        ask(home, "session.models", session=way.id, allow=["*haiku*"])

        refused = way.post()
        assert refused.status == 402
        assert b"agentspend models" in refused.read()
        assert way.post(model="claude-haiku-4-5").status == 200
        with pytest.raises(AgentspendError, match="an agent may not"):
            ask(home, "session.models", session=way.id, allow=[])


def test_a_session_that_does_not_run_is_said(home: Home) -> None:
    """With the command that lists those that do."""
    said = home.run("models", "s_nobody", "--only", "*haiku*")
    assert said.returncode == 2
    assert "agentspend status" in said.stderr
    assert home.run("models", "s_1").returncode == 2


def test_an_error_has_a_kind_that_programs_can_rely_on(home: Home) -> None:
    """A stable word beside the sentence, of what is asked wrongly and of what none may ask."""

    def kind(op: str, **fields: object) -> str:
        with pytest.raises(AgentspendError) as raised:
            ask(home, op, **fields)
        return raised.value.kind

    for op, fields in (
        ("session.models", {"session": "s_nobody", "allow": []}),
        ("session.pause", {"session": "s_nobody"}),
        ("key.info", {"alias": "nobody"}), ("why", {"rid": "r_none"}), ("charge", {"rid": "r_no"}),
        ("provider.test", {"name": "nobody"}),
        ("session.open", {"payer": {}, "providers": ["nobody"]}),
    ):  # fmt: skip
        assert kind(op, **fields) == "unknown_name", op
    assert kind("session.open", payer={"team": "web"}) == "team"
    assert kind("fly") == "unknown_operation"
    assert kind("why") == kind("session.open", payer={"wings": "2"}) == "unreadable"
    with session(home):
        assert kind("policy.may_loosen") == "persons_only"
