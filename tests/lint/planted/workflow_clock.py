# check: lint
# at: workflows/planted.py
# says: `datetime.datetime.now` is banned
# says: `datetime.datetime.utcnow` is banned
# says: DTZ003
"""A workflow that would replay differently."""

import datetime


def when() -> tuple[datetime.datetime, datetime.datetime]:
    """Return two readings of the machine's clock."""
    return datetime.datetime.now(datetime.UTC), datetime.datetime.utcnow()
