"""A PostgreSQL of our own: `initdb` in a temporary folder, on a Unix socket, as nobody special."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65_534


def programs() -> Path | None:
    """Where Debian keeps them, or wherever the path leads."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    return found[0] if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a running server. Absent: a failure in CI, a skip elsewhere."""
    where = programs()
    if where is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: .ci/run installs it")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    user = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        os.chown(folder, NOBODY, NOBODY)

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [where / program, *words], cwd=folder, capture_output=True, text=True, check=False,
            **user,
        )  # type: ignore[call-overload]  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "agentspend", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    log = str(folder / "log")
    run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        run("createdb", "-h", str(folder), "-U", "agentspend", "team")
        yield f"postgresql://agentspend@/team?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)
