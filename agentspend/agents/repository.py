"""Finding the `.agentspend.toml` files that hold where a session begins; the daemon reads them.

From the root of the git work tree down to the working folder, each folder's own; outside git only
the working folder's. A folder without one is named too: what its file said before may be gone.
"""

import os
import stat
from pathlib import Path
from typing import Any

from agentspend import git
from agentspend.agents.base import Caller
from agentspend.core.errors import LaunchError

NAME = ".agentspend.toml"
MAX_BYTES = 64 * 1024


def repository_here(caller: Caller, named: str = "") -> dict[str, Any]:
    """git's name for the project, the name a person gave it, and the files, the root's first.

    Raises `LaunchError` for a file that is there and cannot be read: a limit that silently does
    not hold is worse than a stop.
    """
    project = git.project(caller.cwd)
    root = git.worktree_root(caller.cwd) or caller.cwd
    folders = [root, *(root / part for part in _below(root, caller.cwd))]
    files = [
        {
            "source": "/".join((project or str(root), *folder.relative_to(root).parts, NAME)),
            "path": str(folder / NAME),
            "text": _read(folder / NAME),
        }
        for folder in folders
    ]
    return {"project": project, "named": named, "files": files}


def _below(root: Path, cwd: Path) -> list[Path]:
    """The folders between a root and a folder in it, and that folder, relative to the root."""
    parts = cwd.relative_to(root).parts
    return [Path(*parts[:count]) for count in range(1, len(parts) + 1)]


def _read(path: Path) -> str:
    """The text of one file, "" when there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise LaunchError(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise LaunchError(f"{path} is not a regular file", f"ls -l {path}")
        content = os.read(handle, MAX_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > MAX_BYTES:
        raise LaunchError(f"{path} is larger than {MAX_BYTES // 1024} KiB", "leave some of it out")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LaunchError(f"{path} is not UTF-8", "write it as UTF-8") from error
