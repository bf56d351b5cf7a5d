"""aider's plan: variables in a file that is read last; refused where something beats it."""

from collections.abc import Collection

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

EVERY = ("anthropic", "openai", "google")
URLS = {
    "ANTHROPIC_BASE_URL": BASE_URL,
    "ANTHROPIC_API_BASE": BASE_URL,
    "OPENAI_BASE_URL": f"{BASE_URL}/v1",
    "OPENAI_API_BASE": f"{BASE_URL}/v1",
    "GOOGLE_GEMINI_BASE_URL": BASE_URL,
    "GEMINI_API_BASE": f"{BASE_URL}/v1beta",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "AIDER_OPENAI_API_BASE": f"{BASE_URL}/v1",
}
KEYS = {
    "ANTHROPIC_API_KEY": TOKEN,
    "ANTHROPIC_AUTH_TOKEN": TOKEN,
    "OPENAI_API_KEY": TOKEN,
    "GEMINI_API_KEY": TOKEN,
    "GOOGLE_API_KEY": TOKEN,
    "AIDER_OPENAI_API_KEY": TOKEN,
    "AIDER_ANTHROPIC_API_KEY": TOKEN,
}
NOTE = (
    "models of Anthropic, OpenAI and Gemini are metered; `/model` to another one goes past"
    " agentspend"
)
CONFIG = "home/work/.aider.conf.yml"


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
    return launcher_for("aider").plan(args, facts, machine.caller(**env))


def lines(variables: dict[str, str]) -> str:
    return "".join(f"{name}='{value}'\n" for name, value in variables.items())


def test_the_plan_with_stored_keys(machine: Machine) -> None:
    """The same variables in the environment and in the file that beats every other one."""
    path = machine.root / "scratch/aider.env"

    assert plan(machine, "--model", "sonnet", "x.py") == LaunchPlan(
        argv=("aider", "--model", "sonnet", "x.py", "--env-file", str(path)),
        env_set={**URLS, **KEYS},
        files={path: lines({**URLS, **KEYS})},
        notes=(NOTE,),
        auth=Auth.KEY,
    )


def test_the_plan_without_a_key_sets_no_credential(machine: Machine) -> None:
    """aider's own keys go on through us."""
    machine.put("home/work/.env", "OPENAI_API_KEY=canary\n")

    found = plan(machine, key=KeySource.NONE)

    assert found.auth is Auth.PASSTHROUGH
    assert found.env_set == URLS
    assert found.notes == (NOTE,)


def test_the_rest_of_the_persons_own_env_file_is_in_ours(machine: Machine) -> None:
    """aider takes one such option; however the file ends, none of it can swallow ours."""
    machine.put("home/work/own.env", "A=1 # one\nOPENAI_API_BASE=https://api.openai.com/v1\nB='it")

    for args, env in (
        (("--env-file", "own.env", "x.py"), {}),
        (("--env-fi=own.env", "x.py"), {}),
        (("x.py",), {"AIDER_ENV_FILE": "own.env"}),
    ):
        found = plan(machine, *args, **env)
        ((path, text),) = found.files.items()
        assert found.argv == ("aider", *args, "--env-file", str(path))
        assert text == lines({**URLS, **KEYS, "A": "1"})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("home/.env", "OPENAI_API_KEY=canary"),
        ("home/work/.env", "export OPENAI_API_KEY='canary'"),
        (CONFIG, "openai-api-key: canary"),
        (CONFIG, "api-key: [openai=canary]"),
        (CONFIG, "# mine\napi-key:\n  - groq=x\n  - openai=canary"),
    ],
)
def test_a_stored_key_and_one_of_its_own_ask_for_a_choice(
    machine: Machine, path: str, text: str
) -> None:
    """Its place is named, and not the key."""
    file = machine.put(path, text)
    line = 1 + text.count("\n")

    with pytest.raises(LaunchError) as caught:
        plan(machine, providers=["openai"])

    assert f"a key for OpenAI in {file} line {line}" in caught.value.message
    assert "canary" not in caught.value.message + caught.value.hint
    assert plan(machine, auth=Auth.KEY).auth is Auth.KEY


def test_a_key_in_the_environment_does_not_beat_a_file(machine: Machine) -> None:
    """As in aider itself (measured); what it starts finds our token there."""
    machine.put("home/work/.env", "OPENAI_API_KEY=canary")

    found = plan(machine, key=KeySource.ENVIRONMENT, taken=["OPENAI_API_KEY"], providers=["openai"])

    assert found.auth is Auth.PASSTHROUGH
    assert found.env_set["OPENAI_API_KEY"] == TOKEN
    assert list(found.files.values()) == [lines(URLS)]


def test_without_any_key_the_way_out_is_named(machine: Machine) -> None:
    """A note says how a key is stored."""
    assert "agentspend keys set" in plan(machine, key=KeySource.NONE).notes[1]


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("--model", "openrouter/x/y"), "openrouter/x/y"),
        (("--model=bedrock/x",), "bedrock/x"),
        (("--model", "r1"), "deepseek/deepseek-reasoner"),
        (("--deepseek",), "deepseek/deepseek-chat"),
        (("--model", "sonnet", "--weak-model", "azure/x"), "azure/x"),
        (("--weak", "azure/x"), "azure/x"),
        (("--alias", "fast:azure/x", "--model", "fast"), "azure/x"),
        (("--alias", "sonnet: azure/x", "--sonnet", "--model=sonnet"), "azure/x"),
        (("--model", "claude-sonnet-4@20250514"), "claude-sonnet-4@20250514"),
        (("--model", "command-r"), "command-r"),
    ],
)
def test_another_provider_in_the_arguments_is_refused(
    machine: Machine, args: tuple[str, ...], named: str
) -> None:
    """An address on the command line would go past the meter."""
    with pytest.raises(LaunchError, match=f"aider would use {named}, set by --"):
        plan(machine, *args)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (CONFIG, "dark-mode: true\nmodel: vertex_ai/x  # mine"),
        ("home/.aider.conf.yml", "dark-mode: true\neditor-model: 'vertex_ai/x'"),
        ("home/work/.env", "A=1\nAIDER_WEAK_MODEL=vertex_ai/x"),
    ],
)
def test_another_provider_is_refused_by_line(machine: Machine, path: str, text: str) -> None:
    """A stronger place that names one of ours settles it."""
    file = machine.put(path, text)

    with pytest.raises(LaunchError, match=f"vertex_ai/x, set by {file} line 2"):
        plan(machine)
    given = ("--model", "4o", "--weak-model", "gemini/x", "--editor-model", "openai/x")
    assert plan(machine, *given).auth is Auth.KEY


def test_a_model_that_aider_would_choose_itself(machine: Machine) -> None:
    """Left to the keys it finds, it takes OpenRouter's first (its own order)."""
    file = machine.put("home/work/.env", "OPENROUTER_API_KEY=canary")

    with pytest.raises(LaunchError, match=f"OPENROUTER_API_KEY in {file} line 1"):
        plan(machine)
    assert plan(machine, "--sonnet").auth is Auth.KEY
    assert plan(machine, "--model", "4o").auth is Auth.KEY
    file.unlink()
    with pytest.raises(LaunchError, match="DEEPSEEK_API_KEY in the environment"):
        plan(machine, providers=["openai"], DEEPSEEK_API_KEY="canary")
    assert plan(machine, DEEPSEEK_API_KEY="canary").auth is Auth.KEY


@pytest.mark.parametrize(
    "args",
    [
        ("--openai-api-base", "http://gw.example"),
        ("--set-env", "ANTHROPIC_BASE_URL=http://gw.example"),
        ("--set-env=GEMINI_API_BASE=http://gw.example",),
        ("--openai-api-b", "http://gw.example"),
        ("--openai-api-b=http://gw.example",),
        ("--set-e", "ANTHROPIC_API_BASE=http://gw.example"),
        ("x.py", "--set-env", "OPENAI_BASE_URL="),
    ],
)
def test_a_redirect_in_the_arguments_is_refused(machine: Machine, args: tuple[str, ...]) -> None:
    """It would beat ours."""
    with pytest.raises(LaunchError, match="past the meter"):
        plan(machine, *args)


def test_a_variable_that_a_configuration_sets_last_is_refused_by_line(machine: Machine) -> None:
    """`set-env` beats every file of variables; another name is no matter."""
    file = machine.put(CONFIG, "set-env:\n  - OPENAI_BASE_URL=http://gw.example\n")

    with pytest.raises(LaunchError, match=f"{file} line 2 sets OPENAI_BASE_URL"):
        plan(machine)
    machine.put(CONFIG, "set-env: [OLLAMA_API_BASE=http://127.0.0.1:1]\n")
    assert plan(machine).auth is Auth.KEY


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("home/work/.env", "OPENAI_BASE_URL=https://u:canary@gw.example/v1"),
        (CONFIG, "openai-api-base: https://u:canary@gw.example/v1"),
    ],
)
def test_a_gateway_and_its_own_key_are_not_parted(machine: Machine, path: str, text: str) -> None:
    """Its key would go to another host; a key of ours does not."""
    file = machine.put(path, text)

    with pytest.raises(LaunchError) as caught:
        plan(machine, key=KeySource.NONE)

    assert f"in {file} line 1 names https://gw.example;" in caught.value.message
    assert "canary" not in caught.value.message + caught.value.hint
    assert plan(machine).auth is Auth.KEY


def test_the_configuration_that_is_named_comes_on_top(machine: Machine) -> None:
    """The usual ones count beside it (measured)."""
    machine.put(CONFIG, "model: azure/x\nweak-model: azure/y\n")
    machine.put("home/work/other.yml", "model: gpt-4o\n")

    with pytest.raises(LaunchError, match="aider would use azure/y"):
        plan(machine, "--config", "other.yml")
    assert plan(machine, "-cother.yml", "--weak-model", "4o").auth is Auth.KEY


def test_aider_that_is_not_installed_is_named_with_the_remedy(machine: Machine) -> None:
    """The refusal says how it is installed."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, PATH="/nowhere")

    assert "aider-chat" in caught.value.hint


def test_an_outer_session_is_replaced_without_a_word(machine: Machine) -> None:
    """What the outer session's plan set is no choice of the person's."""
    outer = plan(machine).env_set
    env = {name: value.replace(TOKEN, "tok_outer") for name, value in outer.items()}

    machine.env |= env
    found = plan(machine)

    assert "tok_outer" not in str(found.environment(env))
    assert (found.auth, found.notes) == (Auth.KEY, (NOTE,))


def test_the_token_never_stands_in_argv(machine: Machine) -> None:
    """Every user of a machine can read a process's arguments: the file holds it."""
    for key in KeySource:
        assert not any(TOKEN in item for item in plan(machine, "x.py", key=key).argv)


def test_a_key_that_is_asked_for_and_not_there_is_refused(machine: Machine) -> None:
    """`auth = "key"` without a key: the hint stores one."""
    with pytest.raises(LaunchError, match="there is no Gemini key") as caught:
        plan(machine, key=KeySource.NONE, auth=Auth.KEY, providers=["google"])

    assert caught.value.hint == "agentspend keys set google"


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("--api-key", "gemini=canary"), "google"),
        (("--anthropic-api-key", "canary"), "anthropic"),
        (("--openai-api-key=canary",), "openai"),
    ],
)
def test_a_key_in_the_arguments_counts_as_its_own(
    machine: Machine, args: tuple[str, ...], name: str
) -> None:
    """The option is named, and not the key; another provider's is no reason."""
    with pytest.raises(LaunchError, match=f"a key for .* in {args[0].partition('=')[0]}") as caught:
        plan(machine, *args, providers=[name])

    assert "canary" not in caught.value.message + caught.value.hint
    assert plan(machine, "--api-key", "groq=canary").auth is Auth.KEY


def test_what_follows_two_dashes_is_a_file(machine: Machine) -> None:
    """aider's own reading; our file is named before them."""
    found = plan(machine, "--model", "4o", "--", "--deepseek", "--model=azure/x")

    assert found.argv[-3:] == ("--", "--deepseek", "--model=azure/x")
    assert found.argv[-5] == "--env-file"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("read: [a.md]\nopenai-api-b: http://gw.example", "OPENAI_API_BASE"),
        ("'set-env': [\n  'OPENAI_BASE_URL=http://gw.example',\n]", "OPENAI_BASE_URL"),
        ('"set-env":\n- "GEMINI_API_BASE=http://gw.example"', "GEMINI_API_BASE"),
        ("set-en: [ANTHROPIC_BASE_URL=http://gw.example]", "ANTHROPIC_BASE_URL"),
        ("read: [a.md]\nenv-fil: other.env", "aider from reading the variables"),
    ],
)
def test_an_unusual_configuration_does_not_lead_past_us(
    machine: Machine, text: str, named: str
) -> None:
    """Shortened names, quoted ones, lists over several lines: read as aider reads them."""
    file = machine.put(CONFIG, text)

    with pytest.raises(LaunchError, match=named) as caught:
        plan(machine, "--model", "4o")
    assert str(file) in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "alias: ['fast:azure/x']\nmodel: fast",
        "model: >-\n  azure/x",
        "{model: azure/x}",
    ],
)
def test_yaml_of_any_form_is_understood(machine: Machine, text: str) -> None:
    """Another provider is another provider."""
    machine.put(CONFIG, text)

    with pytest.raises(LaunchError, match="aider would use azure/x"):
        plan(machine)


@pytest.mark.parametrize(
    "text", ["model: [", "- a\n- b", "1: x", "dark-mode: [x]", "model: [a, b]"]
)
def test_a_broken_configuration_is_said_before_the_start(machine: Machine, text: str) -> None:
    """aider would stop at it too."""
    machine.put(CONFIG, text)

    with pytest.raises(LaunchError, match="aider"):
        plan(machine)


def test_an_encoding_that_hides_our_variables_is_refused(machine: Machine) -> None:
    """Every `.env` file is read in it; one that keeps plain text is fine."""
    for encoding in ("utf-16", "no-such"):
        with pytest.raises(LaunchError, match="--encoding would keep aider from reading"):
            plan(machine, "--encoding", encoding)
    assert plan(machine, "--encoding", "latin-1").auth is Auth.KEY


def test_a_litellm_proxy_for_every_model_is_refused(machine: Machine) -> None:
    """It stands above every address."""
    file = machine.put("home/.env", "A=1\nUSE_LITELLM_PROXY=True\n")

    with pytest.raises(LaunchError, match=f"{file} line 2 sets USE_LITELLM_PROXY"):
        plan(machine)
    assert plan(machine, "--set-env", "USE_LITELLM_PROXY=false").auth is Auth.KEY


def test_the_files_to_edit_may_lie_in_another_repository(machine: Machine) -> None:
    """aider starts over with that one's configuration."""
    machine.put("elsewhere/.git/HEAD", "ref: refs/heads/main\n")
    machine.put("elsewhere/.aider.conf.yml", "set-env: [OPENAI_BASE_URL=http://gw.example]\n")
    file = machine.put("elsewhere/x.py", "")

    with pytest.raises(LaunchError, match="past the meter"):
        plan(machine, str(file))
    assert plan(machine, str(file), "--no-git").auth is Auth.KEY


def test_loopback_stays_clear_of_a_proxy(machine: Machine) -> None:
    """What would send us through it is refused; without a proxy it is no matter."""
    taken_away = ("--set-env", "NO_PROXY=example.com")

    with pytest.raises(LaunchError, match="--set-env sets NO_PROXY"):
        plan(machine, *taken_away, HTTP_PROXY="http://proxy.example")
    assert plan(machine, *taken_away).auth is Auth.KEY
