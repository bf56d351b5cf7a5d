"""A stream that breaks off while a tool of the provider's runs: each run reads the prompt again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.proxy.raw import RawProvider
from tests.support.desk import Device, budget, message

SEARCH = {"type": "web_search_20260318", "name": "web_search", "max_uses": 8}
INPUT_NUSD, OUTPUT_NUSD, SEARCH_NUSD = 5_000, 25_000, 10_000_000
"""A token of claude-opus-5's, and a search."""
PROMPT, FOUND, LIMIT = 1_000, 6_000, 100
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999999\r\n\r\n"


def event(kind: str, **fields: Any) -> bytes:
    """One event of the stream."""
    return b"event: %b\ndata: %b\n\n" % (
        kind.encode(),
        msgspec.json.encode({"type": kind, **fields}),
    )


def block(kind: str, **fields: Any) -> bytes:
    """A whole content block."""
    start = event("content_block_start", index=0, content_block={"type": kind, **fields})
    return start + event("content_block_stop", index=0)


START = event(
    "message_start",
    message={"id": "m", "model": "claude-opus-5", "usage": {"input_tokens": PROMPT,
                                                           "output_tokens": 1}},
)  # fmt: skip
ASKED = block("server_tool_use", id="t", name="web_search", input={})
RESULT = block(
    "web_search_tool_result",
    tool_use_id="t",
    content=[{"type": "web_search_result", "url": "u", "encrypted_content": "A" * 2 * FOUND}],
)


@pytest.mark.parametrize("searches", [0, 1, 3])
async def test_what_ran_before_the_cut_is_charged(tmp_path: Path, searches: int) -> None:
    """At least what the provider may bill, and no whole context windows that nobody read."""
    stream = HEAD + START + (ASKED + RESULT) * searches
    async with RawProvider(stream) as provider:
        device = Device(tmp_path, [budget("daily", "100")], base_url=provider.url)
        async with device:
            await device.post(message(max_tokens=LIMIT, tools=[SEARCH]))
            await device.until_idle()

            [entry] = await device.ledger()
            runs = [PROMPT + FOUND * at for at in range(searches + 1)]
            billed = sum(runs) * INPUT_NUSD + searches * SEARCH_NUSD + LIMIT * OUTPUT_NUSD
            assert (entry["billing"], entry["evidence"]) == ("ceiling", "estimate")
            assert billed <= entry["amount_nusd"] <= 10 * billed + 5 * SEARCH_NUSD


FETCHED = block("web_fetch_tool_result", tool_use_id="t", content={"type": "web_fetch_result"})


@pytest.mark.parametrize(
    ("stream", "fields", "runs"),
    [
        (ASKED + FETCHED, {"tools": [SEARCH]}, 9 * 1_000_000 // PROMPT),
        (b"", {"fallbacks": [{"model": "claude-fable-5"}]}, 2),
        (b"", {"context_management": {"edits": [{"type": "compact_20260112"}]}}, 2),
        (b"", {}, 1),
    ],
    ids=["a fetched document", "a model in its place", "compaction", "nothing"],
)
async def test_what_nobody_saw_is_charged_by_the_bound(
    tmp_path: Path, stream: bytes, fields: dict[str, Any], runs: int
) -> None:
    """A document's pages do not pass; another run may have read the prompt once more."""
    async with RawProvider(HEAD + START + stream) as provider:
        device = Device(tmp_path, [budget("daily", "200")], base_url=provider.url)
        async with device:
            text = "word " * (PROMPT // 2)
            await device.post(message(text, max_tokens=LIMIT, **fields))
            await device.until_idle()

            [entry] = await device.ledger()
            assert entry["amount_nusd"] >= runs * PROMPT * INPUT_NUSD
            assert (entry["amount_nusd"] <= (PROMPT + LIMIT * 6) * INPUT_NUSD) is (runs == 1)
