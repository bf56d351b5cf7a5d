"""Every command: its name, its gist and examples, and where it is.

A command's own module is loaded when the command is added: who asks for one waits for no other.
"""

from collections.abc import Callable
from typing import Any

import typer

from agentspend.cli import helping


def _group(text: str, example: str) -> typer.Typer:
    return typer.Typer(
        cls=helping.HelpfulGroup,
        help=text,
        short_help=text.removesuffix("."),
        epilog=example,
        no_args_is_help=True,
        rich_markup_mode=None,
        options_metavar="",
        subcommand_metavar="COMMAND …",
    )


def _add(group: typer.Typer, command: Callable[..., Any], name: str, gist: str, *examples: str,
         **settings: Any) -> None:  # fmt: skip
    """Register a command with its gist for the list, and the examples its help ends with."""
    group.command(name, short_help=gist, cls=helping.command(*examples), **settings)(command)


def _run(app: typer.Typer) -> None:
    from agentspend.cli import run_help

    _add(app, run_help.run, "run", "Run an agent, metered and kept within its budgets",
         "agentspend run claude",
         "agentspend run --tag team=blue claude -p 'say hi'",
         "agentspend run --project acme/api codex exec 'fix the build'",
         "agentspend run -- ./my-own-agent",
         context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
         )  # fmt: skip


def _top(app: typer.Typer) -> None:
    from agentspend.cli import top

    _add(app, top.top, "top", "The live screen: what is left, until when, who spends it",
         "agentspend top", "agentspend top --filter 'agent:codex >0.10'",
         "agentspend top --demo")  # fmt: skip


def _status(app: typer.Typer) -> None:
    from agentspend.cli import status

    _add(app, status.status, "status", "What is spent, held and free, and who is running",
         "agentspend status", "agentspend status --json")  # fmt: skip


def _pause(app: typer.Typer) -> None:
    from agentspend.cli import pause

    _add(app, pause.pause, "pause", "Refuse a session's requests until it is resumed",
         "agentspend pause s_1f3a", "agentspend pause --all")  # fmt: skip


def _resume(app: typer.Typer) -> None:
    from agentspend.cli import pause

    _add(app, pause.resume, "resume", "Let a paused session go on",
         "agentspend resume s_1f3a", "agentspend resume --all")  # fmt: skip


def _budget(app: typer.Typer) -> None:
    from agentspend.cli import budget

    group = _group("See and change budgets.", "agentspend budget set daily 25.00 --window day")
    _add(group, budget.list_budgets, "list", "The budgets in force, and changes that wait",
         "agentspend budget list", "agentspend budget list --json")  # fmt: skip
    _add(group, budget.set_budget, "set", "Set a budget: a scope, a window and a limit",
         "agentspend budget set daily 25.00 --window day",
         "agentspend budget set opus 10 --window week --scope 'model=claude-opus-*'",
         "agentspend budget set ci 2 --window hour --scope agent=claude --scope branch=main",
         )  # fmt: skip
    _add(group, budget.raise_budget, "raise", "Raise a limit",
         "agentspend budget raise daily 5", "agentspend budget raise daily --to 40")  # fmt: skip
    _add(group, budget.refuse, "refuse", "Say no to requests that ask for more of a budget",
         "agentspend budget refuse daily")  # fmt: skip
    _add(group, budget.remove_budget, "remove", "Remove a budget",
         "agentspend budget remove daily")  # fmt: skip
    _add(group, budget.confirm_changes, "confirm", "Adopt changes that wait for a person",
         "agentspend budget confirm")  # fmt: skip
    app.add_typer(group, name="budget")


def _report(app: typer.Typer) -> None:
    from agentspend.cli import report

    _add(app, report.report, "report", "What was spent, by project, model, day, …",
         "agentspend report", "agentspend report 7d --by project,model",
         "agentspend report last-month --by tag:ticket --csv > spent.csv",
         "agentspend report --where project=web --by day --chart")  # fmt: skip


def _log(app: typer.Typer) -> None:
    from agentspend.cli import log

    _add(app, log.log, "log", "The ledger's entries, live with -f",
         "agentspend log -n 100", "agentspend log -f --json",
         "agentspend log --agent claude",
         "agentspend log --filter 'model:gpt-* >0.10'")  # fmt: skip


def _why(app: typer.Typer) -> None:
    from agentspend.cli import why

    _add(app, why.why, "why", "One request's story: bound, hold, usage, price, budgets",
         "agentspend why r_1f3a")  # fmt: skip


def _adjust(app: typer.Typer) -> None:
    from agentspend.cli import adjust

    _add(app, adjust.adjust, "adjust", "Lower a charge that was an estimate",
         "agentspend adjust r_1f3a --to 0.11")  # fmt: skip


def _keys(app: typer.Typer) -> None:
    from agentspend.cli import keys

    group = _group("Keep provider keys in the OS keyring.", "agentspend keys set anthropic")
    _add(group, keys.set_key, "set", "Store a key, from a pipe or a hidden prompt",
         "agentspend keys set anthropic",
         "agentspend keys set anthropic --plain-file    # a server without a keyring, over SSH",
         "pass show anthropic | agentspend keys set anthropic")  # fmt: skip
    _add(group, keys.list_keys, "list", "Which keys there are, and where",
         "agentspend keys list")  # fmt: skip
    _add(group, keys.unlock_keys, "unlock", "Give the daemon the passphrase of a stored key",
         "agentspend keys unlock", "systemd-ask-password | agentspend keys unlock")  # fmt: skip
    _add(group, keys.remove_key, "remove", "Forget a key", "agentspend keys remove anthropic")
    app.add_typer(group, name="keys")


def _key(app: typer.Typer) -> None:
    from agentspend.cli import key

    group = _group("Virtual keys: each with its own budget, models and limits.",
                   "agentspend key create --alias ci --max-budget 20")  # fmt: skip
    _add(group, key.create, "create", "Make a key; its token is shown once",
         "agentspend key create --alias alice-claude-code --max-budget 100 --budget-duration 1mo",
         "agentspend key create --alias ci --models 'claude-sonnet-*,gpt-4.1-mini' --rpm-limit 100",
         "TOKEN=$(agentspend key create --alias nightly --expires 90d)")  # fmt: skip
    _add(group, key.list_keys, "list", "Every key: state, models, limits, budget",
         "agentspend key list", "agentspend key list --json")  # fmt: skip
    _add(group, key.info, "info", "One key, and what was spent with it",
         "agentspend key info alice-claude-code")  # fmt: skip
    _add(group, key.update, "update", "Change a key's models, limits, team or end",
         "agentspend key update ci --models 'claude-haiku-*' --rpm-limit 200",
         "agentspend key update ci --team web --expires 30d")  # fmt: skip
    _add(group, key.block, "block", "Refuse a key's requests",
         "agentspend key block alice-claude-code")  # fmt: skip
    _add(group, key.unblock, "unblock", "Let them through again",
         "agentspend key unblock alice-claude-code")  # fmt: skip
    _add(group, key.rotate, "rotate", "Give a key a new token",
         "agentspend key rotate alice-claude-code --grace 24h",
         "agentspend key rotate ci --expires 90d")  # fmt: skip
    _add(group, key.delete, "delete", "End a key and its budget",
         "agentspend key delete alice-claude-code")  # fmt: skip
    app.add_typer(group, name="key")


def _enable(app: typer.Typer) -> None:
    from agentspend.cli import enable

    _add(app, enable.enable, "enable", "Lead a plain agent here, without run",
         "agentspend enable claude", "agentspend enable codex --dry-run",
         "agentspend enable claude --undo")  # fmt: skip


def _providers(app: typer.Typer) -> None:
    from agentspend.cli import providers

    group = _group("Who answers: three built in, thirteen ready, and any compatible server.",
                   "agentspend providers list")  # fmt: skip
    _add(group, providers.list_providers, "list", "Every provider: set up, or ready to be added",
         "agentspend providers list", "agentspend providers list --json")  # fmt: skip
    _add(group, providers.add, "add", "Set a provider up, or change what is said of it",
         "agentspend providers add deepseek",
         "agentspend providers add gateway --dialect openai_chat --base-url https://gw.corp/v1"
         " --price-prefix openai")  # fmt: skip
    _add(group, providers.try_out, "test", "Ask one something free: does it take its key",
         "agentspend providers test deepseek",
         "agentspend providers test zai --model glm-5.3")  # fmt: skip
    app.add_typer(group, name="providers")


def _models(app: typer.Typer) -> None:
    from agentspend.cli import models

    _add(app, models.models, "models", "Which models a running session may use",
         "agentspend models s_1f3a --only '*haiku*'",
         "agentspend models s_1f3a --any")  # fmt: skip


def _team(app: typer.Typer) -> None:
    from agentspend.cli import team, team_leave

    group = _group("This device's place in a team.", "agentspend team status")
    _add(group, team.join, "join", "Join with the line that the team's lead sent",
         "agentspend team join https://spend.acme.dev:4443 ASPD-7K3M-…")  # fmt: skip
    _add(group, team.status, "status", "The team's pools, and this device's allowance",
         "agentspend team status", "agentspend team status --json")  # fmt: skip
    _add(group, team.sync, "sync", "Talk to the team server now", "agentspend team sync")
    _add(group, team.request, "request", "Ask the team's leads for a raise",
         "agentspend team request 20 --reason 'release on Friday'")  # fmt: skip
    _add(group, team.requests, "requests", "Who asks for more, and why",
         "agentspend team requests", "agentspend team requests --json")  # fmt: skip
    _add(group, team.approve, "approve", "Raise a cap once, as a lead",
         "agentspend team approve r_1f3a",
         "agentspend team approve r_1f3a --amount 10")  # fmt: skip
    _add(group, team.deny, "deny", "Answer no, as a lead", "agentspend team deny r_1f3a")
    _add(group, team.reopen, "reopen", "Take an answer back within ten minutes",
         "agentspend team reopen r_1f3a")  # fmt: skip
    _add(group, team.reserve, "reserve", "Draw an emergency reserve, saying why",
         "agentspend team reserve org.month --reason 'production is down'")  # fmt: skip
    _add(group, team.add_device, "add-device", "Let another machine of yours into the team",
         "agentspend team add-device")  # fmt: skip
    _add(group, team_leave.leave, "leave", "Leave the team, once it is told what it paid for",
         "agentspend team leave", "agentspend team leave --now")  # fmt: skip
    app.add_typer(group, name="team")


def _prices(app: typer.Typer) -> None:
    from agentspend.cli import prices, prices_explain

    group = _group("See, set and explain prices.", "agentspend prices show opus")
    _add(group, prices.show, "show", "Prices in force now", "agentspend prices show opus")
    _add(group, prices_explain.explain, "explain", "What an answer you saved costs, line by line",
         "agentspend prices explain --model claude-opus-5 answer.json",
         "agentspend prices explain --model claude-opus-5 --json answer.json")  # fmt: skip
    _add(group, prices.set_price, "set", "Set a price or a discount of your own",
         "agentspend prices set anthropic/claude-next --input 5 --output 25",
         "agentspend prices set 'anthropic/*' --multiplier 0.8")  # fmt: skip
    _add(group, prices.update, "update", "Take over another price table",
         "agentspend prices update --from table.json", "agentspend prices update")  # fmt: skip
    app.add_typer(group, name="prices")


def _config(app: typer.Typer) -> None:
    from agentspend.cli import config

    group = _group("See and edit the configuration.", "agentspend config show")
    _add(group, config.show, "show", "Every setting, and where it comes from",
         "agentspend config show")  # fmt: skip
    _add(group, config.edit, "edit", "Open it in your editor, and check what was written",
         "agentspend config edit", "EDITOR=nano agentspend config edit")  # fmt: skip
    _add(group, config.path, "path", "Where configuration, ledger, socket and log are",
         "agentspend config path")  # fmt: skip
    app.add_typer(group, name="config")


def _doctor(app: typer.Typer) -> None:
    from agentspend.cli import doctor

    _add(app, doctor.doctor, "doctor", "What is wrong, and the command that mends it",
         "agentspend doctor")  # fmt: skip


def _verify(app: typer.Typer) -> None:
    from agentspend.cli import verify

    _add(app, verify.verify, "verify", "Check the ledger, entry by entry",
         "agentspend verify", "agentspend verify --json")  # fmt: skip


def _daemon(app: typer.Typer) -> None:
    from agentspend.cli import daemon, daemon_start, service

    group = _group("The process that meters and enforces; run starts it.",
                   "agentspend daemon status")  # fmt: skip
    _add(group, daemon_start.start, "start", "Start it", "agentspend daemon start")
    _add(group, daemon.stop, "stop", "Let requests end, then stop", "agentspend daemon stop")
    _add(group, daemon.restart, "restart", "Stop it and start it again",
         "agentspend daemon restart")  # fmt: skip
    _add(group, daemon.status, "status", "Whether it runs, and where",
         "agentspend daemon status --json")  # fmt: skip
    _add(group, daemon.logs, "logs", "Its own log: counts, ids and errors",
         "agentspend daemon logs -f")  # fmt: skip
    _add(group, service.install, "install", "Have it started at login",
         "agentspend daemon install")  # fmt: skip
    _add(group, service.uninstall, "uninstall", "Have it started at login no more",
         "agentspend daemon uninstall")  # fmt: skip
    _add(group, daemon.run, "run", "Serve in the foreground", "agentspend daemon run", hidden=True)
    app.add_typer(group, name="daemon")


def _statusline(app: typer.Typer) -> None:
    from agentspend.cli import statusline_install

    _add(app, statusline_install.statusline, "statusline",
         "One line for Claude Code, tmux or a prompt",
         "agentspend statusline --install", "agentspend statusline --format tmux")  # fmt: skip


def _demo(app: typer.Typer) -> None:
    from agentspend.cli import demo

    _add(app, demo.demo, "demo", "The whole story in a minute, no key needed", "agentspend demo")


COMMANDS: dict[str, Callable[[typer.Typer], None]] = {
    "run": _run,
    "top": _top,
    "status": _status,
    "pause": _pause,
    "resume": _resume,
    "budget": _budget,
    "report": _report,
    "log": _log,
    "why": _why,
    "adjust": _adjust,
    "keys": _keys,
    "key": _key,
    "enable": _enable,
    "providers": _providers,
    "models": _models,
    "team": _team,
    "prices": _prices,
    "config": _config,
    "doctor": _doctor,
    "verify": _verify,
    "daemon": _daemon,
    "statusline": _statusline,
    "demo": _demo,
}
"""What adds each command, or group of commands, by its name."""
