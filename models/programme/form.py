"""The forms of a call: the application form and the summary table of recommendations."""

from typing import Literal

from pydantic import Field

from models.programme.parts import Positive, ProgrammePart, Text

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
"""The fields of `models.cases.form.CaseForm`."""
CountingRule = Literal["word", "chars_no_space", "codepoints"]


class FormField(ProgrammePart):
    """A field of the application form (申报表) as people see it."""

    key: FieldKey
    title: Text
    required: bool = True
    hint: str = ""


class FormRules(ProgrammePart):
    """What makes a form complete.

    Attributes:
        counting: the rule by which 字 are counted (`models.cases.counting`).
        title_limit: the most 字 in the title.
        summary_limit: the most 字 in the summary.
        body_limit: the most 字 in all sections together.
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

    @property
    def titles(self) -> dict[str, str]:
        """The title of each field, by its key."""
        return {field.key: field.title for field in self.fields}

    def title_of(self, key: str) -> str:
        """Return the field's title on the form; its key where the form does not name it."""
        return self.titles.get(key, key)


class SummaryTable(ProgrammePart):
    """The titles of form 2 (推荐汇总表): one row a case, in order of priority."""

    columns: tuple[Text, ...]
    contact: tuple[Text, ...]
