"""Reading the file there is, and the zone it means."""

import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agentspend.config import load
from agentspend.config.paths import Paths
from agentspend.config.schema import parse_config
from agentspend.core.errors import ConfigError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A home of its own."""
    return Paths.find({"AGENTSPEND_HOME": str(tmp_path)})


def test_no_file_means_the_defaults(paths: Paths) -> None:
    """A first start needs no file."""
    assert load.load(paths) == parse_config("")
    assert load.read_text(paths) == ""


def test_an_editors_byte_order_mark_does_no_harm(paths: Paths) -> None:
    """A file saved by an editor that marks UTF-8 is read like any other."""
    paths.config.write_bytes(b"\xef\xbb\xbf[daemon]\r\nport = 4200\r\n")
    assert load.load(paths).port == 4200


@pytest.mark.parametrize(("content", "line"), [(b"\xff\xfe", 1), (b"[daemon]\n# caf\xe9", 2)])
def test_a_file_that_is_not_utf8(paths: Paths, content: bytes, line: int) -> None:
    """Another encoding is named, with the file and the line, in words of people."""
    paths.config.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"config\.toml line {line} is not UTF-8$") as raised:
        load.load(paths)
    assert raised.value.hint == "write it as UTF-8"


def test_a_folder_in_its_place(paths: Paths) -> None:
    """What is no file cannot be read, and is said so."""
    paths.config.mkdir()
    with pytest.raises(ConfigError, match=r"config\.toml is a folder$"):
        load.load(paths)


def test_the_zone_of_the_file(paths: Paths) -> None:
    """Windows follow the configured zone."""
    paths.config.write_text('[daemon]\nzone = "Europe/Berlin"\n')
    assert load.load_with_zone(paths).zone == ZoneInfo("Europe/Berlin")


def test_the_zone_of_this_machine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one in the file it is this machine's."""
    monkeypatch.setattr("tzlocal.get_localzone", lambda: ZoneInfo("Asia/Kolkata"))
    assert load.load_with_zone(paths).zone == ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", " ", "/etc/passwd"])
def test_a_zone_there_is_none_of(paths: Paths, zone: str) -> None:
    """An unknown zone is told with file, line and key; a path is no zone either."""
    paths.config.write_text(f'[daemon]\nport = 1\nzone = "{zone}"\n')
    with pytest.raises(ConfigError) as raised:
        load.load_with_zone(paths)
    assert raised.value.message == (
        f"{paths.config} line 3: daemon.zone: {zone!r} is not a time zone"
    )
    assert "Europe/Berlin" in raised.value.hint


def test_adopted_settings_come_before_those_of_the_file(paths: Paths) -> None:
    """Prices that only stand in the file are not in force; before an adoption they are."""
    paths.config.write_text('[prices."anthropic/*"]\nmultiplier = "0.1"\n')
    loaded = load.load_with_zone(paths)
    assert load.adopted(loaded, None) is loaded
    assert load.adopted(loaded, loaded.settings) is loaded
    empty = load.adopted(loaded, '{"zone":"Europe/Berlin"}')
    assert empty == replace(loaded, config=loaded.config.with_settings("{}"))
    assert empty.config.overrides.rules == ()


def test_the_zone_is_adopted_like_a_price(paths: Paths) -> None:
    """A zone moves every calendar window, so its name is part of what a person agrees to."""
    paths.config.write_text('[daemon]\nzone = "Europe/Berlin"\n')
    berlin = load.load_with_zone(paths)
    assert json.loads(berlin.settings) == {"zone": "Europe/Berlin"}
    paths.config.write_text('[daemon]\nzone = "Asia/Tokyo"\n')
    assert load.load_with_zone(paths).settings != berlin.settings
