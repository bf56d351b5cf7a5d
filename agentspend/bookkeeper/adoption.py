"""Which policy is in force: the last adopted one, recorded as a ledger entry (DESIGN.md §6).

The configuration declares. What tightens is adopted at once; what loosens, removes or moves a
budget waits for a person (`agentspend budget confirm`). The settings that decide what a request
costs, where it goes and which rules hold are part of the policy: cheaper prices would be a raise by
another name. Repositories declare budgets too, each for itself: a change of one source leaves the
budgets of the others alone.
"""

from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.bookkeeper.rooms import CALENDAR, InForce
from agentspend.core.budgets import Budget, Mode
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_BUDGETS
from agentspend.core.policy import (
    PendingChange,
    budget_from_dict,
    budget_to_dict,
    has_rules,
    only_adds_rules,
    policy_diff,
    settings_diff,
)
from agentspend.store import accounts, entries
from agentspend.wire.entries import decode


class Adoption:
    """Keeps the books' budgets in step with what was adopted.

    A source is "" for the configuration, else a repository's file (`Budget.source`). What a source
    last said is known from its first word in this daemon's life on; before that its budgets stay
    as they were adopted. `settings` is the JSON of the adopted settings, None before anything was.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._declared: dict[str, tuple[Budget, ...]] = {}
        self._declared_settings = "{}"
        self._waits: dict[str, tuple[PendingChange, ...]] = {}
        self.settings: str | None = None
        self.load()

    def load(self) -> None:
        """Read the last adopted policy back from the ledger."""
        body = entries.last_of_kind(self._books.conn, "policy")
        if body is None:
            return
        policy = decode(body).policy or {}
        self.settings = str(policy["settings"])
        self._books.rooms.in_force = tuple(
            InForce(budget_from_dict(item), int(item["generation"])) for item in policy["budgets"]
        )
        self._use_zone()

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The budgets in force."""
        return tuple(item.budget for item in self._books.rooms.in_force)

    @property
    def waits(self) -> tuple[PendingChange, ...]:
        """What was declared and is not in force yet, of every source."""
        return tuple(change for changes in self._waits.values() for change in changes)

    def declare(
        self, budgets: tuple[Budget, ...], settings: str, at: Moment
    ) -> tuple[PendingChange, ...]:
        """Take what the configuration says; returns what waits for a person.

        Settings wait only while a hard budget or a rule is in force: else there is nothing to
        loosen. Rules that are only added tighten, and do not wait.
        """
        before = self._of("") if self.settings is not None else None
        others = self._of_others({""})
        _refuse_taken_names(budgets, others)
        diff = policy_diff(before, budgets)
        self._remember()
        self._declared[""], self._declared_settings = budgets, settings
        looser = self._looser(settings)
        adopted = (self.settings or "{}") if looser else settings
        self._adopt((*diff.adopt, *others), adopted, "config", at)
        self._waits[""] = (*diff.waits, *looser)
        return self.waits

    def declare_repositories(
        self, declared: Mapping[str, tuple[Budget, ...]], at: Moment
    ) -> tuple[PendingChange, ...]:
        """Take what repositories' files say, by source; returns what of it waits for a person.

        Raises `AgentspendError`, and changes nothing, for a name that another source has already.
        """
        others = self._of_others(declared)
        for budgets in declared.values():
            _refuse_taken_names(budgets, others)
        diffs = {source: policy_diff(self._of(source), new) for source, new in declared.items()}
        adopted = [budget for diff in diffs.values() for budget in diff.adopt]
        policy_diff(None, tuple(adopted))
        if len(others) + len(adopted) > MAX_BUDGETS:
            raise AgentspendError(
                f"more than {MAX_BUDGETS} budgets would be in force",
                "agentspend budget list; agentspend budget remove NAME",
            )
        self._remember()
        self._declared.update(declared)
        self._waits.update({source: diff.waits for source, diff in diffs.items()})
        self._adopt((*others, *adopted), self.settings or "{}", "repository", at)
        return tuple(change for diff in diffs.values() for change in diff.waits)

    def _looser(self, settings: str) -> tuple[PendingChange, ...]:
        """What of other settings than those in force could let more through: all of it or none."""
        if settings == self.settings:
            return ()
        old, new = msgspec.json.decode(self.settings or "{}"), msgspec.json.decode(settings)
        capped = any(budget.mode is Mode.HARD for budget in self.budgets)
        if not (capped or has_rules(old)) or only_adds_rules(old, new):
            return ()
        return settings_diff(old, new)

    def confirm(self, agreed: Sequence[str], at: Moment) -> tuple[PendingChange, ...]:
        """A person agrees to the changes with these texts: all that wait, or it is refused.

        The texts are compared, because the file may have changed since the person saw them.
        """
        if sorted(agreed) != sorted(change.text for change in self.waits):
            raise AgentspendError(
                "the configuration changed since these changes were shown",
                "agentspend budget confirm    shows what waits now",
            )
        self._remember()
        changed = self.waits
        declared = [budget for budgets in self._declared.values() for budget in budgets]
        budgets = (*declared, *self._of_others(self._declared))
        self._adopt(budgets, self._declared_settings, "confirmed", at)
        self._waits.clear()
        return changed

    def set_one(self, name: str, expected: Budget | None, at: Moment) -> None:
        """A person set this budget by command (None: removed it): adopt it and nothing else."""
        own = self._declared.get("", ())
        declared = next((budget for budget in own if budget.name == name), None)
        if declared != expected:
            raise AgentspendError(
                f"the configuration says something else of budget {name} now",
                "agentspend budget list, then try again",
            )
        self._remember()
        kept = [budget for budget in self.budgets if budget.name != name]
        at_place = next((n for n, b in enumerate(self.budgets) if b.name == name), len(kept))
        if expected is not None:
            kept.insert(at_place, expected)
        self._adopt(tuple(kept), self.settings or "{}", "command", at)
        self._settle_waits(name)

    def forget(self, name: str, at: Moment) -> None:
        """A person removed a repository's budget by command. Its file, where it still says so,
        brings it back with the next session there."""
        self._remember()
        kept = tuple(budget for budget in self.budgets if budget.name != name)
        self._adopt(kept, self.settings or "{}", "command", at)
        self._settle_waits(name)

    def set_settings(self, expected: str, at: Moment) -> None:
        """A person changed the settings by command: adopt them, and no budget."""
        if expected != self._declared_settings:
            raise AgentspendError(
                "the configuration changed meanwhile", "agentspend config show, then try again"
            )
        self._remember()
        self._adopt(self.budgets, expected, "command", at)
        self._settle_waits("")

    def _of(self, source: str) -> tuple[Budget, ...]:
        """The budgets of one source in force."""
        return tuple(budget for budget in self.budgets if budget.source == source)

    def _of_others(self, sources: Collection[str]) -> tuple[Budget, ...]:
        """The budgets in force of all sources but these."""
        return tuple(budget for budget in self.budgets if budget.source not in sources)

    def _settle_waits(self, name: str) -> None:
        """No change of this budget waits any more ("": of the settings)."""
        self._waits = {
            source: tuple(change for change in changes if change.budget != name)
            for source, changes in self._waits.items()
        }

    def _remember(self) -> None:
        """Have the books take back what follows if it does not reach the disk."""
        rooms = self._books.rooms
        before = (dict(self._declared), self._declared_settings, dict(self._waits), self.settings)
        in_force, zone = rooms.in_force, rooms.zone

        def take_back() -> None:
            self._declared, self._declared_settings, self._waits, self.settings = before
            rooms.in_force = in_force
            rooms.use_zone(zone)

        self._books.undo.append(take_back)

    def _adopt(self, budgets: tuple[Budget, ...], settings: str, source: str, at: Moment) -> None:
        """Put a policy in force, with an entry when it differs from the one that was."""
        budgets = _in_order(budgets, self.budgets)
        if budgets == self.budgets and settings == self.settings:
            return
        books = self._books
        now_us = books.now(at)
        before = {item.budget.name: item for item in books.rooms.in_force}
        seq = books.chain.seq + 1
        moved = _zone_in(settings) != _zone_in(self.settings)
        in_force = tuple(
            InForce(budget, _generation(before.get(budget.name), budget, seq, moved=moved))
            for budget in budgets
        )
        dicts = [
            {**budget_to_dict(item.budget), "generation": item.generation} for item in in_force
        ]
        policy = {"budgets": dicts, "settings": settings}
        books.chain.append("policy", now_us, {"policy": policy, "text": source})
        self.settings = settings
        self._use_zone()
        books.rooms.in_force = in_force
        for item in in_force:
            for account in accounts.of_budget(books.conn, item.budget.name, item.generation):
                if account.ends_us is None or account.ends_us > now_us:
                    budget = item.budget
                    accounts.set_limit(books.conn, account.id, budget.limit_nusd, budget.mode)
        names = [item.budget.name for item in in_force]
        books.events.append(Event("policy", {"seq": seq, "budgets": names, "source": source}))

    def _use_zone(self) -> None:
        """Calendar windows follow the adopted zone: another one could open tomorrow today."""
        if name := _zone_in(self.settings):
            self._books.rooms.use_zone(ZoneInfo(name))


def _in_order(budgets: Sequence[Budget], before: Sequence[Budget]) -> tuple[Budget, ...]:
    """Those that were in force where they stood, the new ones after them."""
    places = {budget.name: number for number, budget in enumerate(before)}
    return tuple(sorted(budgets, key=lambda budget: places.get(budget.name, len(places))))


def _refuse_taken_names(budgets: Sequence[Budget], others: Sequence[Budget]) -> None:
    """Two budgets of one name would share their accounts, whoever declares them."""
    taken = {budget.name: budget.source for budget in others}
    for budget in budgets:
        if budget.name in taken:
            whose = taken[budget.name] or "the configuration"
            raise AgentspendError(
                f"the budget name {budget.name!r} is taken by {whose}", "give it another name"
            )


def _zone_in(settings: str | None) -> str:
    """The zone's name in adopted settings, "" where they have none."""
    return str(msgspec.json.decode(settings or "{}").get("zone", ""))


def _generation(before: InForce | None, budget: Budget, seq: int, *, moved: bool) -> int:
    """A budget keeps its accounts while it measures the same thing. Where the zone `moved`, a
    calendar window of the same name is another stretch of time."""
    if before is None or (moved and budget.window.kind in CALENDAR):
        return seq
    same = (
        before.budget.scope == budget.scope
        and before.budget.window == budget.window
        and before.budget.counts == budget.counts
    )
    return before.generation if same else seq
