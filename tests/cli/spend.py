"""An agent of few words: sends the requests named on its command line, and says what came back.

Each word is JSON: the body's fields over a small default, "times" the prompt is said, and
"behaviour" for the sandbox.
"""

import http.client
import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

MODEL = "claude-haiku-4-5"


def send(order: dict[str, Any]) -> dict[str, Any]:
    """One request to the base URL of the environment; its status, id and answer."""
    behaviour = order.pop("behaviour", {"output_tokens": 100})
    turn = {"role": "user", "content": "say hi " * order.pop("times", 1)}
    body = {"model": MODEL, "max_tokens": 1_000, "messages": [turn], **order}
    base = urlsplit(os.environ["ANTHROPIC_BASE_URL"])
    headers = {
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": os.environ.get("ANTHROPIC_API_KEY", ""),
        "x-sandbox-behaviour": json.dumps(behaviour),
    }
    connection = http.client.HTTPConnection(str(base.hostname), base.port, timeout=60)
    connection.request("POST", f"{base.path}/v1/messages", json.dumps(body), headers)
    answer = connection.getresponse()
    said = json.loads(answer.read())
    return {"status": answer.status, "id": answer.getheader("request-id"), "said": said}


if __name__ == "__main__":
    for word in sys.argv[1:] or ["{}"]:
        print(json.dumps(send(json.loads(word))), flush=True)
