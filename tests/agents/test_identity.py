"""Who pays: names from the surroundings, and never a secret."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.agents import git
from agentspend.agents.identity import collect_tags, identify
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_TAGS
from tests.agents.conftest import Machine

CANARY = "ghp_canary123"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/Shop.git",
        "https://github.com/acme/Shop",
        "https://github.com/acme/Shop/",
        "http://GitHub.com:8080//acme/Shop.git",
        "git@github.com:acme/Shop.git",
        "github.com:acme/Shop",
        "ssh://git@github.com/acme/Shop.git",
        "ssh://git@github.com:2222/acme/Shop.git",
        "git+ssh://git@github.com/acme/Shop.git",
        "git://github.com/acme/Shop.git",
        f"https://{CANARY}@github.com/acme/Shop.git",
        f"https://x-access-token:{CANARY}@github.com/acme/Shop.git",
        f"https://oauth2:a/b@{CANARY}@github.com/acme/Shop.git",
        f"https://github.com/acme/Shop.git?token={CANARY}",
        f"https://github.com/acme/Shop.git#{CANARY}",
        f"{CANARY}@github.com:acme/Shop.git",
        f"user:{CANARY}@github.com:acme/Shop.git",
    ],
)
def test_every_form_of_a_remote_gives_one_name(url: str) -> None:
    """Host, owner and repository stay; user, password, port, query and fragment go."""
    assert git.clean_remote(url) == "github.com/acme/Shop"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://gitlab.example/group/sub/repo.git", "gitlab.example/group/sub/repo"),
        ("ssh://git@[2001:db8::1]:22/acme/shop.git", "2001:db8::1/acme/shop"),
        ("/srv/git/shop.git", "local/shop"),
        ("../shop", "local/shop"),
        ("file:///srv/git/shop.git/", "local/shop"),
        (f"https://u:pa#{CANARY}@github.com/acme/shop", ""),
        (f"https://u:pa?{CANARY}@github.com/acme/shop", ""),
        (f"https://github.com/acme/shop?a={CANARY}@x", ""),
        (f"https://user%3A{CANARY}%40github.com/acme/shop", ""),
        (f"https://user:{CANARY}", ""),
        (f"{CANARY}:x-oauth-basic@github.com/acme/shop", ""),
        ("https://github.com", ""),
        ("https://github.com/a\nb", ""),
        ("", ""),
    ],
)
def test_what_cannot_be_told_apart_gives_no_name(url: str, name: str) -> None:
    """Better no project than a token in the ledger."""
    assert git.clean_remote(url) == name


SECRET = st.text("abcXYZ019:/?#@%&=+._-~!$ ", min_size=1, max_size=12)


@given(before=SECRET, after=SECRET, scheme=st.sampled_from(["https://", "ssh://", ""]))
def test_a_token_in_userinfo_never_comes_out(before: str, after: str, scheme: str) -> None:
    """However a password is written, no part of the token shows."""
    url = f"{scheme}{before}{CANARY}{after}@git.example{'/' if scheme else ':'}acme/shop.git"

    assert CANARY not in git.clean_remote(url)


def repository(machine: Machine, url: str = "") -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(machine.work)], check=True)
    if url:
        subprocess.run(["git", "-C", machine.work, "remote", "add", "up", "x:y/z"], check=True)
        subprocess.run(["git", "-C", machine.work, "remote", "add", "origin", url], check=True)


def test_a_real_repository_gives_project_and_branch(machine: Machine) -> None:
    """Read from a folder below the root; origin goes before the other remotes."""
    repository(machine, f"https://{CANARY}@github.com/acme/shop.git")
    deep = machine.work / "a/b"
    deep.mkdir(parents=True)

    assert git.project(deep) == "github.com/acme/shop"
    assert git.branch(deep, {}) == "main"


def test_a_linked_worktree_has_its_own_branch_and_the_same_project(machine: Machine) -> None:
    """A worktree's `.git` is a file; its config lies in the main repository."""
    repository(machine, "git@github.com:acme/shop.git")
    run = ["git", "-C", str(machine.work), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*run, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    linked = machine.home / "linked"
    subprocess.run([*run, "worktree", "add", "-q", "-b", "fix/1", str(linked)], check=True)

    assert git.project(linked) == "github.com/acme/shop"
    assert git.branch(linked, {}) == "fix/1"
    assert git.main_worktree(linked) == machine.work


def test_without_a_remote_the_folder_names_the_project(machine: Machine) -> None:
    """So that a budget can still be for it."""
    repository(machine)

    assert git.project(machine.work) == "local/work"


def test_outside_git_there_is_neither(tmp_path: Path) -> None:
    """Unknown is empty, never a guess."""
    assert (git.project(tmp_path), git.branch(tmp_path, {})) == ("", "")


@pytest.mark.parametrize(
    ("env", "branch"),
    [
        ({"GITHUB_HEAD_REF": "fix", "GITHUB_REF_NAME": "12/merge"}, "fix"),
        ({"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}, "main"),
        ({"CI_COMMIT_REF_NAME": "feature"}, "feature"),
        ({}, ""),
    ],
)
def test_ci_names_the_branch_of_a_detached_checkout(
    machine: Machine, env: dict[str, str], branch: str
) -> None:
    """`.git/HEAD` holds only a commit there."""
    machine.put("home/work/.git/HEAD", "0123456789012345678901234567890123456789\n")

    assert git.branch(machine.work, env) == branch


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
