"""What operators allow of webhooks. Light to import, as every process reads settings."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import BaseModel, ConfigDict, Field, field_validator

type Network = IPv4Network | IPv6Network


class WebhookSettings(BaseModel):
    """Where webhooks may go beside the public internet.

    Attributes:
        allowed_networks: Ranges inside, with commas between, e.g. `10.20.0.0/16`; receivers
            there may listen on any port and need no TLS.
        allowed_ports: On public addresses, with commas between.
        timeout: Seconds for one attempt as a whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_networks: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = (80, 443, 8443)
    timeout: float = Field(default=15.0, gt=0, le=60)

    @field_validator("allowed_networks", "allowed_ports", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Take a list as a variable of the environment holds it."""
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"{each} 不是网段，应形如 10.20.0.0/16") from error
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The ranges, parsed."""
        return tuple(map(ip_network, self.allowed_networks))
