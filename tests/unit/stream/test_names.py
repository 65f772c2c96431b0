"""Names that the NATS server keeps for months: pinned."""

import pytest

from models.cases.actions.names import EventName
from models.stream.names import (
    ADVISORIES,
    EVENTS,
    SUBJECTS,
    Durable,
    case_subjects,
    event_subject,
    parse_subject,
)

CASE = "case_01J8ZK3Q7M0000000000000000"


def test_streams_and_consumers_keep_their_names() -> None:
    assert (EVENTS, ADVISORIES) == ("TUIXUAN_EVENTS", "TUIXUAN_DEAD")
    assert SUBJECTS == "tuixuan.v1.case.*.*.*"
    assert [*Durable] == ["audit", "notify", "webhook"]


@pytest.mark.parametrize("name", EventName)
def test_a_subject_names_event_case_and_number_in_a_token_each(name: EventName) -> None:
    subject = event_subject(name, CASE, 7)
    assert subject == f"tuixuan.v1.case.{name}.{CASE}.7"
    assert len(subject.split(".")) == len(SUBJECTS.split("."))
    assert len(name) <= 32
    assert parse_subject(subject) == (name, CASE, 7)


def test_all_events_of_a_case_have_one_pattern() -> None:
    assert case_subjects(CASE) == f"tuixuan.v1.case.*.{CASE}.*"


@pytest.mark.parametrize(
    "subject",
    [
        "", "TUIXUAN_EVENTS#5", "a.b.c.submitted.case_1.1", "tuixuan.v1.case.submitted..1",
        "tuixuan.v1.case.submitted.case_1.x", "tuixuan.v1.case.submitted.case_1",
        "tuixuan.v1.case.submitted.case_1.1.1",
    ],
)  # fmt: skip
def test_other_subjects_are_not_taken_apart(subject: str) -> None:
    with pytest.raises(ValueError, match="not the subject of an event"):
        parse_subject(subject)
