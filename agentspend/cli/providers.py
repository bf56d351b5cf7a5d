"""`agentspend providers`: who can be asked, setting one up, and a free look whether it answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentspend.cli import access, completing, keys, output
from agentspend.cli.diagnostics import ExitCode, UsageError, as_written, say, warn
from agentspend.config.ready_providers import BUILT_IN, READY
from agentspend.core.errors import AgentspendError

if TYPE_CHECKING:
    from agentspend.config.providers import Provider

Json = Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")]
SHORT = {"openai_chat": "chat", "openai_responses": "responses", "anthropic": "messages"}
_BUILT_IN = {each.name for each in BUILT_IN}


def list_providers(as_json: Json = False) -> None:
    """Show every provider: those set up, then those that need no more than `providers add`."""
    rows = list(_rows())
    if as_json:
        output.answer({"providers": rows})
        return
    cells = [
        [
            row["name"],
            " ".join(SHORT.get(each, each) for each in row["dialects"]),
            output.plain(row["base_url"] or "an address of your own"),
            "free" if row["free"] else f"{row['prices']:,}",
            (row["key"] and "stored") or ("-" if row["auth"] == "none" else "none"),
            "" if row["set_up"] else "ready",
        ]
        for row in rows
    ]
    output.table(["NAME", "SPEAKS", "BASE URL", ">PRICES", "KEY", ""], cells)
    say("→ agentspend providers add NAME    for one that is ready, or any compatible server")


def add(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A ready one, or a name of yours.",
            autocompletion=completing.ready_providers,
        ),
    ],
    base_url: Annotated[str, typer.Option(metavar="URL", help="Where it answers.")] = "",
    dialect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="API",
            help="openai_chat, openai_responses, anthropic or gemini; may be repeated.",
        ),
    ] = None,
    price_prefix: Annotated[
        str, typer.Option(metavar="LIST", help="Whose price list holds: openai, x-ai, …")
    ] = "",
    key: Annotated[
        str, typer.Option(metavar="VARIABLE", help="A variable that may hold its key.")
    ] = "",
    key_header: Annotated[
        str, typer.Option(metavar="HEADER", help="Where its key goes, if it is no bearer.")
    ] = "",
    on_disconnect: Annotated[
        str, typer.Option(metavar="WORD", help="cancel or drain, when a client hangs up.")
    ] = "",
    free: Annotated[
        bool,
        typer.Option("--free", help="Nothing it does costs anything."),
    ] = False,
) -> None:
    """Set a provider up in the configuration; nothing needs to be said of one that is ready."""
    said: dict[str, Any] = {
        "dialect": dialect[0] if dialect and len(dialect) == 1 else dialect,
        "base_url": base_url, "price_prefix": price_prefix, "key": key, "key_header": key_header,
        "on_disconnect": on_disconnect, "free": free,
    }  # fmt: skip
    entry = {setting: value for setting, value in said.items() if value}
    before = access.config().raw.get("providers", {})
    if name in before and not entry:
        say(f"{name} is set up already")
        _next(name)
        return
    with as_written():
        _check(name, {**before.get(name, {}), **entry})
    access.change_provider(name, entry)
    keys.tell_daemon()
    say(f"{name} is set up; written to {access.folders().config}")
    if name in READY and READY[name].note:
        say(f"{READY[name].title}: {READY[name].note}")
    _next(name)


def try_out(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A provider that is set up.", autocompletion=completing.providers
        ),
    ],
    model: Annotated[str, typer.Option(metavar="MODEL", help="Look for this one, too.")] = "",
    as_json: Json = False,
) -> None:
    """Ask a provider for its models with the stored key, the daemon's own way out. Costs nothing.

    The exit code is 1 where it does not answer, refuses the key, or lacks the model.
    """
    access.daemon()
    found = access.ask("provider.test", name=name)
    listed = found["models"]
    known = access.price_book().find(name, model) is not None if model else None
    good = found["status"] != 0 and found["key"] != "refused" and _has_key(name, found)
    if as_json:
        output.answer({
            "provider": name, "url": found["url"], "status": found["status"], "key": found["key"],
            "models": listed, "priced": found["priced"], "why": found["why"],
            "model": model or None, "model_listed": model in listed if model and listed else None,
            "model_priced": known,
        })  # fmt: skip
    else:
        _tell(name, found)
    good = _tell_model(name, model, listed, known=known) and good
    if not good:
        raise typer.Exit(ExitCode.FAILED)


def _has_key(name: str, found: dict[str, Any]) -> bool:
    return found["key"] != "none" or access.config().providers[name].auth in ("none", "passthrough")


def _tell(name: str, found: dict[str, Any]) -> None:
    """What a free call brought to light, in words."""
    if not found["status"]:
        warn(
            f"{name} does not answer: {found['why']}", "agentspend config show    says where it is"
        )
        return
    say(f"{name} answers at {found['url']} ({found['status']})")
    match found["key"]:
        case "accepted":
            say("the stored key is accepted")
        case "refused":
            warn("the stored key is refused", f"agentspend keys set {name}")
        case "none" if not _has_key(name, found):
            warn("no key of it is stored", f"agentspend keys set {name}")
        case "unknown":
            say("whether the key is accepted, only a paid request would tell")
    if found["models"] is None:
        say("it has no free call that lists its models")
    else:
        say(f"{len(found['models'])} models, {len(found['priced'])} of them with a known price")


def _tell_model(name: str, model: str, listed: list[str] | None, *, known: bool | None) -> bool:
    """What is known of one model; False where it cannot be asked."""
    if not model:
        return True
    if listed and model not in listed:
        warn(f"{model} is not among its models")
    if not known:
        warn(
            f"no price of {model} is known, so it would not be sent",
            f"agentspend prices set {name}/{model} --input USD --output USD",
        )
    if known and listed and model in listed:
        say(f"{model} is there, and its price is known")
    return bool(known) and (not listed or model in listed)


def _rows() -> Iterator[dict[str, Any]]:
    """Every provider, as the JSON has it."""
    from agentspend.config.providers import ready_provider
    from agentspend.config.schema import overrides_of
    from agentspend.core.pricebook import PriceBook

    config = access.config()
    ready = {name: ready_provider(name) for name in READY if name not in config.providers}
    found: dict[str, Provider] = {**config.providers, **ready}
    book = PriceBook(access.price_table(), overrides_of(config.raw, found))
    stored = dict(keys.stored())
    for name, each in found.items():
        yield {
            "name": name,
            "title": READY[name].title if name in READY else name,
            "set_up": name not in ready,
            "dialects": list(each.dialects),
            "base_url": each.base_url,
            "base_urls": dict(each.base_urls),
            "auth": each.auth,
            "key": stored.get(name),
            "on_disconnect": each.on_disconnect,
            "prices": len(book.models(name)),
            "free": each.free,
        }


def _check(name: str, entry: dict[str, Any]) -> None:
    """Refuse what the file would be refused for, in the words of the command line."""
    from agentspend.config.providers import check_name
    from agentspend.config.schema import FROM_WORDS, parse_section

    check_name(name)
    if name not in READY and not (entry.get("dialect") and entry.get("base_url")):
        raise UsageError(
            f"{name} is not ready: say what it speaks and where it answers",
            f"agentspend providers add {name} --dialect openai_chat --base-url https://host/v1",
        )
    if name in READY and not (entry.get("base_url") or READY[name].base_url):
        like = "https://RESOURCE.openai.azure.com/openai/v1"
        raise UsageError(
            f"every account of {READY[name].title} has an address of its own",
            f"agentspend providers add {name} --base-url {like}",
        )
    try:
        parse_section(name, entry)
    except AgentspendError as error:
        raise UsageError(error.message.removeprefix(f"{FROM_WORDS}: "), error.hint) from error


def _next(name: str) -> None:
    """The command that comes next."""
    provider = access.config().providers[name]
    if provider.auth not in ("none", "passthrough") and name not in dict(keys.stored()):
        say(f"→ agentspend keys set {name}")
        return
    agent = "claude" if "anthropic" in provider.dialects else "AGENT"
    chosen = "" if name in _BUILT_IN else f" --provider {name}"
    say(f"→ agentspend providers test {name}, then agentspend run{chosen} {agent}")
