"""Settings of Temporal."""

from workers.settings.section import Port, SettingsSection


class TemporalSettings(SettingsSection):
    """Where Temporal is.

    Attributes:
        address: `host:port` of an external server.
        namespace: The namespace of all cases.
        port: The port of the embedded server.
        ui_port: The port of its web pages.
    """

    address: str | None = None
    namespace: str | None = None
    port: Port | None = None
    ui_port: Port | None = None
