"""The states of a case, and what each of them awaits."""

from collections.abc import Mapping
from enum import StrEnum

from models.cases.actors import Role


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    PROVINCE_REVIEW = "province_review"
    RECOMMENDATION = "recommendation"
    FORMAL_CHECK = "formal_check"
    CORRECTION = "correction"
    EXPERT_REVIEW = "expert_review"
    ORAL_DEFENSE = "oral_defense"
    PUBLICATION = "publication"
    PUBLISHED = "published"
    NOT_RECOMMENDED = "not_recommended"
    INELIGIBLE = "ineligible"
    NOT_SELECTED = "not_selected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    DISQUALIFIED = "disqualified"


EDITABLE = frozenset({State.DRAFT, State.CORRECTION})
"""States in which the form may be changed."""

FINAL = frozenset({
    State.NOT_RECOMMENDED, State.INELIGIBLE, State.NOT_SELECTED,
    State.WITHDRAWN, State.LAPSED, State.DISQUALIFIED,
})  # fmt: skip
"""Ends, in which no workflow runs. What a passed date ended may be reopened, which starts its
workflow anew. `published` is an end too, but may still be disqualified."""

ENDED = FINAL | {State.PUBLISHED}
"""States in which nothing is awaited any more."""

SEALED = frozenset({
    State.FORMAL_CHECK, State.CORRECTION, State.EXPERT_REVIEW, State.ORAL_DEFENSE,
    State.PUBLICATION,
})  # fmt: skip
"""States that only a case on a sealed list reaches."""

AT_WORK = tuple(state for state in State if state not in ENDED)
"""States in which somebody still has something to do."""

AWAITED_FROM: Mapping[State, Role] = {
    State.DRAFT: Role.APPLICANT,
    State.PROVINCE_REVIEW: Role.BODY,
    State.RECOMMENDATION: Role.BODY,
    State.FORMAL_CHECK: Role.ORGANISER,
    State.CORRECTION: Role.APPLICANT,
    State.EXPERT_REVIEW: Role.PANEL,
    State.ORAL_DEFENSE: Role.PANEL,
    State.PUBLICATION: Role.ORGANISER,
}
"""From whom each state awaits something. Ended states await nothing."""

LAPSES = frozenset({State.DRAFT, State.CORRECTION})
"""States in which a passed deadline ends the case."""

MILESTONE: Mapping[State, str] = {
    State.PROVINCE_REVIEW: "body_review",
    State.RECOMMENDATION: "cutoff",
    State.FORMAL_CHECK: "formal_check",
    State.EXPERT_REVIEW: "expert_review",
    State.ORAL_DEFENSE: "oral_defense",
    State.PUBLICATION: "notice_end",
}
"""The season's milestone that is the deadline of each state."""
