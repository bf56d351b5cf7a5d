"""Anthropic's shapes from servers that copy them: OpenRouter, DeepSeek, Z.ai, gateways, vLLM.

What Anthropic promises of its own bill does not hold there: an empty refusal is billed like any
answer, and a stream's first event only holds the prompt's place (0, 1 or a guess: zai-org/GLM-5
#139, BerriAI/litellm #41406). OpenRouter says itself what it took.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.anthropic.meter import AnthropicMeter
from agentspend.dialects.counts import says_nothing
from agentspend.dialects.openai_usage import stated_pusd


class ElsewhereMeter(AnthropicMeter):
    """Usage of one Messages answer that is not Anthropic's own."""

    def __init__(self, facts: RequestFacts, status: int, content_type: str, vendor: str) -> None:
        super().__init__(facts, status, content_type)
        self._vendor = vendor

    def _metered(self, billing: Billing) -> Metered:
        if self._stream and not self._counted:
            return Metered(response_id=self._response_id)
        self._has_content = True
        metered = super()._metered(billing)
        unknown = tuple(name for name in metered.unpriceable if not says_nothing(name))
        metered = replace(metered, unpriceable=unknown)
        if billing is Billing.EXACT and metered.parts:
            return _stated(metered, self._usage, self._vendor)
        return metered


def _stated(metered: Metered, usage: Mapping[str, object], vendor: str) -> Metered:
    """With the amount that the answer states; one that cannot be read is no statement."""
    try:
        return replace(metered, stated_pusd=stated_pusd(usage, vendor))
    except ValueError:
        return metered
