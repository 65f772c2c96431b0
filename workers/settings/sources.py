"""Where settings come from: flags, then the environment, then a file, then defaults.

The environment has `TUIXUAN_<SECTION>__<NAME>` for every setting, and a few names that people
know from elsewhere (`TEMPORAL_ADDRESS`, `DATABASE_URL` …). Each also takes `_FILE`, the path of
a file that holds the value, for secrets.
"""

import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from models.refusals import Refused
from models.text.encodings import decode_text
from workers.folder.places import HomeMissing, config_file
from workers.settings.environment import Environment, SettingsWrong
from workers.settings.explaining import explain_settings, explain_toml
from workers.settings.urls import absolute_sqlite


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
        except HomeMissing as error:
            raise SettingsWrong(
                "本账户没有主目录，不知状态目录在哪里；"
                "请用 --state-dir 或 TUIXUAN_STATE_DIR 指明一个目录。"
            ) from error
        except ValidationError as error:
            raise SettingsWrong(explain_settings(error, cls, config_file())) from error

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
            ConfigFile(settings_cls),
        )


class ConfigFile(PydanticBaseSettingsSource):
    """Reads the configuration file; one that cannot be read is an error that names it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field; pydantic's signature."""
        del field
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return what the file says; an editor of Windows may have put a BOM before it."""
        file = config_file()
        try:
            said = tomllib.loads(decode_text(file.read_bytes(), f"配置文件 {file}"))
            return _from(file.absolute().parent, said)
        except FileNotFoundError:
            return {}
        except Refused as error:
            raise SettingsWrong(error.message) from error
        except (OSError, ValueError) as error:
            raise SettingsWrong(explain_toml(error, file)) from error


def _from(folder: Path, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says, with the paths in it as meant from the file's own folder.

    Processes and commands read the file from many folders, and mean one place.
    """
    if isinstance(state_dir := said.get("state_dir"), str) and not state_dir.startswith("~"):
        said["state_dir"] = str(folder / state_dir)
    mail, database = said.get("mail"), said.get("database")
    if isinstance(mail, dict) and isinstance(mail.get("folder"), str):
        mail["folder"] = str(folder / mail["folder"])
    if isinstance(database, dict):
        urls = {name: url for name, url in database.items() if isinstance(url, str)}
        database |= {name: absolute_sqlite(url, folder) for name, url in urls.items()}
    return said
