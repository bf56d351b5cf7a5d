"""The device's ledger in SQLite: plain functions over one connection, deciding nothing.

Every function takes the open connection of the bookkeeper (or of an offline reader that holds the
daemon's lock) and never begins or commits: transactions belong to the caller.
"""
