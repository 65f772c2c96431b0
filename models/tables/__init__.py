"""The record's tables: row classes, and the ready tables under the database's own names.

Write `from models import tables`, then `tables.outbox.c.case_id`. The audit's own store is another
database: `models.tables.audit`.
"""

from sqlmodel import SQLModel

from models.tables.cases import CaseCounter, CaseReason, CaseRecord, CaseRevision, Transition
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

app_user = table_of(AppUser)
body = table_of(Body)
calendar_day = table_of(CalendarDay)
calendar_feed = table_of(CalendarFeed)
case_counter = table_of(CaseCounter)
case_reason = table_of(CaseReason)
case_record = table_of(CaseRecord)
case_revision = table_of(CaseRevision)
consumer_cursor = table_of(ConsumerCursor)
dead_letter = table_of(DeadLetter)
deed = table_of(AuditEntryRow)
delivery = table_of(Delivery)
inbox_message = table_of(InboxMessage)
lease = table_of(Lease)
outbox = table_of(Outbox)
reconcile_run = table_of(ReconcileRun)
season = table_of(Season)
season_change = table_of(SeasonChange)
transition = table_of(Transition)
unit = table_of(Unit)
user_channel = table_of(UserChannel)
webhook_attempt = table_of(WebhookAttempt)
webhook_delivery = table_of(WebhookDelivery)
webhook_endpoint = table_of(WebhookEndpoint)
webhook_secret = table_of(WebhookSecret)

__all__ = [
    "LOOKUPS",
    "AppUser",
    "AuditEntryRow",
    "Body",
    "CalendarDay",
    "CalendarFeed",
    "CaseCounter",
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
    "app_user",
    "body",
    "calendar_day",
    "calendar_feed",
    "case_counter",
    "case_reason",
    "case_record",
    "case_revision",
    "consumer_cursor",
    "dead_letter",
    "deed",
    "delivery",
    "inbox_message",
    "lease",
    "metadata",
    "outbox",
    "reconcile_run",
    "season",
    "season_change",
    "table_of",
    "transition",
    "unit",
    "user_channel",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "webhook_secret",
]
