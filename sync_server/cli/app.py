"""The commands of `agentspend-server`, in the order of a lead's first day."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import agentspend
from agentspend.core.errors import AgentspendError
from sync_server.cli import helping, looking, output, people, serving, steering
from sync_server.cli.helping import ExitCode


def main() -> int:
    """Do what the command line says; returns the exit code."""
    try:
        return run(sys.argv[1:])
    except AgentspendError as error:
        return _told(error)
    except helping.refusals() as error:
        return _told(helping.in_words(error))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPT


def _told(error: AgentspendError) -> int:
    output.tell(error)
    if isinstance(error, helping.UsageError):
        return ExitCode.USAGE
    unreachable = isinstance(error, helping.Unreachable)
    return ExitCode.UNREACHABLE if unreachable else ExitCode.FAILED


def run(words: Sequence[str]) -> int:
    """Do what the words say. Raises `AgentspendError`."""
    try:
        code = build()(args=list(words), prog_name="agentspend-server", standalone_mode=False)
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
        output.line(f"agentspend-server {agentspend.__version__}")
        raise typer.Exit


def options(
    _version_wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Caps for a whole team, that no device can pass, online or off."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="agentspend-server",
        cls=helping.HelpfulGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog="agentspend-server init --org Acme --host spend.acme.example",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    _add(app, serving.init, "init", "Make a server: folder, keys, certificate, first token",
         "agentspend-server init --org Acme --host spend.acme.example",
         "agentspend-server init /srv/spend --org Acme --database postgresql:///spend")  # fmt: skip
    _add(app, serving.serve, "serve", "Serve devices and people",
         "cd agentspend-server && agentspend-server serve")  # fmt: skip
    _add_org(app)
    _add_members(app)
    _add(app, people.invite, "invite", "Let one more device of a member in",
         "agentspend-server invite anna", "agentspend-server invite anna --hours 72")  # fmt: skip
    _add_devices(app)
    _add(app, looking.report, "report", "Who or what spent how much",
         "agentspend-server report --by member --since 7d",
         "agentspend-server report --by project --team backend --json")  # fmt: skip
    _add_requests(app)
    _add_policy(app)
    _add(app, steering.freeze, "freeze", "Stop all spending of a team, or of everybody",
         "agentspend-server freeze backend", "agentspend-server freeze")  # fmt: skip
    _add(app, steering.unfreeze, "unfreeze", "Let a team spend again",
         "agentspend-server unfreeze backend")  # fmt: skip
    _add_tokens(app)
    _add(app, looking.audit, "audit", "What people decided", "agentspend-server audit -n 20")
    _add(app, looking.verify, "verify", "Check all ledgers, the audit chain, the sums",
         "agentspend-server verify --json")  # fmt: skip
    _add(app, looking.export, "export", "Every entry as it was signed, one a line",
         "agentspend-server export > entries.jsonl",
         "agentspend-server export --member anna | jq .amount_nusd")  # fmt: skip
    _add(app, serving.backup, "backup", "Copy the database while the server runs",
         "agentspend-server backup /backups/monday.db")  # fmt: skip
    _add(app, serving.restore, "restore", "Go back to a copy, and forget no grant",
         "agentspend-server restore /backups/monday.db")  # fmt: skip
    return app


def _group(text: str, example: str) -> typer.Typer:
    return typer.Typer(cls=helping.HelpfulGroup, help=text, short_help=text.removesuffix("."),
                       epilog=example, no_args_is_help=True, rich_markup_mode=None)  # fmt: skip


def _add(
    group: typer.Typer, command: Callable[..., Any], name: str, gist: str, *examples: str
) -> None:
    group.command(name, short_help=gist, cls=helping.command(*examples))(command)


def _add_org(app: typer.Typer) -> None:
    org = _group("Caps of everybody.", "agentspend-server org set-cap 2000 --window month")
    _add(org, serving.org_create, "create", "Make another organisation, with its own server",
         "agentspend-server org create Acme /srv/acme --host spend.acme.example")  # fmt: skip
    _add(org, steering.org_show, "show", "Every cap: spent, out, free, resets",
         "agentspend-server org show")  # fmt: skip
    _add(org, steering.org_confirm_clock, "confirm-clock", "Say that the server's clock is right",
         "agentspend-server org confirm-clock 2026-11-26")  # fmt: skip
    _add(org, steering.org_set_cap, "set-cap", "Cap what everybody spends together",
         "agentspend-server org set-cap 2000 --window month",
         "agentspend-server org set-cap off --window day")  # fmt: skip
    app.add_typer(org, name="org")
    team = _group("Teams and their caps.", "agentspend-server team create backend")
    _add(team, people.team_create, "create", "Make a team",
         "agentspend-server team create backend")  # fmt: skip
    _add(team, people.team_list, "list", "Every team with its people and devices",
         "agentspend-server team list --json")  # fmt: skip
    _add(team, steering.team_set_cap, "set-cap", "Cap what a team spends together",
         "agentspend-server team set-cap backend 500 --window month",
         "agentspend-server team set-cap backend 40 --window day")  # fmt: skip
    app.add_typer(team, name="team")
    project = _group("Caps of projects.", "agentspend-server project set-cap acme/api 50 --window week")  # noqa: E501  # fmt: skip
    _add(project, steering.project_set_cap, "set-cap", "Cap what is spent on a project",
         "agentspend-server project set-cap acme/api 50 --window week",
         "agentspend-server project set-cap acme/api 20 --window week --team backend")  # fmt: skip
    app.add_typer(project, name="project")
    tag = _group("Caps of tags.", "agentspend-server tag set-cap ci 10 --window day")
    _add(tag, steering.tag_set_cap, "set-cap", "Cap what is spent under a tag",
         "agentspend-server tag set-cap ci 10 --window day")  # fmt: skip
    app.add_typer(tag, name="tag")


def _add_members(app: typer.Typer) -> None:
    group = _group("Members: who may spend.", "agentspend-server member add anna --team backend")
    _add(group, people.member_add, "add", "Add a member; prints the line that joins a device",
         "agentspend-server member add anna --team backend --tier senior")  # fmt: skip
    _add(group, people.member_import, "import", "Make the members those of a file",
         "agentspend-server member import people.csv",
         "agentspend-server member import people.csv --prune")  # fmt: skip
    _add(group, people.member_list, "list", "Every member, and who has not joined",
         "agentspend-server member list")  # fmt: skip
    _add(group, people.member_set_role, "set-role", "Change what a member may do here",
         "agentspend-server member set-role anna lead")  # fmt: skip
    _add(group, people.member_set_tier, "set-tier", "Change which models a member may use",
         "agentspend-server member set-tier anna senior")  # fmt: skip
    _add(group, steering.member_set_cap, "set-cap", "Cap what a member spends",
         "agentspend-server member set-cap anna 25 --window day")  # fmt: skip
    _add(group, people.member_move, "move", "Give a member another home team",
         "agentspend-server member move anna data")  # fmt: skip
    _add(group, people.member_add_team, "add-team", "Let a member spend for a team more",
         "agentspend-server member add-team anna data")  # fmt: skip
    _add(group, people.member_remove_team, "remove-team", "Take a member out of a team",
         "agentspend-server member remove-team anna data")  # fmt: skip
    _add(group, people.member_revoke, "revoke", "End a membership and all its devices",
         "agentspend-server member revoke anna")  # fmt: skip
    app.add_typer(group, name="member")


def _add_devices(app: typer.Typer) -> None:
    group = _group("Devices: what has joined.", "agentspend-server device list")
    _add(group, people.device_list, "list", "Every device: whose, seen when, what lies on it",
         "agentspend-server device list")  # fmt: skip
    _add(group, people.device_report, "report", "Who has not joined, who shows signs of bypass",
         "agentspend-server device report", "agentspend-server device report --json")  # fmt: skip
    _add(group, steering.device_set_cap, "set-cap", "Cap what one device spends",
         "agentspend-server device set-cap d_1f3a 10 --window day")  # fmt: skip
    _add(group, people.device_revoke, "revoke", "Give a device nothing any more",
         "agentspend-server device revoke d_1f3a")  # fmt: skip
    _add(group, people.device_lost, "lost", "A device is gone: what lies on it is spent",
         "agentspend-server device lost d_1f3a")  # fmt: skip
    _add(group, people.device_write_off, "write-off", "Count what old ledgers hold as spent",
         "agentspend-server device write-off d_1f3a")  # fmt: skip
    app.add_typer(group, name="device")


def _add_requests(app: typer.Typer) -> None:
    group = _group("Requests for a raise.", "agentspend-server request approve r_1f3a")
    _add(group, steering.request_list, "list", "Who asks for more, and why",
         "agentspend-server request list", "agentspend-server request list --all")  # fmt: skip
    _add(group, steering.request_approve, "approve", "Raise the cap once, in this window",
         "agentspend-server request approve r_1f3a",
         "agentspend-server request approve r_1f3a --amount 10")  # fmt: skip
    _add(group, steering.request_deny, "deny", "Answer no",
         "agentspend-server request deny r_1f3a")  # fmt: skip
    _add(group, steering.request_reopen, "reopen", "Take an answer back within ten minutes",
         "agentspend-server request reopen r_1f3a")  # fmt: skip
    app.add_typer(group, name="request")


def _add_policy(app: typer.Typer) -> None:
    group = _group("Rules besides caps.", "agentspend-server policy set policy.toml")
    _add(group, steering.policy_show, "show", "The rules in force",
         "agentspend-server policy show --team backend")  # fmt: skip
    _add(group, steering.policy_set, "set", "Put the rules of a file in force",
         "agentspend-server policy set policy.toml",
         "agentspend-server policy set backend.toml --team backend")  # fmt: skip
    _add(group, steering.policy_price, "price", "Price a model on every device",
         "agentspend-server policy price anthropic/claude-next --input 3 --output 15",
         "agentspend-server policy price anthropic/claude-next --remove")  # fmt: skip
    app.add_typer(group, name="policy")
    group = _group("Emergency reserves.", "agentspend-server reserve set org.month 100")
    _add(group, steering.reserve_set, "set", "Keep a part of a cap for an emergency",
         "agentspend-server reserve set org.month 100",
         "agentspend-server reserve set org.month off")  # fmt: skip
    _add(group, steering.reserve_list, "list", "Every reserve, who drew it and why",
         "agentspend-server reserve list")  # fmt: skip
    app.add_typer(group, name="reserve")


def _add_tokens(app: typer.Typer) -> None:
    group = _group("Tokens for other machines.", "agentspend-server token create grafana")
    _add(group, steering.token_create, "create", "Make a token; it is shown once",
         "agentspend-server token create grafana --role viewer",
         "agentspend-server token create annas --member anna")  # fmt: skip
    _add(group, steering.token_list, "list", "Every token", "agentspend-server token list")
    _add(group, steering.token_revoke, "revoke", "End a token",
         "agentspend-server token revoke grafana")  # fmt: skip
    app.add_typer(group, name="token")
