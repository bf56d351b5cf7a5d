"""Providers that need no more than their name in the configuration: addresses, prices, habits.

Data only, and the standard library only: `run` reads it before anything else is loaded. Addresses,
headers and variables are the vendors' own documentation's (read 2026-11); none was called with a
real key. `on_disconnect` follows the pricing study §3.6: whoever is not known to stop billing when
a client hangs up is read to the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ANTHROPIC, CHAT, RESPONSES, GEMINI = "anthropic", "openai_chat", "openai_responses", "gemini"


@dataclass(frozen=True, slots=True)
class Ready:
    """One provider as it is known without being configured.

    `dialects` are what it speaks, at `base_url` unless `base_urls` names another address for one
    ("" where every account has its own). `price_prefix` is the price table's name for it ("": the
    same), or names by pattern of models. `key_variables` are where its clients look for a key, and
    `key_begins` how its own keys begin. `key_header` is "" for a bearer. `stream_usage`: its Chat
    streams take `stream_options.include_usage`. `free`: nothing it does costs anything while it is
    on this machine. `login_base_url` is where requests of a ChatGPT or Google login go. `key_path`
    is a free call that only a key opens, where its list of models is everybody's. `note` is what a
    person should know when adding it.
    """

    name: str
    title: str
    dialects: tuple[str, ...]
    base_url: str = ""
    base_urls: Mapping[str, str] = field(default_factory=dict)
    price_prefix: str | Mapping[str, str] = ""
    key_variables: tuple[str, ...] = ()
    key_begins: str = ""
    key_header: str = ""
    on_disconnect: str = "drain"
    auth: str = "auto"
    stream_usage: bool = True
    free: bool = False
    login_base_url: str = ""
    key_path: str = ""
    note: str = ""


BUILT_IN = (
    Ready(
        "anthropic", "Anthropic", (ANTHROPIC,), "https://api.anthropic.com",
        key_variables=("ANTHROPIC_API_KEY",), key_begins="sk-ant-", key_header="x-api-key",
        on_disconnect="cancel",
    ),
    Ready(
        "openai", "OpenAI", (CHAT, RESPONSES), "https://api.openai.com",
        key_variables=("CODEX_API_KEY", "OPENAI_API_KEY"), key_begins="sk-",
        on_disconnect="cancel", login_base_url="https://chatgpt.com/backend-api/codex",
    ),
    Ready(
        "google", "Gemini", (GEMINI,), "https://generativelanguage.googleapis.com",
        key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"), key_begins="AIza",
        key_header="x-goog-api-key", login_base_url="https://cloudcode-pa.googleapis.com",
    ),
)  # fmt: skip

OTHERS = (
    Ready(
        "openrouter", "OpenRouter", (CHAT, RESPONSES, ANTHROPIC), "https://openrouter.ai/api/v1",
        key_variables=("OPENROUTER_API_KEY",), key_begins="sk-or-", key_path="/v1/key",
        note="its answers state what it took, and that is what is charged",
    ),
    Ready(
        "deepseek", "DeepSeek", (CHAT, ANTHROPIC), "https://api.deepseek.com/v1",
        base_urls={ANTHROPIC: "https://api.deepseek.com/anthropic"},
        price_prefix={
            "*": "deepseek",
            # Its Anthropic endpoint serves these names with models of its own.
            "claude-opus*": "deepseek/deepseek-v4-pro",
            "claude-sonnet*": "deepseek/deepseek-v4-flash",
            "claude-haiku*": "deepseek/deepseek-v4-flash",
        },
        key_variables=("DEEPSEEK_API_KEY",), key_begins="sk-", on_disconnect="cancel",
        note="Claude's model names are served, and charged, as DeepSeek's own",
    ),
    Ready(
        "xai", "xAI", (CHAT, RESPONSES), "https://api.x.ai/v1", price_prefix="x-ai",
        key_variables=("XAI_API_KEY",), key_begins="xai-", on_disconnect="cancel",
    ),
    Ready(
        "mistral", "Mistral", (CHAT,), "https://api.mistral.ai/v1",
        key_variables=("MISTRAL_API_KEY",), stream_usage=False,
        note="its streams tell their usage unasked, and refuse to be asked",
    ),
    Ready(
        "groq", "Groq", (CHAT, RESPONSES), "https://api.groq.com/openai/v1",
        key_variables=("GROQ_API_KEY",), key_begins="gsk_",
    ),
    Ready(
        "moonshot", "Moonshot", (CHAT, ANTHROPIC), "https://api.moonshot.ai/v1",
        base_urls={ANTHROPIC: "https://api.moonshot.ai/anthropic"}, price_prefix="moonshotai",
        key_variables=("MOONSHOT_API_KEY",), key_begins="sk-",
        note='in China: base_url = "https://api.moonshot.cn/v1", and prices of your own',
    ),
    Ready(
        "zai", "Z.ai", (CHAT, ANTHROPIC), "https://api.z.ai/api/paas/v4",
        base_urls={ANTHROPIC: "https://api.z.ai/api/anthropic"},
        key_variables=("ZAI_API_KEY",),
        note='with a coding plan: base_url = "https://api.z.ai/api/coding/paas/v4"',
    ),
    Ready(
        "together", "Together", (CHAT,), "https://api.together.ai/v1",
        key_variables=("TOGETHER_API_KEY",), on_disconnect="cancel",
    ),
    Ready(
        "fireworks", "Fireworks", (CHAT, ANTHROPIC), "https://api.fireworks.ai/inference/v1",
        key_variables=("FIREWORKS_API_KEY",), key_begins="fw_", on_disconnect="cancel",
    ),
    Ready(
        "azure", "Azure OpenAI", (CHAT, RESPONSES), price_prefix="openai",
        key_variables=("AZURE_OPENAI_API_KEY",), key_header="api-key", on_disconnect="cancel",
        note="prices are OpenAI's for global deployments named like their model: another name needs"
        " an alias, and a regional or data-zone deployment a multiplier (1.1)",
    ),
    Ready(
        "litellm", "LiteLLM proxy", (CHAT, RESPONSES, ANTHROPIC), "http://localhost:4000",
        price_prefix={
            "anthropic/*": "anthropic", "openai/*": "openai", "gemini/*": "google",
            "deepseek/*": "deepseek", "xai/*": "x-ai", "mistral/*": "mistral", "groq/*": "groq",
            "openrouter/*": "openrouter", "fireworks_ai/*": "fireworks",
            "together_ai/*": "together", "moonshot/*": "moonshotai", "zai/*": "zai",
        },
        key_variables=("LITELLM_API_KEY",),
        note="models are known by LiteLLM's own prefixes (anthropic/…); for other names say whose"
        ' prices hold: price_prefix = { "claude-*" = "anthropic", "gpt-*" = "openai" }',
    ),
    Ready(
        "ollama", "Ollama", (CHAT, RESPONSES, ANTHROPIC), "http://localhost:11434",
        key_variables=("OLLAMA_API_KEY",), on_disconnect="cancel", auth="none", free=True,
        note="everything it does is free, while it is on this machine",
    ),
    Ready(
        "vllm", "vLLM", (CHAT, RESPONSES, ANTHROPIC), "http://localhost:8000",
        key_variables=("VLLM_API_KEY",), on_disconnect="cancel", auth="none", free=True,
        note="everything it does is free, while it is on this machine",
    ),
)  # fmt: skip

READY: Mapping[str, Ready] = {each.name: each for each in (*BUILT_IN, *OTHERS)}
"""Every provider known by name: the three that are always there, then those to be added."""


def key_variable(name: str) -> str:
    """The variable that is ours for a provider's key, whoever the provider is."""
    return f"AGENTSPEND_{name.upper().replace('-', '_')}_KEY"
