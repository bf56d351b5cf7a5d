"""What config.toml means, and what is said of one that means nothing: file, line, key, way out."""

import json
from pathlib import Path

import pytest

from agentspend.config.schema import Config, parse_config
from agentspend.config.shape import DEFAULT_PORT
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError, ConfigError
from agentspend.core.price_overrides import read_overrides
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

HERE = Path(__file__).parent
INVALID = sorted((HERE / "invalid").glob("*.toml"))
LONGEST_HINT = 110
MESSAGES = HERE / "invalid" / "messages.txt"
NUSD = 10**9


def valid(name: str) -> Config:
    """The configuration of one of the valid files."""
    return parse_config((HERE / "valid" / f"{name}.toml").read_text("utf-8-sig"))


def said(path: Path) -> str:
    """What is said of a file that cannot be used, as `messages.txt` keeps it.

    Of a hint that lists every price there is, the beginning is enough.
    """
    try:
        parse_config(path.read_text("utf-8"))
    except ConfigError as error:
        hint = error.hint if len(error.hint) <= LONGEST_HINT else f"{error.hint[:20]}…"
        return f"{path.stem}\n  {error.message}\n  → {hint}\n"
    return f"{path.stem}\n  accepted\n"


@pytest.mark.parametrize("name", ["empty", "only-comments"])
def test_nothing_said_means_the_defaults(name: str) -> None:
    """A file without settings is metering only, with the documented defaults."""
    found = valid(name)
    assert (found.port, found.zone, found.budgets, found.settings) == (DEFAULT_PORT, "", (), "{}")
    assert found.anthropic.base_url == "https://api.anthropic.com"
    assert (found.admission.comfort_tokens, found.admission.floor_tokens) == (16_384, 4_096)
    assert found.admission.wait_s == 20


def test_every_setting_is_read() -> None:
    """Each setting of a file that moves all of them comes out as the file says."""
    found = valid("everything")
    assert (found.port, found.zone) == (4999, "Europe/Berlin")
    assert (found.listen, found.hosts) == ("172.17.0.1", ("host.docker.internal", "[fd00::1]"))
    assert found.anthropic.base_url == "https://gateway.corp:8443/anthropic"
    assert (found.anthropic.auth, found.anthropic.on_disconnect) == ("key", "drain")
    assert (found.anthropic.stop_at_included, found.anthropic.included_margin_percent) == (True, 5)
    openai = found.providers["openai"]
    assert openai.login_base_url == "https://chatgpt.corp/codex"
    assert (openai.stop_at_included, openai.included_margin_percent) == (False, 2)
    assert found.budgets == (
        Budget("laptop", 25 * NUSD, Window.parse("day"), Scope()),
        Budget(
            "opus-5h", 1, Window.parse("5h"),
            Scope.of({"agent": "claude", "model": "claude-opus-*"}),
            Mode.WARN, BoundKind.WARM, Counts.ALL, (50, 90),
        ),
    )  # fmt: skip
    admission, network = found.admission, found.network
    assert (admission.comfort_tokens, admission.floor_tokens) == (20_000, 8_000)
    assert admission.wait_s == 0
    assert (network.proxy, network.ca_file) == ("http://proxy.corp:3128", "/etc/ssl/corp.pem")
    assert network.no_proxy == ("localhost", ".corp")
    assert found.overrides.unknown.allowed
    assert len(found.overrides.rules) == 2
    assert found.price_table == "fb80321c17f2b3d3" * 4


def test_other_spellings_of_toml() -> None:
    """Dotted keys, inline tables and lists, a dollar sign and blanks say the same things."""
    found = valid("other-spellings")
    assert [(each.name, each.limit_nusd, each.window.text()) for each in found.budgets] == [
        ("a", 5 * NUSD, "rolling 30m"),
        ("b", 1_000 * NUSD, "week"),
    ]
    assert (found.port, found.anthropic.base_url) == (0, "http://127.0.0.1:4141")
    assert found.overrides.rules[0].pattern == "claude-next"


def test_every_invalid_file_is_told_apart() -> None:
    """Each invalid file gets its message and its way out, word for word."""
    assert "".join(said(path) for path in INVALID) == MESSAGES.read_text("utf-8")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_error_names_the_line(path: Path) -> None:
    """Every error names the file and a line that is in it, ends in a way out, and shows no key."""
    with pytest.raises(ConfigError) as raised:
        parse_config(path.read_text("utf-8"), "/home/ana/config.toml")
    message, hint = raised.value.message, raised.value.hint
    assert message.startswith("/home/ana/config.toml")
    line = int(message.split("line ", 1)[1].split(":")[0].split(",")[0])
    assert 1 <= line <= len(path.read_text("utf-8").splitlines())
    assert hint
    assert "config show" not in hint, "it would fail on the same file"
    assert "canary" not in message + hint
    assert "secret@" not in message


def test_ourselves_are_no_provider_only_while_the_port_is_ours() -> None:
    """The daemon's own address is refused as upstream; the same port elsewhere is another host."""
    other = 'base_url = "https://gateway.corp:4141"'
    assert parse_config(f"[providers.anthropic]\n{other}").anthropic.base_url.endswith(":4141")
    for host in ("127.0.0.1", "localhost", "[::1]"):
        url = f'[providers.anthropic]\nbase_url = "http://{host}:4141/"'
        with pytest.raises(ConfigError, match="go round in circles"):
            parse_config(url)
        assert parse_config(f"[daemon]\nport = 0\n{url}").port == 0


def test_settings_are_what_decides_the_price_and_the_way() -> None:
    """What is adopted is one JSON text of the money's sections, whatever else the file says."""
    text = '[daemon]\nport = 1\n[providers.anthropic]\nauth = "key"\n'
    price = '[prices."anthropic/*"]\nmultiplier = "0.8"\n'
    first, second = parse_config(text + price), parse_config(price + text.replace("1", "2"))
    assert first.settings == second.settings
    assert json.loads(first.settings) == {
        "prices": {"anthropic/*": {"multiplier": "0.8"}},
        "providers": {"anthropic": {"auth": "key"}},
    }
    assert parse_config(text).settings != first.settings


def test_adopted_settings_replace_those_of_the_file() -> None:
    """The file may say cheaper prices: those that were adopted count, the rest is the file's."""
    file = parse_config('[daemon]\nport = 7\n[prices."anthropic/*"]\nmultiplier = "0.1"\n')
    found = file.with_settings('{"prices":{"anthropic/*":{"multiplier":"0.9"}}}')
    assert found.port == 7
    assert found.overrides.rules == read_overrides({"anthropic/*": {"multiplier": "0.9"}}).rules
    assert file.with_settings("{}").overrides.rules == ()
    assert file.with_settings(file.settings) == file


def test_adopted_settings_that_no_longer_read() -> None:
    """Settings an older version adopted and this one does not know name where they come from."""
    with pytest.raises(AgentspendError, match=r"^the adopted settings: providers\.anthropic\.old"):
        parse_config("").with_settings('{"providers":{"anthropic":{"old":1}}}')
