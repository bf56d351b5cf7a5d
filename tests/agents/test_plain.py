"""What leads each plain agent here: by equality, for each way to pay, refused where it would slip.

A session's own launch over the same files is no other than without them.
"""

from collections.abc import Collection
from dataclasses import replace

import pytest

from agentspend.agents import AGENTS, launcher_for
from agentspend.agents.base import Auth, KeySource, SessionFacts
from agentspend.agents.file_change import apply
from agentspend.agents.plain import FileChange, PlainPlan, plain_for, proxy_warnings
from agentspend.core.errors import LaunchError
from tests.agents.conftest import Machine

TOKEN = f"ask-{'t' * 43}"
URL = f"http://127.0.0.1:4141/k/{TOKEN}"
EVERY = ("anthropic", "openai", "google")
NO_KEY = "no {0} key is stored and no login was found: `agentspend keys set {1}`, or {2}"


def facts_of(
    machine: Machine,
    key: KeySource = KeySource.STORED,
    auth: Auth = Auth.AUTO,
    providers: Collection[str] = EVERY,
) -> SessionFacts:
    """A virtual key's facts."""
    found = machine.facts(key, auth, providers=providers)
    return replace(found, base_url=URL, token=TOKEN)


def plain(machine: Machine, agent: str, key: KeySource = KeySource.STORED,
          auth: Auth = Auth.AUTO, **env: str) -> PlainPlan:  # fmt: skip
    """The plan of a plain agent on this machine."""
    return plain_for(agent).plain(facts_of(machine, key, auth), machine.caller(**env))


def test_claude_by_the_users_settings(machine: Machine) -> None:
    """With a stored key the virtual key stands in for it; with a login nothing of it is touched."""
    path = machine.home / ".claude/settings.json"
    found = plain(machine, "claude")
    assert found == PlainPlan(
        (FileChange(path, "json", {
            ("env", "ANTHROPIC_BASE_URL"): URL,
            ("env", "ENABLE_TOOL_SEARCH"): "true",
            ("env", "ANTHROPIC_AUTH_TOKEN"): TOKEN,
        }),),
        notes=("not reached: a project whose own .claude/settings.json sets ANTHROPIC_BASE_URL",),
        auth=Auth.KEY,
    )  # fmt: skip
    machine.put("home/.claude/.credentials.json", {"claudeAiOauth": {"accessToken": "canary"}})
    login = plain(machine, "claude", KeySource.NONE)
    assert login.auth is Auth.PASSTHROUGH
    assert set(login.changes[0].values) == {("env", "ANTHROPIC_BASE_URL"),
                                            ("env", "ENABLE_TOOL_SEARCH")}  # fmt: skip
    with pytest.raises(LaunchError, match="each bills another account"):
        plain(machine, "claude")


def test_claude_keeps_what_a_person_chose(machine: Machine) -> None:
    """Their tool search, their proxy's exceptions; a key that is set does not win over ours."""
    machine.put("home/.claude/settings.json", {"env": {"ENABLE_TOOL_SEARCH": "false",
                                                       "NO_PROXY": "corp"}})  # fmt: skip
    found = plain(machine, "claude", auth=Auth.KEY, ANTHROPIC_API_KEY="canary", HTTPS_PROXY="p")
    assert found.changes[0].values == {
        ("env", "ANTHROPIC_BASE_URL"): URL,
        ("env", "ANTHROPIC_AUTH_TOKEN"): TOKEN,
        ("env", "ANTHROPIC_API_KEY"): "",
        ("env", "NO_PROXY"): "corp,127.0.0.1,localhost",
        ("env", "no_proxy"): "corp,127.0.0.1,localhost",
    }
    moved = plain(machine, "claude", auth=Auth.KEY, CLAUDE_CONFIG_DIR=str(machine.root / "c"))
    assert moved.changes[0].path == machine.root / "c/settings.json"


def test_codex_by_its_configuration(machine: Machine) -> None:
    """The built-in provider's address; a stored key is a key of Codex's own, in a second file."""
    home = machine.home / ".codex"
    config = FileChange(home / "config.toml", "toml", {("openai_base_url",): f"{URL}/v1"})
    note = "not reached: codex with a profile, or a -c, that names another provider or URL"
    assert plain(machine, "codex") == PlainPlan(
        (config, FileChange(home / "auth.json", "json", {("OPENAI_API_KEY",): TOKEN})),
        notes=(note,),
        auth=Auth.KEY,
    )
    none = plain(machine, "codex", KeySource.NONE)
    assert none.notes == (note, NO_KEY.format("OpenAI", "openai", "`codex login`"))
    machine.put("home/.codex/auth.json", {"tokens": {"access_token": "canary"}})
    assert plain(machine, "codex", KeySource.NONE) == PlainPlan((config,), notes=(note,))
    with pytest.raises(LaunchError, match=r"a ChatGPT login in .* would be used before"):
        plain(machine, "codex", auth=Auth.KEY)


def test_gemini_by_its_env_file(machine: Machine) -> None:
    """The address and the key in `~/.gemini/.env`, and the sign-in that uses them."""
    found = plain(machine, "gemini")
    assert found == PlainPlan(
        (
            FileChange(machine.home / ".gemini/.env", "dotenv",
                       {("GOOGLE_GEMINI_BASE_URL",): URL, ("GEMINI_API_KEY",): TOKEN}),
            FileChange(machine.home / ".gemini/settings.json", "jsonc",
                       {("security", "auth", "selectedType"): "gemini-api-key"}),
        ),
        notes=("not reached: gemini in a folder with a .env of its own, at it or above it",),
        auth=Auth.KEY,
    )  # fmt: skip
    own = plain(machine, "gemini", KeySource.NONE, GEMINI_API_KEY="canary")
    assert list(own.changes[0].values) == [("GOOGLE_GEMINI_BASE_URL",)]
    machine.put("home/.env", "GEMINI_API_KEY=canary\n")
    shared = plain(machine, "gemini", KeySource.NONE)
    assert shared.changes[0].path == machine.home / ".env"


def test_opencode_by_its_configuration(machine: Machine) -> None:
    """An address for each provider; the key only where a stored one pays; the file that counts."""
    path = machine.home / ".config/opencode/opencode.json"
    found = plain(machine, "opencode")
    options = {name: ("provider", name, "options") for name in EVERY}
    versions = {"anthropic": "/v1", "openai": "", "google": "/v1beta"}
    assert found.changes == (
        FileChange(path, "jsonc", {
            (*options[name], key): value
            for name in EVERY
            for key, value in (("baseURL", f"{URL}{versions[name]}"), ("apiKey", TOKEN))
        }),
    )  # fmt: skip
    assert found.auth is Auth.KEY
    machine.put("home/.config/opencode/opencode.jsonc", "{} // mine")
    none = plain(machine, "opencode", KeySource.NONE)
    assert none.changes[0].path.name == "opencode.jsonc"
    assert {keys[-1] for keys in none.changes[0].values} == {"baseURL"}
    assert NO_KEY.format("provider", "anthropic", "`opencode auth login`") in none.notes


def test_aider_by_an_env_file_of_ours(machine: Machine) -> None:
    """Its configuration names our file, which holds the addresses and the key."""
    path = machine.root / "scratch/aider.env"
    found = plain(machine, "aider")
    assert found.changes == (
        FileChange(machine.home / ".aider.conf.yml", "yaml", {("env-file",): str(path)}),
    )
    text = found.files[path]
    assert f"OPENAI_API_BASE='{URL}/v1'" in text
    assert f"ANTHROPIC_API_BASE='{URL}'" in text
    assert f"GEMINI_API_KEY='{TOKEN}'" in text
    assert TOKEN not in plain(machine, "aider", KeySource.NONE).files[path].replace(URL, "")


PAST_US: list[tuple[str, str, dict[str, object] | str, dict[str, str], str]] = [
    ("claude", "", {}, {"CLAUDE_CODE_USE_BEDROCK": "1"}, "would use Amazon Bedrock"),
    ("claude", "managed/managed-settings.json", {"env": {"ANTHROPIC_BASE_URL": "https://gw"}}, {},
     "past the meter"),
    ("codex", "home/.codex/config.toml", 'model_provider = "azure"\n', {}, "provider 'azure'"),
    ("gemini", "home/.gemini/settings.json",
     {"security": {"auth": {"selectedType": "vertex-ai"}}}, {}, "goes past agentspend"),
    ("gemini", "", {}, {"GOOGLE_GEMINI_BASE_URL": "https://generativelanguage.googleapis.com"},
     "in the environment beats every file"),
    ("opencode", "managed/opencode.json",
     {"provider": {"openai": {"options": {"baseURL": "https://gw"}}}}, {}, "past the meter"),
    ("aider", "home/.aider.conf.yml", "env-file: /mine\n", {}, "an env-file is set"),
    ("aider", "home/.aider.conf.yml", "set-env:\n  - OPENAI_API_BASE=https://gw\n", {},
     "past the meter|hand what is meant"),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "file", "content", "env", "said"), PAST_US)
def test_what_would_lead_past_us_is_refused(
    machine: Machine, agent: str, file: str, content: dict[str, object] | str,
    env: dict[str, str], said: str,
) -> None:  # fmt: skip
    """With the file and line that says so; nothing is changed half."""
    if file:
        machine.put(file, content)
    with pytest.raises(LaunchError, match=said):
        plain(machine, agent, KeySource.NONE, **env)


def test_a_google_login_is_led_to_code_assist(machine: Machine) -> None:
    """Its sign-in stays, and no key is put beside it; another host that was chosen stays, too."""
    login = {"security": {"auth": {"selectedType": "oauth-personal"}}}
    machine.put("home/.gemini/settings.json", login)
    (change,) = plain(machine, "gemini", KeySource.NONE).changes
    assert (change.path, change.kind) == (machine.home / ".gemini/.env", "dotenv")
    assert change.values == {
        ("CODE_ASSIST_ENDPOINT",): URL, ("CODE_ASSIST_API_VERSION",): "v1internal",
    }  # fmt: skip
    for url in ("https://other.example", "https://cloudcode-pa.googleapis.com"):
        with pytest.raises(LaunchError, match="CODE_ASSIST_ENDPOINT in the environment"):
            plain(machine, "gemini", KeySource.NONE, CODE_ASSIST_ENDPOINT=url)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_program_that_is_not_there_is_told(machine: Machine, agent: str) -> None:
    """With how to get it."""
    (machine.root / "bin" / agent).unlink()
    with pytest.raises(LaunchError, match=f"{agent} was not found on PATH"):
        plain(machine, agent)


def test_an_agent_nobody_knows() -> None:
    """Says which are known, and what any other client can use."""
    with pytest.raises(LaunchError, match="known: claude, codex") as caught:
        plain_for("crush")
    assert "agentspend key create" in caught.value.hint
    with pytest.raises(LaunchError, match="known: claude, codex") as caught:
        plain_for("cluade")
    assert caught.value.hint == "did you mean agentspend enable claude?"


def test_a_proxy_that_would_be_asked_for_loopback(machine: Machine) -> None:
    """Said where no file of the agent's can mend it."""
    assert proxy_warnings(machine.caller()) == ()
    assert proxy_warnings(machine.caller(HTTP_PROXY="p", no_proxy="127.0.0.1")) == ()
    assert "NO_PROXY" in proxy_warnings(machine.caller(HTTP_PROXY="p"))[0]


def lead(machine: Machine, agent: str, key: KeySource) -> PlainPlan:
    """Write what a plan says."""
    found = plain(machine, agent, key)
    for change in found.changes:
        before = change.path.read_text() if change.path.exists() else ""
        machine.put(str(change.path.relative_to(machine.root)), apply(change, before)[0])
    for path, text in found.files.items():
        machine.put(str(path.relative_to(machine.root)), text)
    return found


@pytest.mark.parametrize("key", [KeySource.STORED, KeySource.NONE])
@pytest.mark.parametrize("agent", AGENTS)
def test_planned_again_over_its_own_files_it_is_the_same(
    machine: Machine, agent: str, key: KeySource
) -> None:
    """So that asking twice changes nothing: our own token is nobody's login."""
    assert lead(machine, agent, key) == plain(machine, agent, key)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_run_uses_its_own_session_over_these_files(machine: Machine, agent: str) -> None:
    """The launch plan is the one of a machine without them: session's URL and token, no warning."""
    providers = EVERY if agent in ("opencode", "aider") else launcher_for(agent).providers
    facts = machine.facts(providers=providers)
    before = launcher_for(agent).plan((), facts, machine.caller())
    lead(machine, agent, KeySource.STORED)

    after = launcher_for(agent).plan((), facts, machine.caller())

    if agent == "gemini":
        # The sign-in is chosen in the file now, so no stand-in for it is needed.
        before = replace(before, files={}, links={}, notes=())
        before = replace(before, env_set={name: value for name, value in before.env_set.items()
                                          if name != "GEMINI_CLI_HOME"})  # fmt: skip
    assert after == before
    assert TOKEN not in str(after.env_set) + str(after.argv) + str(after.files)


def test_nothing_is_written_by_a_plan(machine: Machine) -> None:
    """It is data."""
    plain(machine, "claude")
    assert not (machine.home / ".claude").exists()
