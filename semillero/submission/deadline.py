"""Deadlines *Anywhere on Earth*: a date ends when it ends in the last time zone, UTC−12."""

from datetime import UTC, date, datetime, timedelta, timezone

AOE = timezone(timedelta(hours=-12), "AoE")


def deadline_instant(day: date) -> datetime:
    """Return the last second of ``day`` Anywhere on Earth, in UTC."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=AOE).astimezone(UTC)


def time_left(day: date, now: datetime | None = None) -> timedelta:
    """Return the time left until the deadline; negative when it has passed.

    Args:
        day: the deadline's date.
        now: an aware time; the clock's by default.
    """
    return deadline_instant(day) - (now or datetime.now(UTC))
