"""Settings of NATS."""

from pydantic import Field

from workers.settings.section import Port, SettingsSection


class NatsSettings(SettingsSection):
    """Where NATS is.

    Attributes:
        url: An external server.
        port: The port of the embedded server.
    """

    url: str | None = Field(default=None, repr=False)
    port: Port | None = None
