"""When a message may leave: not in quiet hours, and a digest at its time of the day."""

from datetime import datetime, time, timedelta

_DAY = timedelta(days=1)


def after_quiet(local: datetime, quiet_from: time, quiet_until: time) -> datetime:
    """Return `local` itself, or the end of the quiet hours that it lies in.

    Args:
        local: Civil time, in the time zone of the hours.
        quiet_from: When they begin; the same as `quiet_until`: there are none.
        quiet_until: When they end; before `quiet_from`: on the next day.
    """
    if is_quiet(local.time(), quiet_from, quiet_until):
        return next_at(local, quiet_until)
    return local


def is_quiet(clock: time, quiet_from: time, quiet_until: time) -> bool:
    """Whether a time of the day lies in the quiet hours; their end does not."""
    if quiet_from <= quiet_until:
        return quiet_from <= clock < quiet_until
    return clock >= quiet_from or clock < quiet_until


def next_at(local: datetime, clock: time) -> datetime:
    """Return when the clock next shows a time of the day; `local` itself where it does."""
    today = datetime.combine(local.date(), clock, local.tzinfo)
    return today if today >= local else today + _DAY
