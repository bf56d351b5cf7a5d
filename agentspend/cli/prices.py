"""`agentspend prices show|set|update`: the price table, and your own word over it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, UsageError, confirmed, say
from agentspend.cli.moments import now_us

if TYPE_CHECKING:
    from agentspend.core.pricebook import PriceBook
    from agentspend.core.rates import Rates

SHOWN_CHANGES = 40
COLUMNS = ["MODEL", ">INPUT", ">CACHE READ", ">WRITE 5M", ">WRITE 1H", ">OUTPUT", ">WINDOW",
           ">MAX OUT"]  # fmt: skip


def show(
    pattern: Annotated[str, typer.Argument(help="Part of a name, such as opus or openai/.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show prices in force now, your own included, in USD per million tokens."""
    book = access.price_book()
    rows = [row for name, row in _rows(book) if pattern.lower() in name.lower()]
    if as_json:
        output.answer({"version": book.version, "models": rows})
        return
    cells = [[output.plain(row["model"]), *(_usd(row[name]) for name in RATES),
              _count(row["context_window"]), _count(row["max_output"])] for row in rows]  # fmt: skip
    output.table(COLUMNS, cells)
    output.line(f"{len(rows)} models, USD per million tokens, {book.version}")


RATES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


def set_price(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="PROVIDER/MODEL; * may stand in.")],
    input_: Annotated[str, typer.Option("--input", help="USD per million tokens.")] = "",
    output_: Annotated[str, typer.Option("--output", help="USD per million tokens.")] = "",
    cache_read: Annotated[str, typer.Option(help="USD per million tokens.")] = "",
    cache_write_5m: Annotated[str, typer.Option(help="USD per million tokens.")] = "",
    cache_write_1h: Annotated[str, typer.Option(help="USD per million tokens.")] = "",
    multiplier: Annotated[str, typer.Option(help="Instead: times the listed price.")] = "",
) -> None:
    """Set a model's price, or a discount on listed ones, in the configuration."""
    said = {"multiplier": multiplier, "input": input_, "output": output_, "cache_read": cache_read,
            "cache_write_5m": cache_write_5m, "cache_write_1h": cache_write_1h}  # fmt: skip
    entry = {name: value for name, value in said.items() if value}
    if not entry:
        raise UsageError(
            "no price was given", f"agentspend prices set {model} --input 3 --output 15"
        )
    name = model if "/" in model else f"anthropic/{model}"
    access.edit_price(name, entry)
    told = ", ".join(f"{key} {value}" for key, value in entry.items())
    say(f"{name}: {told}; written to {access.folders().config}")
    say("a running daemon takes it over by itself; charges already made keep their price")


def update(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A table; by default the one shipped."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take over another price table, after showing what it changes.

    Without --from, go back to the table this version of agentspend ships with.
    """
    from agentspend.core.pricebook import PriceBook
    from agentspend.prices import load_table

    kept = access.folders().prices
    table = load_table(source)
    before, after = access.plain_book(), PriceBook(table)
    if before.version == after.version:
        say(f"nothing to change: {before.version} is in force")
        return
    changes = list(_changes(dict(_rows(before)), dict(_rows(after))))
    for text in changes[:SHOWN_CHANGES]:
        output.line(text)
    if len(changes) > SHOWN_CHANGES:
        output.line(f"… and {len(changes) - SHOWN_CHANGES} more")
    say(f"{len(changes)} changes, from {before.version} to {after.version}")
    given = f" --from {source}" if source else ""
    if not confirmed("take it over?", yes=yes, instead=f"agentspend prices update{given} --yes"):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    if source is None:
        kept.unlink(missing_ok=True)
    else:
        access.write_whole(kept, source.read_bytes())
    say(f"prices {after.version} are in force")


def _rows(book: "PriceBook") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every model with its rates of this moment, in pUSD per token."""
    at_us = now_us()
    for provider in book.providers:
        for model in book.models(provider):
            price = book.find(provider, model)
            assert price is not None
            rates: Rates = book.rates(price, at_us, 0)
            found = dict(zip(RATES, rates.effective()[:5], strict=True))
            yield (
                f"{provider}/{model}",
                {
                    "model": f"{provider}/{model}",
                    **found,
                    "context_window": price.context_window,
                    "max_output": price.max_output,
                },
            )


def _changes(
    before: Mapping[str, dict[str, Any]], after: Mapping[str, dict[str, Any]]
) -> Iterator[str]:
    """What a table changes, one line a model."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            yield f"+ {name}  input {_usd(new['input'])}, output {_usd(new['output'])}"
        elif new is None:
            yield f"- {name}"
        elif old != new and old is not None:
            told = [f"{key} {old[key]:,} → {new[key]:,}" if key not in RATES else
                    f"{key} {_usd(old[key])} → {_usd(new[key])}"
                    for key in new if old[key] != new[key]]  # fmt: skip
            yield f"~ {name}  {', '.join(told)}"


def _usd(rate_pusd: int) -> str:
    """A rate as people quote it: USD per million tokens."""
    from agentspend.core.money import usd_text

    return usd_text(rate_pusd * 1_000)


def _count(tokens: int) -> str:
    return f"{tokens:,}" if tokens else "-"
