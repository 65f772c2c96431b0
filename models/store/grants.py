"""What a role of PostgreSQL may do in the audit's own store."""

from sqlalchemy import Engine, text

from models.refusals import Refused
from models.store.engine import transaction

_CAN_CHANGE = """
SELECT has_table_privilege(:role, 'audit_record', 'UPDATE, DELETE, TRUNCATE')
    OR has_any_column_privilege(:role, 'audit_record', 'UPDATE')
    OR pg_has_role(:role, relowner, 'MEMBER')
FROM pg_class WHERE oid = 'audit_record'::regclass
"""
"""Also by a right on one column, or by becoming the owner with `SET ROLE`."""


def grant_audit(engine: Engine, role: str) -> None:
    """Let a role read the audit's store and add to it, and do nothing else there.

    Args:
        engine: The audit's store, as the owner of its tables.
        role: A role that exists; the audit worker signs in as it.

    Raises:
        Refused: `no_roles` on SQLite, `unknown_role`, or `role_can_change` where the role
            may still change lines: it owns the table, is a superuser, or inherits it.
    """
    if engine.dialect.name != "postgresql":
        raise Refused("no_roles", "审计库在 SQLite 上，没有角色；那里由触发器拒绝改动。")
    name = engine.dialect.identifier_preparer.quote(role)
    with transaction(engine) as connection:
        known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
        if connection.scalar(known, {"role": role}) is None:
            raise Refused("unknown_role", f"PostgreSQL 中没有角色 {role}。")
        schema: str = connection.scalars(text("SELECT quote_ident(current_schema())")).one()
        for statement in (
            f"GRANT USAGE ON SCHEMA {schema} TO {name}",
            f"REVOKE ALL ON audit_record, alembic_version FROM {name}",
            f"GRANT SELECT, INSERT ON audit_record TO {name}",
            f"GRANT SELECT ON alembic_version TO {name}",
        ):
            connection.execute(text(statement))
        if connection.scalar(text(_CAN_CHANGE), {"role": role}):
            message = f"角色 {role} 仍能改动审计记录（表的所有者、超级用户，或继承而来）。"
            raise Refused("role_can_change", message)
