"""The provider's own bill: the truth every ledger is compared with.

Owns one row per billed request, in memory and, when a path is given, in a file. The file gets a
JSON line `"event":"open"` when work starts, before the first byte of the answer, with the input's
cost, and `"event":"end"` with the whole row when the cost is final, before the last byte. Each
line is one append. A row without its end counts what its open line says.
"""

import os
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec

from agentspend.sandbox.answer import Answer, nusd_up
from agentspend.sandbox.rates import Usage

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class BillRow:
    """One request's cost. `outcome` is `open` while it runs, then `ok`, `refusal`, `error`,
    `cut` (the provider aborted) or `disconnect` (the client left). `request_id` is the header's
    (Gemini has none: its body's `responseId`), `message_id` the id in the body."""

    n: int
    request_id: str
    model: str
    usage: Usage
    usd: Fraction
    ts: float
    outcome: str
    session: str
    message_id: str = ""

    @property
    def nusd_up(self) -> int:
        """The cost in nano-USD, rounded up."""
        return nusd_up(self.usd)

    def line(self) -> bytes:
        """The row as a line of the bill file."""
        shown = {
            "event": "open" if self.outcome == "open" else "end",
            "n": self.n,
            "request_id": self.request_id,
            "model": self.model,
            "usage": asdict(self.usage),
            "usd": f"{self.usd.numerator}/{self.usd.denominator}",
            "nusd_up": self.nusd_up,
            "ts": self.ts,
            "outcome": self.outcome,
            "session": self.session,
            "message_id": self.message_id,
        }
        return _encode(shown) + b"\n"


class Bill:
    """All rows of one provider, in the order the requests came."""

    def __init__(self, path: Path | None = None) -> None:
        """Go on with the bill at `path` if given, creating it."""
        self._rows: dict[str, BillRow] = {}
        self._file = -1
        if path is not None:
            if path.exists():
                self._rows = {row.request_id: row for row in Bill.read(path).rows}
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    @classmethod
    def read(cls, path: Path) -> "Bill":
        """The bill a file holds, perhaps one still being written: a last line without its end
        is not yet there. Raises OSError, and ValueError for a line that is not ours."""
        bill = cls()
        for line in path.read_bytes().split(b"\n")[:-1]:
            row = _row(line)
            bill._rows[row.request_id] = row
        return bill

    @property
    def next_number(self) -> int:
        """The number of the next request: one above all the bill has."""
        return max((row.n for row in self._rows.values()), default=0) + 1

    @property
    def rows(self) -> list[BillRow]:
        """Every row, open ones too."""
        return list(self._rows.values())

    def row(self, request_id: str) -> BillRow | None:
        """The row of one request, by its `request-id` or `x-request-id` header."""
        return self._rows.get(request_id)

    def total(self, session: str | None = None) -> Fraction:
        """Exact USD of all rows, or of one session's."""
        rows = self._rows.values()
        return sum(
            (row.usd for row in rows if session is None or row.session == session), Fraction(0)
        )

    def total_nusd(self, session: str | None = None) -> int:
        """The sum of rows each rounded up to nano-USD, as a ledger of such rows adds them."""
        rows = self._rows.values()
        return sum(row.nusd_up for row in rows if session is None or row.session == session)

    def open(self, answer: Answer, session: str, ts: float) -> BillRow:
        """Work has started: the input is owed."""
        usage = replace(answer.at_start, output_tokens=0)
        row = BillRow(
            answer.number,
            answer.request_id,
            answer.model,
            usage,
            answer.usd_at_start(),
            ts,
            "open",
            session,
            answer.message_id,
        )
        self._put(row)
        return row

    def end(self, row: BillRow, usage: Usage, usd: Fraction, outcome: str) -> None:
        """The cost is final."""
        self._put(replace(row, usage=usage, usd=usd, outcome=outcome))

    def summary(self) -> bytes:
        """The bill as JSON: totals, and the rows as their file lines have them."""
        totals = b'{"usd":"%s","nusd":%d,"requests":%d,"rows":[' % (
            str(self.total()).encode(),
            self.total_nusd(),
            len(self._rows),
        )
        return totals + b",".join(row.line().rstrip() for row in self._rows.values()) + b"]}"

    def close(self) -> None:
        """Stop writing to the file. The rows stay readable."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _put(self, row: BillRow) -> None:
        self._rows[row.request_id] = row
        if self._file >= 0:
            os.write(self._file, row.line())


def _row(line: bytes) -> BillRow:
    found = msgspec.json.decode(line)
    return BillRow(
        n=found["n"],
        request_id=found["request_id"],
        model=found["model"],
        usage=Usage(**found["usage"]),
        usd=Fraction(found["usd"]),
        ts=found["ts"],
        outcome=found["outcome"],
        session=found["session"],
        message_id=found.get("message_id", ""),
    )
