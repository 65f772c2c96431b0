"""A record with its witness, and somebody who tampers with either."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text, update

from models.audit.report import AuditReport
from models.store.engine import transaction
from models.tables import metadata
from services.audit.verification import verify
from services.stream.outbox import record_outcomes
from tests.streams import incoming, outbox
from workers.audit import AuditHandler

AT = datetime(2024, 4, 1, tzinfo=UTC)


@dataclass
class Stores:
    """A record with its witness."""

    record: Engine
    audit: Engine
    anchors: Path

    def witness(self) -> None:
        """Publish and witness everything, without a stream in between."""
        handler = AuditHandler(self.audit, self.anchors)
        places = dict(enumerate(outbox(self.record), start=1))
        for place, row in places.items():  # with an anchor each
            handler.apply([incoming(row.body, place)])
        record_outcomes(self.record, {place: place for place in places}, {}, AT)

    def verify(self) -> AuditReport:
        return verify(self.record, self.audit, self.anchors, patience_seconds=0)

    def kinds(self) -> list[tuple[str, str]]:
        return [(problem.kind, problem.where) for problem in self.verify().problems]


def tamper(engine: Engine, *statements: str, **values: str) -> None:
    """Change a store as somebody with all rights to the database would."""
    with transaction(engine) as connection:
        _triggers(connection, on=False)
        for statement in statements:
            assert connection.execute(text(statement), values).rowcount > 0, statement
        _triggers(connection, on=True)


def _triggers(connection: Connection, *, on: bool) -> None:
    if connection.dialect.name == "postgresql":
        role = "origin" if on else "replica"
        connection.execute(text(f"SET LOCAL session_replication_role = {role}"))
    elif not on:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for name in connection.scalars(text(names)).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))


def changed(engine: Engine, table: str, key: dict[str, object], **values: object) -> None:
    """Change columns of one row."""
    with transaction(engine) as connection:
        _triggers(connection, on=False)
        done = connection.execute(update(metadata.tables[table]).filter_by(**key).values(**values))
        assert done.rowcount == 1
