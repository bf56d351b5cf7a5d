"""What a journey works with: the bookkeeper, the prices in force, the way out. Wired by the daemon.

Configuration may be reloaded while requests are on their way: `Settings` is replaced whole, and a
journey goes by those it began with. What it was promised to cost is what it is charged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.outcomes import Moment
from agentspend.config.providers import Provider
from agentspend.config.shape import AdmissionSection
from agentspend.core.conversation import Known
from agentspend.core.facts import RequestFacts
from agentspend.core.loop_guard import Repeats
from agentspend.core.model_patterns import may_name
from agentspend.core.pricebook import PriceBook
from agentspend.core.rules import NO_RULES, Rules
from agentspend.proxy.included import Included
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.memory import Memory
from agentspend.proxy.pacer import Pacer
from agentspend.proxy.pauses import Pauses
from agentspend.proxy.sessions import Session, Sessions
from agentspend.proxy.trust import Trust
from agentspend.proxy.unasked import Unasked
from agentspend.proxy.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Settings:
    """The reloadable part. `providers` are those that can be asked, by name.

    `team_books` are the prices for sessions of a team that has prices of its own. `stops_bp` holds
    the providers with `stop_at_included`: at which share, in basis points, a login's requests stop.
    """

    book: PriceBook
    admission: AdmissionSection
    providers: Mapping[str, Provider]
    upstream: Upstream
    rules: Rules = NO_RULES
    stops_bp: Mapping[str, int] = field(default_factory=dict)
    team_books: Mapping[str, PriceBook] = field(default_factory=dict)

    def book_of(self, team: str) -> PriceBook:
        """The prices for sessions of a team ("": of the home team)."""
        return self.team_books.get(team, self.book)

    def cancels_on_disconnect(self, provider: str) -> bool:
        """Whether a hang-up stops the provider's bill (pricing study §3.6), so that we cancel."""
        return self.providers[provider].on_disconnect == "cancel"


@dataclass(slots=True)
class Desk:
    """Shared by every journey of one daemon. `keys` maps a provider to its stored key.

    `team_rules` are those of each of the member's teams, the home team's under "" too.
    """

    bookkeeper: Bookkeeper
    sessions: Sessions
    memory: Memory
    settings: Settings
    now: Callable[[], Moment]
    keys: Mapping[str, str]
    included: Included
    key_sessions: KeySessions
    pauses: Pauses = field(default_factory=Pauses)
    repeats: Repeats = field(default_factory=Repeats)
    team_rules: Mapping[str, Rules] = field(default_factory=dict)
    unasked: Unasked = field(default_factory=Unasked)
    trust: Trust = field(default_factory=Trust)
    pacer: Pacer = field(init=False)

    def __post_init__(self) -> None:
        self.pacer = Pacer(self.now, self._names_model)

    @property
    def zone(self) -> tzinfo:
        """The zone of the calendar windows, for messages."""
        return self.bookkeeper.zone

    @property
    def book(self) -> PriceBook:
        """The prices in force."""
        return self.settings.book

    def book_of(self, team: str) -> PriceBook:
        """The prices in force for sessions of a team ("": of the home team)."""
        return self.settings.book_of(team)

    def _names_model(self, pattern: str, provider: str, model: str) -> bool:
        return may_name(self.book)(pattern, provider, model)

    @property
    def admission(self) -> AdmissionSection:
        """The ladder's settings in force."""
        return self.settings.admission

    @property
    def upstream(self) -> Upstream:
        """The way to the providers."""
        return self.settings.upstream

    @property
    def providers(self) -> Mapping[str, Provider]:
        """The providers that can be asked."""
        return self.settings.providers

    def rules_of(self, session: Session) -> Rules:
        """The rules that hold for a session: the configuration's, its team's and its own."""
        ours, own = self.settings.rules, session.rules
        if self.team_rules:
            teams = self.team_rules.get(session.payer.team, self.team_rules[""])
            ours = teams if ours is NO_RULES else ours + teams
        if own is NO_RULES:
            return ours
        return own if ours is NO_RULES else ours + own

    def turn_before(self, facts: RequestFacts, provider: str) -> Known | None:
        """The turn that a request extends, where it bounds it."""
        if not self.trust.in_turns(provider, facts.model):
            return None
        return self.memory.find(facts.prefixes, provider)

    def key(self, provider: str) -> str | None:
        """The stored key of a provider, if there is one."""
        return self.keys.get(provider)

    def local_now(self) -> datetime:
        """Now, in the budgets' zone, for messages."""
        return datetime.fromtimestamp(self.now().wall_us / 1_000_000, UTC).astimezone(self.zone)
