"""The command line: what was asked for is built, and nothing else is loaded.

Everything but `run` comes through here; `__main__` takes that one by a shorter way.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

import agentspend
from agentspend.cli import completing_bash, helping, output
from agentspend.cli.commands import COMMANDS
from agentspend.cli.diagnostics import ExitCode

PROGRAM = "agentspend"


def main(words: Sequence[str]) -> int:
    """Do what the words say; returns the exit code. Raises `AgentspendError`."""

    def do() -> object:
        app = build(asked(words, os.environ))
        return app(args=list(words), prog_name=PROGRAM, standalone_mode=False)

    try:
        if completing_bash.wanted(os.environ):
            output.line(completing_bash.answer(os.environ, do))
            return ExitCode.OK
        code = do()
    except helping.ClickError as error:
        text = helping.help_wanted(error)
        if not text:
            raise helping.usage_error(error) from None
        output.line(text)
        return ExitCode.USAGE
    except typer.Abort:
        return ExitCode.INTERRUPT
    return code if isinstance(code, int) else ExitCode.OK


def _version(wanted: bool) -> None:
    if wanted:
        output.line(f"agentspend {agentspend.__version__}")
        raise typer.Exit


def options(
    _version_wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hard budgets for coding agents: never passed by a cent, never in the way with money left."""


def asked(words: Sequence[str], env: Mapping[str, str]) -> str:
    """The command that is asked for, or that the shell completes; "" where it may be any."""
    if completing_bash.ASKED in env:
        words = _before_the_tab(env)
    return words[0] if words and words[0] in COMMANDS else ""


def _before_the_tab(env: Mapping[str, str]) -> Sequence[str]:
    """The words that are written already, none while the first is still being typed."""
    if completing_bash.WORDS in env:
        typing_first = env.get(completing_bash.CURRENT) in ("0", "1")
        return () if typing_first else env[completing_bash.WORDS].split()[1:]
    typed = env.get("_TYPER_COMPLETE_ARGS", "")
    words = typed.split()[1:]
    return words if len(words) > 1 or typed.endswith(" ") else ()


def build(only: str = "") -> typer.Typer:
    """The command line: all of it, or one command or group, whose help and errors are the same."""
    app = typer.Typer(
        name=PROGRAM,
        cls=helping.HelpfulGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog="agentspend run claude",
        options_metavar="",
        subcommand_metavar="COMMAND …",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for name, add in COMMANDS.items():
        if only in ("", name):
            add(app)
    return app
