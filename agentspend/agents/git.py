"""What git knows about a folder, read from its files: no git process is started.

Owns the two names a request is filed under, project and branch. A remote URL often holds a
secret, so nothing of it is kept but host and path.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_MAX_FILE_BYTES = 1 << 20
_HOST = re.compile(r"(?:([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)|\[([0-9A-Fa-f:.]+)\])(?::\d+)?")
_SECTION = re.compile(r'\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_HEADS = "ref: refs/heads/"


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


def branch(cwd: Path, env: Mapping[str, str]) -> str:
    """The branch: what CI says (its checkouts are detached), else `.git/HEAD`; "" when detached."""
    for name in ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"):
        if env.get(name):
            return env[name]
    root = worktree_root(cwd)
    head = _read(_git_dir(root) / "HEAD").strip() if root else ""
    name = head.removeprefix(_HEADS) if head.startswith(_HEADS) else ""
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
    """A small text file, "" when it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return ""
