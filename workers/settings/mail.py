"""Settings of mail."""

from pathlib import Path
from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from models.text.addresses import is_address
from workers.settings.section import Port, SettingsSection

DEFAULT_SENDER = "推选 <noreply@tuixuan.invalid>"
"""The sender of mails that are only saved in a folder. No server accepts this address."""

type Security = Literal["none", "starttls", "tls"]

_PORTS: dict[Security, int] = {"none": 25, "starttls": 587, "tls": 465}


class MailSettings(SettingsSection):
    """How mail is sent.

    Attributes:
        host: The SMTP server. None saves mails in `folder` instead.
        port: None means the usual port for `security`.
        security: `starttls` and `tls` refuse a server that does not offer it or whose
            certificate is invalid; `none` sends in the clear.
        user: The account on the server; None sends without signing in.
        password: Required with `user`.
        sender: The From of every mail, `name <address>`. Required with `host`.
        folder: Where mails are saved when there is no server.
    """

    host: str | None = None
    port: Port | None = None
    security: Security = "none"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = DEFAULT_SENDER
    folder: Path | None = None

    @property
    def server_port(self) -> int:
        """The port, by default the usual one for `security`."""
        return self.port or _PORTS[self.security]

    @property
    def address(self) -> str:
        """The sender's address, without a name."""
        return address_of(self.sender)

    @property
    def domain(self) -> str:
        """The domain of the sender's address."""
        return self.address.rpartition("@")[2]

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, value: Path | None) -> Path | None:
        return value and value.absolute()

    @field_validator("sender")
    @classmethod
    def _has_address(cls, value: str) -> str:
        if not (is_address(address_of(value)) and value.isprintable()):
            raise ValueError("发件人应写成 名称 <地址> 或 地址，地址形如 name@example.invalid")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.host is not None and self.sender == DEFAULT_SENDER:
            raise ValueError("设置了邮件服务器（host），还须设置发件人（sender）")
        if (self.user is None) != (self.password is None):
            raise ValueError("邮件服务器的 user 与 password 须同时设置")
        return self


def address_of(mailbox: str) -> str:
    """Return the address in `name <address>`, or an empty text if there is none."""
    from email.utils import parseaddr

    return parseaddr(mailbox)[1]
