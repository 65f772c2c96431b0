"""Who may do what on our own NATS server: a user for each role, and their passwords.

Only the relay publishes events. A consumer makes, reads and answers its own durable and no other.
Each user hears the answers to its own questions alone.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from models.stream.names import ADVISORIES, EVENTS, SUBJECTS, Durable


class NatsUser(StrEnum):
    """A user of our own server.

    `operator`: the commands of those who operate the stack; `probe`: asks whether it serves;
    `system`: asks the server about itself.
    """

    RELAY = "relay"
    AUDIT = "audit"
    NOTIFY = "notify"
    WEBHOOK = "webhook"
    RECONCILE = "reconcile"
    OPERATOR = "operator"
    PROBE = "probe"
    SYSTEM = "system"


class NatsLogin(NamedTuple):
    """Where a server is, and as whom to connect; None: as the address says."""

    url: str
    user: NatsUser | None = None
    password: str | None = None

    def options(self) -> dict[str, Any]:
        """Return what the client's `connect` takes beside the address."""
        if self.user is None:
            return {}
        given = {"user": self.user.value, "password": self.password}
        return {**given, "inbox_prefix": inbox(self.user).encode()}


HEALTH = "$SYS.REQ.SERVER.PING.HEALTHZ"
"""Where the server is asked about itself."""
_API = "$JS.API"
_BOTH = (EVENTS, ADVISORIES)
_LOOK = (f"{_API}.INFO", *(f"{_API}.STREAM.INFO.{each}" for each in _BOTH))
_MAKE = tuple(f"{_API}.STREAM.{verb}.{each}" for verb in ("CREATE", "UPDATE") for each in _BOTH)
_READ = tuple(f"{_API}.STREAM.MSG.GET.{each}" for each in _BOTH)
_CONSUMERS = f"{_API}.CONSUMER.INFO.{EVENTS}.*"
_TIDY = f"{_API}.STREAM.MSG.DELETE.{ADVISORIES}"
_OPERATE = (*_LOOK, *_MAKE, *_READ, _CONSUMERS, _TIDY)


def _consume(durable: Durable) -> tuple[str, ...]:
    one = f"{EVENTS}.{durable}"
    return (
        *_LOOK,
        f"{_API}.CONSUMER.CREATE.{one}",
        f"{_API}.CONSUMER.CREATE.{one}.>",
        f"{_API}.CONSUMER.DURABLE.CREATE.{one}",
        f"{_API}.CONSUMER.INFO.{one}",
        f"{_API}.CONSUMER.MSG.NEXT.{one}",
        f"$JS.ACK.{one}.>",
        f"$JS.ACK.*.*.{one}.>",  # as newer servers may spell it
    )


MAY_PUBLISH: Mapping[NatsUser, Sequence[str]] = {
    NatsUser.RELAY: (*_LOOK, *_MAKE, f"{_API}.STREAM.MSG.GET.{EVENTS}", SUBJECTS),
    NatsUser.AUDIT: _consume(Durable.AUDIT),
    NatsUser.NOTIFY: _consume(Durable.NOTIFY),
    NatsUser.WEBHOOK: _consume(Durable.WEBHOOK),
    NatsUser.RECONCILE: _OPERATE,
    NatsUser.OPERATOR: _OPERATE,
    NatsUser.PROBE: (*_LOOK, _CONSUMERS),
    NatsUser.SYSTEM: (HEALTH,),
}
"""To which subjects each user may send: questions to JetStream, answers, events."""


def inbox(user: NatsUser) -> str:
    """Return the beginning of the subjects to which answers to a user come."""
    return f"_INBOX_{user}"


def passwords(path: Path, url: str) -> dict[NatsUser, str]:
    """Return the passwords of our own server; make them first where there are none.

    Args:
        path: Where they are kept.
        url: Where the server is; its passwords are told to no other.
    """
    known = _read(path)
    if known.url != url or known.of.keys() != set(NatsUser):
        of = {user: known.of.get(user) or secrets.token_urlsafe(24) for user in NatsUser}
        known = _Known(url, of)
        write_private(path, json.dumps(known._asdict(), indent=1))
    return known.of


def login(url: str, user: NatsUser, path: Path) -> NatsLogin:
    """Return how to connect to a server.

    Args:
        url: The server.
        user: As whom, if it is our own.
        path: Where the passwords of our own are kept.
    """
    known = _read(path)
    ours = known.url == url and user in known.of
    return NatsLogin(url, user, known.of[user]) if ours else NatsLogin(url)


def access(known: Mapping[NatsUser, str]) -> str:
    """Return who may connect and what each may do, as the server reads it."""
    ours = ", ".join(_entry(user, known[user]) for user in NatsUser if user is not NatsUser.SYSTEM)
    system = _entry(NatsUser.SYSTEM, known[NatsUser.SYSTEM])
    return f"authorization {{ users: [{ours}] }}\naccounts {{ $SYS {{ users: [{system}] }} }}\n"


def _entry(user: NatsUser, password: str) -> str:
    permissions = {"publish": MAY_PUBLISH[user], "subscribe": [f"{inbox(user)}.>"]}
    return json.dumps({"user": user, "password": password, "permissions": permissions})


class _Known(NamedTuple):
    """The passwords of a folder's server. `url`: where it is; None: it never ran."""

    url: str | None
    of: dict[NatsUser, str]


def _read(path: Path) -> _Known:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        of = {NatsUser(user): str(password) for user, password in found["of"].items()}
        return _Known(found["url"], of)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _Known(None, {})


def write_private(path: Path, text: str) -> None:
    """Replace a file, in one step, by one that its owner alone reads."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
