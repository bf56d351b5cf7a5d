"""Reading entries the quick way refuses and accepts what the long way does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.wire.canonical import MAX_INT, NotCanonical, canonical, parse
from agentspend.wire.entries import KINDS, Entry, encode
from agentspend.wire.entry_reader import _Odd, _Usual, read_entries, read_entry

BASE = {"inc": "i", "seq": 2, "prev": "p", "kind": "settle", "ts": 5, "v": 1}
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-MAX_INT, MAX_INT), st.text(max_size=5),
    st.lists(st.integers(-3, 3), max_size=2),
    st.dictionaries(
        st.sampled_from(["a", "input_tokens"]), st.integers(0, 9) | st.text(), max_size=2
    ),
)  # fmt: skip
FIELDS = st.dictionaries(
    st.sampled_from(["rid", "usage", "rates", "tags", "policy", "status", "text", "afield"]),
    PLAIN,
    max_size=4,
)


@given(FIELDS)
def test_whatever_is_canonical_is_read(fields: dict[str, object]) -> None:
    """Unknown fields and unusual shapes too; what is looked at comes out the same."""
    entry = read_entry(canonical({**BASE, "amount_nusd": 7, "project": "p", **fields}))
    assert (entry.inc, entry.seq, entry.prev, entry.ts) == ("i", 2, "p", 5)
    assert (entry.charged_nusd, entry.project, entry.model) == (7, "p", "")


ENTRIES = st.builds(
    Entry,
    st.text(min_size=1),
    st.integers(1, 9),
    st.text(),
    st.sampled_from(sorted(KINDS)),
    st.integers(0, MAX_INT),
    amount_nusd=st.none() | st.integers(-9, 9),
    usage=st.none() | st.just({"input_tokens": 5}),
    policy=st.none() | st.just({"a": 1}),
    rights=st.none() | st.just([("org", 3, 9)]),
    team=st.none() | st.just("data"),
)


@given(ENTRIES)
def test_what_we_write_is_read(entry: Entry) -> None:
    """Its chain, its amount, its team and its rights; an entry from before teams has none."""
    found = read_entry(encode(entry))
    assert (found.inc, found.seq, found.prev, found.kind) == (
        entry.inc, entry.seq, entry.prev, entry.kind,
    )  # fmt: skip
    assert (found.amount_nusd, found.team) == (entry.amount_nusd, entry.team or "")
    assert [tuple(right) for right in found.rights or ()] == list(entry.rights or ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seq":2', '"seq": 2'),
        ('"seq":2', '"seq":2,"seq":2'),
        ('"seq":2', '"seq":2.0'),
        ('"prev":"p"', '"prev":"\\u0070"'),
        ('"kind":"settle","prev":"p"', '"prev":"p","kind":"settle"'),
        ('"ts":5', '"ts":5,"usage":{"in-put":1}'),
        ('"ts":5', '"rates":{"B":1},"ts":5'),
        ('"ts":5', f'"ts":{MAX_INT + 1}'),
        ('"ts":5', '"ts":5,"usage":{"b":1,"a":2}'),
        ("}", "} "),
    ],
)
def test_what_is_not_canonical_is_refused(old: str, new: str) -> None:
    """By both readers alike."""
    body = canonical(BASE).decode().replace(old, new).encode()
    with pytest.raises(NotCanonical):
        parse(body)
    with pytest.raises(NotCanonical):
        read_entry(body)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": True}, {"kind": "hold"}, {"kind": ["settle"]}, {"seq": True},
        {"amount_nusd": "7"}, {"amount_nusd": True}, {"rights": [["org", 3]]}, {"project": 5},
        {"rights": "org"}, {"inc": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_no_device_would_write_is_refused(change: dict[str, object]) -> None:
    """Canonical, and still none of ours: a version, a kind or a type that means nothing here."""
    with pytest.raises(NotCanonical):
        read_entry(canonical({**BASE, **change}))


RIGHT = canonical({**BASE, "usage": {"a": 1, "b": 2}, "rates": {"c": 3}})
ODD = canonical({**BASE, "policy": {"a": [1]}})
WRONG = [
    RIGHT + b"\n",
    b"\n" + RIGHT,
    RIGHT + b"\n" + RIGHT,
    RIGHT.replace(b'"b":2', b'"B":2'),
    RIGHT[:-1] + b',"v":1}',
    RIGHT.replace(b'"v":1', b'"v":2'),
    RIGHT.replace(b"settle", b"hold"),
    RIGHT[:30],
    RIGHT[30:],
    b"",
]


@given(st.lists(st.sampled_from([RIGHT, ODD, *WRONG]), max_size=4))
def test_reading_many_is_reading_each(bodies: list[bytes]) -> None:
    """Bodies that are right only together, such as two halves of an entry, are refused too."""
    try:
        one_by_one = [read_entry(body) for body in bodies]
    except NotCanonical:
        with pytest.raises(NotCanonical):
            list(read_entries(bodies))
    else:
        assert list(read_entries(bodies)) == one_by_one


def test_fields_stand_in_the_order_they_are_written_in() -> None:
    """Writing an entry again relies on it; and both shapes have what is looked at."""
    assert list(_Usual.__struct_fields__) == sorted(_Usual.__struct_fields__)
    assert set(_Odd.__struct_fields__) < set(_Usual.__struct_fields__)
