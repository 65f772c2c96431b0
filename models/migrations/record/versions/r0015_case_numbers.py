"""Cases have a number that people can say; those submitted before get theirs in that order."""

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_SUBMITTED = """
    SELECT case_record.id, case_record.season_id, case_record.body_id
    FROM case_record
    JOIN (
        SELECT case_id, min(seq) AS seq FROM transition WHERE action = 'submit' GROUP BY case_id
    ) AS first ON first.case_id = case_record.id
    JOIN transition ON transition.case_id = first.case_id AND transition.seq = first.seq
    ORDER BY transition.at, case_record.id
"""


def upgrade() -> None:
    op.add_column("case_record", sa.Column("number", sa.String(80), nullable=True))
    counter = op.create_table(
        "case_counter",
        sa.Column("prefix", sa.String(70), primary_key=True),
        sa.Column("last", sa.Integer(), nullable=False),
    )
    taken: Counter[str] = Counter()
    numbers = []
    for case_id, season_id, body_id in op.get_bind().execute(sa.text(_SUBMITTED)).all():
        prefix = f"{season_id}-{body_id}-"
        taken[prefix] += 1
        numbers.append({"case_id": case_id, "number": f"{prefix}{taken[prefix]:04}"})
    if numbers:
        give = sa.text("UPDATE case_record SET number = :number WHERE id = :case_id")
        op.get_bind().execute(give, numbers)
        op.bulk_insert(counter, [{"prefix": each, "last": last} for each, last in taken.items()])
    op.create_index("ix_case_record_number", "case_record", ["number"], unique=True)
