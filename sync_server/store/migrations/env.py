"""Alembic's entry: the connection is handed in by `store.opening.migrate`."""

from alembic import context

from sync_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
