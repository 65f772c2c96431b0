"""Leases: who may do what only one process may do at a time."""

import os
import socket
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from models import tables
from models.store.engine import transaction

_lease = tables.lease.c


def this_process() -> str:
    """Return a name for a holder of leases that tells whether the holder still lives."""
    return f"{socket.gethostname()}:{os.getpid()}"


def take_lease(engine: Engine, name: str, holder: str, now: datetime, seconds: float) -> bool:
    """Take or renew a lease; return whether it is held now.

    A lease becomes free when it expires, or at once when its holder died on this machine. One
    that ends further off than two of its length was written by a wrong clock, and is free.
    """
    lease = {"holder": holder, "expires_at": now + timedelta(seconds=seconds)}
    try:
        with transaction(engine) as connection:
            found = connection.execute(
                select(_lease.holder, _lease.expires_at)
                .where(_lease.name == name)
                .with_for_update()
            ).one_or_none()
            if found is None:
                connection.execute(insert(tables.lease), {"name": name, **lease})
            elif (
                found.holder == holder
                or not now < found.expires_at <= now + timedelta(seconds=2 * seconds)
                or _died(found.holder)
            ):
                connection.execute(update(tables.lease).where(_lease.name == name).values(**lease))
            else:
                return False
    except IntegrityError:  # another process was first
        return False
    return True


def release_lease(engine: Engine, name: str, holder: str) -> None:
    """Give up a lease before it expires, so that the next holder need not wait."""
    with transaction(engine) as connection:
        connection.execute(delete(tables.lease).where(_lease.name == name, _lease.holder == holder))


def _died(holder: str) -> bool:
    host, _, process = holder.rpartition(":")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
