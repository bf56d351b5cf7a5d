"""Anthropic's shapes from servers that copy them: OpenRouter, DeepSeek, Z.ai, gateways, vLLM.

What Anthropic promises of its own bill does not hold there: an empty refusal is billed like any
answer, and a stream's first event only holds the prompt's place (0, 1 or a guess: zai-org/GLM-5
#139, BerriAI/litellm #41406). Their usage may count no searches. OpenRouter says itself what it
took.
"""

from collections.abc import Mapping
from typing import Any

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
        self._searches = 0

    def _read_block(self, block: dict[str, Any], data: bytes) -> None:
        self._searches += _is_search(block)
        super()._read_block(block, data)

    def _read_whole(self, message: dict[str, Any]) -> None:
        super()._read_whole(message)
        self._searches += sum(map(_is_search, message.get("content") or ()))

    def _metered(self, billing: Billing) -> Metered:
        if self._stream and not self._counted:
            return Metered(response_id=self._response_id)
        self._has_content = True
        metered = super()._metered(billing)
        unknown = tuple(name for name in metered.unpriceable if not says_nothing(name))
        metered = self._with_searches(replace(metered, unpriceable=unknown))
        if billing is Billing.EXACT and metered.parts:
            return _stated(metered, self._usage, self._vendor)
        return metered

    def _with_searches(self, metered: Metered) -> Metered:
        """With the searches that stand in the answer, where its usage counts none at all."""
        if not (self._searches and metered.parts) or self._usage.get("server_tool_use"):
            return metered
        first, *more = metered.parts
        usage = replace(first.usage, web_search_requests=self._searches)
        return replace(metered, parts=(replace(first, usage=usage), *more))


def _is_search(block: dict[str, Any]) -> bool:
    return block.get("type") == "server_tool_use" and block.get("name") == "web_search"


def _stated(metered: Metered, usage: Mapping[str, object], vendor: str) -> Metered:
    """With the amount that the answer states; one that cannot be read is no statement."""
    try:
        return replace(metered, stated_pusd=stated_pusd(usage, vendor))
    except ValueError:
        return metered
