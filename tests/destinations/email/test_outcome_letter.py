"""AP2: the mail that asks a host how the meeting went: theirs alone, in their zone, with four answers."""

from typing import Any

from msgspec.structs import replace

from showup.destinations.email.destination import Mail
from showup.destinations.email.samples import sample_notification
from showup.destinations.email.settings import SenderRule
from tests.destinations.email.rendered_mail import Page, meeting, renderer

URL = "https://showup.example/o/secret"
HOSTILE = "<script>alert(1)</script>\nBcc: x@evil.example" * 9


def outcome_mail(senders: tuple[SenderRule, ...] | None = None, **changes: Any) -> Mail:
    details = {"outcome_url": URL, "form_url": "https://showup.example/outcome/1", "attendee": "ann@acme.example"}
    asked = sample_notification("confirmation", "acme", meeting(company_name="Acme", **changes))
    more = {} if senders is None else {"senders": senders}
    return renderer(**more).render(replace(asked, kind="outcome", details=details))


def test_the_host_gets_four_answers_and_their_own_link_in_html_and_text() -> None:
    sent = outcome_mail(organizer_email_hidden=True, evidence="assumed", attended=True)
    assert (sent.sender, sent.to) == ("Showup <team@seller.example>", "Benjamin Crane <benjamin@seller.example>")
    assert (sent.subject, sent.calendar, sent.reply_to) == ("How did it go with Ann Lee?", None, None)
    answers = [f"{URL}?answer={one}" for one in ("showed", "no_show", "rescheduled", "host_absent")]
    assert [one for one in Page(sent.html).links if one and "answer" in one] == answers
    for address in (*answers, f"{URL}\n"):
        assert address in sent.text
    for text in ("How did it go, Benjamin?", "Ann Lee of Acme", "counts as assumed"):
        assert text in Page(sent.html).text
        assert text in " ".join(sent.text.split())
    assert sent.headers["Auto-Submitted"] == "auto-generated"


def test_times_are_the_hosts_and_the_brand_is_showups() -> None:
    brand = SenderRule(
        address="meet@corvane.example", name="Corvane", color="#0b5d4e", logo="https://cdn.example/l.png"
    )
    sent = outcome_mail((brand,))
    assert sent.sender == "Showup <meet@corvane.example>"
    page = Page(sent.html)
    assert "4:15" in page.text, "New York, where the host is"
    assert page.all("img") == []
    assert "counts as not reported" in page.text


def test_names_from_outside_break_nothing() -> None:
    sent = outcome_mail(guest_name=HOSTILE, organizer_name=HOSTILE, title=HOSTILE, event_type_title=HOSTILE)
    assert "\n" not in sent.subject + sent.to
    assert Page(sent.html).all("script") == []
    assert len(sent.subject) <= 200
    assert Page(outcome_mail(guest_name=None).html).text.count("ann@acme.example") >= 1
