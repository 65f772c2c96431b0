"""Publish one event for ever, and understand every answer of the stream."""

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import APIError, BadRequestError, NoStreamResponseError, NotFoundError

from models.ids import event_id
from models.stream.names import EVENTS
from services.stream.outbox import UnpublishedEvent

CONTENT_TYPE = "application/cloudevents+json"

# The server's codes, measured on 2.14.5 and 2.15.0.
MESSAGES_OR_BYTES_EXCEEDED = 10077
MESSAGE_TOO_BIG = 10054


class StreamUnavailable(Exception):
    """No event can be published now; each stays in the outbox, and is tried again."""


class StreamMissing(StreamUnavailable):
    """Nothing listens on the subject: the stream has to be created again."""


class CannotAnnounce(Exception):
    """This very event cannot be published; its case waits for somebody to look."""


async def announce(js: JetStreamContext, row: UnpublishedEvent, seconds: float) -> int:
    """Publish an event, which may have been published before; return its place in the stream.

    Args:
        js: JetStream.
        row: The event.
        seconds: How long to wait for each answer.

    Raises:
        StreamUnavailable: The server, the stream or its room is missing.
        CannotAnnounce: The event is too big, or the stream holds another one in its place.
    """
    try:
        answer = await js.publish(
            row.subject,
            row.body.encode(),
            timeout=seconds,
            stream=EVENTS,
            headers={
                Header.MSG_ID: event_id(row.case_id, row.seq),
                "Content-Type": CONTENT_TYPE,
            },
        )
    except NoStreamResponseError as error:
        raise StreamMissing("no stream listens") from error
    except MaxPayloadError as error:
        raise CannotAnnounce("larger than the server takes") from error
    except APIError as error:
        return await _understand(js, row, error)
    except (NatsError, OSError, TimeoutError) as error:
        raise StreamUnavailable(repr(error)) from error
    if answer.duplicate:
        return await _place_of_same(js, row, full=None)
    return answer.seq


async def _understand(js: JetStreamContext, row: UnpublishedEvent, error: APIError) -> int:
    """Tell a message that is there already from a stream that is full: one code for both."""
    if error.err_code == MESSAGES_OR_BYTES_EXCEEDED:
        return await _place_of_same(js, row, full=error)
    if isinstance(error, BadRequestError) and error.err_code == MESSAGE_TOO_BIG:
        raise CannotAnnounce("larger than the stream takes") from error
    raise StreamUnavailable(str(error)) from error


async def _place_of_same(js: JetStreamContext, row: UnpublishedEvent, full: APIError | None) -> int:
    """Return the place of the message under the row's subject, if it is this very event.

    Args:
        js: JetStream.
        row: The event.
        full: The answer that may mean a full stream; None if the server named a duplicate.
    """
    try:
        found = await js.get_last_msg(EVENTS, row.subject)
    except NotFoundError as error:
        if full is not None:
            raise StreamUnavailable(f"the stream is full: {full.description}") from error
        raise CannotAnnounce("its id was used under another subject") from error
    except (NatsError, OSError, TimeoutError) as error:
        raise StreamUnavailable(repr(error)) from error
    if found.data != row.body.encode() or found.seq is None:
        raise CannotAnnounce(f"the stream holds another message at {found.seq}")
    return found.seq
