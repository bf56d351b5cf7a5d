"""The files that lead plain agents here: written at once, with a backup and a record of each.

The record holds no value that was set, only digests: the token is in the agent's own file. A file
that nobody touched since comes back to the byte; in one that was edited only our values go.
"""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agentspend.agents.file_change import Done, apply, take_back
from agentspend.agents.plain import FileChange, PlainPlan
from agentspend.config.edit import write_whole
from agentspend.core.errors import AgentspendError
from agentspend.git import worktree_root

RECORD = "record.json"
PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of one changed file: how it was, and the digest of what we wrote.

    `before` and `after` are bytes' digests; `mode` are its permissions then, 0 where it was not
    there.
    """

    path: Path
    kind: str
    mode: int
    after: str
    done: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One file as it is and as it would be. `base` is what it is without us."""

    change: FileChange
    now: bytes
    base: bytes
    new: bytes
    done: tuple[Done, ...]
    mode: int


def steps(plan: PlainPlan, folder: Path) -> list[Step]:
    """What a plan would do to each file now. `folder` holds the record of an earlier time."""
    known = {each.path: each for each in record(folder)}
    found = []
    for change in plan.changes:
        now = _bytes(change.path)
        kept = known.get(change.path)
        base = _without(folder, kept, now) if kept else now
        text, done = apply(change, _text(change.path, base))
        mode = kept.mode if kept else _mode(change.path)
        found.append(Step(change, now, base, text.encode(), tuple(done), mode))
    return found


def write(plan: PlainPlan, todo: Sequence[Step], folder: Path) -> None:
    """Write the files: our own first, then backups and the record, then the agent's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, content in plan.files.items():
        write_whole(path, content.encode())
    kept = [
        Kept(each.change.path, each.change.kind, each.mode, _digest(each.new), each.done)
        for each in todo
    ]
    for each in todo:
        write_whole(_backup(folder, each.change.path), each.base)
    _save(folder, kept)
    for each in todo:
        write_whole(each.change.path, each.new)


def in_place(plan: PlainPlan) -> bool:
    """Whether our own files are there as the plan has them."""
    return all(_bytes(path) == content.encode() for path, content in plan.files.items())


def restorations(folder: Path) -> Iterator[tuple[Kept, bytes, bytes]]:
    """Each recorded file, as it is and as it would be without us."""
    for kept in reversed(record(folder)):
        now = _bytes(kept.path)
        yield kept, now, _without(folder, kept, now)


def restore(folder: Path) -> None:
    """Take back what is ours in every recorded file, and forget the record."""
    for kept, now, base in restorations(folder):
        if not kept.path.exists():
            continue
        if not kept.mode and not base.strip().strip(b"{}").strip():
            kept.path.unlink()
        elif base != now:
            write_whole(kept.path, base)
            os.chmod(kept.path, kept.mode or PRIVATE)
        elif kept.mode:
            os.chmod(kept.path, kept.mode)
    shutil.rmtree(folder)


def record(folder: Path) -> list[Kept]:
    """What was changed for an agent; nothing where it was never led here."""
    try:
        said = json.loads((folder / RECORD).read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise AgentspendError(
            f"{folder / RECORD} cannot be read: {error}",
            f"take agentspend out of the agent's files by hand, then remove {folder}",
        ) from error
    return [
        Kept(
            Path(each["path"]),
            each["kind"],
            each["mode"],
            each["after"],
            tuple(Done(**{**one, "keys": tuple(one["keys"])}) for one in each["done"]),
        )
        for each in said["files"]
    ]


def open_to_others(step: Step) -> bool:
    """Whether others may read this file until we write it."""
    return bool(step.mode & 0o077)


def repository_of(path: Path) -> Path | None:
    """The git work tree that a file's content may be committed in, None outside of any."""
    return worktree_root(path.resolve().parent)


def _without(folder: Path, kept: Kept, now: bytes) -> bytes:
    """A file without what is ours: as it was where nobody touched it since, else value by value."""
    if _digest(now) == kept.after:
        return _bytes(_backup(folder, kept.path))
    return take_back(kept.kind, _text(kept.path, now), list(kept.done)).encode()


def _save(folder: Path, kept: Sequence[Kept]) -> None:
    files = [
        {
            "path": str(each.path),
            "kind": each.kind,
            "mode": each.mode,
            "after": each.after,
            "done": [asdict(one) for one in each.done],
        }
        for each in kept
    ]
    write_whole(folder / RECORD, json.dumps({"v": 1, "files": files}, indent=1).encode())


def _backup(folder: Path, path: Path) -> Path:
    return folder / f"{path.name}.{_digest(os.fsencode(path))[:8]}.before"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise AgentspendError(f"{path} cannot be read: {error.strerror}") from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise AgentspendError(f"{path} is not UTF-8, so it is left alone") from error


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
