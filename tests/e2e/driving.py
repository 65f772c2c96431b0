"""Bring cases to where a test needs them, by the commands that people type."""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from models.cases.states import State
from models.dates.working_days import WorkingDays, reminder_instants
from models.store.engine import reading
from models.wording import BEIJING
from services.clock import new_id
from services.seasons.working_days import read_working_days
from tests.e2e.stack import CALL, Stack

REMARKS = "（示例）请补充用户规模的对比数据。"
REASON = "（示例）与往届入选案例属于相同服务。"
AT_ONCE = 6

Command = tuple[str, ...]
View = dict[str, Any]

SUBMIT: Command = ("submit",)
RETURN: Command = ("return", "--remarks", REMARKS)
ACCEPT: Command = ("accept", "--all-yes")
RECOMMEND: Command = ("recommend", "--rank", "1")
CORRECT: Command = ("request-correction", "--remarks", REMARKS, "--due", "+3d")
PASS: Command = ("pass",)
SHORTLIST: Command = ("shortlist",)
SELECT: Command = ("select",)
PUBLISH: Command = ("publish",)

_CHECKED = (SUBMIT, ACCEPT, RECOMMEND)
BEFORE_CUTOFF: Mapping[State, tuple[Command, ...]] = {
    State.DRAFT: (),
    State.PROVINCE_REVIEW: (SUBMIT,),
    State.RECOMMENDATION: (SUBMIT, ACCEPT),
    State.FORMAL_CHECK: _CHECKED,
    State.CORRECTION: (*_CHECKED, CORRECT),
    State.NOT_RECOMMENDED: (SUBMIT, ("decline", "--reason", REASON)),
}
AFTER_CUTOFF: Mapping[State, tuple[Command, ...]] = {
    State.EXPERT_REVIEW: (PASS,),
    State.ORAL_DEFENSE: (PASS, SHORTLIST),
    State.PUBLICATION: (PASS, SHORTLIST, SELECT),
    State.PUBLISHED: (PASS, SELECT, PUBLISH),
}
"""From `formal_check` on, once the national cutoff has passed."""


def act(stack: Stack, case_id: str, *commands: Command) -> View:
    """Do one thing after another to a case; return it as the last one shows it."""
    view: View = {}
    for verb, *rest in commands:
        view = stack.json("case", verb, case_id, *rest)
    return view


def side_by_side[Given, Made](work: Callable[[Given], Made], given: Iterable[Given]) -> list[Made]:
    """Do the same to many at once, as many people would."""
    with ThreadPoolExecutor(AT_ONCE) as people:
        return list(people.map(work, given))


def pass_cutoff(stack: Stack, season: str) -> None:
    """Let the national cutoff of a season be now."""
    stack.json("season", "move", season, "cutoff", "--now", "--yes", "--reason", "（示例）提前截止")


def fall_due(stack: Stack, case_id: str) -> None:
    """Let a case's deadline come, as soon as this machine can be told of it beforehand."""
    seconds = 1
    while (done := extend(stack, case_id, seconds)).returncode != 0:
        assert json.loads(done.stderr.splitlines()[-1])["code"] == "due_in_past", done.stderr
        seconds *= 2


def extend(stack: Stack, case_id: str, seconds: int) -> "subprocess.CompletedProcess[str]":
    return stack.run(
        "case", "extend", case_id, f"+{seconds}s", "--yes", "--output", "json", check=False
    )  # fmt: skip


def cases_in(stack: Stack, season: str, states: Iterable[State]) -> dict[State, str]:
    """Bring one case to each of the states; those beyond the cutoff pass it for all."""
    wanted = list(states)
    late = [state for state in wanted if state in AFTER_CUTOFF]

    def begin(state: State) -> str:
        case_id = stack.create_case(season, title=f"（虚构）到 {state} 为止的案例")
        act(stack, case_id, *BEFORE_CUTOFF.get(state, _CHECKED))
        return case_id

    found = dict(zip(wanted, side_by_side(begin, wanted), strict=True))
    if late:
        pass_cutoff(stack, season)
        side_by_side(lambda state: act(stack, found[state], *AFTER_CUTOFF[state]), late)
    return found


def calendar(stack: Stack, *years: int) -> WorkingDays:
    """Return the working days on record, after entering the years that nobody arranged yet."""
    known = {year["year"] for year in stack.json("calendar", "list")["items"]}
    for year in set(years) - known:
        file = stack.places.root / f"{year}.toml"
        file.write_text("holidays = []\n", encoding="utf-8")
        stack.json("calendar", "set", str(year), "--from", str(file))
    with reading(stack.engine) as connection:
        return read_working_days(connection)


def hurried_call(opens: datetime, cutoff: datetime) -> str:
    """Return the real call, opening at one instant and closing at the end of another's day.

    Bodies have no cutoffs of their own here, and whoever reviews has until the cutoff, too.
    """
    day = timedelta(days=1)
    dates = {
        "opens": f"{opens.astimezone(BEIJING):%Y-%m-%dT%H:%M:%S}",
        "body_review": f"{cutoff:%Y-%m-%d}",
        "cutoff": f"{cutoff:%Y-%m-%d}",
        "formal_check": f"{cutoff + 40 * day:%Y-%m-%d}",
        "expert_review": f"{cutoff + 50 * day:%Y-%m-%d}",
        "oral_defense": f"{cutoff + 60 * day:%Y-%m-%d}",
        "notice_start": f"{cutoff + 70 * day:%Y-%m-%d}",
        "notice_end": f"{cutoff + 80 * day:%Y-%m-%d}",
    }
    text = re.sub(r"(?m)^cutoff = 2024-04-25.*\n", "", CALL.read_text(encoding="utf-8"))
    for name, date in dates.items():
        text = re.sub(rf"(?m)^{name} = \S+", f"{name} = {date}", text)
    return text


def first_cutoff(work: WorkingDays, opens: datetime, lead: timedelta) -> datetime:
    """Return the midnight that begins the first day whose reminders lie `lead` ahead at least."""
    day = opens.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        day += timedelta(days=1)
        reminders = reminder_instants(day + timedelta(days=1), (7, 3, 1), work)
        if reminders[7] >= opens + lead:
            return day


def new_season(stack: Stack) -> str:
    return stack.open_season(new_id("s")[-10:].lower())


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


def part(view: View, *keys: str) -> View:
    return {key: view[key] for key in keys}


def lines(stack: Stack, case_id: str) -> list[View]:
    found: list[View] = stack.json("case", "history", case_id)["items"]
    return found


def told(stack: Stack, user: str, case_id: str, event: str) -> list[View]:
    """Wait until a user is told of an event of a case; return those messages, oldest first."""

    def found() -> list[View]:
        items = stack.json("inbox", user, "--limit", "200")["items"]
        return [each for each in items if (each["case_id"], each["event"]) == (case_id, event)]

    return stack.wait_until(found, what=f"{user} is told: {event}")[::-1]
