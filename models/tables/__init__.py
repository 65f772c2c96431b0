"""SQLModel tables: the record, and in `audit` the audit's own store."""

from sqlmodel import SQLModel

from models.tables.cases import CaseReason, CaseRecord, CaseRevision, Transition
from models.tables.evidence import AuditEntryRow
from models.tables.lookups import LOOKUPS
from models.tables.messaging import ConsumerCursor, Delivery, InboxMessage, Lease, Outbox
from models.tables.people import AppUser, CalendarFeed, Unit, UserChannel
from models.tables.repair import DeadLetter, ReconcileRun
from models.tables.seasons import Body, CalendarDay, Season, SeasonChange
from models.tables.types import table_of
from models.tables.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)

metadata = SQLModel.metadata

__all__ = [
    "LOOKUPS",
    "AppUser",
    "AuditEntryRow",
    "Body",
    "CalendarDay",
    "CalendarFeed",
    "CaseReason",
    "CaseRecord",
    "CaseRevision",
    "ConsumerCursor",
    "DeadLetter",
    "Delivery",
    "InboxMessage",
    "Lease",
    "Outbox",
    "ReconcileRun",
    "Season",
    "SeasonChange",
    "Transition",
    "Unit",
    "UserChannel",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookSecret",
    "metadata",
    "table_of",
]
