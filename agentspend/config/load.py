"""Reading config.toml and the zone it means."""

import json
from dataclasses import dataclass, replace
from datetime import tzinfo

from agentspend.config.lines import line_of
from agentspend.config.paths import Paths
from agentspend.config.schema import Config, parse_config
from agentspend.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration as read: its values, and the zone of its calendar windows."""

    config: Config
    zone: tzinfo

    @property
    def settings(self) -> str:
        """What is adopted besides budgets, as JSON: the money's sections, and the zone's name."""
        kept = {**json.loads(self.config.settings), "zone": getattr(self.zone, "key", "")}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def load(paths: Paths) -> Config:
    """The configuration as the file says it now; a missing file means the defaults."""
    return parse_config(read_text(paths), str(paths.config))


def load_with_zone(paths: Paths) -> Loaded:
    """The configuration with its zone."""
    text = read_text(paths)
    config = parse_config(text, str(paths.config))
    line = line_of(text, ("daemon", "zone"))
    return Loaded(config, zone_of(config, f"{paths.config} line {line}: daemon.zone"))


def read_text(paths: Paths) -> str:
    """The file's text, "" when there is none."""
    try:
        return paths.config.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{paths.config} line {line} is not UTF-8", "write it as UTF-8"
        ) from error
    except IsADirectoryError as error:
        raise ConfigError(f"{paths.config} is a folder", f"ls -l {paths.config}") from error
    except OSError as error:
        raise ConfigError(
            f"{paths.config} cannot be read: {error.strerror}", "make it readable"
        ) from error


def zone_of(config: Config, place: str = "daemon.zone") -> tzinfo:
    """The zone of calendar windows: the configured one, else this machine's.

    `place` is where the configuration names it, for the error.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if config.zone:
        try:
            return ZoneInfo(config.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"{place}: {config.zone!r} is not a time zone",
                'write it like zone = "Europe/Berlin"',
            ) from error
    import tzlocal

    return tzlocal.get_localzone()


def adopted(loaded: Loaded, settings: str | None) -> Loaded:
    """The configuration with the settings that were adopted, not those that only stand there."""
    if settings is None or settings == loaded.settings:
        return loaded
    kept = json.loads(settings)
    kept.pop("zone", "")
    return replace(loaded, config=loaded.config.with_settings(json.dumps(kept)))
