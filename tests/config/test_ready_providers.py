"""The ready entries: names that can be used, prices that exist, variables of their own."""

from collections import Counter

import pytest

from agentspend.config.providers import check_name
from agentspend.config.ready_providers import BUILT_IN, OTHERS, READY, Ready, key_variable
from agentspend.dialects.names import DIALECTS
from agentspend.prices import load_table
from tests.house.sources import ROOT

OWN_PRICES = {"ollama", "vllm"}
"""Free while they are here: no list of the table is theirs."""


@pytest.mark.parametrize("each", READY.values(), ids=READY)
def test_an_entry_can_be_used_as_it_stands(each: Ready) -> None:
    """Its name is a name, its dialects are spoken, its prices are the table's."""
    check_name(each.name)
    assert set(each.dialects) <= set(DIALECTS)
    assert set(each.base_urls) <= set(each.dialects)
    listed = load_table()["providers"]
    prefix = each.price_prefix or each.name
    names = {prefix} if isinstance(prefix, str) else set(prefix.values())
    for name in names - OWN_PRICES:
        owner, _, model = name.partition("/")
        assert model in {"", *listed[owner]["models"]}


def test_no_two_entries_share_a_variable() -> None:
    """A key in the environment belongs to one provider."""
    counted = Counter(name for each in READY.values() for name in each.key_variables)
    assert max(counted.values()) == 1
    assert len({key_variable(name) for name in READY}) == len(READY)
    assert key_variable("my-gateway") == "AGENTSPEND_MY_GATEWAY_KEY"


def test_who_bills_on_after_a_hang_up_is_drained() -> None:
    """Row by row of the pricing study §3.6; whoever is not in it is read to the end."""
    stops = {"anthropic", "openai", "azure", "xai", "deepseek", "fireworks", "together"}
    here = {"ollama", "vllm"}
    assert {each.name for each in READY.values() if each.on_disconnect == "cancel"} == stops | here


def test_thirteen_are_ready_besides_the_three() -> None:
    """The list the documentation and the README name."""
    assert [each.name for each in BUILT_IN] == ["anthropic", "openai", "google"]
    assert [each.name for each in OTHERS] == [
        "openrouter", "deepseek", "xai", "mistral", "groq", "moonshot", "zai", "together",
        "fireworks", "azure", "litellm", "ollama", "vllm",
    ]  # fmt: skip


def test_the_documentation_names_every_address() -> None:
    """A table that people copy from says what the entries say."""
    text = (ROOT / "docs/providers.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for each in OTHERS:
        urls = [each.base_url, *each.base_urls.values()]
        assert all(f"`{url}`" in rows[each.name] for url in urls if url), each.name
        ends = "cancelled" if each.on_disconnect == "cancel" else "read to the end"
        assert rows[each.name].endswith(f"| {ends} |")
        assert (each.key_header or ("none" if each.auth == "none" else "bearer")) in rows[each.name]
    assert list(rows) == [each.name for each in OTHERS]
