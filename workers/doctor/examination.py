"""The checks of `tuixuan doctor`. Each looks, builds nothing, and changes nothing."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from models.store.engine import open_engine
from models.store.upgrade import newest_record_version, record_version
from services.dates.working_days import uncovered
from workers.folder.places import Places
from workers.folder.report import StackReport, read_report
from workers.logs.setup import app_version
from workers.servers.found import ServerMissing
from workers.servers.nats import find_nats
from workers.servers.ports import port_is_free
from workers.servers.temporal import temporal_at_hand
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings
from workers.stack import probes
from workers.stack.ports import PREFERRED
from workers.stack.servers import asked_ports

LITTLE_SPACE = 1 << 30
"""Bytes: with less than a gigabyte free, databases and streams stop before long."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether the system works with it as it is.
        found: What is there.
        advice: What to do; empty where nothing is to be done.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(settings: StackSettings) -> list[Check]:
    """Look at everything that the system stands on."""
    places = settings.places
    running = read_report(places)
    told = WorkerSettings.of(settings)
    return [
        Check("版本", ok=True, found=f"推选 {app_version()}，Python {sys.version.split()[0]}"),
        _temporal(told),
        _nats(settings, told),
        _state_folder(places),
        _running(running),
        *_ports(settings, running),
        *_record(told),
        _mail(told),
    ]


def _temporal(told: WorkerSettings) -> Check:
    name = "Temporal"
    if told.temporal.address:
        trouble = asyncio.run(probes.temporal(told.temporal.address, told.temporal_namespace))
        return _answers(name, told.temporal.address, trouble)
    found = temporal_at_hand()
    if found is not None:
        return Check(name, ok=True, found=str(found))
    words = "本机尚无 Temporal，首次启动时编译或下载，约五分钟"
    return Check(name, ok=True, found=words, advice="可先执行 make setup")


def _nats(settings: StackSettings, told: WorkerSettings) -> Check:
    name = "NATS"
    if told.nats.url:
        shown = mask_password(told.nats.url)
        return _answers(name, shown, asyncio.run(probes.nats(told.nats_url)))
    try:
        found = find_nats({**os.environ, "NATS_URL": settings.nats.url or ""})
    except ServerMissing as error:
        return Check(name, ok=False, found="没有可用的 NATS", advice=str(error))
    return Check(name, ok=True, found=str(found))


def _answers(name: str, address: str, trouble: str | None) -> Check:
    if trouble is None:
        return Check(name, ok=True, found=f"{address} 正常")
    return Check(name, ok=False, found=f"{address}：{trouble}", advice="检查该服务，或改用其他地址")


def _state_folder(places: Places) -> Check:
    name = "状态目录"
    there = next(path for path in (places.root, *places.root.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        advice = "更改目录权限，或用 --state-dir 另选目录"
        return Check(name, ok=False, found=f"{there} 不可写", advice=advice)
    free = shutil.disk_usage(there).free
    found = f"{places.root}，剩余空间 {free / (1 << 30):.1f} GB"
    if free < LITTLE_SPACE:
        return Check(name, ok=False, found=found, advice="清理磁盘，或用 --state-dir 另选目录")
    return Check(name, ok=True, found=found)


def _running(running: StackReport) -> Check:
    name = "系统"
    if running["pid"] is None:
        return Check(name, ok=True, found="未运行", advice="tuixuan up")
    away = [process["name"] for process in running["processes"] if not process["ready"]]
    if away:
        advice = f"日志见 {running['state_dir']}/log"
        return Check(name, ok=False, found=f"未就绪：{'、'.join(away)}", advice=advice)
    return Check(name, ok=running["ready"], found=f"运行中，进程号 {running['pid']}")


def _ports(settings: StackSettings, running: StackReport) -> Iterator[Check]:
    if running["pid"] is not None:  # they are in use, by us
        return
    asked = asked_ports(settings)
    for name, usual in PREFERRED.items():
        port = asked[name]
        if port is not None and not port_is_free(port):
            advice = "换一个端口，或不指定以自动选择"
            yield Check(f"端口 {name}", ok=False, found=f"指定的 {port} 已被占用", advice=advice)
        elif port is None and not port_is_free(usual):
            yield Check(f"端口 {name}", ok=True, found=f"{usual} 已被占用，启动时另选空闲端口")


def _record(told: WorkerSettings) -> Iterator[Check]:
    name = "数据库"
    url = make_url(told.database_url)
    shown = mask_password(told.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        yield Check(name, ok=True, found=f"{shown} 尚未建立，首次启动时建立")
        return
    try:
        with _engine(told.database_url) as engine:
            yield _migrations(engine, shown)
            if record_version(engine) is not None:
                yield _calendar(engine)
    except SQLAlchemyError as error:
        advice = "检查 DATABASE_URL 与数据库服务"
        yield Check(name, ok=False, found=f"{shown}：{type(error).__name__}", advice=advice)


def _migrations(engine: Engine, shown: str) -> Check:
    has, newest = record_version(engine), newest_record_version()
    if has == newest:
        return Check("数据库", ok=True, found=f"{shown}，版本 {has}")
    found = f"{shown}，版本 {has or '（空）'}，应为 {newest}"
    return Check("数据库", ok=False, found=found, advice="tuixuan db upgrade")


def _calendar(engine: Engine) -> Check:
    name = "工作日安排"
    missing = uncovered(engine)
    if not missing:
        return Check(name, ok=True, found="未结案例的期限所在年份均已录入")
    year = missing[0]
    advice = f"tuixuan calendar set {year} --from 放假安排.toml"
    return Check(name, ok=False, found=f"缺少 {'、'.join(map(str, missing))} 年", advice=advice)


def _mail(told: WorkerSettings) -> Check:
    mail = told.mail
    if mail.host is not None:
        return Check("邮件", ok=True, found=f"经 {mail.host}:{mail.server_port} 发出")
    found = f"未设置邮件服务器，信件存于 {mail.folder}"
    return Check("邮件", ok=True, found=found, advice="如需发出，设置 TUIXUAN_MAIL__HOST")


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url, pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()
