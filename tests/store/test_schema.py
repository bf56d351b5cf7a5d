"""The schema: every migration, applied whole."""

from sqlite3 import Connection

from agentspend import db
from agentspend.store.schema import INITIAL, MIGRATIONS, VIRTUAL_KEYS

TABLES = {
    "account", "charge", "checkpoint", "conversation", "entry", "hold", "hold_account",
    "included", "key_token", "meta", "request", "session", "spending", "team", "team_entry",
    "team_right", "virtual_key",
}  # fmt: skip


def test_a_new_ledger_has_every_table_and_the_newest_version(conn: Connection) -> None:
    """Nothing in the statements got lost in splitting them."""
    rows = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert {name for (name,) in rows} == TABLES
    assert db.version(conn) == len(MIGRATIONS)
    indexes = conn.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE%INDEX%'")
    assert indexes.fetchone()[0] == (INITIAL + VIRTUAL_KEYS).count("INDEX") + 2


def test_no_table_has_room_for_prompts(conn: Connection) -> None:
    """Columns are counts, ids, amounts and JSON of them; a new column must be added here too."""
    text = {
        column
        for table in TABLES
        for _, column, kind, *_ in conn.execute(f"PRAGMA table_info({table})")
        if kind in ("TEXT", "BLOB")
    }
    assert text == {
        "account", "agent", "alias", "body", "branch", "budget", "counted", "device", "digest",
        "hash", "head", "id", "inc", "key", "key_id", "kind", "member", "mode", "model", "name",
        "outcome", "pool", "project", "provider", "rid", "session", "signature", "stand",
        "subagent", "tags", "team", "token_hash", "value", "window_key",
    }  # fmt: skip


def test_the_sums_a_new_budget_needs_use_an_index(conn: Connection) -> None:
    """Opening an account over a million entries reads its window and nothing else."""
    for where, index in (
        ("amount_nusd <> 0 AND window_us >= 1 AND window_us < 2", "entry_window"),
        ("amount_nusd <> 0 AND session = 's' AND session <> ''", "entry_session"),
        ("key = 'k' AND key <> ''", "entry_key"),
    ):
        plan = conn.execute(f"EXPLAIN QUERY PLAN SELECT sum(amount_nusd) FROM entry WHERE {where}")
        assert index in str(plan.fetchall())


def test_what_a_status_line_asks_is_read_from_indexes_alone(conn: Connection) -> None:
    """The day's sum and the pace touch no entry, the refusals no request that was served."""
    day = "FROM entry WHERE amount_nusd <> 0 AND counted = 'billed' AND window_us >= ?"
    unserved = "FROM request WHERE outcome = ? AND outcome <> 'settled' AND"
    for sql, index in (
        (f"SELECT coalesce(sum(amount_nusd), 0) {day} AND window_us < ?", "COVERING INDEX entry_w"),
        (f"SELECT count(*) {unserved} session = ?", "COVERING INDEX request_unserved"),
        (f"SELECT body {unserved} at_us >= ? ORDER BY at_us DESC", "INDEX request_unserved_at"),
    ):
        values = [0] * sql.count("?")
        plan = str(conn.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())
        assert index in plan
        assert "TEMP B-TREE" not in plan
