"""Every place OpenCode takes its configuration from, in its order of precedence.

Measured with 1.18.33 (native build, Linux, 2026-11-25); each line beats those above it, objects
are merged and lists replaced:

- `opencode.json`, `opencode.jsonc` and `config.json` in `~/.config/opencode`;
- the file `OPENCODE_CONFIG` names;
- `opencode.json` and `.jsonc` in the working folder and above it, to the git root;
- the same in `.opencode` folders on that way, in `~/.opencode` and in `$OPENCODE_CONFIG_DIR`;
- `OPENCODE_CONFIG_CONTENT`;
- `/etc/opencode/opencode.json` and `.jsonc`: nothing a person sets beats these.

Not measured: what an organisation's console account sends, and managed preferences of macOS, both
of which come after `OPENCODE_CONFIG_CONTENT`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentspend.agents.base import Caller
from agentspend.agents.places import SettingsFile, parse_jsonc, read_jsonc
from agentspend.core.errors import LaunchError
from agentspend.git import worktree_root

CONTENT = "OPENCODE_CONFIG_CONTENT"
_FILES = ("opencode.json", "opencode.jsonc")
_MACHINE = {"darwin": Path("/Library/Application Support/opencode")}


def read_layers(caller: Caller) -> list[SettingsFile]:
    """The files of a start in the caller's folder, weakest first."""
    machine = caller.managed_dir or _MACHINE.get(caller.platform, Path("/etc/opencode"))
    places = [(path, False) for path in _own_files(caller)]
    places += [(machine / name, True) for name in _FILES]
    found = [read_jsonc(path, managed=managed) for path, managed in dict(places).items()]
    return [layer for layer in found if layer is not None]


def given_content(caller: Caller) -> dict[str, Any]:
    """The user's own `OPENCODE_CONFIG_CONTENT`; `LaunchError` for one that cannot be read."""
    text = caller.env.get(CONTENT, "")
    content = parse_jsonc(text) if text else {}
    if not isinstance(content, dict):
        raise LaunchError(f"{CONTENT} in the environment is not an object", f"unset {CONTENT}")
    return content


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Two objects as OpenCode merges them."""
    found = dict(below)
    for name, given in above.items():
        value = given
        old = found.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merged(old, value)
        found[name] = value
    return found


def own_file(caller: Caller) -> Path:
    """The user's own configuration that counts most: the last of those that are there."""
    home = _home(caller)
    there = [home / name for name in _FILES if (home / name).is_file()]
    return there[-1] if there else home / _FILES[0]


def data_home(caller: Caller) -> Path:
    """Where OpenCode keeps its logins."""
    return Path(caller.env.get("XDG_DATA_HOME") or caller.home / ".local/share") / "opencode"


def _own_files(caller: Caller) -> Iterator[Path]:
    home = _home(caller)
    yield from (home / name for name in ("config.json", *_FILES))
    if caller.env.get("OPENCODE_CONFIG"):
        yield caller.cwd / caller.env["OPENCODE_CONFIG"]
    root = worktree_root(caller.cwd) or caller.cwd
    way = [folder for folder in (caller.cwd, *caller.cwd.parents) if folder.is_relative_to(root)]
    if not caller.env.get("OPENCODE_DISABLE_PROJECT_CONFIG"):
        yield from (folder / name for folder in reversed(way) for name in _FILES)
        yield from (folder / ".opencode" / name for folder in reversed(way) for name in _FILES)
    yield from (caller.home / ".opencode" / name for name in _FILES)
    if caller.env.get("OPENCODE_CONFIG_DIR"):
        yield from (Path(caller.env["OPENCODE_CONFIG_DIR"]) / name for name in _FILES)


def _home(caller: Caller) -> Path:
    return Path(caller.env.get("XDG_CONFIG_HOME") or caller.home / ".config") / "opencode"
