"""F14: the mail about a series says once only what all of its dates have in common, the same in HTML and in text."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from showup.destinations.contract import SeriesDate
from showup.destinations.email.destination import Mail
from tests.destinations.email.rendered_mail import Page, mail

BERLIN = ZoneInfo("Europe/Berlin")
ROOM, HALL = "Room 4\n12 Canal Street", "Seller Hall\n1420 Example Street"


def date(number: int, start: datetime, **changes: Any) -> SeriesDate:
    given = {"booking_id": UUID(int=number + 1), "status": "ACCEPTED", "uid": f"date{number}", "start_time": start}
    return SeriesDate(
        **given | {"end_time": start + timedelta(minutes=30), "ical_uid": f"date{number}@Cal.com"} | changes
    )


def day(number: int, hour: int = 16, month: int = 3) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=BERLIN).astimezone(UTC)


def mail_about(*dates: SeriesDate, own: int = 0, **changes: Any) -> Mail:
    """Returns the mail that is about one of the dates, in English with 24 hours."""
    given = {name: getattr(dates[own], name) for name in dates[own].__struct_fields__}
    return mail("series", series=dates, **given | changes)


def shown(sent: Mail) -> tuple[str, str]:
    """Returns what a reader of the HTML sees, and the text without its line breaks."""
    return Page(sent.html).text, " ".join(sent.text.split())


def lines_of_dates(sent: Mail) -> list[tuple[str, list[str | None]]]:
    """Returns the text and links of each row of dates in the HTML."""
    rows = [row for row in re.findall(r"<tr>.*?</tr>", sent.html, re.DOTALL) if 'class="count' in row]
    pages = [Page(row) for row in rows]
    return [(page.text, page.links) for page in pages]


def test_f14_dates_with_links_of_their_own_show_each() -> None:
    urls = [f"https://zoom.example/j/fl14{letter}" for letter in "abc"]
    sent = mail_about(*(date(number, day(10 + 7 * number), meeting_url=url) for number, url in enumerate(urls)))
    for text in shown(sent):
        assert "The same link every time" not in text
        assert "Join" not in text
        assert all(text.count(url.removeprefix("https://")) == 1 for url in urls)
    rows = lines_of_dates(sent)
    assert [url in links for (_, links), url in zip(rows, urls, strict=True)] == [True] * 3
    positions = [sent.text.index(part) for number, url in enumerate(urls) for part in (f"  {number + 1}. ", url)]
    assert positions == sorted(positions), "each link stands below its date"


def test_f14_a_link_that_all_dates_have_stands_once() -> None:
    sent = mail_about(*(date(number, day(10 + number), meeting_url="https://zoom.example/j/1") for number in range(3)))
    for text in shown(sent):
        assert "The same link every time" in text
        assert text.count("zoom.example/j/1") == 1


@pytest.mark.parametrize("own", [0, 1, 2])
def test_f14_hours_that_differ_stand_with_each_date(own: int) -> None:
    dates = [date(number, day(10 + number, hour)) for number, hour in enumerate((16, 17, 19))]
    sent = mail_about(*dates, own=own)
    for text in shown(sent):
        for hours, name in (("16:00–16:30", "Tue, "), ("17:00–17:30", "Wed, "), ("19:00–19:30", "Thu, ")):
            assert len(re.findall(rf"{name}[\w ]+, {hours}", text)) == 1
            assert text.count(hours) == 1
        assert "Berlin time, with Benjamin Crane" in text


def test_f14_hours_are_compared_where_the_recipient_is() -> None:
    """The clocks change between the dates: one hour on the wall is two in UTC, and the other way round."""
    on_the_wall = mail_about(date(0, day(24)), date(1, day(31)))
    in_utc = mail_about(date(0, day(24)), date(1, day(24) + timedelta(weeks=1)))
    for text in shown(on_the_wall):
        assert text.count("16:00–16:30") == 1
    for text in shown(in_utc):
        assert text.count("16:00–16:30") == text.count("17:00–17:30") == 1


def test_f14_a_zone_that_is_an_offset_stands_with_each_date_when_clocks_change() -> None:
    sent = mail_about(date(0, day(24)), date(1, day(31)), guest_time_zone="CET")
    for text in shown(sent):
        assert "16:00–16:30, UTC+1" in text
        assert "16:00–16:30, UTC+2" in text


def test_f14_lengths_that_differ_are_not_one_length() -> None:
    dates = date(0, day(10)), date(1, day(11), end_time=day(11) + timedelta(minutes=45))
    for text in shown(mail_about(*dates)):
        assert "30 minutes" not in text
        assert "16:00–16:30" in text
        assert "16:00–16:45" in text


@pytest.mark.parametrize("own", [0, 1])
def test_f14_dates_at_two_addresses_show_both(own: int) -> None:
    dates = date(0, day(10), location=ROOM), date(1, day(11), location=HALL)
    sent = mail_about(*dates, own=own, meeting_url=None)
    for text in shown(sent):
        assert text.count("Room 4, 12 Canal Street") == text.count("Seller Hall, 1420 Example Street") == 1
        assert "Get directions" not in text
    rows = lines_of_dates(sent)
    assert "Canal" in str(rows[0])
    assert "Example+Street" not in str(rows[0])
    assert "Example+Street" in str(rows[1])


def test_f14_one_address_stands_once_with_its_directions() -> None:
    sent = mail_about(*(date(number, day(10 + number), location=HALL) for number in range(3)))
    for text in shown(sent):
        assert text.count("1420 Example Street") == 1
        assert "Get directions" in text


def test_f14_a_call_a_video_and_an_unknown_place_stand_with_their_dates() -> None:
    places = {"location": "+1 207 555 0118"}, {"meeting_url": "https://zoom.example/j/1"}, {}
    sent = mail_about(*(date(number, day(10 + number), **place) for number, place in enumerate(places)))
    for text in shown(sent):
        assert "You call +1 207 555 0118" in text.replace("\u00a0", " ")
        assert "zoom.example/j/1" in text
        assert "The link follows before the call." in text


@pytest.mark.parametrize("own", [0, 1, 2])
def test_f14_the_first_is_the_earliest_date_whichever_the_mail_is_about(own: int) -> None:
    dates = [date(number, day(number + 4)) for number in range(3)]
    sent = mail_about(*dates, own=own)
    assert sent.subject.endswith("from Wed, 4 Mar")
    for text in shown(sent):
        assert "See you Wednesday," in text
    assert "The first one is on Wed, 4 Mar, 16:00, Berlin time." in Page(sent.html).text


def test_f14_a_cancelled_date_is_neither_the_first_nor_does_it_differ() -> None:
    """The mail itself may be about a date that was cancelled since."""
    dates = date(0, day(4, 9), status="CANCELLED"), date(1, day(5)), date(2, day(6))
    sent = mail_about(*dates, own=1)
    assert sent.subject.startswith("Two dates")
    assert sent.subject.endswith("from Thu, 5 Mar")
    assert all(text.count("16:00–16:30") == 1 for text in shown(sent))


def test_f14_each_date_moves_the_attendees_own_seat() -> None:
    dates = [date(number, day(10 + number), seat_uid=f"seat{number}") for number in range(3)]
    moves = [link for link in Page(mail_about(*dates).html).links if "/reschedule/" in str(link)]
    assert moves == [f"https://book.seller.example/reschedule/seat{number}" for number in range(3)]


def test_f14_no_address_of_a_hidden_host_stands_with_a_date() -> None:
    dates = date(0, day(10), location=ROOM), date(1, day(11), location="At benjamin@seller.example, Room 5")
    sent = mail_about(*dates, organizer_email_hidden=True)
    assert "benjamin@seller.example" not in sent.text + sent.html


@settings(deadline=None, max_examples=12)
@given(
    hours=st.lists(st.integers(10, 20), min_size=2, max_size=4),
    places=st.lists(st.sampled_from([ROOM, HALL, "https://zoom.example/j/1", "https://zoom.example/j/2"]), min_size=4),
    data=st.data(),
)
def test_f14_html_and_text_agree_and_no_date_has_details_of_another(
    hours: list[int], places: list[str], data: st.DataObject
) -> None:
    dates = [
        date(number, day(10 + number, hour), location=place)
        for number, (hour, place) in enumerate(zip(hours, places, strict=False))
    ]
    own = data.draw(st.integers(0, len(dates) - 1))
    sent = mail_about(*dates, own=own, meeting_url=None, organizer_time_zone="Europe/Berlin")
    for text in shown(sent):
        for hour in set(hours):
            times = 1 if len(set(hours)) == 1 else hours.count(hour)
            assert text.count(f"{hour:02}:00–{hour:02}:30") == times
        found = places[: len(dates)]
        for place in set(found):
            mark = place.rpartition("\n")[2].removeprefix("https://")
            assert text.count(mark) == (1 if len(set(found)) == 1 else found.count(place))
    for link in Page(sent.html).links:
        assert str(link) in sent.text
