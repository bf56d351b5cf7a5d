"""Which keys `run` takes out of the caller's environment, and whose they are."""

import pytest

from agentspend.cli.handover import Handed, keys_in

ENV = {
    "AGENTSPEND_OPENAI_KEY": "1", "AGENTSPEND_MY_GATEWAY_KEY": "2", "ANTHROPIC_API_KEY": "3",
    "CODEX_API_KEY": "4", "OPENAI_API_KEY": "5", "DEEPSEEK_API_KEY": "6", "CORP_KEY": "7",
    "GROQ_API_KEY": "", "AGENTSPEND_KEYS_FD": "8", "AGENTSPEND_OPENAI_KEY_FILE": "/run/secrets/k",
}  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "named", "more"),
    [
        ((), {}, []),
        (("deepseek", "groq"), {}, [("DEEPSEEK_API_KEY", "deepseek")]),
        (("my-gateway",), {"my-gateway": "CORP_KEY"}, [("CORP_KEY", "my-gateway")]),
    ],
)
def test_keys_of_the_providers_that_will_be_asked(
    chosen: tuple[str, ...], named: dict[str, str], more: list[tuple[str, str]]
) -> None:
    """Ours always; the built-in three's; another's only where it was chosen: a tool may need it."""
    found = keys_in(ENV, chosen, named)
    assert [(each.variable, each.provider) for each in found] == [
        ("AGENTSPEND_OPENAI_KEY", "openai"), ("AGENTSPEND_MY_GATEWAY_KEY", "my-gateway"),
        ("ANTHROPIC_API_KEY", "anthropic"), ("CODEX_API_KEY", "openai"),
        ("OPENAI_API_KEY", "openai"), *more,
    ]  # fmt: skip
    assert {each.variable for each in found if each.ours} == {
        "AGENTSPEND_OPENAI_KEY",
        "AGENTSPEND_MY_GATEWAY_KEY",
    }
    assert Handed("ANTHROPIC_API_KEY", "anthropic", "3", ours=False) in found
