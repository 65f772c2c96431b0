"""The databases that a command reads: the record and the audit's own store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url

from cli.frame.options import options
from models.store.engine import opened_engine
from services.unavailable import Unavailable


@contextmanager
def record() -> Iterator[Engine]:
    """Open the record; Temporal need not be running.

    Raises:
        Unavailable: There is no record yet.
    """
    from services.webhooks.secret_box import SecretBox

    settings = options().settings()
    with _opened(settings.database_url, SecretBox(settings.places.secrets_key)) as engine:
        yield engine


@contextmanager
def audit_store() -> Iterator[Engine]:
    """Open the audit's own store.

    Raises:
        Unavailable: There is no store yet.
    """
    with _opened(options().settings().audit_database_url) as engine:
        yield engine


@contextmanager
def _opened(url: str, secrets: object | None = None) -> Iterator[Engine]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        # SQLite would make an empty file, and the first start would not be the first.
        message = f"还没有数据：{parsed.database} 不存在。请先执行 tuixuan up。"
        raise Unavailable("no_record_yet", message)
    with opened_engine(url, pool_size=2, secrets=secrets) as engine:
        yield engine
