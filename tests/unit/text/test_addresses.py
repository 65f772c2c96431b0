"""Addresses that mail can be sent to."""

import pytest

from models.text.addresses import is_address


@pytest.mark.parametrize(
    "address",
    ["a@example.invalid", "a.b+c_d@mail.example.invalid", "x@localhost", "0@1-2.example.invalid",
     "a" * 64 + "@example.invalid"],
)  # fmt: skip
def test_an_address(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "text",
    ["", "a", "@x", "a@", "a..b@x", ".a@x", "a.@x", "a@.x", "a@x.", "a@x..y", "a@-x.y", "a@x-.y",
     "a b@x",
     "a@x\n", "张三@example.invalid", "a@例.invalid", "a@b@c", "<a@x>", "a@[127.0.0.1]", "a@x_y.z",
     "a" * 65 + "@x", "a@" + "b" * 64 + ".invalid", "a@" + ("b" * 59 + ".") * 4 + "b" * 61],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert not is_address(text)
