"""The script that makes the table: the same bytes again, and nothing in them by accident."""

import importlib.util
import sys
import tomllib
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agentspend.prices import TABLE_PATH, load_table
from agentspend.prices.check import check_table

SCRIPT = Path(__file__).parents[2] / "scripts" / "compile_prices.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("compile_prices", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["compile_prices"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rendered(script: ModuleType) -> dict[str, bytes]:
    """What it would write."""
    files: dict[str, bytes] = script.render()
    return files


def test_compiling_again_gives_the_committed_files_byte_for_byte(
    rendered: dict[str, bytes],
) -> None:
    """Nobody edits the table by hand: the data and the overlay are its only sources."""
    for name, content in rendered.items():
        assert TABLE_PATH.with_name(name).read_bytes() == content, f"{name} is stale: make prices"


def test_what_is_compiled_passes_its_own_check(rendered: dict[str, bytes]) -> None:
    """The table can be installed by `agentspend prices update`."""
    assert check_table(load_table()) == []
    assert sorted(rendered) == ["left-out.txt", "table.json"]


def test_every_overlay_fact_has_a_source_and_a_reason() -> None:
    """A reviewer can look each of them up."""
    overlay = tomllib.loads(TABLE_PATH.with_name("overlay.toml").read_text("utf-8"))
    for entry in [*overlay["words"], *overlay["models"]]:
        assert entry["source"]
        assert entry["reason"]


@pytest.mark.parametrize(
    "entry",
    [
        {"provider": "anthropic", "models": ["claude-none"], "max_output": 1},
        {"provider": "anthropic", "models": ["claude-opus-5"], "max_ouput": 1},
        {"provider": "anthropic", "models": ["claude-opus-5"], "like": "claude-fable-5"},
        {"provider": "anthropic", "models": ["claude-opus-5"], "speed": {"fast": "2"}},
        {"provider": "anthropic", "models": ["claude-opus-5"], "rates_times": {"input": "2"}},
    ],
)
def test_an_overlay_fact_about_nothing_is_an_error(
    script: ModuleType, entry: dict[str, Any]
) -> None:
    """Misspelt, gone, or already in the data: found when compiling, not when charging."""
    said = {**entry, "source": "s", "reason": "r"}
    with pytest.raises(AssertionError, match=r"overlay\.toml"):
        script.apply_overlay(script.compile_genai(), {"words": [], "models": [said]})


def test_a_fact_without_a_source_is_an_error(script: ModuleType) -> None:
    """Nothing gets in unreviewed."""
    bare = {"provider": "anthropic", "models": ["claude-opus-5"], "max_output": 1}
    with pytest.raises(AssertionError, match="no source"):
        script.apply_overlay(script.compile_genai(), {"words": [], "models": [bare]})


def test_multipliers_are_exact_ratios() -> None:
    """5/3 is 5/3, not a decimal cut after 28 digits."""
    for block in load_table()["providers"].values():
        for entry in block["models"].values():
            for dimension in ("speed", "service_tier", "inference_geo"):
                for variant in entry.get(dimension, {}).values():
                    for _, num, den in variant.get("times", ()):
                        assert Fraction(num, den).denominator == den <= 1_000


def test_a_retired_name_costs_what_answers_it() -> None:
    """From its last day on, at every size."""
    models = load_table()["providers"]["x-ai"]["models"]
    old, new = models["grok-code-fast-1"]["rates"], models["grok-build-0.1"]["rates"]
    assert [row[1:] for row in old if row[0] == "2026-05-15"] == [row[1:] for row in new]


def test_a_new_model_may_cost_a_part_of_an_older_one() -> None:
    """Each rate has its own part, which holds in every tier of the older one's."""
    models = load_table()["providers"]["openai"]["models"]
    short, long = models["gpt-6.2-astra"]["rates"]
    assert short[2:7] == [8_000_000, 400_000, 10_000_000, None, 40_000_000]
    assert long[1:7] == [272_001, 16_000_000, 800_000, 20_000_000, None, 60_000_000]


def test_a_tier_may_become_dearer_on_a_day() -> None:
    """Three times the price until then, six times after."""
    sol = load_table()["providers"]["openai"]["models"]["gpt-6.2-sol"]
    assert sol["service_tier"]["ultrafast"]["times"] == [["", 3, 1], ["2027-03-01", 6, 1]]
