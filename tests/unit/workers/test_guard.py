"""Webhooks reach public addresses alone, however another is written."""

from ipaddress import ip_network

import pytest
from httpcore2 import ConnectError

from tests.ports import HeldPort
from tests.slack import slack
from workers.outward.guard import Bounds, ForbiddenAddress, Guard, resolve
from workers.servers.ports import LOOPBACK
from workers.settings.environment import SettingsWrong
from workers.settings.stack import StackSettings

PORTS = (80, 443, 8443)
INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2001:0:7f00:1::1", "fec0::1", "feff::1", "192.88.99.1", "64:ff9b:1::a",
    "192.175.48.1",
]  # fmt: skip
"""Loopback, private, link-local with the clouds' metadata, shared, reserved; and wrapped."""


async def to(*addresses: str) -> list[str]:
    return list(addresses)


@pytest.mark.parametrize("address", INSIDE)
async def test_no_address_inside_is_connected_to(address: str) -> None:
    guard = Guard(Bounds((), PORTS), lambda _host, _port: to(address))
    with pytest.raises(ForbiddenAddress, match="private, local or reserved"):
        await guard.connect_tcp("receiver.example.invalid", 443, timeout=slack(1))


@pytest.mark.parametrize(
    "written", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]"]
)
async def test_loopback_is_known_however_it_is_written(written: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await Guard(Bounds((), PORTS), resolve).connect_tcp(written, 443, timeout=slack(1))


async def test_one_address_inside_among_public_ones_refuses_all() -> None:
    guard = Guard(Bounds((), PORTS), lambda _host, _port: to("93.184.216.34", "127.0.0.1"))
    with pytest.raises(ForbiddenAddress):
        await guard.connect_tcp("receiver.example.invalid", 443, timeout=slack(1))


async def test_a_name_is_resolved_once_for_each_connection() -> None:
    """A second look-up could answer otherwise; there is none between judging and connecting."""
    held, asked = HeldPort(), []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.2" if len(asked) == 1 else LOOPBACK]

    guard = Guard(Bounds([ip_network("127.0.0.2/32")], PORTS), rebinding)
    with pytest.raises(ConnectError) as refused:  # nobody listens: it was tried at 127.0.0.2
        await guard.connect_tcp("receiver.example.invalid", held.number, timeout=slack(1))
    assert not isinstance(refused.value, ForbiddenAddress)
    assert len(asked) == 1
    with pytest.raises(ForbiddenAddress):  # and the next time it is judged anew
        await guard.connect_tcp("receiver.example.invalid", held.number, timeout=slack(1))


@pytest.mark.parametrize(
    ("port", "public", "why"), [(22, True, "port 22"), (443, False, "https is required")]
)
async def test_a_public_address_needs_a_usual_port_and_tls(
    port: int, *, public: bool, why: str
) -> None:
    guard = Guard(Bounds((), PORTS, public=public), lambda _host, _port: to("93.184.216.34"))
    with pytest.raises(ForbiddenAddress, match=why):
        await guard.connect_tcp("receiver.example.invalid", port, timeout=slack(1))


async def test_a_name_that_leads_nowhere_is_an_error_of_the_connection() -> None:
    with pytest.raises(ConnectError):
        await Guard(Bounds((), PORTS), lambda _h, _p: to()).connect_tcp("nowhere", 443)


def test_ranges_and_ports_come_from_the_environment_as_lists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUIXUAN_WEBHOOK__ALLOWED_NETWORKS", "10.20.0.0/16, fd00::/8")
    monkeypatch.setenv("TUIXUAN_WEBHOOK__ALLOWED_PORTS", "443,9443")
    found = StackSettings.load().webhook
    assert found.networks == (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert found.allowed_ports == (443, 9443)
    monkeypatch.setenv("TUIXUAN_WEBHOOK__ALLOWED_NETWORKS", "10.20.0.1/16")
    with pytest.raises(SettingsWrong, match="不是网段"):
        StackSettings.load()
