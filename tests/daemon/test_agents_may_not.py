"""An agent cannot give itself money: not by command, not by file, not by way of a crash."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.control.client import Connection
from agentspend.core.errors import AgentspendError
from tests.daemon.helpers import DAILY, KEY, ask, budget, paths, session, set_port, until
from tests.support.ports import free_port
from tests.support.process import Home, SandboxProcess

REFUSED = "an agent may not"
LIMIT = 5_000_000_000


def as_agent(home: Home, script: str) -> str:
    """What a shell inside `agentspend run` says on stderr."""
    return home.run("run", "--", "sh", "-c", script).stderr


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, provider: SandboxProcess) -> Iterator[Home]:
    """One running daemon for everything that must change nothing."""
    with Home(tmp_path_factory.mktemp("shared"), provider.url, DAILY) as made:
        made.run("daemon", "start")
        yield made


@pytest.mark.parametrize(
    "command",
    [
        "budget raise daily 100",
        "budget raise daily --to 100",
        "budget set daily 100 --window day",
        "budget set daily 5 --window day --mode warn",
        "budget set daily 5 --window hour",
        "budget set daily 5 --window day --scope project=other",
        "budget remove daily",
        "prices set anthropic/claude-opus-5 --input 0.01 --output 0.01",
        "prices set 'anthropic/*' --multiplier 0.1",
    ],
)
def test_a_raise_by_an_agent_is_refused_and_the_file_is_as_it_was(
    shared: Home, command: str
) -> None:
    """Whatever loosens: refused with the way out, nothing in force, nothing left in the file.

    A daemon that happened to read the file in between forgets it again.
    """
    before = shared.config.read_text()

    said = as_agent(shared, f"agentspend {command}")

    assert REFUSED in said, said
    assert "in another terminal" in said
    assert shared.config.read_text() == before
    assert budget(shared)["limit_nusd"] == LIMIT
    until(lambda: not ask(shared, "status")["waits"], "nothing waits")


def test_an_agent_may_lower_its_budget(home: Home) -> None:
    """Tightening is anybody's to do."""
    said = as_agent(home, "agentspend budget set daily 1 --window day")

    assert REFUSED not in said
    assert budget(home)["limit_nusd"] == 1_000_000_000


def test_a_raise_in_the_file_waits_and_the_agent_cannot_confirm_it(home: Home) -> None:
    """Editing config.toml from inside the session changes nothing until a person agrees."""
    edit = f"sed -i 's/5.00/500.00/' {home.config}"

    said = as_agent(home, f"{edit}; agentspend budget confirm --yes")

    assert REFUSED in said
    until(lambda: ask(home, "status")["waits"], "the raise waits")
    assert budget(home)["limit_nusd"] == LIMIT
    assert home.run("budget", "confirm", "--yes").returncode == 0
    assert budget(home)["limit_nusd"] == 500_000_000_000


def test_a_charge_cannot_be_lowered_by_an_agent(home: Home) -> None:
    """`adjust` is a person's."""
    home.run("daemon", "start")
    with session(home), pytest.raises(AgentspendError, match=REFUSED):
        ask(home, "adjust", rid="r_1", amount_nusd=0)


def test_killing_or_stopping_the_daemon_makes_nobody_a_person(home: Home) -> None:
    """The daemon that comes back knows who is inside a session."""
    set_port(home, free_port())
    home.run("daemon", "start")
    lock = paths(home).lock
    for end in (f"kill -9 $(cat {lock})", "agentspend daemon stop"):
        said = as_agent(home, f"{end}; agentspend daemon start; agentspend budget raise daily 100")

        assert REFUSED in said, said
        assert budget(home)["limit_nusd"] == LIMIT


def test_a_run_inside_a_run_is_inside(home: Home) -> None:
    """A session started from a session is no way out of it."""
    said = as_agent(home, "agentspend run -- agentspend budget raise daily 100")

    assert REFUSED in said
    assert budget(home)["limit_nusd"] == LIMIT


def test_nobody_else_may_take_a_live_session_over(home: Home) -> None:
    """Opening somebody's session under the same name, to end it by hanging up, is refused."""
    take = (
        "import sys;from pathlib import Path;from agentspend.control.client import Connection;"
        "c=Connection(Path(sys.argv[1]));"
        "s=c.ask('status')['sessions'][0]['id'];"
        "c.ask('session.open',session=s,payer={'agent':'claude','session':s})"
    )
    script = f'{sys.executable} -c "{take}" {paths(home).socket}'

    said = as_agent(home, f"{script}; agentspend budget raise daily 100")

    assert "is another process's" in said, said
    assert REFUSED in said
    assert budget(home)["limit_nusd"] == LIMIT


def test_a_run_may_open_its_own_session_again(home: Home) -> None:
    """The same process, the same name: the later connection is the one that counts."""
    home.run("daemon", "start")
    with session(home) as way:
        payer = {"agent": "claude", "session": way.id}
        with Connection(paths(home).socket) as again:
            keys = {"anthropic": KEY}
            again.ask("session.open", session=way.id, payer=payer, token=way.token, keys=keys)
            assert way.post().status == 200
        until(lambda: not ask(home, "status")["sessions"], "the session has ended")


def test_a_detached_process_is_the_residual_that_is_documented(home: Home, tmp_path: Path) -> None:
    """A process that left the session's tree is not recognised: DESIGN.md §6 says so."""
    done, said = tmp_path / "done", tmp_path / "said"
    script = tmp_path / "detached.sh"
    # It waits until its parent is gone: only then is it nobody's child.
    script.write_text(
        "while [ $(ps -o ppid= -p $$) -eq $1 ]; do sleep 0.01; done\n"
        f"agentspend budget raise daily 1 2>{said}\ntouch {done}\n"
    )
    home.run("daemon", "start")

    as_agent(
        home,
        f"sh -c 'setsid sh {script} $$ >/dev/null 2>&1 & sleep 0.2';"
        f" until [ -e {done} ]; do sleep 0.02; done",
    )

    assert budget(home)["limit_nusd"] == 6_000_000_000, said.read_text()
