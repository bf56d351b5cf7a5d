"""Who pays: names from the surroundings, and never a secret."""

import subprocess
from pathlib import Path

import pytest

from agentspend.agents.identity import collect_tags, identify, work_tree_head
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_TAGS
from tests.agents.conftest import Machine

CANARY = "ghp_canary123"


def repository(machine: Machine, url: str) -> None:
    """A real one with this remote."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(machine.work)], check=True)
    subprocess.run(["git", "-C", machine.work, "remote", "add", "origin", url], check=True)


def test_the_payer_holds_all_names_and_no_secret(machine: Machine) -> None:
    """One value for the daemon, with the canary nowhere in it."""
    repository(machine, f"https://oauth2:{CANARY}@gitlab.example/acme/shop.git?x={CANARY}")
    caller = machine.caller(AGENTSPEND_TAGS="team=web, ticket=1", GITHUB_ACTOR="anna")

    payer = identify("claude", caller, ["ticket=2", "urgent"])

    assert (payer.agent, payer.member, payer.project) == (
        "claude",
        "anna",
        "gitlab.example/acme/shop",
    )
    assert payer.branch == "main"
    assert payer.device
    assert payer.tags == ("team=web", "ticket=2", "urgent")
    assert CANARY not in repr(payer)


@pytest.mark.parametrize("tag", ["", "=x", "a b", "k=", "k=a,b", "k=\x1b[31m", "k=" + "x" * 300])
def test_a_malformed_tag_is_refused(tag: str) -> None:
    """Tags end up on screens and in reports."""
    with pytest.raises(AgentspendError):
        collect_tags([tag])


def test_too_many_tags_are_refused() -> None:
    """A session has room for a bounded number."""
    with pytest.raises(AgentspendError, match="tags"):
        collect_tags([f"k{number}=v" for number in range(MAX_TAGS + 1)])


def test_the_branch_is_asked_for_where_it_can_change(machine: Machine) -> None:
    """A developer's checkout can, one of CI's is detached; outside git there is none."""
    assert work_tree_head(machine.caller()) == ""
    repository(machine, "git@github.com:acme/shop.git")

    assert Path(work_tree_head(machine.caller())) == machine.work / ".git/HEAD"
    assert work_tree_head(machine.caller(GITHUB_HEAD_REF="fix")) == ""
