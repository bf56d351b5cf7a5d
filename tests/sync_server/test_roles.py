"""Who may do what: each role what those before it may."""

from sync_server.roles import SPENDS, Role


def test_each_role_may_what_those_before_it_may() -> None:
    """And nothing of those after it; a viewer spends nothing."""
    reach = {role: [least for least in Role if role.may(least)] for role in Role}
    assert reach == {
        Role.VIEWER: [Role.VIEWER],
        Role.MEMBER: [Role.VIEWER, Role.MEMBER],
        Role.LEAD: [Role.VIEWER, Role.MEMBER, Role.LEAD],
    }
    assert [role.may(SPENDS) for role in Role] == [False, True, True]
