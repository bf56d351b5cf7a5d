"""Settings files of agents: read leniently, and pointed at by file and line."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MAX_BYTES = 4 << 20
_JSONC = re.compile(
    r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/|,(?=(?>\s|//[^\n]*|/\*.*?\*/)*+[}\]])', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file of settings as the agent reads it. `managed`: no flag or variable beats it."""

    path: Path
    content: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    managed: bool = False

    def get(self, *names: str) -> Any:
        """A value by its path of keys, None where there is none."""
        return dig(self.content, *names)

    def place(self, name: str) -> str:
        """Where a key or value stands, for people: "/home/dev/.codex/config.toml line 3"."""
        return place(self.path, self.text, name)


def dig(content: Any, *names: str) -> Any:
    """A value in nested objects by its path of keys, None where there is none."""
    for name in names:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def place(path: Path, text: str, name: str) -> str:
    """A file and the first line with this word."""
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    for number, line in enumerate(text.splitlines(), 1):
        if word.search(line):
            return f"{path} line {number}"
    return str(path)


def read_text(path: Path) -> str:
    """A text file, "" when it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.read(_MAX_BYTES)
    except OSError:
        return ""


def parse_jsonc(text: str) -> Any:
    """JSON with comments and trailing commas; None where it is neither."""
    try:
        return json.loads(_JSONC.sub(lambda it: it[0] if it[0][0] == '"' else " ", text))
    except (ValueError, RecursionError):
        return None


def read_jsonc(path: Path, *, managed: bool = False) -> SettingsFile | None:
    """A file with an object of settings, None when there is none."""
    text = read_text(path)
    content = parse_jsonc(text) if text else None
    return SettingsFile(path, content, text, managed) if isinstance(content, dict) else None


def read_toml(path: Path, *, managed: bool = False) -> SettingsFile | None:
    """A TOML file, None when there is none or it is broken."""
    import tomllib

    text = read_text(path)
    try:
        return SettingsFile(path, tomllib.loads(text), text, managed) if text else None
    except tomllib.TOMLDecodeError:
        return None


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a `.env` file, as far as they stand on a line of their own."""
    found: dict[str, str] = {}
    for line in read_text(path).splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and re.fullmatch(r"\w+", name.strip()):
            quoted = re.match(r"""\s*(["'])(.*?)\1""", value)
            found[name.strip()] = quoted[2] if quoted else re.split(r"\s#", value)[0].strip()
    return found
