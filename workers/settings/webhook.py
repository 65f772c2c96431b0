"""Settings of webhooks."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import Field, field_validator

from workers.settings.section import SettingsSection

type Network = IPv4Network | IPv6Network


class WebhookSettings(SettingsSection):
    """Where webhooks may go besides the public internet.

    Attributes:
        allowed_networks: Private ranges, separated by commas, e.g. `10.20.0.0/16`. Receivers
            there may listen on any port and need no TLS.
        allowed_ports: Ports allowed on public addresses, separated by commas.
        timeout: Seconds for one whole attempt.
    """

    allowed_networks: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = (80, 443, 8443)
    timeout: float = Field(default=15.0, gt=0, le=60)

    @field_validator("allowed_networks", "allowed_ports", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a list that was written as one text, as in a variable of the environment."""
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"{each} 不是网段，应形如 10.20.0.0/16") from error
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The allowed networks, parsed."""
        return tuple(map(ip_network, self.allowed_networks))
