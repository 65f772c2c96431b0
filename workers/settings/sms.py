"""Settings of short messages."""

from pydantic import HttpUrl, SecretStr

from workers.settings.section import SettingsSection


class SmsSettings(SettingsSection):
    """The gateway that sends short messages.

    Attributes:
        url: Where each message is posted as JSON (`id`, `to`, `text`). None keeps them waiting.
        token: Sent as a bearer token.
    """

    url: HttpUrl | None = None
    token: SecretStr | None = None
