"""Run by Alembic: applies the revisions over the connection that the store hands in."""

from __future__ import annotations

from alembic import context

from likeness.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
