"""The domain as pure values and rules, and beside them the SQL tables."""
