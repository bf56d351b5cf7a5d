"""OpenCode's plan: three providers redirected, all others left out, one in use refused."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
EVERY = ("anthropic", "openai", "google")
URLS = {"anthropic": f"{BASE_URL}/v1", "openai": BASE_URL, "google": f"{BASE_URL}/v1beta"}
ONLY = "OpenCode is offered Anthropic, OpenAI and Google only: nothing else of it can be metered"
PROJECT = "home/work/opencode.json"
STORE = "home/.local/share/opencode/auth.json"
OTHER = "http://gateway.example:8080/v"


def plan(
    machine: Machine,
    *args: str,
    key: KeySource = KeySource.STORED,
    auth: Auth = Auth.AUTO,
    taken: Collection[str] = (),
    providers: Collection[str] = EVERY,
    others: Collection[str] = (),
    **env: str,
) -> LaunchPlan:
    facts = machine.facts(key, auth, taken, providers, others)
    return launcher_for("opencode").plan(args, facts, machine.caller(**env))


def content(found: LaunchPlan) -> dict[str, Any]:
    """What goes on top of the user's configuration."""
    result: dict[str, Any] = json.loads(found.env_set["OPENCODE_CONFIG_CONTENT"])
    return result


def redirect(url: str, **options: str) -> dict[str, Any]:
    return {"provider": {"anthropic": {"options": {"baseURL": url, **options}}}}


def test_the_plan_with_stored_keys(machine: Machine) -> None:
    """Each provider's address and the token for its key, in variables only."""
    found = plan(machine, "run", "say hi")

    assert content(found) == {
        "provider": {
            name: {"options": {"baseURL": url, "apiKey": TOKEN}} for name, url in URLS.items()
        },
        "enabled_providers": list(EVERY),
    }
    assert found == LaunchPlan(
        argv=("opencode", "run", "say hi"),
        env_set={
            "ANTHROPIC_BASE_URL": BASE_URL,
            "ANTHROPIC_API_BASE": BASE_URL,
            "OPENAI_BASE_URL": f"{BASE_URL}/v1",
            "OPENAI_API_BASE": f"{BASE_URL}/v1",
            "GOOGLE_GEMINI_BASE_URL": BASE_URL,
            "GEMINI_API_BASE": f"{BASE_URL}/v1beta",
            **NO_PROXY,
            "ANTHROPIC_API_KEY": TOKEN,
            "ANTHROPIC_AUTH_TOKEN": TOKEN,
            "OPENAI_API_KEY": TOKEN,
            "GEMINI_API_KEY": TOKEN,
            "GOOGLE_API_KEY": TOKEN,
            "OPENCODE_CONFIG_CONTENT": found.env_set["OPENCODE_CONFIG_CONTENT"],
        },
        notes=(ONLY,),
        auth=Auth.KEY,
    )


def test_the_plan_of_a_subscriber_touches_no_credential(machine: Machine) -> None:
    """A ChatGPT login stays in use: an address without /v1 brings it to us (measured)."""
    machine.put(STORE, {"openai": {"type": "oauth", "access": "canary"}})

    found = plan(machine, key=KeySource.NONE)

    assert content(found) == {
        "provider": {name: {"options": {"baseURL": url}} for name, url in URLS.items()},
        "enabled_providers": list(EVERY),
    }
    assert found == LaunchPlan(
        argv=("opencode",),
        env_set={
            **NO_PROXY,
            "OPENCODE_CONFIG_CONTENT": found.env_set["OPENCODE_CONFIG_CONTENT"],
        },
        notes=(ONLY,),
        subscribed=True,
    )


def test_each_provider_is_decided_for_itself(machine: Machine) -> None:
    """A stored Anthropic key beside a ChatGPT login: no choice is needed."""
    machine.put(STORE, {"openai": {"type": "oauth", "access": "canary"}})

    found = plan(machine, providers=["anthropic"])

    options = {name: part["options"] for name, part in content(found)["provider"].items()}
    assert [name for name, part in options.items() if "apiKey" in part] == ["anthropic"]
    assert "OPENAI_API_KEY" not in found.env_set


def test_a_stored_key_and_a_login_ask_for_a_choice(machine: Machine) -> None:
    """Chosen, the key needs the built-in sign-in plugins off: they beat it (measured)."""
    file = machine.put(STORE, {"openai": {"type": "oauth", "access": "canary"}})

    with pytest.raises(LaunchError) as caught:
        plan(machine)
    assert f"OpenCode's own OpenAI login in {file}" in caught.value.message
    assert "[providers.openai]" in caught.value.hint

    found = plan(machine, auth=Auth.KEY)
    assert found.env_set["OPENCODE_DISABLE_DEFAULT_PLUGINS"] == "1"


def test_a_key_in_the_environment_does_not_beat_what_opencode_keeps(machine: Machine) -> None:
    """As in OpenCode itself (measured); what it starts finds our token there."""
    file = machine.put(STORE, {"anthropic": {"type": "api", "key": "canary"}})
    taken = ["ANTHROPIC_API_KEY"]

    found = plan(machine, key=KeySource.ENVIRONMENT, taken=taken, providers=["anthropic"])

    assert found.auth is Auth.PASSTHROUGH
    assert "apiKey" not in content(found)["provider"]["anthropic"]["options"]
    assert found.env_set["ANTHROPIC_API_KEY"] == TOKEN
    assert f"OpenCode's own Anthropic key in {file}" in found.notes[1]


def test_without_a_key_and_a_login_the_way_out_is_named(machine: Machine) -> None:
    """A note says how a key is stored, or how one logs in."""
    assert "agentspend keys set" in plan(machine, key=KeySource.NONE).notes[1]


def test_the_users_own_content_is_kept_below_ours(machine: Machine) -> None:
    """Objects merge; of the providers it allows, ours are left."""
    own = {
        "theme": "x",
        "enabled_providers": ["openai", "groq"],
        **redirect("https://api.anthropic.com/v1", timeout="9"),
    }

    found = content(plan(machine, OPENCODE_CONFIG_CONTENT=json.dumps(own)))

    assert found["theme"] == "x"
    assert found["enabled_providers"] == ["openai"]
    assert found["provider"]["anthropic"]["options"] == {
        "baseURL": URLS["anthropic"],
        "timeout": "9",
        "apiKey": TOKEN,
    }


def test_content_that_cannot_be_read_is_refused(machine: Machine) -> None:
    """What we cannot read we cannot add our settings to."""
    with pytest.raises(LaunchError, match="OPENCODE_CONFIG_CONTENT"):
        plan(machine, OPENCODE_CONFIG_CONTENT="{broken")


@pytest.mark.parametrize(
    "path",
    [
        "home/.config/opencode/opencode.json",
        PROJECT,
        "home/work/.opencode/opencode.jsonc",
        "home/.opencode/opencode.json",
        "own.json",
        "dir/opencode.json",
    ],
)
def test_another_provider_is_refused_by_line(machine: Machine, path: str) -> None:
    """Moving a person from their provider to another is not ours to do silently."""
    file = machine.put(path, {"theme": "x", "model": "openrouter/anthropic/claude-sonnet-4.5"})
    machine.env["OPENCODE_CONFIG"] = str(machine.root / "own.json")
    machine.env["OPENCODE_CONFIG_DIR"] = str(machine.root / "dir")

    with pytest.raises(LaunchError, match=f"the provider 'openrouter': {file} line 3"):
        plan(machine)
    assert plan(machine, "-m", "openai/gpt-5.4").auth is Auth.KEY


def test_a_model_of_an_agents_own_is_looked_at_too(machine: Machine) -> None:
    """In whatever place a configuration names one."""
    machine.put(PROJECT, {"agent": {"plan": {"model": "opencode/big-pickle"}}})

    with pytest.raises(LaunchError, match="'opencode'"):
        plan(machine)


@pytest.mark.parametrize("args", [("run", "-m", "groq/x", "hi"), ("--model=groq/x",)])
def test_another_provider_in_the_arguments_is_refused(
    machine: Machine, args: tuple[str, ...]
) -> None:
    """An address on the command line would go past the meter."""
    with pytest.raises(LaunchError, match="groq"):
        plan(machine, *args)


def test_a_redirect_in_a_file_is_overridden_and_named(machine: Machine) -> None:
    """With a key of ours; a key of the file's own would go to another host than the gateway."""
    file = machine.put(PROJECT, redirect(OTHER))

    found = plan(machine)

    (told,) = found.warnings
    assert told.startswith(
        f"{file} line 5 sends anthropic to http://gateway.example:8080: overridden"
    )
    with pytest.raises(LaunchError, match=f"{file} line 5 sends anthropic to"):
        plan(machine, key=KeySource.NONE)


def test_a_managed_redirect_is_refused_by_line(machine: Machine) -> None:
    """Nothing a person sets beats it (measured)."""
    file = machine.put("managed/opencode.json", redirect(OTHER))

    with pytest.raises(LaunchError, match=f"{file} line 5 sends OpenCode to"):
        plan(machine)


@pytest.mark.parametrize("named", [[{}], ["groq", 1], 3, None])
def test_a_managed_list_of_any_shape_is_read(machine: Machine, named: object) -> None:
    """What it names beside ours is told, whatever that is."""
    machine.put("managed/opencode.json", {"enabled_providers": named})

    if isinstance(named, list):
        with pytest.raises(LaunchError, match="enables"):
            plan(machine)
    else:
        assert plan(machine).auth is Auth.KEY


def test_a_key_that_only_the_environment_holds_is_no_login(machine: Machine) -> None:
    """With passthrough it is the agent's own again: nothing to say of logins."""
    found = plan(machine, key=KeySource.ENVIRONMENT, auth=Auth.PASSTHROUGH)

    assert not any("OpenCode pays" in note for note in found.notes)


def test_a_managed_list_of_other_providers_is_refused(machine: Machine) -> None:
    """It would take the place of ours."""
    machine.put("managed/opencode.jsonc", '{"enabled_providers": ["openai", "groq"]} // all')

    with pytest.raises(LaunchError, match="enables groq"):
        plan(machine)


@pytest.mark.parametrize(
    "args", [("attach", "http://127.0.0.1:4096"), ("run", "--attach=http://127.0.0.1:4096", "x")]
)
def test_a_session_that_works_elsewhere_is_refused(machine: Machine, args: tuple[str, ...]) -> None:
    """A server that was started before does not come through us."""
    with pytest.raises(LaunchError, match="outside this session"):
        plan(machine, *args)


def test_words_after_two_dashes_are_a_prompt(machine: Machine) -> None:
    """They are no options, whatever they look like."""
    assert plan(machine, "run", "--", "--attach", "-m", "groq/x").auth is Auth.KEY


def test_opencode_that_is_not_installed_is_named_with_the_remedy(machine: Machine) -> None:
    """The refusal says how it is installed."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, PATH="/nowhere")

    assert "npm install -g opencode-ai" in caught.value.hint


def test_an_outer_session_is_replaced_without_a_word(machine: Machine) -> None:
    """What the outer session's plan set is no choice of the person's."""
    outer = plan(machine).env_set
    env = {name: value.replace(TOKEN, "tok_outer") for name, value in outer.items()}

    machine.env |= env
    found = plan(machine)

    assert "tok_outer" not in str(found.environment(env))
    assert (found.auth, found.notes, found.warnings) == (Auth.KEY, (ONLY,), ())


def test_the_token_never_stands_in_argv(machine: Machine) -> None:
    """Every user of a machine can read a process's arguments."""
    for key in KeySource:
        args = ("run", "-m", "openai/gpt-5.4", "x")
        taken = [] if key is not KeySource.ENVIRONMENT else ["OPENAI_API_KEY"]
        assert plan(machine, *args, key=key, taken=taken).argv == ("opencode", *args)


def test_a_key_that_is_asked_for_and_not_there_is_refused(machine: Machine) -> None:
    """`auth = "key"` without a key: the hint stores one."""
    with pytest.raises(LaunchError, match="there is no OpenAI key") as caught:
        plan(machine, key=KeySource.NONE, auth=Auth.KEY, providers=["openai"])

    assert caught.value.hint == "agentspend keys set openai"


@pytest.mark.parametrize("where", ["file", "content", "variable"])
def test_a_key_of_its_own_is_named_and_not_shown(machine: Machine, where: str) -> None:
    """Wherever it stands, it and a stored key bill another account."""
    own = {"provider": {"anthropic": {"options": {"apiKey": "canary"}}}}
    place = "anthropic's apiKey in OPENCODE_CONFIG_CONTENT"
    if where == "file":
        place = f"anthropic's apiKey in {machine.put(PROJECT, own)} line 5"
    elif where == "content":
        machine.env["OPENCODE_CONFIG_CONTENT"] = json.dumps(own)
    else:
        machine.env["ANTHROPIC_API_KEY"] = "canary"
        place = "ANTHROPIC_API_KEY in the environment"

    with pytest.raises(LaunchError, match=place) as caught:
        plan(machine)

    assert "canary" not in caught.value.message + caught.value.hint
    assert plan(machine, key=KeySource.NONE).auth is Auth.PASSTHROUGH


def test_a_gateway_in_the_given_content_keeps_its_key(machine: Machine) -> None:
    """With a key of ours it is overridden; the file's own would go to another host."""
    machine.env["OPENCODE_CONFIG_CONTENT"] = json.dumps(redirect(OTHER))

    assert content(plan(machine))["provider"]["anthropic"]["options"]["apiKey"] == TOKEN
    with pytest.raises(LaunchError, match="OPENCODE_CONFIG_CONTENT in the environment sends"):
        plan(machine, key=KeySource.NONE)


@pytest.mark.parametrize(
    "own",
    [
        {"small_model": "groq/x"},
        {"mode": {"build": {"small_model": "groq/x"}}},
        {"command": {"review": {"model": "groq/x"}}},
    ],
)
def test_another_provider_in_the_given_content_is_refused(
    machine: Machine, own: dict[str, Any]
) -> None:
    """Small models, modes and commands name one too."""
    with pytest.raises(LaunchError, match="'groq': OPENCODE_CONFIG_CONTENT in the environment"):
        plan(machine, OPENCODE_CONFIG_CONTENT=json.dumps(own))


def test_project_files_are_looked_for_up_to_the_git_root(machine: Machine) -> None:
    """Not above it, and not at all where they are switched off."""
    machine.put("home/opencode.json", {"model": "groq/x"})
    assert plan(machine).auth is Auth.KEY

    machine.put("home/.git/HEAD", "ref: refs/heads/main\n")
    with pytest.raises(LaunchError, match="'groq'"):
        plan(machine)
    assert plan(machine, OPENCODE_DISABLE_PROJECT_CONFIG="1").auth is Auth.KEY


def test_the_xdg_folders_are_followed(machine: Machine) -> None:
    """Configuration and logins lie where the variables say."""
    machine.put("data/opencode/auth.json", {"openai": {"type": "api", "key": "canary"}})
    file = machine.put("cfg/opencode/config.json", {"model": "groq/x"})

    with pytest.raises(LaunchError, match=f"{file} line 2"):
        plan(machine, XDG_CONFIG_HOME=str(machine.root / "cfg"))
    with pytest.raises(LaunchError, match="OpenCode's own OpenAI key in"):
        plan(machine, XDG_DATA_HOME=str(machine.root / "data"))


def test_a_managed_base_url_of_the_session_itself_is_no_redirect(machine: Machine) -> None:
    """It leads to us."""
    machine.put("managed/opencode.json", redirect(f"{BASE_URL}/v1"))

    assert plan(machine).warnings == ()
