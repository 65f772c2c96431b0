"""Answers about channels: who is told by which, what a message says, and when it leaves."""

import re
from datetime import datetime, timedelta

from models.wording import BEIJING
from services.clock import new_id, now
from tests.e2e.answers.registry import answers
from tests.e2e.answers.webhooks import receiving
from tests.e2e.driving import PASS, RECOMMEND, SUBMIT, act, pass_cutoff
from tests.e2e.operations import FUJIAN, SEASON, Connections, Question
from tests.e2e.stack import CALL


def channels(office: Connections, question: Question, user: str) -> list[str]:
    items = office.command(question, SEASON=SEASON)["items"]
    return list({each["id"]: each["channels"] for each in items}[user])


@answers("Who is notified by which channels?")
def by_which(office: Connections, question: Question) -> None:
    assert office.cases
    service = f"{SEASON}-hunan"
    assert channels(office, question, service) == []
    office.stack.run("user", "email", service, "hunan@example.invalid")
    office.stack.run("user", "channel", service, "sms", "13800000000")
    assert channels(office, question, service) == ["mail", "sms"]


@answers("How is somebody reached by a chat bot or by short message?")
def by_a_bot(office: Connections, question: Question) -> None:
    assert office.cases
    with receiving() as bot:
        address = bot.url.replace("http:", "json:")
        assert question.kind == "command"
        office.stack.run(*question.filled(USER=FUJIAN, ADDRESS=address).split()[1:])
        office.case("机器人", SUBMIT)
        office.stack.wait_until(lambda: bot.ids, what="the bot is told")
    office.stack.run("user", "channel", FUJIAN, "chat", "--remove")


@answers("What does a message say before it is sent?")
def previewed(office: Connections, question: Question) -> None:
    shown = office.command(question)["content"]
    assert "期限临近" in shown
    assert "Due: 2024-05-12" in shown


@answers("What waits for the morning?")
def until_morning(office: Connections, question: Question) -> None:
    season, service = office_at_night(office)
    office.stack.run("user", "email", service, "quiet@example.invalid")
    case_id = office.case("安静时段", SUBMIT, season=season)

    def waiting() -> list[dict[str, str]]:
        items = office.command(question)["items"]
        return [each for each in items if each["event_id"] == f"{case_id}:1"]

    office.stack.wait_until(waiting, what="a mail that waits")
    [mail] = waiting()
    until = datetime.fromisoformat(mail["next_attempt_at"])
    assert timedelta(hours=1) < until - now() < timedelta(hours=3)
    assert office.stack.json("inbox", service)["items"][0]["case_id"] == case_id
    office.stack.run("delivery", "retry", mail["id"])
    office.stack.wait_until((office.stack.places.mail / f"{mail['id']}.eml").exists)


def office_at_night(office: Connections) -> tuple[str, str]:
    """Open a season whose quiet hours began an hour ago and end in two; return it and a desk."""
    season, local = new_id("q")[-10:].lower(), now().astimezone(BEIJING)
    begin, end = (f"{local + timedelta(hours=h):%H:%M:%S}" for h in (-1, 2))
    text = CALL.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^quiet_from = \S+", f"quiet_from = {begin}", text)
    text = re.sub(r"(?m)^quiet_until = \S+", f"quiet_until = {end}", text)
    call = office.folder / "night.toml"
    call.write_text(text, encoding="utf-8")
    starting = (local - timedelta(days=14)).date().isoformat()
    office.stack.json("season", "open", str(call), "--id", season, "--starting", starting)
    return season, f"{season}-fujian"


@answers("How do experts come to be reminded?")
def experts(office: Connections, question: Question) -> None:
    season = office.stack.open_season(new_id("x")[-10:].lower())
    expert = f"{season}-expert"
    office.command(question, SEASON=season, USER=expert, ADDRESS="expert@example.invalid")
    case_id = office.case("待评分", SUBMIT, ("accept", "--all-yes"), RECOMMEND, season=season)
    pass_cutoff(office.stack, season)
    act(office.stack, case_id, PASS)
    until = (now() + timedelta(days=20)).isoformat()
    act(office.stack, case_id, ("extend", until, "--reason", "（示例）", "--yes"))

    def heard() -> list[str]:
        items = office.stack.json("inbox", expert)["items"]
        return [each["event"] for each in items if each["case_id"] == case_id]

    office.stack.wait_until(
        lambda: heard() == ["deadline_moved", "formal_check_passed"], what="the expert is told"
    )
