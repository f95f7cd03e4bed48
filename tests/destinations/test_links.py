"""F03, F05: the links of a meeting, and the organizer's address where the event type hides it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from showup.destinations.email.samples import SAMPLE
from showup.destinations.links import cancel_url, reschedule_url
from showup.sources.calcom.web_address import web_address

MEETING = replace(SAMPLE, uid="fl05a", event_type="discovery", organizer_username="hanna")
PLATFORM = replace(
    MEETING,
    platform_reschedule_url="https://book.customer.example/change",
    platform_cancel_url="https://book.customer.example/cancel",
)


def test_a_platforms_booking_is_managed_on_the_platforms_pages() -> None:
    """F05: also where the webhook names a page of Cal.com."""
    assert reschedule_url(PLATFORM) == (
        "https://book.customer.example/change/fl05a?slug=discovery&username=hanna&reschedule=true"
    )
    assert cancel_url(PLATFORM) == (
        "https://book.customer.example/cancel/fl05a"
        "?slug=discovery&username=hanna&cancel=true&allRemainingBookings=false"
    )


def test_a_platform_without_a_page_has_no_link() -> None:
    """F05: Cal.com's own pages don't manage a platform's bookings."""
    without = replace(PLATFORM, platform_reschedule_url="", platform_cancel_url="javascript:alert(1)")
    assert (reschedule_url(without), cancel_url(without)) == (None, None)


def test_a_platforms_link_has_the_seat_and_the_team() -> None:
    """F05."""
    seat = replace(PLATFORM, seat_uid="seat 1", team_id=7)
    assert (reschedule_url(seat) or "").startswith("https://book.customer.example/change/seat%201?")
    query = parse_qs(urlsplit(cancel_url(seat) or "").query)
    assert (query["seatReferenceUid"], query["teamId"]) == (["seat 1"], ["7"])


@pytest.mark.parametrize("meeting", [MEETING, PLATFORM], ids=["Cal.com", "platform"])
def test_what_the_event_type_forbids_is_not_linked(meeting: object) -> None:
    """F03."""
    assert isinstance(meeting, type(MEETING))
    assert reschedule_url(replace(meeting, rescheduling_disabled=True)) is None
    assert cancel_url(replace(meeting, rescheduling_disabled=True)) is not None
    assert cancel_url(replace(meeting, cancelling_disabled=True)) is None
    assert reschedule_url(replace(meeting, cancelling_disabled=True)) is not None


@pytest.mark.parametrize(
    ("api_url", "pages"),
    [
        ("https://api.cal.com/v2", "https://app.cal.com"),
        ("https://api.cal.eu/v2", "https://app.cal.eu"),
        ("https://cal.own-server.example/api/v2", "https://cal.own-server.example"),
        ("https://own.example/cal/api/v2/", "https://own.example/cal"),
        ("http://10.0.0.5:3000/api/v1", "http://10.0.0.5:3000"),
        ("https://cal.own-server.example/v2", "https://cal.own-server.example"),
        ("https://api.own-server.example/v2", None),
        ("https://user:secret@own.example/api/v2", "https://own.example"),
        ("ftp://own.example/v2", None),
        ("https://[own", None),
        ("", None),
        (None, None),
    ],
)
def test_the_pages_of_an_instance_follow_from_its_api(api_url: str | None, pages: str | None) -> None:
    """F05: never the pages of another instance."""
    assert web_address(api_url) == pages
    link = reschedule_url(replace(MEETING, booker_url=None, calcom_url=web_address(api_url)))
    assert link == (None if pages is None else f"{pages}/reschedule/fl05a")


def test_a_hidden_address_is_shown_to_no_attendee() -> None:
    """F03: neither by itself nor within a text."""
    hidden = replace(MEETING, organizer_email_hidden=True, organizer_name="Benjamin@Seller.example")
    assert (hidden.shown_organizer_email, hidden.contact_email, hidden.organizer_label) == (None, None, None)
    assert hidden.redact_organizer("Intro with benjamin@seller.example and Ann") == "Intro with  and Ann"
    assert replace(hidden, reply_to="desk@seller.example").contact_email == "desk@seller.example"
    assert replace(MEETING, reply_to="desk@seller.example").contact_email == "desk@seller.example"
    assert replace(MEETING, reply_to="").contact_email == "benjamin@seller.example"
