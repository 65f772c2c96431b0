"""Every answer of `docs/operations.en.md`, tried on a real system: it finds what was asked for."""

from collections.abc import Iterator

import pytest

from tests.e2e.answers import cases, channels, dates, people, system, webhooks
from tests.e2e.answers.registry import ANSWERS
from tests.e2e.operations import Connections, Question, questions
from tests.e2e.stack import Stack
from workers.servers.ports import LOOPBACK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("operations"),
]

TRIED_BY = (cases, people, dates, system, webhooks, channels)
QUESTIONS = list(questions())


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    """A system of this module's own: some answers need something broken first."""
    # Some answers stop one role, and the others are to go on.
    own = {
        "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS": f"{LOOPBACK}/32",
        "TUIXUAN_PROCESSES": "each",
    }
    stack = Stack(tmp_path_factory.mktemp("operations"), own)
    try:
        stack.up("--empty")
        connections = Connections(stack, tmp_path_factory.mktemp("scratch"))
        assert connections.cases  # if they cannot be filed, this fails once and for all
        yield connections
    finally:
        stack.clean()


def test_the_page_has_twenty_questions_and_each_is_tried() -> None:
    assert len(QUESTIONS) >= 20
    assert [question.number for question in QUESTIONS] == [*range(1, len(QUESTIONS) + 1)]
    tried = {
        each.title: [title for title in ANSWERS if each.title.startswith(title)]
        for each in QUESTIONS
    }
    assert [title for title, found in tried.items() if len(found) != 1] == []
    assert len(ANSWERS) == len(QUESTIONS)
    assert {each.__module__ for each in ANSWERS.values()} == {each.__name__ for each in TRIED_BY}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: f"{each.number}-{each.kind}")
def test_the_answer_is_right(office: Connections, question: Question) -> None:
    [answer] = [found for title, found in ANSWERS.items() if question.title.startswith(title)]
    answer(office, question)
