"""Which team this device is in, as its server said when it let the device in."""

from dataclasses import dataclass, replace

from agentspend.core.scopes import Payer


@dataclass(frozen=True, slots=True)
class Membership:
    """Which team, by which server. `server_key` checks its word; `role` is ours in it."""

    url: str
    team: str
    device: str
    member: str
    role: str
    server_key: str
    pin: str = ""


def as_member(payer: Payer, membership: Membership) -> Payer:
    """The payer as the team knows it: its member and device are the server's word, not ours."""
    return replace(payer, member=membership.member, device=membership.device)
