"""Every booking can be rendered and sent: with hardly any data, with far too much, or with malicious text."""

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Delivered, Guest, Meeting, Notification
from tests.destinations.conformance.case import DELIVERY, MEETING, NOW, START
from tests.destinations.conformance.cases import cases_without
from tests.destinations.conformance.subject import DestinationUnderTest

# A line end, a right-to-left override, a lone surrogate, and the special characters of every markup language.
_HOSTILE = "<script>&amp; {{ 7*7 }} *_~`[x](https://evil.example) <!channel> =1+1 \r\nBcc: x\x00\u202e\U0001f600'\""
_LONG = "a very long word and another " * 3_000

MEETINGS = {
    "bare": Meeting(
        booking_id=MEETING.booking_id,
        version=1,
        status="ACCEPTED",
        title="",
        start_time=START,
        end_time=None,
        guest=Guest(email=MEETING.guest.email, phone=MEETING.guest.phone),
    ),
    "hostile": replace(
        MEETING,
        title=_HOSTILE,
        guest=replace(MEETING.guest, name=_HOSTILE, time_zone="No/Where"),
        organizer_name=_HOSTILE,
        organizer_time_zone=_HOSTILE,
        location=_HOSTILE,
        meeting_url="javascript:alert(1)",
        notes=_HOSTILE,
        company_name=_HOSTILE,
        answers={_HOSTILE: _HOSTILE},
    ),
    "long": replace(
        MEETING,
        title=_LONG,
        guest=replace(MEETING.guest, name=_LONG),
        organizer_name=_LONG,
        location=_LONG,
        meeting_url="https://app.cal.example/" + "x" * 10_000,
        notes=_LONG,
        company_name=_LONG,
        answers={str(number): _LONG for number in range(100)},
    ),
}


@pytest.mark.parametrize("meeting", MEETINGS.values(), ids=MEETINGS)
@pytest.mark.parametrize("subject", cases_without(), indirect=True)
async def test_any_meeting_can_be_rendered_and_sent(subject: DestinationUnderTest, meeting: Meeting) -> None:
    outcome = await subject.send(notification=replace(subject.case.notification, meeting=meeting))
    assert isinstance(outcome, Delivered), outcome
    assert subject.effects.total() >= 1


@pytest.mark.parametrize("kind", ["booking.created", "confirmation", "nobody.knows.it"])
@pytest.mark.parametrize("subject", cases_without(), indirect=True)
def test_what_is_about_no_meeting_is_refused_with_a_reason(subject: DestinationUnderTest, kind: str) -> None:
    notification = Notification(delivery_id=DELIVERY, workspace="default", kind=kind, details={}, decided_at=NOW)
    with pytest.raises(CannotRender, match=r"\w+ \w+ \w+ \w+"):
        subject.destination().render(notification)
