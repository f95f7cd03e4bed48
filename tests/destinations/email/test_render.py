"""TE1, TE11: the text and recipient of a mail, and the escaping of text from outside."""

import html
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from showup.destinations.contract import CannotRender
from showup.destinations.email.samples import sample_notification
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.texts import EventTypeTexts, TeamTexts
from tests.destinations.email.rendered_mail import Page, kinds_of_mail, mail, meeting, renderer

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.mark.parametrize("kind", kinds_of_mail())
def test_every_kind_says_the_same_in_html_and_in_text(kind: str) -> None:
    sent = mail(kind)
    shown = set(re.findall(r"\w+", Page(sent.html).text.casefold()))
    text = re.sub(r"\S+:\S*//\S+|mailto:\S+|cancelled: |no longer: ", "", sent.text.casefold())
    assert set(re.findall(r"\w+", text)) <= shown
    assert (sent.sender, sent.to) == ("Benjamin Crane <team@seller.example>", "Ann Lee <ann@acme.example>")
    assert sent.reply_to == "Benjamin Crane <benjamin@seller.example>"
    assert not re.search(r"\bNone\b(?! of)", sent.text + Page(sent.html).text)


def test_providers_get_the_ascii_form_and_people_see_letters() -> None:
    """F11: Resend takes ASCII domains only; the text of the mail has the letters, whichever way it was stored."""
    for email in ("lena@bäckerei.example", "lena@xn--bckerei-5wa.example"):
        sent = mail(guest_email=email, guest_name="Lena", organizer_email=email, organizer_name=None)
        assert sent.to == "Lena <lena@xn--bckerei-5wa.example>"
        assert sent.reply_to == "lena@xn--bckerei-5wa.example"
        assert "lena@bäckerei.example" in sent.text
        assert "xn--" not in sent.text + Page(sent.html).text
        assert "lena@bäckerei.example" in Page(sent.html).text


@pytest.mark.parametrize("kind", kinds_of_mail())
def test_every_link_of_the_html_stands_in_the_text(kind: str) -> None:
    sent = mail(kind)
    assert Page(sent.html).links or kind == "cancelled"
    for link in Page(sent.html).links:
        assert str(link) in sent.text


def test_m14_no_two_kinds_have_the_same_subject_and_each_reminder_its_own_words() -> None:
    mails = [mail(kind) for kind in kinds_of_mail()]
    assert len({one.subject for one in mails}) == len(mails)
    reminders = [mail(kind).text.splitlines() for kind in ("reminder_72h", "reminder_24h", "reminder_2h")]
    assert not {reminders[0][2], reminders[1][2]} & {reminders[2][2]}


@pytest.mark.parametrize("kind", kinds_of_mail())
def test_little_known_is_enough(kind: str) -> None:
    lacks = dict.fromkeys(
        ("end_time", "uid", "organizer_email", "organizer_name", "organizer_time_zone", "meeting_url", "notes")
    )
    sent = mail(kind, **lacks, title="", guest_name=None, guest_time_zone=None, booker_url=None, ical_uid=None)
    assert (sent.to, sent.reply_to, sent.sender) == ("ann@acme.example", None, "team@seller.example")
    assert not re.search(r"\bNone\b(?! of)", sent.text + Page(sent.html).text + sent.subject)
    assert "reply" not in sent.text.lower(), "a reply reaches nobody"


@pytest.mark.parametrize("kind", ["confirmation", "rescheduled", "new_place", "reminder_72h"])
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


def test_m14_a_cancellation_offers_a_new_booking_where_a_page_is_known_and_quotes_the_host() -> None:
    plain = mail("cancelled", cancellation_reason="Ill,\nsorry $RCH$ <3", cancelled_by="benjamin@seller.example")
    assert Page(plain.html).links == []
    assert "> Ill, sorry <3\n" in plain.text
    page = "https://book.seller.example/ben/intro?name=Ann"
    texts = TeamTexts(event_types={"intro": EventTypeTexts(booking_page=page)})
    sent = renderer(texts=texts).render(sample_notification("cancelled", "default"))
    assert Page(sent.html).links == [page]
    assert f"Find a new time: {page}" in sent.text


@pytest.mark.parametrize("by", ["ann@acme.example", None, "someone@else.example"])
@pytest.mark.parametrize("kind", ["cancelled", "rescheduled"])
def test_m14_only_a_reason_of_the_host_is_quoted(kind: str, by: str | None) -> None:
    changes = {
        "cancelled_by": by,
        "rescheduled_by": by,
        "cancellation_reason": "Private",
        "reschedule_reason": "Private",
    }
    assert "Private" not in mail(kind, **changes).text
    host = dict.fromkeys(("cancelled_by", "rescheduled_by"), "Benjamin@seller.example")
    assert "> Private" in mail(kind, **changes | host).text


def test_f02_a_request_for_another_time_asks_for_it_and_does_not_only_say_that_it_is_cancelled() -> None:
    sent = mail("reschedule_request", cancellation_reason="Our site goes live $RCH$")
    assert sent.subject == "Could we find another time, Ann?"
    assert "Pick another time: https://book.seller.example/reschedule/sample" in sent.text
    assert "> Our site goes live\n" in sent.text
    assert "Nothing new is booked until you choose." in sent.text
    for text in (sent.subject, sent.text, Page(sent.html).text):
        assert "cancel" not in text.lower()
        assert "nothing for you to do" not in text


def test_f17_the_mail_says_where_the_invitation_is_and_offers_no_second_one() -> None:
    attached, invited = mail(), mail(calendar_invites=True, ical_uid=None)
    assert "The invitation is attached." in attached.text
    assert "The invitation comes from Benjamin’s calendar, in a mail of its own." in Page(invited.html).text
    off = renderer(calendar=False).render(sample_notification("confirmation", "default"))
    assert "https://calendar.google.com/calendar/render?action=TEMPLATE" in off.text
    for sent in (attached, invited):
        assert "calendar.google.com" not in sent.text + sent.html


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ({"meeting_url": None, "location": "https://zoom.example/j/1"}, "Video call, https://zoom.example/j/1"),
        ({"meeting_url": "javascript:alert(1)", "location": "1 Main St\nTown"}, "1 Main St, Town"),
        ({"meeting_url": "javascript://a.example/%0aalert(1)", "location": "Room 1"}, "Room 1"),
        ({"meeting_url": None, "location": "ftp://a.example/"}, "ftp://a.example/"),
        ({"meeting_url": None, "location": "+49 30 12345"}, "You call +49 30 12345"),
        (
            {"meeting_url": None, "location": "+49 30 12345", "guest_phone": "+493012345"},
            "Benjamin calls you at +49 30 12345",
        ),
        ({"meeting_url": None, "location": "integrations:google:meet"}, "The link follows before the call."),
        ({"meeting_url": None, "location": " "}, "The link follows before the call."),
    ],
)
def test_the_place_is_a_link_or_words_and_never_cal_coms_code(place: dict[str, Any], shown: str) -> None:
    sent = mail(**place)
    labels = ("Where:", "Phone:")
    assert [line.partition(":")[2].strip() for line in sent.text.splitlines() if line.strip().startswith(labels)] == [
        shown
    ]
    assert all(str(link).startswith(("https://", "tel:+")) for link in Page(sent.html).links)
    assert "integrations" not in sent.html


def test_a_follow_up_offers_another_time_and_can_be_stopped_with_one_click() -> None:
    """RFC 8058."""
    sent = mail("no_show")
    assert sent.headers["List-Unsubscribe"] == "<https://showup.example.com/unsubscribe/sample>"
    assert sent.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # After a missed meeting, Cal.com's reschedule page is the page for a new booking.
    assert Page(sent.html).links == [
        "https://book.seller.example/reschedule/sample",
        "https://showup.example.com/unsubscribe/sample",
    ]


def test_an_unsubscribe_header_needs_https() -> None:
    notification = sample_notification("no_show", "default")
    notification.details["unsubscribe_url"] = "http://127.0.0.1:8000/unsubscribe/x"
    assert "List-Unsubscribe" not in renderer().render(notification).headers


@pytest.mark.parametrize("kind", [kind for kind in kinds_of_mail() if kind != "no_show"])
def test_mail_about_a_meeting_cannot_be_unsubscribed_and_is_no_reason_for_an_automatic_answer(kind: str) -> None:
    headers = mail(kind).headers
    assert set(headers) == {"Auto-Submitted", "References"}
    assert headers["Auto-Submitted"] == "auto-generated"
    # All mails about one booking are one conversation, and no uid stands in a header.
    assert headers["References"] == mail().headers["References"]
    assert "sample" not in headers["References"]


def test_the_page_to_rebook_may_be_another_or_none() -> None:
    notification = sample_notification("no_show", "default", meeting(uid=None))
    notification.details["rebook_url"] = "https://cal.com/ours/intro"
    assert "https://cal.com/ours/intro" in renderer().render(notification).text
    del notification.details["rebook_url"]
    assert "Choose" not in renderer().render(notification).text


@pytest.mark.parametrize("kind", kinds_of_mail())
@pytest.mark.parametrize("name", [None, "Benjamin Crane", "benjamin@seller.example"])
def test_a_hidden_organizers_address_stands_nowhere(kind: str, name: str | None) -> None:
    notification = sample_notification(
        kind,
        "default",
        meeting(organizer_email_hidden=True, organizer_name=name, ical_uid=None, reschedule_reason=None),
    )
    sent = renderer(senders=(SenderRule(address="team@us.example", name="Halden"),)).render(notification)
    everything = [sent.sender, sent.reply_to, sent.subject, sent.html, sent.text, *sent.headers.values()]
    assert "benjamin@" not in str(everything)
    if name != "Benjamin Crane":
        assert sent.sender == "Halden <team@us.example>"
        assert not {"I’ll", "I’m", "me.", "I"} & set(sent.text.replace("I need another time", "").split())


@pytest.mark.parametrize("kind", kinds_of_mail())
def test_subjects_are_short_with_the_time_in_front_and_preheaders_fill_the_line(kind: str) -> None:
    sent = mail(kind)
    assert len(sent.subject) <= 60
    assert all(space == " " or not space.isspace() for space in sent.subject)
    [hidden] = re.findall(r'<div class="preheader"[^>]*>([^\u034f]*)', sent.html)
    assert 40 <= len(html.unescape(hidden)) <= 100
    assert len(sent.html) <= 30_000


@pytest.mark.parametrize("kind", kinds_of_mail())
def test_text_from_outside_is_never_markup_nor_template(kind: str) -> None:
    outside = ("title", "guest_name", "organizer_name", "location", "cancellation_reason", "event_type_title")
    plain = mail(kind, location="Room 1", meeting_url=None)
    sent = mail(kind, **dict.fromkeys(outside, EVIL), meeting_url=None)
    page = Page(sent.html)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(plain.html).elements}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
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


def test_very_long_texts_are_cut_and_the_time_stays_in_the_subject() -> None:
    sent = mail(title="Very " * 500, guest_name="Ann" * 500, notes="word " * 500, event_type_title="Long " * 300)
    assert "Tue, 10 Mar, 09:15" in sent.subject
    assert len(sent.to) < 120
    assert len(sent.text) < 3000
    assert "word…" in sent.text


def test_without_a_sender_it_says_what_to_set() -> None:
    with pytest.raises(CannotRender, match=r"\[\[senders\]\] in showup.toml"):
        renderer(senders=()).render(sample_notification("confirmation", "default"))
    sent = renderer(senders=(), fallback="nobody@localhost").render(sample_notification("confirmation", "default"))
    assert sent.sender == "Benjamin Crane <nobody@localhost>"


def test_the_same_notification_makes_the_same_mail() -> None:
    notification = sample_notification("rescheduled", "default")
    assert renderer().render(notification) == renderer().render(notification)
