"""Ids made of other ids come apart as they were put together."""

from datetime import UTC, datetime

import pytest

from models.ids import (
    Place,
    actor_name,
    case_number,
    case_path,
    event_id,
    parse_actor_name,
    parse_case_path,
    parse_event_id,
    parse_place,
)

CASE = "case_01J8ZK3Q7M0000000000000000"


def test_an_event_id_is_its_case_and_number() -> None:
    assert event_id(CASE, 7) == f"{CASE}:7"
    assert parse_event_id(event_id(CASE, 7)) == (CASE, 7)


@pytest.mark.parametrize(
    "text", ["", CASE, f"{CASE}:", ":7", f"{CASE}:x", f"{CASE}:-1", f"{CASE}:٧"]
)
def test_what_is_no_event_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an event id"):
        parse_event_id(text)


def test_a_number_beyond_the_databases_integers_is_no_seq() -> None:
    assert parse_event_id("c:999999999").seq == 999_999_999
    with pytest.raises(ValueError, match="not an event id"):
        parse_event_id("c:1000000000")


def test_a_cursor_holds_the_instant_and_the_id_that_sort() -> None:
    place = Place(datetime(2024, 5, 12, 16, 0, 0, 1, tzinfo=UTC), "case_1")
    assert parse_place(str(place)) == place


@pytest.mark.parametrize("text", ["", "case_1", "2024-05-12~c", "2024-05-12T16:00:00Z~", "x~y"])
def test_what_no_page_gave_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match=r"cursor|isoformat"):
        parse_place(text)


def test_a_case_is_a_path_to_temporal_and_in_its_events() -> None:
    assert case_path(CASE) == f"case/{CASE}"
    assert parse_case_path(case_path(CASE)) == CASE
    assert parse_case_path("case/") is parse_case_path("season/2024") is None


def test_an_actor_is_a_role_and_an_id() -> None:
    assert actor_name("body", "fujian") == "body:fujian"
    assert parse_actor_name("body:fujian") == ("body", "fujian")
    assert parse_actor_name("body") == ("body", "")


@pytest.mark.parametrize(
    ("running", "number"), [(12, "2024-fujian-0012"), (12345, "2024-fujian-12345")]
)
def test_a_case_is_called_by_season_body_and_running_number(running: int, number: str) -> None:
    assert case_number("2024", "fujian", running) == number
