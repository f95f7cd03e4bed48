"""The fake Cal.com sends what Cal.com sends, as far as captured webhooks and its own document show."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from showup.sources.calcom.translate import Translated, translate
from tests.fake_calcom.outputs import booking_output
from tests.fake_calcom.scenario import ANN, BEN, HOUR, Scenario, list_bookings
from tests.vendors.calcom.document import calcom_document

PAYLOADS = Path(__file__).parents[1] / "payloads"


def _confirmed(world: Scenario) -> None:
    world.confirm(world.book(world.review, ANN, start_at=world.hours_from_now(5)).uid)


def _rejected(world: Scenario) -> None:
    world.reject(world.book(world.review, ANN, start_at=world.hours_from_now(5)).uid)


def _reschedule_requested(world: Scenario) -> None:
    first = world.book(world.review, ANN, start_at=world.hours_from_now(5))
    world.confirm(first.uid)
    world.confirm(world.reschedule(first.uid, world.hours_from_now(9)).uid)


def _asked_for_another_time(world: Scenario) -> None:
    uid = world.create_booking()
    world.request_reschedule(uid)
    world.reschedule(uid, world.hours_from_now(9))


def _series_cut(world: Scenario) -> None:
    series = world.book_series(world.weekly, ANN, start_at=world.hours_from_now(5), times=3)
    world.cancel_rest(series[1].uid)


def _seats(world: Scenario) -> None:
    booking = world.take_seat(world.tour, ANN, start_at=world.hours_from_now(5))
    world.take_seat(world.tour, BEN, start_at=booking.start_at)
    world.cancel_seat(booking.uid, BEN.email)
    world.cancel_seat(booking.uid, ANN.email)


def _absent(world: Scenario) -> None:
    uid = world.create_booking()
    world.move_by(6 * HOUR)
    world.mark_absent(uid, {ANN.email: True})
    world.mark_absent(uid, {ANN.email: False})
    world.mark_host_absent(uid)


ACTIONS: dict[str, tuple[Callable[[Scenario], Any], str]] = {
    "booked": (Scenario.create_booking, "CREATED"),
    "confirmed": (_confirmed, "REQUESTED CREATED"),
    "rejected": (_rejected, "REQUESTED REJECTED"),
    "rescheduled": (
        lambda world: world.reschedule(world.create_booking(), world.hours_from_now(9)),
        "CREATED RESCHEDULED",
    ),
    "another time of a confirmation event": (_reschedule_requested, "REQUESTED CREATED REQUESTED CREATED"),
    "another time asked for": (_asked_for_another_time, "CREATED CANCELLED RESCHEDULED"),
    "patched": (lambda world: world.patch_time(world.create_booking(), world.hours_from_now(9)), "CREATED"),
    "cancelled": (lambda world: world.cancel(world.create_booking()), "CREATED CANCELLED"),
    "rest of a series cancelled": (_series_cut, "CREATED CREATED CREATED CANCELLED"),
    "reassigned": (lambda world: world.reassign(world.create_booking(), world.otto), "CREATED REASSIGNED"),
    "silently reassigned": (lambda world: world.reassign(world.create_booking(), world.otto, silently=True), "CREATED"),
    "seats": (_seats, "CREATED CREATED CANCELLED CANCELLED"),
    "absent": (_absent, "CREATED STARTED ENDED NO_SHOW_UPDATED NO_SHOW_UPDATED"),
}


@pytest.mark.parametrize("named", ACTIONS)
def test_each_action_sends_webhooks_and_appears_in_the_api(named: str, world: Scenario, client: httpx2.Client) -> None:
    action, triggers = ACTIONS[named]
    action(world)
    assert " ".join(webhook.trigger.partition("_")[2] for webhook in world.sent_webhooks) == triggers
    for webhook in world.sent_webhooks:
        translation = translate(webhook.body)
        assert isinstance(translation, Translated), translation
        assert (translation.trigger, translation.uid, translation.source_at) == (
            webhook.trigger,
            webhook.uid,
            webhook.at,
        )
    assert {one["uid"] for one in list_bookings(client)} == world.bookings.keys()
    for uid in world.bookings:
        assert client.get(f"/bookings/{uid}", headers={"cal-api-version": "2026-02-25"}).json()["data"]["uid"] == uid


@pytest.mark.parametrize(
    ("captured", "action"),
    [
        ("booking_created_v2", Scenario.create_booking),
        ("booking_cancelled_round_robin", lambda world: world.cancel(world.create_booking())),
        (
            "booking_rescheduled_by_attendee",
            lambda world: world.reschedule(world.create_booking(), world.hours_from_now(9)),
        ),
        ("meeting_ended_after_reschedule", _absent),
        ("booking_no_show_updated", _absent),
    ],
)
def test_a_webhook_has_every_field_of_a_captured_one(
    captured: str, action: Callable[[Scenario], Any], world: Scenario
) -> None:
    theirs = json.loads((PAYLOADS / f"captured_2026_gtm_{captured}.json").read_text())
    action(world)
    ours = next(json.loads(one.body) for one in reversed(world.sent_webhooks) if one.trigger == theirs["triggerEvent"])
    assert theirs.keys() <= ours.keys()
    assert theirs.get("payload", {}).keys() - {"team"} <= ours.get("payload", {}).keys()
    assert {key for one in theirs.get("attendees", []) for key in one} <= ours.get("attendees", [{}])[0].keys()


def test_a_rescheduled_booking_is_cancelled_and_names_its_successor(world: Scenario, client: httpx2.Client) -> None:
    old = world.create_booking()
    new = world.reschedule(old, world.hours_from_now(9), by="hana@sellers.example", reason="ill").uid
    by_uid = {one["uid"]: one for one in list_bookings(client)}
    assert (by_uid[old]["status"], by_uid[old]["rescheduledToUid"]) == ("cancelled", new)
    assert (by_uid[new]["status"], by_uid[new]["rescheduledFromUid"]) == ("accepted", old)
    assert by_uid[new]["icsUid"] == by_uid[old]["icsUid"] == f"{old}@Cal.com"
    assert "cancellationReason" not in by_uid[new]
    assert by_uid[old]["updatedAt"] is not None
    assert by_uid[new]["updatedAt"] is None


def test_only_a_hosts_absence_updates_the_booking(world: Scenario, client: httpx2.Client) -> None:
    uid = world.create_booking()
    world.move_by(6 * HOUR)
    version = {"cal-api-version": "2026-02-25"}
    answer = client.post(
        f"/bookings/{uid}/mark-absent", json={"attendees": [{"email": ANN.email, "absent": True}]}, headers=version
    )
    assert (answer.json()["data"]["attendees"][0]["absent"], answer.json()["data"]["updatedAt"]) == (True, None)
    assert world.last_webhooks[0].trigger == "BOOKING_NO_SHOW_UPDATED"
    answer = client.post(f"/bookings/{uid}/mark-absent", json={"host": True}, headers=version)
    assert answer.json()["data"]["absentHost"] is True
    assert answer.json()["data"]["updatedAt"] is not None
    assert world.last_webhooks == []


def test_a_meeting_ends_once_at_its_latest_time(world: Scenario) -> None:
    patched, cancelled = world.create_booking(), world.create_booking()
    world.patch_time(patched, world.hours_from_now(9))
    world.cancel(cancelled)
    world.move_by(24 * HOUR)
    ended = [(one.uid, one.at) for one in world.sent_webhooks if one.trigger == "MEETING_ENDED"]
    assert ended == [(patched, world.bookings[patched].end_at)]


@pytest.mark.parametrize("odd", [{"uid": 5}, {"start": None}, {"status": "gone"}, {"hosts": [{"id": 1}]}])
def test_an_invalid_response_is_detected(odd: dict[str, Any], world: Scenario) -> None:
    booking = booking_output(world, world.bookings[world.create_booking()])
    complaint = {"status": "success", "data": [booking], "pagination": {"nextCursor": None, "hasMore": False}}
    assert calcom_document().find_response_violation("GET", "/v2/bookings", 200, json.dumps(complaint).encode()) is None
    complaint["data"] = [booking | odd]
    assert (
        calcom_document().find_response_violation("GET", "/v2/bookings", 200, json.dumps(complaint).encode())
        is not None
    )
