"""How help and usage errors read: plain text that fits any width, examples that can be copied.

typer's boxes are left out on purpose: they cost 100 ms of imports, break in narrow terminals and
in pipes, and wrap the examples.
"""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from agentspend.cli.diagnostics import UsageError
from agentspend.core.usage_words import reworded

ORDER = ("run", "top", "status", "pause", "resume", "models", "budget", "report", "log", "why",
         "adjust", "keys", "key", "team", "enable", "providers", "prices", "config", "doctor",
         "verify", "daemon", "statusline", "demo")  # fmt: skip
ClickError: type[Exception] = typer.BadParameter.__mro__[2]
"""What typer raises for words it cannot take; where it lives differs between its versions."""


class HelpfulCommand(TyperCommand):
    """A command whose usage names what it must be given, and whose help ends with examples."""

    examples: tuple[str, ...] = ()

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for param in self.params:
            if param.param_type_name == "option" and not (
                param.metavar or getattr(param, "is_flag", False)
            ):
                param.metavar = _stands_for(param)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What the parser cannot take is this command's mistake: typer says so not everywhere."""
        try:
            return list(super().parse_args(ctx, args))
        except ClickError as error:
            known: Any = error
            known.ctx = known.ctx or ctx
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`NAME LIMIT --window WINDOW [OPTIONS]`."""
        params = self.get_params(ctx)
        shown = [param for param in params if not getattr(param, "hidden", False)]
        arguments = [
            _word(param) if param.required else f"[{_word(param).strip('[]')}]"
            for param in shown
            if param.param_type_name == "argument"
        ]
        options = [param for param in shown if param.param_type_name == "option"]
        required = [f"{param.opts[0]} {_word(param)}" for param in options if param.required]
        return ["[OPTIONS]", *arguments, *required] if options else [*arguments, *required]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's own
        """The examples, each on a line of its own, never wrapped."""
        write_examples(formatter, self.examples)


class HelpfulGroup(TyperGroup):
    """A group of commands in the order of use, whose help ends with an example."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of a user's week; others as they were added."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's own
        """The example, never wrapped."""
        write_examples(formatter, (self.epilog or "").splitlines())


def command(*examples: str) -> type[HelpfulCommand]:
    """The class of one command, with its examples."""
    return type("HelpfulCommand", (HelpfulCommand,), {"examples": examples})


def write_examples(formatter: Any, examples: Any) -> None:
    """Write copyable lines at the end of a help text."""
    if not examples:
        return
    formatter.write(f"\nExample{'s' if len(examples) > 1 else ''}:\n")
    for example in examples:
        formatter.write(f"  {example}\n")


_COST = "agentspend report --by project,model; agentspend top is the live screen"
ELSEWHERE = {
    "usage": _COST, "cost": _COST, "costs": _COST, "spend": _COST, "stats": _COST,
    "init": "nothing has to be set up: agentspend run claude",
    "setup": "nothing has to be set up: agentspend run claude",
    "start": "agentspend run claude, or agentspend daemon start",
    "stop": "agentspend pause --all    refuses every request; agentspend daemon stop",
    "limit": "agentspend budget set daily 25.00 --window day",
    "cap": "agentspend budget set daily 25.00 --window day",
    "set": "agentspend budget set daily 25.00 --window day",
    "raise": "agentspend budget raise daily 5",
    "login": "agentspend keys set anthropic    or log in inside the agent",
    "join": "agentspend team join URL CODE",
    "uninstall": "agentspend enable AGENT --undo, agentspend daemon stop; README.md has all of it",
}  # fmt: skip
"""What people try first, and where it is."""
_NO_COMMAND = re.compile(r"no such command '(.+)'")


def help_wanted(error: Any) -> str:
    """The help of a group that was named without a command, "" for a real error."""
    return str(error.format_message()) if type(error).__name__ == "NoArgsIsHelpError" else ""


def usage_error(error: Any) -> UsageError:
    """typer's words as ours: what is wrong, then how to write it."""
    message, _, near = error.format_message().partition(" Did you mean ")
    if not near:
        message, _, near = message.partition(" (Possible options: ")
    message = reworded(message)
    context = error.ctx
    if context is None:
        return UsageError(message, "agentspend --help")
    found = _NO_COMMAND.fullmatch(message)
    if found and found[1] in ELSEWHERE:
        return UsageError(message, ELSEWHERE[found[1]])
    where = context.command_path.removeprefix("agentspend").strip()
    if near:
        names = near.strip().rstrip("?)").replace("'", "").split(", ")
        hint = f"did you mean {' or '.join(names)}?"
    else:
        examples = getattr(context.command, "examples", ())
        hint = examples[0] if examples else f"{context.command_path} --help"
    return UsageError(f"{where}: {message}" if where else message, hint)


def _stands_for(param: Any) -> str | None:
    """A value in an option's help: N, FILE or the option's own name; a choice lists its words."""
    if getattr(param.type, "choices", ()):
        return None
    kind = "N" if param.type.name.startswith("int") else "FILE" if param.type.name == "path" else ""
    return kind or param.opts[-1].lstrip("-").replace("-", "_").upper()


def _word(param: Any) -> str:
    """What stands for a value: WINDOW."""
    return str(param.metavar or str(param.name).upper())
