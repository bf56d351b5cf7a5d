"""What git's files say of a folder: names, and never a secret."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend import git

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


def run(work: Path, *words: str) -> None:
    """git itself, with a name to commit under."""
    who = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "protocol.file.allow=always")
    env = {**os.environ, "GIT_EDITOR": "true"}
    subprocess.run(["git", "-C", work, *who, *words], check=True, capture_output=True, env=env)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A real repository on the branch main, with one commit."""
    folder = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    run(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return folder


def test_a_real_repository_gives_project_and_branch(work: Path) -> None:
    """Read from a folder below the root; origin goes before the other remotes."""
    run(work, "remote", "add", "up", "x:y/z")
    run(work, "remote", "add", "origin", f"https://{CANARY}@github.com/acme/shop.git")
    deep = work / "a/b"
    deep.mkdir(parents=True)

    assert git.project(deep) == "github.com/acme/shop"
    assert git.branch(deep, {}) == "main"


def test_a_linked_worktree_has_its_own_branch_and_the_same_project(
    work: Path, tmp_path: Path
) -> None:
    """A worktree's `.git` is a file; its config lies in the main repository."""
    run(work, "remote", "add", "origin", "git@github.com:acme/shop.git")
    linked = tmp_path / "linked"
    run(work, "worktree", "add", "-q", "-b", "fix/1", str(linked))

    assert git.project(linked) == "github.com/acme/shop"
    assert git.branch(linked, {}) == "fix/1"
    assert git.main_worktree(linked) == work


def test_a_submodule_is_a_project_of_its_own(work: Path, tmp_path: Path) -> None:
    """Its `.git` is a file too, and points into its parent's."""
    whole = tmp_path / "whole"
    subprocess.run(["git", "init", "-q", "-b", "whole", whole], check=True)
    run(whole, "submodule", "add", "-q", str(work), "part")
    run(whole / "part", "checkout", "-q", "-b", "inside")

    assert git.project(whole / "part") == "local/work"
    assert git.branch(whole / "part", {}) == "inside"
    assert git.branch(whole, {}) == "whole"


def test_without_a_remote_the_folder_names_the_project(work: Path) -> None:
    """So that a budget can still be for it."""
    assert git.project(work) == "local/work"


def test_outside_git_there_is_neither(tmp_path: Path) -> None:
    """Unknown is empty, never a guess."""
    assert (git.project(tmp_path), git.branch(tmp_path, {})) == ("", "")
    assert git.head_file(tmp_path) is None


@pytest.mark.parametrize(
    ("env", "branch"),
    [
        ({"GITHUB_HEAD_REF": "fix", "GITHUB_REF_NAME": "12/merge"}, "fix"),
        ({"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}, "main"),
        ({"CI_COMMIT_REF_NAME": "feature"}, "feature"),
        (
            {
                "CI_COMMIT_REF_NAME": "refs/merge-requests/59/head",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "test-ci",
            },
            "test-ci",
        ),
        ({"BUILDKITE_BRANCH": "dev"}, "dev"),
        ({"CIRCLE_BRANCH": "dev"}, "dev"),
        ({}, ""),
    ],
)
def test_ci_names_the_branch_of_a_detached_checkout(
    work: Path, env: dict[str, str], branch: str
) -> None:
    """`.git/HEAD` holds only a commit there."""
    run(work, "checkout", "-q", "--detach")

    assert git.branch(work, env) == branch


def head(work: Path) -> git.Head:
    """What a session keeps of its work tree."""
    path = git.head_file(work)
    assert path is not None
    return git.Head(path)


def test_the_branch_follows_a_checkout(work: Path) -> None:
    """Each `checkout` writes another `HEAD`; a detached one is on no branch."""
    found = head(work)
    seen = [found.branch()]
    for words in (("checkout", "-b", "fix/1"), ("checkout", "--detach"), ("checkout", "main")):
        run(work, *words)
        seen.append(found.branch())

    assert seen == ["main", "fix/1", "", "main"]


def test_a_rebase_stays_on_its_branch(work: Path) -> None:
    """git detaches `HEAD` while it rebases; the work is the branch's all the same."""
    for branch, text in (("fix", "a"), ("main", "b")):
        run(work, "checkout", "-q", "-B", branch)
        (work / "file").write_text(text)
        run(work, "add", "file")
        run(work, "commit", "-q", "-m", text)
        run(work, "checkout", "-q", "--detach", "HEAD~1")
    run(work, "checkout", "-q", "fix")
    found = head(work)
    with pytest.raises(subprocess.CalledProcessError):
        run(work, "rebase", "main")

    assert not (work / ".git/HEAD").read_text().startswith("ref:")
    assert found.branch() == "fix"
    run(work, "rebase", "--abort")
    assert found.branch() == "fix"


def test_an_unchanged_head_is_not_read_again(work: Path) -> None:
    """A look costs one `stat`: the file is the same one, so is the branch."""
    found = head(work)
    found.branch()
    before = os.stat(found.path)
    content = found.path.read_bytes()
    found.path.write_bytes(content.replace(b"main", b"mute"))
    os.utime(found.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert found.branch() == "main"
    os.utime(found.path, ns=(0, 0))
    assert found.branch() == "mute"


def test_what_cannot_be_read_leaves_what_was_known(work: Path) -> None:
    """Nor does a pipe in its place keep a request waiting."""
    found = head(work)
    found.branch()
    found.path.unlink()
    assert found.branch() == "main"
    os.mkfifo(found.path)
    assert found.branch() == "main"
    assert git.Head(found.path).branch() == ""
    assert git.branch(work, {}) == ""


def test_a_name_that_only_new_git_can_read_is_no_branch(work: Path) -> None:
    """Where git keeps refs in tables, `HEAD` holds a stand-in."""
    (work / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")

    assert git.branch(work, {}) == ""
