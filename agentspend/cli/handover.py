"""Taking a provider key out of this process's environment, for good.

`/proc/PID/environ` shows the environment a program was started with, whatever it does to its own
variables. So `run` writes the keys into a pipe and executes itself anew without them: the process
that stays as the agent's parent never had them.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from agentspend.config.ready_providers import BUILT_IN, READY

KEYS_FD = "AGENTSPEND_KEYS_FD"
_OURS = re.compile(r"AGENTSPEND_([A-Z0-9_]+)_KEY")


@dataclass(frozen=True, slots=True)
class Handed:
    """One key out of the caller's environment.

    `ours`: its variable is meant for us, so no agent ever sees it and it counts as a stored key.
    """

    variable: str
    provider: str
    key: str
    ours: bool


def take_keys(chosen: Sequence[str] = ()) -> list[Handed]:
    """The keys of the caller's environment; starts this program anew to be rid of them.

    Looked for are those of the providers that are built in, those of `chosen` ones, and every one
    in a variable of ours; of two for one provider the later is used. Does not return the first
    time when there are any.
    """
    handle = os.environ.pop(KEYS_FD, "")
    if handle:
        return _read(int(handle))
    found = keys_in(os.environ, chosen, _named_in_configuration(chosen))
    if found:
        _start_anew(found, os.environ)
    return []


def keys_in(
    env: Mapping[str, str], chosen: Sequence[str], named: Mapping[str, str]
) -> list[Handed]:
    """The keys in an environment; `named` are variables that the configuration says hold one."""
    ours = [(name, match[1].lower().replace("_", "-"), True)
            for name in env if (match := _OURS.fullmatch(name))]  # fmt: skip
    wanted = dict.fromkeys([*(each.name for each in BUILT_IN), *chosen])
    theirs = [
        (variable, name, False)
        for name in wanted
        for variable in (READY[name].key_variables if name in READY else ())
    ]
    theirs += [(variable, name, False) for name, variable in named.items()]
    return [
        Handed(variable, provider, env[variable], is_ours)
        for variable, provider, is_ours in [*ours, *theirs]
        if env.get(variable)
    ]


def _named_in_configuration(chosen: Sequence[str]) -> dict[str, str]:
    """`[providers.NAME] key` of the chosen ones; read by hand, because `run` must start fast."""
    if not chosen:
        return {}
    import tomllib

    from agentspend.config.paths import Paths

    try:
        said = tomllib.loads(Paths.find().config.read_text("utf-8-sig")).get("providers", {})
        found = {name: said[name].get("key", "") for name in chosen if name in said}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return {name: key for name, key in found.items() if isinstance(key, str) and key}


def _start_anew(keys: Sequence[Handed], env: Mapping[str, str]) -> None:
    """Execute this same command without the keys in its environment."""
    read_end, write_end = os.pipe()
    os.write(write_end, json.dumps([astuple(each) for each in keys]).encode())
    os.close(write_end)
    os.set_inheritable(read_end, True)
    taken = {each.variable for each in keys}
    clean = {name: value for name, value in env.items() if name not in taken}
    os.execve(sys.executable, _own_command(), {**clean, KEYS_FD: str(read_end)})


def _own_command() -> list[str]:
    """How this process was started, with the interpreter's full path in front."""
    return [sys.executable, *sys.orig_argv[1:]]


def _read(handle: int) -> list[Handed]:
    with os.fdopen(handle, "rb") as pipe:
        return [Handed(*each) for each in json.loads(pipe.read())]
