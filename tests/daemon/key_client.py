"""A plain client of a virtual key: one request, then the commands named on its command line.

Prints a JSON list: the request's status, then what each command said on stderr.
"""

import http.client
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit


def ask(url: str) -> int:
    """One message to this base URL, else to the environment's; its status."""
    base = urlsplit(url or os.environ["ANTHROPIC_BASE_URL"])
    turn = {"role": "user", "content": "say hi"}
    body = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [turn]}
    key = os.environ.get("ANTHROPIC_API_KEY", "") if not url else ""
    headers = {"Content-Type": "application/json", **({"x-api-key": key} if key else {})}
    connection = http.client.HTTPConnection(str(base.hostname), base.port, timeout=60)
    connection.request("POST", f"{base.path}/v1/messages", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def tool(command: str) -> str:
    """A command run as an agent runs one; what it said on stderr."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    return done.stderr


if __name__ == "__main__":
    _, url, *commands = sys.argv
    print(json.dumps([ask(url), *map(tool, commands)]))
