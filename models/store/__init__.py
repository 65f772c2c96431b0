"""SQL: the engine, the upgrade of the tables, the rights of roles."""
