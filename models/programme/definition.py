"""A call as data: everything that differs from one programme to another."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator

from models.programme.bodies import ProgrammeBody, Quota, quota_of
from models.programme.documents import NoticePeriod, OfficialDocument
from models.programme.form import FormRules, SummaryTable
from models.programme.mail import Contact, MailRules
from models.programme.milestones import ProgrammeMilestones, check_order
from models.programme.moments import YEARS, end_of
from models.programme.parts import (
    Category,
    Choice,
    ProgrammePart,
    Text,
    choice_key,
    chosen,
    invalid,
)
from models.programme.reminders import Reminders
from models.programme.retention import Retention
from models.programme.review import ScreeningPoint, Selection
from models.reading import explain, read_toml
from models.refusals import Refused
from models.wording import BEIJING

_CODE = "programme_invalid"


class Programme(ProgrammePart):
    """One edition of a call for cases.

    Attributes:
        id: the season's id, e.g. `2024`.
        timezone: the IANA zone in which its dates are meant: one with Beijing's time, in which
            everything is shown.
        basis: the approval under which the title may say 全国, where it does.
        synthetic: what in this file is invented or our own choice, for people to read.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    title: Text
    edition: Text
    timezone: str
    basis: Text
    notice: OfficialDocument
    forwardings: tuple[OfficialDocument, ...] = ()
    principles: tuple[Text, ...] = ()
    synthetic: tuple[Text, ...] = ()
    categories: tuple[Category, ...] = Field(min_length=1)
    applicant_types: tuple[Choice, ...] = Field(min_length=1)
    levels: tuple[Choice, ...] = Field(min_length=1)
    bodies: tuple[ProgrammeBody, ...] = Field(min_length=1)
    milestones: ProgrammeMilestones
    form: FormRules
    summary_table: SummaryTable
    screening: tuple[ScreeningPoint, ...] = Field(min_length=1)
    quotas: tuple[Quota, ...] = ()
    selection: Selection
    notice_period: NoticePeriod
    reminders: Reminders = Reminders()
    mail: MailRules = MailRules()
    contact: Contact | None = None
    retention: Retention = Retention()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Parse a programme's data file.

        Raises:
            Refused: `programme_invalid`; the message names the place and the trouble.
        """
        return read_toml(cls, text, _CODE, "征集方案文件")

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Restore a programme from what `model_dump(mode="json")` returned.

        Raises:
            Refused: `programme_invalid`.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise Refused(_CODE, f"征集方案有误：{explain(error)}") from error

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the programme's dates."""
        return ZoneInfo(self.timezone)

    def body(self, body_id: str) -> ProgrammeBody:
        """Return the recommending body with this id.

        Raises:
            Refused: `unknown_body`.
        """
        for body in self.bodies:
            if body.id == body_id:
                return body
        accepted = "、".join(body.id for body in self.bodies)
        raise Refused("unknown_body", f"没有编号为“{body_id[:60]}”的推荐单位，可选：{accepted}")

    def body_for(self, location: str) -> ProgrammeBody:
        """Return the body that recommends for applicants in `location` (所在地).

        A location may be a body's id, name, short name, area or alias, or a place that
        begins with an area (福建省福州市). Spaces and case do not matter.

        Raises:
            Refused: `unknown_location`; the message names what is accepted.
        """
        wanted = choice_key(location)
        for body in self.bodies:
            if wanted in body.names:
                return body
        within = [
            body for body in self.bodies if body.area and wanted.startswith(choice_key(body.area))
        ]
        if within:
            return max(within, key=lambda body: len(body.area))
        accepted = "、".join(body.short for body in self.bodies)
        raise Refused(
            "unknown_location", f"所在地“{location[:60]}”没有对应的推荐单位，可填：{accepted}"
        )

    def category(self, key_or_title: str) -> Category:
        """Return the one category with this key or title.

        Raises:
            Refused: `unknown_category`; the message names the categories.
        """
        found = chosen(self.categories, key_or_title)
        if found is not None:
            return found
        accepted = "、".join(category.title for category in self.categories)
        raise Refused(
            "unknown_category",
            f"没有“{key_or_title.strip()[:60]}”这个类别，只能选择一个：{accepted}",
        )

    def quota_for(self, body: ProgrammeBody) -> Quota:
        """Return the places of `body`; None in it means no cap."""
        return quota_of(body, self.quotas)

    def cutoff_for(self, body: ProgrammeBody) -> datetime:
        """Return the cutoff (exclusive, UTC) for applicants of `body`.

        Its own or the national one, whichever is earlier.
        """
        national = end_of(self.milestones.cutoff, self.zone)
        return national if body.cutoff is None else min(national, end_of(body.cutoff, self.zone))

    def instants(self) -> dict[str, datetime]:
        """Return every milestone as an aware UTC instant, by name.

        `opens` and `notice_start` are beginnings; every other milestone is an exclusive end,
        so 2024-05-12 becomes 2024-05-13T00:00 in the programme's zone.
        """
        return self.milestones.instants(self.zone)

    def starting(self, day: date) -> Self:
        """Return the same programme opening on `day`; all dates keep their distance.

        Raises:
            Refused: `starting_invalid` when a date would leave the years of `Moment`.
        """
        if day.year not in YEARS[:-5]:
            raise Refused("starting_invalid", f"开始日期应在 {YEARS[0]} 至 {YEARS[-6]} 年之间")
        shift = day - self.milestones.opening_day
        bodies = tuple(body.shifted(shift) for body in self.bodies)
        moved = {"milestones": self.milestones.shifted(shift), "bodies": bodies}
        return self.model_copy(update=moved)

    @field_validator("timezone")
    @classmethod
    def _zone_is_beijings(cls, name: str) -> str:
        try:
            same = _keeps_beijing_time(name)
        except (KeyError, OSError, ValueError) as error:
            raise invalid(f"没有“{name}”这个时区，应如 Asia/Shanghai") from error
        if not same:
            raise invalid(f"“{name}”不是北京时间；日期一律用北京时间，应为 {BEIJING.key}")
        return name

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _unique("categories", [key for each in self.categories for key in {each.key, each.title}])
        _unique("levels", [key for each in self.levels for key in {each.key, each.title}])
        _unique("applicant_types", [each.key for each in self.applicant_types])
        _unique("screening", [point.key for point in self.screening])
        _unique("form.sections", self.form.sections)
        _unique("bodies", [name for body in self.bodies for name in body.names])
        _unique("selection.criteria", [each.key for each in self.selection.criteria])
        instants = self.instants()
        check_order(instants)
        self._check_own_cutoffs(instants["opens"])
        known = {each.key for each in self.categories}
        if unknown := [key for key in self.selection.defense_categories if key not in known]:
            raise invalid(f"selection.defense_categories 中没有这样的类别：{'、'.join(unknown)}")
        return self

    def _check_own_cutoffs(self, opens: datetime) -> None:
        for body in self.bodies:
            if self.cutoff_for(body) <= opens:
                raise invalid(f"bodies 中 {body.id} 的 cutoff 早于 milestones.opens")


@cache
def _keeps_beijing_time(name: str) -> bool:
    """Return whether the clocks of a zone show what those in Beijing show, in every month."""
    zone = ZoneInfo(name)
    months = (datetime(year, month, 1, tzinfo=UTC) for year in YEARS for month in range(1, 13))
    return all(
        at.astimezone(zone).utcoffset() == at.astimezone(BEIJING).utcoffset() for at in months
    )


def _unique(place: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid(f"{place} 中“{name}”重复")
        seen.add(name)
