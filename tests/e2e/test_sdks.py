"""`agentspend run -- python …` with the SDKs of Anthropic and OpenAI: billed, stopped at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import KEYS, SAYS, everywhere
from tests.e2e.world import World, last_line

pytestmark = pytest.mark.agent("sdks")

TURN = '[{"role": "user", "content": "say hi"}]'
PROGRAMS = {
    "messages": f"""
import anthropic
asked = dict(model="claude-sonnet-4-5", max_tokens=200, messages={TURN})
print(anthropic.Anthropic().messages.create(**asked).content[0].text)
""",
    "messages, streamed": f"""
import anthropic
asked = dict(model="claude-sonnet-4-5", max_tokens=200, messages={TURN})
with anthropic.Anthropic().messages.stream(**asked) as stream:
    print("".join(stream.text_stream))
""",
    "chat completions": f"""
import openai
asked = dict(model="gpt-4.1-mini", max_tokens=200, messages={TURN})
print(openai.OpenAI().chat.completions.create(**asked).choices[0].message.content)
""",
    "chat completions, streamed": f"""
import openai
asked = dict(model="gpt-4.1-mini", max_tokens=200, messages={TURN}, stream=True)
chunks = list(openai.OpenAI().chat.completions.create(**asked))
assert all(chunk.choices and chunk.usage is None for chunk in chunks), "nobody asked for usage"
print("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
""",
    "responses": """
import openai
asked = dict(model="gpt-5.4-mini", max_output_tokens=200, input="say hi")
print(openai.OpenAI().responses.create(**asked).output_text)
""",
    "responses, streamed": """
import openai
asked = dict(model="gpt-5.4-mini", max_output_tokens=200, input="say hi")
with openai.OpenAI().responses.stream(**asked) as stream:
    print(stream.get_final_response().output_text)
""",
}
REFUSED = """
except (anthropic.APIStatusError, openai.APIStatusError) as error:
    print(error.status_code, error.message)
"""


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """The sandbox is every provider."""
    with everywhere(folder) as found:
        found.sandbox.direct(SAYS)
        yield found


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_is_billed_to_the_nano_dollar(world: World, kind: str) -> None:
    """Its own answer, whole and as asked for; both books agree."""
    program = world.write("program.py", PROGRAMS[kind])

    done = world.run("--", "sdks", str(program), key="", **KEYS)

    assert done.stdout == "Hello from the sandbox.\n", done.stderr
    world.agree()
    assert len(world.ours()) == 1


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_program_over_budget_is_told_and_does_not_try_again(world: World, kind: str) -> None:
    """An exception of the SDK's own with our words, after one request."""
    body = PROGRAMS[kind].replace("\n", "\n    ")
    program = world.write("program.py", f"import anthropic, openai\ntry:{body}{REFUSED}")
    world.cap("0.00001")

    done = world.run("--", "sdks", str(program), key="", **KEYS)

    assert done.stdout.startswith("400 "), done.stdout + done.stderr
    assert "agentspend: budget 'daily'" in done.stdout
    assert " in 0 requests, 1 refused" in last_line(done)
    assert world.theirs() == {}
