"""TE1: mails show times in the attendee's time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from showup.destinations.local_time import local_time
from tests.destinations.email.rendered_mail import Page, mail

START = datetime(2026, 3, 10, 8, 15, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, 7, 50, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
CLOCKS_GO_ON = datetime(2026, 3, 29, 0, 45, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("zone", "start", "shown", "offset"),
    [
        ("Europe/Berlin", START, "Tue 2026-03-10, 09:15-09:45", "+01:00"),
        ("America/New_York", START, "Tue 2026-03-10, 04:15-04:45", "-04:00"),
        ("Asia/Kathmandu", START, "Tue 2026-03-10, 14:00-14:30", "+05:45"),
        ("Pacific/Kiritimati", START, "Tue 2026-03-10, 22:15-22:45", "+14:00"),
        ("America/Los_Angeles", NEW_YEAR, "Wed 2025-12-31, 23:50 - Thu 2026-01-01, 00:20", "-08:00"),
        ("Europe/Berlin", CLOCKS_GO_BACK, "Sun 2026-10-25, 02:45-02:15 UTC+01:00", "+02:00"),
        ("Europe/Berlin", CLOCKS_GO_ON, "Sun 2026-03-29, 01:45-03:15 UTC+02:00", "+01:00"),
    ],
)
def test_a_span_of_time_in_a_zone(zone: str, start: datetime, shown: str, offset: str) -> None:
    formatted = local_time(start, start + HALF_AN_HOUR, ZoneInfo(zone))
    assert (str(formatted), formatted.zone) == (shown, f"{zone}, UTC{offset}")


def test_an_end_may_be_unknown() -> None:
    assert str(local_time(START, None, ZoneInfo("Europe/Berlin"))) == "Tue 2026-03-10, 09:15"


@pytest.mark.parametrize(
    ("guest", "organizer", "shown"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo, UTC+09:00"),
        (None, "Europe/Berlin", "Europe/Berlin, UTC+01:00"),
        ("nowhere", "Europe/Berlin", "Europe/Berlin, UTC+01:00"),
        (None, None, "UTC"),
    ],
)
def test_the_guests_zone_comes_first_then_the_organizers(guest: str | None, organizer: str | None, shown: str) -> None:
    sent = mail(guest_time_zone=guest, organizer_time_zone=organizer)
    assert f"{shown}\n" in sent.text
    assert f" {shown} " in Page(sent.html).text


def test_a_reschedule_shows_both_times() -> None:
    sent = mail("rescheduled")
    for text in (sent.text, Page(sent.html).text):
        assert "Tue 2026-03-10, 09:15-09:45" in text
        assert "Mon 2026-03-09, 14:00" in text
    assert sent.subject.endswith("Tue 2026-03-10, 09:15-09:45")
