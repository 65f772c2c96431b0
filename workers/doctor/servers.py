"""Whether Temporal and NATS answer, or can be started."""

import asyncio
import os

from workers.doctor.diagnosis import Diagnosis
from workers.servers.found import ServerMissing
from workers.servers.nats import find_nats
from workers.servers.temporal import FROM, temporal_at_hand
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings
from workers.stack import probes


def temporal(worker: WorkerSettings) -> Diagnosis:
    """Look at the Temporal that runs, else at the one that would be started."""
    name, address = "Temporal", worker.temporal.address
    if address:
        trouble = asyncio.run(probes.temporal(address, worker.temporal_namespace))
        return _answers(name, address, trouble)
    found = temporal_at_hand({**os.environ, FROM: worker.temporal.origin})
    if found is not None:
        return Diagnosis(name, ok=True, found=str(found))
    words = "本机尚无 Temporal，首次启动时下载；下载不到时由 Go 编译，约五分钟"
    return Diagnosis(name, ok=True, found=words, advice="可先执行 make setup")


def nats(settings: StackSettings, worker: WorkerSettings) -> Diagnosis:
    """Look at the NATS that runs, else at the one that would be started."""
    name, url = "NATS", worker.nats.url
    if url:
        return _answers(name, mask_password(url), asyncio.run(probes.nats(worker.nats_url)))
    try:
        found = find_nats({**os.environ, "NATS_URL": settings.nats.url or ""})
    except ServerMissing as error:
        return Diagnosis(name, ok=False, found="没有可用的 NATS", advice=str(error))
    return Diagnosis(name, ok=True, found=str(found))


def _answers(name: str, address: str, trouble: str | None) -> Diagnosis:
    if trouble is None:
        return Diagnosis(name, ok=True, found=f"{address} 正常")
    advice = "检查该服务，或改用其他地址"
    return Diagnosis(name, ok=False, found=f"{address}：{trouble}", advice=advice)
