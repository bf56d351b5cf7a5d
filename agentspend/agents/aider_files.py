"""Every place aider takes its variables and options from, and what it makes of them.

Measured with 0.86.2 (Python 3.11, Linux, 2026-11-25); each line beats those above it:

- the environment it is started with;
- `.env` files, which replace variables that are set: `~/.aider/oauth-keys.env`, `~/.env`, the git
  root's, the working folder's, then the one `--env-file` names;
- what `--set-env`, `--api-key`, `--openai-api-base` and their kin say, wherever they stand, which
  is put into the environment last.

The git root is that of the files to edit, where they lie in a repository of their own.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream
from dotenv.variables import parse_variables

from agentspend.agents.aider_options import Options, Setting, read_options
from agentspend.agents.base import Caller
from agentspend.agents.places import place, read_text
from agentspend.git import worktree_root

CONFIG = ".aider.conf.yml"
_PUT_LAST = {
    "anthropic-api-key": "ANTHROPIC_API_KEY",
    "openai-api-key": "OPENAI_API_KEY",
    "openai-api-base": "OPENAI_API_BASE",
}


@dataclass(frozen=True, slots=True)
class Start:
    """How aider would start: the options that count, and the variables it would work with.

    `env_file` is the `.env` file that is read last, None where none is named. `folders` are those
    with files of aider's own, weakest first.
    """

    options: Options
    variables: Mapping[str, Setting]
    env_file: Path | None
    folders: tuple[Path, ...]

    def variable(self, name: str) -> str:
        """The value of a variable, "" when it is not set."""
        return self.variables[name].value if name in self.variables else ""


def read_start(
    args: Sequence[str],
    caller: Caller,
    env: Mapping[str, str] | None = None,
    unwritten: Mapping[Path, str] | None = None,
) -> Start:
    """Read every place as a start with these arguments does.

    `env` stands for the caller's environment; `unwritten` are files that will be there.
    """
    given = caller.env if env is None else env
    found = {name: Setting(name, value, "the environment") for name, value in given.items()}
    root = worktree_root(caller.cwd)
    start = _read(args, caller, root, found, unwritten or {})
    own = _root_of_files(start.options, caller)
    if own is not None and own != root and "no-git" not in start.options.chosen:
        start = _read(args, caller, own, found, unwritten or {})
    return start


def env_file_variables(text: str) -> dict[str, str]:
    """The variables of a `.env` file as they stand there, `${NAME}` unresolved."""
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.key and binding.value is not None:
            found[binding.key] = binding.value
    return found


def _read(
    args: Sequence[str],
    caller: Caller,
    root: Path | None,
    env: dict[str, Setting],
    unwritten: Mapping[Path, str],
) -> Start:
    """One start from this git root; `env` is filled from the `.env` files that count."""
    places = [caller.home, *([root] if root else []), caller.cwd]
    folders = tuple(reversed(list(dict.fromkeys(reversed(places)))))
    files = [folder / CONFIG for folder in folders]
    named = read_options(args, env, files, caller.cwd).value("env-file")
    own = caller.cwd / named if named else None
    env_files = [caller.home / ".aider/oauth-keys.env", *(folder / ".env" for folder in folders)]
    for path in [*(path for path in env_files if path != own), *([own] if own else [])]:
        _load(path, unwritten.get(path) or read_text(path), env)
    options = read_options(args, env, files, caller.cwd)
    return Start(options, {**env, **_put_last(options)}, own, folders)


def _load(path: Path, text: str, env: dict[str, Setting]) -> None:
    """Put the variables of a `.env` file on top of those that are set."""
    resolved: dict[str, str | None] = {name: item.value for name, item in env.items()}
    for name, raw in env_file_variables(text).items():
        value = "".join(atom.resolve(resolved) for atom in parse_variables(raw))
        if "\0" in value or "=" in name:
            # aider stops reading the file here.
            return
        resolved[name] = value
        env[name] = Setting(name, value, place(path, text, name))


def _put_last(options: Options) -> dict[str, Setting]:
    """The variables that options set, in aider's order."""
    found: dict[str, Setting] = {}
    for item in options.chosen.get("set-env", ()):
        name, _, value = item.value.partition("=")
        found[name.strip()] = Setting(name.strip(), value.strip(), item.place)
    for item in options.chosen.get("api-key", ()):
        prefix, _, value = item.value.partition("=")
        name = f"{prefix.strip().upper()}_API_KEY"
        found[name] = Setting(name, value.strip(), item.place)
    for option, name in _PUT_LAST.items():
        said = options.get(option)
        if said is not None and said.value:
            found[name] = Setting(name, said.value, said.place)
    return found


def _root_of_files(options: Options, caller: Caller) -> Path | None:
    """The git root of the files to edit, None without one."""
    named = [*options.chosen.get("files", ()), *options.chosen.get("file", ())]
    paths = [caller.cwd / item.value for item in named]
    roots = {worktree_root(path if path.is_dir() else path.parent) for path in paths}
    return next(iter(roots)) if len(roots) == 1 else None
