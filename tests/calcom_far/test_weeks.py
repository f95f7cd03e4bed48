"""A generated history has all that people do, says the same for the same seed, and stands in the API whole."""

from collections import Counter
from datetime import timedelta

import httpx2
import pytest

from showup.sources.calcom.translate import Translated, translate
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.weeks import fill, generate
from tests.calcom_far.world import World

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


def weeks(seed: int = 3, *, silent: bool = True) -> World:
    world = World(seed=seed)
    generate(world, seed=seed, bookings=1000, silent=silent)
    return world


@pytest.mark.parametrize("silent", [True, False])
def test_a_history_has_everything_and_all_of_it_is_understood(silent: bool) -> None:
    world = weeks(silent=silent)
    assert 900 < len(world.bookings) < 1100
    assert {news.trigger for news in world.said} == KINDS
    for uid in world.bookings:
        moments = [news.at for news in world.said if news.uid == uid]
        assert moments == sorted(moments)
    meanings = [translate(news.body) for news in world.said]
    assert all(isinstance(one, Translated) for one in meanings)
    statuses = Counter(one.status for one in world.bookings.values())
    assert statuses.keys() == {"ACCEPTED", "PENDING", "CANCELLED", "REJECTED"}
    assert any(one.recurring_uid for one in world.bookings.values())
    assert any(one.absent_host for one in world.bookings.values())
    assert any(who.seat_uid for one in world.bookings.values() for who in one.attendees)
    assert 50 < sum(one.end_at > world.clock() for one in world.bookings.values()) < 500


def test_the_same_seed_tells_the_same_bytes() -> None:
    one, same, other = weeks(3), weeks(3), weeks(4)
    assert [news.body for news in one.said] == [news.body for news in same.said]
    assert [news.body for news in one.said] != [news.body for news in other.said]


def test_without_silence_the_newest_webhook_of_a_booking_says_what_its_row_says() -> None:
    world = weeks(silent=False)
    told: dict[str, tuple[str | None, object]] = {}
    for news in world.said:
        meaning = translate(news.body)
        if isinstance(meaning, Translated) and news.uid and meaning.event.booking.start_time is not None:
            told[news.uid] = meaning.event.booking.organizer_email, meaning.event.booking.start_time
    assert told == {uid: (one.host.email, one.start_at) for uid, one in world.bookings.items()}


def test_a_whole_history_can_be_read_through_the_api() -> None:
    world = World(seed=5)
    generate(world, seed=5, bookings=150)
    found: list[str] = []
    with FarCalcom(world) as far, httpx2.Client(headers={"Authorization": f"Bearer {far.key}"}) as client:
        query = {"sortCreated": "asc", "limit": "50"}
        while True:
            answer = client.get(f"{far.url}/bookings", params=query, headers={"cal-api-version": "2026-05-01"}).json()
            found += [one["uid"] for one in answer["data"]]
            if not answer["pagination"]["hasMore"]:
                break
            query["cursor"] = answer["pagination"]["nextCursor"]
    assert len(found) == len(set(found)) == len(world.bookings)


def test_a_long_past_is_filled_without_a_word() -> None:
    world = World(seed=6)
    began_at = world.clock()
    fill(world, seed=6, bookings=500, days=30)
    assert (len(world.bookings), world.said, world.is_mute) == (500, [], False)
    assert began_at + timedelta(days=29) < world.clock() < began_at + timedelta(days=31)
    assert {one.status for one in world.bookings.values()} == {"ACCEPTED", "CANCELLED"}
