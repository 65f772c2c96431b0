"""Answers about webhooks, with a receiver on the loopback that answers as it is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from services.clock import now
from tests.e2e.answers.registry import answers, at
from tests.e2e.driving import SUBMIT
from tests.e2e.operations import SEASON, Connections, Question
from workers.servers.ports import LOOPBACK

GONE, OK, UNWELL = 410, 204, 500
OTHER_LOOPBACK = "127.0.0.2"
"""An address that the office does not allow at first."""

View = dict[str, Any]


class Receiver:
    """Where it listens, what it answers, and the ids of what came."""

    def __init__(self) -> None:
        self.url, self.status = "", OK
        self.ids: list[str] = []


@contextmanager
def receiving(host: str = LOOPBACK) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            receiver.ids.append(self.headers["webhook-id"])
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((host, 0), Handler) as server:
        receiver.url = f"http://{host}:{server.server_address[1]}/"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@contextmanager
def endpoint(office: Connections, host: str = LOOPBACK) -> Iterator[tuple[Receiver, str]]:
    """An endpoint of the office's season, and its receiver."""
    assert office.cases
    with receiving(host) as receiver:
        added = office.stack.json("webhook", "add", SEASON, receiver.url, "--yes")["id"]
        yield receiver, added
        office.stack.json("webhook", "remove", added, "--yes")


def listed(office: Connections, question: Question, name: str) -> View:
    items = office.command(question, SEASON=SEASON)["items"]
    [found] = [each for each in items if each["id"] == name]
    return dict(found)


def wait(office: Connections, condition: Callable[[], Any]) -> None:
    office.stack.wait_until(condition, what="the receiver hears")


@answers("Which receivers do not accept their webhooks?")
def not_taking(office: Connections, question: Question) -> None:
    with endpoint(office) as (receiver, name):
        receiver.status = UNWELL
        assert listed(office, question, name)["failing_since"] is None
        office.case("回调失败", SUBMIT)
        wait(office, lambda: listed(office, question, name)["failing_since"])
        found = listed(office, question, name)
        assert (found["status"], found["waiting"] > 0, found["failed"]) == ("active", True, 0)


@answers("Why was a webhook not delivered?")
def why_not(office: Connections, question: Question) -> None:
    with endpoint(office) as (receiver, name):
        receiver.status = UNWELL
        case_id = office.case("回调原因", SUBMIT)

        def tried() -> list[View]:
            items = office.command(question, ENDPOINT=name)["items"]
            mine = [each for each in items if each["event_id"] == f"{case_id}:1"]
            return [each for each in mine if each["attempts"]]

        wait(office, tried)
        [found] = tried()
        assert (found["status_code"], found["error"]) == (UNWELL, "answered 500")
        assert found["latency_ms"] >= 0
        assert office.stack.json("webhook", "attempts", found["id"])["items"]


@answers("How do I send webhooks again?")
def replayed(office: Connections, question: Question) -> None:
    with endpoint(office) as (receiver, name):
        before = now() - timedelta(seconds=1)
        event_id = f"{office.case('回调重发', SUBMIT)}:1"
        wait(office, lambda: event_id in receiver.ids)
        wait(office, lambda: not listed_waiting(office, name))
        again = office.command(question, ENDPOINT=name, SINCE=at(before))
        assert again["deliveries"] >= 1
        wait(office, lambda: receiver.ids.count(event_id) == 2)


def listed_waiting(office: Connections, name: str) -> list[View]:
    found = office.stack.json("webhook", "deliveries", name, "--status", "waiting")
    return list(found["items"])


@answers("A webhook was switched off.")
def resumed(office: Connections, question: Question) -> None:
    with endpoint(office) as (receiver, name):
        receiver.status = GONE
        event_id = f"{office.case('回调停用', SUBMIT)}:1"

        def status() -> str:
            items = office.stack.json("webhook", "list", SEASON)["items"]
            return str({each["id"]: each["status"] for each in items}[name])

        wait(office, lambda: status() == "disabled")
        told = office.stack.json("inbox", f"{SEASON}-organiser")["items"]
        assert name in told[0]["text"]
        receiver.status = OK
        assert office.command(question, ENDPOINT=name)["status"] == "active"
        wait(office, lambda: receiver.ids.count(event_id) >= 2)


@answers("How do receivers inside our own network get webhooks?")
def inside(office: Connections, question: Question) -> None:
    with endpoint(office, OTHER_LOOPBACK) as (receiver, name):
        refused = office.stack.run(*question.filled(ENDPOINT=name).split()[1:], check=False)
        assert refused.returncode == 3
        assert "private, local or reserved" in refused.stdout
        office.stack.down()
        office.stack.environ["TUIXUAN_WEBHOOK__ALLOWED_NETWORKS"] = f"{LOOPBACK}/32,127.0.0.2/32"
        office.stack.up()
        assert office.command(question, ENDPOINT=name)["status"] == "delivered"
        assert receiver.ids
