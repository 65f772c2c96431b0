"""What a worker or a command works with: the settings, completed by the stack that runs."""

from typing import Any, Self

from pydantic import HttpUrl

from workers.folder.report import Addresses, read_report
from workers.servers.nats_users import NatsLogin, NatsUser, login
from workers.settings.environment import SettingsWrong
from workers.settings.section import SettingsSection
from workers.settings.stack import StackSettings
from workers.settings.urls import audit_url, holds_mask
from workflows.names import NAMESPACE


class NotRunning(Exception):
    """No stack runs in the folder and no address was given; the message says what to do."""


class WorkerSettings(StackSettings):
    """Settings whose addresses are known; to ask for one that is not is an error.

    What was not set comes from the report of the running stack, then from the state folder.
    """

    @classmethod
    def load(cls, **flags: Any) -> Self:  # noqa: ANN401 - whatever the fields are
        """Read all sources, then the report of the stack that runs in the folder."""
        return cls.of(StackSettings.load(**flags))

    @classmethod
    def of(cls, settings: StackSettings) -> Self:
        """Complete settings that were read already.

        Raises:
            SettingsWrong: The stack uses a database with a password, and none was given.
        """
        running = read_report(settings.places)
        addresses = running["addresses"]
        portal = addresses["portal"]
        completed = {
            "temporal": _complete(
                settings.temporal,
                address=addresses["temporal"],
                namespace=running["temporal_namespace"] or NAMESPACE,
            ),
            "nats": _complete(settings.nats, url=addresses["nats"]),
            "database": _complete(settings.database, **_database_urls(settings, addresses)),
            "portal": _complete(settings.portal, public_url=portal and HttpUrl(portal)),
            "mail": _complete(settings.mail, folder=settings.places.mail),
        }
        return cls.model_construct(**{**dict(settings), **completed})

    @property
    def temporal_address(self) -> str:
        """`host:port` of Temporal.

        Raises:
            NotRunning: Its address is unknown.
        """
        return self._known(self.temporal.address, "TEMPORAL_ADDRESS")

    @property
    def temporal_namespace(self) -> str:
        """The namespace of all cases."""
        return self.temporal.namespace or NAMESPACE

    @property
    def nats_url(self) -> str:
        """`nats://host:port`.

        Raises:
            NotRunning: Its address is unknown.
            SettingsWrong: The stack's NATS has a password, and none was given.
        """
        url = self._known(self.nats.url, "NATS_URL")
        if holds_mask(url):
            raise SettingsWrong("系统所用的 NATS 地址含密码，请在环境变量 NATS_URL 中给出。")
        return url

    def nats_as(self, user: NatsUser) -> NatsLogin:
        """Return how to connect to NATS: to our own server as this user, to another as it says.

        Raises:
            NotRunning: Its address is unknown.
            SettingsWrong: The stack's NATS has a password, and none was given.
        """
        return login(self.nats_url, user, self.places.nats_users)

    @property
    def database_url(self) -> str:
        """The record."""
        return self._known(self.database.url, "DATABASE_URL")

    @property
    def audit_database_url(self) -> str:
        """The audit's own store."""
        return self._known(self.database.audit_url, "TUIXUAN_DATABASE__AUDIT_URL")

    @property
    def portal_url(self) -> str:
        """How people reach the portal, without a trailing slash.

        Raises:
            NotRunning: Its address is unknown.
        """
        return self._known(self.portal.public, "TUIXUAN_PORTAL__PUBLIC_URL")

    def _known(self, address: str | None, variable: str) -> str:
        if address is None:
            raise NotRunning(
                f"系统未在 {self.state_dir} 运行。请先执行 tuixuan up，"
                f"或用 --state-dir 指明另一目录，或设置 {variable}。"
            )
        return address


def _complete[S: SettingsSection](section: S, **found: object) -> S:
    """Fill the fields of a section that were not set."""
    missing = {name: value for name, value in found.items() if not getattr(section, name)}
    return section.model_copy(update=missing)


def _database_urls(settings: StackSettings, addresses: Addresses) -> dict[str, str]:
    places = settings.places
    record = settings.database.url or addresses["database"] or places.record_url
    if holds_mask(record):
        raise SettingsWrong("系统所用的数据库地址含密码，请在环境变量 DATABASE_URL 中给出。")
    audit = places.audit_url if record.startswith("sqlite") else audit_url(record)
    return {"url": record, "audit_url": audit}
