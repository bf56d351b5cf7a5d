"""Canaries: keys, logins, prompts and a token in a git remote, and no file of ours holds any."""

import json
import shutil
import sys
from pathlib import Path

from tests.e2e.world import KEY, World

PROMPT = "canary-of-a-prompt"
ANSWER = "canary-of-an-answer"
OAUTH = "sk-ant-oat01-canary-of-a-login"
REMOTE = "canary-of-a-git-token"
STORED = "sk-ant-api03-canary-of-a-stored-key"
HEADER = "canary-of-a-header"
CANARIES = (KEY, PROMPT, ANSWER, OAUTH, REMOTE, STORED, HEADER, "canary")

PROGRAM = """
import http.client, json, os, sys
from contextlib import suppress
from urllib.parse import urlsplit
base = urlsplit(os.environ["ANTHROPIC_BASE_URL"])
words = {"role": "user", "content": "canary-of-a-prompt"}
good = {"model": "claude-opus-5-5", "max_tokens": 100, "stream": True, "messages": [words]}
bad = [
    {**good, "model": "canary-of-a-prompt"},
    {**good, "max_tokens": "canary-of-a-prompt"},
    {**good, "service_tier": "canary-of-a-prompt"},
    {**good, "canary-of-a-prompt_tokens": 1},
]
auth = {"x-api-key": os.environ["ANTHROPIC_API_KEY"]}
oauth = {"authorization": "Bearer sk-ant-oat01-canary-of-a-login"}

def post(body, path="/v1/messages", **headers):
    sent = {"content-type": "application/json", "x-note": "canary-of-a-header", **headers}
    link = http.client.HTTPConnection(base.hostname, base.port)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    link.request("POST", base.path + path, raw, sent)
    answer = link.getresponse()
    with suppress(http.client.IncompleteRead):
        answer.read()
    link.close()
    return answer.status

seen = [post(good, **auth), post(good, **oauth)]
seen += [post(body, **auth) for body in bad]
seen += [post(b'{"canary-of-a-prompt', **auth), post(good, "/v1/canary-of-a-prompt", **auth)]
seen += [post(good, "/v1/messages?canary-of-a-prompt", **auth)]
print(json.dumps(seen))
"""


def test_no_secret_and_no_prompt_is_found_in_any_file_of_ours(world: World) -> None:
    """After good requests, errors, a killed daemon and a restart: not in the database's pages,
    its write-ahead log, the log, or anything else under the home."""
    say = [{"type": "text", "text": ANSWER}]
    answers = [{"answer": say}, {"answer": say}, {"status": 500, "error_message": ANSWER}]
    cut = {"answer": say, "cut_after_events": 4}
    world.sandbox.direct({"default": {"answer": say}, "queue": [*answers, cut]})
    world.write(
        "work/.git/config",
        f'[remote "origin"]\n\turl = https://x:{REMOTE}@git.example/acme/shop.git?a={REMOTE}\n',
    )
    program = str(world.write("program.py", PROGRAM))
    words = ("--tag", "ticket=1", "--", sys.executable, program)

    first = world.run(*words)
    world.home.kill()
    second = world.run(*words)
    while_running = _copy(world)
    assert world.home.run("daemon", "stop").returncode == 0

    for done in (first, second):
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[:2] == [200, 200], done.stdout
        assert not _canaries(done.stderr.encode()), done.stderr
    for folder in (while_running, world.home.home):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {"ledger.db", "daemon.log"} <= {path.name for path in files}
        found = {path.name: _canaries(path.read_bytes()) for path in files}
        assert not {name: what for name, what in found.items() if what}
    assert len(world.settled()) >= 4


def _copy(world: World) -> Path:
    """The files as they lie while the daemon runs, with the write-ahead log."""
    kept = world.home.folder / "while-running"
    ignore = shutil.ignore_patterns("*.sock")
    shutil.copytree(world.home.home, kept, ignore=ignore)
    assert (kept / "ledger.db-wal").stat().st_size
    return kept


def _canaries(content: bytes) -> list[str]:
    return [canary for canary in CANARIES if canary.encode() in content]
