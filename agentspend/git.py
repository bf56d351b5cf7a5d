"""What git knows about a folder, read from its files: no git process is started.

Owns the two names a request is filed under, project and branch. A remote URL often holds a
secret, so nothing of it is kept but host and path. `run` reads the project once; the proxy reads
the branch for each request (`Head`).
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

_MAX_FILE_BYTES = 1 << 20
_HOST = re.compile(r"(?:([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)|\[([0-9A-Fa-f:.]+)\])(?::\d+)?")
_SECTION = re.compile(r'\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_HEADS = "refs/heads/"
CI_BRANCHES = (
    "GITHUB_HEAD_REF",  # GitHub: the source branch of a pull request, empty elsewhere
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",  # GitLab: older ones name refs/merge-requests/… below
    "CI_COMMIT_REF_NAME",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
)
"""Variables by which CI names the branch it builds; the first one that is set counts."""


def worktree_root(cwd: Path) -> Path | None:
    """The folder that holds `.git`, at or above a folder; None outside git."""
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return folder
    return None


def main_worktree(cwd: Path) -> Path | None:
    """The main working folder of a linked worktree's repository; the root itself otherwise."""
    root = worktree_root(cwd)
    if root is None:
        return None
    common = _common_dir(_git_dir(root))
    return common.parent if common.name == ".git" else root


def project(cwd: Path) -> str:
    """`host/owner/repo` of the remote (origin, else the first), `local/<folder>` without one."""
    root = worktree_root(cwd)
    if root is None:
        return ""
    remotes = _remotes(_read(_common_dir(_git_dir(root)) / "config"))
    url = remotes.get("origin") or next(iter(remotes.values()), "")
    main = main_worktree(cwd) or root
    return clean_remote(url) if url else f"local/{main.name}"


def ci_branch(env: Mapping[str, str]) -> str:
    """The branch that CI says it builds (its checkouts are detached), "" outside CI."""
    return next((env[name] for name in CI_BRANCHES if env.get(name)), "")


def branch(cwd: Path, env: Mapping[str, str]) -> str:
    """The branch: what CI says, else what is checked out; "" when nothing is."""
    path = head_file(cwd)
    return ci_branch(env) or (Head(path).branch() if path else "")


def head_file(cwd: Path) -> Path | None:
    """The `HEAD` of the work tree around a folder; None outside git."""
    root = worktree_root(cwd)
    return _git_dir(root) / "HEAD" if root else None


class Head:
    """The branch of one work tree, read anew only when its `HEAD` is another file than before.

    git writes a new `HEAD` beside the old one and renames it, so a look costs one `stat`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] = ()
        self._branch = ""

    def branch(self) -> str:
        """The branch checked out now, or being rebased; "" when `HEAD` is detached.

        What was known stays when `HEAD` cannot be read. Only a regular file is opened: a pipe in
        its place would keep every request waiting.
        """
        try:
            found = os.stat(self.path)
        except OSError:
            return self._branch
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen != self._seen and stat.S_ISREG(found.st_mode):
            self._seen, self._branch = seen, _branch_in(self.path)
        return self._branch


def _branch_in(head: Path) -> str:
    """The branch in a `HEAD`; a rebase detaches it and keeps the name beside."""
    names = (head, head.parent / "rebase-merge/head-name", head.parent / "rebase-apply/head-name")
    found = (_read(path).strip().removeprefix("ref: ") for path in names)
    name = next((text.removeprefix(_HEADS) for text in found if text.startswith(_HEADS)), "")
    return "" if name == ".invalid" else name


def clean_remote(url: str) -> str:
    """A remote as `host/owner/repo`: no user, password, port, query or fragment.

    `git@host:owner/repo.git`, `ssh://` and `https://` forms give the same name. Where a secret
    cannot be told from the rest with certainty the answer is "": better no name than a token.
    """
    scheme, has_scheme, rest = url.strip().partition("://")
    if not has_scheme:
        scheme, rest = "", url.strip()
    body = re.split(r"[?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(body) :] or not body.isprintable():
        return ""
    location = body.rpartition("@")[2]
    if scheme == "file" or (not has_scheme and (location[:1] in "/.~" or ":" not in location)):
        name = _repo(location).rpartition("/")[2]
        return f"local/{name}" if name and "@" not in body else ""
    separator = "/" if has_scheme else ":"
    host, _, path = location.partition(separator)
    found = _HOST.fullmatch(host)
    path = _repo("/".join(part for part in path.split("/") if part))
    return f"{(found[1] or found[2]).lower()}/{path}" if found and path else ""


def _repo(path: str) -> str:
    return path.rstrip("/").removesuffix(".git")


def _git_dir(root: Path) -> Path:
    """`.git` itself, or where a worktree's or submodule's `.git` file points."""
    git = root / ".git"
    if git.is_dir():
        return git
    pointer = _read(git).strip()
    return (root / pointer.removeprefix("gitdir:").strip()).resolve()


def _common_dir(git_dir: Path) -> Path:
    """The repository's shared folder, where `config` is."""
    pointer = _read(git_dir / "commondir").strip()
    return (git_dir / pointer).resolve() if pointer else git_dir


def _remotes(config: str) -> dict[str, str]:
    """Remote names and URLs of a git config, in its order; the last URL of a name counts."""
    found: dict[str, str] = {}
    remote = ""
    for line in config.splitlines():
        text = line.strip()
        section = _SECTION.match(text)
        if section:
            remote = (section[2] or "") if section[1].lower() == "remote" else ""
            continue
        key, _, value = text.partition("=")
        if remote and key.strip().lower() == "url":
            found.setdefault(remote, value.strip().strip('"'))
    return found


def _read(path: Path) -> str:
    """A small text file, "" when it cannot be read; a pipe is not waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return ""
