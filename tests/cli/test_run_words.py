"""What `agentspend run` says when a session has ended."""

from types import SimpleNamespace
from typing import Any

import pytest

from agentspend.cli import run_words
from agentspend.core.errors import AgentspendError, DaemonUnreachable, Kind, StoreError
from agentspend.core.scopes import Payer

GONE = """\
agentspend: the daemon is not running, so what this session cost is not known here
→ agentspend daemon start, then agentspend log
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DaemonUnreachable("it hung up", ""), GONE),
        (StoreError("the daemon is stopping", "", Kind.STOPPING), GONE),
        (AgentspendError("the disk is full", "free some"),
         "agentspend: the disk is full\n→ free some\n"),
    ],
)  # fmt: skip
def test_a_session_that_outlives_its_daemon(
    capsys: pytest.CaptureFixture[str], error: AgentspendError, said: str
) -> None:
    """One that is stopping tells no cost either: where it is found later is said."""

    def total() -> Any:
        raise error

    link: Any = SimpleNamespace(total=total)
    run_words.after(link, Payer(), None)  # type: ignore[arg-type]
    assert capsys.readouterr().err == said
