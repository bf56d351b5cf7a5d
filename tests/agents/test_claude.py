"""Claude Code's plan: exact, above every layer a flag can beat, refused where none can."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.agents.claude import LOST, SWITCHES
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
OFF = dict.fromkeys(SWITCHES, "")
OTHER = "http://gateway.example:8080/v"
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-canary"}}


def plan(machine: Machine, *args: str, key: KeySource = KeySource.STORED, **env: str) -> LaunchPlan:
    return launcher_for("claude").plan(args, machine.facts(key), machine.caller(**env))


def flag(found: LaunchPlan) -> dict[str, Any]:
    """The content of the plan's settings file."""
    (content,) = found.files.values()
    result: dict[str, Any] = json.loads(content)
    return result


def test_the_plan_with_a_stored_key(machine: Machine) -> None:
    """The token stands in for the key, in the environment and above every settings file."""
    found = plan(machine, "-p", "say hi")

    path = machine.root / "scratch/claude-settings.json"
    assert found == LaunchPlan(
        argv=("claude", "--settings", str(path), "-p", "say hi"),
        env_set={
            "ANTHROPIC_BASE_URL": BASE_URL,
            **NO_PROXY,
            "ENABLE_TOOL_SEARCH": "true",
            "ANTHROPIC_AUTH_TOKEN": TOKEN,
        },
        env_unset=("ANTHROPIC_API_KEY",),
        files=found.files,
        auth=Auth.KEY,
    )
    assert list(found.files) == [path]
    assert flag(found) == {
        "env": {
            "ANTHROPIC_BASE_URL": BASE_URL,
            **NO_PROXY,
            **OFF,
            "ANTHROPIC_AUTH_TOKEN": TOKEN,
            "ANTHROPIC_API_KEY": "",
        }
    }


def test_the_plan_of_a_subscriber_touches_no_credential(machine: Machine) -> None:
    """Without a key of ours the login goes on working, through us."""
    machine.put("home/.claude/.credentials.json", LOGIN)

    found = plan(machine, key=KeySource.NONE)

    assert found.auth is Auth.PASSTHROUGH
    assert found.env_unset == ()
    assert dict(found.env_set) == {
        "ANTHROPIC_BASE_URL": BASE_URL,
        **NO_PROXY,
        "ENABLE_TOOL_SEARCH": "true",
    }
    assert flag(found) == {"env": {"ANTHROPIC_BASE_URL": BASE_URL, **NO_PROXY, **OFF}}
    assert found.notes == ()
    assert (found.once, found.subscribed) == ((LOST,), True)


@pytest.mark.parametrize(
    ("key", "auth", "env"),
    [
        (KeySource.STORED, Auth.KEY, {}),
        (KeySource.NONE, Auth.AUTO, {"ANTHROPIC_API_KEY": "canary"}),
        (KeySource.ENVIRONMENT, Auth.AUTO, {}),
    ],
)
def test_who_pays_by_key_is_not_told_what_logins_lose(
    machine: Machine, key: KeySource, auth: Auth, env: dict[str, str]
) -> None:
    """A login that lies beside it is not in use."""
    machine.put("home/.claude/.credentials.json", LOGIN)
    facts = machine.facts(key=key, auth=auth)

    found = launcher_for("claude").plan([], facts, machine.caller(**env))
    assert (found.once, found.subscribed) == ((), False)


def test_the_token_never_stands_in_argv(machine: Machine) -> None:
    """Every user of a machine can read a process's arguments."""
    found = plan(machine, "--settings", json.dumps({"env": {"A": "1"}}), "-p", "x")

    assert not any(TOKEN in item for item in found.argv)


def test_the_real_key_leaves_the_environment(machine: Machine) -> None:
    """What the agent is started with holds the token and not the key."""
    caller = machine.caller(ANTHROPIC_API_KEY="sk-ant-real")
    facts = machine.facts(KeySource.ENVIRONMENT)

    env = launcher_for("claude").plan([], facts, caller).environment(caller.env)

    assert "sk-ant-real" not in env.values()
    assert env["ANTHROPIC_AUTH_TOKEN"] == TOKEN


def test_other_providers_keys_are_stood_in_for(machine: Machine) -> None:
    """What Claude Code starts goes on working, metered, and holds no key."""
    facts = machine.facts(taken=["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])

    found = launcher_for("claude").plan([], facts, machine.caller())

    assert found.env_set["OPENAI_API_KEY"] == TOKEN
    assert found.env_set["OPENAI_BASE_URL"] == f"{BASE_URL}/v1"
    assert "ANTHROPIC_API_KEY" not in found.env_set
    passed = machine.facts(KeySource.NONE, Auth.PASSTHROUGH, ["OPENAI_API_KEY"], ["openai"])
    assert "OPENAI_API_KEY" not in launcher_for("claude").plan([], passed, machine.caller()).env_set


@pytest.mark.parametrize("value", ["false", "auto", ""])
def test_tool_search_stays_as_the_user_set_it(machine: Machine, value: str) -> None:
    """A choice already made is kept, whatever it is."""
    assert "ENABLE_TOOL_SEARCH" not in plan(machine, ENABLE_TOOL_SEARCH=value).env_set


@pytest.mark.parametrize(
    "path",
    [
        "home/.claude.json",
        "home/.claude/settings.json",
        "home/work/.claude/settings.json",
        "home/work/.claude/settings.local.json",
    ],
)
def test_a_settings_file_is_beaten_by_the_flag_and_named(machine: Machine, path: str) -> None:
    """A redirect of the user's own is overridden, and a warning says file and line."""
    file = machine.put(path, {"model": "opus", "env": {"ANTHROPIC_BASE_URL": OTHER}})

    found = plan(machine)

    assert flag(found)["env"]["ANTHROPIC_BASE_URL"] == BASE_URL
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(f"{file} line 4 sets ANTHROPIC_BASE_URL")


def test_claude_config_dir_moves_the_user_layer(machine: Machine) -> None:
    """The folder Claude Code is told to use is the one that is read."""
    machine.put("home/.claude/settings.json", {"env": {"CLAUDE_CODE_USE_VERTEX": "1"}})
    moved = machine.put("cfg/settings.json", {"env": {"ANTHROPIC_BASE_URL": OTHER}})

    found = plan(machine, CLAUDE_CONFIG_DIR=str(machine.root / "cfg"))

    assert str(moved) in found.warnings[0]


@pytest.mark.parametrize("form", ["inline", "equals", "file"])
def test_the_users_own_flag_is_merged_into_ours(machine: Machine, form: str) -> None:
    """A second flag would drop the first, so there is one, with all that the user's held."""
    own = {"model": "haiku", "env": {"FOO": "1", "ANTHROPIC_BASE_URL": OTHER}}
    machine.put("home/work/own.json", own)
    given = {
        "inline": ["--settings", json.dumps(own)],
        "equals": [f"--settings={json.dumps(own)}"],
        "file": ["--settings", "own.json"],
    }[form]

    found = plan(machine, "--verbose", *given, "-p", "x")

    assert found.argv[3:] == ("--verbose", "-p", "x")
    assert flag(found)["model"] == "haiku"
    assert flag(found)["env"]["FOO"] == "1"
    assert flag(found)["env"]["ANTHROPIC_BASE_URL"] == BASE_URL


def test_only_the_last_settings_flag_counts(machine: Machine) -> None:
    """As in Claude Code itself: an earlier flag is dropped whole."""
    found = plan(machine, "--settings", '{"model":"a","effort":1}', "--settings", '{"model":"b"}')

    assert flag(found)["model"] == "b"
    assert "effort" not in flag(found)


def test_words_after_two_dashes_are_a_prompt(machine: Machine) -> None:
    """What looks like a flag there is left where it is."""
    found = plan(machine, "-p", "--", "--settings", "nonsense", "--bg")

    assert found.argv[3:] == ("-p", "--", "--settings", "nonsense", "--bg")


def test_the_command_that_claude_prints_to_resume_works(machine: Machine) -> None:
    """It names our settings file of the session before, which is gone: it is left out."""
    gone = str(machine.root / "s_before/claude-settings.json")

    found = plan(machine, "--settings", gone, "--resume", "3a61aedc")

    assert found.argv[3:] == ("--resume", "3a61aedc")
    with pytest.raises(LaunchError, match="--settings"):
        plan(machine, "--settings", "/elsewhere/s_before/claude-settings.json")


@pytest.mark.parametrize("value", ["{broken", "missing.json", '{"env":[]}', "[]"])
def test_a_settings_flag_that_cannot_load_is_refused(machine: Machine, value: str) -> None:
    """Claude Code would drop the whole flag, and our redirect with it."""
    with pytest.raises(LaunchError, match="--settings"):
        plan(machine, "--settings", value)


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_another_provider_in_a_settings_file_is_refused_by_line(
    machine: Machine, name: str
) -> None:
    """Moving a person from their provider to another is not ours to do silently."""
    file = machine.put("home/work/.claude/settings.json", {"env": {"A": "b", name: "1"}})

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    assert f"{name} is set in {file} line 4" in caught.value.message
    assert str(file) in caught.value.hint


def test_another_provider_in_the_environment_is_refused_with_the_way_out(machine: Machine) -> None:
    """The hint is a command that works."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, CLAUDE_CODE_USE_BEDROCK="true")

    assert caught.value.hint == "env -u CLAUDE_CODE_USE_BEDROCK agentspend run claude"


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_a_switch_that_is_off_is_no_reason(machine: Machine, value: str) -> None:
    """Claude Code takes these as off (measured), and so do we."""
    machine.put("home/.claude/settings.json", {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}})
    machine.put("home/work/.claude/settings.json", {"env": {"CLAUDE_CODE_USE_BEDROCK": value}})

    assert plan(machine, CLAUDE_CODE_USE_VERTEX=value).auth is Auth.KEY


def test_setting_sources_leave_files_out(machine: Machine) -> None:
    """A file that Claude Code is told not to read is no reason to refuse."""
    machine.put("home/.claude/settings.json", {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}})

    assert plan(machine, "--setting-sources", "project,local").auth is Auth.KEY
    assert plan(machine, "--setting-sources=").auth is Auth.KEY
    with pytest.raises(LaunchError):
        plan(machine, "--setting-sources", "user")


@pytest.mark.parametrize("path", ["managed-settings.json", "managed-settings.d/10-corp.json"])
def test_a_managed_redirect_is_refused_by_line(machine: Machine, path: str) -> None:
    """No flag beats managed settings, so the person learns which line to have changed."""
    file = machine.put(
        f"managed/{path}", {"env": {"ANTHROPIC_BASE_URL": "https://u:canary@gw.example/x?y"}}
    )

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    assert f"{file} line 3 sends Claude Code to https://gw.example," in caught.value.message
    assert "base_url" in caught.value.hint
    assert "canary" not in caught.value.message


def test_hidden_and_foreign_files_are_no_managed_settings(machine: Machine) -> None:
    """Claude Code does not read them (measured)."""
    for name in (".hidden.json", "notes.txt"):
        machine.put(f"managed/managed-settings.d/{name}", {"env": {"ANTHROPIC_BASE_URL": OTHER}})

    assert plan(machine).warnings == ()


def test_a_managed_switch_cannot_be_switched_off_by_another_layer(machine: Machine) -> None:
    """The strongest layer decides, also about providers."""
    file = machine.put("managed/managed-settings.json", {"env": {"CLAUDE_CODE_USE_FOUNDRY": "1"}})

    with pytest.raises(LaunchError, match=str(file)):
        plan(machine, "--settings", '{"env":{"CLAUDE_CODE_USE_FOUNDRY":"0"}}')


def test_a_managed_credential_and_a_key_of_ours_do_not_mix(machine: Machine) -> None:
    """The credential would go out instead of the token, so the key could not be used."""
    machine.put("managed/managed-settings.json", {"env": {"ANTHROPIC_AUTH_TOKEN": "corp"}})
    facts = machine.facts(auth=Auth.KEY)

    with pytest.raises(LaunchError, match="sets the credential"):
        launcher_for("claude").plan([], facts, machine.caller())


def test_a_proxy_is_kept_and_loopback_spared(machine: Machine) -> None:
    """What a settings file says about NO_PROXY is kept, with loopback added."""
    machine.put("home/.claude/settings.json", {"env": {"HTTPS_PROXY": "p", "NO_PROXY": "corp"}})

    found = plan(machine, no_proxy="a.example")

    assert found.env_set["no_proxy"] == "a.example,127.0.0.1,localhost"
    assert flag(found)["env"]["NO_PROXY"] == "corp,127.0.0.1,localhost"
    assert flag(found)["env"]["no_proxy"] == "a.example,127.0.0.1,localhost"
    assert "HTTPS_PROXY" not in {**found.env_set, **flag(found)["env"]}


def test_a_managed_no_proxy_that_catches_loopback_is_refused(machine: Machine) -> None:
    """With a proxy in use the requests would go there instead of to us."""
    machine.put("managed/managed-settings.json", {"env": {"no_proxy": "corp"}})

    assert plan(machine).auth is Auth.KEY
    with pytest.raises(LaunchError) as caught:
        plan(machine, HTTP_PROXY="http://proxy.example:3128")
    assert "corp,127.0.0.1,localhost" in caught.value.hint


def test_a_socket_in_the_environment_is_refused(machine: Machine) -> None:
    """Requests would leave through it, whatever the base URL says."""
    with pytest.raises(LaunchError, match="ANTHROPIC_UNIX_SOCKET"):
        plan(machine, ANTHROPIC_UNIX_SOCKET="/run/x.sock")


@pytest.mark.parametrize("args", [("--bg", "-p", "x"), ("--cloud=fix it",), ("ultrareview",)])
def test_a_session_that_works_elsewhere_is_refused(machine: Machine, args: tuple[str, ...]) -> None:
    """A session outside this process would spend unseen."""
    with pytest.raises(LaunchError, match="outside this session"):
        plan(machine, *args)


def test_a_broken_settings_file_is_reported_and_ignored(machine: Machine) -> None:
    """As Claude Code does (measured); the person is told."""
    file = machine.put("home/.claude/settings.json", '{"env": {"CLAUDE_CODE_USE_BEDROCK": "1",}')

    assert plan(machine).warnings == (f"{file} is not valid JSON: Claude Code ignores it too",)


def test_claude_that_is_not_installed_is_named_with_the_remedy(machine: Machine) -> None:
    """The hint installs it."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, PATH="/nowhere")

    assert "npm install -g @anthropic-ai/claude-code" in caught.value.hint


def test_an_outer_session_is_replaced_without_a_word(machine: Machine) -> None:
    """A session started inside another takes over; the outer token is no login of its own."""
    found = plan(
        machine,
        ANTHROPIC_BASE_URL="http://127.0.0.1:4141/s/tok_outer",
        ANTHROPIC_AUTH_TOKEN="tok_outer",
    )

    assert (found.auth, found.notes, found.warnings) == (Auth.KEY, (), ())
    assert found.env_set["ANTHROPIC_AUTH_TOKEN"] == TOKEN


def test_the_status_line_is_ours_unless_the_person_has_one(machine: Machine) -> None:
    """It goes into the session's own settings; a line in any layer of theirs stays."""
    facts = replace(machine.facts(KeySource.STORED), statusline="agentspend statusline")
    found = launcher_for("claude").plan([], facts, machine.caller())
    assert flag(found)["statusLine"] == {"type": "command", "command": "agentspend statusline"}
    own = {"statusLine": {"type": "command", "command": "mine"}}
    found = launcher_for("claude").plan(["--settings", json.dumps(own)], facts, machine.caller())
    assert flag(found)["statusLine"] == own["statusLine"]
    assert "statusLine" not in flag(plan(machine))
