"""Settings of the health and metrics pages."""

from ipaddress import IPv4Address, IPv6Address

from workers.servers.ports import LOOPBACK
from workers.settings.section import Port, SettingsSection


class MetricsSettings(SettingsSection):
    """Where a worker serves its health and metrics.

    Attributes:
        port: None serves them nowhere. The supervisor gives each of its workers a port.
        host: The address to listen on. Beyond loopback, whoever reaches it reads the metrics.
    """

    port: Port | None = None
    host: IPv4Address | IPv6Address = IPv4Address(LOOPBACK)
