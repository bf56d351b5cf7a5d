"""The commands, in the order of a user's week: start, look, limit, ask why, look after it.

Everything but `run` comes through here; `__main__` takes that one by a shorter way.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer

import agentspend
from agentspend.cli import (
    adjust,
    budget,
    config,
    daemon,
    demo,
    doctor,
    keys,
    log,
    output,
    prices,
    prices_explain,
    run_help,
    status,
    verify,
    why,
)


def _group(text: str, example: str) -> typer.Typer:
    return typer.Typer(help=text, epilog=f"Example: {example}", no_args_is_help=True)


def _add(group: typer.Typer, command: Callable[..., Any], name: str, *examples: str,
         **settings: Any) -> None:  # fmt: skip
    """Register a command with its examples, which its help ends with."""
    epilog = "\n\n".join(["Examples:", *examples] if examples else [])
    group.command(name, epilog=epilog, **settings)(command)


def _version(wanted: bool) -> None:
    if wanted:
        output.line(f"agentspend {agentspend.__version__}")
        raise typer.Exit


def main(
    _version_wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hard budgets for coding agents: never passed by a cent, never in the way while there is money."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="agentspend",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        epilog="Start here:  agentspend run claude",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(main)
    _add(app, run_help.run, "run", "agentspend run claude",
         "agentspend run --tag team=blue claude -p 'say hi'",
         "agentspend run --project acme/api -- aider --model sonnet",
         context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
         )  # fmt: skip
    _add(app, status.status, "status", "agentspend status", "agentspend status --json")
    _add_budget(app)
    _add(app, log.log, "log", "agentspend log -n 100", "agentspend log -f --json",
         "agentspend log --agent claude")  # fmt: skip
    _add(app, why.why, "why", "agentspend why r_1f3a")
    _add(app, adjust.adjust, "adjust", "agentspend adjust r_1f3a --to 0.11")
    _add_keys(app)
    _add_prices(app)
    _add_config(app)
    _add(app, doctor.doctor, "doctor", "agentspend doctor")
    _add(app, verify.verify, "verify", "agentspend verify", "agentspend verify --json")
    _add_daemon(app)
    _add(app, demo.demo, "demo", "agentspend demo")
    return app


def _add_budget(app: typer.Typer) -> None:
    group = _group("See and change budgets.", "agentspend budget set daily 25.00 --window day")
    _add(group, budget.list_budgets, "list", "agentspend budget list")
    _add(group, budget.set_budget, "set", "agentspend budget set daily 25.00 --window day",
         "agentspend budget set opus 10 --window week --scope 'model=claude-opus-*'",
         "agentspend budget set ci 2 --window hour --scope agent=claude --scope branch=main",
         )  # fmt: skip
    _add(group, budget.raise_budget, "raise", "agentspend budget raise daily 5",
         "agentspend budget raise daily --to 40")  # fmt: skip
    _add(group, budget.remove_budget, "remove", "agentspend budget remove daily")
    _add(group, budget.confirm_changes, "confirm", "agentspend budget confirm")
    app.add_typer(group, name="budget")


def _add_keys(app: typer.Typer) -> None:
    group = _group("Keep provider keys in the OS keyring.", "agentspend keys set anthropic")
    _add(group, keys.set_key, "set", "agentspend keys set anthropic",
         "pass show anthropic | agentspend keys set anthropic")  # fmt: skip
    _add(group, keys.list_keys, "list", "agentspend keys list")
    _add(group, keys.unlock_keys, "unlock", "agentspend keys unlock",
         "systemd-ask-password | agentspend keys unlock")  # fmt: skip
    _add(group, keys.remove_key, "remove", "agentspend keys remove anthropic")
    app.add_typer(group, name="keys")


def _add_prices(app: typer.Typer) -> None:
    group = _group("See, set and explain prices.", "agentspend prices show opus")
    _add(group, prices.show, "show", "agentspend prices show opus")
    _add(group, prices_explain.explain, "explain",
         "agentspend prices explain --provider anthropic --api messages"
         " --model claude-opus-5 --json answer.json")  # fmt: skip
    _add(group, prices.set_price, "set",
         "agentspend prices set anthropic/claude-next --input 5 --output 25")  # fmt: skip
    _add(group, prices.update, "update", "agentspend prices update --from table.json",
         "agentspend prices update")  # fmt: skip
    app.add_typer(group, name="prices")


def _add_config(app: typer.Typer) -> None:
    group = _group("See the configuration and where it is.", "agentspend config show")
    _add(group, config.show, "show", "agentspend config show")
    _add(group, config.path, "path", "agentspend config path")
    app.add_typer(group, name="config")


def _add_daemon(app: typer.Typer) -> None:
    group = _group("The process that meters and enforces; run starts it.",
                   "agentspend daemon status")  # fmt: skip
    _add(group, daemon.start, "start", "agentspend daemon start")
    _add(group, daemon.stop, "stop", "agentspend daemon stop")
    _add(group, daemon.status, "status", "agentspend daemon status --json")
    _add(group, daemon.logs, "logs", "agentspend daemon logs -f")
    _add(group, daemon.run, "run", "agentspend daemon run", hidden=True)
    app.add_typer(group, name="daemon")
