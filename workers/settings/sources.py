"""Where settings come from: flags, then the environment, then a file, then defaults.

The environment has `TUIXUAN_<SECTION>__<NAME>` for every setting, and a few names that people
know from elsewhere (`TEMPORAL_ADDRESS`, `DATABASE_URL` …). Each also takes `_FILE`, the path of
a file that holds the value, for secrets.
"""

from typing import Any, Self

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from workers.folder.places import config_file
from workers.settings.environment import Environment, SettingsWrong


class SourcedSettings(BaseSettings):
    """Settings that are read from all sources."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def load(cls, **flags: Any) -> Self:  # noqa: ANN401 - whatever the fields are
        """Read all sources; `flags` that are not None win over the others.

        Raises:
            SettingsWrong: A variable or key does not exist, or a value is invalid.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsWrong(_explain(error)) from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order. Pydantic's own environment accepts unknown variables."""
        return (
            init_settings,
            Environment(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=config_file()),
        )


def _explain(error: ValidationError) -> str:
    """Say which settings are wrong and why, without their values: one may be a secret."""
    wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return "设置有误：" + "；".join(wrong) + "。"
