"""`agentspend config`: what is set, where it is set, where everything lies, and changing it."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import say
from agentspend.core.errors import AgentspendError

EDITORS = ("VISUAL", "EDITOR")
EDITOR = "vi"
"""What POSIX has where a person named none."""
JsonFlag = Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")]


def show(as_json: JsonFlag = False) -> None:
    """Show every setting with the place it comes from."""
    from agentspend.config.lines import line_of
    from agentspend.config.load import load_with_zone, read_text

    folders = access.folders()
    text, loaded = read_text(folders), load_with_zone(folders)
    config = loaded.config
    rows: list[tuple[str, str, str]] = []
    for keys, value in _values(config):
        line = line_of(text, keys) if _is_set(config.raw, keys) else None
        rows.append((_dotted(keys), _shown(value), f"line {line}" if line else "default"))
    if not config.zone:
        rows = [(name, f"{loaded.zone}", "this machine") if name == "daemon.zone" else
                (name, value, place) for name, value, place in rows]  # fmt: skip
    if as_json:
        output.answer(
            {
                "file": str(folders.config),
                "settings": [
                    {"key": name, "value": value, "from": place} for name, value, place in rows
                ],
            }
        )
        return
    exists = "" if folders.config.exists() else " (not there: all defaults)"
    output.line(f"{folders.config}{exists}")
    output.table(
        ["SETTING", "VALUE", "FROM"],
        [[output.plain(cell) for cell in row] for row in rows],
        wrap=True,
    )


def path(as_json: JsonFlag = False) -> None:
    """Show where configuration, ledger, socket and log are."""
    folders = access.folders()
    places = {
        "config": str(folders.config),
        "ledger": str(folders.ledger),
        "socket": str(folders.socket),
        "log": str(folders.log),
    }
    if as_json:
        output.answer(places)
        return
    output.table(
        ["", ""],
        [[name, output.plain(place)] for name, place in places.items()],
        head=False,
        wrap=True,
    )


def edit() -> None:
    """Open the configuration in your editor ($VISUAL, $EDITOR), and check what was written.

    The daemon takes it over by itself; what loosens a budget waits for `agentspend budget confirm`.
    """
    from agentspend.config.load import load_with_zone

    output.need_terminal("an editor", "agentspend config path    says where the file is")
    folders = access.folders()
    folders.make()
    before = folders.config.read_bytes() if folders.config.exists() else b""
    _open_editor(str(folders.config))
    load_with_zone(folders)
    after = folders.config.read_bytes() if folders.config.exists() else b""
    if after == before:
        say("nothing was changed")
    else:
        say("the configuration is valid; a daemon that runs takes it over now")
        say("→ agentspend status    shows what waits for your yes")


def _open_editor(path: str) -> None:
    """Until it is closed. Raises for one that does not start or ends with an error."""
    editor = next((os.environ[name] for name in EDITORS if os.environ.get(name)), EDITOR)
    instead = "EDITOR=nano agentspend config edit"
    try:
        ended = subprocess.run([*shlex.split(editor), path], check=False)
    except (OSError, ValueError) as error:
        raise AgentspendError(f"the editor {editor} does not start: {error}", instead) from error
    if ended.returncode:
        raise AgentspendError(
            f"the editor {editor} ended with exit code {ended.returncode}", instead
        )


def _values(config: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every setting in the order of the file's documentation."""
    import msgspec

    yield ("daemon", "port"), config.port
    yield ("daemon", "hosts"), config.hosts
    yield ("daemon", "listen"), config.listen
    yield ("daemon", "zone"), config.zone
    yield ("price_table",), config.price_table
    for provider in config.providers.values():
        for name, value in _of_provider(provider):
            yield ("providers", provider.name, name), value
    for section, keys in ((config.admission, "admission"), (config.network, "network")):
        for name, value in msgspec.structs.asdict(section).items():
            yield (keys, name), value
    yield ("statusline", "claude"), config.statusline
    for section in ("budgets", "models", "rate_limits", "downgrades"):
        for number, item in enumerate(config.raw.get(section, ())):
            for name, value in item.items():
                yield (section, number, name), value
    for section in ("loop_guard", "prices", "aliases", "unknown_model"):
        for name, value in config.raw.get(section, {}).items():
            yield (section, name), value


def _of_provider(provider: Any) -> Iterator[tuple[str, Any]]:
    """A provider's settings as the file spells them; what is empty is left out."""
    found = {
        "dialect": provider.dialects,
        "base_url": provider.base_url,
        "base_urls": dict(provider.base_urls),
        "auth": provider.auth,
        "on_disconnect": provider.on_disconnect,
        "key": provider.key,
        "key_header": provider.key_header,
        "price_prefix": _prefix(provider.lists),
        "stream_usage": provider.stream_usage,
        "free": provider.free,
        "stop_at_included": provider.stop_at_included,
        "included_margin_percent": provider.included_margin_percent,
        "login_base_url": provider.login_base_url,
    }
    yield from ((name, value) for name, value in found.items() if value not in ("", {}))


def _prefix(lists: Any) -> Any:
    """The price lists as the file names them: one for everything, or by pattern."""
    return lists[0][1] if [pattern for pattern, _ in lists] == ["*"] else dict(lists)


def _is_set(raw: Any, keys: tuple[str | int, ...]) -> bool:
    for key in keys:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _dotted(keys: tuple[str | int, ...]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _shown(value: Any) -> str:
    """A value as the file would spell it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_shown(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
