"""The address of an endpoint is judged when it is entered, with the setting that would allow it."""

import socket

import pytest

from models.refusals import Refused
from workers.settings.webhook import WebhookSettings
from workers.webhook.judging import judge


def settings(*networks: str) -> WebhookSettings:
    return WebhookSettings(allowed_networks=networks)


async def to_a_public_address(_host: str, _port: int) -> list[str]:
    return ["93.184.216.34"]


async def to_nothing(_host: str, _port: int) -> list[str]:
    raise socket.gaierror


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://127.0.0.1:9000/hook", "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS=127.0.0.1/32"),
        ("https://10.1.2.3/hook", "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS=10.1.2.3/32"),
        ("https://[::1]/", "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS=::1/128"),
        ("https://[::ffff:10.0.0.9]/", "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS=10.0.0.9/32"),
        ("http://0x7f.1/", "TUIXUAN_WEBHOOK__ALLOWED_NETWORKS=127.0.0.1/32"),
    ],
)
async def test_an_address_inside_is_refused_with_the_setting(url: str, named: str) -> None:
    with pytest.raises(Refused) as refused:
        await judge(url, settings())
    assert refused.value.code == "address_not_allowed"
    assert named in refused.value.message
    allowed = named.partition("=")[2]
    assert await judge(url, settings(allowed)) is None  # the advice works


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://receiver.example/", "https"),
        ("https://receiver.example:9000/", "TUIXUAN_WEBHOOK__ALLOWED_PORTS"),
    ],
)
async def test_a_public_address_needs_tls_and_an_allowed_port(url: str, named: str) -> None:
    with pytest.raises(Refused, match=named):
        await judge(url, settings(), to_a_public_address)


async def test_an_allowed_address_is_taken_and_an_unknown_name_is_doubted() -> None:
    url = "https://receiver.example:8443/"
    assert await judge(url, settings(), to_a_public_address) is None
    assert "receiver.example" in str(await judge(url, settings(), to_nothing))
