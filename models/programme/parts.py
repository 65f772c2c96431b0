"""The building blocks of a programme's data file: plain values, keys, named choices."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from models.text.addresses import is_address
from models.text.entry import unfit
from models.text.names import folded


def invalid(message: str) -> PydanticCustomError:
    """Return a validation error whose Chinese message reaches the reader unchanged."""
    return PydanticCustomError("programme", "{words}", {"words": message})


def _fit(text: str) -> str:
    if why := unfit(text):
        raise invalid(why)
    return text


def _deliverable(text: str) -> str:
    if not is_address(text):
        raise invalid("邮箱地址不正确，请填写形如 name@example.invalid 的地址")
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(_fit),
]
MailAddress = Annotated[str, AfterValidator(_deliverable)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""A stable id that also fits a subject token, a search attribute and a URL."""
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, gt=0)]


def choice_key(name: str) -> str:
    """Return the key by which choices are found: as names are compared, without spaces."""
    return folded(name).replace(" ", "")


class ProgrammePart(BaseModel):
    """A frozen part of a programme; an unknown key is an error and never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(ProgrammePart):
    """One value to choose from: programs keep the key, people see the title."""

    key: Key
    title: Text


def chosen[C: Choice](offered: Iterable[C], typed: str) -> C | None:
    """Return the choice that somebody means by its key or title; None: there is no such one."""
    wanted = choice_key(typed)
    known = (each for each in offered if wanted in (choice_key(each.key), choice_key(each.title)))
    return next(known, None)


class Category(Choice):
    """A category of the call (征集类别)."""

    description: Text
