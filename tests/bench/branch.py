"""A team server to measure, with as many devices as wanted, and devices that report to it.

The rules, the store and the signatures are the shipped ones; only HTTP is left out here.
"""

from collections.abc import Sequence
from pathlib import Path

from agentspend.core.allowance.messages import Answer, Link, Sync, Want
from agentspend.wire import signing
from agentspend.wire.entries import Entry, encode, entry_hash
from agentspend.wire.team import Sealed, seal, unseal
from sync_server.allowance.journal import Began, Filed, Line
from sync_server.allowance.sizing import Sizing
from sync_server.allowance.windows import first
from sync_server.journal_file import JournalFile
from sync_server.open_folder import ORG
from sync_server.service import Service
from sync_server.store import opening, people

SERVER_KEY = bytes(range(32))
NOW_US = 1_767_265_200_000_000
USD = 1_000_000_000
ACT: dict[str, object] = {"who": "lead", "what": "bench"}
MODELS = ("claude-opus-5", "claude-haiku-5", "gpt-6-codex", "gemini-4-pro")
RATES = {"input_tokens": 5_000_000, "output_tokens": 25_000_000, "cache_read_tokens": 500_000}


class Reporter:
    """One device: a key, a chain, and the entries nobody has acknowledged."""

    def __init__(self, number: int) -> None:
        self.device, self.inc = f"d_{number:016x}", f"i_{number:016x}"
        self.member, self.team = f"m_{number}", f"t_{number % 10}"
        self.key = number.to_bytes(8) * 4
        self.number = number
        self.end = Link(0, "")
        self.windows: dict[str, int] = {}
        self.nonces = 0
        self.waiting: list[str] = []
        named = f"ed25519 {signing.public_key(self.key).hex()}"
        self._body("genesis", NOW_US, None, {"device": self.device, "text": named})

    def lines(self) -> list[Line]:
        """What a lead and an enrolment decide for it."""
        public = signing.public_key(self.key).hex()
        member = {
            "id": self.member, "org": ORG, "team": self.team, "name": self.member, "email": "",
            "role": "member", "tier": "", "active": True,
        }  # fmt: skip
        device = {
            "id": self.device, "org": ORG, "member": self.member, "label": "thinkpad",
            "public_key": public, "active": True, "enrolled_us": 1, "seen_us": 0,
        }  # fmt: skip
        begun = Began(self.inc, self.device, f"n_{self.number}")
        return [Filed("member", member), Filed("device", device), begun]

    def spend(self, count: int, at_us: int, each_us: int = 20_000_000) -> None:
        """Write so many charges, as an afternoon of an agent makes them."""
        rights = [(pool, window, 0) for pool, window in self.windows.items()]
        for place in range(count):
            nusd = 40_000_000 + place * 10_007 % 30_000_000
            number = self.end.seq + 1
            self._body(
                "settle",
                at_us + place * each_us,
                nusd,
                {
                    "agent": "claude", "member": self.member, "device": self.device,
                    "project": f"github.com/acme/p{(self.number + place // 100) % 40}",
                    "branch": f"feature/{number // 150}", "session": f"s_{number // 40:016x}",
                    "rid": f"r_{number:016x}", "provider": "anthropic",
                    "model": MODELS[place // 50 % 4], "billing": "exact", "counted": "billed",
                    "evidence": "provider_usage", "price": "sha256:9f86d081884c7d65",
                    "usage": {"input_tokens": 18_234, "output_tokens": 1_203,
                              "cache_read_tokens": 92_311},
                    "rates": RATES, "hold_nusd": nusd * 4, "status": 200,
                    "rights": [(pool, window, nusd) for pool, window, _ in rights],
                },
            )  # fmt: skip

    def _body(self, kind: str, ts: int, nusd: int | None, said: dict[str, object]) -> None:
        entry = Entry(self.inc, self.end.seq + 1, self.end.hash, kind, ts, amount_nusd=nusd, **said)  # type: ignore[arg-type]
        body = encode(entry)
        self.end = Link(self.end.seq + 1, entry_hash(body))
        self.waiting.append(body.decode())

    def report(self, wants: Sequence[Want] = ()) -> Sealed:
        """Everything that waits, signed."""
        self.nonces += 1
        entries = tuple(self.waiting)
        sync = Sync(
            team=self.team, device=self.device, inc=self.inc, nonce=f"{self.number}.{self.nonces}",
            server_inc=1, server_seq=0, after_seq=self.end.seq - len(entries), end=self.end,
            entries=entries, policy=0, wants=tuple(wants),
        )  # fmt: skip
        return seal(sync, lambda domain, body: signing.sign(self.key, domain, body))

    def hear(self, sealed: Sealed) -> Answer:
        """Take the answer in; it must acknowledge everything."""
        answer = unseal(Answer, sealed, lambda *_: True)
        assert answer.acked == self.end, answer
        self.waiting.clear()
        self.windows |= {told.pool: told.window for told in answer.accounts}
        return answer


POOLS = ("org.month", "org.day")


def opened(folder: Path, database: str = "") -> Service:
    """A server's files in a folder, or a database elsewhere."""
    engine = opening.open_engine(database or f"sqlite:///{folder}/server.db")
    opening.migrate(engine)
    journal = None if database else JournalFile(folder / "journal")
    with engine.begin() as conn:
        people.add_org(conn, ORG, "Acme", "Europe/Berlin")
    service = Service(engine, ORG, SERVER_KEY, Sizing(), journal)
    _begin(service)
    return service


def _begin(service: Service) -> None:
    """Ten teams, and caps for everybody and for each."""
    lines: list[Line] = []
    for pool in POOLS:
        lines += pool_lines(pool, pool.rpartition(".")[2])
    for number in range(10):
        team = f"t_{number}"
        lines += [Filed("team", {"id": team, "org": ORG, "name": team})]
        lines += pool_lines(f"team.{team}.day", "day", team=team)
    service.decide(lines, ACT, NOW_US)


def pool_lines(name: str, kind: str, **whose: str) -> list[Line]:
    """The lines that make a pool of $1,000,000."""
    row = {
        "id": name, "org": ORG, "team": None, "member": None, "scope": "{}", "kind": kind,
        "active": True, **whose,
    }  # fmt: skip
    return [Filed("pool", row), first(name, 1_000_000 * USD, kind, NOW_US, "Europe/Berlin")]


def enrolled(service: Service, numbers: range) -> list[Reporter]:
    """New devices, each a member of its own, spread over ten teams."""
    made = [Reporter(number) for number in numbers]
    service.decide([line for each in made for line in each.lines()], ACT, NOW_US)
    return made


def wants(reporter: Reporter) -> list[Want]:
    """What a busy device asks for: its pace in each of its pools."""
    pools = (*POOLS, f"team.{reporter.team}.day")
    return [Want(pool, burn_nusd=3 * USD) for pool in pools]


def sync(service: Service, reporter: Reporter, now_us: int = NOW_US) -> Answer:
    """One report and its answer."""
    return reporter.hear(service.sync(reporter.device, reporter.report(wants(reporter)), now_us))
