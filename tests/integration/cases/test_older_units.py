"""Units of an older record, where two spellings of one name were two units."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from models import tables
from models.store.engine import reading, transaction
from models.store.upgrade import upgrade_record
from services.cases.drafts import NewDraft, create_draft
from services.clock import new_id
from tests.factories import OPENS, form
from tests.older_record import copy_rows, opened_older

NAMES = {"unit_1": "示例公司（乙）", "unit_2": "示例公司(乙)", "unit_3": "示例公司（丙）"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A record of the release before, without a row."""
    with opened_older(request, tmp_path, "0017") as engine:
        yield engine


def test_they_stay_apart_and_the_first_goes_on(
    older: Engine, sqlite_engine: Engine, season: str
) -> None:
    rows = [
        {"id": unit, "season_id": season, "name": name, "name_key": unit, "created_at": OPENS}
        for unit, name in NAMES.items()
    ]
    with transaction(sqlite_engine) as connection:
        connection.execute(insert(tables.unit), rows)
    copy_rows(sqlite_engine, older)

    upgrade_record(older)

    case_id, unit = new_id("case"), tables.unit.c
    create_draft(older, case_id, NewDraft(season, form(unit="示例公司(\u200b乙)")), OPENS)
    with reading(older) as connection:
        names = dict(connection.execute(select(unit.id, unit.name)).all())
        files = select(tables.case_record.c.unit_id).where(tables.case_record.c.id == case_id)
        assert connection.scalar(files) == "unit_1"
    assert names == NAMES
