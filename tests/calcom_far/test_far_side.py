"""The loopback Cal.com says what Cal.com says, as far as captured deliveries and its own document tell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from showup.sources.calcom.translate import Translated, translate
from tests.calcom_far.outputs import booking_output
from tests.calcom_far.stage import ANN, BEN, HOUR, Stage, listed
from tests.calcom_far.vendor import Vendor

PAYLOADS = Path(__file__).parents[1] / "payloads"


def _confirmed(world: Stage) -> None:
    world.confirm(world.book(world.review, ANN, start_at=world.in_hours(5)).uid)


def _rejected(world: Stage) -> None:
    world.reject(world.book(world.review, ANN, start_at=world.in_hours(5)).uid)


def _wanted_elsewhen(world: Stage) -> None:
    first = world.book(world.review, ANN, start_at=world.in_hours(5))
    world.confirm(first.uid)
    world.confirm(world.reschedule(first.uid, world.in_hours(9)).uid)


def _asked_for_another_time(world: Stage) -> None:
    uid = world.booked()
    world.request_reschedule(uid)
    world.reschedule(uid, world.in_hours(9))


def _series_cut(world: Stage) -> None:
    series = world.book_series(world.weekly, ANN, start_at=world.in_hours(5), times=3)
    world.cancel_rest(series[1].uid)


def _seats(world: Stage) -> None:
    booking = world.take_seat(world.tour, ANN, start_at=world.in_hours(5))
    world.take_seat(world.tour, BEN, start_at=booking.start_at)
    world.give_back_seat(booking.uid, BEN.email)
    world.give_back_seat(booking.uid, ANN.email)


def _absent(world: Stage) -> None:
    uid = world.booked()
    world.advance(6 * HOUR)
    world.mark_absent(uid, {ANN.email: True})
    world.mark_absent(uid, {ANN.email: False})
    world.mark_host_absent(uid)


ACTIONS: dict[str, tuple[Callable[[Stage], Any], str]] = {
    "booked": (Stage.booked, "CREATED"),
    "confirmed": (_confirmed, "REQUESTED CREATED"),
    "rejected": (_rejected, "REQUESTED REJECTED"),
    "rescheduled": (lambda world: world.reschedule(world.booked(), world.in_hours(9)), "CREATED RESCHEDULED"),
    "another time of a confirmation event": (_wanted_elsewhen, "REQUESTED CREATED REQUESTED CREATED"),
    "another time asked for": (_asked_for_another_time, "CREATED CANCELLED RESCHEDULED"),
    "patched": (lambda world: world.patch_time(world.booked(), world.in_hours(9)), "CREATED"),
    "cancelled": (lambda world: world.cancel(world.booked()), "CREATED CANCELLED"),
    "rest of a series cancelled": (_series_cut, "CREATED CREATED CREATED CANCELLED"),
    "reassigned": (lambda world: world.reassign(world.booked(), world.otto), "CREATED REASSIGNED"),
    "silently reassigned": (lambda world: world.reassign(world.booked(), world.otto, silently=True), "CREATED"),
    "seats": (_seats, "CREATED CREATED CANCELLED CANCELLED"),
    "absent": (_absent, "CREATED STARTED ENDED NO_SHOW_UPDATED NO_SHOW_UPDATED"),
}


@pytest.mark.parametrize("named", ACTIONS)
def test_each_action_sends_what_calcom_sends_and_stands_in_the_api(
    named: str, world: Stage, client: httpx2.Client
) -> None:
    act, triggers = ACTIONS[named]
    act(world)
    assert " ".join(news.trigger.partition("_")[2] for news in world.said) == triggers
    for news in world.said:
        meaning = translate(news.body)
        assert isinstance(meaning, Translated), meaning
        assert (meaning.trigger, meaning.uid, meaning.source_at) == (news.trigger, news.uid, news.at)
    assert {one["uid"] for one in listed(client)} == world.bookings.keys()
    for uid in world.bookings:
        assert client.get(f"/bookings/{uid}", headers={"cal-api-version": "2026-02-25"}).json()["data"]["uid"] == uid


@pytest.mark.parametrize(
    ("captured", "act"),
    [
        ("booking_created_v2", Stage.booked),
        ("booking_cancelled_round_robin", lambda world: world.cancel(world.booked())),
        ("booking_rescheduled_by_attendee", lambda world: world.reschedule(world.booked(), world.in_hours(9))),
        ("meeting_ended_after_reschedule", _absent),
        ("booking_no_show_updated", _absent),
    ],
)
def test_a_webhook_has_every_field_of_a_captured_one(captured: str, act: Callable[[Stage], Any], world: Stage) -> None:
    theirs = json.loads((PAYLOADS / f"captured_2026_gtm_{captured}.json").read_text())
    act(world)
    ours = next(json.loads(one.body) for one in reversed(world.said) if one.trigger == theirs["triggerEvent"])
    assert theirs.keys() <= ours.keys()
    assert theirs.get("payload", {}).keys() - {"team"} <= ours.get("payload", {}).keys()
    assert {key for one in theirs.get("attendees", []) for key in one} <= ours.get("attendees", [{}])[0].keys()


def test_a_rescheduled_booking_is_cancelled_and_points_to_its_heir(world: Stage, client: httpx2.Client) -> None:
    old = world.booked()
    new = world.reschedule(old, world.in_hours(9), by="hana@sellers.example", reason="ill").uid
    by_uid = {one["uid"]: one for one in listed(client)}
    assert (by_uid[old]["status"], by_uid[old]["rescheduledToUid"]) == ("cancelled", new)
    assert (by_uid[new]["status"], by_uid[new]["rescheduledFromUid"]) == ("accepted", old)
    assert by_uid[new]["icsUid"] == by_uid[old]["icsUid"] == f"{old}@Cal.com"
    assert "cancellationReason" not in by_uid[new]
    assert by_uid[old]["updatedAt"] is not None
    assert by_uid[new]["updatedAt"] is None


def test_a_guests_absence_does_not_touch_the_booking_and_a_hosts_does(world: Stage, client: httpx2.Client) -> None:
    uid = world.booked()
    world.advance(6 * HOUR)
    version = {"cal-api-version": "2026-02-25"}
    answer = client.post(
        f"/bookings/{uid}/mark-absent", json={"attendees": [{"email": ANN.email, "absent": True}]}, headers=version
    )
    assert (answer.json()["data"]["attendees"][0]["absent"], answer.json()["data"]["updatedAt"]) == (True, None)
    assert world.last[0].trigger == "BOOKING_NO_SHOW_UPDATED"
    answer = client.post(f"/bookings/{uid}/mark-absent", json={"host": True}, headers=version)
    assert answer.json()["data"]["absentHost"] is True
    assert answer.json()["data"]["updatedAt"] is not None
    assert world.last == []


def test_a_meeting_ends_once_at_its_newest_time_and_not_when_it_is_off(world: Stage) -> None:
    patched, cancelled = world.booked(), world.booked()
    world.patch_time(patched, world.in_hours(9))
    world.cancel(cancelled)
    world.advance(24 * HOUR)
    ended = [(one.uid, one.at) for one in world.said if one.trigger == "MEETING_ENDED"]
    assert ended == [(patched, world.bookings[patched].end_at)]


@pytest.mark.parametrize("odd", [{"uid": 5}, {"start": None}, {"status": "gone"}, {"hosts": [{"id": 1}]}])
def test_an_answer_that_the_document_does_not_allow_is_noticed(odd: dict[str, Any], world: Stage) -> None:
    booking = booking_output(world, world.bookings[world.booked()])
    said = {"status": "success", "data": [booking], "pagination": {"nextCursor": None, "hasMore": False}}
    assert Vendor().of_answer("GET", "/v2/bookings", 200, json.dumps(said).encode()) is None
    said["data"] = [booking | odd]
    assert Vendor().of_answer("GET", "/v2/bookings", 200, json.dumps(said).encode()) is not None
