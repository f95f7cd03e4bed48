"""TE11: quiet hours in the attendee's local time, across all clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from showup.pipeline.quiet_hours import end_of_quiet_hours

NIGHT = ("21:00", "08:00")
ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Chisinau", "Atlantic/Azores", "Africa/Casablanca"),
    *("Africa/Cairo", "Asia/Beirut", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tokyo"),
    *("Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati"),
    *("America/New_York", "America/St_Johns", "America/Santiago", "America/Havana", "America/Nuuk"),
)
# The default night, spans that end in skipped or repeated hours, a span without an hour, and a span by day.
QUIET = (NIGHT, ("00:00", "02:30"), ("03:15", "02:30"), ("01:30", "01:00"), ("12:00", "14:00"))


def in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_quiet(moment: datetime, zone: ZoneInfo, quiet: tuple[str, str]) -> bool:
    begins, ends = map(time.fromisoformat, quiet)
    now = moment.astimezone(zone).time()
    return (begins <= now < ends) if begins < ends else not ends <= now < begins


def clock_changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """Returns the hours in which the zone's clocks change; 1 January and 1 July if they never do."""
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=count) for count in range(366 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    found = [hour for hour, one, other in zip(hours[1:], offsets, offsets[1:], strict=False) if one != other]
    return found or [hours[0], datetime(year, 7, 1, tzinfo=UTC)]


@pytest.mark.parametrize("name", ZONES)
def test_the_first_moment_after_quiet_hours_across_clock_changes(name: str) -> None:
    """Compares with a check of every minute, from a day before each clock change to a day after it."""
    zone, minute = ZoneInfo(name), timedelta(minutes=1)
    for change in clock_changes(zone, 2026):
        for quiet in QUIET:
            first = change + timedelta(days=3)
            while is_quiet(first, zone, quiet):
                first += minute
            moment = change + timedelta(days=3)
            while moment > change - timedelta(days=1):
                first = first if is_quiet(moment, zone, quiet) else moment
                if moment.minute % 7 == 0:
                    assert end_of_quiet_hours(moment, zone, quiet) == first, (moment, quiet)
                moment -= minute


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # Clocks go forward from 02:00 to 03:00: the night is an hour shorter.
        ("Europe/Berlin", "2026-03-28T20:30:15", "2026-03-29T06:00:00"),
        ("Europe/Berlin", "2026-03-27T20:30:15", "2026-03-28T07:00:00"),
        # Clocks go back from 03:00 to 02:00: the night is an hour longer.
        ("Europe/Berlin", "2026-10-24T19:00:00", "2026-10-25T07:00:00"),
        ("America/New_York", "2026-03-08T02:00:01", "2026-03-08T12:00:00"),
        ("America/New_York", "2026-11-01T01:00:00", "2026-11-01T13:00:00"),
        ("Asia/Kathmandu", "2026-03-05T15:15:00", "2026-03-06T02:15:00"),
        ("Pacific/Kiritimati", "2026-03-05T07:00:00", "2026-03-05T18:00:00"),
    ],
)
def test_quiet_hours_end_at_eight_local_time(zone: str, at: str, expected: str) -> None:
    assert end_of_quiet_hours(in_utc(at), ZoneInfo(zone), NIGHT) == in_utc(expected)


@pytest.mark.parametrize("at", ["2026-03-05T07:00:00", "2026-03-05T19:59:59", "2026-03-05T12:34:56"])
def test_outside_quiet_hours_the_time_is_unchanged(at: str) -> None:
    assert end_of_quiet_hours(in_utc(at), ZoneInfo("Europe/Berlin"), NIGHT) == in_utc(at)


def test_a_skipped_end_is_the_moment_of_the_clock_change() -> None:
    at = in_utc("2026-03-29T00:10:20")
    assert end_of_quiet_hours(at, ZoneInfo("Europe/Berlin"), ("23:00", "02:30")) == in_utc("2026-03-29T01:00:00")


def test_a_repeated_end_counts_the_second_time() -> None:
    """The second 02:10 is still quiet, although 02:30 has passed once."""
    at = in_utc("2026-10-25T01:10:00")
    assert end_of_quiet_hours(at, ZoneInfo("Europe/Berlin"), ("23:00", "02:30")) == in_utc("2026-10-25T01:30:00")


@pytest.mark.parametrize("hour", range(24))
def test_equal_hours_are_never_quiet(hour: int) -> None:
    at = datetime(2026, 3, 5, hour, 8, tzinfo=UTC)
    assert end_of_quiet_hours(at, UTC, ("08:08", "08:08")) == at
