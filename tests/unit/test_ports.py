"""A port that is held is had by whoever names it, and by nobody who asks for any."""

import socket

import pytest

from tests.ports import HeldPort
from workers.servers.ports import LOOPBACK, port_is_free


def test_nobody_gets_it_who_asks_for_any() -> None:
    holders = [HeldPort() for _ in range(200)]
    held = {each.number for each in holders}
    assert len(held) == len(holders)
    others = [socket.create_server((LOOPBACK, 0)) for _ in range(500)]
    assert not held & {other.getsockname()[1] for other in others}
    for other in others:
        other.close()


def test_a_server_takes_it_again_and_again_and_in_between_it_is_closed() -> None:
    held = HeldPort()
    for _ in range(3):
        assert port_is_free(held.number)
        with pytest.raises(ConnectionRefusedError), socket.socket() as client:
            client.connect((LOOPBACK, held.number))
        with socket.create_server((LOOPBACK, held.number)), socket.socket() as client:
            client.connect((LOOPBACK, held.number))


def test_it_can_be_given_back() -> None:
    held = HeldPort()
    held.release()
    with socket.socket() as other:
        other.bind((LOOPBACK, held.number))
