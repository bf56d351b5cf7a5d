"""A newcomer's mistakes: each is told with what is wrong, and what to write instead."""

import pytest

from tests.cli.conftest import Command
from tests.support.process import Home

WRONG = [
    (["budget", "set", "daily", "-5", "--window", "day"], "-5 is below zero", "budget set daily"),
    (["adjust", "r_1", "--to", "-1"], "'-1' is below zero", "0 or more"),
    (["log", "-n", "-3"], "-3 is not 0 or more", "agentspend log -n 100"),
    (["log", "-n", "x"], "'x' is not a whole number", "agentspend log -n 100"),
    (["log", "--filter", "foo:bar"], "'foo' is not something to filter by", "use one of"),
    (["key", "create", "--alias", "x", "--agent", "b c"], "is not the name of an agent", "letters"),
    (["key", "create", "--alias", "x", "--provider", "nosuch"], "no provider 'nosuch'",
     "agentspend providers list"),
    (["key", "create", "--alias", "x", "--provider", "groq"], "groq is not set up",
     "agentspend providers add groq"),
    (["budget", "raise", "team:org.month", "5"], "org.month is a cap of your team",
     "agentspend team request 5 --pool org.month"),
    (["budget", "remove", "team:org.month"], "only its leads change it",
     "agentspend team request AMOUNT --pool org.month"),
    (["team", "request", "0"], "nothing is asked for", "agentspend team request 20"),
    (["prices", "show", "opos"], "no model with a price has 'opos'", "agentspend prices show"),
    (["prices", "explain", "none.json"], "none.json cannot be read", "answer.json"),
    (["team", "approve", "r_1", "--amount", "x"], "'x' is not an amount", "write it like"),
    (["run", "codx"], "no launcher for 'codx'", "did you mean agentspend run codex?"),
    (["run", "--project", "--", "true"], "--project needs a value", "agentspend run"),
    (["run", "--team", "--tag", "a=b", "claude"], "--team needs a value", "agentspend run"),
    (["run", "--tag", "a b", "--", "true"], "'a b' is not a tag", "ticket=ABC-12"),
    (["statusline", "--foo"], "--format is one of claude, tmux, plain", "--format tmux"),
    (["top", "--view", "x"], "'x' is not a list", "agents, requests"),
    (["top", "--filter", "x:y"], "'x' is not something to filter by", "agent, session"),
    (["key", "create", "--alias", "x", "--rpm-limit", "9" * 23], "rpm is above", "0 is no limit"),
    (["budget", "set", "a", "1", "--window", "day", "--scope"], "'--scope' requires an argument",
     "agentspend budget set"),
    (["log", "-n"], "'-n' requires an argument", "agentspend log -n 100"),
    (["enable", "emacs"], "'emacs' cannot be led here", "agentspend key create --alias NAME"),
    (["providers", "add", "a b"], "'a b' is not a name for a provider", "small letters"),
    (["keys", "remove", "foo"], "no provider 'foo' is known", "agentspend keys list"),
    (["budget", "set", "x" * 65, "1", "--window", "day"], "is not a name for a budget",
     "at most 64"),
    (["statusline", "--format", "x"], "--format is one of claude, tmux, plain", "--format tmux"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said", "way_out"), WRONG, ids=lambda each: " ".join(each))
def test_a_command_that_was_written_wrong(
    house: Home, words: list[str], said: str, way_out: str
) -> None:
    """Exit code 2, nothing on stdout, and a second line that helps."""
    done = house.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    message, _, hint = done.stderr.partition("\n→ ")
    assert said in message
    assert way_out in hint


def test_a_program_that_cannot_be_run(house: Home) -> None:
    """A path is there or not, and can be executed or not; PATH has nothing to do with it."""
    (house.user / "notes.txt").write_text("no program")
    (house.user / "docs").mkdir()
    for name, why in (("./notes.txt", "cannot be executed"), ("./none", "is not there"),
                      ("./docs", "is a folder")):  # fmt: skip
        done = house.run("run", "--", name)
        told = f"agentspend: {name} {why}\n→ ls -l {name}\n"
        assert (done.returncode, done.stderr) == (1, told)


def test_what_nobody_is_asked_about(agentspend: Command, here: Home) -> None:
    """To leave a team one must be in one; what is looked for and not there is named."""
    assert agentspend("team", "leave").err == "this device is in no team\n"
    assert agentspend("log", "--session", "s_x").err == "no entry is one of --session s_x\n"


def test_any_number_may_be_asked_for(agentspend: Command, fresh: Home) -> None:
    """More entries or lines than there can be are all of them."""
    for words in (("log", "-n", "9" * 23), ("daemon", "logs", "-n", "9" * 23)):
        assert agentspend(*words).code == 0
    fresh.config.parent.mkdir(exist_ok=True)
    agentspend("daemon", "start")
    for words in (("log", "-n", "9" * 23), ("daemon", "logs", "-n", "9" * 23)):
        ran = agentspend(*words)
        assert (ran.code, bool(ran.out)) == (0, True)


def test_one_mistake_is_one_finding(agentspend: Command, fresh: Home) -> None:
    """A configuration that cannot be read stops several of doctor's looks, and is told once."""
    fresh.config.write_text("[broken")
    ran = agentspend("doctor")
    assert (ran.code, ran.out.count("is not valid TOML")) == (1, 1)
