"""Acts in the folder itself, where no server runs: the only way that loads all of the server."""

import getpass
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sync_server.acts.act import Caller, Moment
from sync_server.acts.table import ACTS
from sync_server.folder import Folder
from sync_server.open_folder import address_of, opened
from sync_server.roles import Role


@contextmanager
def doing(folder: Folder) -> Iterator[Callable[..., Mapping[str, Any]]]:
    """What does an act as the folder's owner, a lead, while the folder is open."""
    with opened(folder) as service:

        def do(act: str, **fields: object) -> Mapping[str, Any]:
            now_us = time.time_ns() // 1_000
            caller = Caller(getpass.getuser(), Role.LEAD)
            moment = Moment(caller, now_us, secrets.token_bytes(32), address_of(folder))
            plan = ACTS[act].plan(fields, moment)
            return service.do(ACTS[act], plan, now_us).answer

        yield do
