"""All acts by name: the admin API, its document and the commands are made from this table."""

from sync_server.acts import (
    caps,
    checking,
    clock,
    device_report,
    devices,
    invites,
    looking,
    members,
    reporting,
    requests,
    reserves,
    rules,
    teams,
    tokens,
)
from sync_server.acts.act import Act

ROOMS = (
    teams, caps, members, invites, devices, device_report, requests, reserves, rules, tokens,
    looking, reporting, checking, clock,
)  # fmt: skip
ACTS: dict[str, Act] = {act.name: act for room in ROOMS for act in room.ACTS}
