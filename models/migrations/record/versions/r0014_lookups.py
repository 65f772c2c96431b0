"""Lookup tables instead of CHECK lists: another action, state or status is one INSERT."""

from models.migrations.lookups import make_lookup, refer

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _make()
    refer("app_user", {"role": "actor_role"})
    refer("body", {"kind": "body_kind"})
    refer("case_record", {"state": "case_state"})
    refer("dead_letter", {"status": "dead_letter_status"})
    refer("deed", {"kind": "audit_entry_kind"})
    refer("delivery", {"status": "delivery_status"})
    refer(
        "transition",
        {
            "action": "case_action",
            "source": "case_state",
            "target": "case_state",
            "actor_role": "actor_role",
        },
    )
    refer("user_channel", {"channel": "user_channel_kind"})
    refer("webhook_endpoint", {"status": "webhook_endpoint_status", "owner_role": "actor_role"})
    refer("webhook_delivery", {"status": "webhook_status"})


def _make() -> None:
    make_lookup(
        "actor_role", "applicant body organiser panel season expert operator auditor public"
    )
    make_lookup("audit_entry_kind", "look change removal key")
    make_lookup("body_kind", "province corps central")
    make_lookup(
        "case_action",
        "submit return_for_revision accept decline send_back recommend leave_out "
        "request_correction resubmit pass_formal_check fail_formal_check shortlist select "
        "not_select publish disqualify withdraw lapse remind expire move_deadline",
    )
    make_lookup(
        "case_state",
        "draft province_review recommendation formal_check correction expert_review "
        "oral_defense publication published not_recommended ineligible not_selected "
        "withdrawn lapsed disqualified",
    )
    make_lookup("dead_letter_status", "open retried dropped")
    make_lookup("delivery_status", "waiting sent failed dropped")
    make_lookup("user_channel_kind", "chat sms")
    make_lookup("webhook_endpoint_status", "active paused disabled")
    make_lookup("webhook_status", "waiting delivered failed cancelled")
