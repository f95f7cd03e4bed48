"""Each state of a delivery is explained in a sentence, even if its row lacks values (TE1, TE10)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from showup.reads.explanation import explain, next_try_at

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(minutes=1), NOW + timedelta(minutes=5)
ROW: dict[str, Any] = {
    "state": "scheduled",
    "because": None,
    "attempts": 0,
    "destination": "email",
    "wake_at": NOW,
    "provider": None,
    "paused_until": None,
    "paused_because": None,
    "feedback": None,
    "feedback_because": None,
}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"state": "previewed", "provider": "mail_preview"}, "stored in the mail preview, not sent"),
        ({"state": "delivered", "provider": "resend"}, "Resend accepted it"),
        ({"state": "delivered", "provider": "smtp"}, "the mail server accepted it"),
        ({"state": "delivered"}, "the destination accepted it"),
        ({"state": "delivered", "provider": "resend", "feedback": "delivered"}, "Resend accepted it"),
        (
            {"state": "delivered", "provider": "resend", "feedback": "bounced", "feedback_because": "no such user"},
            "Resend accepted it; later: bounced (no such user)",
        ),
        ({"state": "failed", "because": "it is busy"}, "it is busy"),
        ({"state": "skipped"}, "no reason recorded"),
        ({"paused_until": LATER}, "email is paused until 2026-03-10 09:01:00 UTC"),
        (
            {"paused_until": LATER, "paused_because": "it is down", "because": "no answer", "attempts": 2},
            "attempt 2 failed: no answer; email is paused until 2026-03-10 09:01:00 UTC: it is down",
        ),
        ({"wake_at": LATER, "attempts": 1}, "next attempt at 2026-03-10 09:01:00 UTC"),
        ({"because": "no answer", "attempts": 1}, "attempt 1 failed: no answer; due now, waiting to be sent"),
    ],
)
def test_each_state_is_explained(overrides: dict[str, Any], expected: str) -> None:
    assert explain(ROW | overrides, NOW) == expected


@pytest.mark.parametrize(
    ("overrides", "at", "is_paused"),
    [
        ({}, NOW, False),
        ({"state": "failed"}, None, False),
        ({"wake_at": LATER}, LATER, False),
        ({"paused_until": LATER}, LATER, True),
        ({"paused_until": NOW}, NOW, False),
        ({"wake_at": LATEST, "paused_until": LATER}, LATEST, False),
        ({"wake_at": LATER, "paused_until": LATEST}, LATEST, True),
    ],
)
def test_a_pause_counts_while_it_holds_it_up(overrides: dict[str, Any], at: datetime | None, is_paused: bool) -> None:
    assert next_try_at(ROW | overrides, NOW) == at
    assert ("is paused" in explain(ROW | overrides, NOW)) is is_paused
