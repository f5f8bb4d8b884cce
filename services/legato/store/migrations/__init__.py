"""The steps from each schema to the next; Alembic runs them, `schema.migrate` calls it."""
