"""TE7: the messages in a channel. No outside text breaks a message, and each has a text for clients without blocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Notification
from showup.destinations.slack.blocks import link, truncate_markup
from showup.destinations.slack.render import render
from showup.destinations.slack.settings import BOOKING_EVENTS, EVENT_KINDS
from tests.destinations.conformance.case import DELIVERY, MEETING, NOW, notification, plain_json
from tests.destinations.fake_vendors.slack_blocks import complaints

CHANNEL = "C0123456789"
HOSTILE = "<!channel> *A* & <https://evil.example|B> @here\n" + "<>&|`_~" * 600
QUESTION = {
    "delivery_id": str(DELIVERY),
    "destination": "clickup",
    "because": "nobody there has this email",
    "until": "2026-09-07T13:00:00Z",
    "candidates": [
        {"record": f"86{n}", "name": f"Ann {n}", "url": "https://a.example/x", "because": ""} for n in range(12)
    ],
}
FAULT = {"delivery_id": str(DELIVERY), "destination": "clickup", "kind": "booking.created", "because": "no such list"}
COUNTS = {
    **dict.fromkeys(("booked", "cancelled", "showed", "no_show", "unreported"), 2),
    **dict.fromkeys(("deals_opened", "deals_won", "deals_lost"), 1),
    "deliveries_failed": 3,
}
AHEAD = {"meetings": 12, "first": [{"start_time": "2026-09-07T10:00:00Z", "title": "Intro", "who": "Ann (Acme)"}]}
DIGEST = {"date": "2026-09-07", "before": COUNTS, "ahead": AHEAD}
APPROVAL = {
    "approval_id": str(DELIVERY),
    "digest": "d1",
    "title": "Move the deal of Acme to proposal",
    "asked_by": "key:claude",
    "state": "pending",
    "expires_at": "2026-09-07T13:00:00Z",
    "url": "https://showup.example/assistant/approvals",
    "fields": [{"what": "deal", "because": "asked", "name": "stage", "before": "met", "after": "proposal"}],
    "effects": [],
    "omitted": 0,
}
DETAILS: dict[str, dict[str, Any]] = {
    "approval.asked": APPROVAL,
    "approval.decided": APPROVAL | {"state": "done", "decided_by": "slack:U0ANN (ann)"},
    "booking.rescheduled": {"old_start_time": "2026-09-10T09:00:00Z"},
    "outcome": {"outcome_url": "https://showup.example/o/secret", "form_url": "https://showup.example/outcome/1"},
    "record.choose": QUESTION,
    "record.chosen": {"delivery_id": str(DELIVERY), "destination": "clickup", "record": "861", "name": "Ann 1"}
    | {"answered_by": "slack:U0ANN (ann)"},
    "delivery.failed": FAULT,
    "destination.down": {"destination": "notion", "since": "2026-09-07T08:00:00Z", "because": "HTTP 503"},
    "endpoint.paused": {"destination": "webhook:1", "because": "it answered 410"},
    "signatures.bad": {"account": "default", "at_least": 10},
    "digest.daily": DIGEST,
    "digest.weekly": DIGEST,
}


def slack_notification(kind: str, **details: Any) -> Notification:
    return replace(notification(kind), details=DETAILS.get(kind, {}) | details)


def rendered_message(kind: str, **details: Any) -> dict[str, Any]:
    return plain_json(render(slack_notification(kind, **details), CHANNEL))


def words(content: dict[str, Any]) -> str:
    return str(content["blocks"])


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_event_kind_can_be_rendered(kind: str) -> None:
    content = rendered_message(kind)
    assert complaints(content["blocks"]) == []
    assert content["text"]
    assert content["channel"] == CHANNEL


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_outside_text_breaks_no_message_and_notifies_no_one(kind: str) -> None:
    guest = replace(MEETING.guest, name=HOSTILE, email=HOSTILE, phone=HOSTILE)
    names = ("title", "company_name", "organizer_name", "cancellation_reason", "reschedule_reason", "notes")
    meeting = replace(MEETING, guest=guest, **dict.fromkeys(names, HOSTILE))
    details = DETAILS.get(kind, {})
    spoilt = {name: HOSTILE for name in ("because", "name", "account", "destination") if name in details}
    if kind == "record.choose":
        spoilt["candidates"] = [  # type: ignore[assignment] # a list among texts
            {"record": "1", "name": HOSTILE, "url": "https://x.example/|>", "because": HOSTILE}
        ]
    content = render(replace(slack_notification(kind, **spoilt), meeting=meeting), CHANNEL)
    assert complaints(content["blocks"]) == []
    assert "<!channel" not in words(content) + content["text"]
    assert "<https://evil" not in words(content)


def test_a_booking_says_who_when_and_with_whom() -> None:
    content = rendered_message("booking.created")
    assert content["text"] == "New booking: Ann Acme (Acme), Sat 2026-09-12 11:00 (Europe/Berlin)"
    shown = words(content)
    assert f"<!date^{int(MEETING.start_time.timestamp())}^" in shown, "Slack shows it in each reader's time zone"
    for part in ("Ann Acme (Acme)", "Ben Host", "ann@acme.example", "Intro call"):
        assert part in shown


def test_it_never_says_the_uid_by_which_a_meeting_can_be_cancelled() -> None:
    meeting = replace(MEETING, uid="a-secret-uid")
    for kind in BOOKING_EVENTS:
        assert "a-secret-uid" not in str(render(replace(slack_notification(kind), meeting=meeting), CHANNEL))


def test_a_moved_meeting_says_the_time_that_it_had() -> None:
    assert "Previous time" in words(rendered_message("booking.rescheduled"))
    assert "Previous time" not in words(rendered_message("booking.created"))


def test_attendance_shows_its_evidence() -> None:
    assumed = replace(slack_notification("booking.showed"), meeting=replace(MEETING, attended=True, evidence="assumed"))
    assert "no absence was reported" in words(render(assumed, CHANNEL))


def test_a_question_has_ten_candidates_at_most_and_a_none_button() -> None:
    blocks = rendered_message("record.choose")["blocks"]
    values = [one["accessory"]["value"] for one in blocks if "accessory" in one]
    assert values == [f"{DELIVERY} 86{n}" for n in range(10)]
    (none,) = next(one["elements"] for one in blocks if one["type"] == "actions")
    assert (none["value"], none["text"]["text"]) == (str(DELIVERY), "None of these: create a new lead")


def test_a_candidate_whose_id_fits_in_no_button_is_a_sentence() -> None:
    candidates = [{"record": "x" * 2_000, "name": "Ann", "url": None, "because": ""}]
    with pytest.raises(CannotRender, match="too long for a Slack button"):
        rendered_message("record.choose", candidates=candidates)


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ({}, "<@U0ANN> chose *Ann 1*."),
        ({"name": None}, "<@U0ANN> chose 861."),
        ({"name": None, "record": None}, "<@U0ANN> chose none of these. Showup creates a new lead."),
        ({"answered_by": "key:crm"}, "key:crm chose *Ann 1*."),
        ({"answered_by": None, "name": None, "record": "90x"}, "No one answered in time"),
    ],
)
def test_an_answer_names_the_person_and_the_choice(details: dict[str, Any], says: str) -> None:
    content = rendered_message("record.chosen", **details)
    assert says in words(content)
    assert "'button'" not in words(content)
    assert content["do"] == "update"


def test_an_unsupported_kind_is_refused_with_a_sentence() -> None:
    with pytest.raises(CannotRender, match="Slack does not receive remind"):
        rendered_message("reminder")


def test_a_booking_without_a_meeting_is_a_sentence() -> None:
    with pytest.raises(CannotRender, match="has no meeting"):
        render(replace(slack_notification("booking.created"), meeting=None), CHANNEL)


def test_a_zone_that_is_none_is_read_as_utc() -> None:
    content = render(replace(slack_notification("booking.created"), time_zone="Mars/Olympus"), CHANNEL)
    assert content["text"].endswith("Sat 2026-09-12 09:00 (UTC)")


def test_a_message_of_an_earlier_attempt_is_searched_from_before_its_event() -> None:
    fresh = replace(slack_notification("booking.created"), decided_at=NOW)
    assert render(fresh, CHANNEL)["since"] == int((NOW - timedelta(minutes=5)).timestamp())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/t?x=1&y=2", "<https://a.example/t?x=1&amp;y=2|A/B>"),
        ("javascript:alert(1)", "A|B"),
        ("https://a.example/|x", "A|B"),
        (None, "A|B"),
    ],
)
def test_links_lead_to_web_pages_only(url: str | None, shown: str) -> None:
    assert link(url, "A|B") == shown


@pytest.mark.parametrize(("text", "limit"), [("ab&amp;cd", "ab…"), ("ab<https://x|y>", "ab…"), ("abc", "abc")])
def test_a_cut_tears_nothing(text: str, limit: str) -> None:
    assert truncate_markup(text, 5) == limit


def test_all_events_of_a_digest_are_counted() -> None:
    shown = words(rendered_message("digest.daily"))
    for part in ("12 meetings today", "New bookings", "Unreported", "Deals lost", "3 failed deliveries", "and 11 more"):
        assert part in shown
    assert datetime(2026, 9, 7, 10, tzinfo=UTC).timestamp() == 1788775200
    assert "<!date^1788775200^" in shown


@pytest.mark.parametrize("kind", BOOKING_EVENTS)
def test_no_message_contains_an_id_by_which_a_meeting_could_be_cancelled(kind: str) -> None:
    """docs/SLACK.md: the address of Cal.com's own video rooms ends with the booking's uid."""
    assert MEETING.uid == "one"
    assert MEETING.meeting_url == "https://app.cal.example/video/one"
    assert "video/one" not in words(rendered_message(kind))


def test_a_place_that_contains_no_id_is_shown() -> None:
    elsewhere = replace(MEETING, meeting_url="https://meet.example/abc")
    content = plain_json(render(replace(slack_notification("booking.created"), meeting=elsewhere), CHANNEL))
    assert "<https://meet.example/abc|join the meeting>" in words(content)


def test_text_from_outside_is_sent_verbatim() -> None:
    """Otherwise "@channel" in a name notifies the whole channel, and a URL in a remark becomes a link."""
    written = [block["text"] for block in rendered_message("booking.created")["blocks"] if block["type"] == "section"]
    assert written
    assert all(one["verbatim"] is True for one in written)
