"""Messages requests for tests: made by hand, and generated for the property tests."""

import json
import os
from typing import Any

from hypothesis import strategies as st

FUZZ_EXAMPLES = int(os.environ.get("AGENTSPEND_FUZZ_EXAMPLES", "150"))
"""How many inputs the fuzz tests try; 100000 for a long run."""

MINIMAL: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 1_000,
    "messages": [{"role": "user", "content": "hi"}],
}
MARK = {"type": "ephemeral"}
MARK_1H = {"type": "ephemeral", "ttl": "1h"}


def dumped(body: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    """A body in the compact style of most clients."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=ascii_only).encode()


def asking(**fields: Any) -> bytes:
    """The smallest request with these fields over it."""
    return dumped({**MINIMAL, **fields})


def saying(*blocks: Any) -> bytes:
    """The smallest request with these content blocks in its one message."""
    return asking(messages=[{"role": "user", "content": list(blocks)}])


ALPHABET = st.characters(codec="utf-8")
TEXTS = (
    st.text(ALPHABET, max_size=40)
    | st.text(st.sampled_from('~ZZ \n"\\é漢e\u0301\u0323\u1112\u1161\u11ab\U0001d160\ufb2c'))
    | st.sampled_from(["~ZZ" * 50, "\U0001d160" * 9, "e\u0301" * 20, "cache_control", '"1h"'])
)
MARKS = st.sampled_from([{}, {}, {"cache_control": MARK}, {"cache_control": MARK_1H}])


def _block(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda mark, values: {**values, **mark}, MARKS, st.fixed_dictionaries(fields))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TEXT_BLOCKS = _block({"type": st.just("text"), "text": TEXTS})
IMAGES = _block(
    {
        "type": st.just("image"),
        "source": st.fixed_dictionaries(
            {
                "type": st.just("base64"),
                "media_type": st.just("image/png"),
                "data": st.text("ABab01+/", max_size=60),
            }
        ),
    }
)
INNER = st.lists(TEXT_BLOCKS | IMAGES, max_size=3) | TEXTS
BLOCKS = (
    TEXT_BLOCKS
    | IMAGES
    | _block({"type": st.just("tool_use"), "id": st.just("t"), "name": TEXTS, "input": JSON_VALUES})
    | _block({"type": st.just("tool_result"), "tool_use_id": st.just("t"), "content": INNER})
    | _block({"type": st.just("thinking"), "thinking": TEXTS, "signature": st.just("")})
)
CONTENTS = TEXTS | st.lists(BLOCKS, max_size=4)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": CONTENTS}),
    min_size=1,
    max_size=5,
)
TOOLS = st.lists(
    _block({"name": TEXTS, "description": TEXTS, "input_schema": JSON_VALUES}), max_size=3
)
REQUESTS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["claude-opus-5-5", "claude-haiku-5-5"]),
        "max_tokens": st.integers(1, 128_000),
        "messages": MESSAGES,
    },
    optional={
        "system": TEXTS | st.lists(TEXT_BLOCKS, max_size=3),
        "tools": TOOLS,
        "stream": st.booleans(),
        "thinking": st.just({"type": "adaptive"}),
        "metadata": st.just({"user_id": "u"}),
        "output_config": st.fixed_dictionaries(
            {
                "format": st.fixed_dictionaries(
                    {"type": st.just("json_schema"), "schema": JSON_VALUES}
                )
            }
        ),
    },
)
"""Requests a client could send: every shape the sandbox provider counts."""
