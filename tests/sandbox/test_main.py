"""The sandbox as a program."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from agentspend.sandbox.bill import Bill

from .conftest import KEY, body

PROGRAM = [sys.executable, "-m", "agentspend.sandbox"]


def test_it_says_its_port_serves_and_ends_on_a_signal(tmp_path: Path) -> None:
    """One line with the port, requests answered as told, a bill in the file, exit code 0."""
    path = tmp_path / "bill.jsonl"
    order = '{"output_tokens": 12}'
    command = [*PROGRAM, "--bill", str(path), "--behaviour", order, "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/messages", json.dumps(body()).encode(), KEY
        )
        with urllib.request.urlopen(request) as response:
            message = json.loads(response.read())
        assert message["usage"]["output_tokens"] == 12
        assert Bill.read(path).rows[0].usage.output_tokens == 12
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_wrong_behaviour_ends_it_with_a_message() -> None:
    """A misspelt option is not served."""
    command = [*PROGRAM, "--behaviour", '{"cut": 1}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cut: no such field" in done.stderr


def test_it_stands_alone() -> None:
    """It loads nothing of the rest of the project, which it is there to contradict."""
    code = (
        "import sys, agentspend.sandbox.server, agentspend.sandbox.model\n"
        "print([n for n in sys.modules if n.startswith('agentspend.')"
        " and not n.startswith('agentspend.sandbox')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
