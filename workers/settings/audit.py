"""Settings of the audit."""

from pydantic import Field

from workers.settings.section import SettingsSection


class AuditSettings(SettingsSection):
    """How the audit signs.

    Attributes:
        signing_key: The Ed25519 key that signs the digests, as PEM; None uses the key in the
            state folder.
    """

    signing_key: str | None = Field(default=None, repr=False)
