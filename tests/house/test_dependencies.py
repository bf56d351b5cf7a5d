"""Every dependency earns its place: one line each in docs/dependencies.md, and none without."""

import re
import tomllib
from typing import Any

from tests.house.sources import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCUMENT = (ROOT / "docs" / "dependencies.md").read_text("utf-8")


def names(requirements: list[str]) -> set[str]:
    """The packages of a list of requirements."""
    return {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in requirements}


def listed(text: str) -> set[str]:
    """The packages in the first column of a Markdown table."""
    rows = re.findall(r"^\| ([a-z0-9_.,\- ]+?) \|", text, re.MULTILINE)
    return {name for row in rows for name in row.split(", ")} - {"package"}


def test_what_users_install_is_documented() -> None:
    """The first table lists exactly what the wheel depends on, extras included."""
    project = PROJECT["project"]
    extras = [item for group in project.get("optional-dependencies", {}).values() for item in group]
    assert listed(DOCUMENT.partition("For development only")[0]) == names(
        [*project["dependencies"], *extras]
    )


def test_what_contributors_install_is_documented() -> None:
    """The second table lists exactly the development group."""
    group = [item for item in PROJECT["dependency-groups"]["dev"] if isinstance(item, str)]
    assert listed(DOCUMENT.partition("For development only")[2]) == names(group)
