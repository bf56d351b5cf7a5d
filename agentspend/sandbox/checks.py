"""Errors as values, and what every dialect checks of a request in the same way.

What a vendor refuses is checked in its room. Nothing refused is billed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ApiError:
    """An answer that is an error; never billed. `type` is the vendor's own word (Gemini's
    `status`); `code` and `param` are OpenAI's."""

    status: int
    type: str
    message: str
    retry_after_s: float | None = None
    code: str | None = None
    param: str | None = None


def is_count(value: object) -> bool:
    """True for a JSON integer (a boolean is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def dig(value: object, *names: str) -> Any:
    """The value under these names, one within the other; None where there is none."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def has_bearer(headers: Mapping[str, str]) -> bool:
    """True when the request has an `Authorization: Bearer` of some token."""
    words = headers.get("Authorization", headers.get("authorization", "")).split()
    return len(words) == 2 and words[0].lower() == "bearer"
