"""The team server's database: SQLite by default, PostgreSQL when that is outgrown.

SQLAlchemy Core over a `Connection` in a transaction its caller began, so that the same statements
run in a thread over SQLite and under an async engine (`run_sync`) over PostgreSQL.
"""
