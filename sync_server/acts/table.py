"""All acts by name: the admin API, its document and the commands are made from this table."""

from sync_server.acts import (
    caps,
    checking,
    devices,
    invites,
    looking,
    members,
    requests,
    rules,
    teams,
    tokens,
)
from sync_server.acts.act import Act

ACTS: dict[str, Act] = {
    act.name: act
    for room in (teams, caps, members, invites, devices, requests, rules, tokens, looking, checking)
    for act in room.ACTS
}
