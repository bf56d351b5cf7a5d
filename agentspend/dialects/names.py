"""What the dialects are called in settings and routes; light, so that reading settings loads none.

`CODE_ASSIST` is Gemini CLI's own API beside Gemini's: nobody sets it, a path speaks it.
"""

ANTHROPIC = "anthropic"
CHAT = "openai_chat"
RESPONSES = "openai_responses"
GEMINI = "gemini"
CODE_ASSIST = "code_assist"

DIALECTS = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
