"""A receiver that verifies what it gets."""

from collections.abc import AsyncIterator

import pytest

from tests.receivers import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as found:
        yield found
