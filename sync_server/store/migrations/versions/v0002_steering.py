"""What a lead steers with: rules and freezes, lasting caps, tokens, requests for a raise."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and tables."""
    for table in ("org", "team"):
        op.add_column(table, sa.Column("rules", sa.Text(), nullable=False, server_default="{}"))
        op.add_column(
            table, sa.Column("frozen", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.add_column("pool", sa.Column("base_nusd", sa.BigInteger(), nullable=True))
    op.create_table(
        "token",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name="fk_token_member"),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_token_org"),
        sa.PrimaryKeyConstraint("sha256", name="pk_token"),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("pool", sa.String(length=64), nullable=False),
        sa.Column("amount_nusd", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_us", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name="fk_request_device"),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_request_org"),
        sa.ForeignKeyConstraint(["pool"], ["pool.id"], name="fk_request_pool"),
        sa.PrimaryKeyConstraint("id", name="pk_request"),
    )
