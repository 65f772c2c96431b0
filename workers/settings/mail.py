"""How mail leaves: the settings. Light to import, as every process reads settings."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

DEFAULT_SENDER = "推选 <noreply@tuixuan.invalid>"
"""The sender of mails that only lie in a folder: an address that no server takes."""

type Security = Literal["none", "starttls", "tls"]

_PORTS: dict[Security, int] = {"none": 25, "starttls": 587, "tls": 465}


class MailSettings(BaseModel):
    """Where mails go.

    Attributes:
        host: The SMTP server; None: mails lie in `folder` instead.
        port: None: the usual one for `security`.
        security: `starttls` and `tls` refuse a server that cannot, or whose certificate
            does not hold; `none` sends in the clear.
        user: Who signs in to the server; None: nobody does.
        password: With `user`.
        sender: The From of every mail, `name <address>`; needed with `host`.
        folder: Where mails lie without a server.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Security = "none"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = DEFAULT_SENDER
    folder: Path | None = None

    @property
    def server_port(self) -> int:
        """The port, or the usual one."""
        return self.port or _PORTS[self.security]

    @property
    def domain(self) -> str:
        """The domain of the sender's address."""
        return address_of(self.sender).rpartition("@")[2]

    @field_validator("sender")
    @classmethod
    def _has_address(cls, value: str) -> str:
        local, at, domain = address_of(value).rpartition("@")
        if not (local and at and domain and value.isprintable()):
            raise ValueError("发件人应写成 名称 <地址> 或 地址")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host is not None and self.sender == DEFAULT_SENDER:
            raise ValueError("设置了邮件服务器（host），还须设置发件人（sender）")
        if (self.user is None) != (self.password is None):
            raise ValueError("邮件服务器的 user 与 password 须同时设置")
        return self


def address_of(mailbox: str) -> str:
    """Return the address in `name <address>`; empty where there is none."""
    from email.utils import parseaddr

    return parseaddr(mailbox)[1]
