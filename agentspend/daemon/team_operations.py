"""What the control API can do with the team: join, look, talk now, ask for more, leave."""

from collections.abc import Callable

from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.persons import outer_of
from agentspend.daemon.session_team import with_team
from agentspend.daemon.team import TeamDesk
from agentspend.daemon.workplaces import settled
from agentspend.proxy.sessions import Sessions
from agentspend.wire.control import Op

REQUEST = "agentspend team request AMOUNT --team {}"


class TeamOperations:
    """Joining, leaving, letting machines in and answering questions are a person's to do
    (`no_agent`); looking and asking are anyone's."""

    def __init__(
        self, team: TeamDesk, sessions: Sessions, no_agent: Callable[[Caller, str], None]
    ) -> None:
        self._team = team
        self._sessions = sessions
        self._no_agent = no_agent

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {
            Op.TEAM_JOIN: self.join,
            Op.TEAM_STATUS: self.status,
            Op.TEAM_SYNC: self.sync,
            Op.TEAM_LEAVE: self.leave,
            Op.TEAM_REQUEST: self.request,
            Op.TEAM_DECIDE: self.decide,
            Op.TEAM_ADD_DEVICE: self.add_device,
            Op.TEAM_RESERVE: self.reserve,
        }

    async def join(self, caller: Caller, message: Message) -> None:
        """Enrol with an invite."""
        self._no_agent(caller, "join a team")
        found = await self._team.join(str(message["url"]), str(message["code"]))
        await caller.send({"team": found.team, "member": found.member, "role": found.role})

    async def status(self, caller: Caller, _: Message) -> None:
        """The team, its pools, who spends and who asks, and when its server was heard last."""
        await self._team.look()
        await caller.send({"team": await self._team.lines()})

    async def sync(self, caller: Caller, _: Message) -> None:
        """Talk to the server now; its error is the answer when that fails."""
        if self._team.pump is not None:
            await self._team.pump.talk()
        await self._team.look()
        await caller.send({"team": await self._team.lines()})

    async def leave(self, caller: Caller, message: Message) -> None:
        """Leave the team, once it has heard what it paid for, or `now`."""
        self._no_agent(caller, "leave the team")
        await caller.send(dict(await self._team.leave(at_once=bool(message.get("now")))))

    async def request(self, caller: Caller, message: Message) -> None:
        """Ask the leads for more: of a pool that is named, else of the team that a session begun
        where the caller works would be for. The answer says which team and pool it is."""
        amount_nusd, reason = int(message["amount_nusd"]), str(message.get("reason", ""))
        pool, team = str(message.get("pool", "")), ""
        if not pool:
            place = settled({"payer": {}, **message}, None)
            outer, teams = outer_of(caller, self._sessions), await self._team.teams()
            team = with_team(place, outer, teams, REQUEST).payer.team
            pool = await self._team.tightest(team)
            team = team or (teams[0] if len(teams) > 1 else "")
        await caller.send({**await self._team.request(amount_nusd, reason, pool), "team": team})

    async def add_device(self, caller: Caller, _: Message) -> None:
        """Let another machine of this member's in."""
        self._no_agent(caller, "let another machine into the team")
        await caller.send(dict(await self._team.add_device()))

    async def reserve(self, caller: Caller, message: Message) -> None:
        """Draw an emergency reserve."""
        self._no_agent(caller, "draw the team's reserve")
        pool, reason = str(message["pool"]), str(message["reason"])
        await caller.send(dict(await self._team.draw_reserve(pool, reason)))

    async def decide(self, caller: Caller, message: Message) -> None:
        """Answer a question for more: approve, refuse, or open it again."""
        self._no_agent(caller, "answer a request for a raise")
        request, verdict = str(message["request"]), str(message["verdict"])
        amount_nusd = int(message.get("amount_nusd", 0))
        await caller.send(dict(await self._team.decide(request, verdict, amount_nusd)))
