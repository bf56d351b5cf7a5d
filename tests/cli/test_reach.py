"""A budget for a name that nobody goes by is set, and said to stop nobody."""

import subprocess

import pytest

from tests.cli.conftest import Command
from tests.support.process import Home


@pytest.mark.parametrize(
    ("scope", "said", "way_out"),
    [
        ("model=claude-opuss-5", "no model with a price is called 'claude-opuss-5'",
         "agentspend prices show claude-opus-5"),
        ("provider=groq", "no provider 'groq' is set up", "agentspend providers add groq"),
        ("provider=nosuch", "no provider 'nosuch' is set up", "agentspend providers list"),
        ("agent=claud", "no agent is known as 'claud'", "did you mean agent=claude?"),
        ("key=nosuch", "there is no virtual key 'nosuch'", "agentspend key create --alias nosuch"),
        ("tag=a b", "'a b' is not a tag", "write it like ticket=ABC-12"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_goes_by(
    agentspend: Command, here: Home, scope: str, said: str, way_out: str
) -> None:
    """The budget stands: what it is for may come later."""
    ran = agentspend("budget", "set", "x", "500", "--window", "day", "--scope", scope)
    assert ran.code == 0
    assert f"{said}: until then nothing counts in this budget\n→ {way_out}" in ran.err


@pytest.mark.parametrize(("name", "meant"), [("api", False), ("local/api", True), ("pi", True)])
def test_a_project_by_its_folder_alone(
    agentspend: Command, here: Home, monkeypatch: pytest.MonkeyPatch, name: str, *, meant: bool
) -> None:
    """It is filed as `local/FOLDER`, or by its remote: that is told, where one stands in it."""
    folder = here.user / "api"
    folder.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    monkeypatch.chdir(folder)
    ran = agentspend("budget", "set", "x", "500", "--window", "day", "--scope", f"project={name}")
    assert ran.code == 0
    assert ("→ did you mean project=local/api?" in ran.err) is not meant


@pytest.mark.parametrize(
    "scope",
    ["model=claude-opus-*", "model=claude-opus-5", "provider=openai", "agent=claude",
     "agent=my-own-program", "key=ci", "tag=team=*", "tag=team=blue", "project=acme/api"],
)  # fmt: skip
def test_a_name_that_somebody_may_go_by(agentspend: Command, here: Home, scope: str) -> None:
    """Nothing is said of it."""
    agentspend("key", "create", "--alias", "ci")
    ran = agentspend("budget", "set", "x", "500", "--window", "day", "--scope", scope)
    assert (ran.code, "nothing counts" in ran.err) == (0, False)
