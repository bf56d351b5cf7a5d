"""`agentspend prices`: the table in force, a word of one's own over it, and another table."""

import hashlib
import re
import sys
from pathlib import Path

import pytest

from agentspend import prices as tables
from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command
from tests.support.process import Home

HAIKU = b'"claude-haiku-4-5":'


@pytest.fixture(autouse=True)
def _home(here: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here shares one daemon, and nobody is at the keyboard."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def altered(path: Path, *, before: bytes, after: bytes, signed: bool = True) -> Path:
    """The shipped table with Haiku's line changed, and its hash made to fit."""
    head, _, body = tables.TABLE_PATH.read_bytes().partition(b"\n")
    start, line, rest = body.partition(HAIKU)
    body = start + line + rest.replace(before, after, 1)
    if signed:
        digest = hashlib.sha256(body).hexdigest().encode()
        head = re.sub(rb'"sha256":"[0-9a-f]+"', b'"sha256":"' + digest + b'"', head)
    path.write_bytes(head + b"\n" + body)
    return path


def test_show(agentspend: Command) -> None:
    """A model's rates in dollars per million tokens, with the table's version."""
    ran = agentspend("prices", "show", "anthropic/claude-haiku-4-5")
    assert ran.code == 0
    row = next(line for line in ran.out.splitlines() if line.startswith("anthropic/claude-haiku"))
    assert row.split()[1:] == ["1", "0.1", "1.25", "2", "5", "200,000", "64,000"]
    assert "1 model, USD per million tokens, sha256:" in ran.out.splitlines()[-1]


def test_show_by_a_pattern(agentspend: Command) -> None:
    """`*` is wild here, too, and the name with or without its provider's."""
    for pattern in ("claude-haiku-4-*", "anthropic/claude-HAIKU-4-*", "*-haiku-4-5"):
        models = agentspend("prices", "show", pattern, "--json").json()["models"]
        names = [each["model"] for each in models]
        assert "anthropic/claude-haiku-4-5" in names
        assert all("claude-haiku-4-5" in name for name in names)


def test_show_in_json(agentspend: Command) -> None:
    """The JSON has rates in pico-USD per token; a name nobody has gives none."""
    found = agentspend("prices", "show", "claude-haiku-4-5", "--json").json()
    assert (found["v"], found["version"][:7]) == (1, "sha256:")
    assert found["models"][0]["input"] == 1_000_000
    assert agentspend("prices", "show", "xyzzy", "--json").json()["models"] == []


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["anthropc/*", "--multiplier", "0.8"], "no provider is known as 'anthropc'",
         "did you mean anthropic/*?"),
        (["anthropic/claud-x-*", "--multiplier", "0.8"], "with a price is like 'claud-x-*'",
         "agentspend prices show anthropic/"),
        (["anthropic/*", "--multiplier", "0.8"], "", ""),
        (["gw/*", "--multiplier", "0.8"], "no provider is known as 'gw'",
         "agentspend providers list"),
    ],
)  # fmt: skip
def test_a_price_that_meets_nothing_is_said(
    agentspend: Command, here: Home, words: list[str], said: str, hint: str
) -> None:
    """A slip in a name would else be a discount that never comes."""
    before = here.config.read_text()
    ran = agentspend("prices", "set", *words)
    here.config.write_text(before)
    assert ran.code == 0
    assert said in ran.err
    assert ran.err.endswith(f"→ {hint}\n" if hint else "keep their price\n")


def test_set_a_price(agentspend: Command, here: Home) -> None:
    """A price is written to the file, adopted, and shown from then on."""
    ran = agentspend("prices", "set", "anthropic/claude-next", "--input", "3", "--output", "15")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("anthropic/claude-next: input 3, output 15; written to ")
    assert '[prices."anthropic/claude-next"]' in here.config.read_text()
    assert "anthropic/claude-next" in agentspend("prices", "show", "claude-next").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["claude-x"], ExitCode.USAGE, "→ agentspend prices set claude-x --input 3 --output 15"),
        (["openai/x", "--input", "3"], ExitCode.USAGE, "lacks input or output"),
        (["openai/x", "--multiplier", "0"], ExitCode.USAGE, "cannot be zero"),
        (["openai/x", "--input", "cheap", "--output", "1"], ExitCode.USAGE, "is not a price"),
        (
            ["claude-haiku-4-5", "--multiplier", "0.8"],
            ExitCode.USAGE,
            (
                "anthropic and google have claude-haiku-4-5, each at a price of its own: say whose"
                " is meant\n→ agentspend prices set 'anthropic/claude-haiku-4-5' --multiplier 0.8"
            ),
        ),
        (
            ["gpt-5.99", "--input", "3", "--output", "15", "--cache-read", "1"],
            ExitCode.USAGE,
            (
                "none of your providers (anthropic, openai, google) has a model gpt-5.99 yet: say"
                " whose it is\n→ agentspend prices set 'openai/gpt-5.99' --input 3 --output 15"
                " --cache-read 1"
            ),
        ),
        (["zzz*", "--multiplier", "0.8"], ExitCode.USAGE, "has a model zzz* yet"),
    ],
)
def test_a_price_that_is_none(
    agentspend: Command, here: Home, words: list[str], code: int, said: str
) -> None:
    """A price that makes no sense is taught, and the file stays as it was."""
    before = here.config.read_text()
    ran = agentspend("prices", "set", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert here.config.read_text() == before


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-5", "openai/gpt-5"),
        ("gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gpt-5-2025-08-07", "openai/gpt-5-2025-08-07"),
        ("gpt-5*", "openai/gpt-5*"),
    ],
)
def test_a_model_without_its_provider_is_found(
    agentspend: Command, here: Home, model: str, name: str
) -> None:
    """By its id, another name of it or a pattern, where one provider of yours has it."""
    ran = agentspend("prices", "set", model, "--multiplier", "0.9")
    assert ran.code == 0, ran.err
    assert ran.err.startswith(f"{name}: multiplier 0.9; written to ")
    assert f'[prices."{name}"]' in here.config.read_text()


def test_update_shows_a_diff_and_asks(agentspend: Command, tmp_path: Path, here: Home) -> None:
    """What changes is shown; without a yes nothing is taken over, and the command is named."""
    path = altered(tmp_path / "table.json", before=b"1000000,", after=b"1100000,")
    ran = agentspend("prices", "update", "--from", str(path))
    assert ran.code == ExitCode.USAGE
    assert "anthropic/claude-haiku-4-5  " in ran.out
    assert " → " in ran.out
    assert "1 changes, from table " in ran.err
    assert f"→ agentspend prices update --from {path} --yes" in ran.err
    taken = agentspend("prices", "update", "--from", str(path), "--yes")
    assert taken.code == 0, taken.err
    assert "is in force" in taken.err
    assert "price_table" in here.config.read_text()
    row = agentspend("prices", "show", "anthropic/claude-haiku-4-5").out.splitlines()[1]
    assert row.split()[1] == "1.1"
    back = agentspend("prices", "update", "--yes")
    assert back.code == 0, back.err
    assert "price_table" not in here.config.read_text()
    assert agentspend("prices", "update").err.startswith("nothing to change: table ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a price table"),
        (b"{", "is not a price table"),
        (b"[]", "is not a price table"),
        (b'{"schema":99}', "has schema 99"),
        (b"\xff", "is not a price table"),
        (None, "does not match its content hash"),
    ],
)
def test_a_damaged_table_is_refused(
    agentspend: Command, tmp_path: Path, here: Home, content: bytes | None, said: str
) -> None:
    """A table that is none, or not what its hash says, is refused before it is compared."""
    before = here.config.read_text()
    path = tmp_path / "table.json"
    if content is None:
        altered(path, before=b"1000000,", after=b"1,", signed=False)
    else:
        path.write_bytes(content)
    ran = agentspend("prices", "update", "--from", str(path), "--yes")
    assert (ran.code, ran.out) == (ExitCode.FAILED, "")
    assert f"{path} {said}" in ran.err
    assert here.config.read_text() == before


def test_a_price_that_falls_to_nothing_is_asked_about(agentspend: Command, tmp_path: Path) -> None:
    """A zero where a price stood is refused unless a person says that it is right."""
    path = altered(tmp_path / "table.json", before=b"1000000,100000,", after=b"0,100000,")
    ran = agentspend("prices", "update", "--from", str(path), "--yes")
    assert ran.code == ExitCode.FAILED
    assert "claude-haiku-4-5" in ran.err


def test_a_table_that_is_not_there(agentspend: Command, tmp_path: Path) -> None:
    """A file that cannot be found is named."""
    ran = agentspend("prices", "update", "--from", str(tmp_path / "none.json"), "--yes")
    assert ran.code == ExitCode.FAILED
    assert "none.json" in ran.err
