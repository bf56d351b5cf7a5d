"""LiteLLM's proxy as the incumbent: without a budget, and with one on the caller's key.

Both run without a database, which needs Prisma's engines. The budget comes from a custom
authentication with its common checks on, so that it reserves for every request as it does for a
key that lies in its database; `x-litellm-key-max-budget` and a 422 at a small budget say so.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.ways import Way, until_listening
from tests.support.ports import free_port
from tests.support.process import ROOT

PROGRAM = ROOT / ".cache/litellm/bin/litellm"
CONFIG = """
model_list:
  - model_name: claude-opus-5
    litellm_params:
      {{model: anthropic/claude-opus-5, api_base: "http://127.0.0.1:{upstream}", api_key: bench}}
general_settings: {{master_key: sk-bench{settings}}}
litellm_settings: {{telemetry: false}}
"""
BUDGETED = ", custom_auth: keys.of_request, custom_auth_run_common_checks: true"
KEYS = """
from litellm.proxy._types import UserAPIKeyAuth


async def of_request(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, max_budget=100_000.0, spend=0.0)
"""
NAMES = ("LiteLLM", "LiteLLM, a budget")
"""Its two ways: no budget, and one on the key."""


@contextmanager
def litellm(folder: Path, upstream: int, name: str) -> Iterator[Way | None]:
    """One of NAMES; None where `make bench-litellm` has not installed it."""
    if not PROGRAM.exists():
        yield None
        return
    folder.mkdir()
    settings = BUDGETED if name == NAMES[1] else ""
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(upstream=upstream, settings=settings))
    (folder / "keys.py").write_text(KEYS)
    port = free_port()
    env = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    words = [str(PROGRAM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, env=env, cwd=folder, stdout=log, stderr=log)
    try:
        until_listening(port, within_s=90)
        yield Way(name, port, headers={"x-api-key": "sk-bench"}, pid=process.pid, each=10)
    finally:
        process.terminate()
        process.wait()
