"""Units are compared by a key: full-width or half-width, with or without unseen characters.

Units of one season that were entered apart under two spellings stay apart, with their cases and
inboxes: what was announced names them. The first of them gets what is filed from now on.
"""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name)
    seen = "".join(each for each in plain if unicodedata.category(each) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen.casefold()).split())


def upgrade() -> None:
    op.add_column("unit", sa.Column("name_key", sa.String(), nullable=True))
    units = "SELECT id, season_id, name FROM unit ORDER BY created_at, id"
    taken, keys = set(), []
    for unit_id, season_id, name in op.get_bind().execute(sa.text(units)).all():
        key = _folded(name)
        if (season_id, key) in taken:
            key = f"{key}\n{unit_id}"  # no name has a line break: nothing else has this key
        taken.add((season_id, key))
        keys.append({"unit_id": unit_id, "name_key": key})
    if keys:
        give = sa.text("UPDATE unit SET name_key = :name_key WHERE id = :unit_id")
        op.get_bind().execute(give, keys)
    with op.batch_alter_table("unit") as batch:
        batch.alter_column("name_key", existing_type=sa.String(), nullable=False)
        batch.create_unique_constraint("unit_key_once", ["season_id", "name_key"])
