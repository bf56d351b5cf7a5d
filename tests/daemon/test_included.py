"""A subscription's windows in the real daemon: shown, watched, stopped, and over a restart."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.helpers import DAILY, Way, session
from tests.daemon.test_watch import until_event, watch
from tests.support.process import Home, SandboxProcess

STOPS = f"{DAILY}[providers.anthropic]\nstop_at_included = true\nincluded_margin_percent = 5\n"
BODY = b'{"model":"claude-opus-5","max_tokens":200,"messages":[{"role":"user","content":"say hi"}]}'


@pytest.fixture
def home(tmp_path: Path, provider: SandboxProcess) -> Iterator[Home]:
    """A subscriber who never wants to pay more; the five hours are at 96 %."""
    words = {"5h-utilization": "0.96", "5h-status": "allowed", "5h-reset": int(time.time()) + 7_200}
    headers = {f"anthropic-ratelimit-unified-{name}": str(value) for name, value in words.items()}
    provider.direct({"default": {"headers": headers}})
    with Home(tmp_path, provider.url, "") as made:
        config = made.config.read_text().partition("[providers.anthropic]")
        made.config.write_text(f"{config[0]}{STOPS}{config[2]}")
        yield made


def ask(way: Way) -> int:
    """A request of a Claude login; its status."""
    headers = {
        "content-type": "application/json", "authorization": "Bearer sk-ant-oat01-canary",
        "user-agent": "claude-cli/2.1.332 (external, cli)",
    }  # fmt: skip
    request = urllib.request.Request(f"{way.url}/v1/messages", BODY, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_is_shown_watched_and_stopped(home: Home) -> None:
    """One request says where the login stands; the next is refused, also after a restart."""
    home.run("daemon", "start")
    with watch(home) as line, session(home) as way:
        until_event(line, "snapshot")
        assert ask(way) == 200
        heard = until_event(line, "included")[-1]
        assert (heard["provider"], heard["name"], heard["used_bp"]) == ("anthropic", "5h", 9_600)
        assert ask(way) == 402
    (window,) = home.json("status")["windows"]
    assert (window["name"], window["used_percent"], window["status"]) == ("5h", 96, "open")
    assert "5-hour window  96 % used" in home.run("status").stdout

    home.run("daemon", "stop")
    assert home.json("status")["windows"] == [window]
    home.run("daemon", "start")
    with session(home) as way:
        assert ask(way) == 402


def test_it_is_turned_off_as_the_refusal_says(home: Home) -> None:
    """In the file; and as with everything that may cost more, a person confirms."""
    home.run("daemon", "start")
    with session(home) as way:
        assert [ask(way), ask(way)] == [200, 402]
        text = home.config.read_text()
        home.config.write_text(text.replace("stop_at_included = true", "stop_at_included = false"))
        assert home.run("budget", "confirm", "--yes").returncode != 0  # from inside a session
        assert ask(way) == 402
    assert home.run("budget", "confirm", "--yes").returncode == 0
    with session(home) as way:
        assert ask(way) == 200
