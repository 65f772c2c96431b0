"""A stream, a database and processes that fail as a seed says; the code between is the real one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any, NoReturn

from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import PubAck, RawStreamMsg
from nats.js.errors import NotFoundError, ServiceUnavailableError
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from models.stream.incoming import IncomingEvent
from models.stream.names import EVENTS
from workers.audit import AuditHandler
from workers.stream.consumer import Consumer
from workers.stream.handing_over import InOrder
from workers.stream.pace import ConsumerPace
from workers.stream.relay import Relay

FULL = "maximum messages per subject exceeded"


class Killed(BaseException):
    """The process is gone at this very point."""


@dataclass
class Faults:
    """What goes wrong, and how often. `rate` 0 heals the world."""

    chance: Random
    rate: float = 0.1

    def strike(self) -> bool:
        return self.chance.random() < self.rate


@dataclass
class Message:
    """A message of the stream as a consumer holds it."""

    stream: "FakeStream"
    place: int
    delivered: int

    @property
    def subject(self) -> str:
        return self.stream.log[self.place - 1][0]

    @property
    def data(self) -> bytes:
        return self.stream.log[self.place - 1][1]

    @property
    def metadata(self) -> SimpleNamespace:
        return SimpleNamespace(
            sequence=SimpleNamespace(stream=self.place), num_delivered=self.delivered
        )

    async def ack_sync(self, timeout: float) -> None:  # noqa: ASYNC109 - as in nats.py
        del timeout
        if self.stream.faults.strike():
            raise NatsTimeoutError
        self.stream.unacknowledged.discard(self.place)
        if self.stream.faults.strike():
            raise NatsTimeoutError

    async def nak(self, delay: float | None = None) -> None:
        del delay

    async def in_progress(self) -> None:
        if self.stream.faults.strike():
            raise NatsTimeoutError

    async def term(self) -> NoReturn:
        raise AssertionError("the audit gives nothing up")


@dataclass
class FakeStream:
    """JetStream as we configure it: one message a subject, ids that are forgotten some time."""

    faults: Faults
    log: list[tuple[str, bytes]] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    unacknowledged: set[int] = field(default_factory=set)
    delivered: Counter[int] = field(default_factory=Counter)

    async def publish(
        self, subject: str, payload: bytes, headers: dict[str, str], **_: Any
    ) -> PubAck:
        if self.faults.strike():
            raise NatsTimeoutError
        known = self.ids.get(headers["Nats-Msg-Id"])
        if known is None and subject in dict(self.log):
            raise ServiceUnavailableError(code=503, err_code=10077, description=FULL)
        if known is None:
            self.log.append((subject, payload))
            known = self.ids[headers["Nats-Msg-Id"]] = len(self.log)
            self.unacknowledged.add(known)
            ack = PubAck(stream=EVENTS, seq=known)
        else:
            ack = PubAck(stream=EVENTS, seq=known, duplicate=True)
        if self.faults.strike():
            raise NatsTimeoutError
        return ack

    async def get_last_msg(self, stream: str, subject: str) -> RawStreamMsg:
        del stream
        if self.faults.strike():
            raise NatsTimeoutError
        for place, (name, data) in enumerate(self.log, start=1):
            if name == subject:
                return RawStreamMsg(subject=name, seq=place, data=data)
        raise NotFoundError

    def deliver(self, most: int) -> Iterator[Message]:
        """Hand out some of what is not acknowledged; in order only if the world is healed."""
        places = sorted(self.unacknowledged)
        if self.faults.rate:
            places = self.faults.chance.sample(places, min(most, len(places)))
        for place in places:
            self.delivered[place] += 1
            yield Message(self, place, self.delivered[place])


class MortalRelay(Relay):
    """Dies between publish and mark, or after it."""

    faults: Faults

    async def _settle(self, batch: Any) -> None:
        if self.faults.strike():
            raise Killed
        await super()._settle(batch)
        if self.faults.strike():
            raise Killed


class MortalHandler(AuditHandler):
    """Dies, or loses its database, before and after its effect."""

    faults: Faults

    def apply(self, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
        self._perhaps()
        early = super().apply(events)
        self._perhaps()
        return early

    def _perhaps(self) -> None:
        if self.faults.strike():
            raise Killed
        if self.faults.strike():
            raise database_gone()


def database_gone() -> OperationalError:
    return OperationalError("a statement", {}, ConnectionError("gone"))


def break_engine(engine: Engine, faults: Faults) -> None:
    """Let statements and commits fail."""

    def perhaps(*_: Any) -> None:
        if faults.chance.random() < faults.rate / 10:
            raise database_gone()

    event.listen(engine, "before_cursor_execute", perhaps)
    event.listen(engine, "commit", perhaps)


def consumer(
    stream: FakeStream, handler: AuditHandler, record: Engine, stop: Any, gap: float
) -> Consumer:
    """The real consumer of a handler; messages are handed to its `take`."""
    pace = ConsumerPace(redeliver=0, gap=gap, backoff=0)
    js: Any = stream
    return Consumer(js, InOrder(handler, record), record, stop, pace)
