"""`agentspend demo`: the whole story in about a minute, on a sandbox provider, no key needed."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, paint
from agentspend.core.money import dollars, free_dollars

if TYPE_CHECKING:
    from agentspend.cli.demo_stage import Stage
    from agentspend.core.budgets import Budget

LIMIT = "1.00"
PARALLEL = 24
STEPS = 6


def demo() -> None:
    """Watch a budget hold: spending, a warning, the cap, the refusal, a crash, the check."""
    from agentspend.cli.demo_stage import Stage

    output.line("A daemon of its own, a provider that costs nothing, a $1.00 budget for the day.")
    with Stage(LIMIT) as stage:
        for step in (_spends, _warns, _cap_holds, _refusal, _crash, _verified):
            step(stage)
    output.line()
    output.line("That was all: nothing of yours was read or changed. Now for real:")
    output.line("  agentspend budget set daily 25.00 --window day")
    output.line("  agentspend run claude")


def _spends(stage: "Stage") -> None:
    _title(1, "A session spends")
    with _progress("4 requests, one after the other", 4) as done:
        for _ in range(4):
            stage.ask(16, 4_000, output_tokens=900, paced=True, tokens_per_s=400)
            done()
    _compare(stage)


def _warns(stage: "Stage") -> None:
    _title(2, "A warning at 50 %")
    with _progress("more requests, until half of it is spent", 8) as done:
        for _ in range(8):
            stage.ask(16, 4_000, output_tokens=1_200, paced=True, tokens_per_s=400)
            done()
            if stage.warnings:
                break
    for warning in stage.warnings[:1]:
        spent, limit = dollars(warning["spent_nusd"]), dollars(warning["limit_nusd"])
        text = f"budget {warning['budget']} passed {warning['percent']} %: {spent} of {limit}"
        output.line(f"  {paint('!', 'yellow', sys.stdout)} {text}")
    _bar(stage)


def _cap_holds(stage: "Stage") -> None:
    _title(3, f"The cap holds under {PARALLEL} requests at once")
    with _progress(f"{PARALLEL} requests that together cost more than is left", PARALLEL) as done:
        answers = stage.ask_many(
            PARALLEL,
            lambda number: stage.ask(
                8, 2_000, output_tokens=200 + 60 * number, paced=True, tokens_per_s=400
            ),
            done,
        )
    served = sum(answer.status == 200 for answer in answers)
    refused = PARALLEL - served
    output.line(f"  {served} were served, {refused} were refused before anything was sent")
    _compare(stage)
    below = stage.billed_nusd() <= stage.budget()["limit_nusd"]
    _verdict(good=below, claim="the provider's own bill is below the cap")


def _refusal(stage: "Stage") -> None:
    _title(4, "The refusal as the agent sees it")
    answered = stage.ask(64, 32_000)
    output.sentence(f"  API Error: {answered.status} {answered.message}")


def _crash(stage: "Stage") -> None:
    import threading

    _title(5, "The daemon is killed in the middle of a request, and started again")
    stage.end_session()
    access.change_budget("demo", _raised())
    output.line("  $ agentspend budget raise demo 2")
    stage.open_session()
    slow = {"output_tokens": 3_000, "paced": True, "tokens_per_s": 100}
    running = threading.Thread(target=stage.ask, args=(16, 4_000), kwargs=slow)
    running.start()
    while not stage.budget()["held_nusd"]:
        time.sleep(0.05)
    before = stage.budget()
    pid = stage.kill_daemon()
    running.join()
    held = dollars(before["held_nusd"])
    output.line(f"  kill -9 {pid} while {held} was held for a request on its way")
    found = stage.open_session()
    after = stage.budget()
    output.sentence(
        f"  back as pid {found['pid']}: {found['recovered']} open hold was charged in full and"
        " marked; `agentspend adjust` lowers it"
    )
    lost_nusd = before["spent_nusd"] - after["spent_nusd"]
    spent = dollars(after["spent_nusd"])
    _verdict(good=lost_nusd <= 0, claim=f"nothing was lost: {spent} is on the books")
    _compare(stage)


def _verified(_: "Stage") -> None:
    from agentspend.cli.verify import check

    _title(6, "The ledger is checked, entry by entry")
    found = check(access.ask)
    claim = f"{found['entries']} entries, each linked to the one before by its hash"
    _verdict(good=found["ok"], claim=claim)


def _verdict(*, good: bool, claim: str) -> None:
    """A claim of ours that was just checked; a false one ends the demo."""
    mark, colour = ("✓", "green") if good else ("✗", "red")
    output.line(f"  {paint(mark, colour, sys.stdout)} {claim if good else f'not so: {claim}'}")
    if not good:
        raise typer.Exit(ExitCode.FAILED)


def _raised() -> "Budget":
    from dataclasses import replace

    from agentspend.core.money import parse_usd

    budget = access.config().budgets[0]
    return replace(budget, limit_nusd=budget.limit_nusd + parse_usd("2"))


def _title(number: int, text: str) -> None:
    output.line()
    output.line(paint(f"{number}/{STEPS}  {text}", "bold", sys.stdout))


def _compare(stage: "Stage") -> None:
    """Our books beside the provider's own bill."""
    budget = stage.budget()
    output.line(
        f"  on our books {dollars(budget['spent_nusd'])}, on the provider's bill"
        f" {dollars(stage.billed_nusd())}, of {dollars(budget['limit_nusd'])}"
    )


def _bar(stage: "Stage") -> None:
    budget = stage.budget()
    shown = output.bar(budget["spent_nusd"], budget["held_nusd"], budget["limit_nusd"])
    output.line(f"  {shown}  {free_dollars(budget['free_nusd'])} free")


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr while it works; only the sentence where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("  {task.description}"), BarColumn(20), MofNCompleteColumn())
    console = Console(stderr=True)
    output.line(f"  {what}")
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("working", total=total)
        yield lambda: bar.advance(task)
