"""`on_exceed = "ask"` over the commands: who runs an agent is told, and answers yes or no."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import SPEND
from tests.daemon.helpers import DAILY, until
from tests.support.process import Home, SandboxProcess

ASK = DAILY.replace("5.00", "0.001") + '[admission]\non_exceed = "ask"\nwait_s = 1\n'


@pytest.fixture
def asking(tmp_path: Path, provider: SandboxProcess) -> Iterator[Home]:
    """A user whose budget lets nothing pass, and who wants to be asked."""
    provider.direct({"default": {}})
    with Home(tmp_path, provider.url, ASK, ANTHROPIC_API_KEY="sk-ant-test") as made:
        yield made


def agent(home: Home) -> "subprocess.Popen[str]":
    """An agent that asks once."""
    return subprocess.Popen(
        [sys.executable, "-m", "agentspend", "run", "--", sys.executable, str(SPEND)],
        env=home.env, cwd=home.user, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def asked(home: Home) -> str:
    """Wait until somebody is asked; what `status` says then."""
    until(lambda: home.json("status")["questions"], "a question is open")
    return home.run("status").stdout


def test_a_raise_lets_it_go_on(asking: Home) -> None:
    """Told before the agent starts, shown in `status`, answered by `budget raise`."""
    with agent(asking) as running:
        shown = asked(asking)
        assert "? 1 request" in shown
        assert "agentspend budget raise daily 0" in shown
        done = asking.run("budget", "raise", "daily", "5")
        assert done.returncode == 0, done.stderr
        out, err = running.communicate(timeout=60)
    assert '"status": 200' in out
    assert "waits for your answer, 45 s at most" in err


def test_a_no_refuses_it_and_no_agent_may_say_it(asking: Home) -> None:
    """`budget refuse`: a person's word; without a question it says that there is none."""
    with agent(asking) as running:
        asked(asking)
        said = asking.run("run", "--", "agentspend", "budget", "refuse", "daily")
        assert "an agent may not" in said.stderr
        said = asking.run("run", "--", "agentspend", "budget", "raise", "daily", "5")
        assert "an agent may not" in said.stderr
        assert "1 request was refused" in asking.run("budget", "refuse", "daily").stderr
        out, _ = running.communicate(timeout=60)
    assert "said no" in out
    assert "no request asks for more" in asking.run("budget", "refuse", "daily").stderr
