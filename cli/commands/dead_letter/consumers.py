"""What each consumer does with an event that it gave up and gets once more."""

from collections.abc import Callable, Mapping
from functools import partial

from sqlalchemy import Engine

from models.refusals import Refused
from models.stream.incoming import IncomingEvent
from models.stream.names import Durable
from services.stream.dead_letter_retry import HandleMessage
from services.stream.recorded_events import misfits_on_record, recorded_events
from workers.notify.handler import NotifyHandler
from workers.stream.incoming import UnreadableError, read_event
from workers.webhook.handler import WebhookHandler


def consumers(engine: Engine) -> Mapping[str, HandleMessage]:
    """Return how each consumer handles an event again. The audit gives up no event of ours."""
    unordered = NotifyHandler(engine)

    def at_once(event: IncomingEvent) -> None:
        unordered.apply([event])

    return {
        Durable.WEBHOOK: _hand_over(engine, partial(_in_order, engine, WebhookHandler(engine))),
        Durable.NOTIFY: _hand_over(engine, at_once),
        Durable.AUDIT: _hand_over(engine, _never),
    }


def _in_order(engine: Engine, ordered: WebhookHandler, event: IncomingEvent) -> None:
    """Handle the earlier events of the case first.

    Raises:
        Refused: `events_missing`: some of them are nowhere.
    """
    case_id, seq = event.event.data.case_id, event.event.data.seq
    first = ordered.last_seq(case_id) + 1
    for earlier in recorded_events(engine, ordered.name, case_id, first, seq - 1):
        if earlier.discarded:
            ordered.skip(earlier.incoming())
        else:
            ordered.apply([earlier.incoming()])
    if ordered.apply([event]):
        message = (
            f"案例 {case_id} 在这一事件之前还有事件没有办理，记录中又读不到，不能越过补办。"
            "请先用 tuixuan audit verify 查明缺了什么。"
        )
        raise Refused("events_missing", message)


def _never(_event: IncomingEvent) -> None:
    """Refuse: the audit sets aside only what the record does not know.

    Raises:
        Refused: `not_on_record`.
    """
    message = "记录中没有这一事件，不能补入审计。查明来由后可用 tuixuan dead-letter drop 放弃。"
    raise Refused("not_on_record", message)


def _hand_over(engine: Engine, apply: Callable[[IncomingEvent], None]) -> HandleMessage:
    def hand_over(subject: str, data: bytes, stream_seq: int) -> None:
        try:
            event = read_event(subject, data, stream_seq)
        except UnreadableError as error:
            message = "这不是推选系统的事件，无法补办。可用 tuixuan dead-letter drop 放弃。"
            raise Refused("unreadable_event", message) from error
        [why] = misfits_on_record(engine, [event])
        if why is not None:
            message = (
                f"这一事件与办理记录不符（{why}），不能补办。"
                "查明来由后可用 tuixuan dead-letter drop 放弃。"
            )
            raise Refused("foreign_event", message)
        apply(event)

    return hand_over
