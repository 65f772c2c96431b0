import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, delete, func, select
from structlog.testing import capture_logs

from models.cases.actions.names import Action
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.cases.states import State
from models.notifications.delivery import DeliveryStatus
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.stream.names import EVENTS
from models.tables import CaseRecord, ConsumerCursor, Delivery, InboxMessage, Outbox, table_of
from services.notifications.channels import set_channel
from services.notifications.inbox import deliveries, inbox, mark_read
from services.people.recipients import find_recipients
from services.people.users import (
    NewUser,
    add_user,
    enter_user,
    list_users,
    set_email,
)
from tests.factories import OPENS, commit, form, keep_reason, make_case, open_season
from tests.mailserver import MailServer, plain
from tests.waiting import until
from workers.notify.handler import NotifyHandler
from workers.notify.run import Ways, run
from workers.settings.mail import MailSettings
from workers.stream.relay import Relay

FUJIAN, ORGANISER, PANEL = "2024-fujian", "2024-organiser", "2024-panel"
EXPERT = NewUser("wang", "2024", "expert", "虚构专家")
REASON = "（示例）请补充用户规模，联系 13800000000。"


def events(engine: Engine, case_id: str) -> list[tuple[CaseEvent, str]]:
    """The events of a case as the relay would publish them."""
    outbox = table_of(Outbox).c
    with reading(engine) as connection:
        bodies = connection.scalars(
            select(outbox.body).where(outbox.case_id == case_id).order_by(outbox.seq)
        ).all()
    return [(CaseEvent.model_validate_json(body), body) for body in bodies]


def tell(engine: Engine, case_id: str, handler: NotifyHandler | None = None) -> None:
    """Apply every event of a case, in order."""
    handler = handler or NotifyHandler(engine)
    for event, body in events(engine, case_id):
        handler.apply(event, body, event.data.seq)


def new_case(engine: Engine, *, state: State = State.DRAFT) -> str:
    """Put a case on record whose applicant's desk has the id of its unit."""
    case_id = make_case(engine, state=state)
    unit = unit_of(engine, case_id)
    with transaction(engine) as connection:
        add_user(
            connection, id=unit, season_id="2024", role=Role.APPLICANT, org=unit,
            name="虚构单位", email=None, at=OPENS,
        )  # fmt: skip
    return case_id


def unit_of(engine: Engine, case_id: str) -> str:
    case = table_of(CaseRecord).c
    with reading(engine) as connection:
        return str(connection.scalar(select(case.unit_id).where(case.id == case_id)))


def heard(engine: Engine, user_id: str) -> list[str]:
    """What a user was told of, the oldest first."""
    return [item.event for item in reversed(inbox(engine, user_id))]


def count(engine: Engine, table: type[InboxMessage | Delivery | ConsumerCursor]) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table_of(table))) or 0


@pytest.mark.usefixtures("season")
class TestTelling:
    def test_the_way_of_a_case_is_told_to_each_as_it_concerns_them(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PUBLISHED)

        tell(engine, case_id)

        assert heard(engine, unit_of(engine, case_id)) == [
            "submitted", "accepted", "recommended", "formal_check_passed", "shortlisted",
            "selected", "published",
        ]  # fmt: skip
        assert heard(engine, FUJIAN) == [
            "submitted", "recommended", "formal_check_passed", "shortlisted", "selected",
            "published",
        ]  # fmt: skip
        assert heard(engine, ORGANISER) == ["recommended", "selected", "published"]
        assert heard(engine, PANEL) == ["formal_check_passed", "shortlisted"]
        assert NotifyHandler(engine).last_seq(case_id) == 7

    def test_other_units_bodies_and_seasons_hear_nothing(self, engine: Engine) -> None:
        open_season(engine, season="2023")
        other = new_case(engine)
        case_id = new_case(engine, state=State.FORMAL_CHECK)

        tell(engine, case_id)

        assert heard(engine, unit_of(engine, case_id)) != []
        for nobody in (unit_of(engine, other), "2024-hunan", "2023-fujian", "2023-organiser"):
            assert heard(engine, nobody) == []

    def test_everybody_of_a_unit_is_told(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        with transaction(engine) as connection:
            add_user(
                connection, id="second", season_id="2024", role=Role.APPLICANT,
                org=unit_of(engine, case_id), name="虚构的人", email=None, at=OPENS,
            )  # fmt: skip

        tell(engine, case_id)

        assert heard(engine, "second") == heard(engine, unit_of(engine, case_id)) == ["submitted"]

    def test_a_returned_case_comes_with_its_reason(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        reason = keep_reason(engine, case_id, REASON)
        commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)

        tell(engine, case_id)

        (returned, submitted) = inbox(engine, unit_of(engine, case_id))
        assert f"说明：{REASON}\n" in returned.text
        assert returned.at == OPENS + timedelta(hours=2)
        assert REASON not in submitted.text

    def test_a_reminder_reaches_the_awaited_alone(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        commit(engine, case_id, Action.REMIND, deadline=OPENS + timedelta(days=9), offset=3)

        tell(engine, case_id)

        assert heard(engine, FUJIAN) == ["submitted", "deadline_approaching"]
        assert heard(engine, unit_of(engine, case_id)) == ["submitted"]
        assert "剩 3 个工作日" in inbox(engine, FUJIAN)[0].subject

    def test_an_applicant_is_reminded_to_come_prepared_and_not_that_a_defence_is_overdue(
        self, engine: Engine
    ) -> None:
        case_id = new_case(engine, state=State.ORAL_DEFENSE)
        due = OPENS + timedelta(days=9)
        commit(engine, case_id, Action.REMIND, deadline=due, offset=3)
        tell(engine, case_id)
        commit(engine, case_id, Action.EXPIRE, deadline=due)
        tell(engine, case_id)

        unit = unit_of(engine, case_id)
        assert heard(engine, unit)[-2:] == ["shortlisted", "deadline_approaching"]
        assert "待办：准备现场答辩材料" in inbox(engine, unit)[0].text
        assert heard(engine, PANEL)[-1] == "deadline_passed"

    def test_experts_hear_of_what_awaits_their_scores_and_of_nothing_before(
        self, engine: Engine
    ) -> None:
        enter_user(engine, EXPERT, OPENS)
        open_season(engine, season="2023")
        enter_user(engine, EXPERT._replace(id="elsewhere", season_id="2023"), OPENS)
        early = new_case(engine, state=State.FORMAL_CHECK)
        case_id = new_case(engine, state=State.EXPERT_REVIEW)
        for case in (early, case_id):
            commit(engine, case, Action.REMIND, deadline=OPENS + timedelta(days=9), offset=3)
            tell(engine, case)

        assert heard(engine, EXPERT.id) == ["formal_check_passed", "deadline_approaching"]
        newest = inbox(engine, EXPERT.id)[0]
        assert newest.case_id == case_id
        assert "待办：完成专家评审" in newest.text
        assert "Awaited from you: the scores to be given" in newest.text
        assert heard(engine, "elsewhere") == []


@pytest.mark.usefixtures("season")
class TestOnce:
    def test_an_event_told_again_tells_nobody_again(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        tell(engine, case_id)
        tell(engine, case_id)

        assert heard(engine, FUJIAN) == ["submitted"]
        assert count(engine, Delivery) == 1

    def test_a_lost_cursor_tells_nobody_again(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        tell(engine, case_id)
        messages, mails = count(engine, InboxMessage), count(engine, Delivery)
        with transaction(engine) as connection:
            connection.execute(delete(table_of(ConsumerCursor)))

        tell(engine, case_id)

        assert (count(engine, InboxMessage), count(engine, Delivery)) == (messages, mails)
        assert NotifyHandler(engine).last_seq(case_id) == 3

    def test_events_out_of_order_are_all_told(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        handler = NotifyHandler(engine)

        for event, body in reversed(events(engine, case_id)):
            handler.apply(event, body, event.data.seq)

        assert sorted(heard(engine, unit_of(engine, case_id))) == [
            "accepted",
            "recommended",
            "submitted",
        ]
        assert handler.last_seq(case_id) == 3

    def test_who_comes_later_is_not_told_of_what_was_before(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        tell(engine, case_id)
        with transaction(engine) as connection:
            add_user(
                connection, id="new", season_id="2024", role=Role.BODY, org="fujian",
                name="虚构的人", email=None, at=OPENS,
            )  # fmt: skip

        tell(engine, case_id)

        assert heard(engine, "new") == []

    def test_two_workers_at_once_tell_it_once(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(tell, engine, case_id) for _ in range(8)]:
                done.result()

        assert heard(engine, FUJIAN) == ["submitted"]
        assert count(engine, Delivery) == 1

    def test_what_fails_in_the_middle_leaves_nothing_behind(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)

        def no_time() -> datetime:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            tell(engine, case_id, NotifyHandler(engine, clock=no_time))

        assert count(engine, InboxMessage) == count(engine, ConsumerCursor) == 0
        tell(engine, case_id)
        assert heard(engine, FUJIAN) == ["submitted"]


@pytest.mark.usefixtures("season")
class TestMails:
    def test_those_with_an_address_get_a_mail_and_the_sender_is_woken(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.RECOMMENDATION)
        woken: list[str] = []

        tell(engine, case_id, NotifyHandler(engine, told=lambda: woken.append("now")))

        assert [(item.recipient, item.event_id, item.status) for item in deliveries(engine)] == [
            (FUJIAN, f"{case_id}:1", "waiting")
        ]
        assert woken == ["now"]

    def test_nothing_personal_is_logged(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        reason = keep_reason(engine, case_id, REASON)
        commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)

        with capture_logs() as logs:
            tell(engine, case_id)

        assert [log["event_id"] for log in logs] == [f"{case_id}:1", f"{case_id}:2"]
        filed = form()
        for personal in (
            "example.invalid", "13800000000", REASON, filed.contact_name, filed.contact_mobile,
        ):  # fmt: skip
            assert personal not in repr(logs)


@pytest.mark.usefixtures("season")
class TestInbox:
    def test_it_is_read_page_by_page_the_newest_first(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PUBLISHED)
        tell(engine, case_id)
        user = unit_of(engine, case_id)
        everything = inbox(engine, user)

        first = inbox(engine, user, limit=3)
        second = inbox(engine, user, limit=3, after=first[-1].id)
        third = inbox(engine, user, limit=3, after=second[-1].id)

        assert everything[0].event == "published"
        assert first + second + third == everything
        assert inbox(engine, user, after=third[-1].id) == []

    def test_a_message_is_marked_read_by_its_owner_and_once(self, engine: Engine) -> None:
        case_id = new_case(engine, state=State.PROVINCE_REVIEW)
        tell(engine, case_id)
        user = unit_of(engine, case_id)
        (message,) = inbox(engine, user)

        assert mark_read(engine, FUJIAN, [message.id], OPENS) == 0
        assert mark_read(engine, user, [message.id], OPENS) == 1
        assert mark_read(engine, user, [message.id], OPENS + timedelta(days=1)) == 0
        assert inbox(engine, user)[0].read_at == OPENS

    def test_whom_nobody_knows_has_no_inbox(self, engine: Engine) -> None:
        with pytest.raises(Refused, match="unknown_user"):
            inbox(engine, "nobody")
        with pytest.raises(Refused, match="unknown_user"):
            mark_read(engine, "nobody", [], OPENS)
        with pytest.raises(Refused, match="unknown_user"):
            set_email(engine, "nobody", None)

    def test_deliveries_are_found_by_what_is_known_of_them(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        case_id = new_case(engine, state=State.FORMAL_CHECK)
        tell(engine, case_id)

        recommended, submitted = deliveries(engine)

        assert (submitted.event_id, recommended.event_id) == (f"{case_id}:1", f"{case_id}:3")
        assert deliveries(engine, event_id=f"{case_id}:3") == [recommended]
        assert deliveries(engine, limit=1) == [recommended]
        assert deliveries(engine, limit=1, after=recommended.id) == [submitted]
        assert (
            deliveries(engine, status=DeliveryStatus.FAILED)
            == deliveries(engine, user_id=PANEL)
            == []
        )
        assert "example.invalid" not in submitted.model_dump_json()


@pytest.mark.usefixtures("season")
class TestUsers:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"id": "a b"}, "bad_user_id"),
            ({"id": ""}, "bad_user_id"),
            ({"id": FUJIAN}, "user_exists"),
            ({"org": "atlantis"}, "unknown_org"),
            ({"org": None}, "unknown_org"),
            ({"role": Role.APPLICANT}, "unknown_org"),
            ({"email": "nobody"}, "bad_email"),
            ({"email": "a@b\nBcc: c@d"}, "bad_email"),
            ({"email": "名@example.invalid"}, "bad_email"),
        ],
    )
    def test_who_could_not_be_told_anything_is_refused(
        self, engine: Engine, changes: dict[str, object], code: str
    ) -> None:
        user: dict[str, object] = {
            "id": "reviewer", "season_id": "2024", "role": Role.BODY, "org": "fujian",
            "name": "虚构的人", "email": None, "at": OPENS,
        }  # fmt: skip

        with pytest.raises(Refused) as refused, transaction(engine) as connection:
            add_user(connection, **(user | changes))  # type: ignore[arg-type] # wrong on purpose

        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"season_id": "1999"}, "unknown_season"),
            ({"role": "juror"}, "unknown_role"),
            ({"role": "season"}, "role_not_allowed"),
            ({"org": "fujian"}, "unknown_org"),
            ({"role": "body"}, "unknown_org"),
            ({"id": FUJIAN}, "user_exists"),
        ],
    )
    def test_nobody_is_entered_whom_no_event_would_reach(
        self, engine: Engine, changes: dict[str, str], code: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            enter_user(engine, EXPERT._replace(**changes), OPENS)

        assert refused.value.code == code

    def test_a_list_of_users_has_their_channels_and_no_address(self, engine: Engine) -> None:
        entered = enter_user(engine, EXPERT._replace(email="wang@example.invalid"), OPENS)
        set_channel(engine, EXPERT.id, "sms", "13800000000", OPENS)

        (found,) = list_users(engine, "2024", "expert")
        assert entered.channels == ["mail"]
        assert found.channels == ["mail", "sms"]
        assert "@" not in found.model_dump_json()
        assert "13800000000" not in found.model_dump_json()

    def test_nobody_is_found_for_no_role(self, engine: Engine) -> None:
        with reading(engine) as connection:
            assert find_recipients(connection, [], "2024", "unit", "fujian") == []


@pytest.mark.usefixtures("season")
class TestWorker:
    async def test_what_the_record_holds_reaches_inboxes_and_mailboxes_once(
        self, engine: Engine, js: JetStreamContext
    ) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        set_email(engine, PANEL, "panel@example.invalid")
        case_id = new_case(engine, state=State.PUBLISHED)
        while await Relay(engine, js).drain():
            pass

        async with MailServer() as server:
            async with notifying(engine, js, server):
                await until(lambda: len(server.mails) == 8)
            await js.delete_consumer(EVENTS, NotifyHandler.name)  # so that all comes again
            async with notifying(engine, js, server):
                commit(engine, case_id, Action.DISQUALIFY, objection="XG-1")
                await Relay(engine, js).drain()
                await until(lambda: len(server.mails) == 9)

        assert heard(engine, FUJIAN) == [
            "submitted", "recommended", "formal_check_passed", "shortlisted", "selected",
            "published", "disqualified",
        ]  # fmt: skip
        assert heard(engine, PANEL) == ["formal_check_passed", "shortlisted"]
        assert [mail["X-Tuixuan-Event"] for mail in server.to("fujian@example.invalid")] == [
            f"{case_id}:{seq}" for seq in (1, 3, 4, 5, 6, 7, 8)
        ]
        shown = inbox(engine, FUJIAN)[0]
        mail = server.to("fujian@example.invalid")[-1]
        assert mail["Subject"] == shown.subject
        assert plain(mail).replace("\r\n", "\n").startswith(shown.text)

    async def test_without_a_server_the_mail_lies_in_the_folder(
        self, engine: Engine, js: JetStreamContext, tmp_path: Path
    ) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        new_case(engine, state=State.PROVINCE_REVIEW)
        await Relay(engine, js).drain()
        stop = asyncio.Event()

        worker = asyncio.create_task(
            run(js, engine, Ways(MailSettings(folder=tmp_path / "mail")), stop)
        )
        await until(lambda: any(item.status == "sent" for item in deliveries(engine)))
        stop.set()
        await worker

        (delivery,) = deliveries(engine)
        assert [path.name for path in (tmp_path / "mail").iterdir()] == [f"{delivery.id}.eml"]


@asynccontextmanager
async def notifying(
    engine: Engine, js: JetStreamContext, server: MailServer
) -> AsyncIterator[None]:
    settings = MailSettings(host="127.0.0.1", port=server.port, sender="office@example.invalid")
    stop = asyncio.Event()
    worker = asyncio.create_task(run(js, engine, Ways(settings), stop))
    try:
        yield
    finally:
        stop.set()
        await worker
