"""How much of its share of the disk each device has used; everybody begins with all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("full_us", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("device", column)
