"""Settings of Temporal."""

from typing import Literal

from pydantic import Field

from workers.settings.section import Port, SettingsSection


class TemporalSettings(SettingsSection):
    """Where Temporal is.

    Attributes:
        address: `host:port` of an external server.
        namespace: The namespace of all cases.
        port: The port of the embedded server.
        ui_port: The port of its web pages.
        origin: Where the embedded server may come from (`FROM`): `build` takes none but one
            that Go built from deploy/temporal.
    """

    address: str | None = None
    namespace: str | None = None
    port: Port | None = None
    ui_port: Port | None = None
    origin: Literal["any", "build"] = Field(default="any", alias="from")
