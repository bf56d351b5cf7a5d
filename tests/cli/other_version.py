"""The real daemon as another version of it: it reports that one, and was never told of some things.

Words: the version, then names of operations and answer fields that it does not know. It has no
kinds of errors, and cannot read a payer with a team; with the word `team` it takes no notice of it.
"""

import json
import sys

import agentspend
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.daemon import control_api
from agentspend.daemon.main import main
from agentspend.wire.control import write_answer

agentspend.__version__, *UNKNOWN = sys.argv[1:]
read_known, known_operations = Payer.from_known.__func__, control_api.ControlApi.__init__  # type: ignore[attr-defined]


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


Payer.from_known = classmethod(from_known)  # type: ignore[method-assign, assignment]
control_api.ControlApi.__init__ = listen  # type: ignore[method-assign, assignment]
control_api.write_answer = answer  # type: ignore[attr-defined, assignment]
control_api.write_error = error  # type: ignore[attr-defined]
sys.exit(main())
