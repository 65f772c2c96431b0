"""The page for operations staff, read by a program; and the cases on which it is tried."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client

from models.cases.states import State
from tests.e2e.driving import (
    ACCEPT,
    PASS,
    RECOMMEND,
    RETURN,
    SUBMIT,
    Command,
    act,
    fall_due,
    pass_cutoff,
)
from tests.e2e.driving import side_by_side as at_once
from tests.e2e.stack import Stack
from tests.factories import ROOT
from tests.once import Once
from tests.slack import slack
from workers.servers.found import Binary
from workers.servers.temporal import find_temporal
from workflows import names

PAGE = ROOT / "docs" / "operations.en.md"
"""Its Chinese twin has the same blocks, to which a test holds it."""
KINDS = ("filter", "query", "command")
PLACEHOLDERS = re.compile(
    r"\b(CASE|SEQ|SEASON|UNIT|USER|UNTIL|SINCE|WHEN|DELIVERY|LETTER|YEAR|FILE|ENDPOINT|ADDRESS)\b"
)
SEASON, LATE = "ops", "ops-late"
FUJIAN = f"{SEASON}-fujian"
LONG = 90.0
"""Seconds: the server reports a faulty workflow after its third attempt."""


@dataclass(frozen=True)
class Question:
    """A question of the page and the one block that answers it."""

    number: int
    title: str
    kind: str
    block: str

    def filled(self, **values: str) -> str:
        """Return the block with values in place of what is written in capitals."""
        given = PLACEHOLDERS.sub(lambda found: values.get(found[0], found[0]), self.block)
        left = set(PLACEHOLDERS.findall(self.block)) - set(values)
        assert not left, f"question {self.number} needs {left}"
        return given


def questions() -> Iterator[Question]:
    """Yield the questions in the order of the page. Each has one answer of a known kind."""
    _, *parts = re.split(r"(?m)^### ", PAGE.read_text(encoding="utf-8"))
    for part in parts:
        heading = re.match(r"(\d+)\. (.+)", part)
        assert heading is not None, part[:80]
        blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)\n```$", part)
        answers = [(kind, text) for kind, text in blocks if kind in KINDS]
        assert len(answers) == 1, heading[2]
        yield Question(int(heading[1]), heading[2], *answers[0])


def sample(kind: str) -> str:
    """Return the one block of this kind that is an example and no answer."""
    [block] = re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    return str(block)


class Connections:
    """A system with cases of every kind, and the ways in which its page is used on it."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        """Take a system without a season, and a folder for scratch files."""
        self.stack, self.folder = stack, folder
        found = find_temporal({**os.environ, "TEMPORAL_ADDRESS": ""})
        assert isinstance(found, Binary)
        folder.joinpath("temporal").symlink_to(found.path)

    def command(self, question: Question, **values: str) -> Any:
        """Run the command that answers a question; return what it writes for programs."""
        program, *words = shlex.split(question.filled(**values))
        assert (question.kind, program) == ("command", "tuixuan")
        return self.stack.json(*words)

    def query(self, question: Question, **values: str) -> str:
        """Ask the workflow as the page says; return what is printed."""
        assert question.kind == "query"
        program, *words = shlex.split(question.filled(**values))
        assert program == "tuixuan"
        environ = {
            **self.stack.environ,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        folder = str(self.stack.places.root)
        command = [sys.executable, "-m", "cli", "--state-dir", folder, *words]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=slack(60), check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def listed(self, question: Question, *expected: str, **values: str) -> None:
        """Wait until the filter that answers a question lists these cases and no others."""
        assert question.kind == "filter"
        text = question.filled(**values)

        async def ids(client: Client) -> set[str]:
            return {found.id async for found in client.list_workflows(text)}

        wanted = {names.case_workflow_id(case_id) for case_id in expected}
        what = f"{text} lists {wanted}"
        self.stack.wait_until(lambda: self.stack.ask_temporal(ids) == wanted, LONG, what)

    def case(self, title: str, *commands: Command, season: str = SEASON, **fields: Any) -> str:
        """File a case and bring it somewhere; return its id."""
        case_id = self.stack.create_case(season, title=f"（虚构）{title}", unit=title, **fields)
        act(self.stack, case_id, *commands)
        return case_id

    def position(self, case_id: str) -> tuple[str, int]:
        """Return state and seq, as the record has them."""
        view = self.stack.json("case", "show", case_id)
        return view["state"], view["seq"]

    def snapshot(self, case_id: str) -> dict[str, Any]:
        """Return where the workflow itself stands."""

        async def ask(client: Client) -> dict[str, Any]:
            handle = client.get_workflow_handle(names.case_workflow_id(case_id))
            found: dict[str, Any] = await handle.query(names.SNAPSHOT)
            return found

        return self.stack.ask_temporal(ask)

    @Once
    def cases(self) -> Mapping[str, str]:
        """The cases in question, by what is special of each."""
        for season in (SEASON, LATE):
            self.stack.open_season(season)
        waits_longest = self.case("停留最久", SUBMIT)
        elsewhere: dict[str, tuple[str, tuple[Command, ...], dict[str, str]]] = {
            "waits": (SEASON, (SUBMIT, ACCEPT), {}),
            "ended": (SEASON, (SUBMIT, ("withdraw",)), {}),
            "due": (SEASON, (SUBMIT, ("extend", "+6h", "--yes")), {"location": "广东省"}),
            "overdue": (SEASON, (SUBMIT,), {"location": "广东省"}),
            "lapsed": (SEASON, (), {"location": "四川省"}),
            "twice": (SEASON, (SUBMIT, RETURN) * 2, {"location": "浙江省"}),
            "thrice": (SEASON, (SUBMIT, RETURN) * 3, {"location": "浙江省"}),
            "expert": (LATE, (SUBMIT, ACCEPT, RECOMMEND), {"category": "audiovisual"}),
            "other": (LATE, (SUBMIT, ACCEPT, RECOMMEND), {"category": "smart-home"}),
            "formal": (LATE, (SUBMIT, ACCEPT, RECOMMEND), {"category": "audiovisual"}),
        }

        def file(name: str) -> str:
            season, commands, fields = elsewhere[name]
            return self.case(name, *commands, season=season, **fields)

        found = dict(zip(elsewhere, at_once(file, elsewhere), strict=True))
        pass_cutoff(self.stack, LATE)
        act(self.stack, found["expert"], PASS)
        act(self.stack, found["other"], PASS)
        assert self.position(found["expert"])[0] == State.EXPERT_REVIEW
        for name in ("overdue", "lapsed"):
            fall_due(self.stack, found[name])
        return {"longest": waits_longest, **found}

    @Once
    def far_case(self) -> str:
        """A case whose deadline lies in a year of which nobody knows the working days."""
        assert self.cases
        return self.case("远期", SUBMIT, ("extend", "2041-06-30"))

    @Once
    def failed_mail(self) -> str:
        """A mail to Fujian's desk that was set aside: when its turn came it had no address."""
        stack, service, mail = self.stack, FUJIAN, self.stack.places.mail
        assert self.cases
        stack.run("user", "email", service, "old@example.invalid")
        away = mail.rename(mail.with_name("mail-away"))
        mail.touch()  # no folder: mails wait
        case_id = self.case("邮件", SUBMIT)

        def deliveries(status: str) -> list[dict[str, Any]]:
            found = stack.json("delivery", "list", "--user", service, "--status", status)["items"]
            return [item for item in found if item["event_id"] == f"{case_id}:1"]

        stack.wait_until(lambda: deliveries("waiting"), what="a mail that waits")
        stack.run("user", "email", service, "none")
        mail.unlink()
        away.rename(mail)
        [waiting] = deliveries("waiting")
        stack.run("delivery", "retry", waiting["id"])  # at once, and not in half a minute
        [failed] = stack.wait_until(lambda: deliveries("failed"), what="a mail that failed")
        return str(failed["id"])


def parsed(text: str) -> Any:
    """Return the JSON object in what `temporal workflow query` prints."""
    return json.loads(text[text.index("{") : text.rindex("}") + 1])
