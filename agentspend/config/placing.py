"""Errors in a configuration file that say where: `config.toml line 7: budgets[0].limit …`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from agentspend.config.lines import Key, line_of
from agentspend.core.errors import AgentspendError, ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Placing:
    """One file's text and the name people know it by; an empty text has no lines to name."""

    text: str
    name: str

    def at(self, keys: tuple[Key, ...], work: Callable[[], T]) -> T:
        """Run a check; its error gets the place in the file."""
        try:
            return work()
        except ConfigError:
            raise
        except AgentspendError as error:
            place = self.place(keys) if keys else self._line_named_in(error.message)
            raise ConfigError(f"{place}: {error.message}", error.hint) from error

    def error(self, keys: tuple[Key, ...], what: str, hint: str) -> ConfigError:
        """An error about the value at these keys."""
        return ConfigError(f"{self.place(keys)} {what}", hint)

    def place(self, keys: tuple[Key, ...]) -> str:
        """`config.toml line 7: budgets[0].limit`."""
        dotted = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
        line = line_of(self.text, keys) if self.text and keys else None
        where = f"{self.name} line {line}" if line else self.name
        return f"{where}: {dotted.removeprefix('.')}" if dotted else where

    def _line_named_in(self, message: str) -> str:
        """The place of a key that an error names itself, as `core.price_overrides` does."""
        keys = [
            key.strip('"')
            for key in re.findall(r'"[^"]*"|[a-z_0-9]+', message.split(" ", maxsplit=1)[0])
        ]
        line = line_of(self.text, keys)
        return f"{self.name} line {line}" if line else self.name
