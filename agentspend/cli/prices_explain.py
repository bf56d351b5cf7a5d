"""`agentspend prices explain`: what one answer of a provider costs, line by line.

The fixed JSON shape is `core.explain`'s. Needs no daemon: it reads the files it is given and the
prices in force here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import UsageError
from agentspend.cli.moments import now_us
from agentspend.core.money import usd_text


def explain(
    response: Annotated[
        Path, typer.Argument(metavar="RESPONSE_FILE", help="JSON or event stream.")
    ],
    provider: Annotated[str, typer.Option(help="Whose answer it is.")] = "anthropic",
    api: Annotated[str, typer.Option(help="Which API answered.")] = "messages",
    model: Annotated[str, typer.Option(help="The model that was asked for.")] = "",
    at: Annotated[str, typer.Option(metavar="ISO", help="When; by default now.")] = "",
    http_status: Annotated[int, typer.Option(help="The answer's status.")] = 200,
    request: Annotated[Path | None, typer.Option(help="The request's JSON.")] = None,
    upstream_host: Annotated[str, typer.Option(help="The host that answered.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Price an answer you saved, and show how."""
    asked = _object(request) if request is not None else {}
    found = priced(
        _read(response),
        asked=asked,
        provider=provider,
        api=api,
        model=model or str(asked.get("model", "")),
        at_us=_moment(at),
        http_status=http_status,
        upstream_host=upstream_host,
    )
    if as_json:
        output.json_line(found)
    else:
        _show(found)


def priced(
    answer: bytes,
    *,
    asked: Mapping[str, Any],
    provider: str,
    api: str,
    model: str,
    at_us: int,
    http_status: int,
    upstream_host: str,
) -> dict[str, Any]:
    """The bill of one answer. `asked` is its request; `agentspend_config` in it adds settings."""
    from agentspend.core.explain import Answered
    from agentspend.core.explain import explain as bill
    from agentspend.dialects.answers import content_type_of, facts_for, meter_for

    facts = facts_for(provider, api, asked, model)
    meter = meter_for(provider, api, facts, http_status, content_type_of(answer))
    meter.feed(answer)
    book = access.price_book(asked.get("agentspend_config", {}))
    metered = meter.end(complete=True)
    return bill(book, Answered(provider, api, model, at_us, http_status, metered, upstream_host))


def _moment(text: str) -> int:
    from datetime import UTC, datetime

    if not text:
        return now_us()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a moment", "write it like 2026-11-24T12:00:00Z"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}",
            "agentspend prices explain --model claude-opus-5 answer.json",
        ) from None


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path} is not a JSON object")
    return found


def _show(found: dict[str, Any]) -> None:
    """The bill for people."""
    if found["billing"] == "blocked":
        near = ", ".join(found.get("nearest", [])) or "none like it"
        output.line(f"refused: {found['error'].replace('_', ' ')}; known: {near}")
        return
    if found["usd"] is None:
        output.line(f"unknown: the answer tells no usage ({found['prices']})")
        return
    rows = [
        [line["what"], f"{line['count']:,}", f"{line['rate_pusd'] / 1e6:g}",
         usd_text(-(-line["picousd"] // 1000))]
        for line in found["lines"]
    ]  # fmt: skip
    if rows:
        output.table(["WHAT", ">COUNT", ">USD PER 1M", ">USD"], rows)
    model = f" at {found['priced_model']}'s prices" if "priced_model" in found else ""
    output.line(f"${found['usd']}  {found['billing']}{model} ({found['prices']})")
