"""Seasons, people, cases and their history.

The lists of states, roles and actions are written out: a migration says what was true on its
day, whatever the code says later.
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.columns import index, instant, known, text
from models.migrations.insert_only import make_insert_only

revision = "0001"
down_revision = None

_ROLES = "applicant body organiser panel season expert operator auditor public"
_STATES = (
    "draft province_review recommendation formal_check correction expert_review "
    "oral_defense publication published not_recommended ineligible not_selected "
    "withdrawn lapsed disqualified"
)
_ACTIONS = (
    "submit return_for_revision accept decline send_back recommend "
    "leave_out request_correction resubmit pass_formal_check fail_formal_check shortlist "
    "select not_select publish disqualify withdraw lapse "
    "remind expire move_deadline"
)


def upgrade() -> None:
    _seasons()
    _people()
    _cases()
    _history()
    make_insert_only("transition")


def _seasons() -> None:
    op.create_table(
        "season",
        text("id", 32),
        text("title"),
        sa.Column("programme", sa.JSON(), nullable=False),
        sa.Column("milestones", sa.JSON(), nullable=False),
        instant("anchor"),
        sa.Column("seconds_per_day", sa.Float(), nullable=False),
        instant("opened_at"),
        instant("archived_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("seconds_per_day > 0", name="pace_positive"),
    )
    op.create_table(
        "season_change",
        text("id", 40),
        text("season_id"),
        text("milestone"),
        text("body_id", null=True),
        instant("before", null=True),
        instant("after"),
        text("reason"),
        text("actor"),
        instant("at"),
        instant("applied_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
    )
    index("season_change", "season_id")
    op.create_table(
        "body",
        text("season_id"),
        text("id", 32),
        text("name"),
        text("kind"),
        instant("cutoff", null=True),
        sa.PrimaryKeyConstraint("season_id", "id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
        known("kind", "province corps central"),
    )
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        text("source"),
        sa.PrimaryKeyConstraint("day"),
    )


def _people() -> None:
    op.create_table(
        "unit",
        text("id", 32),
        text("season_id"),
        text("name"),
        instant("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
        sa.UniqueConstraint("season_id", "name", name="unit_name_once"),
    )
    op.create_table(
        "app_user",
        text("id", 64),
        text("season_id"),
        text("role"),
        text("org", null=True),
        text("name"),
        text("email", null=True),
        instant("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
        known("role", _ROLES),
    )
    index("app_user", "org")
    index("app_user", "season_id")


def _cases() -> None:
    op.create_table(
        "case_record",
        text("id", 32),
        text("season_id"),
        text("body_id", 32),
        text("unit_id"),
        text("applicant_id", 64),
        text("title"),
        text("category"),
        text("state"),
        sa.Column("seq", sa.Integer(), nullable=False),
        text("head_hash"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("frozen_revision", sa.Integer(), nullable=True),
        text("content_digest", null=True),
        instant("since"),
        instant("due", null=True),
        instant("extended_cutoff", null=True),
        instant("deadline", null=True),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("return_rounds", sa.Integer(), nullable=False),
        instant("created_at"),
        instant("updated_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"]),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"]),
        sa.ForeignKeyConstraint(["season_id", "body_id"], ["body.season_id", "body.id"]),
        sa.CheckConstraint("frozen_revision <= revision", name="frozen_not_ahead"),
        sa.CheckConstraint("revision >= 1", name="revision_from_one"),
        sa.CheckConstraint("seq >= 0", name="seq_not_negative"),
        known("state", _STATES),
    )
    index("case_record", "body_id")
    index("case_record", "deadline")
    index("case_record", "season_id")
    index("case_record", "state")
    index("case_record", "unit_id")


def _history() -> None:
    op.create_table(
        "case_revision",
        text("case_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        text("digest"),
        text("saved_by"),
        instant("saved_at"),
        sa.PrimaryKeyConstraint("case_id", "revision"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.CheckConstraint("revision >= 1", name="from_one"),
    )
    op.create_table(
        "case_reason",
        text("case_id"),
        text("digest"),
        text("text"),
        instant("written_at"),
        sa.PrimaryKeyConstraint("case_id", "digest"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
    )
    op.create_table(
        "transition",
        text("case_id"),
        sa.Column("seq", sa.Integer(), nullable=False),
        text("update_id", 200),
        text("action"),
        text("source"),
        text("target"),
        text("actor_role"),
        text("actor_id"),
        instant("at"),
        text("reason", null=True),
        sa.Column("command", sa.JSON(), nullable=False),
        text("command_digest"),
        text("content_digest", null=True),
        text("previous_hash"),
        text("hash"),
        sa.PrimaryKeyConstraint("case_id", "seq"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.UniqueConstraint("case_id", "update_id", name="update_once"),
        known("action", _ACTIONS),
        known("actor_role", _ROLES),
        sa.CheckConstraint("seq >= 1", name="seq_from_one"),
        known("source", _STATES),
        known("target", _STATES),
    )
