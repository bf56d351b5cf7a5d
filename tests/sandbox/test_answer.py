"""What an answer owes, and when."""

from fractions import Fraction

from agentspend.sandbox.answer import Answer, Ask, Choice, choice_of, nusd_up
from agentspend.sandbox.behaviour import NORMAL, Behaviour
from agentspend.sandbox.content import Block, Content
from agentspend.sandbox.rates import Usage


def cent_a_token(model: str, usage: Usage) -> Fraction:
    return Fraction(usage.prompt_tokens + usage.output_tokens, 100)


def an_answer(**changes: object) -> Answer:
    fields: dict[str, object] = {
        "number": 1,
        "request_id": "r",
        "message_id": "m",
        "model": "a",
        "request_model": "a",
        "choices": (Choice((Block("thinking", "", 4), Block("text", "x", 6)), 10, "end_turn"),),
        "usage": Usage(105, output_tokens=10),
        "at_start": Usage(100, output_tokens=1),
        "at_s": 0.0,
        "behaviour": NORMAL,
        "body": {},
        "price": cent_a_token,
        **changes,
    }
    return Answer(**fields)  # type: ignore[arg-type]


def test_what_is_owed_grows_from_the_input_to_the_whole() -> None:
    """The input at once, output as it is generated, late input and extras at the end."""
    found = an_answer(extras=(("b", Usage(7)),))
    assert found.usd_at_start() == Fraction(1)
    assert found.usd_after(3) == Fraction(103, 100)
    assert found.usd_after(99) == Fraction(110, 100)
    assert found.usd() == Fraction(115 + 7, 100)
    assert found.thinking_tokens == 4


def test_a_free_answer_owes_nothing() -> None:
    """Whatever it used."""
    found = an_answer(free=True)
    assert found.usd() == found.usd_at_start() == found.usd_after(5) == 0


def test_nano_dollars_are_rounded_up_once() -> None:
    """A third of one is one."""
    assert nusd_up(Fraction(1, 3 * 10**9)) == 1
    assert nusd_up(Fraction(2, 10**9)) == 2


def test_why_an_answer_ends() -> None:
    """Cut, told, after a tool call, or at its end."""
    call = Content((Block("tool_use", "{}", 1, "Bash"),), 1, cut=False)
    assert choice_of(call, NORMAL).stop_reason == "tool_use"
    assert choice_of(call, Behaviour(stop_reason="pause_turn")).stop_reason == "pause_turn"
    assert choice_of(Content((), 1, cut=True), NORMAL).stop_reason == "max_tokens"
    assert choice_of(Content((), 1, cut=False), NORMAL).stop_reason == "end_turn"


def test_an_ask_without_a_cache_remembers_nothing() -> None:
    """Each look at its prompts is a new, empty cache."""
    ask = Ask({}, NORMAL, seed=2, number=3)
    assert ask.prompts is not ask.prompts
    assert ask.chance.random() == ask.chance.random()
    assert ask.ident("msg_") == "msg_sandbox00000200000000003"
