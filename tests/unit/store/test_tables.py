"""Every table of the record is ready to use under the name that the database has for it."""

from models import tables
from models.tables import metadata
from models.tables.audit import audit_metadata, audit_record
from models.tables.lookups import KNOWN


def test_each_table_stands_under_its_own_name() -> None:
    expected = {name: table for name, table in metadata.tables.items() if name not in KNOWN}
    assert {name: getattr(tables, name) for name in expected} == expected
    assert {audit_record.name: audit_record} == dict(audit_metadata.tables)
