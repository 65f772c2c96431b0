"""Progress lines for people who wait."""

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def tell(line: str) -> None:
    """Write one line to stderr at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
