"""`agentspend statusline`: one line for Claude Code, tmux or a prompt. Standard library only.

Runs after every turn, so it starts by the shortest way and never waits for a daemon that is gone
or busy: whatever cannot be told at once is left out.
"""

import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentspend.core.printable import in_encoding

WITHIN_S = 0.25
STDIN_WITHIN_S = 0.05
MAX_STDIN_BYTES = 1024 * 1024
BAR_CELLS = 10
NUSD = 10**9
DAY_S = 86_400
NEAR_PERCENT, FULL_PERCENT = 80, 100
FORMATS = ("claude", "tmux", "plain")
_OURS = re.compile(r"/[sk]/([^/]+)")
_ANSI = {"red": "\x1b[31m", "yellow": "\x1b[33m", "dim": "\x1b[2m"}
_TMUX = {"red": "#[fg=red]", "yellow": "#[fg=yellow]", "dim": "#[dim]"}

Told = Mapping[str, Any]
SILENT: Told = {}
"""A daemon is there and busy, or hangs: no request goes past it, but it tells nothing now."""
Style = Callable[[str, str], str]
"""A word and its colour ("" for none) in the format that was asked for."""


def main(words: Sequence[str]) -> int:
    """Print the line; 0 whatever was found, so that no status line breaks an agent's screen."""
    shape = _shape(words)
    if shape is None:
        print(f"agentspend: statusline: --format is one of {', '.join(FORMATS)}\n"
              "→ agentspend statusline --format tmux", file=sys.stderr)  # fmt: skip
        return 2
    given = _stdin()
    told = _ask(_token(os.environ), str(given.get("session_id") or ""))
    print(in_encoding(line(told, shape, time.time_ns() // 10**9), sys.stdout.encoding))
    return 0


def _shape(words: Sequence[str]) -> str | None:
    """The format asked for; None for one nobody knows, and for other words."""
    shape, left = "claude", list(words)
    while left:
        name, equals, shape = left.pop(0).partition("=")
        if name != "--format":
            return None
        if not equals:
            shape = left.pop(0) if left else ""
    return shape if shape in FORMATS else None


def _stdin() -> Told:
    """What Claude Code says of its session; nothing when a person runs this."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    try:
        ready, _, _ = select.select([sys.stdin], [], [], STDIN_WITHIN_S)
        found = json.loads(sys.stdin.buffer.read(MAX_STDIN_BYTES)) if ready else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(env: Mapping[str, str]) -> str:
    """The token of the session this runs in, from the address its agent was given."""
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        found = _OURS.search(env.get(name, ""))
        if found:
            return found[1]
    return env.get("AGENTSPEND_TOKEN", "")


def _ask(token: str, client: str) -> Told | None:
    """The daemon's word on this session; None when there is none, `SILENT` when it does not answer
    at once."""
    from agentspend.config.paths import Paths

    asked = {"v": 1, "op": "brief", "token": token, "client": client}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(WITHIN_S)
        try:
            door.connect(str(Paths.find().socket))
            door.sendall(json.dumps(asked).encode() + b"\n")
            answer = door.makefile("rb").readline()
            told = json.loads(answer)
        except (TimeoutError, BlockingIOError):
            return SILENT
        except (OSError, ValueError):
            return None
    return told if isinstance(told, dict) and not {"error", "bye"} & told.keys() else None


def line(told: Told | None, shape: str, now_s: int) -> str:
    """What is shown: the session's cost, the tightest budget, the pace, the 5-hour window."""
    style = _styles(shape)
    if told is None:
        return style("○ agentspend: no daemon runs, nothing is enforced", "red")
    if told is SILENT:
        return style("… agentspend: the daemon does not answer", "yellow")
    parts = [
        *_asks(told, style),
        _cost(told),
        *_budget(told, style, now_s),
        *_pace(told),
        *_windows(told, style),
    ]
    return style(" · ", "dim").join(part for part in parts if part)


def _asks(told: Told, style: Style) -> list[str]:
    """What waits for a person comes first: the agent stands still meanwhile."""
    return [style(f"? waits for more of {name}", "yellow") for name in told.get("asks", ())]


def _styles(shape: str) -> Style:
    """How a word is coloured in this format."""
    marks, end = {"claude": (_ANSI, "\x1b[0m"), "tmux": (_TMUX, "#[default]")}.get(shape, ({}, ""))
    if shape == "claude" and os.environ.get("NO_COLOR"):
        marks, end = {}, ""

    def style(text: str, colour: str) -> str:
        return f"{marks[colour]}{text}{end}" if colour in marks else text

    return style


def _cost(told: Told) -> str:
    session = told.get("session")
    if not session:
        return f"{_dollars(told['today_nusd'])} today"
    listed = session["subscription_nusd"]
    dollars = _dollars(session["spent_nusd"])
    if listed and not session["spent_nusd"]:
        return f"{_dollars(listed)} listed"
    return dollars + (f" + {_dollars(listed)} listed" if listed else "")


def _budget(told: Told, style: Style, now_s: int) -> list[str]:
    budget = told.get("budget")
    if not budget:
        return ["no budget"]
    if budget.get("grows"):
        name, here, cap = budget["name"], budget["free_nusd"], budget["cap_nusd"]
        return [f"{name} {_dollars(here)} here of the team's {_dollars(cap)}"]
    limit, used = budget["limit_nusd"], budget["spent_nusd"] + budget["held_nusd"]
    percent = used * 100 // limit if limit else FULL_PERCENT
    colour = "red" if percent >= FULL_PERCENT else "yellow" if percent >= NEAR_PERCENT else ""
    mark = {"red": "✗ ", "yellow": "! "}.get(colour, "")
    cents = budget["free_nusd"] * 100 // NUSD
    free = f"${cents // 100:,}.{cents % 100:02d} left"
    words = f"{mark}{budget['name']} {_bar(budget)} {free}"
    until = ""
    if budget["resets_us"] is not None:
        until = f", resets {_until(budget['resets_us'] // 1_000_000, now_s)}"
    return [style(words + until, colour)]


def _bar(budget: Told) -> str:
    limit = budget["limit_nusd"]
    if limit <= 0:
        return f"▕{'█' * BAR_CELLS}▏"
    spent = min(BAR_CELLS, -(-budget["spent_nusd"] * BAR_CELLS // limit))
    used = -(-(budget["spent_nusd"] + budget["held_nusd"]) * BAR_CELLS // limit)
    held = min(BAR_CELLS, used) - spent
    free = BAR_CELLS - spent - held
    return f"▕{'█' * spent}{'▒' * held}{'░' * free}▏"


def _pace(told: Told) -> list[str]:
    burn = told["burn_nusd_per_h"]
    return [f"{_dollars(burn)}/h"] if burn else []


def _windows(told: Told, style: Style) -> list[str]:
    found = []
    for window in told.get("windows", ()):
        used = window["used_percent"]
        if used is None:
            continue
        colour = "red" if used >= FULL_PERCENT else "yellow" if used >= NEAR_PERCENT else ""
        found.append(style(f"{window['name']} {used}%", colour))
    return found


def _until(at_s: int, now_s: int) -> str:
    """A coming moment: the time within a day, else the date."""
    at = time.localtime(at_s)
    return time.strftime("%H:%M" if at_s - now_s < DAY_S else "%a %H:%M", at)


def _dollars(nusd: int) -> str:
    """Cents, rounded up; four decimals below a dime."""
    places = 2 if nusd >= NUSD // 10 or nusd == 0 else 4
    units = -(-nusd // 10 ** (9 - places))
    scale = 10**places
    return f"${units // scale:,}.{units % scale:0{places}d}"
