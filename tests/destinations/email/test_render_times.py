"""TE1, F16: mails show times in the attendee's time zone, as people write them there."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.destinations.languages import LANGUAGES, wording
from showup.destinations.localized_time import LocalizedTime, localized_time, plain
from tests.destinations.email.rendered_mail import Page, mail

START = datetime(2026, 12, 3, 15, 0, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 1, 7, 50, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
CLOCKS_GO_ON = datetime(2026, 3, 29, 0, 45, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
IN_PERSON = {
    "meeting_url": None,
    "location": "1420 Example Street\nChicago, IL",
    "organizer_time_zone": "America/Chicago",
}


def shown(
    locale: str, zone: str, start: datetime = START, *, length: timedelta = HALF_AN_HOUR, now: datetime = NOW
) -> LocalizedTime:
    words = wording(locale.partition("-")[0])
    return localized_time(start, start + length, ZoneInfo(zone), words=words, locale=locale, now=now)


@pytest.mark.parametrize(
    ("locale", "zone", "day", "date", "hours", "zone_name"),
    [
        ("en", "America/New_York", "Thu, Dec 3", "Thursday, December 3", "10:00–10:30 AM", "New York time"),
        ("en", "Europe/Berlin", "Thu, 3 Dec", "Thursday, 3 December", "16:00–16:30", "Berlin time"),
        ("en-GB", "America/New_York", "Thu 3 Dec", "Thursday, 3 December", "10:00–10:30", "New York time"),
        ("en", "Europe/Paris", "Thu, 3 Dec", "Thursday, 3 December", "16:00–16:30", "Paris time"),
        ("en", "Asia/Calcutta", "Thu, 3 Dec", "Thursday, 3 December", "8:30–9:00 PM", "Kolkata time"),
        ("de", "Europe/Berlin", "Do., 3. Dez.", "Donnerstag, 3. Dezember", "16:00–16:30 Uhr", "Ortszeit Berlin"),
        ("fr", "Europe/Paris", "jeu. 3 déc.", "jeudi 3 décembre", "16:00–16:30", "heure de Paris"),
        ("es", "Europe/Madrid", "jue, 3 dic", "jueves, 3 de diciembre", "16:00–16:30", "hora de Madrid"),
        (
            "pt-BR",
            "America/Sao_Paulo",
            "qui., 3 de dez.",
            "quinta-feira, 3 de dezembro",
            "12:00–12:30",
            "horário de São Paulo",
        ),
        ("nl", "Europe/Amsterdam", "do 3 dec", "donderdag 3 december", "16:00–16:30", "tijd in Amsterdam"),
        ("it", "Europe/Rome", "gio 3 dic", "giovedì 3 dicembre", "16:00–16:30", "ora di Roma"),
        ("de-IN", "Asia/Calcutta", "Do., 3. Dez.", "Donnerstag, 3. Dezember", "20:30–21:00 Uhr", "Ortszeit Kalkutta"),
        ("en", "Etc/GMT+5", "Thu, 3 Dec", "Thursday, 3 December", "10:00–10:30 am", "UTC−5"),
    ],
)
def test_m14_order_and_clock_are_the_regions_and_words_the_languages(
    locale: str, zone: str, day: str, date: str, hours: str, zone_name: str
) -> None:
    found = shown(locale, zone)
    assert (found.day, found.date, plain(found.hours), found.zone) == (day, date, hours, zone_name)


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("America/Los_Angeles", NEW_YEAR, "11:50 PM – 12:20 AM, ends Thu"),
        ("Europe/Berlin", CLOCKS_GO_BACK, "02:45 (UTC+2) – 02:15 (UTC+1)"),
        ("Europe/Berlin", CLOCKS_GO_BACK + HALF_AN_HOUR, "02:15–02:45 (UTC+1)"),
        ("Europe/Berlin", CLOCKS_GO_ON, "01:45 (UTC+1) – 03:15 (UTC+2)"),
        ("America/New_York", datetime(2026, 11, 1, 5, 10, tzinfo=UTC), "1:10–1:40 AM (UTC−4)"),
        ("Asia/Kathmandu", START, "20:45–21:15"),
    ],
)
def test_midnight_and_changes_of_clocks_are_never_ambiguous(zone: str, start: datetime, hours: str) -> None:
    assert plain(shown("en", zone, start, now=start).hours) == hours


def test_a_year_is_written_only_where_it_could_be_another() -> None:
    far = shown("en", "America/New_York", now=NOW - timedelta(days=330))
    assert (far.day, far.date) == ("Thu, Dec 3, 2026", "Thursday, December 3, 2026")
    assert "2026" not in shown("en", "America/New_York").date


@pytest.mark.parametrize(
    ("zone", "relative"), [("Pacific/Auckland", "tomorrow"), ("America/New_York", "today"), ("Etc/GMT+12", "tomorrow")]
)
def test_today_and_tomorrow_are_the_attendees(zone: str, relative: str) -> None:
    """At 14:00 UTC it is already tomorrow in Auckland; at 23:30 of the day before there, it is not."""
    nights = {"Pacific/Auckland": 10, "America/New_York": 14, "Etc/GMT+12": -10}
    now = datetime(2026, 12, 3, tzinfo=UTC) + timedelta(hours=nights[zone])
    assert shown("en", zone, now=now).relative == relative


@given(
    locale=st.sampled_from([*LANGUAGES, "en-GB", "es-MX", "fr-CA", "de-US", "pt-PT", "en-XX", "nl-BE", "x", ""]),
    zone=st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "UTC", "Pacific/Kiritimati", "Etc/GMT-3"]
    ),
    start=st.integers(-200_000, 400_000).map(lambda quarters: START + quarters * HALF_AN_HOUR),
    minutes=st.integers(1, 3000),
)
def test_any_time_has_no_thin_spaces_and_names_its_weekday(
    locale: str, zone: str, start: datetime, minutes: int
) -> None:
    language = locale if locale in LANGUAGES else "en"
    found = localized_time(
        start, start + timedelta(minutes=minutes), ZoneInfo(zone), words=wording(language), locale=locale, now=NOW
    )
    everything = " ".join((found.day, found.date, found.hours, found.time, found.zone, *found.tile))
    assert not {"\u2009", "\u202f"} & set(everything)
    assert found.weekday in found.date
    assert str(start.astimezone(ZoneInfo(zone)).day) in found.day


@pytest.mark.parametrize(
    ("guest", "organizer", "zone"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "Tokyo time"),
        (None, "Europe/Berlin", "Berlin time"),
        ("nowhere", "Europe/Berlin", "Berlin time"),
        (None, None, "UTC"),
    ],
)
def test_the_guests_zone_comes_first_then_the_organizers(guest: str | None, organizer: str | None, zone: str) -> None:
    sent = mail(guest_time_zone=guest, organizer_time_zone=organizer)
    assert f", {zone}\n" in sent.text
    assert zone in Page(sent.html).text


def test_f16_in_person_the_places_time_comes_first_and_the_travellers_beside_it() -> None:
    sent = mail(**IN_PERSON, guest_time_zone="America/New_York")
    for text in (sent.text, Page(sent.html).text.replace("\xa0", " ")):
        assert text.index("Chicago time") < text.index("4:15–4:45 AM in New York")
    assert "3:15–3:45 AM, Chicago time" in sent.text
    assert sent.subject == "You’re booked: Tue, Mar 10, 3:15 AM in Chicago"
    same = mail(**IN_PERSON, guest_time_zone="America/Winnipeg")
    assert "Winnipeg" not in same.text


def test_f16_the_city_of_a_zone_is_not_called_the_place() -> None:
    """Boston has the time of New York."""
    sent = mail(meeting_url=None, location="1 Example Street, Boston", organizer_time_zone="America/New_York")
    assert sent.subject.endswith("04:15, New York time")
    assert "in New York" not in sent.text.splitlines()[0]


@pytest.mark.parametrize("kind", ["confirmation", "reminder_2h"])
def test_f16_a_call_is_only_in_the_attendees_time(kind: str) -> None:
    sent = mail(kind, organizer_time_zone="America/Chicago", guest_time_zone="Europe/Berlin")
    assert "Chicago" not in sent.text + sent.html


def test_a_reschedule_shows_both_times() -> None:
    sent = mail("rescheduled")
    for text in (sent.text, Page(sent.html).text):
        assert "09:15–09:45" in text
        assert "Mon, 9 Mar, 14:00" in text
    assert sent.subject == "New time: Tue, 10 Mar, 09:15 with Benjamin"
