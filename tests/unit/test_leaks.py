"""What a test leaves open is found at its own end."""

import socket
import warnings

from tests.leaks import blamed


class Knot:
    """Refers to itself, so that only the collection of garbage ends it."""

    def __init__(self, held: object) -> None:
        self.held = held
        vars(self)["itself"] = self


def test_a_socket_in_a_knot_is_found_before_the_block_is_left() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with blamed():
            Knot(socket.socket())
        found = [str(each.message) for each in caught]
    assert len(found) == 1
    assert found[0].startswith("unclosed <socket.socket")


def test_whoever_closes_what_he_opened_is_not_held_up() -> None:
    with warnings.catch_warnings(record=True) as caught, blamed():
        warnings.simplefilter("always")
        Knot(socket.socket()).held.close()  # type: ignore[attr-defined]
    assert caught == []
