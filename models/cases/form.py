"""The application form (申报表): its content and its digest."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from models.chain import digest
from models.reading import explain, read_toml
from models.refusals import Refused
from models.text.entry import unfit

_CODE = "case_file_invalid"


def _printable(text: str) -> str:
    if why := unfit(text):
        raise PydanticCustomError("unfit_text", "{why}", {"why": why})
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise PydanticCustomError("line_break", "只能写一行，请去掉换行")
    return text


# The lengths bound what is stored, in code points; the programme's limits are far below.
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=500),
    AfterValidator(_printable),
    AfterValidator(_one_line),
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100_000), AfterValidator(_printable)
]


class Section(BaseModel):
    """One section of the material (申报材料)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heading: Line = ""
    text: Prose = ""


class CaseForm(BaseModel):
    """What an applicant fills in. A draft may lack anything; only types are checked here.

    Attributes:
        category, level: key or title of one of the programme's.
        location: whatever `Programme.body_for` accepts, e.g. 福建省.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Line = ""
    category: Line = ""
    level: Line = ""
    unit: Line = ""
    location: Line = ""
    contact_name: Line = ""
    contact_position: Line = ""
    contact_phone: Line = ""
    contact_mobile: Line = ""
    summary: Prose = ""
    sections: tuple[Section, ...] = Field(default=(), max_length=50)
    note: Prose = ""

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Return the form that a case file holds.

        Raises:
            Refused: `case_file_invalid`; the message names the place and the trouble.
        """
        return read_toml(cls, text, _CODE, "案例文件")

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Return the form that `model_dump(mode="json")` or an API body gives.

        Raises:
            Refused: `case_file_invalid`.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise Refused(_CODE, f"案例内容有误：{explain(error)}") from error

    @field_validator("category", mode="before")
    @classmethod
    def _one_category(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            raise PydanticCustomError(
                "one_category", "一个案例只能申报一个类别，不得重复申报，请写成一个文本"
            )
        return value


def body_text(form: CaseForm) -> str:
    """Return the text of all sections, one after another; headings are not part of it."""
    return "\n".join(section.text for section in form.sections)


def form_digest(form: CaseForm) -> str:
    """Return `sha256:<hex>` of the form's canonical JSON: keys sorted, UTF-8, no spaces."""
    return digest(form.model_dump(mode="json"))
