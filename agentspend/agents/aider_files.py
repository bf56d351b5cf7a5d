"""Every place aider takes its variables and options from, in its order of precedence.

Measured with 0.86.2 (Python 3.11, Linux, 2026-11-25); each line beats those above it:

- the environment it is started with;
- `.env` files, which replace variables that are set: `~/.aider/oauth-keys.env`, `~/.env`, the git
  root's, the working folder's, then the one `--env-file` names;
- options: `~/.aider.conf.yml`, the git root's, the working folder's, or the one `--config` names;
  then `AIDER_…` variables, also out of `.env` files; then the command line. What `--set-env`,
  `--api-key`, `--openai-api-base` and their kin say is put into the environment last.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentspend.agents.base import Caller
from agentspend.agents.places import place, read_dotenv, read_text
from agentspend.git import worktree_root

CONFIG = ".aider.conf.yml"


@dataclass(frozen=True, slots=True)
class Setting:
    """One option or variable, what it says and where, for people. `last`: nothing beats it."""

    name: str
    value: str
    place: str
    last: bool = False


def read_settings(own: Sequence[str], caller: Caller) -> list[Setting]:
    """All of them, weakest first: variables in capitals, options as `openai-api-base`."""
    found = [Setting(name, value, "the environment") for name, value in caller.env.items()]
    for path in _env_files(own, caller):
        text = read_text(path)
        found += [Setting(name, value, place(path, text, name))
                  for name, value in read_dotenv(path).items()]  # fmt: skip
    for path in _config_files(own, caller):
        found += _yaml(path)
    found += _arguments(own)
    return found


def env_file(own: Sequence[str], caller: Caller) -> Path | None:
    """The `.env` file the user names, which ours takes the place of."""
    named = value_of(own, "--env-file") or caller.env.get("AIDER_ENV_FILE", "")
    return caller.cwd / named if named else None


def value_of(own: Sequence[str], option: str) -> str:
    """The last value of an option, "" without it."""
    return next((value for name, value in _options(own, option) if name), "")


def without(own: Sequence[str], option: str) -> list[str]:
    """The arguments without an option and its value."""
    kept: list[str] = []
    items = iter(own)
    for item in items:
        if item == option:
            next(items, "")
        elif not item.startswith(f"{option}="):
            kept.append(item)
    return kept


def _options(own: Sequence[str], option: str) -> Iterator[tuple[str, str]]:
    """Every value of an option, the last one first."""
    for index in range(len(own) - 1, -1, -1):
        name, equals, value = own[index].partition("=")
        if name == option:
            yield name, value if equals else "".join(own[index + 1 : index + 2])


def _env_files(own: Sequence[str], caller: Caller) -> list[Path]:
    root = worktree_root(caller.cwd) or caller.cwd
    places = [caller.home / ".aider/oauth-keys.env", caller.home / ".env", root / ".env"]
    places += [caller.cwd / ".env"]
    named = env_file(own, caller)
    return list(dict.fromkeys([*places, named] if named else places))


def _config_files(own: Sequence[str], caller: Caller) -> list[Path]:
    named = value_of(own, "--config") or value_of(own, "-c")
    if named:
        return [caller.cwd / named]
    root = worktree_root(caller.cwd) or caller.cwd
    return list(dict.fromkeys([caller.home / CONFIG, root / CONFIG, caller.cwd / CONFIG]))


def _yaml(path: Path) -> Iterator[Setting]:
    """The options of a configuration file: plain values, lists in brackets and lists of dashes."""
    name = ""
    for number, raw in enumerate(read_text(path).splitlines(), 1):
        where = f"{path} line {number}"
        line = raw.partition(" #")[0].rstrip()
        found = re.fullmatch(r"([A-Za-z][\w-]*)\s*:\s*(.*)", line)
        item = re.fullmatch(r"\s*-\s+(.*)", line)
        if found:
            name = found[1].replace("_", "-").lower()
            for value in found[2].strip("[] ").split(",") if found[2] else ():
                yield Setting(name, _plain(value), where, name in ("set-env", "api-key"))
        elif item and name:
            yield Setting(name, _plain(item[1]), where, name in ("set-env", "api-key"))


def _plain(value: str) -> str:
    return value.strip().strip("'\"")


def _arguments(own: Sequence[str]) -> Iterator[Setting]:
    """The options on the command line; one without a value says ""."""
    for index, item in enumerate(own):
        if item.startswith("--"):
            name, equals, value = item[2:].partition("=")
            following = "".join(own[index + 1 : index + 2])
            given = value if equals else ("" if following.startswith("-") else following)
            yield Setting(name, given, f"--{name}", last=True)
