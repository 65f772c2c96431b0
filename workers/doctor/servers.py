"""Whether Temporal and NATS answer, or can be started."""

import asyncio
import os
from collections.abc import Sequence

from workers.doctor.diagnosis import Diagnosis
from workers.servers.found import ServerMissing
from workers.servers.nats import find_nats
from workers.servers.nats_users import NatsUser
from workers.servers.temporal import FROM, temporal_at_hand
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings
from workers.stack import probes
from workers.stack.external import Lack, nats_lacks, temporal_lacks


def temporal(worker: WorkerSettings) -> Diagnosis:
    """Look at the Temporal that runs, else at the one that would be started."""
    name, address = "Temporal", worker.temporal.address
    if address:
        return _answers(
            name, address, asyncio.run(temporal_lacks(address, worker.temporal_namespace))
        )
    found = temporal_at_hand({**os.environ, FROM: worker.temporal.origin})
    if found is not None:
        return Diagnosis(name, ok=True, found=str(found))
    words = "本机尚无 Temporal，首次启动时下载；下载不到时由 Go 编译，约五分钟"
    return Diagnosis(name, ok=True, found=words, advice="可先执行 make setup")


def nats(settings: StackSettings, worker: WorkerSettings) -> Diagnosis:
    """Look at the NATS that runs, else at the one that would be started."""
    name, url = "NATS", worker.nats.url
    if url:
        return _answers(name, mask_password(url), asyncio.run(_nats_lacks(worker)))
    try:
        found = find_nats({**os.environ, "NATS_URL": settings.nats.url or ""})
    except ServerMissing as error:
        return Diagnosis(name, ok=False, found="没有可用的 NATS", advice=str(error))
    return Diagnosis(name, ok=True, found=str(found))


async def _nats_lacks(worker: WorkerSettings) -> Sequence[Lack]:
    """Ask whether it answers, and whether our own one can write."""
    if lacks := await nats_lacks(worker.nats_as(NatsUser.PROBE)):
        return lacks
    why = await probes.nats_store(worker.nats_url, worker.places)
    if why is None:
        return []
    return [Lack("NATS_URL", worker.nats_url, why, "清理磁盘；有空间后 NATS 自动恢复")]


def _answers(name: str, address: str, lacks: Sequence[Lack]) -> Diagnosis:
    if not lacks:
        return Diagnosis(name, ok=True, found=f"{address} 正常")
    why = "；".join(each.why for each in lacks)
    advice = "；".join(dict.fromkeys(each.remedy for each in lacks))
    return Diagnosis(name, ok=False, found=f"{address}：{why}", advice=advice)
