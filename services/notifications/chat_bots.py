"""Chat bots by Apprise. Imported late: Apprise knows a hundred services and takes its time."""

import logging

from apprise import Apprise


def open_bot(address: str) -> Apprise | None:
    """Return the bot that an Apprise address names; None: Apprise knows no such service.

    Apprise's own logs would repeat parts of the address, which is a secret: they are silenced.
    """
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    bot = Apprise()
    return bot if bot.add(address) else None
