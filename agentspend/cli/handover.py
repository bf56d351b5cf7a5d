"""Taking a provider key out of this process's environment, for good.

`/proc/PID/environ` shows the environment a program was started with, whatever it does to its own
variables. So `run` writes the keys into a pipe and executes itself anew without them: the process
that stays as the agent's parent never had them.
"""

import json
import os
import sys
from collections.abc import Mapping

KEYS_FD = "AGENTSPEND_KEYS_FD"
OURS = {
    "AGENTSPEND_ANTHROPIC_KEY": "anthropic",
    "AGENTSPEND_OPENAI_KEY": "openai",
    "AGENTSPEND_GOOGLE_KEY": "google",
}
"""Variables meant for us, so no agent ever sees them; they count as a stored key."""
KEY_VARIABLES = OURS | {
    "ANTHROPIC_API_KEY": "anthropic",
    "CODEX_API_KEY": "openai",
    "OPENAI_API_KEY": "openai",
    "GOOGLE_API_KEY": "google",
    "GEMINI_API_KEY": "google",
}
"""Variables that hold a provider's key, and the provider; of two, the later one is used."""


def take_keys() -> dict[str, str]:
    """The keys of the caller's environment by variable; starts this program anew to be rid of them.

    Does not return the first time when there are any.
    """
    handle = os.environ.pop(KEYS_FD, "")
    if handle:
        return _read(int(handle))
    found = {name: os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)}
    if found:
        _start_anew(found, os.environ)
    return {}


def _start_anew(keys: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Execute this same command without the keys in its environment."""
    read_end, write_end = os.pipe()
    os.write(write_end, json.dumps(keys).encode())
    os.close(write_end)
    os.set_inheritable(read_end, True)
    clean = {name: value for name, value in env.items() if name not in KEY_VARIABLES}
    os.execve(sys.executable, _own_command(), {**clean, KEYS_FD: str(read_end)})


def _own_command() -> list[str]:
    """How this process was started, with the interpreter's full path in front."""
    return [sys.executable, *sys.orig_argv[1:]]


def _read(handle: int) -> dict[str, str]:
    with os.fdopen(handle, "rb") as pipe:
        found: dict[str, str] = json.loads(pipe.read())
    return found
