"""Who spends in a pool is found without reading every account there ever was."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_account_pool", "account", ["pool", "running"])
