"""How a command reaches the daemon and the configuration: only this knows where they are."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from agentspend.cli.diagnostics import warn
from agentspend.config.paths import Paths
from agentspend.control import client
from agentspend.control.client import Connection, Message, call
from agentspend.control.start import ensure_daemon
from agentspend.control.versions import is_older
from agentspend.core.errors import DaemonUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    from agentspend.cli.ledger_reading import Ask
    from agentspend.config.schema import Config
    from agentspend.core.budgets import Budget
    from agentspend.core.price_table import Table
    from agentspend.core.pricebook import PriceBook

client.tell = warn


def folders() -> Paths:
    """Where configuration, ledger, socket and logs are."""
    return Paths.find()


def config() -> "Config":
    """The configuration as the files say it now."""
    from agentspend.config.load import load

    return load(folders())


def ask(op: str, **fields: Any) -> Message:
    """One question to the running daemon; `DaemonUnreachable` when there is none."""
    return call(folders().socket, op, **fields)


def reading(
    *, must_exist: bool = True, whole: bool = True
) -> "AbstractContextManager[tuple[Ask, bool]]":
    """Who can be asked to look at the ledger, and whether it is the daemon: else the file, read
    through for damage where `whole`."""
    from agentspend.cli.offline import reader

    return reader(folders(), ask, must_exist=must_exist, whole=whole)


def connection() -> Connection:
    """An open conversation with the running daemon."""
    return Connection(folders().socket)


def daemon() -> Message:
    """The daemon's `ping`, started first when it is not running; an older one that nobody uses is
    replaced."""
    found = folders()
    found.make()
    return _current(ensure_daemon(found.socket, found.log))


def price_book(extra: dict[str, Any] | None = None) -> "PriceBook":
    """The prices this user's files say; `extra` are more tables of a configuration over them."""
    from agentspend.config.schema import overrides_of
    from agentspend.core.pricebook import PriceBook

    found = config()
    raw = dict(found.raw)
    for name, table in (extra or {}).items():
        raw[name] = {**raw.get(name, {}), **table}
    return PriceBook(price_table(), overrides_of(raw, found.providers))


def price_table() -> "Table":
    """The price table that is named in the configuration."""
    from agentspend import prices

    sha256 = config().price_table
    return prices.load_table(folders().price_table(sha256), sha256)


def change_budget(name: str, budget: "Budget | None") -> None:
    """Write one budget to the file (None: take it out) and have the daemon adopt just that.

    On a refusal the file is as it was.
    """
    from agentspend.config.edit import with_budget
    from agentspend.core.policy import budget_to_dict

    daemon()
    wanted = budget_to_dict(budget) if budget is not None else None
    after = with_budget(_text(), name, budget)
    _change_file(after, "budget.set", name=name, budget=wanted)


def change_price(name: str, entry: dict[str, str]) -> None:
    """Write one price rule to the file and have the daemon adopt it."""
    from agentspend.config.edit import with_price

    _change_settings(lambda text: with_price(text, name, entry))


def change_provider(name: str, entry: dict[str, Any]) -> None:
    """Write settings of one provider to the file and have the daemon adopt them."""
    from agentspend.config.edit import with_provider

    _change_settings(lambda text: with_provider(text, name, entry))


def change_price_table(content: bytes | None) -> None:
    """Take over a price table (None: the vendored one) and have the daemon adopt it."""
    from agentspend.config.edit import with_price_table, write_whole
    from agentspend.prices import read_table

    sha256 = str(read_table(content)["sha256"]) if content is not None else ""
    kept = folders().price_table(sha256)
    if kept is not None and content is not None:
        write_whole(kept, content)
    _change_settings(lambda text: with_price_table(text, sha256))


def change_plain(edit: Callable[[str], str]) -> None:
    """Change what neither loosens nor tightens anything; the daemon reads it by itself."""
    from agentspend.config.edit import write_whole
    from agentspend.config.schema import parse_config

    path = folders().config
    folders().make()
    after = edit(_text())
    parse_config(after, str(path))
    write_whole(path, _as_it_was(after, _bytes(path)))


def _change_settings(edit: Callable[[str], str]) -> None:
    from agentspend.config.schema import parse_config

    daemon()
    after = edit(_text())
    _change_file(after, "settings.set", settings=parse_config(after).settings)


def renew() -> None:
    """Replace the daemon where one runs that is older than this command, and nobody needs it."""
    try:
        running = ask("ping")
    except DaemonUnreachable:
        return
    _current(running)


def _current(running: Message) -> Message:
    """The same `ping`, or that of the daemon which took its place."""
    if not is_older(str(running["version"])):
        return running
    from agentspend.cli.renewal import renewed

    return renewed(running, folders())


def _text() -> str:
    from agentspend.config.load import read_text

    return read_text(folders())


def _change_file(after: str, op: str, **fields: Any) -> None:
    """Replace the file's text and ask the daemon to adopt it; put it back on a refusal."""
    from agentspend.config.edit import write_whole
    from agentspend.config.schema import parse_config
    from agentspend.core.errors import AgentspendError

    path = folders().config
    parse_config(after, str(path))
    before = _bytes(path)
    write_whole(path, _as_it_was(after, before))
    try:
        ask(op, **fields)
    except AgentspendError:
        write_whole(path, before)
        raise


def _bytes(path: "Path") -> bytes:
    return path.read_bytes() if path.exists() else b""


def _as_it_was(text: str, before: bytes) -> bytes:
    """The file's new text with the line ends it had: an editor on Windows writes its own."""
    return text.replace("\n", "\r\n" if b"\r\n" in before else "\n").encode()
