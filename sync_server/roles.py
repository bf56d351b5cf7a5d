"""Who may do what on the server: three roles, each with what those before it may.

Pure and light: the commands offer them before anything of the server is loaded.
"""

from enum import StrEnum


class Role(StrEnum):
    """Who may do what; each may do what those before may."""

    VIEWER = "viewer"
    MEMBER = "member"
    LEAD = "lead"

    def may(self, least: "Role") -> bool:
        """Whether this role is enough."""
        order = list(Role)
        return order.index(self) >= order.index(least)


SPENDS = Role.MEMBER
"""The least role whose devices get allowance."""
