"""Virtual keys in memory: a token is looked up by its hash, and either stands for a key or not.

A token that was good once is told what became of it, and the command that changes it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from agentspend.core.virtual_keys import KeyState, VirtualKey
from agentspend.proxy.sessions import token_hash

UNKNOWN = (
    "agentspend: this virtual key is not known here. Make one, in another terminal:"
    " agentspend key create --alias NAME"
)
_CHANGE = "To change it, in another terminal:"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose request it is: a key, and the number of its row."""

    number: int
    key: VirtualKey


class VirtualKeys:
    """Every key and every token of one device, the ended ones too."""

    def __init__(self) -> None:
        self._keys: dict[int, VirtualKey] = {}
        self._tokens: dict[str, tuple[int, int | None]] = {}

    def put(self, number: int, key: VirtualKey) -> None:
        """Take over a key, new or changed."""
        self._keys[number] = key

    def put_token(self, hashed: str, number: int, until_us: int | None = None) -> None:
        """Take over a token by its hash; it works until `until_us`, None for as long as its key."""
        self._tokens[hashed] = (number, until_us)

    def end_tokens(self, number: int, until_us: int) -> None:
        """Let every token of a key work no longer than until this moment."""
        for hashed, (owner, ends_us) in self._tokens.items():
            if owner == number:
                self._tokens[hashed] = (owner, min(until_us, ends_us or until_us))

    def named(self, alias: str) -> Holder | None:
        """The key of this name that is not deleted."""
        return next((each for each in self.all() if each.key.alias == alias), None)

    def all(self) -> list[Holder]:
        """Every key that is not deleted, oldest first."""
        found = [Holder(*each) for each in sorted(self._keys.items(), key=lambda item: item[0])]
        return [each for each in found if each.key.deleted_us is None]

    def find(self, token: str, now_us: int, zone: tzinfo) -> Holder | str:
        """The key behind a token, or the message for whoever shows one that lets nobody in."""
        number, until_us = self._tokens.get(token_hash(token), (0, None))
        key = self._keys.get(number)
        if key is None:
            return UNKNOWN
        name = key.alias
        match key.state(now_us):
            case KeyState.DELETED:
                return (
                    f"agentspend: virtual key {name!r} was deleted. Make a new one, in another"
                    f" terminal: agentspend key create --alias {name}"
                )
            case KeyState.BLOCKED:
                return (
                    f"agentspend: virtual key {name!r} is blocked. {_CHANGE}"
                    f" agentspend key unblock {name}"
                )
            case KeyState.EXPIRED:
                return (
                    f"agentspend: virtual key {name!r} expired {_text(key.expires_us, zone)}."
                    f" {_CHANGE} agentspend key rotate {name} --expires 90d"
                )
        if until_us is not None and until_us <= now_us:
            return (
                f"agentspend: this token of virtual key {name!r} was replaced"
                f" {_text(until_us, zone)}: use the new one. {_CHANGE}"
                f" agentspend key rotate {name}"
            )
        return Holder(number, key)


def _text(moment_us: int | None, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp((moment_us or 0) / 1_000_000, UTC).astimezone(zone)
    return moment.strftime("%Y-%m-%d %H:%M %Z")
