"""Bodies have the fields of hosted Cal.com's own, with the values of the simulated webhooks."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from showup.simulation.models import SimulatedWebhook
from showup.simulation.render import render
from tests.simulation.sample_webhooks import (
    ANA,
    BEN,
    booking,
    created,
    day,
    ended,
    marked,
    moved,
    requested,
    rescheduled,
)


def rendered(webhook: SimulatedWebhook) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(render(webhook))
    return body


def test_bodies_are_compact_json_in_raw_utf_8() -> None:
    body = render(created(booking("u1", replace(ANA, name="Søren 美咲"))))
    assert "Søren 美咲".encode() in body
    assert json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode() == body


def test_times_are_utc_to_the_millisecond() -> None:
    body = rendered(created(booking()))
    assert body["createdAt"] == "2026-09-01T09:00:00.000Z"
    assert body["payload"]["startTime"] == "2026-09-06T09:00:00.000Z"


def test_a_request_for_another_time_names_the_old_booking() -> None:  # #21169
    payload = rendered(requested(moved(booking(), "u2", 8)))["payload"]
    assert (payload["uid"], payload["rescheduleUid"], payload["status"]) == ("u2", "u1", "PENDING")
    assert payload["rescheduleStartTime"] == "2026-09-06T09:00:00.000Z"


def test_a_reschedule_has_the_old_times_and_the_same_calendar_uid() -> None:
    payload = rendered(rescheduled(moved(booking(), "u2", 8)))["payload"]
    assert (payload["uid"], payload["rescheduleUid"], payload["iCalUID"]) == ("u2", "u1", "u1@Cal.com")
    assert payload["rescheduleStartTime"] == "2026-09-06T09:00:00.000Z"
    assert payload["startTime"] == "2026-09-09T09:00:00.000Z"


def test_a_meeting_is_flat_and_dates_its_booking() -> None:
    body = rendered(ended(booking("u1", ANA, BEN), BEN, host_absent=True))
    assert "payload" not in body
    assert body["createdAt"] == "2026-09-01T09:00:00.000Z"
    assert [one["noShow"] for one in body["attendees"]] == [False, True]
    assert body["noShowHost"] is True


def test_a_mark_names_the_booking_by_bookinguid() -> None:
    payload = rendered(marked(booking(), ANA, 6, absent=True))["payload"]
    assert (payload["bookingUid"], payload["attendees"]) == ("u1", [{"email": ANA.email, "noShow": True}])


def test_an_unanswered_question_has_no_value() -> None:
    answers = rendered(created(booking()))["payload"]["responses"]
    assert "value" not in answers["company"]
    assert answers["name"]["value"] == "Ana Uno"


@pytest.mark.parametrize("webhook", [created(booking()), ended(booking())], ids=["enveloped", "flat"])
def test_a_resent_webhook_differs_in_bytes_but_not_in_meaning(webhook: SimulatedWebhook) -> None:
    first, again = rendered(webhook), rendered(replace(webhook, resend_count=1))
    assert first != again
    for body in (first, again):
        body.pop("createdAt")
        body.pop("idempotencyKey", None)
    assert first == again


def test_the_utc_offset_is_the_zones_on_that_day() -> None:
    winter = booking("u1", ANA, start_at=day(120), end_at=day(120) + timedelta(minutes=30))
    offsets = [rendered(created(one))["payload"]["attendees"][0]["utcOffset"] for one in (booking(), winter)]
    assert offsets == [120, 60]
