"""F02 and F06: a letter about a change promises only what it offers."""

from typing import Any

import pytest
from msgspec.structs import replace

from showup.destinations.email.destination import Mail
from showup.destinations.email.samples import sample_notification
from showup.destinations.email.texts import EventTypeTexts, TeamTexts
from tests.destinations.email.rendered_mail import Page, mail, meeting, renderer

BOOKING_PAGE = "https://book.seller.example/intro"


def texts_of(sent: Mail) -> tuple[str, str]:
    return Page(sent.html).text, " ".join(sent.text.split())


@pytest.mark.parametrize("closed", [{"rescheduling_disabled": True}, {"uid": None}])
def test_f02_a_request_without_a_page_of_times_asks_for_a_reply(closed: dict[str, Any]) -> None:
    for text in texts_of(mail("reschedule_request", **closed)):
        assert "Reply to this mail and we’ll sort it out." in text
        for promise in ("None of the times", "until you choose", "takes a minute", "Pick another time"):
            assert promise not in text


def test_f02_a_request_that_nobody_can_answer_promises_nothing() -> None:
    sent = mail("reschedule_request", rescheduling_disabled=True, organizer_email_hidden=True)
    for text in texts_of(sent):
        for promise in ("None of the times", "until you choose", "takes a minute", "Reply", "Your turn"):
            assert promise not in text


def test_f02_a_request_for_a_booking_that_may_not_be_moved_offers_the_booking_page() -> None:
    mails = renderer(texts=TeamTexts(event_types={"intro": EventTypeTexts(booking_page=BOOKING_PAGE)}))
    sent = mails.render(sample_notification("reschedule_request", "default", meeting(rescheduling_disabled=True)))
    assert BOOKING_PAGE in Page(sent.html).links
    assert BOOKING_PAGE in sent.text
    for text in texts_of(sent):
        assert "Find a new time" in text
        assert "your answers are kept" not in text, "a new booking asks again"
        assert "None of the times fit?" in text


def test_f02_a_request_with_a_page_of_times_offers_it() -> None:
    for text in texts_of(mail("reschedule_request")):
        assert "Pick another time" in text
        assert "Nothing new is booked until you choose." in text
        assert "None of the times fit? Reply with two that do." in text


@pytest.mark.parametrize("is_new", [True, False])
def test_f06_another_host_brings_a_link_that_counts_only_if_it_is_new(is_new: bool) -> None:
    details = {"old_host": "Olivia Park"} | ({"has_new_place": True} if is_new else {})
    about = sample_notification("new_host", "default", meeting())
    sent = renderer().render(replace(about, details=details))
    assert sent.calendar is not None
    for text in texts_of(sent):
        assert ("puts the link that counts" in text) is is_new
        assert ("changes the entry in your calendar" in text) is not is_new
    assert ("The link that counts is inside." in Page(sent.html).text) is is_new
    assert "meet.example.com/intro-call" in sent.text
