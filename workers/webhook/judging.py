"""Judges the address of an endpoint when it is entered, by the guard of each connection."""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_network
from urllib.parse import urlsplit

from httpcore2 import ConnectError

from models.refusals import Refused
from workers.outward.guard import (
    Address,
    Bounds,
    Forbidden,
    ForbiddenAddress,
    Guard,
    Resolve,
    resolve,
)
from workers.settings.webhook import WebhookSettings

NETWORKS = "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS"
PORTS = "TUIXUAN_WEBHOOK__ALLOWED_PORTS"
PATIENCE = 5.0
"""Seconds for the look-up of a name."""


def _alone(address: Address) -> str:
    """Return the range of this one address, as the setting takes it."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(ip_network(inner or address))


REMEDIES: Mapping[Forbidden, Callable[[Address, int], str]] = {
    Forbidden.NOT_PUBLIC: lambda address, _port: (
        f"{address} 是内网、本机或保留地址，现行设置不允许向它发送。如确需发往内网，"
        f"请把所在网段写入设置 {NETWORKS}（例如 {NETWORKS}={_alone(address)}），重启系统后再登记。"
    ),
    Forbidden.NOT_SECURE: lambda address, _port: (
        f"发往公网地址（{address}）须用 https://。请改用 https 地址；"
        f"只有设置 {NETWORKS} 中的网段可以用 http://。"
    ),
    Forbidden.PORT: lambda _address, port: (
        f"现行设置不允许发往公网的 {port} 端口。请换用允许的端口，"
        f"或把它写入设置 {PORTS}（须连同原有的端口一并写上），重启系统后再登记。"
    ),
}


async def judge(url: str, settings: WebhookSettings, resolver: Resolve = resolve) -> str | None:
    """Judge an address that is well formed, as the sender will at each connection.

    Returns:
        What may be wrong with it though it is allowed: its name leads nowhere, or not yet.

    Raises:
        Refused: `address_not_allowed`.
    """
    parts = urlsplit(url)
    secure = parts.scheme.lower() == "https"
    guard = Guard(Bounds(settings.networks, settings.allowed_ports, public=secure), resolver)
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(PATIENCE):
            await guard.addresses(parts.hostname or "", port)
    except ForbiddenAddress as forbidden:
        words = REMEDIES[forbidden.why](forbidden.address, forbidden.port)
        raise Refused("address_not_allowed", words) from forbidden
    except (ConnectError, TimeoutError):
        return f"目前查不到 {parts.hostname} 的地址，发送时会再查；请核对域名。"
    return None
