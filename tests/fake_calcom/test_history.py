"""A generated history has every kind of change, is the same for the same seed, and is complete in the API."""

from collections import Counter
from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.translate import Translated, translate
from tests.fake_calcom.history import fill_history, generate_history
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World

KINDS = {
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_REJECTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REASSIGNED",
    "BOOKING_NO_SHOW_UPDATED",
    "MEETING_STARTED",
    "MEETING_ENDED",
}


def generated_world(seed: int = 3, *, silent: bool = True) -> World:
    world = World(seed=seed)
    generate_history(world, seed=seed, bookings=1000, silent=silent)
    return world


@pytest.mark.parametrize("silent", [True, False])
def test_a_generated_history_is_complete_and_readable(silent: bool) -> None:
    world = generated_world(silent=silent)
    assert 900 < len(world.bookings) < 1100
    assert {webhook.trigger for webhook in world.sent_webhooks} == KINDS
    for uid in world.bookings:
        moments = [webhook.at for webhook in world.sent_webhooks if webhook.uid == uid]
        assert moments == sorted(moments)
    meanings = [translate(webhook.body) for webhook in world.sent_webhooks]
    assert all(isinstance(one, Translated) for one in meanings)
    statuses = Counter(one.status for one in world.bookings.values())
    assert statuses.keys() == {"ACCEPTED", "PENDING", "CANCELLED", "REJECTED"}
    assert any(one.recurring_uid for one in world.bookings.values())
    assert any(one.absent_host for one in world.bookings.values())
    assert any(who.seat_uid for one in world.bookings.values() for who in one.attendees)
    assert 50 < sum(one.end_at > world.clock() for one in world.bookings.values()) < 500


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, same, other = generated_world(3), generated_world(3), generated_world(4)
    assert [webhook.body for webhook in one.sent_webhooks] == [webhook.body for webhook in same.sent_webhooks]
    assert [webhook.body for webhook in one.sent_webhooks] != [webhook.body for webhook in other.sent_webhooks]


def test_without_silent_changes_the_last_webhook_equals_the_row() -> None:
    world = generated_world(silent=False)
    last_by_uid: dict[str, tuple[str | None, object]] = {}
    for webhook in world.sent_webhooks:
        translation = translate(webhook.body)
        if isinstance(translation, Translated) and webhook.uid and translation.event.booking.start_time is not None:
            last_by_uid[webhook.uid] = translation.event.booking.organizer_email, translation.event.booking.start_time
    assert last_by_uid == {uid: (one.host.email, one.start_at) for uid, one in world.bookings.items()}


def test_a_whole_history_can_be_read_through_the_api() -> None:
    world = World(seed=5)
    generate_history(world, seed=5, bookings=150)
    found: list[str] = []
    with (
        FakeCalcom(world) as fake_calcom,
        httpx2.Client(headers={"Authorization": f"Bearer {fake_calcom.key}"}) as client,
    ):
        query = {"sortCreated": "asc", "limit": "50"}
        while True:
            answer = client.get(
                f"{fake_calcom.url}/bookings", params=query, headers={"cal-api-version": "2026-05-01"}
            ).json()
            found += [one["uid"] for one in answer["data"]]
            if not answer["pagination"]["hasMore"]:
                break
            query["cursor"] = answer["pagination"]["nextCursor"]
    assert len(found) == len(set(found)) == len(world.bookings)


def test_filled_history_sends_no_webhooks() -> None:
    world = World(seed=6)
    began_at = world.clock()
    fill_history(world, seed=6, bookings=500, days=30)
    assert (len(world.bookings), world.sent_webhooks, world.is_mute) == (500, [], False)
    assert began_at + timedelta(days=29) < world.clock() < began_at + timedelta(days=31)
    assert {one.status for one in world.bookings.values()} == {"ACCEPTED", "CANCELLED"}
