"""How short messages leave: the settings of the gateway. Light to import."""

from pydantic import BaseModel, ConfigDict, HttpUrl, SecretStr


class SmsSettings(BaseModel):
    """The gateway of short messages.

    Attributes:
        url: Where each is posted as JSON (`id`, `to`, `text`); None: they wait.
        token: Sent as a bearer token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl | None = None
    token: SecretStr | None = None
