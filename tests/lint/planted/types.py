# check: types
# at: services/planted.py
# says: [no-untyped-def]
# says: [return-value]
# says: [type-arg]
# says: [union-attr]
# says: [unused-awaitable]
# says: [ignore-without-code]
# says: [possibly-undefined]
# says: [unreachable]
"""One error of each kind that a type checker is kept for."""

import asyncio


def untyped(value):
    return value


def wrong() -> int:
    return "one"


def loose(values: list) -> int:
    return len(values)


def absent(text: str | None) -> str:
    return text.strip()


async def forgotten() -> None:
    asyncio.create_task(asyncio.sleep(0))
    asyncio.gather(asyncio.sleep(0))


def blanket(value: int) -> int:
    return value.absent  # type: ignore


def perhaps(value: bool) -> int:
    if value:
        number = 1
    return number


def never(value: int) -> int:
    if isinstance(value, str):
        return 0
    return value
