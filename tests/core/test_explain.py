"""The bill of a response as JSON, on the golden cases' figures."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agentspend.core.explain import USAGE_WORDS, Answered, explain
from agentspend.core.money import usd_text
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table

GOLDEN = Path(__file__).parents[1] / "dialects" / "golden" / "pricing-cases.jsonl"
TABLE = load_table()
CASES = [json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines()]
FIELDS = {word: name for name, word in USAGE_WORDS.items()}
HAND_MADE = {
    "anthropic-advisor-iteration": (
        UsagePart("claude-sonnet-5", Usage(412, output_tokens=531)),
        UsagePart("claude-opus-5", Usage(823, output_tokens=1_612)),
    ),
    "override-discount-20pct": (UsagePart("claude-opus-5", Usage(1_000, output_tokens=100)),),
    "override-selfhosted-zero": (UsagePart("qwen3-coder-local", Usage(10, output_tokens=5)),),
    "override-unknown-ceiling": (UsagePart("gpt-99-codex", Usage(100, 900, output_tokens=100)),),
}
"""Cases that expect an amount but list no usage."""


def answered(case: dict[str, Any]) -> Answered:
    """A case with the usage it expects, as its dialect would have read it."""
    expected = case["expected"]
    request = case.get("request", {})
    words = {name: request[name] for name in ("speed", "inference_geo") if name in request}
    tier = json.loads(case["response"]).get("service_tier") if case["transport"] == "json" else None
    counts = {FIELDS[word]: count for word, count in expected.get("usage", {}).items()}
    model = expected.get("priced_model", case["model"])
    if "preview" in case["id"]:
        counts["web_search_preview_requests"] = counts.pop("web_search_requests")
    part = UsagePart(model, Usage(**counts), service_tier=tier or "", **words)
    parts = HAND_MADE.get(case["id"], (part,) if counts else ())
    sure = {"floor": Billing.FLOOR, "unknown": Billing.UNKNOWN}
    free = expected["billing"] == "free" and case["id"] not in HAND_MADE
    return Answered(
        provider=case["provider"],
        api=case["api"],
        model=case["model"],
        at_us=int(datetime.fromisoformat(case["timestamp"]).timestamp()) * 1_000_000,
        http_status=case["http_status"],
        metered=Metered(
            parts,
            Billing.FREE if free else sure.get(expected["billing"], Billing.EXACT),
            stated_pusd=451_230_000 if case["provider"] == "openrouter" else None,
        ),
        upstream_host=case.get("upstream_host", ""),
    )


def book_of(case: dict[str, Any]) -> PriceBook:
    """The vendored table under the configuration the case carries."""
    return PriceBook(TABLE, read_overrides(**case.get("request", {}).get("agentspend_config", {})))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_golden_cases_cost_what_their_derivation_says(case: dict[str, Any]) -> None:
    """Every expected field is met: billing, dollars, pico-dollars, usage, model, error."""
    said = explain(book_of(case), answered(case))
    expected = case["expected"]
    assert {key: said.get(key) for key in expected} == expected
    if said["billing"] == "unknown":
        assert (said["usd"], said["nusd"], said["picousd"]) == (None, None, None)
        assert said["floor_usd"] == usd_text(said["floor_nusd"])
    else:
        assert sum(line["picousd"] for line in said["lines"]) == said["picousd"]
        assert said["usd"] == usd_text(said["nusd"])
    assert json.loads(json.dumps(said)) == said


def test_every_case_is_here() -> None:
    """None is put off."""
    assert len({case["id"] for case in CASES}) == 58


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ({"service_tier": "turbo"}, "unknown_service_tier"),
        ({"speed": "turbo"}, "unknown_speed"),
        ({"inference_geo": "moon"}, "unknown_inference_geo"),
    ],
)
def test_a_word_without_a_price_is_blocked_unless_ceilings_are_allowed(
    word: dict[str, str], error: str
) -> None:
    """As a model without one is: nobody has to trust a guess."""
    metered = Metered((UsagePart("gpt-5", Usage(1_000), **word),), Billing.EXACT)
    at = Answered("openai", "chat.completions", "gpt-5", 0, 200, metered)
    said = explain(PriceBook(TABLE), at)
    assert (said["billing"], said["error"]) == ("blocked", error)
    allowed = PriceBook(TABLE, read_overrides(unknown_model={"mode": "ceiling"}))
    assert explain(allowed, at)["billing"] == "ceiling"


def test_an_error_or_a_count_is_free_whatever_the_model() -> None:
    """Nothing was billed, so there is nothing to be refused."""
    metered = Metered((UsagePart("claude-opus-77", Usage(1)),), Billing.EXACT)
    for api, status in [("messages", 529), ("messages/count_tokens", 200)]:
        said = explain(
            PriceBook(TABLE), Answered("anthropic", api, "claude-opus-77", 0, status, metered)
        )
        assert (said["billing"], said["picousd"], said["usage"]) == ("free", 0, {})


def test_a_blocked_model_comes_with_names_like_it() -> None:
    """The bill of a model nobody has a price for says what was probably meant."""
    metered = Metered((UsagePart("claude-opus-55", Usage(1)),), Billing.EXACT)
    said = explain(
        PriceBook(TABLE), Answered("anthropic", "messages", "claude-opus-55", 0, 200, metered)
    )
    assert said["nearest"][0] == "claude-opus-5-5"


def test_a_server_on_this_machine_is_not_free_by_itself() -> None:
    """Without a price of its own under local/, the provider's price applies."""
    usage = Usage(1_000_000)
    metered = Metered((UsagePart("claude-opus-5", usage),), Billing.EXACT)
    at = Answered("anthropic", "messages", "claude-opus-5", 0, 200, metered, "127.0.0.1:9999")
    assert explain(PriceBook(TABLE), at)["usd"] == "5"
