"""Everything that can be set, as it was set."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, field_validator

from workers.folder.places import Places, default_state_dir
from workers.processes import Processes
from workers.settings.audit import AuditSettings
from workers.settings.cases import CasesSettings
from workers.settings.database import DatabaseSettings
from workers.settings.log import LogSettings
from workers.settings.mail import MailSettings
from workers.settings.metrics import MetricsSettings
from workers.settings.nats import NatsSettings
from workers.settings.portal import PortalSettings
from workers.settings.sms import SmsSettings
from workers.settings.sources import SourcedSettings
from workers.settings.temporal import TemporalSettings
from workers.settings.webhook import WebhookSettings


class StackSettings(SourcedSettings):
    """The settings of a stack; what was not set is None or the default.

    Attributes:
        processes: `few`: several roles share a process, which saves memory and start; `each`:
            each has its own, and its death is its own.
        open_folder: Whether other accounts of the machine may enter the state folder.
        start_within: Seconds until a process must serve for the first time; one that makes no
            progress is given up sooner.
    """

    state_dir: Path = Field(default_factory=default_state_dir)
    temporal: TemporalSettings = TemporalSettings()
    nats: NatsSettings = NatsSettings()
    database: DatabaseSettings = DatabaseSettings()
    mail: MailSettings = MailSettings()
    audit: AuditSettings = AuditSettings()
    sms: SmsSettings = SmsSettings()
    cases: CasesSettings = CasesSettings()
    webhook: WebhookSettings = WebhookSettings()
    metrics: MetricsSettings = MetricsSettings()
    portal: PortalSettings = PortalSettings()
    processes: Processes = "few"
    open_folder: bool = False
    start_within: PositiveFloat = 900.0
    log: LogSettings = LogSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    debug: bool = False

    @property
    def places(self) -> Places:
        """The files in the state folder."""
        return Places(self.state_dir)

    @field_validator("log_level", mode="before")
    @classmethod
    def _accept_other_spellings(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return {"WARN": "warning"}.get(value.upper(), value.lower())

    @field_validator("state_dir")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError as error:
            raise ValueError("写了 ~，而本账户没有主目录，请写出完整路径") from error
