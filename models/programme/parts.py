"""The building blocks of a programme's data file: plain values, keys, named choices."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""A stable id that also fits a subject token, a search attribute and a URL."""
Whole = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, gt=0)]


def trouble(message: str) -> PydanticCustomError:
    """Return a validation error whose Chinese message reaches the reader unchanged."""
    return PydanticCustomError("programme", "{words}", {"words": message})


def plain(name: str) -> str:
    """Return `name` as names are compared: without spaces, case folded."""
    return "".join(name.split()).casefold()


class ProgrammePart(BaseModel):
    """A frozen part of a programme; an unknown key is an error and never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(ProgrammePart):
    """One value to choose from: programs keep the key, people see the title."""

    key: Key
    title: Text


class Category(Choice):
    """A category of the call (征集类别)."""

    description: Text
