"""Who spends in a pool is found without reading every account there ever was."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_account_pool", "account", ["pool", "running"])
