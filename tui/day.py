"""The day as the screen knows it: folded from a source's messages, never worked out anew.

Money of budgets and sessions is what the daemon says (`status`); nothing here adds it up again.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any

from agentspend.core.money import dollars, free_dollars
from tui.facts import Charge, Flight, Note, Refusal, charge_of, event_payer, payer_of
from tui.format import left
from tui.source import Message
from tui.spending import Spending

MAX_NOTES = 200
MAX_REFUSALS = 2_000
MAX_CHARGES_SHOWN = 2_000


class Day:
    """Everything between two midnights. `version` rises with every change.

    `status` is the daemon's last snapshot; `enforcing` False when nobody enforces anything.
    """

    def __init__(self) -> None:
        self.status: Mapping[str, Any] = {"budgets": [], "sessions": [], "today_nusd": 0}
        self.spending = Spending()
        self.recent: deque[Charge] = deque(maxlen=MAX_CHARGES_SHOWN)
        self.flights: dict[str, Flight] = {}
        self.refusals: deque[Refusal] = deque(maxlen=MAX_REFUSALS)
        self.notes: deque[Note] = deque(maxlen=MAX_NOTES)
        self.enforcing = False
        self.why_not = ""
        self.begun = False
        self.starts_us = 0
        self.last_seq = 0
        self.version = 0
        self._questions: set[str] = set()

    def take(self, message: Message, now_us: int) -> None:
        """Take one message of a source."""
        self.version += 1
        match message["event"]:
            case "top":
                self._asked(message, now_us)
                self._begin(message)
                self._entries(message.get("entries", ()))
            case "status":
                self._asked(message, now_us)
                self.status = message
                self._entries(message.get("entries", ()))
            case "entries":
                self._entries(message["entries"])
            case "gone":
                self._gone(str(message["why"]), now_us)
            case "wait" | "hold" | "shrink":
                self._under_way(message, now_us)
            case "settle" | "release":
                self.flights.pop(message["rid"], None)
            case "refuse":
                self._refused(message, now_us)
            case "slow":
                self._slowed(message, now_us)
            case "ask":
                self._waits_for_a_person(message, now_us)
            case "warning":
                self._warned(message, now_us)

    def note(self, at_us: int, mark: str, text: str) -> None:
        """Add a line to the events."""
        self.notes.append(Note(at_us, mark, text))
        self.version += 1

    def still(self) -> "Day":
        """The day as it is now, for a screen that is frozen. What never changes is shared."""
        found = copy(self)
        found.spending = self.spending.still()
        found.recent, found.notes = self.recent.copy(), self.notes.copy()
        found.refusals = self.refusals.copy()
        found.flights = {rid: replace(flight) for rid, flight in self.flights.items()}
        return found

    def held_by_session(self) -> dict[str, int]:
        """What each session holds: a live one as the snapshot has it, another by its requests in
        flight."""
        found: dict[str, int] = {
            each["id"]: each["held_nusd"]
            for each in self.status["sessions"] if each.get("held_nusd") is not None
        }  # fmt: skip
        live = set(found)
        for flight in self.flights.values():
            name = flight.payer.session
            if name not in live:
                found[name] = found.get(name, 0) + flight.held_nusd
        return found

    def _begin(self, message: Message) -> None:
        self.status = message
        self.enforcing = bool(message.get("running", True))
        self.why_not = "" if self.enforcing else "no daemon runs"
        self.begun = True
        day = message.get("day", {})
        self.starts_us = day.get("starts_us", 0)
        self.last_seq = day.get("after_seq", 0)
        self.spending = Spending()
        self.recent.clear()
        self.refusals.clear()
        for told in message.get("refused", ()):
            self.refusals.append(_refusal(told, told["at_us"]))
        self.flights = {
            told["rid"]: Flight(told["rid"], event_payer(told), told["held_us"], told["held_nusd"])
            for told in message.get("in_flight", ())
        }

    def _asked(self, status: Message, now_us: int) -> None:
        """Say to a lead who asks the team for more, once."""
        team = status.get("team") or {}
        if team.get("role") != "lead":
            return
        for each in (team.get("overview") or {}).get("questions", ()):
            if each["request"] not in self._questions:
                self._questions.add(each["request"])
                amount = dollars(each["amount_nusd"])
                self.note(now_us, "?", f"{each['member']} asks for {amount} more of {each['pool']}")

    def _entries(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            self.last_seq = max(self.last_seq, entry["seq"])
            charge = charge_of(entry)
            if charge is None:
                continue
            self.flights.pop(charge.rid, None)
            self.recent.append(charge)
            if (entry.get("held_at") or charge.at_us) >= self.starts_us:
                self.spending.add(charge)

    def _gone(self, why: str, now_us: int) -> None:
        if self.enforcing or not self.why_not:
            self.note(now_us, "✗", f"not enforcing: {why}")
        self.enforcing, self.why_not = False, why
        self.flights.clear()

    def _under_way(self, message: Message, now_us: int) -> None:
        flight = self.flights.get(message["rid"])
        if message["event"] == "wait":
            payer = event_payer(message)
            self.flights[message["rid"]] = Flight(
                message["rid"], payer, now_us, budget=message["budget"]
            )
        elif message["event"] == "hold":
            payer = event_payer(message)
            self.flights[message["rid"]] = Flight(
                message["rid"], payer, now_us, message["held_nusd"]
            )
        elif flight is not None:
            flight.held_nusd, flight.streams = message["held_nusd"], True

    def _refused(self, message: Message, now_us: int) -> None:
        self.flights.pop(message["rid"], None)
        refusal = _refusal(message, message.get("ts_us", now_us))
        self.refusals.append(refusal)
        who = refusal.payer.agent or refusal.payer.session or "a request"
        why = self._no_room(refusal.budget, now_us) if refusal.budget else refusal.reason
        self.note(refusal.at_us, "✗", f"{who} refused: {why}")

    def _no_room(self, budget: str, now_us: int) -> str:
        """Which budget, and how long until it starts anew."""
        lines = (each for each in self.status["budgets"] if each["name"] == budget)
        resets = next((each.get("resets_at") for each in lines), None)
        if not resets:
            return f"{budget} has no room"
        left_s = int(datetime.fromisoformat(resets).timestamp()) - now_us // 1_000_000
        return f"{budget} has no room, resets in {left(left_s)}"

    def _slowed(self, message: Message, now_us: int) -> None:
        self.flights.pop(message["rid"], None)
        payer = payer_of(message.get("payer") or {})
        who, cap = payer.agent or payer.session or "a request", message.get("budget")
        what = f"budget {cap}" if cap else "a rate limit"
        self.note(message.get("ts_us", now_us), "!", f"{who} too fast for {what}: it comes again")

    def _waits_for_a_person(self, message: Message, now_us: int) -> None:
        payer, name = payer_of(message.get("payer") or {}), str(message["budget"])
        who = payer.agent or payer.session or "a request"
        how = "a lead is asked" if name.startswith("team:") else f"agentspend budget raise {name} …"
        self.note(now_us, "?", f"{who} waits for more of {name}: {how}")

    def _warned(self, message: Message, now_us: int) -> None:
        percent, name = message["percent"], message["budget"]
        limit = dollars(message["limit_nusd"])
        mark = "✗" if percent >= 100 else "!"
        left = free_dollars(max(0, message["limit_nusd"] - message["spent_nusd"]))
        self.note(now_us, mark, f"{name} passed {percent} % of {limit}: {left} left")


def _refusal(told: Message, at_us: int) -> Refusal:
    payer = payer_of(told.get("payer") or {})
    return Refusal(
        told["rid"], at_us, payer, str(told.get("budget") or ""), str(told.get("reason") or "")
    )
