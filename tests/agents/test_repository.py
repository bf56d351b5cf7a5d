"""Finding the files that hold where a session begins."""

import os
import subprocess
from typing import Any

import pytest

from agentspend.agents.base import Caller
from agentspend.agents.repository import MAX_BYTES, NAME, repository_here
from agentspend.core.errors import LaunchError
from tests.agents.conftest import Machine


def files(machine: Machine, folder: str = "") -> list[dict[str, str]]:
    """What is found from a folder of the working tree."""
    cwd = machine.work / folder
    cwd.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, str]] = repository_here(Caller({}, cwd, machine.home))["files"]
    return found


@pytest.fixture
def repository(machine: Machine) -> Machine:
    """A repository with a remote."""
    subprocess.run(["git", "init", "-q", machine.work], check=True)
    remote = "https://u:secret@github.com/acme/mono.git"
    subprocess.run(["git", "-C", machine.work, "remote", "add", "origin", remote], check=True)
    return machine


def test_every_folder_from_the_root_down_is_looked_at(repository: Machine) -> None:
    """The root's first; a folder without a file has an empty text, and one beside is not asked."""
    repository.put("home/work/.agentspend.toml", "root")
    repository.put("home/work/services/pay/.agentspend.toml", "\ufeffpay")
    repository.put("home/work/services/web/.agentspend.toml", "web")
    repository.put("home/.agentspend.toml", "outside")

    found = files(repository, "services/pay")

    assert [(each["source"], each["text"]) for each in found] == [
        (f"github.com/acme/mono/{NAME}", "root"),
        (f"github.com/acme/mono/services/{NAME}", ""),
        (f"github.com/acme/mono/services/pay/{NAME}", "pay"),
    ]
    assert found[0]["path"] == str(repository.work / NAME)
    assert "secret" not in str(found)


def test_what_a_person_calls_the_project_goes_along(repository: Machine) -> None:
    """Beside git's own name, which stays."""
    found = repository_here(repository.caller(), "spike")

    assert (found["project"], found["named"]) == ("github.com/acme/mono", "spike")


def test_outside_git_only_the_working_folder_counts(machine: Machine) -> None:
    """Nobody's file further up speaks for it."""
    machine.put("home/.agentspend.toml", "outside")
    machine.put("home/work/.agentspend.toml", "here")

    [found] = files(machine)

    assert found["text"] == "here"
    assert found["source"] == str(machine.work / NAME)
    assert repository_here(machine.caller())["project"] == ""


def put_large(machine: Machine) -> None:
    machine.put("home/work/.agentspend.toml", "#" * (MAX_BYTES + 1))


def put_folder(machine: Machine) -> None:
    (machine.work / NAME).mkdir()


def put_pipe(machine: Machine) -> None:
    os.mkfifo(machine.work / NAME)


def put_bytes(machine: Machine) -> None:
    (machine.work / NAME).write_bytes(b"\xff")


def put_loop(machine: Machine) -> None:
    (machine.work / NAME).symlink_to(NAME)


@pytest.mark.parametrize("put", [put_large, put_folder, put_pipe, put_bytes, put_loop])
def test_a_file_that_cannot_be_read_stops_the_run(machine: Machine, put: Any) -> None:
    """A limit that silently does not hold is worse; and nothing is waited for."""
    put(machine)

    with pytest.raises(LaunchError, match=NAME) as raised:
        files(machine)
    assert raised.value.hint
