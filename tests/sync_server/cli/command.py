"""`agentspend-server` as a person runs it: the real program, in a folder."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = [sys.executable, "-m", "sync_server"]


@dataclass(frozen=True)
class Ran:
    """What a command wrote and how it ended."""

    code: int
    out: str
    err: str


def run(folder: Path, *words: str, **env: str) -> Ran:
    """Run a command in a folder; nothing of this machine's settings reaches it."""
    root = str(Path(__file__).parents[3])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGENTSPEND")}
    done = subprocess.run(
        [*PROGRAM, *words], cwd=folder, env={**kept, "PYTHONPATH": root, "TZ": "UTC", **env},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
