"""The options of aider, read as aider reads them: by ConfigArgParse, of the version it pins.

Measured with 0.86.2 (ConfigArgParse 1.7.1, 2026-11-25): an option may be shortened as far as it
stays the only one (`--openai-api-b`), on the command line and in a configuration file; an
`AIDER_…` variable beats a configuration file, and the command line both; but a shortened option in
a file that also holds a list comes last. The file that `--config` names comes on top of the three
usual ones, and does not take their place. Of a list the strongest place counts alone.
"""

import argparse
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import configargparse

from agentspend.agents.places import place, read_text
from agentspend.core.errors import LaunchError

MODEL_FLAGS = (
    "--opus", "--sonnet", "--haiku", "--4,-4", "--4o", "--mini", "--4-turbo",
    "--35turbo,--35-turbo,--3,-3", "--deepseek", "--o1-mini", "--o1-preview",
)  # fmt: skip
_VALUES = """
--model --openai-api-key --anthropic-api-key --openai-api-base --openai-api-type
--openai-api-version --openai-api-deployment-id --openai-organization-id --list-models,--models
--model-settings-file --model-metadata-file --reasoning-effort --thinking-tokens --timeout
--edit-format,--chat-mode --weak-model --editor-model --editor-edit-format
--max-chat-history-tokens --cache-keepalive-pings --map-tokens --map-refresh
--map-multiplier-no-files --input-history-file --chat-history-file --llm-history-file
--user-input-color --tool-output-color --tool-error-color --tool-warning-color
--assistant-output-color --completion-menu-color --completion-menu-bg-color
--completion-menu-current-color --completion-menu-current-bg-color --code-theme --aiderignore
--commit-prompt --test-cmd --analytics-log --analytics-posthog-host
--analytics-posthog-project-api-key --message,--msg,-m --message-file,-f --apply --voice-format
--voice-language --voice-input-device --chat-language --commit-language --load --encoding
--line-endings --env-file --notifications-command --editor --shell-completions
"""
_LISTS = "--set-env --api-key --alias --lint-cmd --file --read"
_FLAGS = """
-h,--help --architect --dark-mode --light-mode --show-diffs --subtree-only --commit
--skip-sanity-check-repo --lint --test --analytics-disable --just-check-update
--install-main-branch --upgrade,--update --version --apply-clipboard-edits --exit --show-repo-map
--show-prompts --disable-playwright --vim --yes-always -v,--verbose
"""
_SWITCHES = """
--verify-ssl --auto-accept-architect --show-model-warnings --check-model-accepts-settings
--cache-prompts --restore-chat-history --pretty --stream --git --gitignore --add-gitignore-files
--auto-commits --dirty-commits --attribute-author --attribute-committer
--attribute-commit-message-author --attribute-commit-message-committer --attribute-co-authored-by
--git-commit-verify --dry-run --watch-files --auto-lint --auto-test --analytics --check-update
--show-release-notes --gui,--browser --copy-paste --suggest-shell-commands --fancy-input
--multiline --notifications --detect-urls
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option or variable, what it says, and where for people."""

    name: str
    value: str
    place: str


@dataclass(frozen=True, slots=True)
class Options:
    """What counts of all the places options may stand in, by the first name of each option."""

    chosen: Mapping[str, tuple[Setting, ...]]

    def get(self, name: str) -> Setting | None:
        """The setting of an option, None where it is not given."""
        return next(iter(self.chosen.get(name, ())), None)

    def value(self, name: str) -> str:
        """The value of an option, "" where it is not given."""
        found = self.get(name)
        return found.value if found else ""


def read_options(
    args: Sequence[str], env: Mapping[str, Setting], files: Sequence[Path], cwd: Path
) -> Options:
    """The options of a start with these arguments, variables and configuration files.

    `files` are the usual ones, weakest first. `LaunchError` for what aider would not start with.
    """
    parser, actions = _parser(files, cwd)
    variables = {name: item.value for name, item in env.items()}
    try:
        found, _ = parser.parse_known_args(list(args), env_vars=variables)
    except (AssertionError, AttributeError, RecursionError, TypeError, ValueError) as error:
        raise LaunchError(
            "aider's configuration cannot be read, by aider neither", "aider --help names the files"
        ) from error
    sources = parser.get_source_to_settings_dict()
    chosen = {}
    for action in actions:
        value = getattr(found, action.dest)
        switched_off = value is False and isinstance(action, argparse.BooleanOptionalAction)
        if value in (None, False, []) and not switched_off:
            continue
        name = f"{'no-' if switched_off else ''}{action.dest.replace('_', '-')}"
        items = value if isinstance(value, list) else ["" if isinstance(value, bool) else value]
        chosen[name] = tuple(
            Setting(name, item, _where(action, item, args, sources, env)) for item in items
        )
    return Options(chosen)


class _Parser(configargparse.ArgumentParser):  # type: ignore[misc] # it has no types
    """One that says what is wrong instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        """What aider itself would not start with."""
        what, mend = _without_values(message)
        raise LaunchError(f"aider would not start: {what}", mend)


def _without_values(message: str) -> tuple[str, str]:
    """What is wrong and what mends it, and nothing of what was given: it may be a key."""
    broken = re.search(r'in "(.+?)", line (\d+)', message)
    empty = re.search(r"yaml\.load\('(.+)'\) returned", message)
    if broken:
        return f"{broken[1]} line {broken[2]} is not YAML", "mend that line"
    if empty:
        return f"{empty[1]} holds no settings", "write one there, or take the file away"
    what = re.split("[='\"]", message)[0].strip()
    return what, "write its options in full; aider --help names them"


def _parser(files: Sequence[Path], cwd: Path) -> tuple[_Parser, list[argparse.Action]]:
    parser = _Parser(
        add_help=False,
        default_config_files=[str(path) for path in files],
        config_file_parser_class=configargparse.YAMLConfigFileParser,
        config_file_open_func=lambda name, _="r": _open(cwd / name),
        auto_env_var_prefix="AIDER_",
    )
    added = [
        parser.add_argument("files", nargs="*"),
        parser.add_argument("-c", "--config", is_config_file_arg=True),
    ]
    for kind, action in (
        (_VALUES.split(), "store"),
        (_LISTS.split(), "append"),
        ([*_FLAGS.split(), *MODEL_FLAGS], "store_true"),
        (_SWITCHES.split(), argparse.BooleanOptionalAction),
    ):
        added += [parser.add_argument(*names.split(","), action=action) for names in kind]
    return parser, added


def _open(path: Path) -> io.StringIO:
    """A configuration file as text; aider, too, stops at an empty one."""
    if not path.is_file():
        raise OSError(2, "no such file")
    stream = io.StringIO(read_text(path))
    stream.name = str(path)
    return stream


def _where(
    action: argparse.Action,
    value: str,
    args: Sequence[str],
    sources: Mapping[str, Mapping[str, tuple[Any, Any]]],
    env: Mapping[str, Setting],
) -> str:
    """Where a value that counts comes from: a file's line, a variable's place, or an option."""
    names = [name for name in action.option_strings if name.startswith("--")]
    for source, settings in sources.items():
        for key, (known, said) in settings.items():
            if known is not action and not (known is None and _short_for(str(key), names)):
                continue
            if source == "environment_variables" and value in str(said):
                return env[key].place
            if source.startswith("config_file") and _holds(said, value):
                return _line(Path(source.partition("|")[2]), value, str(key))
    given = [item.partition("=")[0] for item in args]
    exact = [item for item in given if item in action.option_strings]
    return next(iter([*exact, *(item for item in given if _short_for(item, names))]), "")


def _line(path: Path, value: str, key: str) -> str:
    text = read_text(path)
    found = place(path, text, value) if value else str(path)
    return found if found != str(path) else place(path, text, key)


def _holds(said: object, value: str) -> bool:
    return value in ([str(item) for item in said] if isinstance(said, list) else ("", str(said)))


def _short_for(given: str, names: Sequence[str]) -> bool:
    word = given.strip("-")
    return bool(word) and any(name.startswith(f"--{word}") for name in names)
