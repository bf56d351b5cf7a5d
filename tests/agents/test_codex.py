"""Codex's plan: exact for each way to pay, refused where no flag reaches."""

from collections.abc import Collection

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
TABLE = (
    'model_providers.agentspend={name="agentspend",base_url="http://127.0.0.1:4141/s/-/v1",'
    'wire_api="responses",env_http_headers={"x-agentspend-token"="AGENTSPEND_TOKEN"},'
)
PROVIDER = ("-c", 'model_provider="agentspend"', "-c")
NO_SEARCH = "Codex's own web search is off in a metered session: its calls have no price"
LOGIN = {"auth_mode": "chatgpt", "tokens": {"access_token": "canary", "refresh_token": "canary"}}


def plan(
    machine: Machine,
    *args: str,
    key: KeySource = KeySource.STORED,
    auth: Auth = Auth.AUTO,
    taken: Collection[str] = (),
    **env: str,
) -> LaunchPlan:
    facts = machine.facts(key, auth, taken, ["openai"])
    return launcher_for("codex").plan(args, facts, machine.caller(**env))


def test_the_plan_with_a_stored_key(machine: Machine) -> None:
    """A provider of our own by flags; the token is its key, in variables only."""
    found = plan(machine, "exec", "say hi")

    assert found == LaunchPlan(
        argv=("codex", *PROVIDER, f'{TABLE}env_key="AGENTSPEND_TOKEN"}}', "exec", "say hi"),
        env_set={
            "AGENTSPEND_TOKEN": TOKEN,
            **NO_PROXY,
            "OPENAI_API_KEY": TOKEN,
            "OPENAI_BASE_URL": f"{BASE_URL}/v1",
            "OPENAI_API_BASE": f"{BASE_URL}/v1",
        },
        env_unset=("CODEX_API_KEY", "CODEX_ACCESS_TOKEN"),
        notes=(NO_SEARCH,),
        auth=Auth.KEY,
    )


def test_the_plan_of_a_subscriber_touches_no_credential(machine: Machine) -> None:
    """The ChatGPT login goes on working, through us: no key variable is set."""
    machine.put("home/.codex/auth.json", LOGIN)

    found = plan(machine, key=KeySource.NONE)

    assert found == LaunchPlan(
        argv=("codex", *PROVIDER, f"{TABLE}requires_openai_auth=true}}"),
        env_set={"AGENTSPEND_TOKEN": TOKEN, **NO_PROXY},
        notes=(NO_SEARCH,),
        auth=Auth.PASSTHROUGH,
        subscribed=True,
    )


def test_the_token_never_stands_in_argv(machine: Machine) -> None:
    """Every user of a machine can read a process's arguments."""
    for key in KeySource:
        assert not any(TOKEN in item for item in plan(machine, "exec", "x", key=key).argv)


def test_a_stored_key_and_a_login_ask_for_a_choice(machine: Machine) -> None:
    """A subscriber is never moved to API dollars silently."""
    file = machine.put("home/.codex/auth.json", LOGIN)

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    assert f"an OpenAI key is stored, and there is a ChatGPT login in {file}" in str(caught.value)
    assert "[providers.openai]" in caught.value.hint
    assert "canary" not in caught.value.message + caught.value.hint
    assert plan(machine, auth=Auth.KEY).auth is Auth.KEY
    assert plan(machine, auth=Auth.PASSTHROUGH).auth is Auth.PASSTHROUGH


def test_a_key_in_the_environment_does_not_beat_a_login(machine: Machine) -> None:
    """Codex does not read OPENAI_API_KEY: with a login it would pay with that, and still does."""
    file = machine.put("home/.codex/auth.json", LOGIN)

    found = plan(machine, key=KeySource.ENVIRONMENT, taken=["OPENAI_API_KEY"])

    assert found.auth is Auth.PASSTHROUGH
    assert found.argv[4].endswith("requires_openai_auth=true}")
    assert found.env_set["OPENAI_API_KEY"] == TOKEN
    assert f"Codex pays with a ChatGPT login in {file}, not with OPENAI_API_KEY" in found.notes[1]


def test_codexs_own_key_variable_is_a_choice_already_made(machine: Machine) -> None:
    """CODEX_API_KEY beats a login in Codex itself."""
    machine.put("home/.codex/auth.json", LOGIN)

    found = plan(machine, key=KeySource.ENVIRONMENT, taken=["CODEX_API_KEY"])

    assert found.auth is Auth.KEY


def test_a_key_in_the_environment_and_no_login(machine: Machine) -> None:
    """The key is used, though Codex on its own would ask for a login."""
    found = plan(machine, key=KeySource.ENVIRONMENT, taken=["OPENAI_API_KEY"])

    assert found.auth is Auth.KEY


def test_passthrough_with_a_key_in_the_environment_and_no_login_starts(machine: Machine) -> None:
    """Codex itself asks for the login, and a note says what is missing."""
    found = plan(
        machine, key=KeySource.ENVIRONMENT, auth=Auth.PASSTHROUGH, taken=["OPENAI_API_KEY"]
    )

    assert found.auth is Auth.PASSTHROUGH
    assert any("no login was found" in note for note in found.notes)


@pytest.mark.parametrize("content", [{"OPENAI_API_KEY": "sk-canary"}, {"tokens": {}}, "{broken"])
def test_which_stored_credentials_count(machine: Machine, content: dict[str, str] | str) -> None:
    """A key Codex keeps itself does; an empty or broken file does not."""
    machine.put("home/.codex/auth.json", content)

    if "OPENAI_API_KEY" in content:
        with pytest.raises(LaunchError, match="an OpenAI key in"):
            plan(machine)
    else:
        assert plan(machine).auth is Auth.KEY


def test_a_login_in_the_keyring_is_presumed(machine: Machine) -> None:
    """It cannot be looked at, so the setting that puts it there stands for it."""
    file = machine.put("cfg/config.toml", 'model = "x"\ncli_auth_credentials_store = "keyring"\n')

    with pytest.raises(LaunchError, match=rf"keyring \({file} line 2"):
        plan(machine, CODEX_HOME=str(machine.root / "cfg"))


def test_without_a_key_and_a_login_the_way_out_is_named(machine: Machine) -> None:
    """The screen starts and asks for a login; the other way stands in a note."""
    found = plan(machine, key=KeySource.NONE)

    assert "agentspend keys set openai" in found.notes[1]


@pytest.mark.parametrize(
    "path", ["home/.codex/config.toml", "home/.codex/work.config.toml", "managed/config.toml"]
)
def test_another_provider_is_refused_by_line(machine: Machine, path: str) -> None:
    """Moving a person from their provider to another is not ours to do silently."""
    file = machine.put(path, 'model = "m"\nmodel_provider = "azure"\n')

    with pytest.raises(LaunchError) as caught:
        plan(machine, "-p", "work", "exec", "x")

    assert f"'azure': model_provider is set in {file} line 2" in caught.value.message
    assert "base_url" in caught.value.hint


@pytest.mark.parametrize("args", [(), ("-p", "other")])
def test_a_profile_that_is_not_used_is_no_reason(machine: Machine, args: tuple[str, ...]) -> None:
    """Only the profile the arguments name is read."""
    machine.put("home/.codex/work.config.toml", 'model_provider = "azure"\n')
    machine.put("home/.codex/config.toml", 'model_provider = "openai"\n')

    assert plan(machine, *args).auth is Auth.KEY


@pytest.mark.parametrize("line", ['model_provider = "openai"', 'openai_base_url = "https://gw"'])
def test_managed_configuration_beats_every_flag_and_is_refused(machine: Machine, line: str) -> None:
    """Also where it names OpenAI itself: it would beat ours."""
    file = machine.put("managed/managed_config.toml", f"{line}\n")

    with pytest.raises(LaunchError, match=f"{file} line 1"):
        plan(machine)


def test_a_gateway_is_named_with_the_way_to_keep_it(machine: Machine) -> None:
    """Its credential must not go to another host; a base URL of ours is no gateway."""
    path = "home/.codex/config.toml"
    file = machine.put(path, 'openai_base_url = "https://u:canary@gw.example/v1?k=canary"\n')

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    assert f"{file} line 1 sends Codex to https://gw.example," in caught.value.message
    assert 'base_url = "https://gw.example" under [providers.openai]' in caught.value.hint
    assert "canary" not in caught.value.message + caught.value.hint
    for url in ("http://127.0.0.1:4141/k/vk_1/v1", "https://api.openai.com/v1"):
        machine.put(path, f'openai_base_url = "{url}"\n')
        assert plan(machine).auth is Auth.KEY


def test_a_provider_of_our_name_in_a_file_is_refused(machine: Machine) -> None:
    """Tables merge (measured): its other keys would count with ours."""
    file = machine.put("home/.codex/config.toml", '[model_providers.agentspend]\nname = "x"\n')

    with pytest.raises(LaunchError, match=f"{file} line 1"):
        plan(machine)


@pytest.mark.parametrize(
    "args",
    [
        ("exec", "-c", 'model_provider="openai"', "x"),
        ("exec", "--config=model_provider=x", "x"),
        ("-cmodel_providers.agentspend.base_url=x",),
    ],
)
def test_a_flag_that_beats_ours_is_refused(machine: Machine, args: tuple[str, ...]) -> None:
    """Behind the subcommand it would count (measured)."""
    with pytest.raises(LaunchError, match="past the meter"):
        plan(machine, *args)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("cloud", "exec", "x"), "codex cloud works outside"),
        (("-m", "gpt-5.4", "remote-control"), "codex remote-control works outside"),
        (("queue", "--thread", "x"), "codex queue works outside"),
        (("app-server", "daemon", "start"), "codex app-server daemon works outside"),
        (("--remote", "ws://127.0.0.1:1"), "codex --remote works outside"),
        (("exec", "--remote=ws://127.0.0.1:1"), "codex --remote works outside"),
        (("agents",), "codex agents works outside"),
        (("exec", "--oss", "x"), "--oss takes a model on this machine"),
        (("--local-provider=ollama",), "--local-provider=ollama takes a model on this machine"),
    ],
)
def test_a_session_that_works_elsewhere_is_refused(
    machine: Machine, args: tuple[str, ...], told: str
) -> None:
    """A session outside this process, or on a local model, would not be seen."""
    with pytest.raises(LaunchError, match=told):
        plan(machine, *args)


def test_words_that_only_look_like_it_are_left_alone(machine: Machine) -> None:
    """Values of options, later words, and everything after two dashes."""
    for args in (
        ("-m", "cloud", "exec", "cloud"),
        ("exec", "--", "--oss", "-c", 'model_provider="x"'),
        ("app-server",),
    ):
        assert plan(machine, *args).argv[5:] == args


def test_resuming_says_which_sessions_are_listed(machine: Machine) -> None:
    """Codex lists only those of the provider in use (measured)."""
    found = plan(machine, "exec", "resume", "--last", "go on")

    assert "started through agentspend" in found.notes[1]


def test_codex_that_is_not_installed_is_named_with_the_remedy(machine: Machine) -> None:
    """The refusal says how it is installed."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, PATH="/nowhere")

    assert "npm install -g @openai/codex" in caught.value.hint


def test_an_outer_session_is_replaced_without_a_word(machine: Machine) -> None:
    """A session started inside another takes over."""
    outer = "http://127.0.0.1:4141/s/tok_outer/v1"
    found = plan(machine, AGENTSPEND_TOKEN="tok_outer", OPENAI_BASE_URL=outer)

    env = found.environment({"AGENTSPEND_TOKEN": "tok_outer", "OPENAI_BASE_URL": outer})
    assert "tok_outer" not in str(env)
    assert found.notes == (NO_SEARCH,)


def test_a_key_that_is_asked_for_and_not_there_is_refused(machine: Machine) -> None:
    """`auth = "key"` without a key: the hint stores one."""
    with pytest.raises(LaunchError, match="there is no OpenAI key") as caught:
        plan(machine, key=KeySource.NONE, auth=Auth.KEY)

    assert caught.value.hint == "agentspend keys set openai"


@pytest.mark.parametrize("name", ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"])
def test_a_credential_variable_of_its_own_counts_as_a_login(machine: Machine, name: str) -> None:
    """Named and not shown; where ours is chosen it does not reach Codex."""
    machine.env[name] = "canary"

    with pytest.raises(LaunchError, match=f"there is {name} in the environment") as caught:
        plan(machine)

    assert "canary" not in caught.value.message + caught.value.hint
    kept = plan(machine, key=KeySource.NONE).environment({name: "canary"})
    assert kept[name] == "canary"
    assert name not in plan(machine, auth=Auth.KEY).environment({name: "canary"})


@pytest.mark.parametrize("store", ["auto", "file"])
def test_which_places_of_a_login_are_presumed(machine: Machine, store: str) -> None:
    """ "auto" may be the keyring; a file would be there to be seen."""
    machine.put("home/.codex/config.toml", f'cli_auth_credentials_store = "{store}"\n')

    if store == "auto":
        with pytest.raises(LaunchError, match="perhaps a login in the keyring"):
            plan(machine)
    else:
        assert plan(machine).auth is Auth.KEY


def test_managed_configuration_is_for_its_owner_to_change(machine: Machine) -> None:
    """The person cannot take it out, so the hint does not say so."""
    machine.put("managed/managed_config.toml", 'model_provider = "azure"\n')

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    assert caught.value.hint.startswith("ask who manages this machine")


def test_a_broken_file_is_left_to_codex(machine: Machine) -> None:
    """Codex itself stops at it."""
    machine.put("home/.codex/config.toml", 'model_provider = "azure"\nmodel = ')

    assert plan(machine).auth is Auth.KEY


def test_other_settings_by_flag_are_left_alone(machine: Machine) -> None:
    """Only what names a provider is refused."""
    args = ("exec", "-c", 'model_reasoning_effort="low"', "--config=model_providers.mine.name=x")

    assert plan(machine, *args).argv[5:] == args


def test_what_codex_starts_finds_tokens_for_keys(machine: Machine) -> None:
    """Another provider's key that `run` took is stood in for, and a proxy spares loopback."""
    found = plan(machine, taken=["ANTHROPIC_API_KEY"], no_proxy="corp.example")

    assert found.env_set["ANTHROPIC_API_KEY"] == TOKEN
    assert found.env_set["ANTHROPIC_BASE_URL"] == BASE_URL
    assert found.env_set["NO_PROXY"] == "corp.example,127.0.0.1,localhost"
