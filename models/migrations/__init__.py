"""How both databases came to be as they are: one Alembic environment each."""
