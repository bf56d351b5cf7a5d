"""An agent for tests: asks, tells the test, and asks again when told. `python agent.py FOLDER`.

It writes `one` after its first answer, waits for `go`, then asks until it is answered and writes
`two`. What it heard in between goes into `heard`, its environment into `environ`.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

BODY = {
    "model": "claude-opus-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "say hi"}],
}


def ask() -> int:
    """One request as the environment says; 0 when nobody listens."""
    request = urllib.request.Request(
        f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages",
        json.dumps(BODY).encode(),
        {"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main(folder: Path) -> None:
    """Ask, wait, ask again."""
    (folder / "environ").write_bytes(Path("/proc/self/environ").read_bytes())
    (folder / "parent").write_text(str(os.getppid()))
    (folder / "one").write_text(str(ask()))
    while not (folder / "go").exists():
        time.sleep(0.01)
    heard: list[int] = []
    while not heard or heard[-1] != 200:
        heard.append(ask())
        time.sleep(0.01)
    (folder / "heard").write_text(json.dumps(sorted(set(heard))))
    (folder / "two").write_text(str(heard[-1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
