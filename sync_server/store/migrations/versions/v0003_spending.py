"""Sums for reports, counted from the entries that are there; of entries only the bytes stay."""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_WORDS = ("counted", "project", "branch", "agent", "provider", "model")
_DRAWN = ("hash", "kind", "ts_us", "amount_nusd", "member", "device", *_WORDS)


def upgrade() -> None:
    """Make the table and count."""
    spending = op.create_table(
        "spending",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inc", sa.String(length=64), nullable=False),
        sa.Column("words_sha256", sa.String(length=32), nullable=False),
        sa.Column("counted", sa.String(length=16), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _WORDS[1:]),
        sa.Column("amount_nusd", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["inc"], ["incarnation.inc"], name="fk_spending_inc"),
        sa.PrimaryKeyConstraint("hour", "inc", "words_sha256", name="pk_spending"),
        sqlite_with_rowid=False,
    )
    conn = op.get_bind()
    words = ", ".join(_WORDS)
    found = conn.execute(
        sa.text(
            f"SELECT ts_us / 3600000000 AS hour, inc, {words}, SUM(amount_nusd) AS amount_nusd,"
            " COUNT(*) AS requests, MIN(seq) AS first_seq, MAX(seq) AS last_seq FROM entry"
            f" WHERE kind IN ('settle', 'adjust') GROUP BY ts_us / 3600000000, inc, {words}"
        )
    )
    for rows in found.mappings().partitions(1_000):
        conn.execute(sa.insert(spending), [{**row, "words_sha256": _short(row)} for row in rows])
    op.drop_index("ix_entry_ts_us", table_name="entry")
    with op.batch_alter_table("entry") as batch:
        for name in _DRAWN:
            batch.drop_column(name)


def _short(row: sa.RowMapping) -> str:
    return sha256("\0".join(row[name] for name in _WORDS).encode()).hexdigest()[:32]
