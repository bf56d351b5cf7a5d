"""A few hundred of the inputs of the long run, and that it can fail."""

import pytest

from agentspend.dialects.base import Dialect
from tests.dialects import fuzzing, volume
from tests.dialects.test_fuzz import DIALECTS

INPUTS = 500


@pytest.mark.parametrize("name", DIALECTS)
def test_plain_chance_breaks_nothing(name: str) -> None:
    """A hundred of each kind of input; `python -m tests.dialects.volume` makes the rest."""
    assert dict(volume.run(DIALECTS[name], 1, range(INPUTS))) == {}


def test_what_broke_is_told_and_run_again_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reader that fails on one input: its number is named, and the exit code is 1."""

    def read(dialect: Dialect, body: bytes, model: str) -> object:
        if b"web_search" in body:
            raise RuntimeError("planted")
        return fuzzing.read(dialect, body, model)

    monkeypatch.setattr(volume, "read", read)
    found = dict(volume.run(DIALECTS["openai-chat"], 1, range(200)))

    assert found
    first = str(min(found))
    words = ["--dialect", "openai-chat", "--inputs", "1", "--first", first]
    assert volume.main(words) == 1
    assert f"input {first} of seed 1: RuntimeError('planted')" in capsys.readouterr().out
