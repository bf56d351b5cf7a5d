"""A ledger says which one it took over from; of those that are there nobody noted it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("parent", sa.String(length=64), nullable=False, server_default="")
    op.add_column("incarnation", column)
