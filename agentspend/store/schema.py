"""The device ledger's tables, as forward-only migrations (protocol study §4.6).

Entry bytes are never rewritten by a migration. `PRAGMA user_version` counts the migrations a file
has had; an older binary refuses a larger number than it knows (`db.migrate`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

INITIAL = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  body BLOB NOT NULL,
  kind TEXT NOT NULL,
  ts_us INTEGER NOT NULL,
  window_us INTEGER NOT NULL,
  amount_nusd INTEGER NOT NULL DEFAULT 0,
  counted TEXT NOT NULL DEFAULT '',
  rid TEXT NOT NULL DEFAULT '',
  member TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '',
  agent TEXT NOT NULL DEFAULT '', session TEXT NOT NULL DEFAULT '',
  subagent TEXT NOT NULL DEFAULT '', project TEXT NOT NULL DEFAULT '',
  branch TEXT NOT NULL DEFAULT '', key TEXT NOT NULL DEFAULT '',
  provider TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX entry_window ON entry (window_us) WHERE amount_nusd <> 0;
CREATE INDEX entry_session ON entry (session) WHERE amount_nusd <> 0;
CREATE INDEX entry_rid ON entry (rid) WHERE rid <> '';

CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  budget TEXT NOT NULL,
  generation INTEGER NOT NULL,
  window_key TEXT NOT NULL,
  starts_us INTEGER NOT NULL,
  ends_us INTEGER,
  mode TEXT NOT NULL,
  limit_nusd INTEGER NOT NULL,
  spent_nusd INTEGER NOT NULL,
  held_nusd INTEGER NOT NULL,
  over_nusd INTEGER NOT NULL,
  UNIQUE (budget, generation, window_key),
  CHECK (mode IN ('hard', 'warn')),
  CHECK (spent_nusd >= 0 AND held_nusd >= 0 AND over_nusd >= 0),
  CHECK (mode <> 'hard' OR spent_nusd + held_nusd <= limit_nusd + over_nusd)
);

CREATE TABLE charge (
  account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  at_us INTEGER NOT NULL,
  amount_nusd INTEGER NOT NULL
);
CREATE INDEX charge_at ON charge (account, at_us);

CREATE TABLE hold (
  rid TEXT PRIMARY KEY,
  amount_nusd INTEGER NOT NULL CHECK (amount_nusd >= 0),
  created_us INTEGER NOT NULL,
  session TEXT NOT NULL,
  body BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE hold_account (
  rid TEXT NOT NULL REFERENCES hold (rid) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES account (id),
  amount_nusd INTEGER NOT NULL CHECK (amount_nusd >= 0),
  PRIMARY KEY (rid, account)
) WITHOUT ROWID;

CREATE TABLE session (
  id TEXT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL,
  opened_us INTEGER NOT NULL,
  closed_us INTEGER
);

CREATE TABLE conversation (
  digest BLOB PRIMARY KEY,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  cached_until_us INTEGER NOT NULL,
  cut_at INTEGER NOT NULL,
  used_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversation_used ON conversation (used_us);

CREATE TABLE request (
  rid TEXT PRIMARY KEY,
  at_us INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  session TEXT NOT NULL,
  body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX request_at ON request (at_us);

CREATE TABLE checkpoint (
  seq INTEGER PRIMARY KEY,
  head TEXT NOT NULL,
  ts_us INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  signature TEXT NOT NULL
);
"""

INCLUDED = """
CREATE TABLE included (
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  model TEXT NOT NULL,
  stand TEXT NOT NULL,
  used_bp INTEGER,
  resets_us INTEGER,
  seen_us INTEGER NOT NULL,
  PRIMARY KEY (provider, account, name, model)
) WITHOUT ROWID
"""

VIRTUAL_KEYS = """
CREATE TABLE virtual_key (
  id INTEGER PRIMARY KEY,
  alias TEXT NOT NULL,
  body BLOB NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER,
  blocked_us INTEGER,
  deleted_us INTEGER
);
CREATE UNIQUE INDEX virtual_key_alias ON virtual_key (alias) WHERE deleted_us IS NULL;

CREATE TABLE key_token (
  token_hash TEXT PRIMARY KEY,
  key INTEGER NOT NULL REFERENCES virtual_key (id),
  until_us INTEGER
) WITHOUT ROWID;

CREATE INDEX entry_key ON entry (key) WHERE key <> '';
"""


SESSION_TOTALS = """
DROP INDEX entry_session;
CREATE INDEX entry_session ON entry (session, kind, counted, amount_nusd) WHERE session <> '';
"""


QUICK_SUMS = """
DROP INDEX entry_window;
CREATE INDEX entry_window ON entry (window_us, counted, amount_nusd) WHERE amount_nusd <> 0;

CREATE INDEX request_unserved ON request (session, outcome) WHERE outcome <> 'settled';

CREATE INDEX request_unserved_at ON request (outcome, at_us) WHERE outcome <> 'settled';
"""


SPENDING = """
CREATE TABLE spending (
  quarter INTEGER NOT NULL,
  counted TEXT NOT NULL, project TEXT NOT NULL, branch TEXT NOT NULL, agent TEXT NOT NULL,
  model TEXT NOT NULL, provider TEXT NOT NULL, member TEXT NOT NULL, team TEXT NOT NULL,
  key TEXT NOT NULL, tags TEXT NOT NULL,
  amount_nusd INTEGER NOT NULL, estimated_nusd INTEGER NOT NULL, requests INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  PRIMARY KEY (quarter, counted, project, branch, agent, model, provider, member, team, key, tags)
) WITHOUT ROWID
"""

SPENDING_OF_ENTRIES = """
INSERT INTO spending
SELECT window_us / 900000000, counted, project, branch, agent, model, provider, member, team, key,
  tags, sum(amount_nusd), sum(estimated_nusd), sum(kind = 'settle'), sum(input_tokens),
  sum(cache_read_tokens), sum(cache_write_tokens), sum(output_tokens)
FROM (
  SELECT *,
    CASE WHEN kind = 'settle' AND json_extract(said, '$.evidence') IN
        ('crash_upper_bound', 'estimate', 'stream_metered')
      AND NOT EXISTS (
        SELECT 1 FROM entry o WHERE o.rid = e.rid AND o.rid <> '' AND o.kind = 'adjust')
      THEN amount_nusd ELSE 0 END AS estimated_nusd,
    coalesce(json_extract(said, '$.usage.input_tokens'), 0)
      + coalesce(json_extract(said, '$.usage.input_audio_tokens'), 0) AS input_tokens,
    coalesce(json_extract(said, '$.usage.cache_read_tokens'), 0)
      + coalesce(json_extract(said, '$.usage.cache_read_audio_tokens'), 0) AS cache_read_tokens,
    coalesce(json_extract(said, '$.usage.cache_write_5m_tokens'), 0)
      + coalesce(json_extract(said, '$.usage.cache_write_1h_tokens'), 0)
      + coalesce(json_extract(said, '$.usage.cache_write_12h_tokens'), 0) AS cache_write_tokens,
    coalesce(json_extract(said, '$.usage.output_tokens'), 0) AS output_tokens
  FROM (
    SELECT *, iif(json_valid(CAST(body AS TEXT)), CAST(body AS TEXT), '{}') AS said FROM entry
  ) e
  WHERE kind IN ('settle', 'adjust')
)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
"""
"""What `store.spending` would have counted of every entry there is."""


TEAM = """
CREATE TABLE team (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE team_entry (
  inc TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (inc, seq)
) WITHOUT ROWID;

CREATE TABLE team_right (
  account INTEGER PRIMARY KEY REFERENCES account (id),
  inc TEXT NOT NULL,
  pool TEXT NOT NULL,
  window INTEGER NOT NULL,
  granted_nusd INTEGER NOT NULL CHECK (granted_nusd >= 0),
  returned_nusd INTEGER NOT NULL CHECK (returned_nusd >= 0),
  closed INTEGER NOT NULL,
  UNIQUE (inc, pool, window)
);
"""


def m001_initial(database: "Database") -> None:
    """Everything one device needs: entries, accounts, holds, sessions, conversations."""
    _run(database, INITIAL)


def m002_included(database: "Database") -> None:
    """What each subscription's windows were last said to be; `account` is a short HMAC."""
    database.execute(INCLUDED)


def m003_virtual_keys(database: "Database") -> None:
    """Virtual keys and their tokens' hashes; what each key spent can be added up by index."""
    _run(database, VIRTUAL_KEYS)


def m004_session_totals(database: "Database") -> None:
    """What a session did is added up from an index alone, however long the ledger is."""
    _run(database, SESSION_TOTALS)


def m005_team(database: "Database") -> None:
    """Membership of a team, the rights it granted, and the chain of what it is told."""
    _run(database, TEAM)


def m006_entry_team(database: "Database") -> None:
    """Which of its member's teams a charge was for; "" where that was not written down."""
    database.execute("ALTER TABLE entry ADD COLUMN team TEXT NOT NULL DEFAULT ''")


def m007_quick_sums(database: "Database") -> None:
    """What a day costs, and what was refused in it, is read from indexes alone: a status line asks
    for both, and holds wait meanwhile (12,000 charges made it 30 ms slower)."""
    _run(database, QUICK_SUMS)


def m008_spending(database: "Database") -> None:
    """What reports add up, kept by the quarter of an hour as entries are made (`store.spending`):
    every zone's midnight lies between two of them."""
    database.execute(SPENDING)
    database.execute(SPENDING_OF_ENTRIES)


def _run(database: "Database", statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            database.execute(statement)


MIGRATIONS = (
    m001_initial,
    m002_included,
    m003_virtual_keys,
    m004_session_totals,
    m005_team,
    m006_entry_team,
    m007_quick_sums,
    m008_spending,
)
