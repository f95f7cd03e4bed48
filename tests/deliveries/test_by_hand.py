"""People see what is told and why it stands there, try it again and take it back (TE1, TE10, PI13).

They ask the app; the courier tells, as it does in a worker.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select, text, update

from showup.database.engine import raw, transaction
from showup.database.tables import deliveries
from showup.deliveries import lane_store, suppressions
from showup.deliveries.suppressions import Suppression
from showup.destinations.contract import GaveUp, TryAgain
from showup.web.app import create_app
from showup.web.every_answer import completed
from tests.deliveries.post import Post
from tests.stories.webhooks import MONDAY, body, payload

KEY = "an admin key of this test"
ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
BUSY = TryAgain(because="it is busy", fault="delivery")
DOWN = TryAgain(because="nobody answers", fault="destination")
NEVER = GaveUp(because="the sender is not known there")


def booked(uid: str = "one", number: int = 1, email: str = ANN) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [email]))


@pytest.fixture
async def client(post: Post) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(engine=post.engine, clock=post.clock, admin_key=KEY, version="0")
    wire = httpx2.ASGITransport(app=completed(app, cors_origins=[]))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=wire, base_url="http://showup.example", headers=headers) as client:
        yield client


async def seen(client: httpx2.AsyncClient, kind: str = "confirm") -> dict[str, Any]:
    (item,) = (await client.get(f"/api/deliveries?kind={kind}&sort=due_at&limit=1")).json()["items"]
    detail = (await client.get(f"/api/deliveries/{item['id']}")).json()
    assert {name: detail[name] for name in item} == item
    return dict(detail)


async def ask(client: httpx2.AsyncClient, what: str, delivery_id: str | UUID, **more: Any) -> httpx2.Response:
    return await client.post(f"/api/deliveries/{delivery_id}/{what}", **more)


async def refused(client: httpx2.AsyncClient, what: str, delivery_id: str | UUID) -> str:
    answer = await ask(client, what, delivery_id)
    assert answer.status_code == 409, answer.text
    return str(answer.json()["detail"])


async def wake_ups(post: Post) -> int:
    async with post.engine.connect() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM pgqueuer")) or 0)


async def failed(post: Post, client: httpx2.AsyncClient) -> dict[str, Any]:
    post.far.script.extend([BUSY, NEVER])
    await post.hear(booked())
    await post.tell()
    await post.tell(seconds=30)
    return await seen(client)


async def test_each_state_says_why(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    assert (await seen(client))["because"] == "it is due, and waits for its turn"
    reminder = await seen(client, "remind")
    assert reminder["because"] == f"it is due at {START - timedelta(hours=72):%Y-%m-%d %H:%M:%S} UTC"
    assert reminder["next_try_at"] == f"{START - timedelta(hours=72):%Y-%m-%dT%H:%M:%SZ}"

    post.far.script.append(BUSY)
    await post.tell()
    waiting = await seen(client)
    assert waiting["because"] == "attempt 1 failed: it is busy; it is tried again at 2026-09-07 09:00:30 UTC"
    assert (waiting["next_try_at"], waiting["attempts"], waiting["failures"]) == ("2026-09-07T09:00:30Z", 1, 1)

    await post.tell(seconds=30)
    done = await seen(client)
    assert (done["state"], done["because"], done["next_try_at"]) == ("delivered", "it was taken", None)
    assert (done["provider"], done["provider_id"], done["attempts"]) == ("far", "r", 2)
    assert [(one["number"], one["outcome"], one["because"]) for one in done["tries"]] == [
        (1, "try_again", "it is busy"),
        (2, "delivered", None),
    ]


async def test_what_a_pause_holds_up_says_so(post: Post, client: httpx2.AsyncClient) -> None:
    """TE10: a circuit pause is seen on each delivery that waits for its end, and on its lane."""
    post.far.down = DOWN
    await post.hear(booked(), booked("two", 2, "ben@beta.example"), booked("three", 3, "cem@gamma.example"))
    await post.tell()
    (lane,) = (await client.get("/api/lanes")).json()["items"]
    assert (lane["workspace"], lane["destination"], lane["state"]) == ("default", "email", "paused")
    assert lane["because"] == "nobody answers: nothing has passed since 2026-09-07 09:00:00 UTC"
    assert (lane["failing_since"], lane["waiting"], lane["sending"]) == ("2026-09-07T09:00:00Z", 12, 0)

    await post.hear(booked("four", 4, "dee@delta.example"))
    (new,) = (await client.get("/api/deliveries?kind=confirm&recipient=DEE@delta.example")).json()["items"]
    until = (await post.lane_state())["paused_until"]
    assert new["because"] == (
        f"email is paused until {until:%Y-%m-%d %H:%M:%S} UTC:"
        " nobody answers: nothing has passed since 2026-09-07 09:00:00 UTC"
    )
    assert new["next_try_at"].startswith(f"{until:%Y-%m-%dT%H:%M:%S}")

    post.now = until
    (lane,) = (await client.get("/api/lanes")).json()["items"]
    assert (lane["state"], lane["paused_until"]) == ("failing", None)
    post.far.down = None
    await post.tell(minutes=5)
    (lane,) = (await client.get("/api/lanes")).json()["items"]
    assert (lane["state"], lane["because"], lane["due"], lane["waiting"]) == ("open", None, 0, 12)


async def test_a_failed_one_is_tried_again_with_the_same_words(post: Post, client: httpx2.AsyncClient) -> None:
    """TE1: what was rendered is sent as it is, under the same id."""
    row = await failed(post, client)
    assert (row["state"], row["because"]) == ("failed", "the sender is not known there")
    jobs = await wake_ups(post)
    answer = await ask(client, "retry", row["id"])
    assert answer.status_code == 200, answer.text
    again = answer.json()
    assert (again["state"], again["failures"], again["attempts"]) == ("scheduled", 0, 2)
    assert await wake_ups(post) == jobs + 1
    await post.tell()
    assert (await seen(client))["state"] == "delivered"
    confirmations = [heard for heard in post.far.heard if heard[1]["kind"] == "confirm"]
    assert len(confirmations) == 3
    assert confirmations.count(confirmations[0]) == 3
    assert await refused(client, "retry", row["id"]) == "It was delivered, and nobody is told twice."


async def test_a_retry_has_the_whole_policy_before_it(post: Post, client: httpx2.AsyncClient) -> None:
    row = await failed(post, client)
    await ask(client, "retry", row["id"])
    post.far.script.extend([BUSY, BUSY])
    await post.tell()
    await post.tell(seconds=30)
    again = await seen(client)
    assert (again["state"], again["failures"], again["attempts"]) == ("scheduled", 2, 4)


async def test_what_is_not_worth_telling_any_more_is_not_tried_again(post: Post, client: httpx2.AsyncClient) -> None:
    """PI13."""
    row = await failed(post, client)
    post.now += timedelta(days=1)
    assert await refused(client, "retry", row["id"]) == (
        "It is not worth telling any more since 2026-09-08 09:00:00 UTC."
    )
    every = await client.post("/api/deliveries/retry", json={})
    assert (every.status_code, every.json()) == (200, {"retried": 0, "expired": 1})


async def test_all_failed_ones_are_tried_again_or_those_of_a_filter(post: Post, client: httpx2.AsyncClient) -> None:
    for number, name in enumerate(("ann", "ben", "cem"), 1):
        post.far.script.append(NEVER)
        await post.hear(booked(name, number, f"{name}@{name}.example"))
        await post.tell(minutes=1)
    assert len(await post.rows(state="failed")) == 3
    for said, retried in (
        ({"kind": "remind"}, 0),
        ({"destination": "slack"}, 0),
        ({"since": "2026-09-07T09:04:00Z"}, 0),
        ({"kind": "confirm", "destination": "email", "since": "2026-09-07T09:03:00Z"}, 1),
        ({}, 2),
    ):
        assert (await client.post("/api/deliveries/retry", json=said)).json() == {"retried": retried, "expired": 0}
    await post.tell()
    assert len(await post.rows(kind="confirm", state="delivered")) == 3


async def test_one_is_withdrawn_for_good_until_it_is_wanted_again(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    row = await seen(client)
    reminder = await seen(client, "remind")
    answer = await ask(client, "withdraw", row["id"])
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["because"]) == ("withdrawn", "withdrawn by admin")
    assert (await ask(client, "withdraw", reminder["id"])).json()["state"] == "withdrawn"

    same_meeting = payload("one", 1, START, [ANN], title="Another title")
    await post.hear(body("BOOKING_CREATED", MONDAY + timedelta(seconds=5), same_meeting))
    await post.tell()
    assert post.far.heard == [], "the story told anew does not bring it back"
    assert await refused(client, "withdraw", row["id"]) == "It is withdrawn already."

    assert (await ask(client, "retry", row["id"])).json()["state"] == "scheduled"
    again = (await ask(client, "retry", reminder["id"])).json()
    assert again["next_try_at"] == reminder["due_at"], "it is wanted again, at its time"
    await post.tell()
    assert post.far.kinds == ["confirm"]


async def test_what_is_being_sent_is_left_alone(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    row = await seen(client)
    asked: list[str] = []

    async def while_it_is_sent() -> GaveUp:
        asked.append((await seen(client))["because"])
        asked.extend([await refused(client, what, row["id"]) for what in ("withdraw", "retry")])
        return NEVER

    post.far.script.append(while_it_is_sent)
    await post.tell()
    assert asked == ["attempt 1 is being made at this moment", *["It is being sent at this moment."] * 2]


async def test_what_its_own_story_took_back_stays_so(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    row = await seen(client)
    await post.hear(body("BOOKING_CANCELLED", MONDAY + timedelta(seconds=1), payload("one", 1, START, [ANN])))
    stands = await seen(client)
    assert stands["state"] == "withdrawn"
    assert await refused(client, "retry", row["id"]) == f"Nothing calls for it any more: {stands['because']}."
    assert "already" in await refused(client, "withdraw", row["id"])


async def test_what_was_never_to_be_sent_stays_so(post: Post, client: httpx2.AsyncClient) -> None:
    """TE4, PI13: a meeting that is too close has no reminder, whoever asks for it."""
    near = MONDAY + timedelta(hours=1)
    await post.hear(body("BOOKING_CREATED", MONDAY, payload("one", 1, near, [ANN])))
    row = await seen(client, "remind")
    assert (row["state"], row["because"]) == ("skipped", "meeting_too_soon")
    assert await refused(client, "retry", row["id"]) == "It was never to be sent: meeting_too_soon."


async def test_one_that_was_skipped_at_the_last_look_may_be_tried_again(post: Post, client: httpx2.AsyncClient) -> None:
    """TE9: it was not written to since it bounced; somebody took the address off the list."""
    stop = Suppression(scope="all", reason="bounced", because="it bounced")
    async with transaction(post.engine) as tx:
        await suppressions.add(await raw(tx), post.workspace, ANN, stop, at=post.now)
    await post.hear(booked())
    await post.tell()
    row = await seen(client)
    assert (row["state"], row["because"]) == ("skipped", "it bounced")
    (stopped,) = (await client.get("/api/suppressions")).json()["items"]
    await client.delete(f"/api/suppressions/{stopped['id']}")
    assert (await ask(client, "retry", row["id"])).status_code == 200
    await post.tell()
    assert (await seen(client))["state"] == "delivered"


async def test_the_same_request_is_done_once(post: Post, client: httpx2.AsyncClient) -> None:
    row = await failed(post, client)
    once = {"Idempotency-Key": "once"}
    first = await ask(client, "retry", row["id"], headers=once)
    await post.tell()
    again = await ask(client, "retry", row["id"], headers=once)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert (await seen(client))["state"] == "delivered"


async def test_filters_by_moment_and_what_there_is_not(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    last = START - timedelta(hours=2)
    for query, found in {
        f"due_from={last:%Y-%m-%dT%H:%M:%SZ}": 1,
        f"due_to={last:%Y-%m-%dT%H:%M:%SZ}": 3,
        "due_to=2026-09-07": 0,
        "kind=remind": 3,
        "recipient=ann": 0,
    }.items():
        answer = await client.get(f"/api/deliveries?{query}")
        assert (query, len(answer.json()["items"])) == (query, found)
    for what in ("retry", "withdraw"):
        assert (await ask(client, what, uuid4())).status_code == 404


async def test_the_content_is_what_was_rendered(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    row = await seen(client)
    assert row["rendered_at"] is None
    assert (await client.get(f"/api/deliveries/{row['id']}/content")).status_code == 404
    await post.tell()
    answer = (await client.get(f"/api/deliveries/{row['id']}/content")).json()
    assert answer["content"] == post.far.heard[0][1]
    assert answer["rendered_at"] == (await seen(client))["rendered_at"] == "2026-09-07T09:00:00Z"


async def test_one_whose_lease_ran_out_says_that_it_is_taken_up_again(post: Post, client: httpx2.AsyncClient) -> None:
    await post.hear(booked())
    row = await seen(client)
    async with transaction(post.engine) as tx:
        lost = update(deliveries).where(deliveries.c.id == UUID(row["id"]))
        await tx.execute(lost.values(state="sending", attempts=1, wake_at=post.now))
        assert await tx.scalar(select(deliveries.c.state).where(deliveries.c.id == UUID(row["id"]))) == "sending"
    assert (await seen(client))["because"] == "attempt 1 did not end in time, so it counts as lost and is made again"


async def test_a_lane_that_is_left_in_peace_without_any_failure_is_paused_too(
    post: Post, client: httpx2.AsyncClient
) -> None:
    async with transaction(post.engine) as tx:
        await lane_store.pause(await raw(tx), post.lane, post.now + timedelta(minutes=1), "the key can't be opened")
    (lane,) = (await client.get("/api/lanes")).json()["items"]
    assert (lane["state"], lane["because"], lane["failing_since"]) == ("paused", "the key can't be opened", None)
    assert (lane["waiting"], lane["due"], lane["sending"]) == (0, 0, 0)
