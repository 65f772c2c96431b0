"""What each process is told: flags, the environment, a file, defaults; in this order.

The environment has `TUIXUAN_<PART>__<NAME>` for every setting, and a few names that people know
from elsewhere (`TEMPORAL_ADDRESS`, `DATABASE_URL` …). Each takes `_FILE` for a secret in a file.
"""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from workers.folder.places import Places, config_file, default_state_dir
from workers.folder.report import StackReport, read_report
from workers.servers.ports import LOOPBACK
from workers.settings.environment import Environment, SettingsWrong
from workers.settings.mail import MailSettings
from workers.settings.sms import SmsSettings
from workers.settings.urls import audit_url, holds_mask
from workers.settings.webhook import WebhookSettings
from workflows.names import NAMESPACE

type Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsPart(BaseModel):
    """A group of settings: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TemporalSettings(SettingsPart):
    """`address`: of a server that somebody else runs; the ports: of our own."""

    address: str | None = None
    namespace: str | None = None
    port: Port | None = None
    ui_port: Port | None = None


class NatsSettings(SettingsPart):
    """`url`: of a server that somebody else runs; the ports: of our own."""

    url: str | None = Field(default=None, repr=False)
    port: Port | None = None
    monitor_port: Port | None = None


class DatabaseSettings(SettingsPart):
    """`url`: the record; `audit_url`: the audit's own store."""

    url: str | None = Field(default=None, repr=False)
    audit_url: str | None = Field(default=None, repr=False)

    @field_validator("url", "audit_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite:///", "postgresql", "postgres:")):
            raise ValueError("应为 sqlite:///文件 或 postgresql://…")
        return value


class AuditSettings(SettingsPart):
    """`signing_key`: PEM of the Ed25519 key that signs the audit's digests."""

    signing_key: str | None = Field(default=None, repr=False)


class CasesSettings(SettingsPart):
    """`max_cached_workflows`: how many cases its worker keeps in memory, about 40 KiB each."""

    max_cached_workflows: PositiveInt = 1000


class MetricsSettings(SettingsPart):
    """Where a worker answers about itself.

    Attributes:
        port: None: nowhere. The supervisor gives each of its workers one.
        host: The address to listen on; beyond loopback whoever reaches it reads the metrics.
    """

    port: Port | None = None
    host: IPv4Address | IPv6Address = IPv4Address(LOOPBACK)


class PortalSettings(SettingsPart):
    """Where the web portal is.

    Attributes:
        port: Where it listens on 127.0.0.1.
        public_url: How people reach it, through whatever proxy stands before it.
    """

    port: Port | None = None
    public_url: HttpUrl | None = None

    @field_validator("public_url")
    @classmethod
    def _goes_on(cls, value: HttpUrl | None) -> HttpUrl | None:
        if value is not None and (value.query is not None or value.fragment is not None):
            raise ValueError("地址之后还要接上路径，不能含 ? 或 #")
        return value

    @property
    def public(self) -> str | None:
        """The same as text, without a slash at its end."""
        return None if self.public_url is None else str(self.public_url).rstrip("/")


class StackSettings(BaseSettings):
    """Everything that can be set, as it was set.

    Raises:
        SettingsWrong: a variable or a key that does not exist, or a value that cannot be.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

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
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    debug: bool = False

    @field_validator("log_level", mode="before")
    @classmethod
    def _as_others_write_it(cls, value: object) -> object:
        return (
            {"WARN": "warning"}.get(value.upper(), value.lower())
            if isinstance(value, str)
            else value
        )

    @field_validator("state_dir")
    @classmethod
    def _wherever_one_stands(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @classmethod
    def load(cls, **flags: Any) -> Self:  # noqa: ANN401 - whatever the fields are
        """Read all sources; `flags` that are not None win over them."""
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsWrong(_say(error)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file. Ours knows which variables exist; pydantic's does not."""
        return (
            init_settings,
            Environment(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=config_file()),
        )


class NotRunning(Exception):
    """The stack of this folder is down, and no address was given; the message says what to do."""


class WorkerSettings(SettingsPart):
    """What a worker or a command works with: every address known, or refused when asked for.

    Attributes:
        state_dir: The folder of the stack.
        database_url: The record.
        audit_database_url: The audit's own store.
        audit_anchor: The file in which the audit notes how far its chain goes.
        audit_digests: The file of its signed digests.
        audit_key: Where the key that signs them is kept, where none is set.
        audit_signing_key: The key that was set, as PEM.
        mail: How mail leaves; its folder is always known.
        sms: How short messages leave.
        temporal_namespace: The namespace of all cases.
        cases: The cache of the worker of the cases.
        webhook: Where webhooks may go.
        metrics: Where this process answers about itself.
        portal: Where the web portal is.
    """

    state_dir: Path
    database_url: str = Field(repr=False)
    audit_database_url: str = Field(repr=False)
    audit_anchor: Path
    audit_digests: Path
    audit_key: Path
    audit_signing_key: str | None = Field(repr=False)
    mail: MailSettings
    sms: SmsSettings
    temporal_namespace: str
    known_temporal: str | None
    known_nats: str | None = Field(repr=False)
    cases: CasesSettings
    webhook: WebhookSettings
    metrics: MetricsSettings
    portal: PortalSettings
    known_portal: str | None
    log_level: str
    debug: bool

    @classmethod
    def load(cls, state_dir: Path | None = None) -> Self:
        """Read the settings; what they do not say, the running stack of the folder does."""
        return cls.of(StackSettings.load(state_dir=state_dir))

    @classmethod
    def of(cls, settings: StackSettings) -> Self:
        """Return what follows from the settings and from the stack that runs in the folder."""
        places = Places(settings.state_dir)
        running = read_report(places)
        record = _record_url(settings, places, running)
        folder = settings.mail.folder or places.mail
        return cls(
            state_dir=settings.state_dir,
            database_url=record,
            audit_database_url=settings.database.audit_url or _audit_url(record, places),
            audit_anchor=places.audit_anchor,
            audit_digests=places.audit_digests,
            audit_key=places.audit_key,
            audit_signing_key=settings.audit.signing_key,
            mail=settings.mail.model_copy(update={"folder": folder}),
            sms=settings.sms,
            temporal_namespace=settings.temporal.namespace
            or running["temporal_namespace"]
            or NAMESPACE,
            known_temporal=settings.temporal.address or running["addresses"]["temporal"],
            known_nats=settings.nats.url or running["addresses"]["nats"],
            cases=settings.cases,
            webhook=settings.webhook,
            metrics=settings.metrics,
            portal=settings.portal,
            known_portal=settings.portal.public or running["addresses"]["portal"],
            log_level=settings.log_level,
            debug=settings.debug,
        )

    @property
    def temporal_address(self) -> str:
        """`host:port`.

        Raises:
            NotRunning: nobody says where Temporal is.
        """
        return self._known(self.known_temporal, "TEMPORAL_ADDRESS")

    @property
    def nats_url(self) -> str:
        """`nats://host:port`.

        Raises:
            NotRunning: nobody says where NATS is.
        """
        url = self._known(self.known_nats, "NATS_URL")
        if holds_mask(url):
            raise SettingsWrong("系统所用的 NATS 地址含密码，请在环境变量 NATS_URL 中给出。")
        return url

    @property
    def portal_url(self) -> str:
        """How people reach the portal, without a slash at its end.

        Raises:
            NotRunning: nobody says where it is.
        """
        return self._known(self.known_portal, "TUIXUAN_PORTAL__PUBLIC_URL")

    def _known(self, address: str | None, variable: str) -> str:
        if address is None:
            raise NotRunning(
                f"系统未在 {self.state_dir} 运行。请先执行 tuixuan up，"
                f"或用 --state-dir 指明另一目录，或设置 {variable}。"
            )
        return address


def _record_url(settings: StackSettings, places: Places, running: StackReport) -> str:
    url = settings.database.url or running["addresses"]["database"] or places.record_url
    if holds_mask(url):
        raise SettingsWrong("系统所用的数据库地址含密码，请在环境变量 DATABASE_URL 中给出。")
    return url


def _audit_url(record_url: str, places: Places) -> str:
    return places.audit_url if record_url.startswith("sqlite") else audit_url(record_url)


def _say(error: ValidationError) -> str:
    """Return which settings are wrong and why, without their values: one may be a secret."""
    wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return "设置有误：" + "；".join(wrong) + "。"
