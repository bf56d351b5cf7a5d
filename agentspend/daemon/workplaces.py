"""Where a new session works: the repository it begins in, and the session it was begun inside."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agentspend.config.repository import Place, Workplace, workplace
from agentspend.core.rules import NO_RULES
from agentspend.core.scopes import Payer
from agentspend.proxy.sessions import Session


def settled(message: Mapping[str, Any], outer: Session | None) -> Workplace:
    """Who pays for a session and what holds for it, by the words of `session.open`.

    A session begun inside another spends that one's session budget and virtual key, and stays under
    its tags, project and rules: an agent that starts one elsewhere leaves nothing behind. Raises
    `ConfigError` for a repository's file that cannot be used.
    """
    payer = Payer.from_known(message["payer"])
    here = message.get("repository")
    if here is not None:
        payer = replace(payer, project=str(here["named"]))
        places = [
            Place(_shown(file["source"]), _shown(file["path"]), file["text"])
            for file in here["files"]
        ]
        found = workplace(payer, str(here["project"]), places)
    else:
        found = Workplace(payer, NO_RULES, {})
    return found if outer is None else _inside(found, outer)


def _shown(name: str) -> str:
    """A name as it can stand in the ledger and on a screen, whatever a folder is called."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def _inside(found: Workplace, outer: Session) -> Workplace:
    """The same within an outer session."""
    payer, around = found.payer, outer.payer
    tags = {*payer.tags, *around.tags}
    if around.project and around.project != payer.project:
        tags.add(f"project={around.project}")
    payer = replace(payer, session=around.session, key=around.key, tags=tuple(sorted(tags)))
    return replace(found, payer=payer, rules=found.rules + outer.rules)
