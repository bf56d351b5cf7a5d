"""Tags: one spelling, nothing that could not be shown, and only ever more of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_TAG_BYTES, MAX_TAGS
from agentspend.core.scopes import Payer, Scope
from agentspend.core.tags import all_of, read_tag, read_tags, spelled


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("ticket=ABC-12", "ticket=ABC-12"),
        ("ticket:ABC-12", "ticket=ABC-12"),
        ("team: backend", "team=backend"),
        ("urgent", "urgent"),
        ("url=http://x/?a=b", "url=http://x/?a=b"),
        ("note=two words", "note=two words"),
        ("équipe:süd", "équipe=süd"),
    ],
)
def test_both_spellings_are_one_tag(text: str, tag: str) -> None:
    """The first sign of either kind parts the key from the value."""
    assert read_tag(text) == tag
    assert read_tag(tag) == tag


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "=x", ":x", "k=", "k: ", "a b", "k=a,b", "k=a ", " k=a", "k=\x1b[31m", "k=a\nb",
        "k=\ud800", "k=" + "x" * MAX_TAG_BYTES, "k=" + "é" * (MAX_TAG_BYTES // 2),
    ],
)  # fmt: skip
def test_what_could_not_be_shown_is_no_tag(text: str) -> None:
    """Tags stand in the ledger, on screens and in reports."""
    with pytest.raises(AgentspendError, match="not a tag"):
        read_tag(text)


def test_a_list_is_parted_by_commas_or_blanks() -> None:
    """As people write lists in variables; empty places are nothing."""
    assert read_tags(" team=web,ticket:1  urgent,\n") == ["team=web", "ticket=1", "urgent"]
    assert read_tags("") == []


def test_more_tags_than_fit_are_refused() -> None:
    """The number is said, and nothing is dropped without a word."""
    few = [f"k{number}" for number in range(MAX_TAGS)]

    assert len(all_of(few, few)) == MAX_TAGS
    with pytest.raises(AgentspendError, match=f"{MAX_TAGS + 1} tags"):
        all_of(few, ["one-more"])


def test_budgets_may_spell_their_tag_either_way() -> None:
    """A budget for `team:web` and one for `team=web` are for the same requests."""
    assert Scope.of({"tag": "team:web"}) == Scope.of({"tag": "team=web"})
    assert spelled("team:*") == "team=*"
    assert spelled("t*m") == "t*m"


WORD = st.text("ab=:* ", min_size=1, max_size=6)


@given(own=st.lists(WORD, max_size=4), added=st.lists(WORD, max_size=4), pattern=WORD)
def test_adding_tags_leads_out_of_no_budget(own: list[str], added: list[str], pattern: str) -> None:
    """Whatever matched a scope before more tags came matches it still."""
    scope = Scope.of({"tag": pattern})
    before, after = Payer(tags=all_of(own)), Payer(tags=all_of(own, added))

    assert not scope.matches(before) or scope.matches(after)
