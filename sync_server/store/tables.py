"""Every table of the team server. Amounts are nano-USD, moments UTC microseconds.

Bodies are the very bytes that were signed and hashed, as text. `migrations/` makes these tables;
a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    and_,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str, target: str = "", *, primary: bool = False, null: bool = False) -> Column[str]:
    keys = [ForeignKey(target)] if target else []
    return Column(name, String(64), *keys, primary_key=primary, nullable=null)


def _number(name: str, *, null: bool = False, primary: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=primary, autoincrement=False)


def _rules() -> tuple[Column[str], Column[bool]]:
    return (
        Column("rules", Text, nullable=False, server_default="{}"),
        Column("frozen", Boolean, nullable=False, server_default=false()),
    )


orgs = Table(
    "org", metadata,
    _id("id", primary=True),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    _number("server_inc"),
    _number("journal_seq"),
    _number("audit_seq"),
    Column("audit_hash", String(64), nullable=False),
    Column("policy", Integer, nullable=False),
    Column("policy_sha256", String(64), nullable=False),
    *_rules(),
    Column("clock_us", BigInteger, nullable=False, server_default="0"),
    Column("restored_us", BigInteger, nullable=False, server_default="0"),
)  # fmt: skip
"""`server_inc`, `journal_seq`, `audit_seq` and `audit_hash` are the ends of its two logs.

`clock_us` is the latest moment it was served at (`sync_server.clock`), 0 before the first;
`restored_us` when a copy was last put in its place.

`policy` is the number of the newest policy. `rules` (canonical JSON) are everybody's.
"""

teams = Table(
    "team", metadata,
    _id("id", primary=True),
    _id("org", "org.id"),
    Column("name", Text, nullable=False),
    *_rules(),
)  # fmt: skip

members = Table(
    "member", metadata,
    _id("id", primary=True),
    _id("org", "org.id"),
    _id("team", "team.id"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("tier", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("further", Text, nullable=False, server_default="[]"),
)  # fmt: skip
"""`team` is a member's home, `further` (JSON) are the teams they belong to besides."""

memberships = Table(
    "membership", metadata,
    _id("member", "member.id", primary=True),
    _id("team", "team.id", primary=True),
    Column("active", Boolean, nullable=False),
    Index("ix_membership_team", "team"),
)  # fmt: skip
"""Every team a member belongs to, and those they have left (not active): drawn from the rows of
`member` as those are filed, so that it comes back with them after a restore."""

devices = Table(
    "device", metadata,
    _id("id", primary=True),
    _id("org", "org.id"),
    _id("member", "member.id"),
    Column("label", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False, unique=True),
    Column("active", Boolean, nullable=False),
    _number("enrolled_us"),
    _number("seen_us"),
    Column("full_us", BigInteger, nullable=False, server_default="0"),
    Column("left_us", BigInteger, nullable=False, server_default="0"),
)  # fmt: skip
"""`full_us` is when a device may report its whole share again (`sync_server.quotas`), `left_us`
when it said that it leaves its team (0: it has not); one that was sent away is not `active`."""
IN_TEAM = and_(devices.c.active.is_(True), devices.c.left_us == 0)
"""A device that has neither left nor been sent away."""

invites = Table(
    "invite", metadata,
    Column("code_sha256", String(64), primary_key=True),
    _id("member", "member.id"),
    _number("expires_us"),
    _number("used_us", null=True),
)  # fmt: skip
"""Codes are 128 random bits, so a plain hash hides them; each is used once."""

incarnations = Table(
    "incarnation", metadata,
    _id("inc", primary=True),
    _id("device", "device.id"),
    Column("nonce", String(64), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    _number("seq"),
    Column("head", String(64), nullable=False),
    Column("parent", String(64), nullable=False, server_default=""),
    Column("moved_nusd", BigInteger, nullable=False, server_default="0"),
    Column("begun_us", BigInteger, nullable=False, server_default="0"),
    Index("ix_incarnation_device", "device"),
)  # fmt: skip
"""One ledger of a device; `seq` and `head` are its end as the server has it, `parent` the ledger
it took over from, where that is known, `moved_nusd` all that its entries charge, correct and
return."""

pools = Table(
    "pool", metadata,
    _id("id", primary=True),
    _id("org", "org.id"),
    _id("team", "team.id", null=True),
    _id("member", "member.id", null=True),
    Column("scope", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    _number("base_nusd", null=True),
    _number("cap_nusd"),
    _number("running"),
    _number("ends_us", null=True),
    _number("committed_nusd"),
    _number("outstanding_nusd"),
    _number("past_nusd"),
    _number("late_nusd"),
    Index("ix_pool_org", "org", "member"),
    Index("ix_pool_ends_us", "ends_us"),
)  # fmt: skip
"""`team` and `member` are set where the pool is theirs alone; `scope` is all of its terms as
canonical JSON, `kind` its window's, `running` the index of the running window.

`base_nusd` is the cap each window begins with; a raise lifts `cap_nusd` above it for one window.
"""

accounts = Table(
    "account", metadata,
    _id("inc", "incarnation.inc", primary=True),
    _id("pool", "pool.id", primary=True),
    _number("running", primary=True),
    _number("granted_nusd"),
    _number("returned_nusd"),
    _number("used_nusd"),
    Column("closed", Boolean, nullable=False),
    Column("written_off", Boolean, nullable=False),
    Index("ix_account_open", "inc", "closed"),
    Index("ix_account_pool", "pool", "running"),
)  # fmt: skip

entries = Table(
    "entry", metadata,
    _id("inc", "incarnation.inc", primary=True),
    _number("seq", primary=True),
    Column("body", Text, nullable=False),
)  # fmt: skip
"""The devices' ledgers: the bytes, and nothing that can be read from them."""

spending = Table(
    "spending", metadata,
    _number("hour", primary=True),
    _id("inc", "incarnation.inc", primary=True),
    Column("words_sha256", String(32), primary_key=True),
    Column("counted", String(16), nullable=False),
    *(Column(name, Text, nullable=False)
      for name in ("project", "branch", "agent", "provider", "model")),
    Column("team", Text, nullable=False, server_default=""),
    _number("amount_nusd"),
    _number("requests"),
    _number("first_seq"),
    _number("last_seq"),
    sqlite_with_rowid=False,
)  # fmt: skip
"""The entries added up (`store.spending`); `hour` counts from 1970 in UTC. `team` is the one that
paid, "" where the entry does not say: its member's home."""

uploads = Table(
    "upload", metadata,
    _id("inc", "incarnation.inc", primary=True),
    _number("seq"),
    Column("body", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)  # fmt: skip
"""The last report that brought a ledger forward, as its device signed it: its word on its head."""

evidence = Table(
    "evidence", metadata,
    _id("inc", "incarnation.inc", primary=True),
    _number("at_us", primary=True),
    Column("body", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)  # fmt: skip
"""Signed reports that contradict the ledger of the same name: a fork, proved by its own hand."""

receipts = Table(
    "receipt", metadata,
    _id("inc", "incarnation.inc", primary=True),
    _number("server_seq", primary=True),
    _number("seq", primary=True),
    Column("body", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)  # fmt: skip
"""What the server signed for a device whenever its ledger or its rights had moved."""

journal = Table(
    "journal", metadata,
    _id("org", "org.id", primary=True),
    _number("seq", primary=True),
    Column("line", Text, nullable=False),
)  # fmt: skip
"""What the server alone decides (`sync_server.allowance.journal`), as far as it is applied."""

audit = Table(
    "audit", metadata,
    _id("org", "org.id", primary=True),
    _number("seq", primary=True),
    Column("hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
)  # fmt: skip
"""What people decided: a hash chain whose head is in every receipt."""

tokens = Table(
    "token", metadata,
    Column("sha256", String(64), primary_key=True),
    _id("org", "org.id"),
    Column("name", Text, nullable=False),
    _id("member", "member.id", null=True),
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
    _number("made_us"),
)  # fmt: skip
"""Who may steer from another machine. A member's token has the member's role, not its own."""

requests = Table(
    "request", metadata,
    _id("id", primary=True),
    _id("org", "org.id"),
    _id("device", "device.id"),
    _id("pool", "pool.id"),
    _number("amount_nusd"),
    Column("reason", Text, nullable=False),
    Column("status", String(16), nullable=False),
    _number("asked_us"),
    _number("decided_us", null=True),
    Column("decided_by", Text, nullable=False),
)  # fmt: skip
"""Raises that were asked for: open, approved or refused."""

ordered = Table(
    "ordered", metadata,
    _id("id", primary=True),
    _id("device", "device.id"),
    _number("at_us"),
    Column("answer", Text, nullable=False),
)  # fmt: skip
"""Orders that were carried out (`sync_server.orders`): the hash of the message, and our answer."""
