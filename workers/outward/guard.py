"""Where we may connect to for others, decided on the very address that is connected to.

A name is resolved here, each of its addresses is checked, and one of them is connected to: there
is no second look-up in between, so a name that answers differently the next time gains nothing.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from workers.settings.webhook import Network

type Address = IPv4Address | IPv6Address
type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = (
    IPv6Network("fec0::/10"),  # site-local, deprecated and still routed inside
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, deprecated: whoever announces it gets it
    IPv4Network("192.31.196.0/24"),  # AS112
    IPv4Network("192.175.48.0/24"),  # AS112
    IPv4Network("192.52.193.0/24"),  # AMT
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a site
    IPv6Network("2620:4f:8000::/48"),  # AS112
)
"""Ranges of special use that Python takes for public (IANA's registries)."""
METADATA = frozenset({IPv4Address("168.63.129.16")})
"""Addresses that look public, where a cloud answers its own machines (Azure)."""
LONGEST_TRY = 4.0
"""Seconds for one of a host's addresses, while there are others."""

_LOOKUPS = ThreadPoolExecutor(32, thread_name_prefix="resolve")
_asked: dict[tuple[str, int], Future[list[str]]] = {}


class Forbidden(StrEnum):
    """Why an address must not be reached."""

    NOT_PUBLIC = "the address is private, local or reserved"
    NOT_SECURE = "https is required outside of allowed networks"
    PORT = "the port is not allowed"


class ForbiddenAddress(ConnectError):
    """The host's name leads to an address that must not be reached; nothing was sent."""

    def __init__(self, why: Forbidden, address: Address, port: int) -> None:
        super().__init__(f"port {port} is not allowed" if why is Forbidden.PORT else str(why))
        self.why, self.address, self.port = why, address, port


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, however it is written (also `0x7f.1` or `2130706433`).

    Look-ups have threads of their own, and a host uses one of them at a time: a name server
    that does not answer takes no thread from the database, nor from other hosts.
    """
    under_way = _asked.get((host, port))
    if under_way is None or under_way.done():
        under_way = _asked[host, port] = _LOOKUPS.submit(_look_up, host, port)
    try:
        return await asyncio.shield(asyncio.wrap_future(under_way))
    finally:
        if under_way.done():
            _asked.pop((host, port), None)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def is_public(address: Address) -> bool:
    """Return whether an address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is None and address.teredo is not None:
            return False
        if inner is not None:
            return is_public(inner)
    special = address in METADATA or any(address in network for network in NOT_PUBLIC)
    usual = not address.is_multicast and not address.is_reserved and not special
    return address.is_global and usual


@dataclass(frozen=True)
class Bounds:
    """Which addresses are allowed.

    Attributes:
        networks: Ranges that are allowed, on any port.
        ports: Ports that are allowed on public addresses.
        public: Whether public addresses are allowed at all: not without TLS.
    """

    networks: Sequence[Network]
    ports: Sequence[int]
    public: bool = True

    def check(self, address: Address, port: int) -> None:
        """Refuse what is not allowed.

        Raises:
            ForbiddenAddress: It is not.
        """
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if any((mapped or address) in network for network in self.networks):
            return
        if not is_public(address):
            raise ForbiddenAddress(Forbidden.NOT_PUBLIC, address, port)
        if not self.public:
            raise ForbiddenAddress(Forbidden.NOT_SECURE, address, port)
        if port not in self.ports:
            raise ForbiddenAddress(Forbidden.PORT, address, port)


class Guard(AsyncNetworkBackend):
    """Connects to public addresses, and to those in ranges that an operator allowed."""

    def __init__(self, bounds: Bounds, resolve: Resolve = resolve) -> None:
        """Compose. `resolve`: looks a name up."""
        self._bounds = bounds
        self._resolve, self._backend = resolve, AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the very address that was checked.

        Raises:
            ForbiddenAddress: One of the host's addresses is not allowed.
            ConnectError: The host has none, or does not answer.
        """
        found = await self.addresses(host, port)
        for address in found[:-1]:
            limit = LONGEST_TRY if timeout is None else min(timeout, LONGEST_TRY)
            with contextlib.suppress(ConnectError, ConnectTimeout):
                return await self._backend.connect_tcp(
                    str(address), port, limit, local_address, socket_options
                )
        return await self._backend.connect_tcp(
            str(found[-1]), port, timeout, local_address, socket_options
        )

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a host, all of them allowed.

        Raises:
            ForbiddenAddress: One of them is not allowed.
            ConnectError: The host has none.
        """
        try:
            found = [ip_address(each) for each in await self._resolve(host.strip("[]"), port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise ConnectError(
                f"the host's name does not resolve: {type(error).__name__}"
            ) from None
        if not found:
            raise ConnectError("the host has no address")
        for address in found:
            self._bounds.check(address, port)
        return found
