"""`agentspend verify`: is the ledger whole? Spelling, links, hashes, numbers and signatures."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, say
from agentspend.cli.ledger_reading import Ask, pages
from agentspend.core.money import dollars

if TYPE_CHECKING:
    from agentspend.wire.chain import Verdict

LONG = 50_000
"""From how many entries on progress is shown."""
OTHER_SUMS = "the sums that reports are made of are not theirs"
UNSIGNED = "not signed yet (the daemon signs now and then, and when it stops)"


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Check every entry of the ledger and every signature over it; exit code 1 when one is bad."""
    with access.reading() as (ask, _), _progress(ask) as told:
        found = check(ask, told)
    if as_json:
        output.answer(found)
    elif found["ok"]:
        signed = f"{found['checkpoints']} signatures hold" if found["checkpoints"] else UNSIGNED
        output.sentence(f"✓ {found['entries']:,} entries, unbroken; {signed}")
        output.sentence(
            f"  head {found['head'][:16]}…  billed {dollars(found['billed_nusd'])} in all"
        )
    elif not found["first_bad_seq"]:
        output.sentence(f"✗ {found['entries']:,} entries, unbroken, but {found['why']}")
        say("→ agentspend daemon restart    adds them up anew")
    else:
        output.sentence(f"✗ entry {found['first_bad_seq']} is bad: {found['why']}")
        output.sentence(f"  the {found['entries']:,} entries before it are sound")
        say("→ keep a copy of the ledger before anything else: agentspend config path")
    if not found["ok"]:
        raise typer.Exit(ExitCode.FAILED)


def check(ask: Ask, told: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """One pass over the ledger; stops at the first bad entry. `told` hears how far it is."""
    from agentspend.wire.chain import ChainCheck

    signed = {row[0]: row for row in ask("checkpoints")["checkpoints"]}
    chain, seals = ChainCheck(), _Seals()
    bad_seq, why = 0, ""
    for page in pages(ask):
        bodies = [body.encode() for _, _, body in page]
        _, hashes = chain.feed(bodies, [stored for _, stored, _ in page])
        if hashes and page[0][0] == 1:
            seals.begin(bodies[0])
        first = page[0][0]
        for seq in sorted(seq for seq in signed if first <= seq < first + len(hashes)):
            if not why:
                bad_seq, why = seq, seals.fault(signed.pop(seq), hashes[seq - first])
        if why or len(hashes) < len(page):
            break
        told(len(hashes))
    verdict = chain.verdict()
    if verdict.ok and not why and signed:
        bad_seq, why = min(signed), "a signature names it, but the ledger ends before it"
    bad_seq = bad_seq if why else verdict.first_bad_seq or 0
    if not bad_seq and not _sums_agree(ask, verdict):
        why = OTHER_SUMS
    return {
        "ok": not (bad_seq or why),
        "entries": bad_seq - 1 if 0 < bad_seq <= verdict.seq else verdict.entries,
        "head": verdict.head,
        "checkpoints": seals.held,
        "first_bad_seq": bad_seq or None,
        "why": why or verdict.why,
        "billed_nusd": verdict.totals.billed_nusd,
        "subscription_nusd": verdict.totals.subscription_nusd,
    }


def _sums_agree(ask: Ask, verdict: "Verdict") -> bool:
    """Whether reports add up to what the entries do. Only a ledger that stands still meanwhile can
    be asked: of one that grows it is taken to be so."""
    from agentspend.cli.report_reading import rows
    from agentspend.reports.periods import ALWAYS

    billed_nusd = listed_nusd = 0
    for _, sums in rows(ask, (), ALWAYS):
        billed_nusd += sums.billed_nusd
        listed_nusd += sums.subscription_nusd
    newest = ask("entries", newest=True, count=1)["entries"]
    theirs = (verdict.totals.billed_nusd, verdict.totals.subscription_nusd)
    return (billed_nusd, listed_nusd) == theirs or newest[-1][0] != verdict.seq


class _Seals:
    """The device's signatures over heads of the chain; `held` counts those that hold."""

    def __init__(self) -> None:
        self._inc, self._key = "", b""
        self.held = 0

    def begin(self, body: bytes) -> None:
        """The first entry says which ledger this is, and whose key signs it."""
        from agentspend.wire.entries import decode

        entry = decode(body)
        algorithm, _, key = (entry.text or "").partition(" ")
        self._inc, self._key = entry.inc, bytes.fromhex(key) if algorithm == "ed25519" else b""

    def fault(self, row: list[Any], stored: str) -> str:
        """What is wrong with one signature over the chain's head, "" when it holds."""
        from agentspend.wire import signing

        seq, head, ts_us, _, signature = row
        if head != stored:
            return "the device signed another entry here: history was rewritten"
        body = signing.checkpoint(self._inc, seq, head, ts_us)
        if not signing.verify(self._key, "checkpoint", body, bytes.fromhex(signature)):
            return "the signature over it is not this device's"
        self.held += 1
        return ""


@contextmanager
def _progress(ask: Ask) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where a person waits for a long ledger."""
    newest = ask("entries", newest=True, count=1)["entries"]
    total = newest[0][0] if newest else 0
    if total < LONG or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("entries", total=total)
        yield lambda count: bar.advance(task, count)
