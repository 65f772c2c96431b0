"""What each consumer does with an event that it gave up and gets once more."""

from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from models.cases.events import CaseEvent
from models.refusals import Refused
from models.stream.names import Durable
from services.stream.dead_letter_retry import HandleMessage
from services.stream.recorded_events import misfit_on_record, recorded_events
from workers.notify.handler import NotifyHandler
from workers.stream.handlers import FROM_RECORD, Handler
from workers.stream.incoming import UnreadableError, read_event
from workers.webhook.handler import WebhookHandler


def consumers(engine: Engine) -> Mapping[str, HandleMessage]:
    """Return how each consumer handles an event again. The audit gives up no event of ours."""
    ordered = WebhookHandler(engine)
    unordered: Handler = NotifyHandler(engine)

    def in_order(event: CaseEvent, body: str, stream_seq: int) -> None:
        """Handle the earlier events of the case first: later the cursor would pass them by."""
        case_id, seq = event.data.case_id, event.data.seq
        first = ordered.last_seq(case_id) + 1
        for earlier in recorded_events(engine, ordered.name, case_id, first, seq - 1):
            if earlier.discarded:
                ordered.skip(earlier.event)
            else:
                ordered.apply(earlier.event, earlier.body, FROM_RECORD)
        ordered.apply(event, body, stream_seq)

    return {
        ordered.name: _hand_over(engine, in_order),
        unordered.name: _hand_over(engine, unordered.apply),
        Durable.AUDIT: _hand_over(engine, _never),
    }


def _never(_event: CaseEvent, _body: str, _stream_seq: int) -> None:
    """Refuse: the audit sets aside only what the record does not know.

    Raises:
        Refused: `not_on_record`.
    """
    message = "记录中没有这一事件，不能补入审计。查明来由后可用 tuixuan dead-letter drop 放弃。"
    raise Refused("not_on_record", message)


def _hand_over(engine: Engine, apply: Callable[[CaseEvent, str, int], None]) -> HandleMessage:
    def hand_over(subject: str, data: bytes, stream_seq: int) -> None:
        try:
            event, body = read_event(subject, data)
        except UnreadableError as error:
            message = "这不是推选系统的事件，无法补办。可用 tuixuan dead-letter drop 放弃。"
            raise Refused("unreadable_event", message) from error
        if why := misfit_on_record(engine, event, body):
            message = (
                f"这一事件与办理记录不符（{why}），不能补办。"
                "查明来由后可用 tuixuan dead-letter drop 放弃。"
            )
            raise Refused("foreign_event", message)
        apply(event, body, stream_seq)

    return hand_over
