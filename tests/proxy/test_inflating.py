"""Compressed bytes in any pieces give back what went in, up to a bound and no further."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.proxy.inflating import MAX_MEMBERS, Damaged, TooLong, inflater_for
from tests.support.packing import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
formats = st.sampled_from(sorted(PACK))
texts = st.one_of(st.binary(max_size=400), st.binary(max_size=8).map(lambda text: text * 500))


def read(encoding: str, raw: bytes, at: int, max_bytes: int = 1_000_000) -> tuple[bytes, bool]:
    """What two pieces come to, and whether that is all of it."""
    inflater = inflater_for(encoding, max_bytes)
    assert inflater is not None
    text = inflater.feed(raw[:at]) + inflater.feed(raw[at:])
    return text, inflater.whole


@given(formats, st.lists(texts, min_size=1, max_size=4), st.integers(0, 600))
def test_what_was_packed_comes_out(encoding: str, parts: list[bytes], at: int) -> None:
    """In any pieces, from one member or several."""
    packed = parts if encoding != "deflate" else parts[:1]
    raw = b"".join(PACK[encoding](part) for part in packed)

    assert read(encoding, raw, at) == (b"".join(packed), True)


@given(texts, st.integers(0, 600))
def test_deflate_without_its_wrapping_is_read_too(text: bytes, at: int) -> None:
    """Some senders leave zlib's header out."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    raw = packer.compress(text) + packer.flush()

    assert read("deflate", raw, at) == (text, True)


@given(formats, texts, st.data())
def test_what_is_cut_off_is_not_whole(encoding: str, text: bytes, data: st.DataObject) -> None:
    """Cut anywhere before its end."""
    raw = PACK[encoding](text)
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]

    found, whole = read(encoding, cut, len(cut))

    assert not whole
    assert text.startswith(found)


@given(formats, texts.filter(bool), st.data())
def test_nothing_comes_out_past_the_bound(encoding: str, text: bytes, data: st.DataObject) -> None:
    """Exactly as much as allowed is fine, one byte more is too long."""
    raw = PACK[encoding](text)

    assert read(encoding, raw, data.draw(st.integers(0, len(raw))), len(text))[0] == text
    with pytest.raises(TooLong):
        read(encoding, raw, data.draw(st.integers(0, len(raw))), len(text) - 1)


@given(formats, st.binary(max_size=80), st.integers(0, 80))
def test_rubbish_is_damaged_or_incomplete(encoding: str, raw: bytes, at: int) -> None:
    """Never another error."""
    with suppress(Damaged, TooLong):
        text, _ = read(encoding, raw, at)
        assert len(text) <= 1_000_000


def test_a_window_larger_than_the_standard_asks_for_is_refused() -> None:
    """8 MiB and no more: a frame's header alone could claim gigabytes."""
    small = {zstd.CompressionParameter.window_log: 23}
    large = {zstd.CompressionParameter.window_log: 24}
    text = bytes(1 << 25)

    assert read("zstd", zstd.compress(text, options=small), 9, 1 << 25)[0] == text
    with pytest.raises(Damaged):
        read("zstd", zstd.compress(text, options=large), 9, 1 << 25)


def test_a_heap_of_members_is_refused() -> None:
    """Each one would cost a copy of all that is left."""
    one = gzip.compress(b"")

    assert read("gzip", one * MAX_MEMBERS, 9) == (b"", True)
    with pytest.raises(Damaged, match="parts"):
        read("gzip", one * (MAX_MEMBERS + 1), 9)


def test_other_encodings_are_not_read() -> None:
    """Names are told apart by no case."""
    assert inflater_for("br", 1) is None
    assert inflater_for("gzip, zstd", 1) is None
    assert inflater_for(" GZip ", 1) is not None
