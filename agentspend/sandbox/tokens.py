"""What tests need to count by: the rules, and Anthropic's count of a whole request."""

from agentspend.sandbox.anthropic.tokens import count_prompt
from agentspend.sandbox.rules import RULES, TokenRule

__all__ = ["RULES", "TokenRule", "count_prompt"]
