"""What all sections of the settings have in common. Light to import: every process reads them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

type Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsSection(BaseModel):
    """A group of settings: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
