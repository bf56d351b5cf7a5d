"""The configuration changes under a running daemon: what tightens holds, what loosens waits."""

from pathlib import Path

from agentspend.config.paths import Paths
from agentspend.config.schema import parse_config
from agentspend.core.facts import RequestFacts
from agentspend.daemon.reload import settings_from
from agentspend.daemon.team_rules import prices_of
from tests.daemon.helpers import DAILY, ask, budget, session, until
from tests.support.process import Home


def rewrite(home: Home, old: str, new: str) -> None:
    """Edit the file in place of its old text, by rename, as editors do."""
    text = home.config.read_text()
    assert old in text
    beside = home.config.with_suffix(".new")
    beside.write_text(text.replace(old, new))
    beside.replace(home.config)


def limit(home: Home) -> int:
    """The daily limit in force, as the running daemon has it."""
    lines = ask(home, "status")["budgets"]
    return next((int(line["limit_nusd"]) for line in lines if line["name"] == "daily"), 0)


def test_a_lower_limit_is_in_force_without_a_restart(home: Home) -> None:
    """Saved, and the running daemon refuses by it."""
    home.run("daemon", "start")
    with session(home) as way:
        assert way.post().status == 200
        rewrite(home, '"5.00"', '"0.0001"')
        until(lambda: limit(home) == 100_000, "the lower limit is in force")

        assert way.post().status == 402


def test_a_session_begins_with_what_is_written_when_it_begins(home: Home) -> None:
    """An edit and a `run` in one breath: the watch of the file would be a moment too late."""
    home.run("daemon", "start")
    rewrite(home, '"5.00"', '"0.0001"')
    with session(home) as way:
        assert way.post().status == 402
        assert limit(home) == 100_000


def test_a_higher_limit_waits_for_a_person(home: Home) -> None:
    """It is shown as waiting, and confirmed it is in force."""
    home.run("daemon", "start")
    rewrite(home, '"5.00"', '"50.00"')
    waits = until(lambda: ask(home, "status")["waits"], "the raise is seen")

    assert limit(home) == 5_000_000_000
    assert waits[0]["budget"] == "daily"
    assert "budget confirm" in home.run("budget", "list").stdout
    assert home.run("budget", "confirm", "--yes").returncode == 0
    assert limit(home) == 50_000_000_000


def test_a_file_that_cannot_be_read_keeps_the_last_good_one_and_says_so(home: Home) -> None:
    """The budgets stay, `status` and `daemon status` name file and line; mended, the error goes."""
    home.run("daemon", "start")
    rewrite(home, 'window = "day"', 'window = "fortnight"')
    error = until(lambda: ask(home, "ping")["config_error"], "the error is seen")

    assert "fortnight" in error
    assert "line " in error
    assert limit(home) == 5_000_000_000
    for words in (("status",), ("daemon", "status")):
        done = home.run(*words)
        assert "fortnight" in done.stdout + done.stderr, (words, done)

    rewrite(home, 'window = "fortnight"', 'window = "day"')
    until(lambda: not ask(home, "ping")["config_error"], "the error is gone")
    assert limit(home) == 5_000_000_000


def test_a_deleted_file_takes_no_cap_away(home: Home) -> None:
    """Removing a budget waits for a person, also when the whole file goes."""
    home.run("daemon", "start")
    home.config.unlink()
    until(lambda: ask(home, "status")["waits"], "the removal is seen")

    assert limit(home) == 5_000_000_000


def test_a_file_that_comes_back_is_followed_again(home: Home) -> None:
    """Gone, then written anew, then replaced by an editor: each state is seen."""
    home.run("daemon", "start")
    text = home.config.read_text()
    home.config.unlink()
    until(lambda: ask(home, "status")["waits"], "the removal is seen")
    home.config.write_text(text)
    until(lambda: not ask(home, "status")["waits"], "the new file is seen")
    rewrite(home, '"5.00"', '"3.00"')
    until(lambda: limit(home) == 3_000_000_000, "the edit of the new file is seen")


def test_a_restart_adopts_no_raise_either(home: Home) -> None:
    """What was edited while nobody ran waits like any other raise."""
    home.run("daemon", "start")
    home.run("daemon", "stop")
    rewrite(home, '"5.00"', '"50.00"')
    home.run("daemon", "start")

    assert budget(home)["limit_nusd"] == 5_000_000_000
    assert [wait["budget"] for wait in ask(home, "status")["waits"]] == ["daily"]


def test_another_provider_address_waits_too(home: Home) -> None:
    """Where requests go is as good as a raise: a changed origin waits while a hard cap stands."""
    home.run("daemon", "start")
    base_url = next(line for line in home.config.read_text().splitlines() if "base_url" in line)
    rewrite(home, base_url, 'base_url = "http://127.0.0.1:9"')
    until(lambda: ask(home, "status")["waits"], "the change is seen")

    with session(home) as way:
        assert way.post().status == 200


def test_a_new_budget_counts_what_was_already_spent(home: Home) -> None:
    """Its window begins with what the ledger holds."""
    home.run("daemon", "start")
    with session(home) as way:
        way.post().read()
        spent = until(lambda: budget(home)["spent_nusd"], "it is settled")
        extra = DAILY.replace("daily", "weekly").replace("day", "week")
        home.config.write_text(home.config.read_text() + extra)
        until(lambda: len(ask(home, "status")["budgets"]) == 2, "the new budget is in force")

    assert budget(home, "weekly")["spent_nusd"] == spent


def test_the_prices_say_which_models_a_budget_is_for(home: Home) -> None:
    """A name of one's own is its model at once, in the budgets too, and still with no daemon."""
    text = home.config.read_text()
    home.config.write_text(f'[aliases]\nquick = "anthropic/claude-haiku-4-5"\n{text}')
    home.run("budget", "set", "haiku", "3", "--window", "day", "--scope", "model=claude-haiku-4-5")
    with session(home) as way:
        way.post(model="claude-haiku-4-5-20251001")
        dated_nusd = budget(home, "haiku")["spent_nusd"]
        assert dated_nusd > 0
        way.post(model="claude-opus-5")
        assert budget(home, "haiku")["spent_nusd"] == dated_nusd

    home.run("daemon", "stop")
    home.config.write_text(
        f'{home.config.read_text()}\n[[budgets]]\nname = "again"\nlimit = "3"\nwindow = "day"\n'
        'scope = { model = "quick" }\n'
    )
    assert budget(home, "again")["spent_nusd"] == dated_nusd


def test_a_team_prices_a_model_that_nobody_here_knows(tmp_path: Path) -> None:
    """Its word stands above the file's for that model; for others the file's stands."""
    config = parse_config(
        '[prices."anthropic/claude-next"]\ninput = "0.01"\noutput = "0.01"\n'
        '[prices."anthropic/claude-mine"]\ninput = "1"\noutput = "2"\n'
    )
    where = Paths.find({"AGENTSPEND_HOME": str(tmp_path)})
    policy = {"prices": [{"model": "anthropic/claude-next", "input": "3", "output": "15"}]}
    book = settings_from(config, where, prices_of(policy)).book
    known = [book.find("anthropic", name) for name in ("claude-next", "claude-mine", "other-x")]
    facts = RequestFacts(model="claude-next", input_bound_tokens=1_000_000, max_output_tokens=0)
    assert [each is not None for each in known] == [True, True, False]
    assert book.bound("anthropic", facts, 0).nusd(0) == 3 * 10**9
    assert book.version != settings_from(config, where).book.version
    assert prices_of({}) == {}
