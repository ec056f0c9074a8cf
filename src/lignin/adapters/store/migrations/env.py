"""Alembic's entry: runs on the connection that `migrate.upgrade` opened."""

from alembic import context

from lignin.adapters.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller holds the transaction
)
context.run_migrations()
