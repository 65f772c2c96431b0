"""What the commands of `tuixuan dead-letter` do."""

import asyncio
import getpass
from collections.abc import Callable, Mapping

from nats.errors import Error as NatsError
from sqlalchemy import Engine

from cli.connections.databases import record
from cli.connections.services import quiet_logs
from cli.connections.stream import stream
from cli.frame.options import options
from cli.frame.output import say, show
from models.cases.events import CaseEvent
from models.refusals import Refused
from models.stream.dead_letters import DeadLetterStatus
from models.stream.names import ADVISORIES
from services.stream import dead_letters
from services.stream.advisories import take_up
from services.stream.dead_letters import DeadLetterView, HandOver
from services.unavailable import Unavailable
from workers.notify.handler import NotifyHandler
from workers.stream.consumer import Handler
from workers.stream.incoming import UnreadableError, announced_on_record, read_event
from workers.webhook.handler import WebhookHandler

COLUMNS = {
    "id": "编号",
    "consumer": "消费者",
    "event_id": "事件",
    "why": "原因",
    "deliveries": "次数",
    "at": "时间",
    "status": "状态",
}


def list_all(*, settled: bool) -> None:
    """Show the dead letters; first those are put on record of which only the server knows."""
    with record() as engine:
        asyncio.run(_take_up(engine))
        items = dead_letters.list_letters(engine, None if settled else DeadLetterStatus.OPEN)
    show({"items": items, "next_cursor": None}, COLUMNS)


def show_one(letter_id: str) -> None:
    """Show one of them."""
    with record() as engine:
        show(dead_letters.read_letter(engine, letter_id))


def retry_one(letter_id: str) -> None:
    """Try one of them once more."""
    with record() as engine:
        show(asyncio.run(_retry(engine, letter_id)))
    say("已补办。")


def drop_one(letter_id: str, reason: str) -> None:
    """Put on record that one of them is not to be done."""
    with record() as engine:
        show(dead_letters.discard(engine, letter_id, _somebody(), reason))
    say("已记录：不再办理。")


def consumers(engine: Engine) -> Mapping[str, HandOver]:
    """Return what each consumer that gives events up does with one. The audit never does."""
    ordered = WebhookHandler(engine)
    unordered: Handler = NotifyHandler(engine)

    def in_order(event: CaseEvent, body: str, stream_seq: int) -> None:
        """Do what was given up before it as well: the cursor would pass that by for ever."""
        case_id, seq = event.data.case_id, event.data.seq
        first = ordered.last_seq(case_id) + 1
        without = dead_letters.discarded_seqs(engine, ordered.name, case_id)
        for text in announced_on_record(engine, case_id, first, seq - 1):
            earlier = CaseEvent.model_validate_json(text)
            if earlier.data.seq in without:
                ordered.pass_over(earlier)
            else:
                ordered.apply(earlier, text, 0)
        ordered.apply(event, body, stream_seq)

    return {ordered.name: _hand_over(in_order), unordered.name: _hand_over(unordered.apply)}


def _hand_over(apply: Callable[[CaseEvent, str, int], None]) -> HandOver:
    def hand_over(subject: str, data: bytes, stream_seq: int) -> None:
        try:
            event, body = read_event(subject, data)
        except UnreadableError as error:
            message = "这不是推选系统的事件，无法补办。可用 tuixuan dead-letter drop 放弃。"
            raise Refused("unreadable_event", message) from error
        apply(event, body, stream_seq)

    return hand_over


async def _take_up(engine: Engine) -> None:
    quiet_logs()
    try:
        async with stream(options().settings(), "dead-letter") as js:
            await take_up(engine, js, ADVISORIES)
    except (Unavailable, NatsError):
        say("NATS 没有应答：只列出记录中已有的死信。")


async def _retry(engine: Engine, letter_id: str) -> DeadLetterView:
    quiet_logs()
    work = consumers(engine)
    try:
        async with stream(options().settings(), "dead-letter") as js:
            return await dead_letters.retry(engine, letter_id, work, js, _somebody())
    except Unavailable:
        return await dead_letters.retry(engine, letter_id, work, None, _somebody())


def _somebody() -> str:
    """Return who sits at this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
