"""Settings of the databases."""

from pathlib import Path

from pydantic import Field, field_validator

from workers.settings.section import SettingsSection
from workers.settings.urls import absolute_sqlite

KNOWN_DATABASES = ("sqlite:///", "postgresql", "postgres:")


class DatabaseSettings(SettingsSection):
    """Where the databases are.

    Attributes:
        url: The record.
        audit_url: The audit's own store.
    """

    url: str | None = Field(default=None, repr=False)
    audit_url: str | None = Field(default=None, repr=False)

    @field_validator("url", "audit_url")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(KNOWN_DATABASES):
            raise ValueError("应为 sqlite:///文件 或 postgresql://…")
        return value and absolute_sqlite(value, Path.cwd())
