"""The record: its database, its version, its working days."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from models.store.engine import opened_engine
from models.store.upgrade import newest_record_version, record_version
from services.dates.working_days import uncovered
from workers.doctor.diagnosis import Diagnosis
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings

NAME = "数据库"


def record_diagnoses(worker: WorkerSettings) -> Iterator[Diagnosis]:
    """Look at the record, if there is one yet."""
    url = make_url(worker.database_url)
    shown = mask_password(worker.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        yield Diagnosis(NAME, ok=True, found=f"{shown} 尚未建立，首次启动时建立")
        return
    try:
        with opened_engine(worker.database_url, pool_size=1) as engine:
            yield _version(engine, shown)
            if record_version(engine) is not None:
                yield _working_days(engine)
    except SQLAlchemyError as error:
        advice = "检查 DATABASE_URL 与数据库服务"
        yield Diagnosis(NAME, ok=False, found=f"{shown}：{type(error).__name__}", advice=advice)


def _version(engine: Engine, shown: str) -> Diagnosis:
    has, newest = record_version(engine), newest_record_version()
    if has == newest:
        return Diagnosis(NAME, ok=True, found=f"{shown}，版本 {has}")
    found = f"{shown}，版本 {has or '（空）'}，应为 {newest}"
    return Diagnosis(NAME, ok=False, found=found, advice="tuixuan db upgrade")


def _working_days(engine: Engine) -> Diagnosis:
    name = "工作日安排"
    missing = uncovered(engine)
    if not missing:
        return Diagnosis(name, ok=True, found="未结案例的期限所在年份均已录入")
    advice = f"tuixuan calendar set {missing[0]} --from 放假安排.toml"
    return Diagnosis(name, ok=False, found=f"缺少 {'、'.join(map(str, missing))} 年", advice=advice)
