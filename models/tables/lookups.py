"""Lookup tables: the values that a column may hold, as rows. Another value is one INSERT."""

from collections.abc import Mapping

from sqlalchemy import Column, String, Table
from sqlmodel import SQLModel

from models.audit.entries import EntryKind
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State
from models.notifications.delivery import Channel, DeliveryStatus
from models.stream.dead_letters import DeadLetterStatus
from models.webhooks.status import EndpointStatus, WebhookStatus

KNOWN: Mapping[str, tuple[str, ...]] = {
    "actor_role": tuple(Role),
    "audit_entry_kind": tuple(EntryKind),
    "body_kind": ("province", "corps", "central"),
    "case_action": tuple(Action),
    "case_state": tuple(State),
    "dead_letter_status": tuple(DeadLetterStatus),
    "delivery_status": tuple(DeliveryStatus),
    "user_channel_kind": (Channel.CHAT, Channel.SMS),
    "webhook_endpoint_status": tuple(EndpointStatus),
    "webhook_status": tuple(WebhookStatus),
}
"""Each lookup table with the values that the code knows; the migrations insert them."""

LOOKUPS = tuple(
    Table(name, SQLModel.metadata, Column("name", String(40), primary_key=True)) for name in KNOWN
)
