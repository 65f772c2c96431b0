"""Cases with reminders that wait to be mailed, and a sender."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from services.notifications.reminders import EventMessage
from services.people.users import set_email
from tests.factories import OPENS, commit, make_case
from tests.integration.notifications.notified import notify_of
from tests.mailserver import MailServer
from workers.notify.run import open_mail_transport
from workers.notify.sender import Sender
from workers.settings.mail import MailSettings

FUJIAN, ADDRESS = "2024-fujian", "fujian@example.invalid"
DUE = OPENS + timedelta(days=9)
CUTOFF = datetime(2024, 5, 12, 16, tzinfo=UTC)  # what the call's cases wait for


async def send(engine: Engine, server: MailServer) -> None:
    settings = MailSettings(host="127.0.0.1", port=server.port, sender="office@example.invalid")
    await Sender(engine, open_mail_transport(settings)).send_due()


def reminded(engine: Engine) -> str:
    """A case whose body has a reminder that waits to be mailed."""
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
    set_email(engine, FUJIAN, ADDRESS)
    notify_of(engine, case_id)
    return case_id


def reminder(event_id: str, role: str) -> EventMessage:
    return EventMessage("deadline_approaching", event_id, role)
