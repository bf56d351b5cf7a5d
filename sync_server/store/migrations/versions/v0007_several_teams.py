"""A member may belong to several teams, and a charge is for one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns and the table; so far everybody is in one team."""
    op.add_column("member", sa.Column("further", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("spending", sa.Column("team", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "membership",
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name="fk_membership_member"),
        sa.ForeignKeyConstraint(["team"], ["team.id"], name="fk_membership_team"),
        sa.PrimaryKeyConstraint("member", "team", name="pk_membership"),
    )
    op.create_index("ix_membership_team", "membership", ["team"])
    op.execute(
        sa.text("INSERT INTO membership (member, team, active) SELECT id, team, true FROM member")
    )
