"""Budgets that repositories declare: in force where they tighten, each source for itself."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.bookkeeper.outcomes import Held
from agentspend.config.repository import Place, Workplace, workplace
from agentspend.core.access import forbidden
from agentspend.core.budgets import Budget
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_BUDGETS
from agentspend.core.scopes import Payer, Scope
from agentspend.prices import load_book
from agentspend.store import entries
from agentspend.wire.entries import decode
from tests.bookkeeper.conftest import Desk, budget

API, SHOP = "github.com/acme/api/.agentspend.toml", "github.com/acme/shop/.agentspend.toml"
BOOK = load_book(None)
FULL_PRICE, CHEAP = '{"prices":{}}', '{"prices":{"*":{"multiplier":"0.5"}}}'


def of(source: str, name: str, limit: str) -> Budget:
    """A budget that a repository's file declares."""
    return replace(budget(name, limit), source=source)


def declare(desk: Desk, **files: tuple[Budget, ...]) -> list[str]:
    """What the files say now, by `api` and `shop`; returns what waits of it."""
    declared = {{"api": API, "shop": SHOP}[name]: budgets for name, budgets in files.items()}
    waits = desk.do(lambda: desk.adoption.declare_repositories(declared, desk.at))
    return [change.text for change in waits]


def configure(desk: Desk, *budgets: Budget, prices: str = FULL_PRICE) -> list[str]:
    """What config.toml says now; returns everything that waits."""
    waits = desk.do(lambda: desk.adoption.declare(budgets, prices, desk.at))
    return [change.text for change in waits]


def limits(desk: Desk) -> dict[str, int]:
    """What is in force, in cents."""
    return {each.name: each.limit_nusd // 10**7 for each in desk.adoption.budgets}


def policies(desk: Desk) -> list[str]:
    """Who put a policy in force, one an entry."""
    found = [decode(body) for body in entries.bodies(desk.conn)]
    return [str(entry.text) for entry in found if entry.kind == "policy"]


def test_a_new_or_lower_budget_holds_at_once(desk: Desk) -> None:
    """A repository may always tighten."""
    configure(desk, budget("daily", "9"))

    assert declare(desk, api=(of(API, "api.day", "5"),)) == []
    assert declare(desk, api=(of(API, "api.day", "3"), of(API, "api.week", "9"))) == []
    assert limits(desk) == {"daily": 900, "api.day": 300, "api.week": 900}


def test_what_loosens_waits_for_a_person(desk: Desk) -> None:
    """A raise and a removal alike; the old limits go on refusing."""
    configure(desk)
    declare(desk, api=(of(API, "api.day", "5"), of(API, "api.week", "9")))

    waits = declare(desk, api=(of(API, "api.day", "8"),))

    assert waits == [
        "budget api.day limit rises from $5.00 to $8.00",
        "budget api.week is removed",
    ]
    assert limits(desk) == {"api.day": 500, "api.week": 900}
    desk.do(lambda: desk.adoption.confirm(waits, desk.at))
    assert limits(desk) == {"api.day": 800}
    assert desk.adoption.waits == ()


def test_no_source_speaks_for_another(desk: Desk) -> None:
    """Neither a reload of the configuration nor another repository removes or changes a budget."""
    configure(desk, budget("daily", "9"))
    declare(desk, api=(of(API, "api.day", "5"),), shop=(of(SHOP, "shop.day", "4"),))

    assert configure(desk, budget("daily", "9")) == []
    assert declare(desk, shop=(of(SHOP, "shop.day", "2"),)) == []
    assert configure(desk) == ["budget daily is removed"]
    assert declare(desk, api=()) == ["budget api.day is removed"]
    assert limits(desk) == {"daily": 900, "api.day": 500, "shop.day": 200}
    assert [change.budget for change in desk.adoption.waits] == ["daily", "api.day"]


def test_what_was_declared_before_a_restart_stays(desk: Desk) -> None:
    """A daemon that starts reads config.toml only; the repositories' budgets are in its ledger."""
    configure(desk, budget("daily", "9"))
    declare(desk, api=(of(API, "api.day", "5"),))
    again = Desk(desk.path)

    assert configure(again, budget("daily", "9")) == []
    assert configure(again, budget("daily", "99")) == [
        "budget daily limit rises from $9.00 to $99.00"
    ]
    again.do(lambda: again.adoption.confirm([c.text for c in again.adoption.waits], again.at))
    assert limits(again) == {"daily": 9900, "api.day": 500}
    assert again.adoption.budgets[1].source == API
    assert declare(again, api=(of(API, "api.day", "5"),)) == []
    assert policies(again) == ["config", "repository", "confirmed"]


def test_the_same_words_again_leave_no_entry(desk: Desk) -> None:
    """Every session of every repository says them."""
    configure(desk, budget("daily", "9"))
    for _ in range(3):
        declare(desk, api=(of(API, "api.day", "5"),))
        declare(desk, shop=(of(SHOP, "shop.day", "4"),))
        configure(desk, budget("daily", "9"))

    assert policies(desk) == ["config", "repository", "repository"]


def test_a_name_belongs_to_one_source(desk: Desk) -> None:
    """Two budgets of one name would share their accounts."""
    configure(desk, budget("daily", "9"))
    declare(desk, api=(of(API, "same", "5"),))

    for attempt in (
        lambda: declare(desk, shop=(of(SHOP, "same", "4"),)),
        lambda: declare(desk, shop=(of(SHOP, "daily", "4"),)),
        lambda: declare(desk, shop=(of(SHOP, "twin", "4"), of(SHOP, "twin", "5"))),
        lambda: configure(desk, budget("daily", "9"), budget("same", "4")),
    ):
        with pytest.raises(AgentspendError, match=r"name|called"):
            attempt()
        desk.conn.execute("ROLLBACK")
    assert limits(desk) == {"daily": 900, "same": 500}


def test_repositories_cannot_fill_the_books_without_end(desk: Desk) -> None:
    """Every hold looks at every budget in force."""
    many = tuple(of(API, f"api.{number}", "1") for number in range(MAX_BUDGETS + 1))

    with pytest.raises(AgentspendError, match=f"more than {MAX_BUDGETS} budgets"):
        declare(desk, api=many)


def test_a_person_may_take_one_out_whose_repository_is_gone(desk: Desk) -> None:
    """By command; what waited for it is gone too, and the file may bring it back."""
    declare(desk, api=(of(API, "api.day", "5"), of(API, "api.week", "9")))
    declare(desk, api=())

    desk.do(lambda: desk.adoption.forget("api.day", desk.at))

    assert limits(desk) == {"api.week": 900}
    assert [change.budget for change in desk.adoption.waits] == ["api.week"]
    assert declare(desk, api=(of(API, "api.day", "5"), of(API, "api.week", "9"))) == []
    assert limits(desk) == {"api.week": 900, "api.day": 500}


def test_a_repositorys_cap_keeps_prices_as_they_are(desk: Desk) -> None:
    """Cheaper prices would be a raise by another name, of its budgets too."""
    configure(desk)
    declare(desk, api=(of(API, "api.day", "5"),))

    assert len(configure(desk, prices=CHEAP)) == 1
    assert desk.adoption.settings == FULL_PRICE


FILES = st.dictionaries(st.sampled_from(["api.a", "api.b"]), st.integers(1, 9), max_size=2)


@settings(max_examples=60)
@given(said=st.lists(FILES, min_size=1, max_size=6))
def test_whatever_a_file_says_no_limit_ever_rises(said: list[dict[str, int]]) -> None:
    """Over any history of a file: what was in force stays, at its lowest so far."""
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        lowest: dict[str, int] = {}
        for file in said:
            declare(desk, api=tuple(of(API, name, str(usd)) for name, usd in file.items()))
            for name, usd in file.items():
                lowest[name] = min(usd, lowest.get(name, usd))
            assert limits(desk) == {name: usd * 100 for name, usd in lowest.items()}
        desk.conn.close()


MONO = "github.com/acme/mono"
PROJECTS = ("", MONO, "payments", "mono")
SCOPES = st.sampled_from(
    [
        {"project": MONO}, {"project": MONO}, {"project": "payments"}, {"tag": "team=web"},
        {"tag": "project=*"}, {"agent": "claude"}, {"agent": "codex"}, {"tag": "x"},
    ]
)  # fmt: skip
CAPS = st.lists(st.tuples(SCOPES, st.sampled_from(("0.05", "9"))), min_size=1, max_size=2)
TEXTS = st.builds(
    lambda project, tags, caps, denied: "\n".join(
        [
            f'project = "{project}"',
            f"tags = {tags}",
            *(f'[[budgets]]\nname = "b{n}"\nlimit = "{usd}"\nwindow = "day"'
              for n, usd in enumerate(caps)),
            *(f'[[models]]\ndeny = ["{model}"]' for model in denied),
        ]
    ),
    st.sampled_from(PROJECTS),
    st.lists(st.sampled_from(["team:web", "team:app", "x", "project:else"]), max_size=3),
    st.lists(st.sampled_from(["0.01", "9", "99"]), max_size=1),
    st.lists(st.sampled_from(["gpt-*", "o3", "claude-opus-*"]), max_size=1),
)  # fmt: skip


def admitted(folder: Path, caps: list[tuple[dict[str, str], str]], place: Workplace) -> bool:
    """Whether a request of somebody at this place gets through, where $0.04 was spent before the
    place had any file."""
    desk = Desk(folder / "ledger.db")
    with closing(desk.conn):
        budgets = (
            replace(budget(f"cap{n}", usd), scope=Scope.of(scope))
            for n, (scope, usd) in enumerate(caps)
        )
        desk.do(lambda: desk.adoption.declare(tuple(budgets), "{}", desk.at))
        before = desk.request("0.04", 100, payer=Payer(agent="claude", project=MONO, session="s"))
        if isinstance(desk.hold(before), Held):
            desk.settle(before.rid, "0.04")
        try:
            desk.do(lambda: desk.adoption.declare_repositories(place.declared, desk.at))
        except AgentspendError:
            return False
        payer = replace(place.payer, model="claude-opus-5", provider="anthropic")
        if forbidden(place.rules.models, payer, [payer.model], BOOK):
            return False
        return isinstance(desk.hold(desk.request("0.10", 100, payer=payer)), Held)


@settings(max_examples=80, deadline=None)
@given(caps=CAPS, root=TEXTS, part=TEXTS, named=st.sampled_from(PROJECTS), tags=st.booleans())
def test_whatever_a_file_says_no_more_is_admitted(
    caps: list[tuple[dict[str, str], str]], root: str, part: str, named: str, *, tags: bool
) -> None:
    """Names, tags, budgets and rules of a repository never let through what would be refused
    without them."""
    who = Payer(agent="claude", session="s_1", tags=("team=web",) if tags else (), project=named)
    texts = {"root": root, "part": part}
    files = [Place(name, name, text) for name, text in texts.items()]
    bare = [replace(each, text="") for each in files]
    with TemporaryDirectory() as folder:
        answers = []
        for number, places in enumerate((files, bare)):
            home = Path(folder) / str(number)
            home.mkdir()
            answers.append(admitted(home, caps, workplace(who, MONO, places)))

    assert answers[0] <= answers[1]
