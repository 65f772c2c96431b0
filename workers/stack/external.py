"""Servers that we do not run: each is asked for all that it must have before anything starts."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from workers.servers.nats_users import NatsLogin
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.stack import probes
from workers.stack.ports import PORTS

PATIENCE = 10.0
"""Seconds in which a server that does not answer may come up."""
LOOK_EVERY = 0.5
DATABASE_TIMEOUT = 5
"""Seconds for a connection to PostgreSQL."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Lack:
    """Something that an external server does not have.

    Attributes:
        variable: The setting that names the server.
        address: The server, without its password.
        why: What is missing.
        remedy: What to do, in Chinese.
        passing: Whether the server may only be starting.
    """

    variable: str
    address: str
    why: str
    remedy: str
    passing: bool = False


class ServersUnavailable(Exception):
    """External servers do not answer, or lack what we need; `lacks` has all of it."""

    def __init__(self, lacks: Sequence[Lack]) -> None:
        super().__init__([(each.variable, each.address, each.why) for each in lacks])
        self.lacks = lacks


async def external_servers_answer(settings: StackSettings, namespace: str) -> None:
    """Ask all external servers that the settings name, at the same time.

    One that does not answer is waited for, unless another lacks what no waiting brings.

    Raises:
        ServersUnavailable: Some do not answer, or lack what we need.
    """
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while lacks := await external_lacks(settings, namespace):
        over = asyncio.get_running_loop().time() > deadline
        if over or not all(each.passing for each in lacks):
            raise ServersUnavailable(lacks)
        log.info("waiting_for_servers", servers=[each.variable for each in lacks])
        await asyncio.sleep(LOOK_EVERY)


async def external_lacks(settings: StackSettings, namespace: str) -> list[Lack]:
    """Return everything that the external servers lack."""
    questions: list[Coroutine[Any, Any, list[Lack]]] = []
    if address := settings.temporal.address:
        questions.append(temporal_lacks(address, namespace))
    if url := settings.nats.url:
        questions.append(nats_lacks(NatsLogin(url)))
    databases = {
        "DATABASE_URL": settings.database.url,
        "TUIXUAN_DATABASE__AUDIT_URL": settings.database.audit_url,
    }
    for variable, url in databases.items():
        if url and not url.startswith("sqlite"):
            questions.append(database_lacks(variable, url))
    return [lack for lacks in await asyncio.gather(*questions) for lack in lacks]


async def temporal_lacks(address: str, namespace: str) -> list[Lack]:
    """Ask Temporal for the namespace and the search attributes."""
    from temporalio.service import RPCError

    from workers.stack.temporal_needs import ask_needs

    lack = partial(Lack, "TEMPORAL_ADDRESS", address)
    down = "检查该服务是否在运行、地址是否正确（host:port，gRPC 端口，通常是 7233）"
    try:
        async with asyncio.timeout(probes.TIMEOUT):
            if trouble := await probes.refuses(address, PORTS["temporal"].usual):
                return [lack(trouble, down, passing=True)]
            needs = await ask_needs(address, namespace)
    except TimeoutError:
        return [lack(f"{probes.TIMEOUT:.0f} 秒内没有应答", down, passing=True)]
    except RPCError as error:
        passing = error.status.name == "UNAVAILABLE"
        return [lack(f"{error.status.name}: {error.message}", down, passing=passing)]
    except RuntimeError as error:  # what the SDK raises when it cannot connect
        return [lack(str(error), down, passing=True)]
    prepare = "执行 tuixuan server prepare（没有权限时用 --print 列出命令，请管理员执行）"
    lacks = []
    if needs.namespace:
        lacks.append(lack(f"没有命名空间 {namespace}", prepare))
    if needs.absent:
        lacks.append(lack(f"缺少搜索属性 {'、'.join(needs.absent)}", prepare))
    if needs.wrong:
        said = "、".join(f"{name}（{kind}）" for name, kind in needs.wrong.items())
        other = "用 TEMPORAL_NAMESPACE 换一个命名空间，或请管理员删除后重建"
        lacks.append(lack(f"搜索属性的类型不对：{said}", other))
    return lacks


async def nats_lacks(at: NatsLogin) -> list[Lack]:
    """Connect to NATS and ask for JetStream."""
    trouble = await probes.nats(at)
    if trouble is None:
        return []
    address = mask_password(at.url)
    said = trouble.lower()
    if "authoriz" in said or "authentic" in said:
        remedy, passing = "检查 NATS_URL 中的用户与密码，及其权限", False
    elif "jetstream" in said or "no responders" in said or "serviceunavailable" in said:
        remedy, passing = (
            "在 NATS 中启用 JetStream（nats-server -js，或配置文件的 jetstream）",
            False,
        )
    else:
        remedy, passing = "检查该服务是否在运行、地址是否正确（nats://host:4222）", True
    return [Lack("NATS_URL", address, trouble, remedy, passing=passing)]


async def database_lacks(variable: str, url: str) -> list[Lack]:
    """Connect to PostgreSQL."""
    why = await asyncio.to_thread(_database_trouble, url)
    if why is None:
        return []
    address = mask_password(url)
    if "authentication" in why or "role" in why:
        return [Lack(variable, address, why, f"检查 {variable} 中的用户与密码")]
    if "does not exist" in why:
        return [Lack(variable, address, why, "先建立该数据库：CREATE DATABASE …（编码 UTF8）")]
    remedy = f"检查 PostgreSQL 是否在运行、{variable} 中的地址是否正确"
    return [Lack(variable, address, why, remedy, passing=True)]


def _database_trouble(url: str) -> str | None:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from models.store.engine import opened_engine

    joint = "&" if "?" in url else "?"
    limited = url if "connect_timeout" in url else f"{url}{joint}connect_timeout={DATABASE_TIMEOUT}"
    try:
        with opened_engine(limited, pool_size=1) as engine, engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__)
        return cause.strip().splitlines()[0]
    return None
