"""The real daemon as another version of it: it reports that one, and was never told of some things.

Words: the version, then names of operations and answer fields that it does not know. It has no
kinds of errors, and cannot read a payer with a team; with the word `team` it takes no notice of it,
with `key.team` of none that a key names.
"""

import json
import sys

import agentspend
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.core.virtual_keys import VirtualKey, key_of
from agentspend.daemon import control_api, virtual_keys
from agentspend.daemon.key_operations import KeyOperations
from agentspend.daemon.main import main
from agentspend.wire.control import write_answer

agentspend.__version__, *UNKNOWN = sys.argv[1:]
read_known, known_operations = Payer.from_known.__func__, control_api.ControlApi.__init__  # type: ignore[attr-defined]


async def any_team(*_: object) -> None:
    """No team of a key is looked at."""


def key_without_team(alias: str, settings: dict[str, object]) -> VirtualKey:
    """A key as it was before keys had teams."""
    return key_of(alias, {name: each for name, each in settings.items() if name != "team"})


def from_known(cls: type[Payer], known: dict[str, object]) -> Payer:
    """A payer as it was before there were teams."""
    if known.get("team") and "team" not in UNKNOWN:
        raise TypeError("Payer.__init__() got an unexpected keyword argument 'team'")
    found: Payer = read_known(cls, {n: each for n, each in known.items() if n != "team"})
    return found


def listen(self: control_api.ControlApi, path: object, operations: dict[str, object]) -> None:
    """The control API without the operations that came later."""
    known_operations(self, path, {op: it for op, it in operations.items() if op not in UNKNOWN})


def answer(fields: dict[str, object]) -> bytes:
    """An answer without the fields that came later."""
    return write_answer({name: each for name, each in fields.items() if name not in UNKNOWN})


def error(told: AgentspendError) -> bytes:
    """An error from before there were kinds."""
    found = {"v": 1, "error": {"message": told.message, "hint": told.hint}}
    return json.dumps(found).encode() + b"\n"


if "key.team" in UNKNOWN:
    KeyOperations._require_team = any_team  # type: ignore[method-assign, assignment]
    virtual_keys.key_of = key_without_team  # type: ignore[attr-defined, assignment]
Payer.from_known = classmethod(from_known)  # type: ignore[method-assign, assignment]
control_api.ControlApi.__init__ = listen  # type: ignore[method-assign, assignment]
control_api.write_answer = answer  # type: ignore[attr-defined, assignment]
control_api.write_error = error  # type: ignore[attr-defined]
sys.exit(main())
