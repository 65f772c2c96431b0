"""The parts of a programme: what one call's data file may say, and nothing else."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
"""A stable id that also fits a subject token, a search attribute and a URL."""
Whole = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, gt=0)]
YEARS = range(2000, 2101)
"""The years in which a call may lie."""
_ISO_DATE = len("2024-05-12")
FieldKey = Literal[
    "title",
    "category",
    "level",
    "unit",
    "location",
    "contact_name",
    "contact_position",
    "contact_phone",
    "contact_mobile",
    "summary",
    "sections",
    "note",
]
"""The fields of `models.cases.form_check.CaseForm`."""
CountingRule = Literal["word", "chars_no_space", "codepoints"]


def trouble(message: str) -> PydanticCustomError:
    """Return an error whose Chinese words reach the reader as they are."""
    return PydanticCustomError("programme", "{words}", {"words": message})


def plain(name: str) -> str:
    """Return `name` as names are compared: without spaces and case."""
    return "".join(name.split()).casefold()


def _moment(value: object) -> object:
    """Accept TOML's own dates and, for stored JSON, their ISO text."""
    if isinstance(value, str):
        try:
            return (
                datetime.fromisoformat(value)
                if len(value) > _ISO_DATE
                else date.fromisoformat(value)
            )
        except ValueError:
            value = None
    if not isinstance(value, date) or value.year not in YEARS:
        raise trouble("应为日期或时刻，如 2024-05-12 或 2024-05-12T18:00:00")
    return value


Moment = Annotated[datetime | date, BeforeValidator(_moment)]
"""A date (the whole day) or a time of day; without an offset it is in the programme's zone."""


def start_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which `moment` begins; a date begins at its midnight."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def end_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """Return the exclusive UTC instant at which `moment` is over.

    A date means the whole day: it ends at the next midnight. A time ends at itself.
    """
    if not isinstance(moment, datetime):
        moment += timedelta(days=1)
    return start_of(moment, zone)


class ProgrammePart(BaseModel):
    """Frozen, and a key that it does not know is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(ProgrammePart):
    """One value to choose from: programs keep the key, people see the title."""

    key: Key
    title: Text


class Category(Choice):
    """A category of the call (征集类别)."""

    description: Text


class BodyKind(StrEnum):
    """What quotas tell apart among recommending bodies."""

    PROVINCE = "province"
    CORPS = "corps"
    CENTRAL = "central"


class ProgrammeBody(ProgrammePart):
    """A recommending body (推荐单位).

    Attributes:
        short: how lists and people name it, e.g. 福建.
        area: the full name of its area; any place that begins with it lies within.
        aliases: further names by which an applicant may give a location.
        cutoff: its own, earlier cutoff for its applicants; None: the national one.
        strong_last_year: it had as many winners last year as the larger quota asks.
        bonus: extra places in total, won by good organisation in the last edition.
    """

    id: Key
    name: Text
    short: Text
    kind: BodyKind
    area: str = ""
    aliases: tuple[Text, ...] = ()
    cutoff: Moment | None = None
    strong_last_year: bool = False
    bonus: Whole = 0

    @property
    def names(self) -> frozenset[str]:
        """Every name of it, as `plain` gives them."""
        names = (self.id, self.name, self.short, self.area, *self.aliases)
        return frozenset(plain(name) for name in names if name)

    def shifted(self, by: timedelta) -> Self:
        """Return it with its own cutoff moved."""
        return self.model_copy(update={"cutoff": self.cutoff + by}) if self.cutoff else self


class Milestones(ProgrammePart):
    """The call's calendar. `opens` and `notice_start` begin; every other one ends.

    `body_review` is when bodies are to be done with reviewing, `cutoff` the national
    cutoff by which their sealed lists are in.
    """

    opens: Moment
    body_review: Moment
    cutoff: Moment
    formal_check: Moment
    expert_review: Moment
    oral_defense: Moment
    notice_start: Moment
    notice_end: Moment

    def instants(self, zone: ZoneInfo) -> dict[str, datetime]:
        """Return every milestone as an aware UTC instant, by name."""
        starts = {"opens", "notice_start"}
        return {
            name: (start_of if name in starts else end_of)(getattr(self, name), zone)
            for name in type(self).model_fields
        }

    def shifted(self, by: timedelta) -> Self:
        """Return the calendar with every date moved."""
        return type(self)(**{name: at + by for name, at in self})


class FormField(ProgrammePart):
    """A field of the application form (申报表) as people see it."""

    key: FieldKey
    title: Text
    required: bool = True
    hint: str = ""


class FormRules(ProgrammePart):
    """What a complete form is.

    Attributes:
        counting: the rule by which 字 are counted (`models.cases.form_check.count_characters`).
        summary_limit: 字 of the summary at most.
        body_limit: 字 of all sections together at most.
        title_limit: 字 of the title at most.
        sections: the headings, in the order in which they must stand.
        guidance: what the material should give, for the applicant to read.
    """

    counting: CountingRule
    title_limit: Positive
    summary_limit: Positive
    body_limit: Positive
    sections: tuple[Text, ...] = Field(min_length=1)
    fields: tuple[FormField, ...] = Field(min_length=1)
    guidance: tuple[Text, ...] = ()

    def title_of(self, key: str) -> str:
        """Return the field's title on the form; its key when the form does not name it."""
        return next((field.title for field in self.fields if field.key == key), key)


class ScreeningPoint(ProgrammePart):
    """A point that a recommending body answers when it accepts a case."""

    key: Key
    text: Text


class Quota(ProgrammePart):
    """Places for one kind of body; None means no cap.

    `strong` limits the rule to bodies with (or without) enough winners last year.
    """

    kind: BodyKind
    strong: bool | None = None
    per_category: Positive | None = None
    total: Positive | None = None


class Notice(ProgrammePart):
    """An official document that the programme rests on."""

    number: Text
    issuer: Text
    issued: date
    about: Text


class Summary(ProgrammePart):
    """Form 2 (推荐汇总表) as its titles: one row a case in the order of priority."""

    columns: tuple[Text, ...]
    contact: tuple[Text, ...]
