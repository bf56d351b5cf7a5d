"""Completion in bash, which takes a word apart at `=` and `:` (its COMP_WORDBREAKS).

`--scope agent=cl` reaches the completion as `agent`, `=`, `cl`, and only `cl` is replaced by what
it offers. So the words are put together again before they are completed, and what already stands
in the line is cut off afterwards. And it puts a space behind the only offer, also behind `tag=`:
so such a one is never the only one. zsh and fish leave words whole.
"""

import io
from collections.abc import Callable, MutableMapping
from contextlib import redirect_stdout

ASKED = "_AGENTSPEND_COMPLETE"
WORDS = "COMP_WORDS"
CURRENT = "COMP_CWORD"
BREAKS = set("=:")


def wanted(env: MutableMapping[str, str]) -> bool:
    """Whether bash asks for completions."""
    return env.get(ASKED) == "complete_bash" and WORDS in env and CURRENT in env


def answer(env: MutableMapping[str, str], complete: Callable[[], object]) -> str:
    """What bash is to be told: the lines `complete` prints for the whole words, cut to its own."""
    head = put_together(env)
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            complete()
    except SystemExit:
        pass  # How a completion ends.
    lines = said.getvalue().splitlines()
    if len(lines) == 1 and lines[0].endswith("="):
        lines.append(f"{lines[0]}VALUE")
    return "\n".join(_cut(line, head) for line in lines)


def put_together(env: MutableMapping[str, str]) -> str:
    """Make whole words of bash's; returns what of the current one stands before bash's part."""
    words, current = env[WORDS].split("\n"), int(env[CURRENT])
    words += [""] * (current + 1 - len(words))
    whole: list[str] = []
    glue = False
    for word in words[: current + 1]:
        breaks = bool(word) and set(word) <= BREAKS
        if whole and (glue or breaks):
            whole[-1] += word
        else:
            whole.append(word)
        glue = breaks
    env[WORDS], env[CURRENT] = "\n".join(whole), str(len(whole) - 1)
    own = "" if glue else words[current]
    return whole[-1].removesuffix(own) if own else whole[-1]


def _cut(offer: str, head: str) -> str:
    """An offer without what stands before bash's part, an option's name (`--scope=`) included."""
    value = head.partition("=")[2] if head.startswith("-") else head
    return offer.removeprefix(value)
