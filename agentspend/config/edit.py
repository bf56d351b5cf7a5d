"""Changing config.toml as a person would: comments and order stay as they are."""

import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable, Table

from agentspend.core.budgets import BoundKind, Budget, Counts
from agentspend.core.money import usd_text

DEFAULT_WARN_PERCENTS = (50, 80)


def with_budget(text: str, name: str, budget: Budget | None) -> str:
    """The file's text with this budget set, or without it."""
    document = tomlkit.parse(text)
    listed = document.get("budgets")
    if not isinstance(listed, AoT):
        listed = _as_tables(listed or ())
        document.pop("budgets", None)
        if listed or budget is not None:
            document.append("budgets", listed)
    place = next((number for number, item in enumerate(listed) if item.get("name") == name), None)
    if budget is None:
        if place is not None:
            del listed[place]
        if not listed:
            document.pop("budgets", None)
    elif place is None:
        listed.append(_budget_table(budget))
    else:
        _fill(listed[place], budget)
    return tomlkit.dumps(document)


def with_statusline(text: str, *, shown: bool) -> str:
    """The file's text with our line under Claude Code's prompt, or without it."""
    document = tomlkit.parse(text)
    if shown:
        document.setdefault("statusline", tomlkit.table())["claude"] = True
    else:
        document.pop("statusline", None)
    return tomlkit.dumps(document)


def with_port(text: str, port: int) -> str:
    """The file's text with this port of the daemon."""
    document = tomlkit.parse(text)
    document.setdefault("daemon", tomlkit.table())["port"] = port
    return tomlkit.dumps(document)


def with_price(text: str, name: str, entry: Mapping[str, str]) -> str:
    """The file's text with this price rule ("provider/model") set."""
    document = tomlkit.parse(text)
    _sections(document, "prices")[name] = _table(entry)
    return tomlkit.dumps(document)


def with_provider(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """The file's text with these settings of a provider, the others of it as they stand."""
    document = tomlkit.parse(text)
    providers = _sections(document, "providers")
    if name not in providers:
        providers[name] = tomlkit.table()
    providers[name].update(entry)
    return tomlkit.dumps(document)


def with_price_table(text: str, sha256: str) -> str:
    """The file's text naming this price table, or none for the vendored one."""
    document = tomlkit.parse(text)
    if not sha256:
        document.pop("price_table", None)
        return tomlkit.dumps(document)
    if "price_table" in document:
        document["price_table"] = sha256
        return tomlkit.dumps(document)
    return f'price_table = "{sha256}"\n{text}'


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once, for this user only; a reader sees the old or the new one.

    Raises `OSError` with the file's own name.
    """
    real = path.resolve() if path.is_symlink() else path
    try:
        _write_beside(real, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_beside(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _as_tables(listed: Iterable[Mapping[str, Any]]) -> AoT:
    """A list written as `budgets = [{…}]` as `[[budgets]]` tables, which can be edited."""
    tables = tomlkit.aot()
    for item in listed:
        tables.append(_table(item))
    return tables


def _sections(document: tomlkit.TOMLDocument, name: str) -> Any:
    """The tables under a name, one written on a single line taken apart first."""
    found: Any = document.setdefault(name, tomlkit.table(is_super_table=True))
    if not isinstance(found, InlineTable):
        return found
    given = found.unwrap()
    document.pop(name)
    apart = tomlkit.table(is_super_table=True)
    for each, section in given.items():
        apart[each] = _table(section)
    document.append(name, apart)
    return document[name]


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    table.update(values)
    return table


def _budget_table(budget: Budget) -> Table:
    table = tomlkit.table()
    _fill(table, budget)
    return table


def _fill(table: Any, budget: Budget) -> None:
    """Write a budget's values; what equals its default is left out."""
    values: dict[str, Any] = {
        "name": budget.name,
        "limit": _cents(budget.limit_nusd),
        "window": budget.window.text(),
    }
    table.update(values)
    scope = tomlkit.inline_table()
    scope.update(dict(budget.scope.terms))
    optional: dict[str, tuple[Any, bool]] = {
        "scope": (scope, bool(budget.scope.terms)),
        "mode": (budget.mode.value, True),
        "bound": (budget.bound.value, budget.bound is not BoundKind.STRICT),
        "counts": (budget.counts.value, budget.counts is not Counts.BILLED),
        "warn_percents": (
            list(budget.warn_percents),
            budget.warn_percents != DEFAULT_WARN_PERCENTS,
        ),
    }
    for name, (value, wanted) in optional.items():
        if wanted:
            table[name] = value
        elif name in table:
            del table[name]


def _cents(limit_nusd: int) -> str:
    """Exact dollars with at least cents: "25.00"."""
    whole, _, fraction = usd_text(limit_nusd).partition(".")
    return f"{whole}.{fraction:0<2}"
