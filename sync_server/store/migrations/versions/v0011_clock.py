"""The latest moment the organisation was served at; before the first one any clock is believed."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.add_column("org", sa.Column("clock_us", sa.BigInteger(), nullable=False, server_default="0"))
