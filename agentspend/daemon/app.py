"""The composition root: ledger → bookkeeper → proxy and control API; start order, stop order."""

import asyncio
import errno
import signal
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import agentspend
from agentspend.agents.base import Caller
from agentspend.agents.identity import here
from agentspend.bookkeeper import Bookkeeper, Ledger, clock
from agentspend.bookkeeper.outcomes import Event
from agentspend.config.load import Loaded, adopted
from agentspend.config.paths import Paths
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import CHECKPOINT_EVERY_S, DRAIN_S
from agentspend.daemon.control_api import ControlApi
from agentspend.daemon.doorway import Doorway, free_port_after, host_of
from agentspend.daemon.identity import Device, new_incarnation
from agentspend.daemon.key_clients import KeyClients, client_gone
from agentspend.daemon.key_operations import KeyOperations
from agentspend.daemon.log import log
from agentspend.daemon.model_operations import ModelOperations
from agentspend.daemon.operations import Operations
from agentspend.daemon.pause_operations import PauseOperations
from agentspend.daemon.policy_operations import PolicyOperations
from agentspend.daemon.provider_operations import ProviderOperations
from agentspend.daemon.question_operations import QuestionOperations
from agentspend.daemon.reload import Reload, settings_from
from agentspend.daemon.roster import Roster
from agentspend.daemon.sealing import seal
from agentspend.daemon.session_operations import SessionOperations
from agentspend.daemon.session_team import teams_of
from agentspend.daemon.tasks import Tasks
from agentspend.daemon.team import TeamDesk
from agentspend.daemon.team_operations import TeamOperations
from agentspend.daemon.vault import Vault
from agentspend.daemon.virtual_keys import KeyBook
from agentspend.daemon.watchers import Watchers
from agentspend.proxy.desk import Desk
from agentspend.proxy.included import Included
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.memory import Memory
from agentspend.proxy.server import Proxy
from agentspend.proxy.sessions import Sessions
from agentspend.proxy.upstream import Upstream
from agentspend.store import conversations, included

LOOK_FOR_IDLE_EVERY_S = 60
LOGGED = frozenset({"refuse", "slow", "warning", "policy"})
"""What the log tells of the books; charges stand in the ledger (`agentspend log`)."""

TAKEN = "is taken by another program, or by another person's agentspend on this machine"


class Daemon:
    """One running daemon: everything it owns, in the order it is built."""

    def __init__(self, paths: Paths, loaded: Loaded, device: Device, ledger: Ledger) -> None:
        self._paths = paths
        self._device = device
        self._tasks = Tasks()
        self._stopping = asyncio.Event()
        self.bookkeeper = Bookkeeper(ledger)
        self.sessions = Sessions()
        self._loaded = loaded
        self.watchers = Watchers()
        self.port = 0

    async def start(self) -> None:
        """Open the ledger, then the doors; nothing listens before recovery is done."""
        await self.bookkeeper.start()
        self.bookkeeper.on_commit(self.watchers.announce)
        self.bookkeeper.on_commit(_log_events)
        turns = await self.bookkeeper.ask(lambda books, _: conversations.newest(books.conn))
        windows = await self.bookkeeper.ask(lambda books, _: included.all_of(books.conn))
        self._keys: dict[str, str] = {}
        before = adopted(self._loaded, self.bookkeeper.settings)
        self.vault = Vault(self._paths.data, self._keys, self._key_variables)
        key_sessions = KeySessions(self.sessions, here=here(Caller.here()))
        self.desk = Desk(
            bookkeeper=self.bookkeeper,
            sessions=self.sessions,
            memory=Memory(self._device.conversation_key, turns),
            settings=settings_from(before.config, self._paths),
            now=clock,
            keys=self._keys,
            included=Included(self._device.conversation_key, windows),
            key_sessions=key_sessions,
        )
        listen = self._loaded.config.listen
        hosts = (*self._loaded.config.hosts, *filter(None, [listen and host_of(listen)]))
        self._proxy = Proxy(self.desk, self._tasks.spawn, hosts)
        self.reload = Reload(self._paths, self._loaded, self.desk, self._close_later)
        await self.reload.declare(self._loaded)
        key_book = KeyBook(self.bookkeeper, key_sessions.keys)
        await key_book.load()
        self._roster = Roster(self.sessions, self.bookkeeper, key_sessions)
        clients = KeyClients(
            self._roster, self.vault, lambda: self.port, self.bookkeeper.declare_repositories,
            partial(teams_of, self.bookkeeper),
        )  # fmt: skip
        key_sessions.client, key_sessions.begin = clients.client, clients.begin
        key_sessions.again = lambda session, port: self._tasks.spawn(
            clients.again(session, port), "look for a key's client again"
        )
        if await self._roster.load():
            await self.vault.ready()
        self._team = TeamDesk(
            self.desk, self._device, self._paths.ledger, self._tasks.spawn, self.watchers
        )
        self._team.priced = self.reload.price_by_team
        await self._team.start()
        self.port = await self._listen(self._loaded.config.port)
        self._doorway = Doorway(self._proxy, listen)
        await self._doorway.open()
        self._control = await self._control_api(key_book)
        await self._control.start()
        self._tasks.spawn(self.reload.watch(), "watch the configuration")
        self._tasks.spawn(self._seal_now_and_then(), "sign the chain")
        self._tasks.spawn(self._doorway.keep_trying(), "listen for containers")
        self._tasks.spawn(self._end_idle_sessions(), "end the idle sessions of keys")
        log("ready", port=self.port, version=agentspend.__version__,
            recovered=self.bookkeeper.recovered)  # fmt: skip

    async def _control_api(self, key_book: KeyBook) -> ControlApi:
        """What people's commands may ask, all of it."""
        operations = Operations(
            desk=self.desk,
            bookkeeper=self.bookkeeper,
            proxy=self._proxy,
            watchers=self.watchers,
            reload=self.reload,
            vault=self.vault,
            doorway=self._doorway,
            stop_daemon=self._stopping.set,
            socket=str(self._paths.socket),
        )
        of_policy = PolicyOperations(self.bookkeeper, self.reload, operations.no_agent)
        of_sessions = SessionOperations(
            desk=self.desk,
            bookkeeper=self.bookkeeper,
            proxy=self._proxy,
            roster=self._roster,
            reload=self.reload,
            vault=self.vault,
            policy=of_policy,
        )
        of_keys = KeyOperations(
            key_book, self.bookkeeper, self._roster, self.desk.key_sessions, operations.no_agent
        )
        of_providers = ProviderOperations(self.desk, self.vault)
        of_pauses = PauseOperations(self.desk, self.bookkeeper, operations.no_agent)
        await of_pauses.load()
        operations.team = self._team
        of_team = TeamOperations(self._team, self.sessions, operations.no_agent)
        of_questions = QuestionOperations(self.bookkeeper, operations.no_agent)
        of_models = ModelOperations(self.sessions, self._roster, operations.no_agent)
        tables = (operations, of_sessions, of_policy, of_keys, of_providers, of_pauses,
                  of_questions, of_models, of_team)  # fmt: skip
        return ControlApi(
            self._paths.socket, {op: each for table in tables for op, each in table.table().items()}
        )

    async def run(self) -> None:
        """Serve until told to stop, then drain."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        await self._stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """Let requests end, settle the rest, sign the head, close the ledger, then the doors."""
        late = await self._proxy.drain(DRAIN_S)
        await self._proxy.stop()
        await self._team.tell_last()
        await self._team.stop()
        await self.desk.upstream.close()
        with suppress(Exception):
            await seal(self.bookkeeper, self._device)
        await self._tasks.cancel_all()
        await self.bookkeeper.stop()
        await self._control.stop()
        log("stopped", late=late)

    async def _listen(self, port: int) -> int:
        """Open the agents' door; a port that cannot be had is said with the key that changes it."""
        try:
            return await self._proxy.start(port)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = TAKEN if taken else f"cannot be used: {error.strerror}"
            raise AgentspendError(
                f"port {port} on 127.0.0.1 {why}",
                f"end that, or set another port in {self._paths.config}:"
                f"  [daemon] port = {free_port_after(port)}",
            ) from error

    def _key_variables(self) -> dict[str, str]:
        """The variable that each configured provider says may hold its key."""
        return {name: each.key for name, each in self.desk.providers.items()}

    def _close_later(self, after_s: float, upstream: Upstream) -> None:
        """Close a replaced way out once its last requests are done with it."""
        self._tasks.spawn(self._proxy.close_behind(upstream, after_s), "close the old upstream")

    async def _seal_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            await seal(self.bookkeeper, self._device)

    async def _end_idle_sessions(self) -> None:
        while True:
            await asyncio.sleep(LOOK_FOR_IDLE_EVERY_S)
            busy = {journey.session.id for journey in self._proxy.journeys}
            for session_id in self.desk.key_sessions.idle(clock().wall_us, busy, client_gone):
                await self._roster.close(session_id)
            await self._roster.end_the_lost()


def _log_events(events: list[Event]) -> None:
    for event in events:
        if event.kind in LOGGED:
            known = {name: event.fields[name] for name in _LOG_FIELDS if name in event.fields}
            log(event.kind, **known)


_LOG_FIELDS = ("rid", "model", "provider", "budget", "amount_nusd", "billing", "evidence",
               "status", "percent", "reason", "seq")  # fmt: skip


def genesis(device: Device) -> Mapping[str, object]:
    """The words of a new ledger's first entry: the device, and the key that signs its heads."""
    return {"device": device.id, "text": f"ed25519 {device.public_key.hex()}"}


def build(paths: Paths, loaded: Loaded, device: Device) -> Daemon:
    """A daemon over the ledger in `paths`, not yet started."""
    from agentspend.store.ledger_file import open_ledger

    path: Path = paths.ledger
    connect, read_only = open_ledger(path)
    ledger = Ledger(
        connect=connect,
        folder=path.parent,
        inc=new_incarnation(),
        zone=loaded.zone,
        genesis=genesis(device),
        read_only=read_only,
    )
    return Daemon(paths, loaded, device, ledger)
