"""Whatever stands in an agent's files, variables and arguments: a plan, or a reason why not.

Settings are made of the names the launchers look at, in any shape, and of plain rubbish.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspend.agents import AGENTS, ANY_COMMAND, launcher_for
from agentspend.agents.base import Auth, Caller, KeySource, ProviderFacts, SessionFacts
from agentspend.core.errors import LaunchError
from tests.agents.conftest import BASE_URL, TOKEN

EXAMPLES = int(os.environ.get("AGENTSPEND_FUZZ_EXAMPLES", "60"))
CANARY = "canary-of-a-real-key"
FILES = (
    ".claude.json", ".claude/settings.json", ".claude/.credentials.json",
    "work/.claude/settings.local.json", "managed/managed-settings.json",
    ".codex/config.toml", ".codex/auth.json", "managed/managed_config.toml",
    ".gemini/settings.json", "work/.gemini/settings.json", "managed/settings.json", ".gemini/.env",
    ".config/opencode/opencode.json", "work/opencode.jsonc", "managed/opencode.json",
    ".local/share/opencode/auth.json",
    ".aider.conf.yml", "work/.aider.conf.yml", "work/.aider.model.settings.yml", "work/.env",
    ".env",
)  # fmt: skip
NAMES = (
    "env", "apiKeyHelper", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "no_proxy",
    "claudeAiOauth", "accessToken", "CLAUDE_CODE_USE_BEDROCK",
    "model_provider", "model_providers", "agentspend", "openai_base_url", "tokens", "access_token",
    "OPENAI_API_KEY", "cli_auth_credentials_store",
    "security", "auth", "selectedType", "enforcedType", "tools", "sandbox", "enabled", "command",
    "GEMINI_SANDBOX", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY",
    "provider", "anthropic", "openai", "google", "options", "baseURL", "apiKey", "type",
    "enabled_providers", "model", "small_model", "agent",
    "set-env", "api-key", "alias", "openai-api-base", "openai-api-b", "env-file", "weak-model",
    "model-settings-file", "config", "read", "name", "extra_params", "api_base", "encoding",
)  # fmt: skip
TEXTS = (
    "", "true", "x", "http://[x", "http://gw.example/v1", f"https://u:{CANARY}@gw.example", CANARY,
    "openai", "anthropic/claude", "azure/x", "gpt-4o", "sonnet", "gemini-api-key", "oauth-personal",
    "OPENAI_API_BASE=http://gw.example", f"openai={CANARY}", "fast:azure/x", "oauth", BASE_URL,
    "docker", "utf-16", "own.env", "\0", "é", "'", '"', "${HOME}",
)  # fmt: skip
OPTIONS = (
    "-s", "-ys", "--sandbox=docker", "--no-sandbox", "-p", "--settings", "--setting-sources", "--",
    "-c", "-m", "--model", "--profile", "exec", "resume", "attach", "--bg", "--oss", "--remote",
    "--model=azure/x", "--deepseek", "--set-e", "--env-f", "--alias", "--openai-api-b=x", "-4",
    "--attach=x", "--weak-model", "--config", "--encoding", "--no-git", "--api-key", "--mini",
)  # fmt: skip

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=False),
    st.sampled_from(TEXTS),
    st.text(max_size=5),
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
trees = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
rubbish = st.one_of(st.text(max_size=40), st.sampled_from(["{", "[1]", "a: [", "=", "\ufeff{}"]))
lines = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["=", ": "]), st.sampled_from(TEXTS)),
    max_size=4,
).map(lambda rows: "".join(f"{name}{mark}{text}\n" for name, mark, text in rows))
contents = st.one_of(trees.map(json.dumps), trees.map(json.dumps), lines, rubbish)
words = st.lists(
    st.one_of(st.sampled_from(OPTIONS), st.sampled_from(TEXTS), st.text(max_size=4)), max_size=5
)
variables = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.sampled_from(["AIDER_MODEL", "AIDER_SET_ENV"])),
    st.sampled_from([text for text in TEXTS if "\0" not in text]),
    max_size=3,
)


def machine(root: Path, files: dict[str, str], env: dict[str, str]) -> Caller:
    """A home with these files, where the agent is installed."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    (root / "work").mkdir(exist_ok=True)
    (root / "bin").mkdir()
    for agent in (*AGENTS, "x"):
        (root / "bin" / agent).write_text("#!/bin/sh\n")
        (root / "bin" / agent).chmod(0o755)
    known = {**env, "PATH": str(root / "bin")}
    return Caller(known, root / "work", root, managed_dir=root / "managed")


@pytest.mark.parametrize("agent", [*AGENTS, ANY_COMMAND])
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(
    files=st.dictionaries(st.sampled_from(FILES), contents, max_size=4),
    args=words,
    env=variables,
    key=st.sampled_from(KeySource),
    auth=st.sampled_from(Auth),
)
def test_a_plan_or_a_reason(
    agent: str,
    files: dict[str, str],
    args: list[str],
    env: dict[str, str],
    key: KeySource,
    auth: Auth,
) -> None:
    """Nothing else comes out, and no key and no token is said or shown."""
    with tempfile.TemporaryDirectory() as folder:
        caller = machine(Path(folder), files, env)
        each = dict.fromkeys(("anthropic", "openai", "google"), ProviderFacts(key, auth))
        facts = SessionFacts(BASE_URL, TOKEN, Path(folder) / "scratch", each)
        given_words = ["x", *args] if agent == ANY_COMMAND else args
        try:
            plan = launcher_for(agent).plan(given_words, facts, caller)
        except LaunchError as error:
            said = error.message + error.hint
        else:
            said = " ".join([*plan.notes, *plan.warnings])
            assert TOKEN not in "".join(plan.argv) or BASE_URL in args
            assert all(isinstance(item, str) for item in plan.env_set.values())
        assert CANARY not in said or CANARY in str([args, env])
