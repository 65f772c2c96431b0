"""Who acts on a case: the roles, and an actor in one of them."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from models.ids import actor_name, parse_actor_name


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
        org: The unit or body that the actor is known to belong to; None if the record
            does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    org: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Restore an actor from `role:id`, as the record keeps it; its org is not in there.

        Raises:
            ValueError: There is no such role, or the id will not do.
        """
        name = parse_actor_name(text)
        return cls(role=Role(name.role), id=name.id)

    def __str__(self) -> str:
        """Return `role:id`, as the command line takes it."""
        return actor_name(self.role, self.id)
