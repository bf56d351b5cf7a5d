"""Reading config.toml and the zone it means."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo

from agentspend.config.paths import Paths
from agentspend.config.schema import Config, parse_config
from agentspend.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration as read: its values, and the zone of its calendar windows."""

    config: Config
    zone: tzinfo


def load(paths: Paths) -> Config:
    """The configuration as the file says it now; a missing file means the defaults."""
    return parse_config(read_text(paths), str(paths.config))


def load_with_zone(paths: Paths) -> Loaded:
    """The configuration with its zone."""
    config = load(paths)
    return Loaded(config, zone_of(config))


def read_text(paths: Paths) -> str:
    """The file's text, "" when there is none."""
    try:
        return paths.config.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{paths.config} cannot be read: {error}", "make it readable") from error


def zone_of(config: Config, local: Callable[[], tzinfo] | None = None) -> tzinfo:
    """The zone of calendar windows: the configured one, else this machine's."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if config.zone:
        try:
            return ZoneInfo(config.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(
                f"daemon.zone: {config.zone!r} is not a time zone",
                'write it like zone = "Europe/Berlin"',
            ) from error
    if local is not None:
        return local()
    import tzlocal

    return tzlocal.get_localzone()


def adopted(loaded: Loaded, settings: str | None) -> Loaded:
    """The configuration with the settings that were adopted, not those that only stand there."""
    if settings is None or settings == loaded.config.settings:
        return loaded
    return replace(loaded, config=loaded.config.with_settings(settings))
