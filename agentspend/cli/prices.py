"""`agentspend prices show|set|update`: the price table, and your own word over it."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, UsageError, as_written, confirmed, say, warn
from agentspend.cli.moments import now_us
from agentspend.core.scopes import glob

if TYPE_CHECKING:
    from agentspend.core.pricebook import PriceBook

SHOWN_CHANGES = 40
PER_MILLION = "Per million tokens."
SPARE = (">MAX OUT", ">WINDOW", ">WRITE 1H", ">WRITE 5M", ">CACHE READ")
COLUMNS = ["MODEL", ">INPUT", ">CACHE READ", ">WRITE 5M", ">WRITE 1H", ">OUTPUT", ">WINDOW",
           ">MAX OUT"]  # fmt: skip


def show(
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="PATTERN", help="Part of a name, such as opus or openai/; * is wild."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show prices in force now, your own included, in USD per million tokens."""
    book = access.price_book()
    rows = [row for _, row in _rows(book, pattern)]
    if as_json:
        output.answer({"version": book.version, "models": rows})
        return
    if not rows:
        names = [name for name, _ in _rows(book)]
        near = get_close_matches(pattern, [name.partition("/")[2] for name in names], n=1)
        raise UsageError(
            f"no model with a price has {pattern!r} in its name",
            f"agentspend prices show {near[0] if near else ''}".rstrip(),
        )
    cells = [
        [
            output.plain(row["model"]),
            *(_usd(row[name]) for name in RATES),
            _count(row["context_window"]),
            _count(row["max_output"]),
        ]
        for row in rows
    ]
    spare = [COLUMNS.index(name) for name in SPARE]
    output.table(COLUMNS, cells, spare=spare)
    count = "1 model" if len(rows) == 1 else f"{len(rows):,} models"
    output.line(f"{count}, USD per million tokens, {book.version}")


def _named(whole: str, model: str, pattern: str) -> bool:
    """Whether a model, with or without its provider, is one that is asked for."""
    if "*" not in pattern:
        return pattern in whole
    return fnmatchcase(whole, glob(pattern)) or fnmatchcase(model, glob(pattern))


RATES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


def set_price(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="PROVIDER/MODEL, * may stand in; or the name of one provider's model.",
        ),
    ],
    input_: Annotated[str, typer.Option("--input", metavar="USD", help=PER_MILLION)] = "",
    output_: Annotated[str, typer.Option("--output", metavar="USD", help=PER_MILLION)] = "",
    cache_read: Annotated[str, typer.Option(metavar="USD", help=PER_MILLION)] = "",
    cache_write_5m: Annotated[str, typer.Option(metavar="USD", help=PER_MILLION)] = "",
    cache_write_1h: Annotated[str, typer.Option(metavar="USD", help=PER_MILLION)] = "",
    multiplier: Annotated[
        str, typer.Option(metavar="FACTOR", help="Instead: times the listed price.")
    ] = "",
) -> None:
    """Set a model's price, or a discount on listed ones, in the configuration."""
    from agentspend.core.price_overrides import read_overrides

    said = {"multiplier": multiplier, "input": input_, "output": output_, "cache_read": cache_read,
            "cache_write_5m": cache_write_5m, "cache_write_1h": cache_write_1h}  # fmt: skip
    entry = {name: value for name, value in said.items() if value}
    if not entry:
        raise UsageError(
            "no price was given", f"agentspend prices set {model} --input 3 --output 15"
        )
    name = model if "/" in model else f"{_whose(model, entry)}/{model}"
    with as_written():
        read_overrides({name: entry})
    access.change_price(name, entry)
    told = ", ".join(f"{key} {value}" for key, value in entry.items())
    say(f"{name}: {told}; written to {access.folders().config}")
    say("in force from now on; charges already made keep their price")
    _of_nobody(name)


def _of_nobody(name: str) -> None:
    """Say that a price meets no model of any provider that is known: a slip, most often."""
    book, yours = access.price_book(), access.config().providers
    provider, _, model = name.partition("/")
    if "*" in provider:
        return
    known = dict.fromkeys((*yours, *book.providers()))
    if provider not in known:
        near = get_close_matches(provider, known, n=1)
        hint = f"did you mean {near[0]}/{model}?" if near else "agentspend providers list"
        warn(f"no provider is known as {provider!r}: until then nothing has this price", hint)
    elif "*" in model and not _has(book, provider, model):
        warn(f"no model of {provider} with a price is like {model!r}: until then nothing has this"
             " price", f"agentspend prices show {provider}/")  # fmt: skip


def _whose(model: str, entry: Mapping[str, str]) -> str:
    """The one provider of yours that has this model, or models of this pattern.

    Raises `UsageError` where several have or none has: a price is never set for somebody by guess.
    """
    book, yours = access.price_book(), access.config().providers
    found = [name for name in yours if _has(book, name, model)]
    if len(found) == 1:
        return found[0]
    words = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in entry.items())
    if found:
        raise UsageError(
            f"{' and '.join(found)} have {model}, each at a price of its own: say whose is meant",
            f"agentspend prices set '{found[0]}/{model}' {words}",
        )
    near = get_close_matches(model, [each for name in yours for each in book.models(name)], n=1)
    best = next(
        (name for name in yours for each in near if _has(book, name, each)), next(iter(yours))
    )
    raise UsageError(
        f"none of your providers ({', '.join(yours)}) has a model {model} yet: say whose it is",
        f"agentspend prices set '{best}/{model}' {words}",
    )


def _has(book: "PriceBook", provider: str, model: str) -> bool:
    if "*" in model:
        return any(fnmatchcase(each, model) for each in book.models(provider))
    return book.knows(provider, model)


def update(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A table; by default the one shipped."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    allow_zero: Annotated[
        bool, typer.Option("--allow-zero", help="A price that falls to nothing is right.")
    ] = False,
) -> None:
    """Take over another price table, after showing what it changes.

    Without --from, go back to the table this version of agentspend ships with.
    """
    from agentspend.prices import load_table
    from agentspend.prices.check import check_update

    before, after = access.price_table(), load_table(source)
    if before["sha256"] == after["sha256"]:
        say(f"nothing to change: table {_short(before)} is in force")
        return
    changes = check_update(before, after, allow_zero=allow_zero)
    for change in changes[:SHOWN_CHANGES]:
        output.line(f"{change.model}  {change.what}  {change.old or '-'} → {change.new or '-'}")
    if len(changes) > SHOWN_CHANGES:
        output.line(f"… and {len(changes) - SHOWN_CHANGES} more")
    say(f"{len(changes)} changes, from table {_short(before)} to {_short(after)}")
    given = f" --from {source}" if source else ""
    if not confirmed("take it over?", yes=yes, instead=f"agentspend prices update{given} --yes"):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    access.change_price_table(source.read_bytes() if source else None)
    say(f"price table {_short(after)} is in force")


def _rows(book: "PriceBook", pattern: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every model of such a name, with its rates of now in pUSD per token: `pattern` is a part of
    it, or with `*` the whole."""
    at_us, pattern = now_us(), pattern.lower()
    for provider in book.providers():
        for model in book.models(provider):
            if not _named(f"{provider}/{model}".lower(), model.lower(), pattern):
                continue
            price = book.find(provider, model)
            assert price is not None
            input_, read, write_5m, write_1h, output_, _ = price.rates(at_us, 0).effective()
            rates = (input_, read, write_5m, write_1h, output_)
            found = dict(zip(RATES, rates, strict=True))
            yield (
                f"{provider}/{model}",
                {
                    "model": f"{provider}/{model}",
                    **found,
                    "context_window": price.context_window,
                    "max_output": price.max_output,
                },
            )


def _short(table: Mapping[str, Any]) -> str:
    """A table's content hash as people compare it."""
    return str(table["sha256"])[:12]


def _usd(rate_pusd: int) -> str:
    """A rate as people quote it: USD per million tokens."""
    from agentspend.core.money import usd_text

    return usd_text(rate_pusd * 1_000)


def _count(tokens: int) -> str:
    return f"{tokens:,}" if tokens else "-"
