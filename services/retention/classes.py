"""Classes of data that expire.

Content is removed; the row that held it stays. So nobody is notified again, counts stay what
they were, and a digest is left against which a claim about the content can be checked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select

type Found = Sequence[Row[*tuple[Any, ...]]]


@dataclass(frozen=True)
class Scope:
    """What may expire.

    Attributes:
        season: Data of this season.
        before: Only data whose days count from this instant or earlier, and that was written
            by then.
        over: When the season and its last case ended; None while either goes on.
    """

    season: str
    before: datetime
    over: datetime | None


class Removal(NamedTuple):
    """Content that was removed together, under one audit entry.

    Attributes:
        object: What it was, as the entry names it.
        before: The digest of the content.
        rows: How many rows held it.
    """

    object: str
    case_id: str | None
    before: str
    rows: int


class ExpiringClass(NamedTuple):
    """A class of data that expires.

    Attributes:
        due: The query of the rows that are due; its column `moment` is the instant from
            which the days of each row count.
        empty: Removes the content of such rows.
    """

    due: Callable[[Scope], Select[Any]]
    empty: Callable[[Connection, Found, Scope, datetime], Iterator[Removal]]
