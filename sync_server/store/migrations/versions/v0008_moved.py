"""A ledger's amounts are added up, so that no sum over ledgers grows beyond what can be stored.

What is there already is not counted: it lies far below.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("moved_nusd", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("incarnation", column)
