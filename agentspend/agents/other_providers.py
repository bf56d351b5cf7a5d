"""Providers besides the three that agents have names of their own for, and how each is led to us.

aider hands its models to LiteLLM, which reads a base-URL variable for each provider (1.81.10, its
source); OpenCode takes `provider.NAME.options.baseURL` for every provider of its list. Both append
`/chat/completions` to an address with the version in it. Our path names the provider, so that one
session may use several.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentspend.agents.base import KeySource, ProviderFacts, SessionFacts
from agentspend.config.ready_providers import READY

CHAT = "openai_chat"


@dataclass(frozen=True, slots=True)
class Other:
    """One provider: our name for it, LiteLLM's, OpenCode's, and LiteLLM's variable."""

    name: str
    litellm: str
    opencode: str
    variable: str


OTHERS = (
    Other("openrouter", "openrouter", "openrouter", "OPENROUTER_API_BASE"),
    Other("deepseek", "deepseek", "deepseek", "DEEPSEEK_API_BASE"),
    Other("xai", "xai", "xai", "XAI_API_BASE"),
    Other("mistral", "mistral", "mistral", "MISTRAL_AZURE_API_BASE"),
    Other("groq", "groq", "groq", "GROQ_API_BASE"),
    Other("moonshot", "moonshot", "moonshotai", "MOONSHOT_API_BASE"),
    Other("zai", "zai", "zai", "ZAI_API_BASE"),
    Other("together", "together_ai", "togetherai", "TOGETHER_AI_API_BASE"),
    Other("fireworks", "fireworks_ai", "fireworks-ai", "FIREWORKS_API_BASE"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one of them through us, and what the session knows of it."""

    other: Other
    url: str
    facts: ProviderFacts

    @property
    def keyed(self) -> bool:
        """Whether the daemon puts a key on, so that our token may stand in for one."""
        return self.facts.key is not KeySource.NONE

    @property
    def key_variables(self) -> tuple[str, ...]:
        """Where its clients look for a key."""
        return READY[self.other.name].key_variables


def ways(facts: SessionFacts) -> Iterator[Way]:
    """The providers that are set up and speak what these agents speak to them."""
    for other in OTHERS:
        known = facts.providers.get(other.name)
        if known is not None and CHAT in known.speaks:
            yield Way(other, f"{facts.base_url}/@{other.name}/v1", known)


def how_to_meter(theirs: str, agents_name: str) -> str:
    """The way out for a provider that is not set up; "" for one that nobody here knows.

    `theirs` is the attribute that holds the agent's name for it: "litellm" or "opencode".
    """
    found = next((each for each in OTHERS if getattr(each, theirs) == agents_name), None)
    return f"agentspend providers add {found.name}, then once more" if found else ""


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
