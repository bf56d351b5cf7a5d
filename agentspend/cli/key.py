"""`agentspend key`: virtual keys. The token is shown once; everything about a key is shown later.

A key's budget is an ordinary one, named `key-ALIAS`: `budget list`, `raise` and `remove` know it.
"""

from typing import Annotated, Any

import typer

from agentspend.cli import access, completing, key_lines, output
from agentspend.cli.diagnostics import UsageError, as_written, say, warn
from agentspend.control.versions import unknown_to
from agentspend.core import durations
from agentspend.core.budgets import Budget
from agentspend.core.errors import AgentspendError
from agentspend.core.money import parse_usd
from agentspend.core.scopes import Scope
from agentspend.core.virtual_keys import budget_name, key_of

Alias = Annotated[
    str, typer.Argument(metavar="ALIAS", help="The key.", autocompletion=completing.keys)
]
Json = Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")]
Expires = Annotated[
    str, typer.Option(metavar="LENGTH", help="When it ends, counted from now, such as 90d.")
]
Agent = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Whom to file it under; else what the client says.",
        autocompletion=completing.agents,
    ),
]
Provider = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Who serves a model that several have.",
        autocompletion=completing.providers,
    ),
]
Team = Annotated[
    str,
    typer.Option(
        metavar="T",
        help="Which of your teams pays; else the repository's, else the home team.",
        autocompletion=completing.teams,
    ),
]


def create(
    alias: Annotated[str, typer.Option(metavar="ALIAS", help="The key's name.")],
    max_budget: Annotated[
        str, typer.Option(metavar="USD", help="A hard budget, named key-ALIAS.")
    ] = "",
    budget_duration: Annotated[
        str, typer.Option(metavar="LENGTH", help="How often that starts anew: 1d, 7d, 1mo, 5h.")
    ] = "",
    models: Annotated[
        str, typer.Option(metavar="A,B", help="The models it may use; * is wild. Else all.")
    ] = "",
    tpm_limit: Annotated[int, typer.Option(min=0, metavar="N", help="Tokens a minute.")] = 0,
    rpm_limit: Annotated[int, typer.Option(min=0, metavar="N", help="Requests a minute.")] = 0,
    max_parallel: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests in flight at once.")
    ] = 0,
    agent: Agent = "",
    provider: Provider = "",
    project: Annotated[str, typer.Option(metavar="NAME", help="The project it pays for.")] = "",
    team: Team = "",
    tag: Annotated[list[str] | None, typer.Option(metavar="K=V", help="May be repeated.")] = None,
    expires: Expires = "",
    as_json: Json = False,
) -> None:
    """Make a virtual key, and say its token this once."""
    from agentspend.agents.identity import collect_tags

    if budget_duration and not max_budget:
        raise UsageError(
            "--budget-duration needs --max-budget",
            f"agentspend key create --alias {alias} --max-budget 100 --budget-duration 1mo",
        )
    with as_written():
        settings = key_of(
            alias,
            {
                "models": _names(models),
                "tpm": tpm_limit,
                "rpm": rpm_limit,
                "parallel": max_parallel,
                "agent": agent,
                "provider": provider,
                "project": project,
                "team": team,
                "tags": collect_tags(tag or []),
            },
        ).settings()
        ends_in_s = durations.length_s(expires) if expires else 0
        budget = _budget(alias, max_budget, budget_duration) if max_budget else None
    _is_set_up(provider)
    name = budget_name(alias)
    if budget is not None and any(each.name == name for each in access.config().budgets):
        raise UsageError(f"there is a budget {name} already", f"agentspend budget remove {name}")
    access.daemon()
    made = access.ask("key.create", alias=alias, settings=settings, expires_in_s=ends_in_s)
    _complete(made, team, budget)
    _hand_over(made, as_json=as_json)
    key_lines.warn_unpriced(settings.get("models", []))


def list_keys(as_json: Json = False) -> None:
    """Show every key: its state, models, limits and budget."""
    with access.reading(must_exist=False) as (ask, _):
        keys, budgets = ask("key.list")["keys"], ask("status")["budgets"]
    if as_json:
        output.answer({"keys": [key_lines.with_budgets(each, budgets) for each in keys]})
        return
    if not keys:
        say("there is no virtual key")
        say("→ agentspend key create --alias NAME --max-budget 100 --budget-duration 1mo")
        return
    key_lines.show(keys, budgets)


def info(alias: Alias, as_json: Json = False) -> None:
    """Show one key: who it stands for, what it may use, what was spent with it."""
    access.daemon()
    found = key_lines.with_budgets(
        access.ask("key.info", alias=alias), access.ask("status")["budgets"]
    )
    if as_json:
        output.answer(found)
    else:
        key_lines.show_one(found)


def update(
    alias: Alias,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="The models it may use; '' for all.")
    ] = None,
    tpm_limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Tokens a minute; 0 for no limit.")
    ] = None,
    rpm_limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Requests a minute; 0 for no limit.")
    ] = None,
    max_parallel: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Requests in flight; 0 for no limit.")
    ] = None,
    team: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Which of your teams pays; '' for the home team.",
            autocompletion=completing.teams,
        ),
    ] = None,
    expires: Expires = "",
    as_json: Json = False,
) -> None:
    """Change a key's models, limits, team or end; its token stays."""
    given = {
        "models": None if models is None else _names(models),
        "tpm": tpm_limit,
        "rpm": rpm_limit,
        "parallel": max_parallel,
        "team": team,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    if not settings and not expires:
        raise UsageError("nothing to change", f"agentspend key update {alias} --rpm-limit 100")
    with as_written():
        ends_in_s = durations.length_s(expires) if expires else 0
    access.daemon()
    made = access.ask("key.update", alias=alias, settings=settings, expires_in_s=ends_in_s)
    _heeded(made, team)
    if as_json:
        output.answer(made)
    else:
        say(f"virtual key {alias} is changed")
    key_lines.warn_unpriced(_names(models or ""))


def block(alias: Alias, as_json: Json = False) -> None:
    """Refuse every request with this key, until it is unblocked."""
    _act("key.block", alias, f"virtual key {alias} is blocked", as_json=as_json)


def unblock(alias: Alias, as_json: Json = False) -> None:
    """Let a blocked key's requests through again."""
    _act("key.unblock", alias, f"virtual key {alias} may be used again", as_json=as_json)


def rotate(
    alias: Alias,
    grace: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long the old token still works, e.g. 24h.")
    ] = "",
    expires: Expires = "",
    as_json: Json = False,
) -> None:
    """Give a key a new token; the old one ends now, or after --grace."""
    with as_written():
        grace_s = durations.length_s(grace) if grace else 0
        ends_in_s = durations.length_s(expires) if expires else 0
    access.daemon()
    made = access.ask("key.rotate", alias=alias, grace_s=grace_s, expires_in_s=ends_in_s)
    _hand_over(made, as_json=as_json)
    say(f"the old token works for {grace} more" if grace else "the old token works no more")


def delete(alias: Alias, as_json: Json = False) -> None:
    """End a key for good, and its budget with it; what was spent stays in the ledger."""
    access.daemon()
    gone = access.ask("key.delete", alias=alias)
    name = budget_name(alias)
    if any(each.name == name for each in access.config().budgets):
        access.change_budget(name, None)
        say(f"budget {name} is gone with it")
    if as_json:
        output.answer(gone)
    else:
        say(f"virtual key {alias} is deleted")


def _names(models: str) -> list[str]:
    return [name.strip() for name in models.split(",") if name.strip()]


def _budget(alias: str, limit: str, duration: str) -> Budget:
    return Budget(
        name=budget_name(alias),
        limit_nusd=parse_usd(limit),
        window=durations.window_of(duration),
        scope=Scope.of({"key": alias}),
    )


def _complete(made: dict[str, Any], team: str, budget: Budget | None) -> None:
    """What a new key needs before anybody has its token; without its team and budget it is none."""
    try:
        _heeded(made, team)
        if budget is not None:
            access.change_budget(budget.name, budget)
    except AgentspendError:
        access.ask("key.delete", alias=made["alias"])
        raise


def _is_set_up(provider: str) -> None:
    """A key for a provider that nobody set up would be refused at each request."""
    config = access.config()
    if provider and provider not in config.providers:
        from agentspend.proxy.routing import unknown_provider

        raise UsageError(*unknown_provider(provider, config.providers))


def _heeded(made: dict[str, Any], team: str | None) -> None:
    """A daemon that is older than the teams of keys takes no notice of one."""
    if team is not None and made.get("team", "") != team:
        raise unknown_to(str(access.ask("ping")["version"]), "--team")


def _hand_over(made: dict[str, Any], *, as_json: bool) -> None:
    """The token on stdout, this once, and on stderr how to use it."""
    base_url = f"http://127.0.0.1:{access.ask('ping')['port']}"
    if as_json:
        output.answer({**made, "base_url": f"{base_url}/k/{made['token']}"})
        return
    output.line(made["token"])
    say("this token is shown once: agentspend keeps only its hash")
    say(f"use it as the API key at {base_url} (OpenAI's SDKs: {base_url}/v1),")
    say(f"or put it into the address: {base_url}/k/TOKEN")
    if access.config().port == 0:
        warn("the port is another one after each start", "set one: [daemon] port = 4141")


def _act(op: str, alias: str, done: str, *, as_json: bool) -> None:
    access.daemon()
    found = access.ask(op, alias=alias)
    if as_json:
        output.answer(found)
    else:
        say(done)
