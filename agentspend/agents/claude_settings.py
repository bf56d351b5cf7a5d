"""Every place Claude Code takes `env` from, in its order of precedence.

Measured with Claude Code 2.1.331 (native build, Linux, 2026-11-24) against a recording server on
loopback; each line beats those above it:

- the process environment;
- `env` in `~/.claude.json` (in `$CLAUDE_CONFIG_DIR` when set);
- `~/.claude/settings.json` (same), then `.claude/settings.json` of the working folder;
- `.claude/settings.local.json` of the working folder, or of the git root when started below it
  (the git root's `settings.json` is not read from below, nor any parent's without git);
- the last `--settings` flag (an earlier one is dropped whole; so is one with a value of the wrong
  type); it may also stand before a subcommand;
- managed settings: `managed-settings.json`, then `managed-settings.d/*.json` in name order
  (hidden files and other suffixes are not read). No flag beats these.

A change to a settings file takes effect in the running session, so an agent that writes
`.claude/settings.json` moves its own session; the flag still wins. `--setting-sources` drops
user, project and local files. A file that is not plain JSON is ignored whole. Not measured: macOS
managed preferences and settings sent by Anthropic's server to a company login.
"""

import json
import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentspend.agents.base import Caller
from agentspend.core.errors import LaunchError
from agentspend.git import main_worktree, worktree_root

_MANAGED_DIRS = {"darwin": Path("/Library/Application Support/ClaudeCode")}
_MANAGED_PREFERENCES = Path("/Library/Managed Preferences/com.anthropic.claudecode.plist")
_ALL_SOURCES = ("user", "project", "local")


@dataclass(frozen=True, slots=True)
class Layer:
    """One place that sets variables. `managed`: no flag beats it.

    `path` None stands for the environment or a flag, which `origin` names.
    """

    path: Path | None
    env: Mapping[str, str]
    helper: str = ""
    managed: bool = False
    text: str = ""
    origin: str = "the environment"
    statusline: bool = False

    def place(self, name: str) -> str:
        """Where a name is set, for people: "/home/dev/.claude/settings.json line 3"."""
        if self.path is None:
            return self.origin
        for number, line in enumerate(self.text.splitlines(), 1):
            if f'"{name}"' in line:
                return f"{self.path} line {number}"
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Settings:
    """All layers, weakest first, and the `--settings` flag's own content (to merge into ours)."""

    layers: tuple[Layer, ...]
    flag: Mapping[str, Any] = field(default_factory=dict)
    broken: tuple[Path, ...] = ()

    def find(self, name: str) -> tuple[str, Layer] | None:
        """The value of a variable that would count, and the layer it comes from."""
        for layer in reversed(self.layers):
            if name in layer.env:
                return layer.env[name], layer
        return None

    def value(self, name: str) -> str:
        """The value that would count, "" when unset."""
        found = self.find(name)
        return found[0] if found else ""

    def has_statusline(self) -> bool:
        """Whether the person has a status line of their own: it stays."""
        return any(layer.statusline for layer in self.layers)

    def helper(self) -> Layer | None:
        """The layer whose `apiKeyHelper` would run."""
        for layer in reversed(self.layers):
            if layer.helper:
                return layer
        return None


def config_dir(caller: Caller) -> Path:
    """Claude Code's own folder."""
    return Path(caller.env.get("CLAUDE_CONFIG_DIR") or caller.home / ".claude")


def global_config(caller: Caller) -> Path:
    """Claude Code's state file, beside or inside its folder."""
    moved = caller.env.get("CLAUDE_CONFIG_DIR")
    return Path(moved) / ".claude.json" if moved else caller.home / ".claude.json"


def take_flag(args: Sequence[str], cwd: Path) -> tuple[Layer | None, dict[str, Any], list[str]]:
    """Take `--settings` out of the arguments: its layer, its content, and what is left.

    Only the last one counts. `LaunchError` for one that Claude Code could not load: it would
    drop the whole flag, and our redirect with it.
    """
    rest: list[str] = []
    value: str | None = None
    items = iter(args)
    for item in items:
        if item == "--":
            rest += [item, *items]
        elif item == "--settings":
            value = next(items, "")
        elif item.startswith("--settings="):
            value = item.partition("=")[2]
        else:
            rest.append(item)
    if value is None:
        return None, {}, rest
    inline = value.lstrip().startswith("{")
    where = "--settings" if inline else f"--settings {value}"
    try:
        content = json.loads(value if inline else (cwd / value).read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise LaunchError(f"cannot read {where}: {error}", "give --settings a JSON file") from error
    if not isinstance(content, dict) or not isinstance(content.get("env", {}), dict):
        raise LaunchError(f"{where} is not an object of settings", "give --settings a JSON file")
    layer = _layer(None, content)
    return replace(layer, origin=where), content, rest


def read_settings(caller: Caller, args: Sequence[str]) -> tuple[Settings, list[str]]:
    """Read every layer for a start with these arguments; returns them without `--settings`."""
    flag, content, rest = take_flag(args, caller.cwd)
    places: list[tuple[Path, bool]] = [(global_config(caller), False)]
    sources = _sources(rest)
    if "user" in sources:
        places.append((config_dir(caller) / "settings.json", False))
    if "project" in sources:
        places.append((caller.cwd / ".claude/settings.json", False))
    if "local" in sources:
        places += [(root / ".claude/settings.local.json", False) for root in _roots(caller.cwd)]
    layers = [Layer(None, caller.env)]
    broken: list[Path] = []
    _read_into(layers, broken, places)
    if flag is not None:
        layers.append(flag)
    managed = [(config_dir(caller) / "remote-settings.json", True)]
    managed += [(path, True) for path in _managed_files(caller)]
    _read_into(layers, broken, managed)
    return Settings(tuple(layers), content, tuple(broken)), rest


def _sources(args: Sequence[str]) -> tuple[str, ...]:
    """Which of the user's own files `--setting-sources` leaves in."""
    for index, item in enumerate(args):
        if item == "--":
            break
        name, given, value = item.partition("=")
        if name == "--setting-sources":
            value = value if given else "".join(args[index + 1 : index + 2])
            return tuple(source.strip() for source in value.split(","))
    return _ALL_SOURCES


def _roots(cwd: Path) -> list[Path]:
    """Folders whose local settings may count, weakest first."""
    found = [root for root in (main_worktree(cwd), worktree_root(cwd)) if root is not None]
    return list(dict.fromkeys([*found, cwd]))


def _managed_files(caller: Caller) -> list[Path]:
    folder = caller.managed_dir or _MANAGED_DIRS.get(caller.platform, Path("/etc/claude-code"))
    try:
        drop_ins = sorted((folder / "managed-settings.d").iterdir())
    except OSError:
        drop_ins = []
    found = [folder / "managed-settings.json"]
    found += [path for path in drop_ins if path.suffix == ".json" and not path.name.startswith(".")]
    if caller.platform == "darwin" and caller.managed_dir is None:
        found.append(_MANAGED_PREFERENCES)
    return found


def _read_into(
    layers: list[Layer], broken: list[Path], places: Sequence[tuple[Path, bool]]
) -> None:
    """Append a layer for each file that is there and can be read as settings."""
    for path, managed in places:
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        try:
            if path.suffix == ".plist":
                content, text = plistlib.loads(raw), ""
            else:
                text = raw.decode("utf-8-sig")
                content = json.loads(text)
        except (ValueError, plistlib.InvalidFileException):
            broken.append(path)
            continue
        if isinstance(content, dict):
            layers.append(_layer(path, content, text, managed=managed))


def _layer(
    path: Path | None, content: dict[str, Any], text: str = "", *, managed: bool = False
) -> Layer:
    env = content.get("env")
    found = {str(name): _text(value) for name, value in env.items()} if type(env) is dict else {}
    helper = content.get("apiKeyHelper")
    return Layer(
        path, found, helper if isinstance(helper, str) else "", managed, text,
        statusline="statusLine" in content,
    )  # fmt: skip


def _text(value: Any) -> str:
    """A JSON value as Claude Code puts it into the environment."""
    return value if isinstance(value, str) else json.dumps(value)
