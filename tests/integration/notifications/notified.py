"""Cases whose events people were notified of, and what reached them."""

from sqlalchemy import Engine, Table, func, select

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import reading, transaction
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.notifications.inbox import inbox
from services.people.users import NewUser, add_user
from services.stream.cursors import read_cursor
from tests.factories import OPENS, make_case
from workers.notify.handler import NotifyHandler

FUJIAN, ORGANISER, PANEL = "2024-fujian", "2024-organiser", "2024-panel"
EXPERT = NewUser("wang", "2024", "expert", "虚构专家")


def events(engine: Engine, case_id: str) -> list[tuple[CaseEvent, str]]:
    """The events of a case as the relay would publish them."""
    outbox = tables.outbox.c
    with reading(engine) as connection:
        bodies = connection.scalars(
            select(outbox.body).where(outbox.case_id == case_id).order_by(outbox.seq)
        ).all()
    return [(CaseEvent.model_validate_json(body), body) for body in bodies]


def notify_of(engine: Engine, case_id: str, handler: NotifyHandler | None = None) -> None:
    """Have the handler take every event of a case, in order."""
    handler = handler or NotifyHandler(engine)
    for event, body in events(engine, case_id):
        handler.apply([IncomingEvent(event, body, event.data.seq)])


def new_case(engine: Engine, *, state: State = State.DRAFT) -> str:
    """Put a case on record whose applicant's desk has the id of its unit."""
    case_id = make_case(engine, state=state)
    unit = unit_of(engine, case_id)
    with transaction(engine) as connection:
        add_user(
            connection, id=unit, season_id="2024", role=Role.APPLICANT, org=unit,
            name="虚构单位", email=None, at=OPENS,
        )  # fmt: skip
    return case_id


def unit_of(engine: Engine, case_id: str) -> str:
    """The unit that filed a case."""
    case = tables.case_record.c
    with reading(engine) as connection:
        return str(connection.scalar(select(case.unit_id).where(case.id == case_id)))


def heard(engine: Engine, user_id: str) -> list[str]:
    """The events of which a user was notified, the oldest first."""
    return [item.event for item in reversed(inbox(engine, user_id))]


def count(engine: Engine, table: Table) -> int:
    """How many rows a table has."""
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def cursor(engine: Engine, case_id: str) -> int:
    """The furthest event of a case that the consumer has handled."""
    with reading(engine) as connection:
        return read_cursor(connection, Durable.NOTIFY, case_id)
