"""Claude behind another provider's door: Anthropic's own shapes, billed by that provider.

Bedrock's InvokeModel and Vertex's rawPredict answer with Anthropic's JSON or events; the model that
was asked for decides the price (region prefixes), and an empty refusal is billed (study §3.1 and
§3.5).
"""

import base64
import binascii
from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.anthropic.meter import AnthropicMeter
from agentspend.dialects.bedrock.frames import Frames
from agentspend.dialects.counts import whole
from agentspend.dialects.metering import ANY, EVENT_STREAM, FOREIGN

METRICS = "amazon-bedrock-invocationMetrics"
_METRICS = {
    "input_tokens": "inputTokenCount",
    "output_tokens": "outputTokenCount",
    "cache_read_tokens": "cacheReadInputTokenCount",
}


class PartnerMeter(AnthropicMeter):
    """Usage of an Anthropic answer that somebody else bills, at the model that was asked for."""

    def _metered(self, billing: Billing) -> Metered:
        self._has_content = True
        metered = super()._metered(billing)
        if not self._facts.model or not metered.parts:
            return metered
        first, *more = metered.parts
        return replace(metered, parts=(replace(first, model=self._facts.model), *more))


class InvokeStreamMeter:
    """Usage of one InvokeModelWithResponseStream answer, as frames or decoded, a JSON a line."""

    def __init__(self, facts: RequestFacts, status: int) -> None:
        self._inner = PartnerMeter(facts, status, EVENT_STREAM)
        self._frames = Frames()
        self._metrics: dict[str, Any] = {}

    @property
    def output_seen_tokens(self) -> int:
        """Upper bound of the output tokens whose text has passed so far."""
        return self._inner.output_seen_tokens

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when they brought usage."""
        news = False
        for _, payload in self._frames.feed(chunk):
            news = self._take(payload) or news
        return news

    def so_far(self) -> Metered:
        """What is proved at this point."""
        return self._inner.so_far()

    def end(self, *, complete: bool) -> Metered:
        """What is proved in the end. Asking changes nothing: more may be fed after."""
        return deepcopy(self).close(complete=complete)

    def close(self, *, complete: bool) -> Metered:
        """The same, for a meter that is fed no more; names counts that Bedrock's own contradict."""
        for _, payload in self._frames.pending():
            self._take(payload)
        metered = self._inner.end(complete=complete and not self._frames.overflowed)
        differs = ", ".join(self._contradictions(metered))
        return replace(metered, extra={"metrics_differ": differs}) if differs else metered

    def _take(self, payload: bytes) -> bool:
        try:
            message = ANY.decode(payload)
            if "bytes" in message:
                payload = base64.b64decode(message["bytes"], validate=True)
                message = ANY.decode(payload)
            self._metrics = message.get(METRICS) or self._metrics
        except (*FOREIGN, binascii.Error):
            payload = b"?"
        return self._inner.feed(b"data: " + payload.replace(b"\n", b" ") + b"\n\n")

    def _contradictions(self, metered: Metered) -> list[str]:
        if not self._metrics or not metered.parts:
            return []
        usage = metered.parts[0].usage
        try:
            return [
                name
                for name, theirs in _METRICS.items()
                if theirs in self._metrics and whole(self._metrics, theirs) != getattr(usage, name)
            ]
        except FOREIGN:
            return ["unreadable"]
