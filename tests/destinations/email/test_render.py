"""TE1, TE11: the text and recipient of a mail, and the escaping of text from outside."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from showup.destinations.contract import CannotRender
from showup.destinations.email.templates import KINDS, sample_notification
from tests.destinations.email.rendered_mail import Page, mail, meeting, renderer

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_the_same_in_html_and_in_text(kind: str) -> None:
    sent = mail(kind)
    for text in (sent.text, Page(sent.html).text):
        assert "Hello Ann Lee," in text
        assert "Intro call between Ann Lee and Benjamin Crane" in text
        assert "Tue 2026-03-10, 09:15-09:45" in text
    assert (sent.sender, sent.to) == ("Benjamin Crane <team@seller.example>", "Ann Lee <ann@acme.example>")
    assert sent.reply_to == "Benjamin Crane <benjamin@seller.example>"
    assert "None" not in sent.text + Page(sent.html).text


def test_providers_get_the_ascii_form_and_people_see_letters() -> None:
    """F11: Resend takes ASCII domains only; the text of the mail has the letters, whichever way it was stored."""
    for email in ("lena@bäckerei.example", "lena@xn--bckerei-5wa.example"):
        sent = mail(guest_email=email, guest_name="Lena", organizer_email=email, organizer_name=None)
        assert sent.to == "Lena <lena@xn--bckerei-5wa.example>"
        assert sent.reply_to == "lena@xn--bckerei-5wa.example"
        assert "This mail went to lena@bäckerei.example" in sent.text
        assert "Answers to it go to lena@bäckerei.example" in sent.text
        assert "lena@bäckerei.example" in Page(sent.html).text


def test_no_two_kinds_have_the_same_subject() -> None:
    assert len({mail(kind).subject for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_little_known_is_enough(kind: str) -> None:
    lacks = dict.fromkeys(
        ("end_time", "uid", "event_type", "organizer_email", "organizer_name", "organizer_time_zone", "meeting_url")
    )
    sent = mail(kind, **lacks, title="", guest_name=None, guest_time_zone=None, booker_url=None, ical_uid=None)
    assert (sent.to, sent.reply_to, sent.sender) == ("ann@acme.example", None, "team@seller.example")
    assert "Hello," in sent.text
    assert "None" not in sent.text + Page(sent.html).text + sent.subject


@pytest.mark.parametrize("kind", ["confirmation", "rescheduled", "new_place", "reminder"])
def test_an_accepted_meeting_has_its_links(kind: str) -> None:
    sent = mail(kind, uid="a b/c?d", booker_url="https://book.seller.example/team/")
    for url in (
        "https://meet.example.com/intro-call",
        "https://book.seller.example/team/reschedule/a%20b%2Fc%3Fd",
        "https://book.seller.example/team/booking/a%20b%2Fc%3Fd?cancel=true&allRemainingBookings=false",
    ):
        assert url in Page(sent.html).links
        assert url in sent.text.split()


@pytest.mark.parametrize(
    "booker_url", [None, "", "javascript://cal.com/%0aalert(1)", "https://", "http://[x", "//cal.com"]
)
def test_the_booked_instances_pages_stand_in_where_the_booking_page_is_unknown(booker_url: str | None) -> None:
    """F05: the link leads to the Cal.com that knows the booking; without its address, there is no link."""
    page = Page(mail(booker_url=booker_url, calcom_url="https://cal.own.example").html)
    assert "https://cal.own.example/reschedule/sample" in page.links
    unknown = mail(booker_url=booker_url, calcom_url=None)
    assert set(Page(unknown.html).links) == {"https://meet.example.com/intro-call"}
    assert "reschedule/" not in unknown.text


def test_without_a_uid_nothing_can_be_moved_or_cancelled() -> None:
    assert Page(mail(uid=None).html).links == ["https://meet.example.com/intro-call"] * 2


def test_a_cancelled_meeting_has_no_links_and_has_a_reason() -> None:
    sent = mail("cancelled", cancellation_reason="Ill,\nsorry <3")
    assert Page(sent.html).links == []
    assert "Reason:   Ill, sorry <3\n" in sent.text
    assert "Ill, sorry <3" in Page(sent.html).text


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"meeting_url": None, "location": "https://zoom.example/j/1"}, "https://zoom.example/j/1"),
        ({"meeting_url": "javascript:alert(1)", "location": "1 Main St\nTown"}, "1 Main St Town"),
        ({"meeting_url": "javascript://a.example/%0aalert(1)", "location": "Room 1"}, "Room 1"),
        ({"meeting_url": None, "location": "ftp://a.example/"}, "ftp://a.example/"),
        ({"meeting_url": None, "location": "+49 30 1234"}, "+49 30 1234"),
        ({"meeting_url": None, "location": "Cal Video"}, "Cal Video"),
        ({"meeting_url": None, "location": "integrations:google:meet"}, None),
        ({"meeting_url": None, "location": "inPerson"}, None),
        ({"meeting_url": None, "location": " "}, None),
    ],
)
def test_the_place_is_a_link_or_words_and_never_cal_coms_code(place: dict[str, Any], shown: str | None) -> None:
    sent = mail("new_place", **place)
    assert [line.partition(":")[2].strip() for line in sent.text.splitlines() if line.startswith("Where:")] == (
        [shown] if shown else []
    )
    assert all(str(link).startswith("https://") for link in Page(sent.html).links)
    assert "integrations" not in sent.html


def test_a_follow_up_offers_another_time_and_can_be_stopped_with_one_click() -> None:
    """RFC 8058."""
    sent = mail("no_show")
    assert sent.headers == {
        "List-Unsubscribe": "<https://showup.example.com/unsubscribe/sample>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    # After a missed meeting, Cal.com's reschedule page is the page for a new booking.
    assert Page(sent.html).links == [
        "https://book.seller.example/reschedule/sample",
        "https://showup.example.com/unsubscribe/sample",
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "no_show"])
def test_mail_about_a_meeting_cannot_be_unsubscribed(kind: str) -> None:
    assert mail(kind).headers == {}


def test_the_page_to_rebook_may_be_another_or_none() -> None:
    notification = sample_notification("no_show", "default", meeting(uid=None))
    notification.details["rebook_url"] = "https://cal.com/ours/intro"
    assert "https://cal.com/ours/intro" in renderer().render(notification).text
    del notification.details["rebook_url"]
    assert "answer this mail" in renderer().render(notification).text


@pytest.mark.parametrize("kind", KINDS)
def test_text_from_outside_is_never_markup_nor_template(kind: str) -> None:
    outside = ("title", "guest_name", "organizer_name", "location", "cancellation_reason", "event_type_title")
    plain, sent = mail(kind), mail(kind, **dict.fromkeys(outside, EVIL), meeting_url=None)
    page = Page(sent.html)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(plain.html).elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "{{ 7*7 }}" in page.text
    assert "49" not in sent.subject + sent.text


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x00"])
def test_no_name_or_title_adds_a_header(end: str) -> None:
    evil = f"Hi{end}Bcc: victim@evil.example{end}{end}<b>body"
    sent = mail(title=evil, guest_name=evil, organizer_name=evil)
    headers = (sent.sender, sent.to, sent.subject, sent.reply_to or "")
    assert all(value.isprintable() for value in headers)
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"], message["Reply-To"] = headers
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert read["Bcc"] is None
    assert [str(address.addr_spec) for address in read["To"].addresses] == ["ann@acme.example"]
    assert [str(address.addr_spec) for address in read["From"].addresses] == ["team@seller.example"]


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Ängström",
        "李小龍",
        "Doe, Ann",
        'Ann "the" Lee',
        "eve@evil.example",
        "A; B <x@y.example>, C",
        "a\\b",
        "👩‍🚀 Ann",
    ],
)
def test_any_name_is_one_recipient(name: str) -> None:
    message = EmailMessage(policy=policy.SMTP)
    message["To"] = mail(guest_name=name).to
    (one,) = message_from_bytes(message.as_bytes(), policy=policy.default)["To"].addresses
    assert (one.display_name, one.addr_spec) == (name, "ann@acme.example")


@pytest.mark.parametrize(
    "email", ["ann", "a@b@c", "ann@acme.example, eve@evil.example", "a b@c.example", "a@b\r\nX: y", ""]
)
def test_what_is_no_address_is_not_written_to(email: str) -> None:
    with pytest.raises(CannotRender, match="not an email address"):
        mail(guest_email=email)


def test_a_very_long_title_is_cut_and_the_time_stays_in_the_subject() -> None:
    sent = mail(title="Very " * 500, guest_name="Ann" * 500)
    assert len(sent.subject) < 130
    assert sent.subject.endswith("…, Tue 2026-03-10, 09:15-09:45")
    assert len(sent.to) < 120
    assert len(sent.text) < 2000


def test_without_a_sender_it_says_what_to_set() -> None:
    with pytest.raises(CannotRender, match=r"\[\[senders\]\] in showup.toml"):
        renderer(senders=()).render(sample_notification("confirmation", "default"))
    sent = renderer(senders=(), fallback="nobody@localhost").render(sample_notification("confirmation", "default"))
    assert sent.sender == "Benjamin Crane <nobody@localhost>"


def test_the_same_notification_makes_the_same_mail() -> None:
    notification = sample_notification("rescheduled", "default")
    assert renderer().render(notification) == renderer().render(notification)
