"""agentspend: hard budgets for coding agents, enforced on the developer's own machine.

The journey of one request shapes the house (`proxy/exchange.py` tells it top to bottom):

    identify → read → bound → admit(hold) → forward → meter → settle
    proxy      dialects  core    bookkeeper    proxy    dialects  bookkeeper

The rooms, imports pointing down only (import-linter holds them to it):

    cli          one command a file; the only writers of stdout and stderr
    daemon       the roof: builds store → bookkeeper → doors, and nothing else
    proxy        door 1, agents · control: client of the local API · agents: how each is launched
    bookkeeper   the only writer: one connection, one thread, group commit
    store        SQLite tables and read models, deciding nothing
    config, db, prices   validated values · SQLite opened the one right way · the vendored table
    git, mounts          what git's files say of a folder · which file system a path is on
    wire, dialects, reports   pure: bytes both ends agree on · vendors' formats · roll-ups
    core         pure: money, prices, windows, scopes, budgets, admission
    sandbox      stands alone: a provider to test against, with a bill of its own

Four invariants: a hold is on disk before a byte goes upstream; every hold ends in exactly one
settle or release; only the bookkeeper writes; losing the network, a client or a terminal changes no
decision.
"""

__version__ = "0.1.0"
