"""The first schema: people, pools and accounts, ledgers and their proofs, the two logs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _people()
    _pools()
    _ledgers()
    _logs()


def _people() -> None:
    op.create_table(
        "org",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("server_inc", sa.BigInteger(), nullable=False),
        sa.Column("journal_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=False),
        sa.Column("policy_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_org"),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_team_org"),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_member_org"),
        sa.ForeignKeyConstraint(["team"], ["team.id"], name="fk_member_team"),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("enrolled_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name="fk_device_member"),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_device_org"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("public_key", name="uq_device_public_key"),
    )
    op.create_table(
        "invite",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name="fk_invite_member"),
        sa.PrimaryKeyConstraint("code_sha256", name="pk_invite"),
    )


def _pools() -> None:
    op.create_table(
        "pool",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=True),
        sa.Column("member", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("cap_nusd", sa.BigInteger(), nullable=False),
        sa.Column("running", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=True),
        sa.Column("committed_nusd", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_nusd", sa.BigInteger(), nullable=False),
        sa.Column("past_nusd", sa.BigInteger(), nullable=False),
        sa.Column("late_nusd", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_pool_org"),
        sa.ForeignKeyConstraint(["team"], ["team.id"], name="fk_pool_team"),
        sa.ForeignKeyConstraint(["member"], ["member.id"], name="fk_pool_member"),
        sa.PrimaryKeyConstraint("id", name="pk_pool"),
    )
    op.create_index("ix_pool_org", "pool", ["org", "member"], unique=False)
    op.create_index("ix_pool_ends_us", "pool", ["ends_us"], unique=False)
    op.create_table(
        "incarnation",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["device.id"], name="fk_incarnation_device"),
        sa.PrimaryKeyConstraint("inc", name="pk_incarnation"),
        sa.UniqueConstraint("nonce", name="uq_incarnation_nonce"),
    )
    op.create_index("ix_incarnation_device", "incarnation", ["device"], unique=False)
    op.create_table(
        "account",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("pool", sa.String(length=64), nullable=False),
        sa.Column("running", sa.BigInteger(), nullable=False),
        sa.Column("granted_nusd", sa.BigInteger(), nullable=False),
        sa.Column("returned_nusd", sa.BigInteger(), nullable=False),
        sa.Column("used_nusd", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("written_off", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_account_inc"),
        sa.ForeignKeyConstraint(["pool"], ["pool.id"], name="fk_account_pool"),
        sa.PrimaryKeyConstraint("inc", "pool", "running", name="pk_account"),
    )
    op.create_index("ix_account_open", "account", ["inc", "closed"], unique=False)


def _ledgers() -> None:
    op.create_table(
        "entry",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ts_us", sa.BigInteger(), nullable=False),
        sa.Column("amount_nusd", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.String(length=16), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_entry_inc"),
        sa.PrimaryKeyConstraint("inc", "seq", name="pk_entry"),
    )
    op.create_index("ix_entry_ts_us", "entry", ["ts_us"], unique=False)
    op.create_table(
        "upload",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_upload_inc"),
        sa.PrimaryKeyConstraint("inc", name="pk_upload"),
    )
    op.create_table(
        "evidence",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_evidence_inc"),
        sa.PrimaryKeyConstraint("inc", "at_us", name="pk_evidence"),
    )
    op.create_table(
        "receipt",
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("server_seq", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_receipt_inc"),
        sa.PrimaryKeyConstraint("inc", "server_seq", "seq", name="pk_receipt"),
    )


def _logs() -> None:
    op.create_table(
        "journal",
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_journal_org"),
        sa.PrimaryKeyConstraint("org", "seq", name="pk_journal"),
    )
    op.create_table(
        "audit",
        sa.Column("org", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["org"], ["org.id"], name="fk_audit_org"),
        sa.PrimaryKeyConstraint("org", "seq", name="pk_audit"),
    )
