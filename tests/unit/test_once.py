"""A set-up that failed is not tried again, and says why each time."""

import pytest

from tests.once import Once, SetUpFailed


class World:
    def __init__(self) -> None:
        self.tried = 0

    @Once
    def good(self) -> str:
        self.tried += 1
        return f"made at attempt {self.tried}"

    @Once
    def bad(self) -> str:
        self.tried += 1
        raise ValueError(f"attempt {self.tried}")


def test_what_was_made_stays() -> None:
    world = World()
    assert (world.good, world.good, world.tried) == ("made at attempt 1",) * 2 + (1,)


def test_what_failed_stays_failed_with_its_cause() -> None:
    world = World()
    with pytest.raises(ValueError, match="attempt 1"):
        _ = world.bad
    for _ in range(2):
        with pytest.raises(SetUpFailed, match=r"bad: ValueError\('attempt 1'\)"):
            _ = world.bad
    assert world.tried == 1
