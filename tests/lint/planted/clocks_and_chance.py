# check: lint
# at: models/planted.py
# says: `datetime.datetime.now` is banned
# says: `datetime.date.today` is banned
# says: `time.time` is banned
# says: `uuid` is banned
# says: `ulid` is banned
# says: `random` is banned
# says: `secrets` is banned
"""Reads clocks and throws dice where only arguments may say."""

import random
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import ulid


@dataclass(frozen=True)
class Planted:
    """A message."""

    id: UUID = field(default_factory=uuid4)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    day: date = field(default_factory=date.today)
    seconds: float = field(default_factory=time.time)
    dice: float = field(default_factory=random.random)
    token: str = field(default_factory=secrets.token_hex)
    name: str = field(default_factory=lambda: str(ulid.ULID()))
