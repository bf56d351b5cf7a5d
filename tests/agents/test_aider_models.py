"""Which models aider would use, and whose they are."""

from pathlib import Path

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.aider_files import read_start
from agentspend.agents.aider_models import models, names_a_model, provider
from agentspend.agents.base import KeySource
from agentspend.core.errors import LaunchError
from tests.agents.conftest import Machine

SETTINGS = "home/work/.aider.model.settings.yml"


def used(machine: Machine, *args: str) -> list[str]:
    return [item.value for item in models(read_start(args, machine.caller()))]


def refused(machine: Machine, *args: str) -> str:
    """What the launcher says to these arguments, "" when it starts."""
    try:
        launcher_for("aider").plan(args, machine.facts(KeySource.STORED), machine.caller())
    except LaunchError as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    ("model", "whose"),
    [
        ("openai/gpt-4o", "openai"),
        ("gpt-4o", "openai"),
        ("o3", "openai"),
        ("sonnet", "openai"),
        ("claude-sonnet-4-5", "openai"),
        ("gemini/gemini-2.5-pro", "gemini"),
        ("bedrock/anthropic.claude", "bedrock"),
        ("claude-sonnet-4@20250514", ""),
        ("command-r-plus", ""),
        ("gemini-4", ""),
    ],
)
def test_whose_a_model_is(model: str, whose: str) -> None:
    """By its prefix; a bare name counts where LiteLLM files it under Anthropic or OpenAI."""
    ours = ("openai", "anthropic")
    assert provider(model) == whose or (whose in ours and provider(model) in ours)


@pytest.mark.parametrize(
    ("args", "found", "named"),
    [
        ((), [], False),
        (("--model", "r1"), ["deepseek/deepseek-reasoner"], True),
        (("--mini",), ["gpt-4o-mini"], True),
        (("--4-t",), ["4-turbo"], True),
        (("--weak-model", "4o"), ["4o"], False),
        (("--alias", "a:b", "--alias", "b:c", "--model", "a"), ["b"], True),
        (("--deepseek", "--model", "4o"), ["4o"], True),
    ],
)
def test_the_models_of_a_start(
    machine: Machine, args: tuple[str, ...], found: list[str], named: bool
) -> None:
    """By option, shortcut and alias, which is looked up once."""
    assert used(machine, *args) == found
    assert names_a_model(read_start(args, machine.caller())) is named


def test_a_models_own_settings_name_others(machine: Machine) -> None:
    """Its weak and editor model, unless the person names one."""
    machine.put(SETTINGS, "- name: gpt-4o\n  weak_model_name: azure/x\n- name: azure/x\n")

    assert "azure/x, set by" in refused(machine, "--model", "gpt-4o")
    assert f"{SETTINGS.removeprefix('home/')} line 2" in refused(machine, "--model", "gpt-4o")
    assert refused(machine, "--model", "gpt-4o", "--weak", "gpt-4o-mini") == ""
    assert refused(machine, "--model", "gpt-4.1") == ""


@pytest.mark.parametrize("name", ["gpt-4o", "aider/extra_params"])
def test_an_address_in_a_models_settings_is_refused(machine: Machine, name: str) -> None:
    """LiteLLM gets it as it is, above every variable."""
    machine.put(
        "home/work/more.yml",
        f"- name: {name}\n  extra_params:\n    api_base: http://gw.example\n",
    )

    told = refused(machine, "--model", "gpt-4o", "--model-settings-file", "more.yml")

    assert told.endswith("more.yml line 3 sets api_base, past the meter")
    assert refused(machine, "--model", "gpt-4o") == ""


@pytest.mark.parametrize("text", ["- [", "name: x", "- x\n- name: 1\n", "- name: gpt-4o\n"])
def test_settings_that_are_none_are_passed_over(machine: Machine, text: str) -> None:
    """aider says itself what is wrong with them."""
    file: Path = machine.put(SETTINGS, text)

    assert file.exists()
    assert refused(machine, "--model", "gpt-4o") == ""
