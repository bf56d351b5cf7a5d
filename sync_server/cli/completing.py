"""What the shell completes besides commands and options: the names the server knows now.

Asked by the shell at a tab; where no server answers there is none to offer.
"""

from agentspend.core.errors import AgentspendError
from sync_server.cli.seat import ask


def teams(incomplete: str) -> list[str]:
    """Every team."""
    return _known(incomplete, "team.list", "teams", "team")


def members(incomplete: str) -> list[str]:
    """Every member."""
    return _known(incomplete, "member.list", "members", "member")


def devices(incomplete: str) -> list[str]:
    """Every device."""
    return _known(incomplete, "device.list", "devices", "device")


def pools(incomplete: str) -> list[str]:
    """Every cap."""
    return _known(incomplete, "cap.list", "caps", "pool")


def requests(incomplete: str) -> list[str]:
    """The questions for more that wait for a lead."""
    return _known(incomplete, "request.list", "requests", "request")


def tokens(incomplete: str) -> list[str]:
    """The tokens for other machines."""
    return _known(incomplete, "token.list", "tokens", "name")


def _known(incomplete: str, act: str, part: str, name: str) -> list[str]:
    """Those that begin so; none where nobody can be asked."""
    try:
        names = [str(each[name]) for each in ask(act)[part]]
    except (AgentspendError, OSError):
        return []
    return [each for each in names if each.startswith(incomplete)]
