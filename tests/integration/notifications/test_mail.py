"""A mail as it is built, and the settings of what sends it."""

import re
from email.header import decode_header, make_header
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.notifications.recipients import NOTIFIED_ROLES
from models.programme.mail import Contact
from services.notifications.outgoing import OutgoingMessage
from services.notifications.previews import sample
from tests.integration.notifications.mails import SENDER, outgoing, settings
from tests.mailserver import plain
from workers.notify.folder_transport import FolderTransport
from workers.notify.mail import build_mail
from workers.notify.run import open_mail_transport
from workers.notify.smtp_transport import SmtpTransport
from workers.settings.mail import MailSettings

TITLES = [
    "智慧广电乡村服务", "A", "5G+4K/8K 超高清 AI 大模型", "é ü ñ", "𠀀𠮷字", "  两  头  ",
    "什么？=？", "a" * 80, "长" * 100, '"引号" <x@y>', "e\u0301 组合", "案例（二）：A—B",
]  # fmt: skip
SUBJECTS = [
    subject
    for title, (name, roles), role_at in product(TITLES, NOTIFIED_ROLES.items(), range(4))
    if role_at < len(roles)
    for head in [sample(name, sorted(roles)[role_at]).subject]
    for subject in (
        head.replace("（示例）智慧家庭服务", title),
        f"【推选】{head[-9:]} Formal check failed：《{title}》",
        f"{title} {name} {head}",
        f"{name}: {title}",
        f"（剩 3 个工作日）{title}（{name}）",
        f"{head} {title} {len(title)}",
    )
]


class TestHeaders:
    def test_every_encoded_word_stands_apart_and_gives_the_text_back(self) -> None:
        assert len(set(SUBJECTS)) > 1500
        for subject in SUBJECTS:
            raw = raw_headers(outgoing(subject=subject), SENDER)["Subject"]
            assert_words_apart(raw)
            assert decoded(raw).split() == subject.split()

    @pytest.mark.parametrize("title", TITLES[:5] + TITLES[7:9] + TITLES[10:])
    def test_so_do_the_names_of_the_sender(self, title: str) -> None:
        name = f"推选 {title} Office".replace("é", "e")
        raw = raw_headers(outgoing(), f"{name} <office@example.invalid>")
        assert_words_apart(raw["From"])
        words, _, address = raw["From"].rpartition("<")
        assert decoded(words.strip()) == name
        assert address == "office@example.invalid>"
        assert raw["List-Id"] == "<2024.tuixuan.example.invalid>"


def raw_headers(message: OutgoingMessage, sender: str) -> dict[str, str]:
    """Return each header as it goes out, with its lines."""
    built = bytes(build_mail(message, settings(25, sender=sender)))
    lines = built.partition(b"\r\n\r\n")[0].decode("ascii")
    assert max(map(len, lines.split("\r\n"))) <= 78
    headers = re.split(r"\r\n(?![ \t])", lines)
    return {name: value for name, _, value in (each.partition(": ") for each in headers)}


def assert_words_apart(raw: str) -> None:
    """RFC 2047, section 5: white space on both sides; section 2: at most 75 characters."""
    for word in re.split(r"[ \t\r\n]+", raw):
        assert "=?" not in word or re.fullmatch(r"=\?[\w-]+\?[bqBQ]\?[^? ]*\?=", word)
        assert len(word) <= 75


def decoded(raw: str) -> str:
    return str(make_header(decode_header(raw.replace("\r\n", ""))))


class TestMessage:
    def test_it_greets_and_says_where_to_act_and_whom_to_call(self) -> None:
        office = Contact(
            office="（示例）活动办公室", phone="010-00000000", hours="工作日 9:00—17:00"
        )
        message = build_mail(
            outgoing(
                salutation="福建省广播电视局：\n您好！", text="案例：《示例》\n当前状态：草稿\n",
                number="2024-fujian-0012", contact=office,
            ),
            settings(25),
            "http://127.0.0.1:8080",
        )  # fmt: skip

        assert plain(message) == (
            "福建省广播电视局：\n您好！\n\n案例：《示例》\n当前状态：草稿\n\n"
            "查看与办理：http://127.0.0.1:8080/\n命令行：tuixuan case show 2024-fujian-0012\n\n"
            "联系：（示例）活动办公室，电话 010-00000000，工作日 9:00—17:00\n\n"
            "--\n本邮件由系统自动发出，请勿直接回复。\n"
        )
        html = message.get_body(("html",))
        assert html is not None
        for said in ("您好！", "查看与办理：http://127.0.0.1:8080/", "电话 010-00000000"):
            assert said in html.get_content()

    def test_english_beneath_comes_with_the_english_half(self) -> None:
        english = "This mail was sent automatically; please do not reply to it."
        assert english in plain(build_mail(outgoing(english=True), settings(25)))
        assert english not in plain(build_mail(outgoing(), settings(25)))

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
