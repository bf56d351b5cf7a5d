"""What Gemini CLI reads before it signs in: its settings files and its `.env`.

Measured with 0.61.0 (Node 20, Linux, 2026-11-25); each line beats those above it:

- system defaults, then `~/.gemini/settings.json` (below `$GEMINI_CLI_HOME` when set), then
  `.gemini/settings.json` of the working folder (where it is trusted), then system settings;
- system files count only when they and the folders above them belong to root and nobody else may
  write there, so no variable can put a file of ours in their place;
- the first `.env` found counts: `.gemini/.env` or `.env` in the working folder and each one above,
  then `~/.gemini/.env` and `~/.env`. It never replaces a variable that is set.

Files are JSON with comments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentspend.agents.base import Caller
from agentspend.agents.places import SettingsFile, place, read_dotenv, read_jsonc, read_text

SELECTED = ("security", "auth", "selectedType")
ENFORCED = ("security", "auth", "enforcedType")
_MACHINE = {"darwin": Path("/Library/Application Support/GeminiCli")}


@dataclass(frozen=True, slots=True)
class GeminiSettings:
    """All layers, weakest first, and the `.env` that counts. `user` is the user's own file."""

    layers: tuple[SettingsFile, ...]
    user: SettingsFile
    env: Mapping[str, str]
    dotenv: Mapping[str, str]
    dotenv_path: Path

    def find(self, *names: str) -> tuple[object, SettingsFile] | None:
        """The value that counts, and the file it comes from."""
        for layer in reversed(self.layers):
            value = layer.get(*names)
            if value is not None:
                return value, layer
        return None

    def variable(self, name: str) -> tuple[str, str]:
        """The value of a variable and its place, ("", "") when unset."""
        if name in self.env:
            return self.env[name], "the environment"
        if name in self.dotenv:
            text = read_text(self.dotenv_path)
            return self.dotenv[name], place(self.dotenv_path, text, name)
        return "", ""


def gemini_home(caller: Caller) -> Path:
    """The folder that holds `.gemini`."""
    return Path(caller.env.get("GEMINI_CLI_HOME") or caller.home)


def read_settings(caller: Caller) -> GeminiSettings:
    """Read every layer as a start in the caller's folder does."""
    machine = caller.managed_dir or _MACHINE.get(caller.platform, Path("/etc/gemini-cli"))
    system = Path(caller.env.get("GEMINI_CLI_SYSTEM_SETTINGS_PATH") or machine / "settings.json")
    defaults = caller.env.get("GEMINI_CLI_SYSTEM_DEFAULTS_PATH")
    own = gemini_home(caller) / ".gemini/settings.json"
    workspace = caller.cwd / ".gemini/settings.json"
    user = read_jsonc(own) or SettingsFile(own)
    found = [
        read_jsonc(Path(defaults) if defaults else system.parent / "system-defaults.json"),
        user,
        read_jsonc(workspace) if workspace != own else None,
        read_jsonc(system, managed=True),
    ]
    path = _dotenv_path(caller)
    return GeminiSettings(
        tuple(layer for layer in found if layer is not None),
        user,
        caller.env,
        read_dotenv(path),
        path,
    )


def _dotenv_path(caller: Caller) -> Path:
    """The `.env` file that is read; the last place looked at where there is none."""
    home = gemini_home(caller)
    folders = [caller.cwd, *caller.cwd.parents]
    places = [path for folder in folders for path in (folder / ".gemini/.env", folder / ".env")]
    places += [home / ".gemini/.env", home / ".env"]
    return next((path for path in places if path.is_file()), places[-1])
