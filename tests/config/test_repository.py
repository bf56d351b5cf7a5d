"""What a repository says of the work in it: names, tags and limits, and nothing that loosens."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentspend.config.repository import MAX_BUDGETS_IN_A_FILE, Place, Workplace, workplace
from agentspend.config.shape import File
from agentspend.core.errors import ConfigError
from agentspend.core.money import parse_usd
from agentspend.core.rules import NO_RULES, LoopGuard, ModelRule, RateLimit
from agentspend.core.scopes import Payer, Scope

MONO = "github.com/acme/mono"
ROOT, PAY = f"{MONO}/.agentspend.toml", f"{MONO}/services/pay/.agentspend.toml"
DAY = '[[budgets]]\nname = "day"\nlimit = "5.00"\nwindow = "day"\n'


def settled(root: str = "", pay: str = "", repository: str = MONO, **payer: str) -> Workplace:
    """A session in `services/pay` with these files."""
    places = [
        Place(ROOT, "mono/.agentspend.toml", root),
        Place(PAY, "mono/services/pay/.agentspend.toml", pay),
    ]
    return workplace(Payer(**payer), repository, places)


def test_without_files_everything_is_as_git_says() -> None:
    """The empty sources are named all the same: what they said before may be gone."""
    found = settled()

    assert found == Workplace(Payer(project=MONO), NO_RULES, {ROOT: (), PAY: ()})
    assert found.rules is NO_RULES


def test_the_nearest_file_names_the_project() -> None:
    """Work stays filed under the wider names by tags, whoever gave the nearest one."""
    named = settled('project = "mono"', 'project = "payments"')
    outer = settled('project = "mono"')
    by_command = settled(pay='project = "payments"', project="spike")

    assert (named.payer.project, outer.payer.project) == ("payments", "mono")
    assert by_command.payer.project == "spike"
    assert named.payer.tags == (f"project={MONO}", "project=mono")
    assert by_command.payer.tags == (f"project={MONO}", "project=payments")
    assert Scope.of({"project": MONO}).matches(by_command.payer)


def test_the_nearest_file_names_the_team_that_pays() -> None:
    """Unless a person has; the place it was named in is kept, for who is not in it."""
    nearest, outer = settled('team = "web"', 'tags = []\nteam = "pay"'), settled('team = "web"')
    by_command = settled('team = "web"', team="data")

    assert (nearest.payer.team, outer.payer.team) == ("pay", "web")
    assert nearest.team_from == "mono/services/pay/.agentspend.toml line 2: team"
    assert (by_command.payer.team, by_command.team_from) == ("data", "")
    assert settled().team_from == ""


@pytest.mark.parametrize("name", ["Data Team", "-x", "a,b", "x" * 81])
def test_a_team_is_called_as_its_server_calls_it(name: str) -> None:
    """Anything else is no team's name, and says so with the line."""
    with pytest.raises(ConfigError, match=r"\.toml line 1: team is not the name of a team"):
        settled(f"team = {name!r}")


def test_every_file_adds_its_tags() -> None:
    """Beside those of the session, which stay."""
    found = workplace(
        Payer(tags=("team=web",)), MONO, [Place(ROOT, "x", 'tags = ["team:api", "urgent"]')]
    )

    assert found.payer.tags == ("team=api", "team=web", "urgent")


def test_budgets_are_for_the_projects_own_work() -> None:
    """Under names that begin with it, so that two repositories may each have a budget `day`."""
    root = DAY + 'scope = { agent = "claude" }\n'
    found = settled(root, f'project = "payments"\n{DAY}')

    [whole] = found.declared[ROOT]
    [part] = found.declared[PAY]
    assert (whole.name, part.name) == ("acme-mono.day", "payments.day")
    assert whole.scope == Scope.of({"agent": "claude", "project": MONO})
    assert part.scope == Scope.of({"project": "payments"})
    assert (whole.source, part.source) == (ROOT, PAY)
    assert whole.limit_nusd == parse_usd("5.00")
    assert whole.scope.matches(Payer(agent="claude", project=MONO))
    assert part.scope.matches(found.payer)


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("local/work", "work.day"),
        ("gitlab.example/group/sub/repo", "sub-repo.day"),
        ("github.com/acme/" + "x" * 60, "acme-" + "x" * 27 + ".day"),
        ("github.com/é/ü", "repository.day"),
    ],
)
def test_a_budgets_name_can_be_typed(repository: str, name: str) -> None:
    """Whatever the project is called."""
    [budget] = settled(DAY, repository=repository).declared[ROOT]

    assert budget.name == name


def test_rules_hold_together_and_say_where_they_come_from() -> None:
    """The rules of both files, with the words a refused agent is told."""
    root = '[[models]]\ndeny = ["claude-opus-*"]\n[loop_guard]\nrepeats = 5\n'
    pay = '[[rate_limits]]\nrpm = 30\n[loop_guard]\nrepeats = 8\nwithin = "9m"\n'
    rules = settled(root, pay).rules

    assert rules.models == (ModelRule(deny=("claude-opus-*",), source=ROOT),)
    assert rules.rates == (RateLimit(rpm=30, source=PAY),)
    assert rules.loop_guard == LoopGuard(5, 540)


@pytest.mark.parametrize("section", File.__struct_fields__)
def test_a_setting_of_the_configuration_is_refused_unless_it_tightens(section: str) -> None:
    """Prices, providers, the network and the rest are a person's; the line is named."""
    text = {
        "budgets": DAY,
        "models": '[[models]]\ndeny = ["x"]\n',
        "rate_limits": "[[rate_limits]]\nrpm = 1\n",
        "loop_guard": "[loop_guard]\nrepeats = 3\n",
        "downgrades": '[[downgrades]]\nbudget = "day"\nof = "a"\nto = "b"\n',
        "price_table": 'price_table = "0"\n',
    }.get(section, f'[{section}.x]\ny = "z"\n')
    if section in ("budgets", "models", "rate_limits", "loop_guard"):
        settled(text)
        return
    with pytest.raises(ConfigError, match=r"mono/.agentspend.toml line 2: .* may only tighten"):
        settled("\n" + text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[budgets\n", "line 1"),
        ("tags = [1]", "line 1: tags"),
        ('tags = ["a b"]', "line 1: tags: 'a b' is not a tag"),
        ('project = "a b"', "line 1: project is not a name"),
        ('project = "a,b"', "line 1: project is not a name"),
        ('project = "\\u001b[31m"', "line 1: project is not a name"),
        ("proyect = 'x'", "line 1: proyect is not a setting"),
        (DAY.replace("day", "d/y"), "line 2: budgets[0].name"),
        (DAY.replace('"5.00"', "5.00"), "line 3: budgets[0].limit is not in quotes"),
        (DAY + 'scope = { project = "other" }', "line 5: budgets[0].scope: the scope is project"),
        (DAY + DAY, "stands twice"),
        (DAY.replace('"day"', f'"{"x" * 60}"', 1), "line 2: budgets[0].name"),
        ("[[rate_limits]]\nrpm = -1", "line 2: rate_limits[0].rpm: is below zero"),
        (
            "".join(DAY.replace("day", f"d{n}", 1) for n in range(MAX_BUDGETS_IN_A_FILE + 1)),
            f"are more than {MAX_BUDGETS_IN_A_FILE}",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(text: str, words: str) -> None:
    """The session does not begin: a limit that silently does not hold is worse."""
    with pytest.raises(ConfigError) as raised:
        settled(pay=text)
    assert words in raised.value.message
    assert "mono/services/pay/.agentspend.toml" in raised.value.message
    assert raised.value.hint


def test_a_budget_needs_a_project() -> None:
    """Where git has no name that is safe, the file gives one."""
    with pytest.raises(ConfigError, match="git has no name") as raised:
        settled(DAY, repository="")
    assert "project =" in raised.value.hint
    [budget] = settled(f'project = "mine"\n{DAY}', repository="").declared[ROOT]
    assert budget.scope == Scope.of({"project": "mine"})


@given(text=st.text(max_size=60))
@example(text='project = "\\u0000"')
@example(text="a.b.c = 1")
@example(text="[providers]")
@example(text="budgets = [[]]")
def test_no_text_is_more_than_an_error(text: str) -> None:
    """A file of anybody's making is used, or refused in words."""
    try:
        found = settled(text)
    except ConfigError:
        return
    assert found.payer.project
    assert set(tomllib.loads(text)) <= {"project", "tags", "budgets", "models", "rate_limits",
                                        "loop_guard"}  # fmt: skip


def test_the_example_in_the_docs_is_one() -> None:
    """docs/projects.md shows a file that is taken as it stands."""
    docs = Path(__file__).parents[2] / "docs/projects.md"
    text = docs.read_text().split("```toml\n")[1].split("```")[0]
    found = settled(text)

    assert [budget.name for budget in found.declared[ROOT]] == ["payments.day"]
    assert found.rules.models
    assert found.rules.rates
