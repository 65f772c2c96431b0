"""Chat bots by Apprise. Imported late: Apprise knows a hundred services and takes its time."""

import logging
import sys

from apprise import Apprise


def open_bot(address: str) -> Apprise | None:
    """Return the bot that an Apprise address names; None: Apprise knows no such service.

    Services that are not posted to by HTTP (the desktop, syslog, mail) are none of ours: where
    they lead is not judged.

    Apprise's own logs would repeat parts of the address, which is a secret: they are silenced.
    """
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    bot = Apprise()
    if not bot.add(address):
        return None
    posts = all("requests" in vars(sys.modules[type(each).__module__]) for each in bot)
    return bot if posts else None
