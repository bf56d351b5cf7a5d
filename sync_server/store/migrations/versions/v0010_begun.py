"""When each ledger was begun, so that the sign of many of them can end. Of those that are there it
is not known: they count as long ago.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("begun_us", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("incarnation", column)
