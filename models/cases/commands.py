"""What every command on a case carries; each action's own command stands with its declaration.

Commands travel through Temporal, so they hold no free text. What a person wrote (remarks,
reasons) is stored first, and the command names its digest.
"""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from models.cases.actors import Actor
from models.chain import digest
from models.programme.moments import YEARS


def _foreseeable(at: datetime) -> datetime:
    if at.year not in YEARS:
        words = f"年份应在 {YEARS[0]} 至 {YEARS[-1]} 之间"
        raise PydanticCustomError("year_out_of_range", "{words}", {"words": words})
    return at


Due = Annotated[AwareDatetime, AfterValidator(_foreseeable)]
"""When something is due. A year far away is a slip of the keyboard, and is refused."""


class Command(BaseModel):
    """What every command carries.

    Attributes:
        actor: Who asks.
        reason: The digest of the remarks or reasons given; None if none were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Actor
    reason: str | None = None

    @property
    def digest(self) -> str:
        """What is asked and by whom; retries of one command share it.

        The class name is under the digest, so the name of a command never changes.
        """
        body = self.model_dump(mode="json", exclude={"actor": {"org"}})
        return digest({"kind": type(self).__name__, **body})


class FilingCommand(Command):
    """A command that files a form. `revision` and `content` name exactly what is filed."""

    revision: int
    content: str


class ClockCommand(Command):
    """A command that the season's clock gives; nobody else sends it."""
