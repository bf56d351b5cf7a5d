"""Codex with a ChatGPT login, Claude Code with a Claude one, Gemini CLI with a Google one.

The real programs through a real daemon. No account is used: the logins are made up, and the
sandbox stands for the providers' hosts.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentspend.agents.claude import LOST
from tests.daemon.helpers import set_port
from tests.e2e.test_codex import JWT, LOGIN
from tests.e2e.world import World, last_line
from tests.support.ports import free_port

BIN = Path(__file__).parents[2] / ".cache/agents/bin"
CODEX = ("codex", "exec", "--skip-git-repo-check", "-m", "gpt-5.4-mini", "say hi")
OAUTH = "sk-ant-oat01-canary-of-a-login"
ACCOUNT = "9f1c2b3a-0000-4000-8000-000000000001"
NOT_COUNTED = "; your subscription's use is listed apart, and not counted"
SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}


def codex_windows(primary: str, secondary: str) -> dict[str, Any]:
    """An answer that tells how much of the five hours and of the week is used."""
    soon = int(time.time()) + 3_600
    return {
        **SAYS,
        "headers": {
            "x-codex-primary-used-percent": primary, "x-codex-primary-window-minutes": "300",
            "x-codex-primary-reset-at": str(soon), "x-codex-secondary-used-percent": secondary,
            "x-codex-secondary-window-minutes": "10080",
            "x-codex-secondary-reset-at": str(soon + 86_400),
        },
    }  # fmt: skip


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """A ChatGPT subscriber who never wants to pay more; the sandbox is chatgpt.com."""
    with World(folder) as found:
        with found.home.config.open("a") as config:
            config.write(
                f'[providers.openai]\nbase_url = "{found.sandbox.url}/api-dollars"\n'
                f'login_base_url = "{found.sandbox.url}/backend-api/codex"\n'
                "stop_at_included = true\n"
            )
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        found.write(".codex/auth.json", LOGIN)
        yield found


@pytest.mark.agent("codex")
def test_a_chatgpt_login_is_listed_and_its_windows_are_shown(world: World) -> None:
    """Every request goes to the login's own host, untouched; billed to the nano-dollar, apart."""
    world.sandbox.direct(codex_windows("12.5", "40"))

    done = world.run(*CODEX, key="")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Hello from the sandbox." in done.stdout
    world.agree()
    assert {entry["counted"] for entry in world.settled()} == {"subscription"}
    assert {post["path"] for post in world.seen()} == {"/backend-api/codex/responses"}
    asked = [seen["path"] for seen in world.seen("GET")]
    assert asked
    assert all(path.startswith("/backend-api/codex/models?") for path in asked)
    assert "failed to refresh available models" not in done.stderr
    for post in world.seen():
        assert post["headers"]["authorization"] == f"Bearer {JWT}"
        assert post["headers"]["chatgpt-account-id"] == "acct-1"
        assert not [name for name in post["headers"] if "agentspend" in name]
    assert "cost $0.00 and $0.0" in last_line(done)
    assert "at list price on your subscription" in last_line(done)
    status = world.home.json("status")
    assert status["today_nusd"] == 0
    assert [(line["name"], line["used_percent"]) for line in status["windows"]] == [
        ("5h", 12), ("7d", 40),
    ]  # fmt: skip
    assert "acct-1" not in str(status)


@pytest.mark.agent("opencode")
def test_opencode_with_a_chatgpt_login_goes_there_too(world: World) -> None:
    """Its prompt and its title: to the login's own host, listed apart."""
    login = {"type": "oauth", "access": JWT, "refresh": "r", "expires": 4_102_444_800_000}
    file = ".local/share/opencode/auth.json"
    world.write(file, {"openai": {**login, "accountId": "acct-1"}})
    world.sandbox.direct(SAYS)

    done = world.run("opencode", "run", "-m", "openai/gpt-5.4-mini", "say hi", key="")

    assert "Hello from the sandbox." in done.stdout, done.stderr
    world.agree(2)
    assert {entry["counted"] for entry in world.settled()} == {"subscription"}
    assert {post["path"] for post in world.seen()} == {"/backend-api/codex/responses"}
    assert {post["headers"]["chatgpt-account-id"] for post in world.seen()} == {"acct-1"}


@pytest.mark.agent("codex")
def test_codex_stops_before_paid_overage(world: World) -> None:
    """With our words, after one refused request; nothing more reaches the provider."""
    world.sandbox.direct(codex_windows("12.5", "99"))
    assert world.run(*CODEX, key="").returncode == 0
    before = len(world.seen())

    done = world.run(*CODEX, key="")

    assert done.returncode == 1
    assert "the week of this openai login is 99 % used, and requests stop at 98 %" in done.stderr
    assert "0 requests, 1 refused" in last_line(done)
    assert len(world.seen()) == before


def claude_windows(five_hours: str, **more: str) -> dict[str, Any]:
    """The same of a Claude login."""
    words = {"5h-utilization": five_hours, "5h-status": "allowed", "status": "allowed", **more}
    words["5h-reset"] = str(int(time.time()) + 3_600)
    headers = {f"anthropic-ratelimit-unified-{name}": each for name, each in words.items()}
    return {**SAYS, "headers": headers}


@pytest.fixture
def claude(folder: Path) -> Iterator[World]:
    """A Claude subscriber who never wants to pay more."""
    with World(folder / "c", "stop_at_included = true\n") as found:
        scopes = ["user:inference", "user:profile"]
        login = {"accessToken": OAUTH, "refreshToken": "r", "scopes": scopes,
                 "expiresAt": 4_102_444_800_000, "subscriptionType": "max"}  # fmt: skip
        found.write(".claude/.credentials.json", {"claudeAiOauth": login})
        account = {"accountUuid": ACCOUNT, "emailAddress": "dev@example.com"}
        found.write(".claude.json", {"hasCompletedOnboarding": True, "oauthAccount": account})
        yield found


@pytest.mark.agent
def test_a_claude_login_is_listed_and_its_windows_are_shown(claude: World) -> None:
    """By the account it names, kept under a short HMAC; what it loses is said once."""
    claude.sandbox.direct(claude_windows("0.625", **{"7d-utilization": "0.4"}))

    first, second = claude.claude(key=""), claude.claude(key="")

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert [LOST in done.stderr for done in (first, second)] == [True, False]
    assert NOT_COUNTED not in first.stderr + second.stderr
    claude.agree(2)
    assert {entry["counted"] for entry in claude.settled()} == {"subscription"}
    for post in claude.seen():
        assert post["headers"]["authorization"] == f"Bearer {OAUTH}"
        assert "x-api-key" not in post["headers"]
        assert ACCOUNT in post["body"]
    windows = claude.home.json("status")["windows"]
    assert [(line["name"], line["used_percent"]) for line in windows] == [("5h", 62), ("7d", 40)]
    assert ACCOUNT not in str(windows)
    status = claude.home.json("status")
    listed_nusd = claude.sandbox.bill()["nusd"]
    assert (status["today_nusd"], status["today_subscription_nusd"]) == (0, listed_nusd)
    told = claude.home.run("why", claude.settled()[0]["rid"]).stdout
    assert "paid by a subscription: amounts are list prices" in told
    assert "listed  " in told
    assert "cost  " not in told


@pytest.mark.agent
@pytest.mark.parametrize(("counts", "told"), [("billed", True), ("all", False)])
def test_run_says_which_budgets_count_a_subscription(
    claude: World, counts: str, *, told: bool
) -> None:
    """A cap in dollars does not cap what costs none; one that counts all refuses by list price."""
    claude.sandbox.direct(SAYS)
    limit = "0.0001"
    claude.home.run("budget", "set", "daily", limit, "--window", "day", "--counts", counts)

    done = claude.claude(key="")

    assert (NOT_COUNTED in done.stderr) is told
    assert done.returncode == (0 if told else 1)
    assert bool(claude.theirs()) is told


@pytest.mark.agent
def test_claude_code_stops_before_paid_overage(claude: World) -> None:
    """An answer that was paid for is the last one; the refusal is shown after one request."""
    claude.sandbox.direct(claude_windows("1.0", **{"overage-in-use": "true"}))
    assert claude.claude(key="").returncode == 0
    before = len(claude.seen())

    done = claude.claude(key="")

    assert done.returncode == 1
    assert "API Error: 402 agentspend: this anthropic login is on paid overage" in done.stdout
    assert "0 requests, 1 refused" in last_line(done)
    assert len(claude.seen()) == before


GEMINI = ("gemini", "--skip-trust", "-m", "gemini-2.5-flash", "-p", "say hi")
# A token by variable is the one login that Gemini CLI does not first check with Google.
GOOGLE = {"GOOGLE_GENAI_USE_GCA": "true", "GOOGLE_CLOUD_ACCESS_TOKEN": "ya29.canary-of-a-login"}


@pytest.fixture
def google(folder: Path) -> Iterator[World]:
    """Somebody signed in with Google; the sandbox is Code Assist."""
    with World(folder / "g") as found:
        with found.home.config.open("a") as config:
            url = found.sandbox.url
            config.write(f'[providers.google]\nbase_url = "{url}/api-dollars"\n')
            config.write(f'login_base_url = "{url}"\n')
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        selected = {"security": {"auth": {"selectedType": "oauth-personal"}}}
        found.write(".gemini/settings.json", selected)
        found.sandbox.direct(SAYS)
        yield found


@pytest.mark.agent("gemini")
def test_a_google_login_is_metered(google: World) -> None:
    """Its calls go to Code Assist as they came; answers are billed to the nano-dollar, apart."""
    done = google.run(*GEMINI, key="", **GOOGLE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Hello from the sandbox." in done.stdout
    (entry,), (row,) = google.settled(), google.sandbox.bill()["rows"]
    assert (entry["response_id"], entry["amount_nusd"]) == (row["message_id"], row["nusd_up"])
    assert entry["counted"] == "subscription"
    paths = [post["path"] for post in google.seen()]
    assert "/v1internal:loadCodeAssist" in paths
    assert paths[-1] == "/v1internal:streamGenerateContent?alt=sse"
    for post in google.seen():
        assert post["headers"]["authorization"] == "Bearer ya29.canary-of-a-login"
        assert "x-goog-api-key" not in post["headers"]
    assert "at list price on your subscription" in last_line(done)


@pytest.mark.agent("gemini")
def test_a_budget_of_list_prices_stops_a_google_login(google: World) -> None:
    """After one refused request, with our words; nothing is answered."""
    google.home.run("budget", "set", "all", "0.0001", "--window", "day", "--counts", "all")

    done = google.run(*GEMINI, key="", **GOOGLE)

    assert done.returncode == 1
    assert "budget 'all' (everything, per day) has no room for this request" in done.stderr
    assert "0 requests, 1 refused" in last_line(done)
    assert google.theirs() == {}


@pytest.mark.agent("gemini")
def test_a_plain_gemini_with_a_google_login_comes_here_too(google: World) -> None:
    """By its own `.env`, without `run`: listed for its virtual key."""
    set_port(google.home, free_port())
    enabled = google.home.run("enable", "gemini", "--yes")
    assert enabled.returncode == 0, enabled.stderr
    env = {name: value for name, value in google.home.env.items() if "AGENTSPEND" not in name}

    done = subprocess.run(
        GEMINI, cwd=google.work, env={**env, **GOOGLE}, stdin=subprocess.DEVNULL, text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip

    assert "Hello from the sandbox." in done.stdout, done.stderr
    (entry,) = google.settled()
    assert (entry["counted"], entry["key"]) == ("subscription", "plain-gemini")
    assert google.home.run("enable", "gemini", "--undo", "--yes").returncode == 0
    assert not (google.home.user / ".gemini/.env").exists()
