"""`agentspend keys`: provider keys, kept where only their owner reads them.

A key comes in through a pipe or a hidden prompt, never as an argument: arguments are seen by every
process of the machine and stay in the shell's history. No command ever shows one.
"""

import difflib
import getpass
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import UsageError, say, warn
from agentspend.config.secret_text import KEY_BEGINS, MAX_FILE_BYTES, checked_key, looks_right
from agentspend.core.errors import AgentspendError, DaemonUnreachable, KeyStoreError

if TYPE_CHECKING:
    from agentspend.config.secrets import KeyStore

KEYRING_WITHIN_S = 60.0
"""A person may have to unlock the keyring in another window first."""
MIN_PASSPHRASE_CHARS = 8
LONGEST_ECHOED_NAME = 20
"""A word longer than a provider's name may be a key, and is not repeated."""

Provider = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER",
        help="Whose key: anthropic, openai, google, or one that `providers list` shows.",
        autocompletion=completing.ready_providers,
    ),
]


def set_key(
    provider: Provider,
    surplus: Annotated[list[str] | None, typer.Argument(hidden=True, metavar=" ")] = None,
    plain_file: Annotated[
        bool,
        typer.Option(
            "--plain-file",
            help="Unencrypted, in a file only you can read: no prompt later, also over SSH.",
        ),
    ] = False,
) -> None:
    """Store a provider's key, read from a pipe or asked for without showing it."""
    _known(provider, "agentspend providers list    names those to choose from")
    if surplus:
        raise UsageError(
            "a key is not taken from the command line: other processes see it there, and the"
            " shell's history keeps it",
            f"agentspend keys set {provider}    asks for it; replace a key that was typed openly",
        )
    key = checked_key(provider, _secret(f"key for {provider} (not shown): "), "what was given")
    store = _store()
    where, passphrase = _stored(store, provider, key, plain_file=plain_file)
    say(f"stored {provider}'s key in {where}")
    if not looks_right(provider, key):
        warn(
            f"it does not look like a key of {provider}: those begin with {KEY_BEGINS[provider]}",
            f"agentspend keys set {provider}    replaces it, unless a gateway gave it to you",
        )
    _tell_shadow(store, provider, where)
    tell_daemon(passphrase)


def _stored(store: "KeyStore", provider: str, key: str, *, plain_file: bool) -> tuple[str, str]:
    """Where the key went, and the passphrase it was encrypted with, if it was."""
    from agentspend.config.secrets import NoKeyringError

    if plain_file:
        where = store.write_plain(provider, key)
        warn(
            f"{where} hides nothing: whatever runs as you can read the key, agents too",
            f"on a machine with a keyring: agentspend keys set {provider}",
        )
        return where, ""
    try:
        return store.write(provider, key), ""
    except NoKeyringError as error:
        if not _has_terminal():
            raise
        passphrase = _new_passphrase(provider, error)
        return _store(passphrase).write_encrypted(provider, key), passphrase


def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show which provider keys there are and where, never the keys."""
    store = _store()
    rows = [
        (provider, where, number == 0)
        for provider in store.names()
        for number, where in enumerate(store.places(provider))
    ]
    if as_json:
        names = ("provider", "where", "used")
        output.answer({"keys": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    if not rows:
        say("no provider key is stored; agents use their own login or key")
        say("→ agentspend keys set anthropic")
        return
    output.table(
        ["PROVIDER", "WHERE", ""],
        [
            [provider, output.plain(where), "" if used else "not used: the first one counts"]
            for provider, where, used in rows
        ],
    )


def remove_key(provider: Provider) -> None:
    """Forget a provider's key."""
    _known(provider, "agentspend keys list")
    store = _store()
    try:
        gone = store.remove(provider)
    finally:
        tell_daemon()
    for where in gone:
        say(f"removed {provider}'s key from {where}")
    if not gone:
        say(f"no key of {provider} was stored")
    for where in store.places(provider):
        warn(f"{provider}'s key still comes from {where}", "take it away there")


def unlock_keys() -> None:
    """Give the daemon the passphrase of an encrypted key; once after each of its starts."""
    if not _store().locked():
        say("no key waits for a passphrase")
        return
    passphrase = _secret("passphrase (not shown): ").rstrip("\r\n")
    store = _store(passphrase)
    for provider, _ in store.stored():
        store.read(provider)
    access.daemon()
    access.ask("keys.changed", passphrase=passphrase)
    say("the daemon can read its keys until it stops")


def stored() -> list[tuple[str, str]]:
    """(provider, where) for every provider that has a key. Asks for nothing, unlocks nothing."""
    return _store().stored()


def _store(passphrase: str = "") -> "KeyStore":
    from agentspend.config.secrets import KeyStore

    return KeyStore(access.folders().data, os.environ, passphrase, KEYRING_WITHIN_S, _variables())


def _variables() -> dict[str, str]:
    """The configured providers with the variable of each one's key; none of a broken file."""
    try:
        return {name: each.key for name, each in access.config().providers.items()}
    except AgentspendError:
        return {}


def _known(provider: str, otherwise: str) -> None:
    """Refuse a provider that is none. What may be a key in its place is not repeated."""
    known = _store().names()
    if provider in known:
        return
    near = difflib.get_close_matches(provider, known, n=1)
    named = f"{provider!r}" if len(provider) <= LONGEST_ECHOED_NAME else "of that name"
    raise UsageError(
        f"no provider {named} is known; known: {', '.join(known)}",
        f"did you mean {near[0]}?" if near else otherwise,
    )


def _secret(prompt: str) -> str:
    """What comes through the pipe, else what a person types at a prompt that does not show it."""
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    return _typed(prompt)


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        raise UsageError("nothing was typed; nothing changed") from None


def _has_terminal() -> bool:
    """Whether a person can be asked: a key through a pipe leaves the terminal free for that."""
    return sys.stdin.isatty() or sys.stderr.isatty()


def _new_passphrase(provider: str, reason: KeyStoreError) -> str:
    """A passphrase typed twice, for somebody who would rather have a file than nothing."""
    again = f"agentspend keys set {provider}"
    warn(reason.message)
    say("A passphrase keeps it in an encrypted file instead; the daemon needs it after each start.")
    say(f"→ without a prompt later, and without encryption: {again} --plain-file")
    wanted = f"new passphrase, at least {MIN_PASSPHRASE_CHARS} characters"
    first = _typed(f"{wanted}, or nothing to leave it (not shown): ")
    if not first:
        raise reason
    if len(first) < MIN_PASSPHRASE_CHARS:
        raise UsageError(
            f"a passphrase needs at least {MIN_PASSPHRASE_CHARS} characters; nothing was stored",
            f"{again}    asks again",
        )
    if _typed("the same again: ") != first:
        raise UsageError("the two passphrases differ; nothing was stored",
                         f"{again}    asks again")  # fmt: skip
    return first


def _tell_shadow(store: "KeyStore", provider: str, where: str) -> None:
    """Say when another place comes before the one just written."""
    first = store.places(provider)[0]
    if first != where:
        warn(f"it is not used: {first} comes first", "take that away where it is set")


def tell_daemon(passphrase: str = "") -> None:
    """Have a running daemon read its keys anew; what it cannot do is said, and undoes nothing."""
    try:
        access.ask("keys.changed", passphrase=passphrase)
    except DaemonUnreachable:
        return
    except AgentspendError as error:
        warn(f"the running daemon cannot use the change: {error.message}", error.hint)
