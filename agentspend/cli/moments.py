"""This machine's clock and zone, for showing moments to people. Commands decide nothing by it."""

import time
from datetime import datetime

from agentspend.core.phrases import in_text


def now_us() -> int:
    """The wall clock in UTC microseconds."""
    return time.time_ns() // 1_000


def local(ts_us: int) -> datetime:
    """A UTC moment in this machine's zone."""
    return datetime.fromtimestamp(ts_us / 1_000_000).astimezone()


def clock_text(ts_us: int) -> str:
    """`2026-11-24 14:03:07`, in this machine's zone."""
    return f"{local(ts_us):%Y-%m-%d %H:%M:%S}"


def ago_text(ts_us: int) -> str:
    """How long ago a moment was, in words."""
    return in_text(max(0, (now_us() - ts_us) // 1_000_000))
