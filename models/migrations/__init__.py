"""The schemas of both databases, step by step: one Alembic environment each."""
