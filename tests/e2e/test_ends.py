"""The ends of a case that are not its publication."""

import pytest

from models.cases.states import State
from tests.e2e.driving import (
    ACCEPT,
    REASON,
    RECOMMEND,
    SUBMIT,
    act,
    cases_in,
    new_season,
    side_by_side,
    told,
)
from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]


async def test_the_other_ends(stack: Stack) -> None:
    season = new_season(stack)
    ends: dict[str, tuple[tuple[str, ...], ...]] = {
        "not_recommended": (SUBMIT, ("decline", "--reason", REASON)),
        "left_out": (SUBMIT, ACCEPT, ("leave-out",)),
        "ineligible": (SUBMIT, ACCEPT, RECOMMEND, ("fail", "--reason", REASON)),
        "withdrawn": (("withdraw", "--reason", REASON),),
        "after_submit": (SUBMIT, ("withdraw",)),
    }

    def drive(title: str) -> str:
        case_id = stack.create_case(season, title=f"（虚构）{title}")
        act(stack, case_id, *ends[title])
        return case_id

    made = dict(zip(ends, side_by_side(drive, ends), strict=True))
    states = {title: stack.json("case", "show", case_id) for title, case_id in made.items()}
    assert {title: view["state"] for title, view in states.items()} == {
        "not_recommended": "not_recommended",
        "left_out": "not_recommended",
        "ineligible": "ineligible",
        "withdrawn": "withdrawn",
        "after_submit": "withdrawn",
    }
    assert {view["deadline"] for view in states.values()} == {None}

    found = cases_in(stack, season, [State.EXPERT_REVIEW, State.ORAL_DEFENSE, State.PUBLISHED])
    act(stack, found[State.EXPERT_REVIEW], ("not-select",))
    act(stack, found[State.ORAL_DEFENSE], ("not-select",))
    struck = ("disqualify", "--reason", REASON, "--objection", "YY-2024-01")
    assert act(stack, found[State.PUBLISHED], struck)["state"] == "disqualified"
    assert await assert_four_records_agree(stack, [*made.values(), *found.values()]) == 35 - 5


async def test_withdrawn_before_and_after_the_list_is_sealed(stack: Stack) -> None:
    season = new_season(stack)
    found = cases_in(stack, season, [State.RECOMMENDATION, State.FORMAL_CHECK])
    assert act(stack, found[State.RECOMMENDATION], ("withdraw",))["state"] == "withdrawn"

    sealed = found[State.FORMAL_CHECK]
    code, name, message = stack.refused("case", "withdraw", sealed)
    assert (code, name) == (1, "consent_required")
    assert "同意" in message
    view = act(stack, sealed, ("withdraw", "--with-consent", "--reason", REASON))
    assert (view["state"], view["seq"]) == ("withdrawn", 4)
    organiser = told(stack, f"{season}-organiser", sealed, "withdrawn")
    assert len(organiser) == 1
    # What was withdrawn before it was handed in is none of the organiser's news.
    assert await assert_four_records_agree(stack, list(found.values())) == 7
    inbox = stack.json("inbox", f"{season}-organiser")["items"]
    assert found[State.RECOMMENDATION] not in {item["case_id"] for item in inbox}
