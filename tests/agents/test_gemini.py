"""Gemini CLI's plan: exact for each sign-in, refused where nothing of ours counts."""

import json
from collections.abc import Collection

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource, LaunchPlan
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN, Machine

NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
USER = "home/.gemini/settings.json"
WORKSPACE = "home/work/.gemini/settings.json"


def selects(kind: str, name: str = "selectedType") -> dict[str, object]:
    return {"ui": {"theme": "GitHub"}, "security": {"auth": {name: kind}}}


def plan(
    machine: Machine,
    *args: str,
    key: KeySource = KeySource.STORED,
    auth: Auth = Auth.AUTO,
    taken: Collection[str] = (),
    **env: str,
) -> LaunchPlan:
    facts = machine.facts(key, auth, taken, ["google"])
    return launcher_for("gemini").plan(args, facts, machine.caller(**env))


def test_the_plan_with_the_api_key_selected(machine: Machine) -> None:
    """Two variables are all it takes; no file is written."""
    machine.put(USER, selects("gemini-api-key"))

    assert plan(machine, "-p", "say hi") == LaunchPlan(
        argv=("gemini", "-p", "say hi"),
        env_set={
            "GOOGLE_GEMINI_BASE_URL": BASE_URL,
            **NO_PROXY,
            "GEMINI_API_KEY": TOKEN,
        },
        env_unset=("GEMINI_API_KEY_AUTH_MECHANISM",),
        auth=Auth.KEY,
    )


def test_the_plan_without_a_selection_works_on_a_copy(machine: Machine) -> None:
    """The user's settings with one more line, and links to everything else."""
    machine.put(USER, '{\n // mine\n "ui": {"theme": "GitHub",},\n}')
    for name in ("GEMINI.md", "tmp/x/chat.json"):
        machine.put(f"home/.gemini/{name}", "{}")
    machine.put("home/.env", "A=1\n")

    found = plan(machine)

    folder = machine.root / "scratch/gemini"
    assert found.env_set["GEMINI_CLI_HOME"] == str(folder)
    ((path, text),) = found.files.items()
    assert path == folder / ".gemini/settings.json"
    assert json.loads(text) == selects("gemini-api-key")
    assert found.links == {
        folder / ".gemini/GEMINI.md": machine.home / ".gemini/GEMINI.md",
        folder / ".gemini/tmp": machine.home / ".gemini/tmp",
        folder / ".env": machine.home / ".env",
    }
    assert "works on a copy" in found.notes[0]


def test_a_google_login_goes_on_through_us(machine: Machine) -> None:
    """To Code Assist, where it belongs; no credential is set, and no file is changed."""
    machine.put(USER, selects("oauth-personal"))

    found = plan(machine, "-p", "x", key=KeySource.NONE)

    pinned = {"CODE_ASSIST_ENDPOINT": BASE_URL, "CODE_ASSIST_API_VERSION": "v1internal"}
    assert found == LaunchPlan(
        argv=("gemini", "-p", "x"), env_set={**pinned, **NO_PROXY}, subscribed=True
    )


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://autopush-cloudcode-pa.example", True),
        ("https://cloudcode-pa.googleapis.com", False),
        ("http://127.0.0.1:4141/s/outer", False),
    ],
)
def test_a_login_is_handed_to_nobody_else(machine: Machine, url: str, *, refused: bool) -> None:
    """Another address was chosen for it: that stays the person's choice."""
    machine.put(USER, selects("oauth-personal"))
    facts, caller = machine.facts(KeySource.NONE), machine.caller(CODE_ASSIST_ENDPOINT=url)

    if refused:
        with pytest.raises(LaunchError, match=r"autopush.* hand its login to https://cloudcode-pa"):
            launcher_for("gemini").plan([], facts, caller)
    else:
        found = launcher_for("gemini").plan([], facts, caller)
        assert found.env_set["CODE_ASSIST_ENDPOINT"] == BASE_URL


def test_a_key_in_the_environment_does_not_beat_a_selected_login(machine: Machine) -> None:
    """As in Gemini CLI itself (measured); what it starts finds our token there."""
    machine.put(USER, selects("oauth-personal"))

    found = plan(machine, key=KeySource.ENVIRONMENT, taken=["GEMINI_API_KEY"])

    assert found.auth is Auth.PASSTHROUGH
    assert found.env_set["GEMINI_API_KEY"] == TOKEN
    assert found.env_set["CODE_ASSIST_ENDPOINT"] == BASE_URL


def test_a_stored_key_and_a_login_ask_for_a_choice(machine: Machine) -> None:
    """Chosen, the key is selected in the copy; the user's file is not touched."""
    file = machine.put(USER, selects("oauth-personal"))
    before = file.read_text()

    with pytest.raises(LaunchError, match="a Gemini key is stored, and there is a Google login"):
        plan(machine)
    found = plan(machine, auth=Auth.KEY)

    (text,) = found.files.values()
    assert json.loads(text) == selects("gemini-api-key")
    assert found.env_set["GEMINI_API_KEY"] == TOKEN
    assert file.read_text() == before


def test_a_login_that_is_not_selected_counts_too(machine: Machine) -> None:
    """The file it lies in is named, and not read out."""
    file = machine.put("home/.gemini/oauth_creds.json", {"access_token": "canary"})

    with pytest.raises(LaunchError, match=f"a Google login in {file}"):
        plan(machine)


def test_a_key_of_its_own_goes_on_through_us(machine: Machine) -> None:
    """From a `.env`: redirected, and no credential is set."""
    machine.put("home/.gemini/.env", "export GEMINI_API_KEY='canary'\n")

    found = plan(machine, key=KeySource.NONE)

    assert found.auth is Auth.PASSTHROUGH
    assert "GEMINI_API_KEY" not in found.env_set
    assert found.env_set["GOOGLE_GEMINI_BASE_URL"] == BASE_URL
    assert found.files
    with pytest.raises(LaunchError, match=r"GEMINI_API_KEY in .*\.env line 1"):
        plan(machine)


def test_with_nothing_to_sign_in_with_the_screen_may_still_ask(machine: Machine) -> None:
    """The redirect stands; a copy would hide the choice that the person makes."""
    found = plan(machine, key=KeySource.NONE)

    assert found.env_set == {"GOOGLE_GEMINI_BASE_URL": BASE_URL, **NO_PROXY}
    assert not found.files
    assert "agentspend keys set google" in found.notes[0]


@pytest.mark.parametrize("kind", ["vertex-ai", "compute-default-credentials", "gateway"])
def test_another_provider_is_refused_by_line(machine: Machine, kind: str) -> None:
    """Moving a person from their provider to another is not ours to do silently."""
    file = machine.put(USER, selects(kind))

    with pytest.raises(LaunchError, match=f"'{kind}' is set in {file} line 7"):
        plan(machine)


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_switch_to_vertex_is_refused_by_place(machine: Machine, where: str) -> None:
    """Where nothing is selected, the variable decides; a selected API key beats it (measured)."""
    file = machine.put("home/work/.env", "A=1\nGOOGLE_GENAI_USE_VERTEXAI=true\n")
    if where == "environment":
        machine.env["GOOGLE_GENAI_USE_VERTEXAI"] = "true"

    with pytest.raises(LaunchError) as caught:
        plan(machine)

    place = "the environment" if where == "environment" else f"{file} line 2"
    assert f"set in {place} (GOOGLE_GENAI_USE_VERTEXAI)" in caught.value.message
    machine.put(USER, selects("gemini-api-key"))
    assert plan(machine).auth is Auth.KEY


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (WORKSPACE, selects("oauth-personal")),
        ("managed/settings.json", selects("oauth-personal")),
        ("managed/settings.json", selects("oauth-personal", "enforcedType")),
        (USER, selects("vertex-ai", "enforcedType")),
    ],
)
def test_what_a_copy_cannot_beat_is_refused_by_line(
    machine: Machine, path: str, content: dict[str, object]
) -> None:
    """A workspace's and the machine's settings come after the user's."""
    file = machine.put(path, content)

    with pytest.raises(LaunchError, match=f"{file} line 7 sets"):
        plan(machine, auth=Auth.KEY)


def test_a_stronger_file_that_selects_the_key_needs_no_copy(machine: Machine) -> None:
    """What counts is what counts in the end."""
    machine.put(USER, selects("oauth-personal"))
    machine.put(WORKSPACE, selects("gemini-api-key"))

    assert not plan(machine).files


def test_a_gateway_and_its_own_key_are_not_parted(machine: Machine) -> None:
    """The key would go to another host; with a key of ours it stays where it is."""
    machine.put(USER, selects("gemini-api-key"))
    machine.put("home/.gemini/.env", "GOOGLE_GEMINI_BASE_URL=https://gw.example/x\n")

    assert plan(machine).auth is Auth.KEY
    with pytest.raises(LaunchError, match=r"line 1 names https://gw.example;"):
        plan(machine, key=KeySource.NONE)


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("-s",), ""),
        ((), " Docker"),
        (("--sandbox",), ""),
        (("-s=true",), ""),
        (("--s", "true"), ""),
        (("-ys",), ""),
        (("--sandbox=false", "-s"), "false"),
    ],
)
def test_a_container_is_refused(machine: Machine, args: tuple[str, ...], env: str) -> None:
    """Our loopback is not the container's. On macOS the sandbox is none."""
    if env:
        machine.env["GEMINI_SANDBOX"] = env

    with pytest.raises(LaunchError, match="into a container"):
        plan(machine, *args)
    machine.platform = "darwin"
    if args:
        assert plan(machine, *args).auth is Auth.KEY


@pytest.mark.parametrize(
    "args",
    [
        ("--sandbox=docker",),
        ("-s", "false"),
        ("-s", "--no-sandbox"),
        ("-p", "say"),
        ("--sandbox=1",),
    ],
)
def test_what_the_cli_takes_for_no_sandbox_starts(machine: Machine, args: tuple[str, ...]) -> None:
    """Measured: every value but `true` switches it off, and so the last option may."""
    machine.put(USER, {**selects("gemini-api-key"), "tools": {"sandbox": args != ("-p", "say")}})

    assert plan(machine, *args).auth is Auth.KEY


@pytest.mark.parametrize("sandbox", [{"enabled": True}, {"enabled": 1, "command": "docker"}])
def test_a_container_in_a_settings_object_is_refused(machine: Machine, sandbox: object) -> None:
    """Newer settings have a command beside the switch; inside a sandbox there is none."""
    machine.put(USER, {"tools": {"sandbox": sandbox}})

    with pytest.raises(LaunchError, match="into a container"):
        plan(machine)
    assert plan(machine, SANDBOX="sandbox-exec").auth is Auth.KEY


@pytest.mark.parametrize("security", ["x", {"auth": "y"}, []])
def test_settings_of_another_shape_are_replaced(machine: Machine, security: object) -> None:
    """In the copy that this session works on, and nothing else of it."""
    machine.put(USER, {"security": security, "ui": {"theme": "x"}})

    ((_, text),) = plan(machine).files.items()

    assert json.loads(text) == {**selects("gemini-api-key"), "ui": {"theme": "x"}}


def test_gemini_that_is_not_installed_is_named_with_the_remedy(machine: Machine) -> None:
    """The refusal says how it is installed."""
    with pytest.raises(LaunchError) as caught:
        plan(machine, PATH="/nowhere")

    assert "npm install -g @google/gemini-cli" in caught.value.hint


def test_an_outer_session_is_replaced_without_a_word(machine: Machine) -> None:
    """The outer token is no key of its own."""
    machine.put(USER, selects("gemini-api-key"))

    found = plan(
        machine,
        GOOGLE_GEMINI_BASE_URL="http://127.0.0.1:4141/s/tok_outer",
        GEMINI_API_KEY="tok_outer",
    )

    assert (found.auth, found.notes, found.warnings) == (Auth.KEY, (), ())
    assert "tok_outer" not in str(found.environment(found.env_set))


def test_the_token_never_stands_in_argv(machine: Machine) -> None:
    """Every user of a machine can read a process's arguments."""
    for key in KeySource:
        assert plan(machine, "-p", "x", key=key).argv == ("gemini", "-p", "x")


def test_a_key_that_is_asked_for_and_not_there_is_refused(machine: Machine) -> None:
    """`auth = "key"` without a key: the hint stores one."""
    with pytest.raises(LaunchError, match="there is no Gemini key") as caught:
        plan(machine, key=KeySource.NONE, auth=Auth.KEY)

    assert caught.value.hint == "agentspend keys set google"


def test_a_google_login_by_a_variable_comes_through_too(machine: Machine) -> None:
    """GOOGLE_GENAI_USE_GCA decides where nothing is selected."""
    found = plan(machine, key=KeySource.NONE, GOOGLE_GENAI_USE_GCA="true")

    assert (found.env_set["CODE_ASSIST_ENDPOINT"], found.subscribed) == (BASE_URL, True)


@pytest.mark.parametrize("variable", ["", "GEMINI_CLI_SYSTEM_DEFAULTS_PATH"])
def test_system_defaults_are_the_weakest(machine: Machine, variable: str) -> None:
    """They count until the user's own file says otherwise."""
    file = machine.put(
        "own.json" if variable else "managed/system-defaults.json", selects("vertex-ai")
    )
    if variable:
        machine.env[variable] = str(file)

    with pytest.raises(LaunchError, match=f"Google Vertex AI: 'vertex-ai' is set in {file} line 7"):
        plan(machine)
    machine.put(USER, selects("gemini-api-key"))
    assert plan(machine).auth is Auth.KEY


def test_system_settings_may_lie_elsewhere(machine: Machine) -> None:
    """Where the variable says."""
    file = machine.put("sys.json", selects("cloud-shell"))

    with pytest.raises(LaunchError, match=f"the Cloud Shell account: .* in {file} line 7"):
        plan(machine, GEMINI_CLI_SYSTEM_SETTINGS_PATH=str(file))


def test_the_home_that_is_named_is_the_one_that_is_read(machine: Machine) -> None:
    """GEMINI_CLI_HOME moves the user's settings, and the copy is made from there."""
    machine.put(USER, selects("vertex-ai"))
    moved = machine.put("moved/.gemini/settings.json", {"ui": {"theme": "GitHub"}})

    found = plan(machine, GEMINI_CLI_HOME=str(machine.root / "moved"))

    (text,) = found.files.values()
    assert json.loads(text) == selects("gemini-api-key")
    assert found.notes[0].startswith(f"{moved} does not select")


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (["home/work/.gemini/.env", "home/work/.env"], "home/work/.gemini/.env"),
        (["home/work/.env", "home/.gemini/.env"], "home/work/.env"),
        (["home/.gemini/.env", "home/.env"], "home/.gemini/.env"),
    ],
)
def test_only_the_first_env_file_counts(machine: Machine, files: list[str], place: str) -> None:
    """From the working folder upwards; a variable that is set beats it."""
    for name in files:
        machine.put(name, "A=1\nGEMINI_API_KEY=canary\n")

    with pytest.raises(LaunchError, match=f"GEMINI_API_KEY in {machine.root / place} line 2"):
        plan(machine)
    assert plan(machine, GEMINI_API_KEY="").auth is Auth.KEY


def test_a_container_in_the_settings_is_refused_by_line(machine: Machine) -> None:
    """Unless a variable switches it off."""
    file = machine.put(USER, {"tools": {"sandbox": True}})

    with pytest.raises(LaunchError, match=f"{file} line 3 puts Gemini CLI into a container"):
        plan(machine)
    assert plan(machine, GEMINI_SANDBOX="false").auth is Auth.KEY


def test_words_after_two_dashes_are_a_prompt(machine: Machine) -> None:
    """What looks like an option there is none."""
    assert plan(machine, "--", "--sandbox", "-s").auth is Auth.KEY


def test_other_providers_keys_are_stood_in_for(machine: Machine) -> None:
    """What Gemini CLI starts goes on working, and holds no key."""
    found = plan(machine, taken=["OPENAI_API_KEY"])

    assert found.env_set["OPENAI_API_KEY"] == TOKEN
    assert found.env_set["OPENAI_BASE_URL"] == f"{BASE_URL}/v1"
