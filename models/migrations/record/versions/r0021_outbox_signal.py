"""On PostgreSQL the outbox says when something was put into it, so that the relay need not ask."""

from alembic import op

revision = "0021"
down_revision = "0020"

_SIGNAL = """
CREATE OR REPLACE FUNCTION outbox_signal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY tuixuan_outbox;
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE TRIGGER outbox_signal AFTER INSERT ON outbox
FOR EACH STATEMENT EXECUTE FUNCTION outbox_signal()
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_SIGNAL)
        op.execute(_TRIGGER)
