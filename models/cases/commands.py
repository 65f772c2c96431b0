"""What somebody asks of a case: one command for each action, and who asks.

Commands travel through Temporal, so they hold no free text. What a person wrote
(remarks, reasons) is stored first, and the command names its digest.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from models.chain import digest
from models.programme.parts import YEARS


def _foreseeable(at: datetime) -> datetime:
    if at.year not in YEARS:
        words = f"年份应在 {YEARS[0]} 至 {YEARS[-1]} 之间"
        raise PydanticCustomError("year_out_of_range", "{words}", {"words": words})
    return at


Due = Annotated[AwareDatetime, AfterValidator(_foreseeable)]
"""When something is to be done. A year far off is a slip, and no calendar reckons with it."""


class Role(StrEnum):
    """In what capacity somebody acts."""

    APPLICANT = "applicant"
    BODY = "body"
    ORGANISER = "organiser"
    PANEL = "panel"
    SEASON = "season"
    EXPERT = "expert"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    PUBLIC = "public"


class Actor(BaseModel):
    """Who acts.

    Attributes:
        role: In what capacity.
        id: The name of the user, unit, body or clock, without personal data.
        org: The unit or body that the actor is known to belong to; None where
            nothing on record says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    org: str | None = None

    def __str__(self) -> str:
        """Return `role:id`, as the command line takes it."""
        return f"{self.role}:{self.id}"


class Command(BaseModel):
    """What every command carries.

    Attributes:
        actor: Who asks.
        reason: The digest of the remarks or reasons given; None where none were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Actor
    reason: str | None = None

    @property
    def digest(self) -> str:
        """What is asked and by whom: retries of one command share it."""
        body = self.model_dump(mode="json", exclude={"actor": {"org"}})
        return digest({"kind": type(self).__name__, **body})


class Submit(Command):
    """File the draft. `revision` and `content` name exactly what is filed."""

    revision: int
    content: str


class ReturnForRevision(Command):
    """Give the draft back with remarks. `due`: None means until the cutoff."""

    due: Due | None = None


class Accept(Command):
    """Screen the case. `answers`: screening point → whether the case meets it."""

    answers: Mapping[str, bool] = Field(default_factory=dict)


class Decline(Command):
    """Turn the case down at the province."""


class SendBack(Command):
    """Take the case from the pool back to review."""


class Recommend(Command):
    """Put the case forward. `rank`: its place on the body's list, from 1."""

    rank: int | None = Field(default=None, ge=1)


class LeaveOut(Command):
    """Seal the list without the case."""


class RequestCorrection(Command):
    """Ask the applicant to mend what the formal check found, until `due`."""

    due: Due | None = None


class Resubmit(Command):
    """File the corrected form. `revision` and `content` name exactly what is filed."""

    revision: int
    content: str


class PassFormalCheck(Command):
    """Let the case through to the experts."""


class FailFormalCheck(Command):
    """Find the case ineligible."""


class Shortlist(Command):
    """Invite the case to the defence."""


class Select(Command):
    """Select the case for the public notice."""


class NotSelect(Command):
    """Leave the case unselected."""


class Publish(Command):
    """Announce the result."""


class Disqualify(Command):
    """Strike the case. `objection`: the reference of the upheld objection, no free text."""

    objection: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,64}$")


class Withdraw(Command):
    """Take the case back. `body_consents`: needed once the list is sealed."""

    body_consents: bool = False


class Lapse(Command):
    """The season's clock: the due date passed."""


class Remind(Command):
    """The season's clock: a deadline comes near. `offset`: working days left."""

    deadline: datetime
    offset: int


class Expire(Command):
    """The season's clock: a deadline passed and the case waits on."""

    deadline: datetime


class MoveDeadline(Command):
    """The calendar changed under the case.

    Attributes:
        until: A new deadline for this one case; None where the season's own
            calendar was moved and the case only has to look at it again.
    """

    until: Due | None = None
