"""Marks of the simulation."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Say what `-m real_time` picks."""
    config.addinivalue_line("markers", "real_time: runs on the real clock, for some seconds")
