"""Brings the databases of a stack to the newest version of their tables."""

from models.store.engine import opened_engine
from models.store.grants import grant_audit
from models.store.upgrade import upgrade_audit, upgrade_record
from workers.settings.worker import WorkerSettings


def upgrade_databases(settings: WorkerSettings, audit_role: str | None = None) -> None:
    """Upgrade the record and the audit's store.

    Args:
        settings: Where they are.
        audit_role: A role of the audit's database that may only read and append.
    """
    places = settings.places
    if {places.record_url, places.audit_url} & {settings.database_url, settings.audit_database_url}:
        places.prepare()
    with opened_engine(settings.database_url, pool_size=1) as engine:
        upgrade_record(engine)
    with opened_engine(settings.audit_database_url, pool_size=1) as engine:
        upgrade_audit(engine)
        if audit_role is not None:
            grant_audit(engine, audit_role)
