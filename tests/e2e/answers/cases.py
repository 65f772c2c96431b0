"""Answers about the cases, and about one of them."""

from datetime import timedelta

from temporalio.client import Client

from services.clock import now
from tests.e2e.answers.registry import answers, at
from tests.e2e.operations import LATE, Connections, Question, parsed
from workflows import names


@answers("Which cases of Fujian wait longest?")
def waiting_longest(office: Connections, question: Question) -> None:
    cases = office.cases
    found = [item["id"] for item in office.command(question)["items"]]
    assert found[:2] == [cases["longest"], cases["waits"]]
    assert cases["ended"] not in found
    assert cases["due"] not in found


@answers("What is due this week?")
def due(office: Connections, question: Question) -> None:
    office.listed(question, office.cases["due"], UNTIL=at(now() + timedelta(days=1)))


@answers("What is overdue?")
def overdue(office: Connections, question: Question) -> None:
    office.listed(question, office.cases["overdue"])


@answers("How many cases are in each state?")
def counted(office: Connections, question: Question) -> None:
    assert office.cases
    found = office.command(question, SEASON=LATE)["items"]
    assert [(item["state"], item["cases"]) for item in found] == [
        ("formal_check", 1),
        ("expert_review", 2),
    ]


@answers("Which cases were returned more than twice?")
def returned_often(office: Connections, question: Question) -> None:
    office.listed(question, office.cases["thrice"])


@answers("Which cases of a category are in expert review?")
def in_expert_review(office: Connections, question: Question) -> None:
    office.listed(question, office.cases["expert"], SEASON=LATE)


@answers("Which case has this in its title?")
def by_title(office: Connections, question: Question) -> None:
    assert office.cases
    wanted = office.case("山海养老电视")
    assert [item["id"] for item in office.command(question)["items"]] == [wanted]


@answers("Which cases lapsed or were withdrawn since a day?")
def lapsed_or_withdrawn(office: Connections, question: Question) -> None:
    gone = office.cases["lapsed"], office.cases["ended"]
    office.listed(question, *gone, SINCE=at(now() - timedelta(days=1)))
    office.listed(question, SINCE=at(now() + timedelta(days=1)))


@answers("Where is this case, and what happened to it?")
def history(office: Connections, question: Question) -> None:
    lines = office.command(question, CASE=office.cases["twice"])["items"]
    assert [line["action"] for line in lines] == ["submit", "return_for_revision"] * 2
    assert lines[-1]["to"] == "draft"
    assert lines[-1]["reason"].startswith("（示例）")


@answers("Why is this one stuck?")
def stuck(office: Connections, question: Question) -> None:
    told = office.query(question, CASE=office.cases["waits"])
    assert "状态：推荐（`recommendation`），自 " in told
    assert "等待：推荐单位封存推荐名单" in told
    assert "审核通过：省级审核 → 推荐，推荐单位 `fujian`" in told


@answers("Which reminders are still ahead of it?")
def reminders(office: Connections, question: Question) -> None:
    snapshot = parsed(office.query(question, CASE=office.cases["waits"]))
    items = snapshot["agenda"]["items"]
    offsets = [item["offset"] for item in items]
    assert offsets == sorted(offsets, reverse=True)
    assert items[-1]["offset"] == 0
    assert items[-1]["at"] == snapshot["deadline"]


@answers("Which cases cannot go on because of a fault?")
def faulty(office: Connections, question: Question) -> None:
    workflow_id = names.case_workflow_id("case_faulty")

    async def start(client: Client) -> None:
        standing = {"no": "standing"}
        queue = names.TASK_QUEUE
        await client.start_workflow(names.CASE_WORKFLOW, standing, id=workflow_id, task_queue=queue)

    async def end(client: Client) -> None:
        await client.get_workflow_handle(workflow_id).terminate()

    office.listed(question)
    office.stack.ask_temporal(start)
    office.listed(question, "case_faulty")
    office.stack.ask_temporal(end)
