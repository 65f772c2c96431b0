"""Lookup tables: the values that a column may hold, as rows. Another value is one INSERT."""

from collections.abc import Mapping

from sqlalchemy import Column, String, Table
from sqlmodel import SQLModel

from models.audit.entries import EntryKind
from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.states import State

KNOWN: Mapping[str, tuple[str, ...]] = {
    "actor_role": tuple(Role),
    "audit_entry_kind": tuple(EntryKind),
    "body_kind": ("province", "corps", "central"),
    "case_action": tuple(Action),
    "case_state": tuple(State),
    "dead_letter_status": ("open", "retried", "dropped"),
    "delivery_status": ("waiting", "sent", "failed", "dropped"),
    "user_channel_kind": ("chat", "sms"),
    "webhook_endpoint_status": ("active", "paused", "disabled"),
    "webhook_status": ("waiting", "delivered", "failed", "cancelled"),
}
"""Each lookup table with the values that the code knows; the migrations insert them."""

LOOKUPS = tuple(
    Table(name, SQLModel.metadata, Column("name", String(40), primary_key=True)) for name in KNOWN
)
