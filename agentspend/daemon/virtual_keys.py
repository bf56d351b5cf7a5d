"""Virtual keys on disk and in memory: every act is a row changed and a ledger entry, then in force.

A token is handed out once, where it is made; what is kept of it is its SHA-256.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.scopes import Payer
from agentspend.core.virtual_keys import TOKEN_PREFIX, VirtualKey, key_of
from agentspend.proxy.sessions import token_hash
from agentspend.proxy.virtual_keys import Holder, VirtualKeys
from agentspend.store import virtual_keys as store

TOKEN_BYTES = 32


class KeyBook:
    """Makes, changes and ends virtual keys; `keys` are those in force, which the proxy asks."""

    def __init__(self, bookkeeper: Bookkeeper, keys: VirtualKeys) -> None:
        self._bookkeeper = bookkeeper
        self._keys = keys
        self._turn = asyncio.Lock()

    async def load(self) -> None:
        """Take over what the ledger's database knows."""
        keys, tokens = await self._bookkeeper.ask(
            lambda books, _: (store.all_keys(books.conn), store.all_tokens(books.conn))
        )
        for number, key in keys.items():
            self._keys.put(number, key)
        for hashed, number, until_us in tokens:
            self._keys.put_token(hashed, number, until_us)

    async def create(self, alias: str, settings: Mapping[str, Any], expires_in_s: int) -> str:
        """Make a key and return its token, which is shown this once."""
        wanted, token = key_of(alias, settings), _new_token()

        def work(books: Books, at: Moment) -> tuple[int, VirtualKey]:
            now_us = books.now(at)
            key = replace(wanted, created_us=now_us, expires_us=_end_us(now_us, expires_in_s))
            number = store.add(books.conn, key)
            store.add_token(books.conn, token_hash(token), number)
            _note(books, now_us, key, "created", _chosen(key))
            return number, key

        async with self._turn:
            if self._keys.named(alias) is not None:
                raise AgentspendError(
                    f"there is a virtual key named {alias!r} already",
                    f"agentspend key rotate {alias}    gives it a new token",
                )
            number, key = await self._bookkeeper.ask(work)
            self._keys.put(number, key)
            self._keys.put_token(token_hash(token), number)
        return token

    async def update(self, alias: str, settings: Mapping[str, Any], expires_in_s: int) -> Holder:
        """Change what was chosen for a key; what is not in `settings` stays as it is."""
        async with self._turn:
            holder = self.named(alias)
            wanted = key_of(alias, {**holder.key.settings(), **settings})

            def changed(key: VirtualKey, now_us: int) -> VirtualKey:
                return replace(
                    wanted,
                    created_us=key.created_us,
                    blocked_us=key.blocked_us,
                    expires_us=_end_us(now_us, expires_in_s) or key.expires_us,
                )

            await self._change(holder, "updated", changed)
        return holder

    async def block(self, alias: str) -> None:
        """Refuse every request that shows this key from now on."""
        await self._set_blocked(alias, blocked=True)

    async def unblock(self, alias: str) -> None:
        """Let a blocked key's requests through again."""
        await self._set_blocked(alias, blocked=False)

    async def rotate(self, alias: str, grace_s: int, expires_in_s: int) -> str:
        """A new token for a key; the old ones work for the grace. 0 leaves the key's end alone."""
        token = _new_token()
        async with self._turn:
            holder = self.named(alias)

            def work(books: Books, at: Moment) -> tuple[VirtualKey, int]:
                now_us = books.now(at)
                until_us = now_us + grace_s * 1_000_000
                ends_us = _end_us(now_us, expires_in_s) or holder.key.expires_us
                key = replace(holder.key, expires_us=ends_us)
                store.change(books.conn, holder.number, key)
                store.end_tokens(books.conn, holder.number, until_us)
                store.add_token(books.conn, token_hash(token), holder.number)
                _note(books, now_us, key, "rotated", {"old_until_us": until_us, **_expiry(key)})
                return key, until_us

            key, until_us = await self._bookkeeper.ask(work)
            self._keys.put(holder.number, key)
            self._keys.end_tokens(holder.number, until_us)
            self._keys.put_token(token_hash(token), holder.number)
        return token

    async def delete(self, alias: str) -> Holder:
        """End a key for good; its name is free again."""
        async with self._turn:
            holder = self.named(alias)
            await self._change(
                holder, "deleted", lambda key, now_us: replace(key, deleted_us=now_us)
            )
        return holder

    def named(self, alias: str) -> Holder:
        """The key of this name. Raises `AgentspendError` with the way to find it."""
        found = self._keys.named(alias)
        if found is None:
            known = ", ".join(each.key.alias for each in self._keys.all()) or "there is none"
            raise AgentspendError(
                f"no virtual key is named {alias!r}: {known}",
                "agentspend key list",
                Kind.UNKNOWN_NAME,
            )
        return found

    def all(self) -> list[Holder]:
        """Every key that is not deleted, oldest first."""
        return self._keys.all()

    async def _set_blocked(self, alias: str, *, blocked: bool) -> None:
        async with self._turn:
            holder = self.named(alias)
            if (holder.key.blocked_us is not None) == blocked:
                return
            await self._change(
                holder,
                "blocked" if blocked else "unblocked",
                lambda key, now_us: replace(key, blocked_us=now_us if blocked else None),
            )

    async def _change(
        self, holder: Holder, act: str, changed: Callable[[VirtualKey, int], VirtualKey]
    ) -> None:
        """Change a key's row with an entry of the act, then in memory."""

        def work(books: Books, at: Moment) -> VirtualKey:
            now_us = books.now(at)
            key = changed(holder.key, now_us)
            store.change(books.conn, holder.number, key)
            _note(books, now_us, key, act, _chosen(key) if act == "updated" else {})
            return key

        self._keys.put(holder.number, await self._bookkeeper.ask(work))


def lines(books: Books, at: Moment, keys: Iterable[VirtualKey]) -> list[dict[str, Any]]:
    """One line a key, as `key list --json` shows it: never its token, nor the hash of one."""
    now_us = books.now(at)
    return [_line(books, key, now_us) for key in keys]


def _line(books: Books, key: VirtualKey, now_us: int) -> dict[str, Any]:
    nothing = {"models": [], "tags": [], "agent": "", "provider": "", "project": "",
               "team": ""}  # fmt: skip
    limits = {"tpm": key.tpm, "rpm": key.rpm, "parallel": key.parallel}
    return {
        "alias": key.alias,
        "state": key.state(now_us).value,
        **nothing,
        **key.settings(),
        **limits,
        "created_us": key.created_us,
        "expires_us": key.expires_us,
        "last_used_us": store.last_charged_us(books.conn, key.alias),
    }


def _note(books: Books, now_us: int, key: VirtualKey, act: str, chosen: dict[str, Any]) -> None:
    """The act's entry in the ledger: who and what, never a token."""
    fields: dict[str, object] = {"text": act}
    if chosen:
        fields["policy"] = chosen
    seq = books.chain.append("key", now_us, fields, payer=Payer(key=key.alias))
    books.events.append(Event("key", {"seq": seq, "key": key.alias, "act": act}))


def _new_token() -> str:
    return f"{TOKEN_PREFIX}{secrets.token_urlsafe(TOKEN_BYTES)}"


def _end_us(now_us: int, in_s: int) -> int | None:
    return now_us + in_s * 1_000_000 if in_s else None


def _chosen(key: VirtualKey) -> dict[str, Any]:
    return {**key.settings(), **_expiry(key)}


def _expiry(key: VirtualKey) -> dict[str, int]:
    return {"expires_us": key.expires_us} if key.expires_us is not None else {}
