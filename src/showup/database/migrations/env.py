"""Alembic's way in: it works on the connection that `migrate` hands it, inside that transaction."""

from alembic import context

from showup.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
