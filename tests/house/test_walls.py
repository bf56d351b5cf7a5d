"""Who may import whom: the contracts of pyproject.toml, and what a static graph cannot see."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.support.loading import LOADED, loaded, loaded_by, packages


def test_the_import_contracts_hold() -> None:
    """Imports point down the house; each broken contract is named."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


HEAVY = {"aiohttp", "textual", "keyring", "sqlite_utils"}


@pytest.mark.parametrize(
    "words",
    [("--help",), ("budget", "--help"), ("config", "path"), ("sttaus",), ("daemon", "status")],
    ids=" ".join,
)
def test_light_commands_load_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Help, a typo or a look at the daemon costs no HTTP library, keyring or database."""
    assert HEAVY & packages(loaded_by(*words, home=tmp_path)) == set()


@pytest.mark.parametrize("words", [("run", "--", "true"), ("daemon", "start")], ids=" ".join)
def test_run_loads_the_standard_library_only(tmp_path: Path, words: tuple[str, ...]) -> None:
    """The way of `run` up to its daemon: no typer, no rich, no msgspec, no third party at all."""
    (tmp_path / "config.toml").write_text("[broken")
    found = packages(loaded_by(*words, home=tmp_path))
    assert "agentspend" in found
    assert (HEAVY | OTHERS | {"msgspec", "uvloop"}) & found == set()


OTHERS = {"typer", "rich", "click", "pydantic", "tomlkit", "cryptography", "sqlalchemy", "apprise",
          "yaml", "configargparse", "dotenv", "tzlocal", "watchfiles", "textual"}  # fmt: skip
"""What neither `run` nor a daemon that has no use for it may wait for."""


def test_run_waits_for_no_module_it_can_do_without() -> None:
    """Each of these costs a millisecond or more, and an agent is started many times a day."""
    found = loaded("import agentspend.cli.run")
    avoidable = {"asyncio", "hashlib", "hmac", "http.client", "platform", "random", "secrets",
                 "sqlite3", "ssl", "tempfile", "tomllib", "unittest", "zoneinfo"}  # fmt: skip
    assert avoidable & found == set()


def test_a_daemon_loads_only_what_it_serves_with() -> None:
    """Nothing of the commands, of the screen, of keys or migrations before somebody needs it; and
    no certificate of the machine, which costs more than any module."""
    code = (
        "from agentspend.daemon.early import without_certificates\n"
        "with without_certificates():\n    import agentspend.daemon.main\n"
        "from aiohttp import connector\n"
        "print(connector._SSL_CONTEXT_VERIFIED.cert_store_stats()['x509_ca'])" + f"\n{LOADED}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, cwd=ROOT)  # fmt: skip
    read, _, loaded = done.stdout.splitlines()
    found = {name.partition(".")[0] for name in json.loads(loaded)}
    assert "aiohttp" in found
    assert (HEAVY - {"aiohttp"} | OTHERS) & found == set()
    assert read == "0"


def test_the_root_imports_nothing(tmp_path: Path) -> None:
    """`import agentspend` is a version and a sentence."""
    code = f"import sys\nbefore = set(sys.modules)\nimport agentspend\n{LOADED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, cwd=ROOT)  # fmt: skip
    found = [name for name in json.loads(done.stdout.splitlines()[-1]) if "agentspend" in name]
    assert found == ["agentspend"]
