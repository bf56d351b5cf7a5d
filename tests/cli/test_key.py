"""`agentspend key`: a token once, a budget like any other, and everything else to look at later."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import PYTHON, SPEND, Command
from tests.support.process import Home

WORDS = ("--models", "claude-haiku-4-5,gpt-*", "--tpm-limit", "1000000", "--rpm-limit", "100",
         "--max-parallel", "4", "--agent", "claude", "--project", "acme/api", "--tag", "team=web",
         "--provider", "anthropic", "--expires", "90d")  # fmt: skip


@pytest.fixture(autouse=True)
def _home(here: Home) -> Iterator[None]:
    """Every test here shares one daemon, and leaves no key behind."""
    yield
    for each in here.json("key", "list")["keys"]:
        here.run("key", "delete", each["alias"])


def spend(home: Home, url: str, token: str = "") -> dict[str, Any]:
    """One request by a process of its own, to this base URL; what came back."""
    env = {**home.env, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": token}
    done = subprocess.run([PYTHON, str(SPEND)], env=env, capture_output=True, text=True,
                          check=True, timeout=60)  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_token_is_data_and_shown_once(agentspend: Command, here: Home) -> None:
    """Alone on stdout, so that a script can take it; nothing shows it again."""
    ran = agentspend("key", "create", "--alias", "ci")
    token = ran.out.strip()
    assert ran.code == 0
    assert token.startswith("ask-")
    assert len(token) == len("ask-") + 43
    assert "shown once" in ran.err
    assert token not in ran.err
    for words in (("key", "list", "--json"), ("key", "info", "ci", "--json"), ("log", "--json")):
        assert token not in agentspend(*words).out
    kept = b"".join(path.read_bytes() for path in here.home.iterdir() if path.is_file())
    assert token.encode() not in kept


def test_create_as_people_coming_from_elsewhere_write_it(agentspend: Command, here: Home) -> None:
    """One command gives a key with a monthly budget, models and limits; all of it is shown."""
    made = agentspend("key", "create", "--alias", "alice", "--max-budget", "100",
                      "--budget-duration", "1mo", *WORDS, "--json").json()  # fmt: skip
    assert made["v"] == 1
    assert made["base_url"].endswith(f"/k/{made['token']}")
    info = agentspend("key", "info", "alice", "--json").json()
    assert info["models"] == ["claude-haiku-4-5", "gpt-*"]
    assert (info["tpm"], info["rpm"], info["parallel"]) == (1_000_000, 100, 4)
    assert (info["agent"], info["project"], info["tags"]) == ("claude", "acme/api", ["team=web"])
    assert info["provider"] == "anthropic"
    assert info["expires_us"] - info["created_us"] == 90 * 86_400 * 1_000_000
    (budget,) = info["budgets"]
    assert (budget["name"], budget["scope"], budget["window"]) == (
        "key-alice", "key=alice", "month"
    )  # fmt: skip
    assert budget["limit_nusd"] == 100 * 10**9
    shown = agentspend("key", "list").out.splitlines()
    assert shown[0].split() == ["KEY", "STATE", "FOR", "MODELS", "LIMITS", "BUDGET", "EXPIRES",
                                "LAST", "USED"]  # fmt: skip
    assert shown[1].split()[:2] == ["alice", "active"]
    assert "$100.00 of $100.00 free per month" in shown[1]
    assert "100 rpm 1,000,000 tpm 4 parallel" in agentspend("key", "info", "alice").out


def test_its_budget_is_one_like_any_other(agentspend: Command, here: Home) -> None:
    """Listed, raised, and gone with its key; what was spent stays in the ledger."""
    made = agentspend("key", "create", "--alias", "bob", "--max-budget", "1", "--json").json()
    assert agentspend("budget", "raise", "key-bob", "4").code == 0
    answer = spend(here, made["base_url"])
    assert answer["status"] == 200, answer
    info = agentspend("key", "info", "bob", "--json").json()
    assert info["budgets"][0]["limit_nusd"] == 5 * 10**9
    assert info["requests"] == 1
    assert info["spent_nusd"] == info["budgets"][0]["spent_nusd"] > 0
    assert info["last_used_us"] > info["created_us"]

    ran = agentspend("key", "delete", "bob")

    assert ran.code == 0
    assert "budget key-bob is gone with it" in ran.err
    assert "key-bob" not in here.config.read_text()
    assert [line["name"] for line in here.json("status")["budgets"]] == []
    told = [entry["text"] for entry in here.json("log") if entry["kind"] == "key"]
    assert told[-2:] == ["created", "deleted"]
    assert any(entry.get("key") == "bob" and entry["kind"] == "settle"
               for entry in here.json("log"))  # fmt: skip


def test_blocked_and_back(agentspend: Command, here: Home) -> None:
    """A blocked key's request is refused with the command; unblocked, it passes."""
    made = agentspend("key", "create", "--alias", "carl", "--json").json()
    assert agentspend("key", "block", "carl").code == 0
    answer = spend(here, made["base_url"])
    assert answer["status"] == 400
    assert "agentspend key unblock carl" in answer["said"]["error"]["message"]
    assert agentspend("key", "list", "--json").json()["keys"][0]["state"] == "blocked"
    assert agentspend("key", "unblock", "carl", "--json").json()["state"] == "active"
    assert spend(here, made["base_url"])["status"] == 200
    assert [each["id"] for each in here.json("status")["sessions"]] == ["carl"]
    shown = agentspend("log").out
    assert "virtual key carl blocked" in shown
    assert "virtual key carl unblocked" in shown


def test_a_key_is_changed_while_it_is_used(agentspend: Command, here: Home) -> None:
    """Other models and limits hold for its next request; what is not named stays."""
    made = agentspend("key", "create", "--alias", "cleo", "--rpm-limit", "50", "--json").json()
    assert spend(here, made["base_url"])["status"] == 200
    changed = agentspend("key", "update", "cleo", "--models", "claude-opus-*", "--expires", "9d",
                         "--json").json()  # fmt: skip
    assert (changed["models"], changed["rpm"]) == (["claude-opus-*"], 50)
    assert changed["expires_us"] > 0
    answer = spend(here, made["base_url"])
    assert answer["status"] == 400
    assert "agentspend key update cleo" in answer["said"]["error"]["message"]
    assert agentspend("key", "update", "cleo", "--models", "").code == 0
    assert spend(here, made["base_url"])["status"] == 200
    nothing = agentspend("key", "update", "cleo")
    assert nothing.code == ExitCode.USAGE
    assert nothing.err.startswith("agentspend: nothing to change\n→ agentspend key update cleo")


def test_a_new_token_for_a_key(agentspend: Command, here: Home) -> None:
    """The old one ends at once, or after the grace."""
    old = agentspend("key", "create", "--alias", "dora", "--json").json()
    ran = agentspend("key", "rotate", "dora", "--grace", "24h", "--expires", "30d")
    assert "the old token works for 24h more" in ran.err
    assert spend(here, old["base_url"])["status"] == 200
    new = ran.out.strip()
    last = agentspend("key", "rotate", "dora")
    assert "the old token works no more" in last.err
    url = old["base_url"].partition("/k/")[0]
    assert spend(here, url, new)["status"] == 400
    assert spend(here, url, last.out.strip())["status"] == 200


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--alias", "a b"], "'a b' is not a name for a key", "use letters, digits"),
        (["--alias", "x", "--budget-duration", "1d"], "--budget-duration needs --max-budget",
         "agentspend key create --alias x --max-budget 100"),
        (["--alias", "x", "--max-budget", "5", "--budget-duration", "often"],
         "'often' is not how often", "write 1d, 7d or 1mo"),
        (["--alias", "x", "--max-budget", "much"], "'much' is not an amount", 'write it like'),
        (["--alias", "x", "--expires", "soon"], "'soon' is not a length of time", "write it like"),
        (["--alias", "x", "--rpm-limit", "-4"], "-4",
         "agentspend key create --alias"),
        (["--alias", "x", "--tag", "a,b"], "'a,b' is not a tag", "write it like"),
        ([], "issing option", "agentspend key create --alias"),
    ],
)  # fmt: skip
def test_what_is_written_wrong_makes_no_key(
    agentspend: Command, here: Home, words: list[str], said: str, hint: str
) -> None:
    """Two lines on stderr, exit code 2, and nothing made."""
    ran = agentspend("key", "create", *words)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    first, second = ran.err.splitlines()
    assert said in first
    assert second.startswith(f"→ {hint}")
    assert here.json("key", "list")["keys"] == []


def test_a_name_is_taken_once(agentspend: Command) -> None:
    """A second key of one name, or one whose budget's name is taken, is refused."""
    assert agentspend("key", "create", "--alias", "emil").code == 0
    again = agentspend("key", "create", "--alias", "emil")
    assert again.code == 1
    assert "there is a virtual key named 'emil' already" in again.err
    assert agentspend("budget", "set", "key-fritz", "9", "--window", "day").code == 0
    taken = agentspend("key", "create", "--alias", "fritz", "--max-budget", "5")
    assert taken.code == ExitCode.USAGE
    assert "→ agentspend budget remove key-fritz" in taken.err
    assert agentspend("budget", "remove", "key-fritz").code == 0


def test_a_name_nobody_has(agentspend: Command) -> None:
    """Said with the names there are, and where to see them."""
    agentspend("key", "create", "--alias", "gerd")
    for act in ("info", "block", "unblock", "rotate", "delete", "update"):
        ran = agentspend("key", act, "hans", *(["--rpm-limit", "1"] if act == "update" else []))
        assert ran.code == 2
        assert ran.err == (
            "agentspend: no virtual key is named 'hans': gerd\n→ agentspend key list\n"
        )


def test_a_model_without_a_price_is_told(agentspend: Command) -> None:
    """The key is made; what it could never use is said."""
    ran = agentspend("key", "create", "--alias", "ida", "--models", "claude-haiku-4-5,nope-9,x-*")
    assert ran.code == 0
    assert "no price is known for nope-9" in ran.err
    assert "claude-haiku-4-5" not in ran.err
    assert "x-*" not in ran.err


def test_keys_are_listed_while_no_daemon_runs(agentspend: Command, here: Home) -> None:
    """From the ledger's own file; none is started for a look."""
    agentspend("key", "create", "--alias", "jo", "--rpm-limit", "7")
    here.run("daemon", "stop")
    assert agentspend("key", "list", "--json").json()["keys"][0]["alias"] == "jo"
    assert here.pid() == 0


def test_no_key_yet(agentspend: Command) -> None:
    """How to make one."""
    ran = agentspend("key", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "→ agentspend key create --alias NAME" in ran.err
