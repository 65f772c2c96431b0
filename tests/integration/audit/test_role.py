"""On PostgreSQL the audit worker's role can add lines, and can change none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from models.cases.actions.names import Action
from models.refusals import Refused
from models.store.engine import open_engine, reading, transaction
from models.store.grants import grant_audit
from models.store.upgrade import upgrade_audit
from tests.factories import commit, make_case
from tests.streams import incoming, outbox
from workers.audit import AuditHandler

ROLE = "audit-worker"


@pytest.fixture
def owner(postgres_urls: tuple[str, str]) -> Iterator[Engine]:
    """The audit's store as its owner, beside a role that has been let in."""
    engine = open_engine(postgres_urls[1])
    with transaction(engine) as connection:
        connection.execute(text(f'CREATE ROLE "{ROLE}" LOGIN'))
    grant_audit(engine, ROLE)
    yield engine
    with transaction(engine) as connection:
        connection.execute(text(f'DROP OWNED BY "{ROLE}"'))
        connection.execute(text(f'DROP ROLE "{ROLE}"'))
    engine.dispose()


@pytest.fixture
def worker(owner: Engine) -> Iterator[Engine]:
    """The same store as the audit worker signs in."""
    engine = open_engine(owner.url.set(username=ROLE).render_as_string(hide_password=False))
    yield engine
    engine.dispose()


@pytest.mark.postgres
def test_the_role_witnesses_and_can_change_nothing_even_without_triggers(
    owner: Engine, worker: Engine, postgres_urls: tuple[str, str], season: str, tmp_path: Path
) -> None:
    record = open_engine(postgres_urls[0])
    commit(record, make_case(record, season=season), Action.SUBMIT)
    upgrade_audit(worker)  # nothing is left to do, and it may look
    (row,) = outbox(record)
    record.dispose()
    AuditHandler(worker, tmp_path / "anchors").apply([incoming(row.body, 1)])
    with transaction(owner) as connection:
        connection.execute(text("DROP TRIGGER audit_record_insert_only ON audit_record"))
    for statement in (
        "UPDATE audit_record SET body = 'x'",
        "DELETE FROM audit_record",
        "TRUNCATE audit_record",
        "DROP TABLE audit_record",
        "ALTER TABLE audit_record DISABLE TRIGGER ALL",
    ):
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            transaction(worker) as connection,
        ):
            connection.execute(text(statement))
    with reading(worker) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_record")) == 1


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("GRANT UPDATE (body) ON audit_record TO PUBLIC",
         "REVOKE UPDATE (body) ON audit_record FROM PUBLIC"),
        (('CREATE ROLE boss; ALTER ROLE "audit-worker" NOINHERIT; GRANT boss TO "audit-worker"; '
         "ALTER TABLE audit_record OWNER TO boss"),
         "ALTER TABLE audit_record OWNER TO CURRENT_USER; DROP OWNED BY boss; DROP ROLE boss"),
    ],
)  # fmt: skip
def test_a_role_that_could_change_lines_in_a_roundabout_way_is_refused(
    owner: Engine, given: str, taken: str
) -> None:
    with transaction(owner) as connection:
        connection.execute(text(given))
    with pytest.raises(Refused, match="仍能改动"):
        grant_audit(owner, ROLE)
    with transaction(owner) as connection:
        connection.execute(text(taken))


@pytest.mark.postgres
def test_a_role_that_could_change_lines_is_refused(owner: Engine) -> None:
    with pytest.raises(Refused, match="仍能改动"):
        grant_audit(owner, "postgres")
    with pytest.raises(Refused, match="没有角色"):
        grant_audit(owner, "nobody-here")


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'audit.db'}")
    with pytest.raises(Refused, match="SQLite"):
        grant_audit(engine, ROLE)
    engine.dispose()
