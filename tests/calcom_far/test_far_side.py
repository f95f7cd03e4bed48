"""The loopback Cal.com says what Cal.com says, as far as captured deliveries and its own document tell."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from showup.sources.calcom.translate import Translated, translate
from tests.calcom_far.rows import EventType, Guest, User
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.destinations.far.faults import Faults

PAYLOADS = Path(__file__).parents[1] / "payloads"
ANN = Guest("Ann Archer", "ann@acme.example")
BEN = Guest("Ben Baker", "ben@acme.example")
HOUR = timedelta(hours=1)
NEWEST, OLDER = {"cal-api-version": "2026-05-01"}, {"cal-api-version": "2024-08-13"}


class Stage(World):
    """A world with two hosts and an event type of each kind."""

    def __init__(self, **more: Any) -> None:
        super().__init__(seed=7, **more)
        self.hana: User = self.add_user("Hana Host", "hana@sellers.example")
        self.otto: User = self.add_user("Otto Owner", "otto@sellers.example")
        self.intro: EventType = self.add_event_type("intro-call", owner=self.hana)
        self.review: EventType = self.add_event_type("fit-review", owner=self.hana, confirmation=True)
        self.weekly: EventType = self.add_event_type("weekly", owner=self.hana, repeats=True)
        self.tour: EventType = self.add_event_type("group-tour", owner=self.hana, seats=6)

    def in_hours(self, hours: int) -> datetime:
        return self.clock() + hours * HOUR

    def booked(self) -> str:
        return self.book(self.intro, ANN, start_at=self.in_hours(5)).uid


@pytest.fixture
def world() -> Stage:
    return Stage()


@pytest.fixture
def far(world: Stage) -> Iterator[FarCalcom]:
    with FarCalcom(world) as far:
        yield far


@pytest.fixture
def client(far: FarCalcom) -> Iterator[httpx2.Client]:
    with asking(far) as client:
        yield client


def asking(far: FarCalcom) -> httpx2.Client:
    return httpx2.Client(base_url=far.url, headers={"Authorization": f"Bearer {far.key}"}, timeout=10)


def listed(client: httpx2.Client, version: dict[str, str] = NEWEST, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/bookings", params=query, headers=version)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


# ---------------------------------------------------------------- what happens, and what is said of it


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


# ---------------------------------------------------------------- the list of bookings


def test_what_was_never_changed_is_not_found_by_its_change(world: Stage, client: httpx2.Client) -> None:
    untouched, touched = world.booked(), world.booked()
    world.patch_time(touched, world.in_hours(9))
    since = "2020-01-01T00:00:00Z"
    assert [one["uid"] for one in listed(client, afterUpdatedAt=since)] == [touched]
    assert [one["uid"] for one in listed(client, beforeUpdatedAt="2030-01-01T00:00:00Z")] == [touched]
    assert {one["uid"] for one in listed(client, afterCreatedAt=since)} == {untouched, touched}


def test_filters_narrow_the_list(world: Stage, client: httpx2.Client) -> None:
    first = world.booked()
    world.cancel(first)
    world.advance(2 * HOUR)
    waiting = world.book(world.review, BEN, start_at=world.in_hours(30))
    created_at = waiting.created_at.isoformat()
    series = world.book_series(world.weekly, ANN, start_at=world.in_hours(2), times=2)
    assert [one["uid"] for one in listed(client, status="cancelled")] == [first]
    assert [one["uid"] for one in listed(client, status="unconfirmed")] == [waiting.uid]
    assert [one["uid"] for one in listed(client, status="recurring")] == [one.uid for one in series]
    assert [one["uid"] for one in listed(client, eventTypeId=world.review.id)] == [waiting.uid]
    assert [one["uid"] for one in listed(client, attendeeEmail=BEN.email)] == [waiting.uid]
    assert [one["uid"] for one in listed(client, beforeCreatedAt=created_at)] == [first, waiting.uid]
    assert [one["uid"] for one in listed(client, afterStart=world.in_hours(29).isoformat())] == [
        waiting.uid,
        series[1].uid,
    ]
    assert [one["uid"] for one in listed(client, beforeEnd=world.in_hours(5).isoformat())] == [series[0].uid, first]
    assert len(listed(client, OLDER, status="cancelled,unconfirmed")) == 2
    uid = series[0].recurring_uid
    found = client.get(f"/bookings/{uid}", headers=OLDER).json()["data"]
    assert [one["recurringBookingUid"] for one in found] == [uid, uid]


def test_pages_by_cursor_lose_nothing_that_changes_meanwhile(world: Stage, client: httpx2.Client) -> None:
    uids = [world.booked() for _ in range(9)]
    for uid in uids:
        world.patch_time(uid, world.in_hours(6))
    query: dict[str, Any] = {"afterUpdatedAt": "2026-01-01T00:00:00Z", "sortUpdatedAt": "asc", "limit": 2}
    seen: list[str] = []
    while True:
        answer = client.get("/bookings", params=query, headers=NEWEST).json()
        seen += [one["uid"] for one in answer["data"]]
        if not answer["pagination"]["hasMore"]:
            break
        query["cursor"] = answer["pagination"]["nextCursor"]
        if len(seen) == 4:
            world.patch_time(seen[0], world.in_hours(7))
    assert set(seen) == set(uids)
    assert seen[-1] == seen[0]


def test_pages_by_cursor_go_downwards_too(world: Stage, client: httpx2.Client) -> None:
    uids = [world.booked() for _ in range(5)]
    query: dict[str, Any] = {"sortCreated": "desc", "limit": 2}
    first = client.get("/bookings", params=query, headers=NEWEST).json()
    rest = listed(client, **query, cursor=first["pagination"]["nextCursor"])
    assert [one["uid"] for one in first["data"] + rest] == uids[:0:-1]


def test_an_older_version_pages_by_skipping(world: Stage, client: httpx2.Client) -> None:
    for _ in range(5):
        world.booked()
    answer = client.get("/bookings", params={"take": 2, "skip": 2}, headers=OLDER).json()
    assert answer["pagination"] == {
        "totalItems": 5,
        "remainingItems": 1,
        "returnedItems": 2,
        "itemsPerPage": 2,
        "currentPage": 2,
        "totalPages": 3,
        "hasNextPage": True,
        "hasPreviousPage": True,
    }


@pytest.mark.parametrize("query", [{"limit": 101}, {"take": 5}, {"cursor": "?"}, {"status": "past,cancelled"}])
def test_the_newest_version_refuses_what_is_not_its_own(query: dict[str, Any], client: httpx2.Client) -> None:
    assert client.get("/bookings", params=query, headers=NEWEST).status_code == 400


def test_an_old_instance_does_not_know_the_versions_of_this_year(world: Stage) -> None:
    with FarCalcom(world, knows_2026=False) as far, asking(far) as client:
        assert client.get("/bookings", headers=NEWEST).status_code == 404
        assert client.get("/bookings", headers=OLDER).status_code == 200


# ---------------------------------------------------------------- user, event types, slots, webhooks


def test_it_tells_of_the_user_of_event_types_and_of_free_times(world: Stage, client: httpx2.Client) -> None:
    assert client.get("/me").json()["data"]["email"] == world.hana.email
    types = client.get("/event-types", headers={"cal-api-version": "2024-06-14"}).json()["data"]
    assert [one["slug"] for one in types] == ["intro-call", "fit-review", "weekly", "group-tour"]
    taken = world.bookings[world.booked()].start_at
    query = {"eventTypeId": world.intro.id, "start": "2026-11-02", "end": "2026-11-03", "format": "range"}
    days = client.get("/slots", params=query, headers={"cal-api-version": "2024-09-04"}).json()["data"]
    free = [datetime.fromisoformat(one["start"]) for day in days.values() for one in day]
    assert free
    assert not any(taken <= at < taken + HOUR / 2 for at in free)
    assert min(free) > world.clock()


@pytest.mark.parametrize(
    "folder",
    ["/webhooks", "/event-types/{0}/webhooks", "/teams/9/event-types/{0}/webhooks", "/organizations/9/webhooks"],
)
def test_webhooks_are_made_changed_and_removed(
    folder: str, world: Stage, far: FarCalcom, client: httpx2.Client
) -> None:
    folder = folder.format(world.intro.id)
    asked = {
        "active": True,
        "subscriberUrl": "https://showup.example/hook",
        "triggers": ["BOOKING_CREATED", "BOOKING_REASSIGNED", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"],
        "secret": "s",
        "time": 5,
        "timeUnit": "MINUTE",
    }
    made = client.post(folder, json=asked)
    assert (made.status_code, made.json()["data"]["secret"]) == (201, "s")
    webhook = f"{folder}/{uuid.UUID(made.json()['data']['id'])}"
    assert client.post(folder, json=asked).status_code == 409
    assert client.post(folder, json=asked | {"subscriberUrl": "showup"}).status_code == 400
    timeless = {name: asked[name] for name in ("active", "triggers")} | {"subscriberUrl": "https://b.example/"}
    assert client.post(folder, json=timeless).status_code == 400
    assert client.patch(webhook, json={"active": False}).json()["data"]["active"] is False
    assert client.get(webhook).json()["data"] == client.get(folder).json()["data"][0] == far.webhooks[0].output()
    assert client.delete(webhook).status_code == 200
    assert client.get(webhook).status_code == 404


# ---------------------------------------------------------------- keys, limits, faults


def test_nobody_is_let_in_without_the_key(world: Stage, far: FarCalcom) -> None:
    answer = httpx2.get(f"{far.url}/me", headers={"Authorization": "Bearer cal_other"})
    assert answer.status_code == 401
    assert answer.json()["status"] == "error"
    assert answer.json()["error"]["message"] == "CustomThrottlerGuard - Invalid API Key"
    assert httpx2.get(f"{far.url}/bookings/{world.booked()}", headers=OLDER).status_code == 200


def test_one_booking_may_refuse_a_key_and_speak_to_a_stranger(world: Stage) -> None:
    uid = world.booked()
    with FarCalcom(world, refuses_key_for_uid=True) as far, asking(far) as client:
        assert client.get(f"/bookings/{uid}", headers=OLDER).status_code == 401
        assert httpx2.get(f"{far.url}/bookings/{uid}", headers=OLDER).status_code == 200


def test_more_than_the_limit_is_refused_for_a_minute(world: Stage) -> None:
    with FarCalcom(world, per_minute=5) as far, asking(far) as client:
        answers = []
        for _ in range(6):
            answers.append(client.get("/me"))
            world.clock.advance(timedelta(seconds=2))
        assert [one.status_code for one in answers] == [200] * 5 + [429]
        assert [one.headers["X-RateLimit-Remaining-Default"] for one in answers] == ["4", "3", "2", "1", "0", "0"]
        assert answers[1].headers["X-RateLimit-Reset-Default"] == "58"
        assert answers[-1].headers["Retry-After"] == "60"
        world.clock.advance(timedelta(seconds=50))
        assert client.get("/me").status_code == 429
        world.clock.advance(timedelta(seconds=60))
        assert client.get("/me").status_code == 200
        assert far.worst_minute() == 6


def test_it_fails_as_it_is_told(far: FarCalcom, client: httpx2.Client) -> None:
    far.faults.next("500", "429", "html", "reset", None)
    assert client.get("/me").status_code == 500
    assert client.get("/me").headers["Retry-After"] == "2"
    assert client.get("/me").text.startswith("<!doctype")
    with pytest.raises(httpx2.TransportError):
        client.get("/me")
    assert client.get("/me").status_code == 200
    assert [one.status for one in far.asked] == [500, 429, 200, None, 200]
    far.faults = Faults({"503": 0.5}, seed=1)
    assert {client.get("/me").status_code for _ in range(20)} == {200, 503}
    far.stop()
    with pytest.raises(httpx2.ConnectError):
        client.get("/me")
    far.start()
    far.faults = Faults()
    assert httpx2.get(f"{far.url}/me").status_code == 401


@pytest.mark.parametrize(
    ("path", "query", "version"),
    [
        ("/bookings", {}, {}),
        ("/bookings", {"status": "gone"}, OLDER),
        ("/bookings", {"since": "2026-01-01"}, OLDER),
        ("/slots", {"eventTypeId": 1}, {"cal-api-version": "2024-09-04"}),
        ("/calendars", {}, {}),
    ],
)
def test_what_the_document_does_not_allow_is_raised_at_the_end(
    path: str, query: dict[str, Any], version: dict[str, str], world: Stage
) -> None:
    far = FarCalcom(world)
    with pytest.raises(AssertionError, match=path), far, asking(far) as client:
        assert client.get(path, params=query, headers=version).status_code in (400, 404)
