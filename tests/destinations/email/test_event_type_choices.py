"""F03, F17: mails obey the choices of the event type, and add no second calendar entry."""

import re

import pytest

from showup.destinations.email.letters.write import KINDS
from tests.destinations.email.rendered_mail import Page, mail

HIDDEN = "benjamin@seller.example"
CALENDAR_KINDS = ["confirmation", "rescheduled", "new_place", "cancelled"]


@pytest.mark.parametrize("reply_to", [None, "", "front-desk@seller.example"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_address_is_nowhere_in_a_mail(kind: str, reply_to: str | None) -> None:
    """F03: replies go to the event type's own address, else to the sender."""
    sent = mail(
        kind,
        organizer_email_hidden=True,
        reply_to=reply_to,
        organizer_name=HIDDEN.title(),
        title=f"Intro with {HIDDEN}",
        cancellation_reason=f"ask {HIDDEN}",
    )
    everything = "\n".join(
        [sent.sender, sent.to, sent.subject, sent.html, sent.text, sent.reply_to or "", sent.calendar or ""]
    )
    assert HIDDEN not in everything.replace("\r\n ", "").lower()
    assert sent.reply_to == (reply_to or None)
    if kind in CALENDAR_KINDS:
        organizer = reply_to or "team@seller.example"
        assert f"ORGANIZER:mailto:{organizer}" in (sent.calendar or "").replace("\r\n ", "")


@pytest.mark.parametrize("kind", KINDS)
def test_replies_go_to_the_event_types_address(kind: str) -> None:
    """F03: also where the organizer's address is shown."""
    sent = mail(kind, reply_to="front-desk@seller.example")
    assert sent.reply_to == "front-desk@seller.example"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("forbidden", "page"), [("rescheduling_disabled", "/reschedule/"), ("cancelling_disabled", "?cancel=true")]
)
def test_a_forbidden_link_is_in_no_mail(kind: str, forbidden: str, page: str) -> None:
    """F03: in the text, the HTML and the calendar entry."""
    sent = mail(kind, **{forbidden: True})
    calendar = (sent.calendar or "").replace("\r\n ", "")
    assert page not in sent.text + sent.html + calendar
    assert not re.search(r"\bNone\b(?! of)", sent.text + Page(sent.html).text)


@pytest.mark.parametrize("kind", KINDS)
def test_no_calendar_entry_beside_the_calendars_own_invitation(kind: str) -> None:
    """F17: an entry that was sent before is cancelled all the same, as the samples of some kinds have one."""
    sent = mail(kind, calendar_invites=True)
    assert sent.calendar_method in (None, "CANCEL")
    assert (mail(kind).calendar is not None) is (kind not in ("reminder", "no_show"))
