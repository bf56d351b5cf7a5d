"""How long an agent waits for the first byte of an answer, before it gives up and asks again.

Measured against a server that takes a request and says nothing, with the versions of
`scripts/install_test_agents.sh`. A request that waits for a person (`on_exceed = "ask"`) is
answered well before that: an agent that has given up would only ask again, and bill again.
"""

FIRST_BYTE_S = {
    "codex": 600,
    "aider": 600,
    "pi": 600,
    "claude": 360,
    "opencode": 300,
    "qwen": 120,
    "gemini": 60,
}
"""By agent, in seconds. Codex still waited after 2,300 s, when nobody looked any more: a person who
has not answered in ten minutes is not there."""
UNKNOWN_S = 60
"""What most HTTP clients wait at least."""
OF_IT_PERCENT = 75


def asks_for_s(agent: str) -> int:
    """How long a request of this agent may wait for a person's answer, in seconds."""
    return FIRST_BYTE_S.get(agent, UNKNOWN_S) * OF_IT_PERCENT // 100
