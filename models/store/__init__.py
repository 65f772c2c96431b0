"""SQL access: the engine, transactions, the upgrade of the schema, grants to roles."""
