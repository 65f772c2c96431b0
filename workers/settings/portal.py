"""Settings of the web portal."""

from pydantic import HttpUrl, field_validator

from workers.settings.section import Port, SettingsSection


class PortalSettings(SettingsSection):
    """Where the web portal is.

    Attributes:
        port: Where it listens on 127.0.0.1.
        public_url: How people reach it, through whatever proxy stands in front of it.
    """

    port: Port | None = None
    public_url: HttpUrl | None = None

    @field_validator("public_url")
    @classmethod
    def _takes_a_path(cls, value: HttpUrl | None) -> HttpUrl | None:
        if value is not None and (value.query is not None or value.fragment is not None):
            raise ValueError("地址之后还要接上路径，不能含 ? 或 #")
        return value

    @property
    def public(self) -> str | None:
        """`public_url` as text, without a trailing slash."""
        return None if self.public_url is None else str(self.public_url).rstrip("/")
