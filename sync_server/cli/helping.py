"""How help reads: plain text of any width, and examples that can be copied."""

import sys
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from agentspend.core.errors import AgentspendError
from agentspend.core.usage_words import reworded

ORDER = ("init", "serve", "org", "team", "member", "invite", "device", "project", "tag", "report",
         "request", "policy", "reserve", "freeze", "unfreeze", "token", "audit", "verify", "export",
         "backup", "restore")  # fmt: skip
ClickError: type[Exception] = typer.BadParameter.__mro__[2]
"""What typer raises for words it cannot take; where it lives differs between its versions."""


class ExitCode(IntEnum):
    """What a command's exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPT = 130


class UsageError(AgentspendError):
    """The command was written wrong: exit code 2."""


class Unreachable(AgentspendError):
    """No server answers: exit code 3."""


class HelpfulCommand(TyperCommand):
    """A command whose help ends with examples."""

    examples: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What the parser cannot take is this command's mistake: typer says so not everywhere."""
        try:
            return list(super().parse_args(ctx, args))
        except ClickError as error:
            known: Any = error
            known.ctx = known.ctx or ctx
            raise

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's own
        """The examples, each on a line of its own, never wrapped."""
        write_examples(formatter, self.examples)


class HelpfulGroup(TyperGroup):
    """Commands in the order of use, and an example."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of a lead's week; others as they were added."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's own
        """The example, never wrapped."""
        write_examples(formatter, tuple((self.epilog or "").splitlines()))


def command(*examples: str) -> type[HelpfulCommand]:
    """The class of one command, with its examples."""
    return type("HelpfulCommand", (HelpfulCommand,), {"examples": examples})


def write_examples(formatter: Any, examples: tuple[str, ...]) -> None:
    """Write copyable lines at the end of a help text."""
    if examples:
        formatter.write(f"\nExample{'s' if len(examples) > 1 else ''}:\n")
    for example in examples:
        formatter.write(f"  {example}\n")


def help_wanted(error: Any) -> str:
    """The help of a group that was named without a command, "" for a real error."""
    return str(error.format_message()) if type(error).__name__ == "NoArgsIsHelpError" else ""


def why_not(error: Exception) -> str:
    """Why a file cannot be read, without its name again."""
    return str(getattr(error, "strerror", None) or error)


def refusals() -> tuple[type[Exception], ...]:
    """What the machine or a database raises. What nobody has loaded raises nothing."""
    databases = (("sqlite3", "Error"), ("sqlalchemy.exc", "SQLAlchemyError"))
    loaded = [(sys.modules[module], name) for module, name in databases if module in sys.modules]
    return (OSError, *(getattr(module, name) for module, name in loaded))


def in_words(error: Exception) -> AgentspendError:
    """What the machine or the database refused, and where to look."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return AgentspendError(
            f"{where}{error.strerror or error}", "is it the right place, and may you write there?"
        )
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    return AgentspendError(
        f"the database cannot be used: {said}",
        "database = … in server.toml says where it is (init: --database)",
    )


def usage_error(error: Any) -> UsageError:
    """typer's words as ours: what is wrong, then how to write it."""
    context = error.ctx
    examples = getattr(context.command, "examples", ()) if context else ()
    hint = examples[0] if examples else "agentspend-server --help"
    return UsageError(reworded(error.format_message()), hint)
