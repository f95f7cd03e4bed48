"""The fake Cal.com's API: filters and pages, webhooks, keys, limits and faults."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.fake_calcom.scenario import ANN, BEN, HOUR, NEWEST, OLDER, Scenario, list_bookings, open_client
from tests.fake_calcom.server import FakeCalcom
from tests.vendors.faults import Faults

# ---------------------------------------------------------------- the list of bookings


def test_unchanged_bookings_are_not_found_by_update_time(world: Scenario, client: httpx2.Client) -> None:
    untouched, touched = world.create_booking(), world.create_booking()
    world.patch_time(touched, world.hours_from_now(9))
    since = "2020-01-01T00:00:00Z"
    assert [one["uid"] for one in list_bookings(client, afterUpdatedAt=since)] == [touched]
    assert [one["uid"] for one in list_bookings(client, beforeUpdatedAt="2030-01-01T00:00:00Z")] == [touched]
    assert {one["uid"] for one in list_bookings(client, afterCreatedAt=since)} == {untouched, touched}


def test_filters_narrow_the_list(world: Scenario, client: httpx2.Client) -> None:
    first = world.create_booking()
    world.cancel(first)
    world.move_by(2 * HOUR)
    waiting = world.book(world.review, BEN, start_at=world.hours_from_now(30))
    created_at = waiting.created_at.isoformat()
    series = world.book_series(world.weekly, ANN, start_at=world.hours_from_now(2), times=2)
    assert [one["uid"] for one in list_bookings(client, status="cancelled")] == [first]
    assert [one["uid"] for one in list_bookings(client, status="unconfirmed")] == [waiting.uid]
    assert [one["uid"] for one in list_bookings(client, status="recurring")] == [one.uid for one in series]
    assert [one["uid"] for one in list_bookings(client, eventTypeId=world.review.id)] == [waiting.uid]
    assert [one["uid"] for one in list_bookings(client, attendeeEmail=BEN.email)] == [waiting.uid]
    assert [one["uid"] for one in list_bookings(client, beforeCreatedAt=created_at)] == [first, waiting.uid]
    assert [one["uid"] for one in list_bookings(client, afterStart=world.hours_from_now(29).isoformat())] == [
        waiting.uid,
        series[1].uid,
    ]
    assert [one["uid"] for one in list_bookings(client, beforeEnd=world.hours_from_now(5).isoformat())] == [
        series[0].uid,
        first,
    ]
    assert len(list_bookings(client, OLDER, status="cancelled,unconfirmed")) == 2
    uid = series[0].recurring_uid
    found = client.get(f"/bookings/{uid}", headers=OLDER).json()["data"]
    assert [one["recurringBookingUid"] for one in found] == [uid, uid]


def test_pages_by_cursor_lose_nothing_that_changes_meanwhile(world: Scenario, client: httpx2.Client) -> None:
    uids = [world.create_booking() for _ in range(9)]
    for uid in uids:
        world.patch_time(uid, world.hours_from_now(6))
    query: dict[str, Any] = {"afterUpdatedAt": "2026-01-01T00:00:00Z", "sortUpdatedAt": "asc", "limit": 2}
    seen: list[str] = []
    while True:
        answer = client.get("/bookings", params=query, headers=NEWEST).json()
        seen += [one["uid"] for one in answer["data"]]
        if not answer["pagination"]["hasMore"]:
            break
        query["cursor"] = answer["pagination"]["nextCursor"]
        if len(seen) == 4:
            world.patch_time(seen[0], world.hours_from_now(7))
    assert set(seen) == set(uids)
    assert seen[-1] == seen[0]


def test_pages_by_cursor_go_downwards_too(world: Scenario, client: httpx2.Client) -> None:
    uids = [world.create_booking() for _ in range(5)]
    query: dict[str, Any] = {"sortCreated": "desc", "limit": 2}
    first = client.get("/bookings", params=query, headers=NEWEST).json()
    rest = list_bookings(client, **query, cursor=first["pagination"]["nextCursor"])
    assert [one["uid"] for one in first["data"] + rest] == uids[:0:-1]


def test_an_older_version_pages_by_skipping(world: Scenario, client: httpx2.Client) -> None:
    for _ in range(5):
        world.create_booking()
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
def test_the_newest_version_refuses_old_parameters(query: dict[str, Any], client: httpx2.Client) -> None:
    assert client.get("/bookings", params=query, headers=NEWEST).status_code == 400


def test_an_old_instance_rejects_new_versions(world: Scenario) -> None:
    with FakeCalcom(world, knows_2026=False) as fake_calcom, open_client(fake_calcom) as client:
        assert client.get("/bookings", headers=NEWEST).status_code == 404
        assert client.get("/bookings", headers=OLDER).status_code == 200


# ---------------------------------------------------------------- user, event types, slots, webhooks


def test_me_event_types_and_slots(world: Scenario, client: httpx2.Client) -> None:
    assert client.get("/me").json()["data"]["email"] == world.hana.email
    types = client.get("/event-types", headers={"cal-api-version": "2024-06-14"}).json()["data"]
    assert [one["slug"] for one in types] == ["intro-call", "fit-review", "weekly", "group-tour"]
    taken = world.bookings[world.create_booking()].start_at
    query: dict[str, Any] = {
        "eventTypeId": world.intro.id,
        "start": "2026-11-02",
        "end": "2026-11-03",
        "format": "range",
    }
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
    folder: str, world: Scenario, fake_calcom: FakeCalcom, client: httpx2.Client
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
    assert (
        client.get(webhook).json()["data"] == client.get(folder).json()["data"][0] == fake_calcom.webhooks[0].output()
    )
    assert client.delete(webhook).status_code == 200
    assert client.get(webhook).status_code == 404


# ---------------------------------------------------------------- keys, limits, faults


def test_a_missing_key_is_refused(world: Scenario, fake_calcom: FakeCalcom) -> None:
    answer = httpx2.get(f"{fake_calcom.url}/me", headers={"Authorization": "Bearer cal_other"})
    assert answer.status_code == 401
    assert answer.json()["status"] == "error"
    assert answer.json()["error"]["message"] == "CustomThrottlerGuard - Invalid API Key"
    assert httpx2.get(f"{fake_calcom.url}/bookings/{world.create_booking()}", headers=OLDER).status_code == 200


def test_one_booking_may_refuse_a_key_and_allow_anonymous_access(world: Scenario) -> None:
    uid = world.create_booking()
    with FakeCalcom(world, refuses_key_for_uid=True) as fake_calcom, open_client(fake_calcom) as client:
        assert client.get(f"/bookings/{uid}", headers=OLDER).status_code == 401
        assert httpx2.get(f"{fake_calcom.url}/bookings/{uid}", headers=OLDER).status_code == 200


def test_more_than_the_limit_is_refused_for_a_minute(world: Scenario) -> None:
    with FakeCalcom(world, per_minute=5) as fake_calcom, open_client(fake_calcom) as client:
        answers = []
        for _ in range(6):
            answers.append(client.get("/me"))
            world.clock.move_by(timedelta(seconds=2))
        assert [one.status_code for one in answers] == [200] * 5 + [429]
        assert [one.headers["X-RateLimit-Remaining-Default"] for one in answers] == ["4", "3", "2", "1", "0", "0"]
        assert answers[1].headers["X-RateLimit-Reset-Default"] == "58"
        assert answers[-1].headers["Retry-After"] == "60"
        world.clock.move_by(timedelta(seconds=50))
        assert client.get("/me").status_code == 429
        world.clock.move_by(timedelta(seconds=60))
        assert client.get("/me").status_code == 200
        assert fake_calcom.worst_minute() == 6


def test_configured_faults_are_returned(fake_calcom: FakeCalcom, client: httpx2.Client) -> None:
    fake_calcom.faults.queue("500", "429", "html", "reset", None)
    assert client.get("/me").status_code == 500
    assert client.get("/me").headers["Retry-After"] == "2"
    assert client.get("/me").text.startswith("<!doctype")
    with pytest.raises(httpx2.TransportError):
        client.get("/me")
    assert client.get("/me").status_code == 200
    assert [one.status for one in fake_calcom.requests] == [500, 429, 200, None, 200]
    fake_calcom.faults = Faults({"503": 0.5}, seed=1)
    assert {client.get("/me").status_code for _ in range(20)} == {200, 503}
    fake_calcom.stop()
    with pytest.raises(httpx2.ConnectError):
        client.get("/me")
    fake_calcom.start()
    fake_calcom.faults = Faults()
    assert httpx2.get(f"{fake_calcom.url}/me").status_code == 401


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
def test_violations_are_raised_at_the_end(
    path: str, query: dict[str, Any], version: dict[str, str], world: Scenario
) -> None:
    fake_calcom = FakeCalcom(world)
    with pytest.raises(AssertionError, match=path), fake_calcom, open_client(fake_calcom) as client:
        assert client.get(path, params=query, headers=version).status_code in (400, 404)


def test_an_old_instance_lists_its_bookings_by_their_start(world: Scenario) -> None:
    world.create_booking()
    later = world.book(world.review, BEN, start_at=world.hours_from_now(50))
    with FakeCalcom(world, knows_2026=False) as fake_calcom, open_client(fake_calcom) as client:
        query = {"dateFrom": world.hours_from_now(20).isoformat(), "dateTo": world.hours_from_now(60).isoformat()}
        found = client.get(f"{fake_calcom.url_v1}/bookings", params=query).json()["bookings"]
        assert [(one["uid"], one["status"]) for one in found] == [(later.uid, "PENDING")]
        assert len(client.get(f"{fake_calcom.url_v1}/bookings").json()["bookings"]) == 2
        assert httpx2.get(f"{fake_calcom.url_v1}/bookings").status_code == 401
