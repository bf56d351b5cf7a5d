"""`agentspend verify`: is the ledger whole? Spelling, links, hashes, numbers and signatures."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, say
from agentspend.cli.ledger_reading import Ask, pages
from agentspend.core.money import dollars

UNSIGNED = "not signed yet (the daemon signs now and then, and when it stops)"


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Check every entry of the ledger and every signature over it; exit code 1 when one is bad."""
    with access.reading() as (ask, _):
        found = check(ask)
    if as_json:
        output.answer(found)
    elif found["ok"]:
        signed = f"{found['checkpoints']} signatures hold" if found["checkpoints"] else UNSIGNED
        output.line(f"✓ {found['entries']:,} entries, unbroken; {signed}")
        output.line(f"  head {found['head'][:16]}…  billed {dollars(found['billed_nusd'])} in all")
    else:
        output.line(f"✗ entry {found['first_bad_seq']} is bad: {found['why']}")
        output.line(f"  the {found['entries']:,} entries before it are sound")
        say("→ keep a copy of the ledger before anything else: agentspend config path")
    if not found["ok"]:
        raise typer.Exit(ExitCode.FAILED)


def check(ask: Ask) -> dict[str, Any]:
    """One pass over the ledger; stops at the first bad entry."""
    from agentspend.wire.chain import ChainCheck

    signed = {row[0]: row for row in ask("checkpoints")["checkpoints"]}
    chain = ChainCheck()
    checked, why, bad_seq, key = 0, "", 0, b""
    inc = ""
    for seq, stored, body in pages(ask):
        if not chain.feed(body):
            break
        if chain.end[1] != stored:
            bad_seq, why = seq, "its stored hash is not the hash of its bytes"
            break
        if seq == 1:
            inc, key = _device(body)
        if seq in signed:
            why = _signature_fault(signed.pop(seq), inc, stored, key)
            if why:
                bad_seq = seq
                break
            checked += 1
    verdict = chain.verdict()
    if verdict.ok and not why and signed:
        bad_seq, why = min(signed), "a signature names it, but the ledger ends before it"
    return {
        "ok": verdict.ok and not why,
        "entries": verdict.entries - (1 if bad_seq and bad_seq <= verdict.seq else 0),
        "head": verdict.head,
        "checkpoints": checked,
        "first_bad_seq": bad_seq or verdict.first_bad_seq,
        "why": why or verdict.why,
        "billed_nusd": verdict.totals.billed_nusd,
        "subscription_nusd": verdict.totals.subscription_nusd,
    }


def _device(body: bytes) -> tuple[str, bytes]:
    """The ledger's incarnation and the public key that signs it, from its first entry."""
    from agentspend.wire.entries import decode

    entry = decode(body)
    algorithm, _, key = (entry.text or "").partition(" ")
    return entry.inc, bytes.fromhex(key) if algorithm == "ed25519" else b""


def _signature_fault(row: list[Any], inc: str, stored: str, key: bytes) -> str:
    """What is wrong with one signature over the chain's head, "" when it holds."""
    from agentspend.wire import signing

    seq, head, ts_us, _, signature = row
    if head != stored:
        return "the device signed another entry here: history was rewritten"
    body = signing.checkpoint(inc, seq, head, ts_us)
    held = signing.verify(key, "checkpoint", body, bytes.fromhex(signature))
    return "" if held else "the signature over it is not this device's"
