"""OpenRouter is told to ask nobody dearer than the hold rests on."""

import json

import pytest

from agentspend.dialects.no_dearer import no_dearer

HELD = (1_400_000, 4_400_000)
OURS = {"prompt": 1.4, "completion": 4.4}


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (None, {"max_price": OURS}),
        ("null", {"max_price": OURS}),
        ('{"order": ["a"]}', {"order": ["a"], "max_price": OURS}),
        ('{"max_price": null}', {"max_price": OURS}),
        ('{"max_price": {}}', {"max_price": OURS}),
        ('{"max_price": "cheap"}', {"max_price": OURS}),
        ('{"max_price": {"prompt": 9, "completion": "9.5"}}', {"max_price": OURS}),
        ('{"max_price": {"prompt": "NaN", "completion": [1]}}', {"max_price": OURS}),
        (
            '{"max_price": {"prompt": 1, "completion": "0.5", "image": 2}}',
            {"max_price": {"prompt": 1, "completion": "0.5", "image": 2}},
        ),
        ('{"max_price": {"prompt": 1e-1}}', {"max_price": {"prompt": 0.1, "completion": 4.4}}),
    ],
)
def test_the_lower_price_of_the_two_holds(provider: str | None, expected: object) -> None:
    """The request's own where it is lower; everything else it says of hosts stays."""
    field = "" if provider is None else f', "provider": {provider}'
    sent = no_dearer(f'{{"model": "z-ai/glm-5.3"{field}}}'.encode(), *HELD)
    assert json.loads(sent) == {"model": "z-ai/glm-5.3", "provider": expected}


@pytest.mark.parametrize("provider", ['"cheap"', "[]", "7"])
def test_what_is_no_object_is_left_to_who_refuses_it(provider: str) -> None:
    """Not a byte of it changes."""
    body = f'{{"model": "m", "provider": {provider}}}'.encode()
    assert no_dearer(body, *HELD) == body


def test_every_other_value_keeps_its_bytes() -> None:
    """A number's own spelling, too."""
    sent = no_dearer(b'{"temperature":0.70,"messages":[{"a":1e0}],"provider":{"x":1.0}}', *HELD)
    for kept in (b'"temperature":0.70', b'[{"a":1e0}]', b'"x":1.0'):
        assert kept in sent


def test_what_costs_nothing_is_asked_of_nobody_who_takes_money() -> None:
    """A free model's price is a price, too."""
    sent = json.loads(no_dearer(b"{}", 0, 0))
    assert sent["provider"]["max_price"] == {"prompt": 0, "completion": 0}
