"""What aider makes of all its files: the variables it would work with, and where each is set."""

import pytest

from agentspend.agents.aider_files import env_file_variables, read_start
from tests.agents.conftest import Machine


def test_the_order_of_all_places(machine: Machine) -> None:
    """Each place beats those before it; the last of all is what options put there."""
    machine.put("home/work/repo/.git/HEAD", "ref: refs/heads/main\n")
    caller = machine.caller(OPENAI_API_BASE="first")
    (machine.work / "repo/sub").mkdir()
    own = type(caller)(caller.env, machine.work / "repo/sub", caller.home)
    repo = "home/work/repo"
    told = ["the environment"]
    for path in (
        "home/.aider/oauth-keys.env",
        "home/.env",
        f"{repo}/.env",
        f"{repo}/sub/.env",
        f"{repo}/sub/own.env",
    ):
        args = ("--env-file", "own.env")
        file = machine.put(path, f"A=1\nOPENAI_API_BASE={path}\n")
        told.append(f"{file} line 2")
        assert read_start(args, own).variables["OPENAI_API_BASE"].place == told[-1]
    for path in ("home/.aider.conf.yml", f"{repo}/.aider.conf.yml", f"{repo}/sub/.aider.conf.yml"):
        file = machine.put(path, f"dark-mode: true\nset-env: [OPENAI_API_BASE={path}]\n")
        assert read_start((), own).variables["OPENAI_API_BASE"].place == f"{file} line 2"
    found = read_start(("--openai-api-b=last", "--set-e", "OPENAI_API_BASE=x"), own)
    assert (found.variable("OPENAI_API_BASE"), found.env_file) == ("last", None)


def test_variables_in_env_files_name_each_other(machine: Machine) -> None:
    """`${NAME}` and its default, from the environment and from lines above."""
    machine.put(
        "home/.env", "A=${HOST}/a\nB='${A}/b'\nC=${NONE:-c}\nD=\"d # d\" # no\nexport E=e\n"
    )

    found = read_start((), machine.caller(HOST="h"))

    assert [found.variable(name) for name in "ABCDE"] == ["h/a", "h/a/b", "c", "d # d", "e"]


def test_a_file_is_read_up_to_what_no_variable_can_hold(machine: Machine) -> None:
    """aider stops there: what follows does not count."""
    machine.put("home/.env", "A=1\nB=x\0y\nC=1\n")

    found = read_start((), machine.caller())

    assert (found.variable("A"), found.variable("C")) == ("1", "")


def test_an_api_key_option_names_its_variable(machine: Machine) -> None:
    """`--api-key gemini=…` is GEMINI_API_KEY."""
    found = read_start(("--api-key", "gemini=k", "--anthropic-api-k", "a"), machine.caller())

    assert found.variable("GEMINI_API_KEY") == "k"
    assert found.variables["ANTHROPIC_API_KEY"].place == "--anthropic-api-k"


def test_files_that_will_be_there_count(machine: Machine) -> None:
    """A plan is tried before its files are written."""
    path = machine.root / "ours.env"

    found = read_start(("--env-file", str(path)), machine.caller(), unwritten={path: "A='1'\n"})

    assert (found.variable("A"), found.env_file) == ("1", path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB", {"A": "1"}),
        ("A=\n", {"A": ""}),
        ("A='it\nB=2\n", {"B": "2"}),
        ("A='two\nlines'\nB=${A}", {"A": "two\nlines", "B": "${A}"}),
        ("", {}),
    ],
)
def test_the_variables_of_one_file(text: str, found: dict[str, str]) -> None:
    """As they stand there; a line that is none is passed over."""
    assert env_file_variables(text) == found
