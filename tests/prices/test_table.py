"""The table file: read whole and undamaged, or not at all."""

import hashlib
import json
from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.price_overrides import read_overrides
from agentspend.prices import SCHEMA, TABLE_PATH, load_book, load_table, read_table

DATA = TABLE_PATH.read_bytes()


def sealed(body: bytes, schema: object = SCHEMA) -> bytes:
    """A table file around a body, with the right hash."""
    digest = hashlib.sha256(body).hexdigest()
    return f'{{"schema":{json.dumps(schema)},"source":"x","sha256":"{digest}",\n'.encode() + body


def test_the_vendored_table_is_whole() -> None:
    """Its first line holds the hash of everything after it."""
    body = DATA.partition(b"\n")[2]
    assert load_table()["sha256"] == hashlib.sha256(body).hexdigest()


def test_a_table_elsewhere_is_read_the_same_way(tmp_path: Path) -> None:
    """What `agentspend prices update` writes is what `load_book` reads."""
    copy = tmp_path / "table.json"
    copy.write_bytes(DATA)
    assert load_table(copy) == load_table()
    assert load_book(path=copy).version == load_book().version


def test_overrides_change_the_version() -> None:
    """A ledger row can tell a discount from the list price."""
    mine = load_book(read_overrides({"anthropic/*": {"multiplier": "0.8"}}))
    assert mine.version != load_book().version


@pytest.mark.parametrize(
    ("provider", "model", "least"),
    [
        ("google", "gemini-2.5-flash-lite", 1_048_576),
        ("google", "gemini-3.8-flash", 1_048_576),
        ("openai", "gpt-4.1", 1_047_576),
        ("openai", "gpt-5.5", 1_050_000),
        ("deepseek", "deepseek-v3.2", 131_072),
        ("deepseek", "deepseek-v4-pro", 1_048_576),
    ],
)
def test_no_window_is_rounded_down(provider: str, model: str, least: int) -> None:
    """A prompt that fills the window, or that only the window bounds, must not cost more than it
    was held for."""
    price = load_book().find(provider, model)
    assert price is not None
    assert price.context_window >= least


@pytest.mark.parametrize("region", ["us", "eu", "ae", "jp"])
@pytest.mark.parametrize(
    ("model", "times"), [("gpt-4.1", (1, 1)), ("gpt-5.4", (11, 10)), ("gpt-6.1-sol", (11, 10))]
)
def test_a_regional_host_of_openais_has_a_price(
    region: str, model: str, times: tuple[int, int]
) -> None:
    """A tenth more for models of March 2026 and later; one without would be refused there."""
    price = load_book().find("openai", model)
    assert price is not None
    rates = price.rates(2 * 10**15, 1_000, inference_geo=region)
    assert (rates.times, rates.unknown) == (times, ())


@pytest.mark.parametrize("at", [0, 60, 200, len(DATA) // 2, len(DATA) - 3])
def test_a_changed_byte_is_noticed(at: int) -> None:
    """One digit of one price, or of the hash itself."""
    damaged = DATA[:at] + (b"9" if DATA[at : at + 1] != b"9" else b"8") + DATA[at + 1 :]
    with pytest.raises(AgentspendError) as raised:
        read_table(damaged, "mine")
    assert "mine" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("length", [0, 1, 100, len(DATA) - 1])
def test_half_a_table_is_no_table(length: int) -> None:
    """A download that broke off is refused."""
    with pytest.raises(AgentspendError):
        read_table(DATA[:length])


@pytest.mark.parametrize("schema", [SCHEMA + 1, 0, None, "1"])
def test_another_schema_is_refused_by_its_number(schema: object) -> None:
    """A table made for a later version is not guessed at."""
    with pytest.raises(AgentspendError, match="schema"):
        read_table(sealed(b'"providers":{}}\n', schema))


def test_a_second_hash_further_down_does_not_count() -> None:
    """The hash that is checked is the one on the first line."""
    body = b'"providers":{},"sha256":"'
    whole = hashlib.sha256(body).hexdigest().encode()
    with pytest.raises(AgentspendError):
        read_table(b'{"schema":1,"sha256":"0",\n' + body + whole + b'"}\n')


def test_a_table_cannot_call_itself_by_another_hash() -> None:
    """The name that ledger rows keep is the hash of what was read."""
    with pytest.raises(AgentspendError, match="content hash"):
        read_table(sealed(b'"providers":{},"sha256":"0"}\n'))


def test_another_table_than_the_adopted_one_is_refused() -> None:
    """Prices that were agreed to are named by their hash."""
    assert load_table(sha256=load_table()["sha256"]) == load_table()
    with pytest.raises(AgentspendError, match="another price table"):
        load_table(sha256="0" * 64)


def test_a_missing_file_is_said_with_the_way_out(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(AgentspendError, match="cannot be read") as raised:
        load_table(tmp_path / "none.json")
    assert "prices update" in raised.value.hint
