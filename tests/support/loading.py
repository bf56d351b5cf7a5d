"""Which modules a command line loads, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from tests.house.sources import ROOT

LOADED = "import json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
"""The last line of what is written then."""


def loaded(code: str) -> set[str]:
    """The modules that are there after a piece of code."""
    done = subprocess.run([sys.executable, "-c", f"{code}\n{LOADED}"], capture_output=True,
                          text=True, check=True, cwd=ROOT)  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def loaded_by(*words: str, home: Path, of: str = "agentspend", **env: str) -> set[str]:
    """The modules that a command line loads before it ends; `of` is the program's package."""
    code = (
        f"import atexit, sys\nsys.argv = ['agentspend', *{list(words)!r}]\n"
        f"atexit.register(lambda: exec({LOADED!r}))\n"
        f"from {of}.__main__ import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=home,
        env={"AGENTSPEND_HOME": str(home), "HOME": str(home), "PATH": "/usr/bin:/bin",
             "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages(names: set[str]) -> set[str]:
    """The top-level packages of modules."""
    return {name.partition(".")[0] for name in names}
