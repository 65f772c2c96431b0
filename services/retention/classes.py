"""What a class of data is, of which retention can end.

What was said goes; the row that it stood in stays. So nobody is told again, counts stay what
they were, and a digest is left to hold what is said about it against.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select

type Found = Sequence[Row[*tuple[Any, ...]]]


@dataclass(frozen=True)
class Scope:
    """What is looked at.

    Attributes:
        season: Of this season.
        before: Only what had its moment, and was written, at or before this instant.
        over: When the season and its last case ended; None: they have not.
    """

    season: str
    before: datetime
    over: datetime | None


class Removed(NamedTuple):
    """What was emptied together. `before`: the digest of what it was; `rows`: how many."""

    object: str
    case_id: str | None
    before: str
    rows: int


class Holding(NamedTuple):
    """A class of data: the query of what is due (`moment`: since when), and its emptying."""

    rows: Callable[[Scope], Select[Any]]
    empty: Callable[[Connection, Found, Scope, datetime], Iterator[Removed]]
