"""How Alembic runs the migrations of the record: over the connection it is handed.

`models.store.upgrade` opens that connection and holds its transaction, so that an upgrade
happens whole or not at all, on SQLite too.
"""

from alembic import context

from models.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite cannot alter a table in place: Alembic copies it.
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
