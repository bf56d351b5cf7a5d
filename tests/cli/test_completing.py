"""What a tab offers: the names there are now, and nothing where nobody can be asked."""

import inspect

import pytest

from agentspend.agents import AGENTS
from agentspend.cli import completing
from agentspend.core.scopes import KEYS
from tests.cli.conftest import Command, spend
from tests.daemon.helpers import session
from tests.support.process import Home

NAMES = [
    each
    for name, each in inspect.getmembers(completing, inspect.isfunction)
    if each.__module__ == completing.__name__ and name not in ("of", "program")
    if not name.startswith("_")
]


@pytest.mark.parametrize("names", NAMES)
def test_without_a_daemon_nothing_is_started_or_raised(
    fresh: Home, names: completing.Callable[[str], list[str]]
) -> None:
    """A broken configuration completes nothing either."""
    names("")
    fresh.config.write_text("[broken")
    names("")
    assert fresh.pid() == 0


def test_the_names_there_are(here: Home, agentspend: Command) -> None:
    """Of what runs, what was made and what was charged."""
    agentspend("key", "create", "--alias", "ci")
    agentspend("budget", "set", "daily", "5", "--window", "day")
    spend(here)
    (rid,) = {row["rid"] for row in here.json("log") if row["kind"] == "settle"}
    assert completing.requests("r_") == [rid]
    assert completing.keys("c") == ["ci"]
    assert completing.budgets("") == ["daily"]
    agentspend("pause", "--all")
    assert completing.paused("") == []
    with session(here, "s_tab"):
        assert completing.sessions("s_") == ["s_tab"]
        assert completing.sessions("x") == []
    assert completing.teams("") == completing.pools("") == completing.raises("") == []


def test_of_what_is_always_there() -> None:
    """Agents, providers, windows; only those that begin so."""
    assert completing.agents("") == list(AGENTS)
    assert completing.ready_providers("open") == ["openai", "openrouter"]
    assert completing.windows("mo") == ["month"]
    assert completing.of("tmux", "plain")("t") == ["tmux"]


def test_the_terms_of_a_scope(here: Home, agentspend: Command) -> None:
    """First the keys; then what is configured, priced or at work now."""
    assert completing.scopes("") == [f"{key}=" for key in KEYS]
    assert completing.scopes("p") == ["project=", "provider="]
    assert completing.scopes("provider") == ["provider="]
    assert completing.scopes("provider=o") == ["provider=openai"]
    assert completing.scopes("agent=c") == ["agent=claude", "agent=codex"]
    assert completing.scopes("ag") == [f"agent={name}" for name in AGENTS]
    assert "model=gpt-5" in completing.scopes("model=gpt")
    assert completing.scopes("br") == ["branch="]
    assert completing.scopes("colour=") == []
    agentspend("key", "create", "--alias", "nightly")
    assert completing.scopes("key=n") == ["key=nightly"]
    with session(here, "s_scope"):
        assert completing.scopes("session=s_s") == ["session=s_scope"]
        assert completing.scopes("member=") == ["member=ana"]


def test_the_words_of_a_report(here: Home, agentspend: Command) -> None:
    """What it adds up by, also after a comma; then what was spent by lately, with a daemon and
    without."""
    agentspend("resume", "--all")
    spend(here, words=("--tag", "ticket=ABC-1", "--project", "acme/web"))
    for _ in range(2):
        assert completing.periods("last") == ["last-week", "last-month"]
        assert completing.report_by("m") == ["month", "model", "member"]
        assert completing.report_by("model,m") == ["model,month", "model,member"]
        assert completing.report_by("tag:") == ["tag:ticket"]
        assert completing.report_by("day,tag:t") == ["day,tag:ticket"]
        assert completing.report_where("pr") == ["project=", "provider="]
        assert completing.report_where("project=a") == ["project=acme/web"]
        assert completing.report_where("tag:") == ["tag:ticket="]
        assert completing.report_where("tag:ticket=") == ["tag:ticket=ABC-1"]
        assert completing.report_where("colour=") == []
        here.run("daemon", "stop")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("run c", ["claude", "codex"]), ("run claude c", []), ("run --provider g", ["google"]),
        ("top --view m", ["models"]), ("budget set x 5 --window d", ["day"]),
        ("budget set x 5 --scope pr", ["project=", "provider="]),
    ],
)  # fmt: skip
def test_by_the_shell_s_own_way(house: Home, words: str, offered: list[str]) -> None:
    """As bash asks at a tab; after the agent everything is the agent's."""
    line = f"agentspend {words}"
    done = house.run(_AGENTSPEND_COMPLETE="complete_bash", COMP_WORDS=line,
                     COMP_CWORD=str(len(line.split()) - 1))  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (offered, "")
