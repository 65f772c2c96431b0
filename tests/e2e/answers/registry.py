"""Which function tries the answer of which question."""

from collections.abc import Callable
from datetime import datetime

from models.wording import BEIJING
from tests.e2e.operations import Connections, Question

type Answer = Callable[[Connections, Question], None]

ANSWERS: dict[str, Answer] = {}


def answers(title: str) -> Callable[[Answer], Answer]:
    """Mark what tries the answer of the question that begins so."""

    def keep(answer: Answer) -> Answer:
        assert title not in ANSWERS
        ANSWERS[title] = answer
        return answer

    return keep


def at(moment: datetime) -> str:
    """Return an instant as the page writes it."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")
