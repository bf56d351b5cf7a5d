"""When a device left its team (0: it has not), and when a server was last put back (0: never)."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns."""
    for table, name in (("device", "left_us"), ("org", "restored_us")):
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
