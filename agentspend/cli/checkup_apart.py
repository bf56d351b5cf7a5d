"""What `doctor` finds that goes past us by its nature: editors' own agents, and shell profiles."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from agentspend.agents.base import KEY_VARIABLES, Caller, origin, session_token_in
from agentspend.agents.generic import base_urls
from agentspend.agents.places import read_text
from agentspend.cli.checkup import Finding

VENDORS_OWN = {
    "cursor": "Cursor",
    "cursor-agent": "Cursor's agent",
    "copilot": "GitHub Copilot CLI",
    "windsurf": "Windsurf",
    "amp": "Amp",
    "droid": "Factory's droid",
    "auggie": "Augment's auggie",
    "kiro": "Kiro",
    "kiro-cli": "Kiro CLI",
}
"""Programs that talk to their vendor's own service, which bills; no address of theirs is ours."""
EXTENSIONS = {"github.copilot-": "GitHub Copilot"}
EDITORS = (".vscode", ".vscode-server", ".vscode-insiders", ".vscode-oss", ".cursor", ".windsurf")
PROFILES = (
    ".profile", ".bash_profile", ".bashrc", ".zshenv", ".zprofile", ".zshrc",
    ".config/fish/config.fish",
)  # fmt: skip
_KEYS = {name: provider for provider, names in KEY_VARIABLES.items() for name in names}
_URLS = tuple(base_urls(""))
_LINE = re.compile(
    r"\s*(?:export\s+|set\s+(?:-\S+\s+)*|typeset\s+-x\s+|declare\s+-x\s+)?"
    rf"({'|'.join([*_KEYS, *_URLS])})(?:=|\s+)(.*)"
)


def vendors_own() -> Iterator[Finding]:
    """Agents that cannot be brought through anything: they are only named."""
    home = Path.home()
    found = [called for program, called in VENDORS_OWN.items() if shutil.which(program)]
    for start, called in EXTENSIONS.items():
        folders = (home / editor / "extensions" for editor in EDITORS)
        if any(True for folder in folders for _ in folder.glob(f"{start}*")):
            found.append(f"{called} in an editor")
    if found:
        yield Finding(
            None,
            f"not metered, nor can it be: {', '.join(found)} (the vendor's own service, where its"
            " limits are set)",
        )


def shell_profiles() -> Iterator[Finding]:
    """Keys and addresses that every shell hands to every program."""
    caller = Caller.here()
    for name in PROFILES:
        path = caller.home / name
        for number, line in enumerate(read_text(path).splitlines(), 1):
            said = _LINE.match(line)
            if said:
                yield from _exported(f"{path} line {number}", said[1], said[2])


def _exported(place: str, name: str, value: str) -> Iterator[Finding]:
    """One variable of a profile; its value is never shown, but for an address's origin."""
    if name in _KEYS:
        yield Finding(
            None,
            f"{place} gives {name} to every program you start",
            f"agentspend keys set {_KEYS[name]}, then take the line out",
        )
        return
    url = value.split("#", maxsplit=1)[0].strip().strip("\"'")
    if session_token_in(url):
        yield Finding(None, f"{place} leads plain agents here ({name})")
    elif "://" in url:
        yield Finding(
            None,
            f"{place} sends plain agents to {origin(url)} ({name}), past the meter",
            "base_url under [providers.…] in config.toml goes there through agentspend",
        )
