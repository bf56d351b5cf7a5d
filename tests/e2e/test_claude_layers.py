"""Nothing slips past unseen: every switch that would lead Claude Code past the meter."""

import json
from typing import Any

import pytest

from tests.e2e.world import KEY, World, last_line

pytestmark = pytest.mark.agent

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
NOWHERE = "http://127.0.0.1:9"
OAUTH = "sk-ant-oat01-canary-of-a-login"
LAYERS = (
    ".claude/settings.json",
    "work/.claude/settings.json",
    "work/.claude/settings.local.json",
)


def shell(command: str) -> dict[str, Any]:
    """A behaviour in which the agent runs a command in its shell."""
    call = {"type": "tool_use", "name": "Bash", "input": {"command": command, "description": "x"}}
    return {"answer": [call], "output_tokens": 50}


def tool_result(world: World) -> str:
    """What the agent's tool gave back, as it was sent to the provider."""
    return json.dumps(json.loads(world.seen()[-1]["body"])["messages"][-1])


def test_a_redirect_in_every_settings_file_is_overridden_and_named(world: World) -> None:
    """The request comes through us; a warning names the file and line that would have counted."""
    world.sandbox.direct(SAYS)
    for path in LAYERS:
        file = world.write(path, {"env": {"A": "1", "ANTHROPIC_BASE_URL": NOWHERE}})

    done = world.claude()

    assert done.stdout == "Hello from the sandbox.\n", done.stderr
    assert f"{file} line 4 sets ANTHROPIC_BASE_URL" in done.stderr
    world.agree()


def test_a_redirect_that_the_agent_writes_itself_changes_nothing(world: World) -> None:
    """A settings file written in mid-session takes effect at once, but below our flag."""
    content = json.dumps({"env": {"ANTHROPIC_BASE_URL": NOWHERE, "CLAUDE_CODE_USE_BEDROCK": "1"}})
    writes = shell(f"mkdir -p .claude && echo '{content}' > .claude/settings.json; sleep 1")
    world.sandbox.direct({"script": {"main": [writes, shell("true"), SAYS]}})

    done = world.claude("--permission-mode", "bypassPermissions", IS_SANDBOX="1")

    assert "Hello from the sandbox." in done.stdout, done.stderr
    assert json.loads((world.work / ".claude/settings.json").read_text())
    world.agree(at_least=3)


@pytest.mark.parametrize("path", ["", LAYERS[0], LAYERS[1]])
def test_another_provider_is_refused_by_name_and_place(world: World, path: str) -> None:
    """Where Claude Code would leave for Bedrock nothing is started; the place is named."""
    env = {} if path else {"CLAUDE_CODE_USE_BEDROCK": "1"}
    file = world.write(path, {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}) if path else None

    done = world.claude(**env)

    assert done.returncode == 1
    place = f"{file} line 3" if file else "the environment"
    assert f"CLAUDE_CODE_USE_BEDROCK is set in {place}" in done.stderr
    assert (done.stdout, world.theirs()) == ("", {})


def test_no_proxy_variable_catches_what_is_meant_for_us(world: World) -> None:
    """Loopback is spared, in the environment and in settings, so the request comes through us."""
    world.sandbox.direct(SAYS)
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
    world.write(LAYERS[0], {"env": {"HTTP_PROXY": NOWHERE, "NO_PROXY": "corp"}})

    done = world.claude(**dict.fromkeys(names, NOWHERE))

    assert done.stdout == "Hello from the sandbox.\n", done.stderr
    world.agree()


@pytest.mark.parametrize("given", ["", "false"])
def test_what_the_agents_own_shell_sees(world: World, given: str) -> None:
    """The token and no key; tool search is on unless the user set it."""
    see = 'echo "search=$ENABLE_TOOL_SEARCH base=$ANTHROPIC_BASE_URL"; env'
    world.sandbox.direct({"script": {"main": [shell(see), SAYS]}})

    env = {"ENABLE_TOOL_SEARCH": given} if given else {}
    done = world.claude("--allowedTools", "Bash", **env)

    assert done.returncode == 0, done.stderr
    shown = tool_result(world)
    assert f"search={given or 'true'} base=http://127.0.0.1:" in shown
    assert KEY not in shown
    assert world.seen()[-1]["headers"]["x-api-key"] == KEY


def test_a_subscription_passes_untouched_and_is_counted_apart(world: World) -> None:
    """A stored login goes on as it came; no real dollar is counted, and no dollar cap applies."""
    world.sandbox.direct(SAYS)
    world.cap("0.01")
    login = {
        "accessToken": OAUTH,
        "refreshToken": "sk-ant-ort01-x",
        "expiresAt": 4_102_444_800_000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    world.write(".claude/.credentials.json", {"claudeAiOauth": login})

    done = world.claude(key="")

    assert done.stdout == "Hello from the sandbox.\n", done.stderr
    (post,) = world.seen()
    assert post["headers"]["authorization"] == f"Bearer {OAUTH}"
    assert "x-api-key" not in post["headers"]
    (entry,) = world.settled()
    assert entry["counted"] == "subscription"
    world.agree()
    assert world.home.json("status")["today_nusd"] == 0
    assert "at list price on your subscription" in last_line(done)
    assert "$0.00 and $0.1" in last_line(done)


def test_without_a_budget_it_says_so_and_names_the_first_command(world: World) -> None:
    """Metering only, before and after; the command it prints works as printed."""
    world.sandbox.direct(SAYS)

    first, last = world.claude().stderr.strip().splitlines()

    assert "metering only" in first
    assert "metering only" in last
    command = first.partition("→ agentspend ")[2].split()
    assert world.home.run(*command).returncode == 0
    assert world.home.json("status")["budgets"][0]["limit_nusd"] == 25_000_000_000


def test_a_session_without_a_request_says_so(world: World) -> None:
    """`--version` asks no model: the last line says that nothing was metered."""
    done = world.run("claude", "--version")

    assert done.returncode == 0
    assert "Claude Code" in done.stdout
    assert "no request came through agentspend, so nothing was metered" in done.stderr
