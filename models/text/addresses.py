"""Mail addresses of plain ASCII, as RFC 5321 lets them be sent to."""

import re

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*$"
"""Atoms and labels between single dots: what `a..b@x` and `.a@x` name, no server delivers to."""
_ADDRESS = re.compile(ADDRESS)
_LONGEST, _LONGEST_LOCAL = 254, 64
"""RFC 5321: a path of 256 with its two brackets; a local part of 64."""


def is_address(text: str) -> bool:
    """Return whether mail can be sent to an address."""
    local = text.partition("@")[0]
    return (
        len(text) <= _LONGEST
        and len(local) <= _LONGEST_LOCAL
        and _ADDRESS.fullmatch(text) is not None
    )
