"""Which models aider would use, and by which provider: its names, aliases and model settings.

Measured with 0.86.2 (LiteLLM 1.81.10, 2026-11-25): an alias of the person's own replaces one of
aider's; a name without a provider goes where LiteLLM files it (`claude-x@date` to Vertex AI);
`extra_params` in a model's settings are handed to LiteLLM as they are, an `api_base` with them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agentspend.agents.aider_files import Start
from agentspend.agents.aider_options import MODEL_FLAGS, Setting
from agentspend.agents.places import place, read_text

SETTINGS = ".aider.model.settings.yml"
REDIRECTS = ("api_base", "base_url", "custom_llm_provider", "fallbacks", "model")
PREFIXES = {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}
_ALIASES = {
    "deepseek": "deepseek/deepseek-chat",
    "flash": "gemini/gemini-flash-latest",
    "flash-lite": "gemini/gemini-2.5-flash-lite",
    "gemini": "gemini/gemini-3-pro-preview",
    "gemini-2.5-pro": "gemini/gemini-2.5-pro",
    "gemini-3-pro-preview": "gemini/gemini-3-pro-preview",
    "gemini-exp": "gemini/gemini-2.5-pro-exp-03-25",
    "grok3": "xai/grok-3-beta",
    "optimus": "openrouter/openrouter/optimus-alpha",
    "quasar": "openrouter/openrouter/quasar-alpha",
    "r1": "deepseek/deepseek-reasoner",
}
"""aider's own names that need a provider to be told; the others are Claude and GPT."""
_OURS = re.compile(
    r"sonnet|haiku|opus|3|4|4o|4-turbo|35-?turbo|claude[^@/]*|(gpt|chatgpt|o\d|codex)[^/]*",
    re.IGNORECASE,
)
_FLAGS = tuple(names.split(",")[0].removeprefix("--") for names in MODEL_FLAGS)
_OF_FLAGS = {"mini": "gpt-4o-mini"}
_USES = ("model", "weak-model", "editor-model")


def names_a_model(start: Start) -> bool:
    """Whether the main model is named; aider else chooses one by the keys it finds."""
    return any(start.options.get(name) for name in ("model", *_FLAGS))


def models(start: Start) -> list[Setting]:
    """Every model that a start names, as LiteLLM gets it, and where it was chosen."""
    options = start.options
    chosen = [item for name in _USES for item in options.chosen.get(name, ()) if item.value]
    if not options.value("model"):
        flags = [item for name in _FLAGS for item in options.chosen.get(name, ())]
        chosen += [Setting(each.name, _OF_FLAGS.get(each.name, each.name), each.place)
                   for each in flags[:1]]  # fmt: skip
    known = dict(_ALIASES)
    for item in options.chosen.get("alias", ()):
        alias, _, model = item.value.partition(":")
        known[alias.strip()] = model.strip()
    found = [Setting(item.name, known.get(item.value, item.value), item.place) for item in chosen]
    for path, name, content in _settings(start):
        if name in {item.value for item in found}:
            text = read_text(path)
            free = [use for use in ("weak", "editor") if not options.value(f"{use}-model")]
            named = [content.get(f"{use}_model_name") for use in free]
            found += [Setting("model", known.get(each, each), place(path, text, each))
                      for each in named if isinstance(each, str)]  # fmt: skip
    return found


def provider(model: str) -> str:
    """Whose a model is: one of `PREFIXES`, another prefix, or "" where LiteLLM would decide."""
    prefix, slash, _ = model.partition("/")
    if slash:
        return prefix
    return "openai" if _OURS.fullmatch(model) else ""


def redirects(start: Start, used: Sequence[Setting]) -> Iterator[Setting]:
    """What the settings of the models in use would hand to LiteLLM that leads elsewhere."""
    names = {"aider/extra_params", *(item.value for item in used)}
    for path, name, content in _settings(start):
        given = content.get("extra_params")
        if name in names and isinstance(given, dict):
            text = read_text(path)
            yield from (
                Setting(each, "", place(path, text, each)) for each in REDIRECTS if given.get(each)
            )


def _settings(start: Start) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each model's settings in each file that counts: path, model, content."""
    paths = [folder / SETTINGS for folder in start.folders]
    named = start.options.value("model-settings-file")
    paths += [start.folders[-1] / named] if named else []
    for path in dict.fromkeys(paths):
        for content in _yaml_list(path):
            if isinstance(content, dict) and isinstance(content.get("name"), str):
                yield path, content["name"], content


def _yaml_list(path: Path) -> list[Any]:
    import yaml

    try:
        found = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    return found if isinstance(found, list) else []
