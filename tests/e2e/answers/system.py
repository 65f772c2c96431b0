"""Answers about the system itself; some of them after something was broken."""

import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from nats.js import JetStreamContext
from sqlalchemy import select, update
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus

from models.store.engine import transaction
from models.stream.names import EVENTS
from models.tables import Delivery, InboxMessage, table_of
from services.clock import now
from tests.e2e.answers.registry import answers
from tests.e2e.driving import ACCEPT, RECOMMEND, SUBMIT, act
from tests.e2e.operations import FUJIAN, SEASON, Connections, Question
from tests.slack import slack
from workers.processes import WorkerRole
from workers.servers.nats_users import NatsUser
from workflows import names

PROCESSES = ["temporal", "nats", *WorkerRole]


def as_notify[T](office: Connections, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
    """Run a coroutine with JetStream, as the notify consumer."""

    async def run() -> T:
        connection = await office.stack.nats(NatsUser.NOTIFY)
        try:
            return await work(connection.jetstream())
        finally:
            await connection.close()

    return asyncio.run(run())


@answers("Is everything running?")
def running(office: Connections, question: Question) -> None:
    status = office.command(question)
    assert status["ready"] is True
    assert sorted(each["name"] for each in status["processes"]) == sorted(PROCESSES)


@answers("Is the relay behind?")
def relay_behind(office: Connections, question: Question) -> None:
    assert office.cases
    relay = office.stack.kill("relay", signal.SIGSTOP)
    case_id = office.case("积压", SUBMIT)
    behind = office.command(question)
    assert behind["waiting"] == 1
    assert behind["oldest_seconds"] > 0
    office.stack.kill("relay", signal.SIGCONT)
    office.stack.wait_until(lambda: office.command(question)["waiting"] == 0, what="drained")
    assert office.command(question)["oldest_seconds"] == 0
    assert office.stack.pid("relay") == relay
    assert office.stack.json("event", "show", f"{case_id}:1")["published_at"]


def dead_letter(office: Connections, title: str) -> str:
    """Let the notify consumer give an event up; return the event's id."""
    assert office.cases
    office.stack.kill("notify", signal.SIGSTOP)

    async def nobody_asks(js: JetStreamContext) -> bool:
        return not (await js.consumer_info(EVENTS, "notify")).num_waiting

    async def give_up(js: JetStreamContext) -> None:
        subscription = await js.pull_subscribe_bind(durable="notify", stream=EVENTS)
        [message] = await subscription.fetch(1, timeout=slack(30))
        await message.respond(b"+TERM KeyError('template')")

    office.stack.wait_until(lambda: as_notify(office, nobody_asks), what="its requests expired")
    case_id = office.case(title, SUBMIT)
    as_notify(office, give_up)
    office.stack.kill("notify", signal.SIGCONT)
    return f"{case_id}:1"


def letters(office: Connections) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.stack.json("dead-letter", "list")["items"]
    return found


@answers("Which events did a consumer give up?")
def new_letter(office: Connections, question: Question) -> None:
    event_id = dead_letter(office, "死信")
    [letter] = office.stack.wait_until(
        lambda: [each for each in office.command(question)["items"] if each["event_id"] == event_id]
    )
    assert letter["consumer"] == "notify"
    assert letter["why"] == "KeyError('template')"


@answers("How do I re-drive a dead letter?")
def driven_again(office: Connections, question: Question) -> None:
    event_id = dead_letter(office, "死信补办")
    [letter] = office.stack.wait_until(
        lambda: [each for each in letters(office) if each["event_id"] == event_id]
    )
    way = office.stack.json("event", "show", event_id)
    assert way["told"] == []
    office.command(question, LETTER=letter["id"])
    way = office.stack.json("event", "show", event_id)
    assert FUJIAN in [each["user"] for each in way["told"]]
    assert letter not in letters(office)


def agreed(office: Connections, question: Question) -> None:
    """Repeat the answer until all four agree: the audit is a moment behind."""
    _, *words = question.block.split()

    def ask() -> bool:
        return office.stack.run(*words, "--output", "json", check=False).returncode == 0

    office.stack.wait_until(ask, what="the four agree")
    assert office.command(question)["ok"] is True


@answers("Do the four stores agree?")
def agreeing(office: Connections, question: Question) -> None:
    assert office.cases
    agreed(office, question)
    report = office.command(question)
    assert report["differences"] == []
    assert report["cases"] >= len(office.cases)


@answers("Is the audit whole?")
def audit_whole(office: Connections, question: Question) -> None:
    assert office.cases
    report = office.command(question)
    assert report["ok"] is True
    assert report["records"] > 0
    assert report["problems"] == []


def differences(report: dict[str, Any], case_id: str) -> list[tuple[str, bool]]:
    found = [each for each in report["differences"] if each["case_id"] == case_id]
    return [(each["kind"], each["repaired"]) for each in found]


def reset(office: Connections, case_id: str) -> None:
    """Take a workflow back to its beginning, as one can in the UI, and let go of its updates."""

    async def run(client: Client) -> None:
        await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=names.NAMESPACE,
                workflow_execution=WorkflowExecution(workflow_id=names.case_workflow_id(case_id)),
                reason="by mistake",
                request_id=f"reset {case_id}",
                workflow_task_finish_event_id=4,
                reset_reapply_exclude_types=[
                    ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE
                ],
            )
        )

    office.stack.ask_temporal(run)


@answers("A workflow was reset by mistake.")
def was_reset(office: Connections, question: Question) -> None:
    assert office.cases
    case_id = office.case("误重置", SUBMIT, ACCEPT)
    agreed(office, question)
    reset(office, case_id)
    assert office.snapshot(case_id)["seq"] == 0
    assert differences(office.command(question), case_id) == [("workflow_behind", True)]
    assert office.snapshot(case_id)["seq"] == 2
    assert act(office.stack, case_id, RECOMMEND)["seq"] == 3


@answers("A workflow was terminated by mistake.")
def was_terminated(office: Connections, question: Question) -> None:
    assert office.cases
    case_id = office.case("误终止", SUBMIT)
    before = office.snapshot(case_id)

    async def terminate(client: Client) -> None:
        await client.get_workflow_handle(names.case_workflow_id(case_id)).terminate()

    async def status(client: Client) -> WorkflowExecutionStatus | None:
        handle = client.get_workflow_handle(names.case_workflow_id(case_id))
        return (await handle.describe()).status

    office.stack.ask_temporal(terminate)
    code, name, _ = office.stack.refused("case", *ACCEPT[:1], case_id, *ACCEPT[1:])
    assert (code, name) == (69, "workflow_missing")
    done = office.stack.run("reconcile", "--output", "json", check=False)
    assert done.returncode == 3
    agreed(office, question)
    assert office.stack.ask_temporal(status) is WorkflowExecutionStatus.RUNNING
    assert office.snapshot(case_id) == before
    assert act(office.stack, case_id, ACCEPT)["seq"] == 2


@answers("How do I stop the system without losing anything?")
def stopped(office: Connections, question: Question) -> None:
    case_id = office.cases["waits"]
    before = office.position(case_id)
    assert office.command(question)["stopped"] is True
    assert office.stack.status()["ready"] is False
    assert office.position(case_id) == before


@answers("How do I start it again?")
def started(office: Connections, question: Question) -> None:
    cases = office.cases
    office.stack.down()
    assert office.command(question)["ready"] is True
    snapshot = office.snapshot(cases["waits"])
    assert (snapshot["state"], snapshot["seq"]) == office.position(cases["waits"])


@answers("Temporal's store was lost.")
def store_lost(office: Connections, question: Question) -> None:
    if office.stack.status()["ready"]:
        _ = office.cases
    office.stack.down()
    shutil.rmtree(office.stack.places.temporal_db.parent)
    office.stack.up()
    case_id = office.cases["waits"]
    code, name, _ = office.stack.refused("case", "recommend", case_id)
    assert (code, name) == (69, "workflow_missing")
    agreed(office, question)
    snapshot = office.snapshot(case_id)
    assert (snapshot["state"], snapshot["seq"]) == office.position(case_id)
    assert act(office.stack, case_id, RECOMMEND)["state"] == "formal_check"


@answers("NATS's store was lost.")
def stream_lost(office: Connections, question: Question) -> None:
    if not office.stack.status()["ready"]:
        office.stack.up()
    case_id = office.cases["waits"]
    told = office.stack.json("event", "show", f"{case_id}:1")["told"]
    office.stack.down()
    shutil.rmtree(office.stack.places.nats_store)
    office.stack.up()
    done = office.command(question)
    assert (done["ok"], done["waiting"]) == (True, 0)
    assert done["messages"] >= 1
    agreed_now = office.stack.run("reconcile", "--output", "json", check=False)
    assert agreed_now.returncode == 0, agreed_now.stdout
    assert office.stack.json("event", "show", f"{case_id}:1")["told"] == told


def age(office: Connections, case_id: str) -> int:
    """Let what people were told of a case be two years old: the command goes by the clock.

    Returns:
        How many messages there are.
    """
    long_ago = now() - timedelta(days=2 * 366)
    messages, deliveries = table_of(InboxMessage), table_of(Delivery)
    mine = select(messages.c.id).where(messages.c.case_id == case_id)
    with transaction(office.stack.engine) as connection:
        ids = connection.scalars(mine).all()
        connection.execute(update(messages).where(messages.c.id.in_(ids)).values(at=long_ago))
        left = update(deliveries).where(deliveries.c.message_id.in_(ids))
        connection.execute(left.values(next_attempt_at=long_ago, sent_at=long_ago))
    return len(ids)


@answers("What may be removed now, and how?")
def removable(office: Connections, question: Question) -> None:
    if not office.stack.status()["ready"]:
        office.stack.up()
    assert office.cases
    case_id = office.case("到期", SUBMIT, ("withdraw",))

    def due() -> dict[str, int]:
        shown = office.command(question, SEASON=SEASON)
        return {each["name"]: each["due"] for each in shown["items"]}

    def told() -> bool:
        every = [office.stack.json("event", "show", f"{case_id}:{seq}")["told"] for seq in (1, 2)]
        waiting = office.stack.json("delivery", "list", "--status", "waiting")["items"]
        return all(every) and case_id not in str(waiting)

    none = dict.fromkeys(("forms", "reasons", "messages", "webhooks", "addresses"), 0)
    assert due() == none
    office.stack.wait_until(told, what="people were told, also by mail")
    old = age(office, case_id)
    assert due() == {**none, "messages": old}
    office.stack.json("retention", "apply", SEASON, "--dry-run")
    assert due() == {**none, "messages": old}
    office.stack.json("retention", "apply", SEASON, "--yes")
    assert due() == none
    [entry] = office.stack.json("audit", "entries", "--kind", "removal")["items"]
    assert (entry["object"], entry["action"]) == (f"{case_id}/messages", "retention.messages")
    [*messages] = office.stack.json("inbox", FUJIAN)["items"]
    assert {each["text"] for each in messages if each["case_id"] == case_id} == {""}
    assert office.stack.json("audit", "verify")["ok"] is True
    done = office.stack.run("reconcile", "--output", "json", check=False)
    assert done.returncode == 0, done.stdout
