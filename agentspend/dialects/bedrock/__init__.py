"""Bedrock's answers, and Claude's behind other doors: usage only, for `prices explain`."""

from agentspend.dialects.bedrock.converse import ConverseMeter
from agentspend.dialects.bedrock.invoke import InvokeStreamMeter, PartnerMeter

__all__ = ["ConverseMeter", "InvokeStreamMeter", "PartnerMeter"]
