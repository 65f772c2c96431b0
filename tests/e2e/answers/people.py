"""Answers about who was told what, and about mail."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.e2e.answers.registry import answers
from tests.e2e.driving import SUBMIT
from tests.e2e.operations import FUJIAN, SEASON, Connections, Question
from tests.slack import slack


@answers("Who was notified of an event, and was the mail sent?")
def told(office: Connections, question: Question) -> None:
    assert office.cases
    office.stack.run("user", "email", FUJIAN, "fujian@example.invalid")
    case_id = office.case("告知", SUBMIT)

    def ask() -> Any:
        return office.command(question, CASE=case_id, SEQ="1")

    def mails() -> dict[str, list[str]]:
        return {each["user"]: [way["status"] for way in each["ways"]] for each in ask()["told"]}

    unit = office.stack.json("case", "show", case_id)["unit"]
    expected = {FUJIAN: ["sent"], unit: []}
    office.stack.wait_until(lambda: mails() == expected, what="the mail is sent")
    office.stack.wait_until(lambda: ask()["audit"], what="the audit has it")
    assert ask()["event"] == "submitted"
    assert ask()["stream_seq"] > 0
    happened = office.stack.json("event", "list", "--case", case_id)["items"]
    assert [(each["kind"], each["what"]) for each in happened] == [
        ("transition", "submit"), ("delivery", "mail"),
    ]  # fmt: skip
    assert case_id not in json.dumps(office.stack.json("delivery", "unreached", SEASON))


@answers("Which mails failed?")
def failed(office: Connections, question: Question) -> None:
    mail = office.failed_mail
    [found] = office.command(question)["items"]
    assert (found["id"], found["recipient"]) == (mail, FUJIAN)
    assert "no address" in found["last_error"]


@answers("How do I send a mail again?")
def sent_again(office: Connections, question: Question) -> None:
    mail = office.failed_mail
    letter = office.stack.places.mail / f"{mail}.eml"
    assert not letter.exists()
    office.stack.run("user", "email", FUJIAN, "new@example.invalid")
    office.command(question, DELIVERY=mail)
    office.stack.wait_until(letter.exists, what="the mail")
    assert b"new@example.invalid" in letter.read_bytes()


@answers("What was sent to somebody?")
def inbox(office: Connections, question: Question) -> None:
    unit = office.stack.json("case", "show", office.cases["twice"])["unit"]

    def events() -> list[str]:
        return [item["event"] for item in office.command(question, USER=unit)["items"]]

    office.stack.wait_until(lambda: len(events()) == 4, what="four messages")
    assert sorted(events()) == ["returned", "returned", "submitted", "submitted"]


@answers("How does somebody subscribe to their deadlines")
def subscribed(office: Connections, question: Question) -> None:
    case_id = office.cases["longest"]
    leaked, fresh = (office.command(question, USER=FUJIAN)["url"] for _ in range(2))

    def read(address: str) -> str:
        try:
            with urlopen(address, timeout=slack(30)) as answer:  # noqa: S310 - our own loopback
                return str(answer.read().decode())
        except HTTPError as error:
            with error:
                return str(error.code)

    assert read(leaked) == "404"
    assert f"UID:{case_id}.province_review@" in read(fresh).replace("\r\n ", "")
    _, refused, words = office.stack.refused("user", "feed", FUJIAN)
    assert refused == "feed_exists"
    assert "最近使用于" in words


@answers("Who saw a case, and who changed its form?")
def looked(office: Connections, question: Question) -> None:
    case_id = office.cases["other"]
    office.stack.json("case", "form", case_id, "--as", "organiser:office")
    office.stack.json("case", "form", case_id, "--reveal", "--reason", "（虚构）核对电话")

    def deeds() -> list[dict[str, object]]:
        found: list[dict[str, object]] = office.command(question, CASE=case_id)["items"]
        return found

    office.stack.wait_until(lambda: all(each["witnessed"] for each in deeds()), what="witnessed")
    said = [(each["action"], each["actor"], each["reason"]) for each in deeds()]
    revealed, seen, saved = said
    assert (revealed[0], revealed[2]) == ("case.form_revealed", "（虚构）核对电话")
    assert seen == ("case.form_seen", "organiser:office", None)
    assert saved[0] == "case.form_saved"
