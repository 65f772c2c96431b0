"""Answers about dates: each moves what it says, in the record and in the workflow."""

from datetime import datetime

from tests.e2e.answers.registry import answers
from tests.e2e.driving import SUBMIT
from tests.e2e.operations import SEASON, Connections, Question, sample

UNCOVERED = 2041
"""A year that nobody has arranged."""


def deadline(office: Connections, case_id: str) -> datetime:
    """Return a case's deadline on record, which its workflow must have as well."""
    shown = office.stack.json("case", "show", case_id)["deadline"]
    assert office.snapshot(case_id)["deadline"] == shown
    return datetime.fromisoformat(shown)


@answers("How do I extend one unit's cutoff?")
def one_unit(office: Connections, question: Question) -> None:
    assert office.cases
    ours, others = office.case("单位延期"), office.case("单位未延期")
    before = deadline(office, ours), deadline(office, others)
    unit = office.stack.json("case", "show", ours)["unit"]
    moved = office.command(question, SEASON=SEASON, UNIT=unit, WHEN="+70d")
    assert moved["cases"] == [ours]
    assert deadline(office, ours) == datetime.fromisoformat(moved["until"]) > before[0]
    assert deadline(office, others) == before[1]


@answers("How do I extend one case's deadline?")
def one_case(office: Connections, question: Question) -> None:
    assert office.cases
    case_id = office.case("单件延期", SUBMIT)
    before = deadline(office, case_id)
    shown = office.command(question, CASE=case_id, WHEN="+80d")
    assert deadline(office, case_id) == datetime.fromisoformat(shown["deadline"]) > before


@answers("How do I give one body a later cutoff?")
def one_body(office: Connections, question: Question) -> None:
    assert office.cases
    ours, others = office.case("本省草稿"), office.case("外省草稿", location="浙江省")
    before = deadline(office, others)
    moved = office.command(question, SEASON=SEASON, WHEN="+25d")
    assert ours in moved["cases"]
    assert others not in moved["cases"]
    assert deadline(office, ours) == datetime.fromisoformat(moved["after"])
    assert deadline(office, others) == before


@answers("How do I move the national cutoff?")
def all_bodies(office: Connections, question: Question) -> None:
    assert office.cases
    case_id = office.case("全国延期", location="浙江省")
    moved = office.command(question, SEASON=SEASON, WHEN="+40d")  # before the formal check
    assert case_id in moved["cases"]
    assert deadline(office, case_id) == datetime.fromisoformat(moved["after"])


@answers("Which years lack working days?")
def years_missing(office: Connections, question: Question) -> None:
    def years() -> list[int]:
        return [item["year"] for item in office.command(question)["items"]]

    assert UNCOVERED not in years()
    assert office.far_case
    assert UNCOVERED in years()


@answers("How do I enter a year's working days?")
def year_entered(office: Connections, question: Question) -> None:
    case_id = office.far_case
    assert str(UNCOVERED) in office.snapshot(case_id)["agenda"]["blocked_by"]
    file = office.folder / "year.toml"
    file.write_text(sample("toml").replace("YEAR", str(UNCOVERED)), encoding="utf-8")
    office.command(question, YEAR=str(UNCOVERED), FILE=str(file))
    agenda = office.snapshot(case_id)["agenda"]
    assert agenda["blocked_by"] is None
    assert [item["offset"] for item in agenda["items"]] == [7, 3, 1, 0]
