"""Figures for Prometheus, in its text format: seven series need no library."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

HELP = {
    "requests": "Requests of devices, by route and status",
    "acts": "Acts of people, by name",
    "pushes": "Pushes sent to devices, by event",
}


class Counts:
    """What happened since the server started."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def add(self, name: str, *labels: str) -> None:
        """One more."""
        self._seen[name, labels] += 1

    def text(self) -> str:
        """All counters."""
        keys = {"requests": ("route", "status"), "acts": ("act",), "pushes": ("event",)}
        lines = []
        for name, told in HELP.items():
            lines += _head(f"agentspend_server_{name}_total", told, "counter")
            for (found, labels), count in sorted(self._seen.items()):
                if found == name:
                    shown = _labels(zip(keys[name], labels, strict=True))
                    lines.append(f"agentspend_server_{name}_total{shown} {count}")
        return "\n".join(lines) + "\n"


def pools_text(caps: Iterable[Mapping[str, Any]], held: int) -> str:
    """What stands in each pool now, in dollars, and how many devices are connected."""
    lines = _head("agentspend_pool_usd", "Caps: limit, spent, out on devices, free", "gauge")
    for cap in caps:
        for part in ("cap", "spent", "out", "free"):
            shown = _labels([("pool", cap["pool"]), ("level", cap["level"]), ("part", part)])
            lines.append(f"agentspend_pool_usd{shown} {cap[f'{part}_nusd'] / 1e9:.9f}")
    lines += _head("agentspend_server_lines_held", "Devices connected for pushes", "gauge")
    lines.append(f"agentspend_server_lines_held {held}")
    return "\n".join(lines) + "\n"


def _head(name: str, told: str, kind: str) -> list[str]:
    return [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    shown = [f'{name}="{_escaped(value)}"' for name, value in pairs]
    return "{" + ",".join(shown) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
