"""Which of its member's teams a session spends for: one, from its first request to its last.

A person names it, else the repository it begins in, else it is the home team. An agent chooses
none: what it starts is for the team of the session it is in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.config.repository import Workplace
from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.scopes import Payer
from agentspend.daemon.workplaces import settled
from agentspend.proxy.sessions import Session

BY_HAND = "--team"
"""Where a team was named that no file names."""
RUN = "agentspend run --team {} AGENT"
JOIN = "agentspend team join URL CODE    with the line that its lead sends you"


async def teams_of(bookkeeper: Bookkeeper) -> tuple[str, ...]:
    """The teams this device may spend for, the home team first; none in no team."""
    policy, membership, leaves = await bookkeeper.ask(
        lambda books, _: (books.team.policy, books.team.membership, books.team.leaves)
    )
    if membership is None or leaves:
        return ()
    return policy.teams or (membership.team,)


def with_team(
    place: Workplace, outer: Session | None, teams: Sequence[str], instead: str = RUN
) -> Workplace:
    """The same with the team that pays, "" for the home team. What a file says of teams is for
    those who are in one. `instead` is the command that names another team, with {} in its place.

    Raises `AgentspendError` for a team that is not the member's, or not the agent's to choose.
    """
    asked, home = place.payer.team, teams[0] if teams else ""
    if outer is not None:
        own = outer.payer.team or home
        if asked not in ("", own) and not place.team_from:
            raise AgentspendError(
                f"{BY_HAND} {asked}: this is inside a session for team {own}, and what is started"
                " there is for that team too",
                f"{instead.format(asked)}    in a terminal of your own",
                Kind.TEAM,
            )
        return _inherited(place, outer)
    if not teams and place.team_from:
        return replace(place, payer=replace(place.payer, team=""))
    if asked:
        where = f"{place.team_from} = {asked!r}" if place.team_from else f"{BY_HAND} {asked}"
        kind = Kind.OTHER if place.team_from else Kind.TEAM
        require(asked, teams, where, instead, kind)
    return place


def require(
    asked: str, teams: Sequence[str], where: str, instead: str, kind: Kind, alone: str = JOIN
) -> None:
    """Raise `AgentspendError` for a team that is none of the member's.

    `where` says who named it; `instead` is the command with one of theirs in the place of {},
    `alone` what to do where the device is in no team.
    """
    if not teams:
        raise AgentspendError(f"{where}, and this device is in no team", alone, kind)
    if asked not in teams:
        first, *others = teams
        yours = ", ".join([f"{first} (home)" if others else first, *others])
        raise AgentspendError(
            f"{where}, and you are not in it; your teams: {yours}",
            f"{instead.format(first)}    or have a lead add you: agentspend-server member add-team",
            kind,
        )


def require_of_key(payer: Payer, teams: Sequence[str]) -> None:
    """The same of the team that a key names: its requests are told, and spend for no other."""
    if payer.team:
        update = f"agentspend key update {payer.key} --team"
        where = f"virtual key {payer.key} is for team {payer.team}"
        require(payer.team, teams, where, f"{update} {{}}", Kind.OTHER, f"{update} ''    or {JOIN}")


def _inherited(place: Workplace, outer: Session) -> Workplace:
    return replace(place, payer=replace(place.payer, team=outer.payer.team))


async def begun(
    bookkeeper: Bookkeeper, message: Mapping[str, Any], outer: Session | None
) -> tuple[Workplace, Sequence[str]]:
    """Where a session works, by the words of `session.open`, and the teams there are.

    One that is opened again, after a restart of the daemon, goes on for the team it had: should its
    member have left it, each of its requests is told so.
    """
    place, teams = settled(message, outer), await teams_of(bookkeeper)
    if "token" not in message:
        return with_team(place, outer, teams), teams
    return (place if outer is None else _inherited(place, outer)), teams


def told(payer: Payer, teams: Sequence[str]) -> dict[str, object]:
    """A payer as its `run` is told of it: with the team that pays, where there is one."""
    known = payer.known()
    return {**known, "team": payer.team or teams[0]} if teams else known
