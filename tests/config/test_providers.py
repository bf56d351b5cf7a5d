"""What `[providers.NAME]` means: ready entries filled in, own words over them, nothing guessed."""

import pytest

from agentspend.config.providers import Provider
from agentspend.config.ready_providers import OTHERS
from agentspend.config.schema import parse_config
from agentspend.core.errors import ConfigError
from agentspend.core.facts import RequestFacts
from agentspend.core.pricebook import PriceBook
from agentspend.core.rates import RateRow
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_book


def read(name: str, *lines: str) -> Provider:
    """One provider out of a file that only says this of it."""
    return parse_config("\n".join([f"[providers.{name}]", *lines])).providers[name]


def book(*lines: str) -> PriceBook:
    """The prices of a file."""
    return load_book(parse_config("\n".join(lines)).overrides)


def rates(prices: PriceBook, provider: str, model: str) -> tuple[RateRow, ...]:
    """The rows of a model that must have a price."""
    found = prices.find(provider, model)
    assert found is not None, (provider, model)
    return found.rows


def test_three_are_always_there() -> None:
    """Without a word in the file the three first-party ones can be asked, and nobody else."""
    found = parse_config("").providers
    assert [(each.name, each.key_header, each.on_disconnect) for each in found.values()] == [
        ("anthropic", "x-api-key", "cancel"),
        ("openai", "", "cancel"),
        ("google", "x-goog-api-key", "drain"),
    ]


def test_a_name_alone_takes_the_ready_entrys_values() -> None:
    """`[providers.deepseek]` with nothing else is all of DeepSeek, Claude's endpoint included."""
    found = read("deepseek")
    assert found.dialects == ("openai_chat", "anthropic")
    assert found.url("openai_chat") == "https://api.deepseek.com/v1"
    assert found.url("anthropic") == "https://api.deepseek.com/anthropic"
    assert (found.on_disconnect, found.auth, found.free) == ("cancel", "auto", False)


@pytest.mark.parametrize("name", [each.name for each in OTHERS if each.base_url])
def test_every_ready_entry_is_a_configuration(name: str) -> None:
    """None of them needs a second word, and each has prices or says that it is free."""
    found = read(name)
    assert found.dialects
    assert found.free or book(f"[providers.{name}]").models(name)


def test_azure_needs_its_resource() -> None:
    """Every account has an address of its own, so nothing can be ready there."""
    with pytest.raises(ConfigError, match="where azure answers is not said"):
        read("azure")
    url = "https://acme.openai.azure.com/openai/v1"
    found = read("azure", f'base_url = "{url}"')
    assert (found.key_header, found.vendor, found.url("openai_chat")) == ("api-key", "openai", url)


def test_own_words_replace_the_ready_ones() -> None:
    """An address of one's own is the address of every dialect, unless it says otherwise."""
    found = read(
        "deepseek", 'base_url = "https://gw.corp/ds/v1"', 'dialect = "openai_chat"',
        'on_disconnect = "drain"', 'auth = "key"', 'key = "CORP_KEY"', 'key_header = "X-Corp"',
        'price_prefix = "zai"', "stream_usage = false",
    )  # fmt: skip
    assert found == Provider(
        "deepseek", ("openai_chat",), "https://gw.corp/ds/v1", {}, "key", "drain", "CORP_KEY",
        "x-corp", (("*", "zai"),), stream_usage=False, free=False,
    )  # fmt: skip
    both = read(
        "gateway", 'dialect = ["openai_chat", "anthropic"]', 'base_url = "https://gw.corp/v1"',
        'base_urls = { anthropic = "https://gw.corp/claude" }',
    )  # fmt: skip
    assert both.url("anthropic") == "https://gw.corp/claude"
    assert both.vendor == "gateway"


def test_a_server_on_this_machine_is_free_and_one_elsewhere_is_not() -> None:
    """Zero is said of what runs here; somebody else's Ollama costs what its owner says."""
    facts = RequestFacts("qwen3-coder", 0, 1_000_000, remote_input=True, unpriceable=("audio",))
    local = book("[providers.ollama]")
    limited = local.with_limits("ollama", facts)
    assert local.bound("ollama", limited, 0).nusd(1_000_000) == 0
    assert local.bound("ollama", limited, 0).unpriceable == ()
    assert not limited.assumed_limit
    away = ["[providers.ollama]", 'base_url = "https://gpu.corp"']
    assert book(*away).find("ollama", "qwen3-coder") is None
    assert book(*away, "free = true").find("ollama", "qwen3-coder") is not None
    assert book("[providers.ollama]", "free = false").find("ollama", "qwen3-coder") is None


def test_a_price_of_ones_own_beats_a_free_server() -> None:
    """What is said of one model comes before what is said of all of them."""
    own = '[prices."ollama/big*"]\ninput = "1"\noutput = "2"'
    found = book("[providers.ollama]", own)
    assert not found.find("ollama", "big-one").is_free  # type: ignore[union-attr]
    assert found.find("ollama", "small").is_free  # type: ignore[union-attr]


def test_prices_are_borrowed_by_the_price_tables_name() -> None:
    """xAI is `x-ai` in the table; one's own word is said of either name, the nearer one wins."""
    plain = book("[providers.xai]")
    listed = plain.find("x-ai", "grok-4.6")
    assert rates(plain, "xai", "grok-4.6") == listed.rows  # type: ignore[union-attr]
    assert plain.find("xai", "grok-999") is None
    assert plain.nearest("xai", "grok-4.66")[0] == "grok-4.6"
    cheaper = book("[providers.xai]", '[prices."xai/*"]', 'multiplier = "0.5"')
    assert cheaper.find("xai", "grok-4.6").times == (1, 2)  # type: ignore[union-attr]
    assert cheaper.find("x-ai", "grok-4.6") == listed
    exact = book("[providers.xai]", '[prices."xai/grok-4.6"]', 'multiplier = "0.5"')
    assert exact.find("xai", "grok-4.6").times == (1, 2)  # type: ignore[union-attr]
    assert exact.find("xai", "grok-4.7").times == (1, 1)  # type: ignore[union-attr]


def test_a_gateways_prices_are_named_by_patterns() -> None:
    """LiteLLM's own prefixes are known; other names are nobody's until the file says whose."""
    ready = book("[providers.litellm]")
    for name, owner in (
        ("anthropic/claude-opus-5", "anthropic"),
        ("gemini/gemini-2.5-pro", "google"),
    ):
        assert rates(ready, "litellm", name) == rates(ready, owner, name.partition("/")[2])
    assert ready.find("litellm", "gpt-4.1") is None
    assert "openai/gpt-4.1" in ready.models("litellm")
    named = book(
        "[providers.litellm]", 'price_prefix = { "gpt-*" = "openai", "fast" = "x-ai/grok-4.6" }'
    )
    assert rates(named, "litellm", "gpt-4.1") == rates(named, "openai", "gpt-4.1")
    assert rates(named, "litellm", "fast") == rates(named, "x-ai", "grok-4.6")
    assert named.find("litellm", "gemini/gemini-2.5-pro") is None


def test_what_is_said_of_providers_names_the_prices_anew() -> None:
    """A ledger row's price version tells two files apart that price a model differently."""
    versions = {
        book().version,
        book("[providers.xai]").version,
        book("[providers.ollama]").version,
        book("[providers.ollama]", "free = false").version,
    }
    assert len(versions) == 3


def test_a_gateway_may_answer_with_its_vendors_own_name() -> None:
    """LiteLLM streams `claude-…` for what was asked as `anthropic/claude-…`: one list holds."""
    found = book("[providers.litellm]")
    usage = Usage(input_tokens=1_000, output_tokens=10)
    asked, name = "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"
    for model, billing in ((name, Billing.EXACT), ("claude-nobody-knows", Billing.CEILING)):
        metered = Metered((UsagePart(model, usage),), Billing.EXACT)
        charge = found.charge("litellm", metered, 0, asked)
        assert charge.billing is billing
        if billing is Billing.EXACT:
            assert charge.nusd == found.charge("anthropic", metered, 0).nusd
