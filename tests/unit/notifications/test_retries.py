"""A delivery waits twice as long after each attempt, and never longer than an hour."""

from models.notifications.retries import DeliveryRetries


def test_waits_double_up_to_the_longest() -> None:
    retries = DeliveryRetries()
    seconds = [retries.delay(attempt).total_seconds() for attempt in (1, 2, 3, 7, 8, 99)]
    assert seconds == [30, 60, 120, 1920, 3600, 3600]
