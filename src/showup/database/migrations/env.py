"""Alembic's entry point: it uses the connection that `migrate` passes to it, inside that transaction."""

from alembic import context

from showup.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
