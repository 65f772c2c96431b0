"""A mail as it is built, and the settings of what sends it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.integration.notifications.mails import SENDER, outgoing, settings
from tests.mailserver import plain
from workers.notify.folder_transport import FolderTransport
from workers.notify.mail import build_mail
from workers.notify.run import open_mail_transport
from workers.notify.smtp_transport import SmtpTransport
from workers.settings.mail import MailSettings


class TestLetter:
    def test_it_says_who_made_it_and_is_the_same_each_time(self) -> None:
        message = build_mail(outgoing(), settings(25))

        assert message["From"] == SENDER
        assert message["To"] == "ann@example.invalid"
        assert message["Subject"] == outgoing().subject
        assert message["Message-ID"] == "<dlv_1@example.invalid>"
        assert message["Date"] == "Thu, 25 Apr 2024 08:00:00 +0000"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["List-Id"] == "<2024.tuixuan.example.invalid>"
        assert message["X-Tuixuan-Event"] == "case_1:3"
        assert bytes(message) == bytes(build_mail(outgoing(), settings(25)))

    def test_an_answer_goes_where_the_season_says_and_else_is_not_asked_for(self) -> None:
        nowhere = build_mail(outgoing(), settings(25))
        office = build_mail(outgoing(reply_to="office@example.invalid"), settings(25))

        assert nowhere["Reply-To"] is None
        assert "请勿直接回复" in plain(nowhere)
        assert office["Reply-To"] == "office@example.invalid"
        assert "回复将送达主办方" in plain(office)
        html = office.get_body(("html",))
        assert html is not None
        assert "回复将送达主办方" in html.get_content()

    @pytest.mark.parametrize("text", ["案例\n", "一行" * 1000])
    def test_its_text_is_utf_8_and_comes_back_whole(self, text: str) -> None:
        message = build_mail(outgoing(text=text), settings(25))

        assert message.get_content_type() == "multipart/alternative"
        lines = plain(message).splitlines()
        assert lines[:4] == [text.strip(), "", "--", "本邮件由系统自动发出，请勿直接回复。"]
        assert max(map(len, bytes(message).split(b"\r\n"))) <= 998


class TestSettings:
    @pytest.mark.parametrize(
        "values",
        [
            {"host": "mail.example.invalid"},
            {"user": "someone"},
            {"password": "secret"},
            {"sender": "no address"},
            {"sender": "a@example.invalid\nBcc: b@example.invalid"},
            {"security": "ssl"},
            {"port": 0},
            {"hosts": "mail.example.invalid"},
        ],
    )
    def test_what_cannot_work_is_refused(self, values: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            MailSettings.model_validate(values)

    def test_a_password_does_not_show(self) -> None:
        assert "secret" not in repr(
            MailSettings.model_validate({"user": "u", "password": "secret"})
        )

    @pytest.mark.parametrize(("security", "port"), [("none", 25), ("starttls", 587), ("tls", 465)])
    def test_the_port_is_the_usual_one(self, security: str, port: int) -> None:
        assert settings(None, security=security).server_port == port

    def test_without_a_server_mails_lie_in_the_folder(self, tmp_path: Path) -> None:
        assert isinstance(open_mail_transport(MailSettings(folder=tmp_path)), FolderTransport)
        assert isinstance(open_mail_transport(settings(25, folder=tmp_path)), SmtpTransport)
        with pytest.raises(ValueError, match="host"):
            open_mail_transport(MailSettings())
