"""Whom a new budget is for: a warning for each name in its scope that nobody goes by.

A budget may come before what it is for, so nothing is refused; but one for `claud` stops nobody.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from agentspend.agents import AGENTS
from agentspend.agents.base import Caller
from agentspend.agents.repository import repository_here
from agentspend.cli import access
from agentspend.cli.checkup_rules import means_any
from agentspend.cli.diagnostics import warn
from agentspend.config.ready_providers import READY
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Scope
from agentspend.core.tags import read_tag

Remark = tuple[str, str]


def warn_of(scope: Scope) -> None:
    """Say which of a scope's names are nobody's here, each with the way to see those there are."""
    for key, name in scope.terms:
        for text, hint in _REMARKS.get(key, _nothing)(name):
            warn(f"{text}: until then nothing counts in this budget", hint)


def _nothing(_: str) -> Iterator[Remark]:
    yield from ()


def _model(name: str) -> Iterator[Remark]:
    book = access.price_book()
    if not means_any(name, book):
        models = {model for provider in book.providers() for model in book.models(provider)}
        near = get_close_matches(name.rpartition("/")[2], models, n=1)
        yield f"no model with a price is called {name!r}", f"agentspend prices show {_or(near)}"


def _provider(name: str) -> Iterator[Remark]:
    if name not in access.config().providers:
        hint = f"agentspend providers add {name}" if name in READY else "agentspend providers list"
        yield f"no provider {name!r} is set up", hint


def _agent(name: str) -> Iterator[Remark]:
    near = get_close_matches(name, AGENTS, n=1)
    if name not in AGENTS and near:
        yield f"no agent is known as {name!r}", f"did you mean agent={near[0]}?"


def _key(name: str) -> Iterator[Remark]:
    names = [str(each["alias"]) for each in access.ask("key.list")["keys"]]
    if name not in names:
        yield f"there is no virtual key {name!r}", f"agentspend key create --alias {name}"


def _project(name: str) -> Iterator[Remark]:
    """A project is its remote as `host/owner/repo`, or `local/FOLDER`: not the folder's name alone.

    Compared with the one around the working folder and those that are worked on now.
    """
    found = [str(repository_here(Caller.here())["project"])]
    found += [str(each["project"]) for each in access.ask("status")["sessions"]]
    near = [each for each in found if each.lower().endswith(f"/{name.strip('/').lower()}")]
    if near and name not in found:
        yield f"no project is called {name!r}", f"did you mean project={near[0]}?"


def _tag(name: str) -> Iterator[Remark]:
    if "*" in name or "?" in name:
        return
    try:
        read_tag(name)
    except AgentspendError as error:
        yield error.message, error.hint


def _or(names: list[str]) -> str:
    return names[0] if names else ""


_REMARKS = {"model": _model, "provider": _provider, "agent": _agent, "key": _key, "tag": _tag,
            "project": _project}  # fmt: skip
