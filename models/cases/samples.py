"""Invented sample cases, and how far each of them is to go."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from models.cases.form import CaseForm
from models.reading import read_toml

Stage = Literal[
    "draft",
    "returned",
    "province_review",
    "recommendation",
    "formal_check",
    "correction",
    "ineligible",
    "not_recommended",
    "withdrawn",
]
"""A state of a case; `returned` is a draft that came back with remarks."""


class Sample(BaseModel):
    """A sample case, invented from end to end.

    Attributes:
        stage: where the case stands when the samples are in place.
        email: the invented applicant's address; only `example.invalid` is accepted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Stage
    email: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+@example\.invalid$")]
    form: CaseForm


class Samples(BaseModel):
    """A file of sample cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: tuple[Sample, ...] = Field(min_length=1)


def load_samples(text: str) -> tuple[Sample, ...]:
    """Return the sample cases of a TOML file, in its order.

    Raises:
        Refused: `samples_invalid`; the message names the place and the trouble.
    """
    return read_toml(Samples, text, "samples_invalid", "样例文件").samples
