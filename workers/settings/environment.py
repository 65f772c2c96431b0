"""The environment as a source of settings, strict about names."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from models.refusals import Refused
from models.text.encodings import decode_text

PREFIX = "TUIXUAN_"
SECRET_FILE = "_FILE"  # noqa: S105 - the end of a variable's name
KNOWN = {
    "TEMPORAL_ADDRESS": "TUIXUAN_TEMPORAL__ADDRESS",
    "TEMPORAL_NAMESPACE": "TUIXUAN_TEMPORAL__NAMESPACE",
    "NATS_URL": "TUIXUAN_NATS__URL",
    "DATABASE_URL": "TUIXUAN_DATABASE__URL",
    "LOG_LEVEL": "TUIXUAN_LOG_LEVEL",
}
"""Names that people know from other software, and the settings that they stand for."""


class SettingsWrong(Exception):
    """A setting is invalid; the message says which and how to correct it."""


def leaves(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the variable of each setting and its path in the model."""
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for variable, path in leaves(kind, f"{prefix}{name.upper()}__"):
                yield variable, (name, *path)
        else:
            yield f"{prefix}{name.upper()}", (name,)


class Environment(PydanticBaseSettingsSource):
    """Reads `TUIXUAN_*` and the known names; refuses variables that do not exist."""

    def __init__(
        self, settings_cls: type[BaseSettings], environ: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(settings_cls)
        self._environ = os.environ if environ is None else environ
        self._paths = dict(leaves(settings_cls))

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field; pydantic's signature."""
        del field
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the variables that are set, nested like the model."""
        found: dict[str, Any] = {}
        known = {name: target for name, target in KNOWN.items() if target in self._paths}
        for name, target in known.items():  # first, so that our own names win
            for end in ("", SECRET_FILE):
                if value := self._environ.get(name + end):
                    _put(found, self._paths[target], self._read(name + end, value))
        for name, value in self._environ.items():
            if name.startswith(PREFIX) and value:
                _put(found, self._path(name), self._read(name, value))
        return found

    def _path(self, name: str) -> tuple[str, ...]:
        path = self._paths.get(name) or self._paths.get(name.removesuffix(SECRET_FILE))
        if path is None:
            near = get_close_matches(name, self._paths, n=1, cutoff=0)
            raise SettingsWrong(f"没有名为 {name} 的设置；最接近的是 {near[0]}。")
        return path

    def _read(self, name: str, value: str) -> str:
        """Return the value, or the content of the file that it names."""
        if not name.endswith(SECRET_FILE) or name in self._paths:
            return value
        try:
            content = Path(value).read_bytes()
            return decode_text(content, f"{name} 指向的文件 {value}").rstrip("\r\n")
        except Refused as error:
            raise SettingsWrong(error.message) from error
        except OSError as error:
            raise SettingsWrong(
                f"{name} 指向的文件读不到：{error.strerror}（{value}）。"
            ) from error


def _put(tree: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value
