"""Translation of Resend's webhooks: every documented event type, and invalid bodies (TE9)."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from showup.events.delivery import MailFeedback
from showup.events.translation import Ignored, Translated, Unreadable
from showup.sources.resend.signature import is_usable_secret, signed_id
from showup.sources.resend.translate import translate

DELIVERY = "6a1d0c3e-2b7f-4e58-9c41-8d0f3b5a7e92"


def resend_event(trigger: Any, **more: Any) -> Any:
    data = {"email_id": "mail-1", "from": "Showup <hi@example.com>", "to": ["sarah@acme.example"], "subject": "Hi"}
    message = {"type": trigger, "created_at": "2026-03-10T09:00:01.126Z", "data": data | more}
    return translate(json.dumps(message).encode())


@pytest.mark.parametrize(
    ("trigger", "more", "word", "stops", "because"),
    [
        ("email.delivered", {}, "delivered", None, "the other mail server accepted it"),
        ("email.delivery_delayed", {}, "delayed", None, "the other mail server has not accepted it yet"),
        ("email.bounced", {"bounce": {"type": "Permanent"}}, "bounced", "bounced", "it bounced permanently"),
        ("email.bounced", {"bounce": {"type": "Transient"}}, "bounced", None, "it bounced temporarily"),
        (
            "email.bounced",
            {"bounce": {"type": "Undetermined"}},
            "bounced",
            None,
            "it bounced; the other mail server does not say",
        ),
        ("email.complained", {}, "complained", "complained", "the recipient reported it as spam"),
        ("email.failed", {"failed": {"reason": "no domain"}}, "failed", None, "Resend could not send it: no domain"),
        (
            "email.suppressed",
            {"suppressed": {"reason": "previous_bounce"}},
            "suppressed",
            "bounced",
            "Resend no longer sends",
        ),
        ("email.suppressed", {"suppressed": {"type": "previous_complaint"}}, "suppressed", "complained", "Resend no"),
    ],
)
def test_each_delivery_event_is_translated(trigger: str, more: Any, word: str, stops: str | None, because: str) -> None:
    found = resend_event(trigger, **more)
    assert isinstance(found, Translated)
    assert (found.trigger, found.uid) == (trigger, "mail-1")
    feedback = found.event
    assert isinstance(feedback, MailFeedback)
    assert (feedback.status, feedback.suppression_cause, feedback.mail_id) == (word, stops, "mail-1")
    assert feedback.because.startswith(because)
    assert found.source_at == datetime(2026, 3, 10, 9, 0, 1, 126000, tzinfo=UTC)


@pytest.mark.parametrize("trigger", ["email.sent", "email.opened", "email.clicked", "email.scheduled", "contact.made"])
def test_other_events_are_ignored_with_a_reason(trigger: str) -> None:
    found = resend_event(trigger)
    assert isinstance(found, Ignored)
    assert found.trigger == trigger
    assert found.because


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"delivery": DELIVERY}, UUID(DELIVERY)),
        ([{"name": "other", "value": "1"}, {"name": "delivery", "value": DELIVERY}], UUID(DELIVERY)),
        ({"delivery": "no id"}, None),
        ({"delivery": 7}, None),
        ([7, {"name": ["delivery"]}, None], None),
        ("delivery", None),
        (None, None),
    ],
)
def test_the_tag_identifies_the_delivery(tags: Any, found: UUID | None) -> None:
    assert resend_event("email.delivered", tags=tags).event.delivery_id == found


@pytest.mark.parametrize("written", ["", "soon", None, "9999-12-31T23:59:59-23:00", "2026-13-01T00:00:00Z"])
def test_a_missing_time_stays_unknown(written: str | None) -> None:
    message = {"type": "email.delivered", "created_at": written, "data": {"email_id": "mail-1"}}
    found = translate(json.dumps(message).encode())
    assert isinstance(found, Translated)
    assert found.source_at is None


def test_any_time_becomes_utc() -> None:
    for written in ("2026-03-10T11:00:00+02:00", "2026-03-10T09:00:00", "2026-03-10 09:00:00.000000+00"):
        message = {"type": "email.delivered", "created_at": written, "data": {"email_id": "mail-1"}}
        found = translate(json.dumps(message).encode())
        assert isinstance(found, Translated)
        assert found.source_at == datetime(2026, 3, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"type": 7}',
        b'{"type": "email.delivered"}',
        b'{"type": "email.delivered", "data": []}',
        b'{"type": "email.delivered", "data": {"email_id": 7}}',
        b'{"type": "email.delivered", "data": {"email_id": "\\u0000"}}',
        b'{"type": "email.delivered", "data": {"email_id": "\\ud800"}}',
        b"[" * 100_000,
        b'{"type": "email.delivered", "data": {"a":' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_an_unreadable_body_has_a_reason(body: bytes) -> None:
    found = translate(body)
    assert isinstance(found, Unreadable)
    assert found.because


def test_nul_is_removed_and_long_text_is_cut() -> None:
    found = resend_event("email.bounced", bounce={"type": "Permanent", "message": "no\0 such" + "!" * 10_000})
    assert found.event.because.startswith("it bounced permanently: no such!!")
    assert len(found.event.because) < 1_000
    assert len(resend_event("email." + "x" * 10_000).trigger) == 500


@pytest.mark.parametrize(
    ("secret", "good"),
    [("whsec_c2VjcmV0", True), ("c2VjcmV0", True), ("", False), ("whsec_", False), ("whsec_é", False), ("a", False)],
)
def test_a_secret_is_base64(secret: str, good: bool) -> None:
    assert is_usable_secret(secret) is good


def test_without_a_secret_nothing_is_signed() -> None:
    headers = {"svix-id": "msg_1", "svix-timestamp": "1", "svix-signature": "v1,c2VjcmV0"}
    assert signed_id(b"{}", headers, "") is None
