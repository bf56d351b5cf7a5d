"""Which tests with real agents are left to `make agents`: they repeat, by another agent or another
API, what one in `make test` shows, and together they take many minutes."""

import re

LONG = re.compile(
    r"\[(qwen|pi|cline)\]"
    r"|_other_providers.*\[(openrouter|xai|mistral|groq|moonshot|zai|together|fireworks)\]"
    r"|_enable.*billed.*\[(gemini|opencode|aider)\]"
    r"|_enable.*keys_budget.*\[(opencode|aider)\]"
    r"|_enable.*blocked_key.*\[codex\]"
    r"|_enable.*run_is_a_run.*\[(codex|gemini|opencode|aider)\]"
    r"|_(every_refusal|other_agents_billed).*\[(opencode|aider) with Anthropic\]"
    r"|_sdks.*, streamed\]"
    r"|_subscriptions.*(opencode_with|plain_gemini|budget_of_list|run_says_which)"
)
