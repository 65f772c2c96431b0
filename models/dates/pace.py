"""How fast a season runs: its civil time, and the real instants that it stands for."""

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from models.refusals import Refused

REAL = 86_400.0
"""Seconds of a day at the real pace."""
FASTEST = 0.01
"""The fewest seconds a day may take; a microsecond is then nine civil seconds."""

_DAY = Fraction(86_400)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 12, 31, tzinfo=UTC)
_PACE = re.compile(r"1d=([0-9]{1,9}(?:\.[0-9]{1,9})?)s?")


def _to_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


class Pace(BaseModel):
    """Maps the civil time of a season to real instants and back.

    At the real pace both are the same. A rehearsal runs faster: its dates keep their civil
    distance, and only the waiting is shorter.

    Attributes:
        anchor: the instant that is the same in both, usually the opening; kept in UTC.
        seconds_per_day: real seconds of one civil day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    anchor: Annotated[AwareDatetime, AfterValidator(_to_utc)]
    seconds_per_day: float = Field(default=REAL, ge=FASTEST, le=REAL, allow_inf_nan=False)

    @classmethod
    def parse(cls, text: str, anchor: datetime) -> Self:
        """Parse `1d=SECONDS`, e.g. `1d=0.5`.

        Raises:
            Refused: `pace_invalid`.
        """
        found = _PACE.fullmatch(text.strip())
        seconds = float(found[1]) if found else 0.0
        if not FASTEST <= seconds <= REAL:
            raise Refused(
                "pace_invalid",
                f"速度“{text[:40]}”无效，应写作 1d=秒数（{FASTEST:g} 至 {REAL:.0f}），如 1d=0.5",
            )
        return cls(anchor=anchor, seconds_per_day=seconds)

    def civil(self, real: datetime) -> datetime:
        """Return the civil instant (UTC) of a real one, rounded down to a microsecond."""
        if self.seconds_per_day == REAL:
            return real.astimezone(UTC)
        passed = Fraction((real - self.anchor) // _MICROSECOND)
        return self._after(int(passed / self._ratio // 1))

    def real(self, civil: datetime) -> datetime:
        """Return the real instant (UTC) of a civil one, rounded up to a microsecond.

        Rounded so that `civil(real(at)) >= at`: no timer fires before its deadline.
        """
        if self.seconds_per_day == REAL:
            return civil.astimezone(UTC)
        passed = Fraction((civil - self.anchor) // _MICROSECOND)
        return self._after(-int(-passed * self._ratio // 1))

    @property
    def _ratio(self) -> Fraction:
        return Fraction(self.seconds_per_day) / _DAY

    def _after(self, microseconds: int) -> datetime:
        """Add to the anchor; a fast clock would run past the years that `datetime` has."""
        least = (_EARLIEST - self.anchor) // _MICROSECOND
        most = (_LATEST - self.anchor) // _MICROSECOND
        return self.anchor + _MICROSECOND * min(max(microseconds, least), most)
