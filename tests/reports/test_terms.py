"""`--by` and `--where`: the words there are, what they mean, and what is said to others."""

import json

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.reports.terms import columns, passes, read_by, read_where, values_of_tag


def said(*tags: str, **words: str) -> dict[str, str]:
    """A row's words."""
    return {
        "project": "",
        "branch": "",
        "agent": "",
        "model": "",
        **words,
        "tags": json.dumps(tags),
    }


def test_one_or_two_words_to_add_up_by() -> None:
    """With a comma, or by saying --by twice."""
    assert read_by([]) == ()
    assert read_by(["project, model"]) == read_by(["project", "model"]) == ("project", "model")
    assert read_by(["tag:ticket"]) == ("tag:ticket",)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("modle", "did you mean model?"),
        ("tag", "say which tag: tag:ticket"),
        ("tag:", "say which tag: tag:ticket"),
        ("colour", "use one of: day, week, month, project, branch, agent, model,"),
        ("day,day", "one or two different words: day,model"),
        ("day,model,agent", "one or two different words: day,model"),
    ],
)
def test_other_words_are_told_the_right_ones(text: str, hint: str) -> None:
    """The nearest, or all."""
    with pytest.raises(AgentspendError) as raised:
        read_by([text])
    assert raised.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["project", "day=2026-11-25", "colour=red", "tag:=x", ""])
def test_what_is_no_term_is_refused(text: str) -> None:
    """A day is a period's affair."""
    with pytest.raises(AgentspendError) as raised:
        read_where([text])
    assert raised.value.hint


@pytest.mark.parametrize(
    ("terms", "row", "meant"),
    [
        (["agent=claude"], said(agent="claude"), True),
        (["agent=claude"], said(agent="codex"), False),
        (["agent=claude", "agent=codex"], said(agent="codex"), True),
        (["agent=claude", "branch=main"], said(agent="claude", branch="dev"), False),
        (["model=claude-*"], said(model="claude-opus-5"), True),
        (["branch=fix[1]"], said(branch="fix[1]"), True),
        (["project=web"], said(project="github.com/acme/web"), True),
        (["project=acme/web"], said(project="github.com/acme/web"), True),
        (["project=eb"], said(project="github.com/acme/web"), False),
        (["project=mono"], said("project=acme/mono", project="acme/web"), True),
        (["model=gpt-5"], said("model=gpt-5", model="router/auto"), True),
        (["project="], said(), True),
        (["project="], said(project="web"), False),
        (["tag:ticket=ABC-*"], said("ticket=ABC-12"), True),
        (["tag:ticket="], said("team=blue"), True),
        (["tag:ticket="], said("ticket=A"), False),
        (["tag=team:blue"], said("team=blue"), True),
        (["tag=urgent"], said("urgent"), True),
        (["tag:urgent=urgent"], said("urgent"), True),
    ],
)
def test_which_rows_are_meant(terms: list[str], row: dict[str, str], meant: bool) -> None:
    """Several values of one name are any of them, several names all of them."""
    assert passes(read_where(terms), row) is meant


def test_a_tag_s_values() -> None:
    """All of them, whatever else begins alike."""
    row = said("ticket=A", "ticket=B", "tickets=C", "urgent")
    assert values_of_tag("tag:ticket", row) == ("A", "B")
    assert values_of_tag("tag:urgent", row) == ("urgent",)


def test_only_what_is_asked_for_is_kept_apart() -> None:
    """A filter by project looks at the tags, too, which name others."""
    assert columns(("day",), ()) == {"quarter"}
    assert columns(("tag:a", "model"), read_where(["agent=x"])) == {"tags", "model", "agent"}
    assert columns(("agent",), read_where(["project=x"])) == {"agent", "project", "tags"}
