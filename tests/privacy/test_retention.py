"""RU5: contents are deleted when they are old enough, and nothing that the pipeline needs."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from showup.policy import RetentionPolicy
from showup.privacy import retention
from showup.privacy.retention import KINDS, UNUSED_BODIES, Retention
from tests.privacy.conftest import NOW, assert_consistent, fetch, first_booking, mention_elsewhere, receive

DAY = timedelta(days=1)
LATER = NOW + 30 * DAY


def test_every_kind_has_a_setting() -> None:
    assert set(RetentionPolicy.model_fields) == {*KINDS, UNUSED_BODIES}
    assert RetentionPolicy().keep() == {}, "by default, everything is kept"


async def test_ru5_old_contents_go_and_the_log_stays_whole(engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
    ignored = b'{"triggerEvent": "FORM_SUBMITTED", "createdAt": "2026-09-15T11:00:00Z", "payload": {}}'
    await receive(engine, account, workspace, [*first_booking(), first_booking()[0], ignored, b"no JSON"])
    await mention_elsewhere(engine)
    await fetch(engine, "UPDATE deliveries SET state = 'delivered' WHERE state = 'skipped' RETURNING 1")
    waiting = await fetch(engine, "SELECT count(*) FROM deliveries WHERE state = 'scheduled'")
    kept = Retention(engine, lambda: LATER, dict.fromkeys((*KINDS, UNUSED_BODIES), 365 * DAY))
    assert [one.rows for one in await kept.run()] == [0] * (len(KINDS) + 1)
    # The rows that PostgreSQL dated itself are of the day of the test run.
    await fetch(engine, "UPDATE chat_messages SET created_at = $1 RETURNING 1", NOW)
    await fetch(engine, "UPDATE sign_in_log SET at = $1 RETURNING 1", NOW)
    await fetch(engine, "UPDATE delivery_contents SET rendered_at = $1 RETURNING 1", NOW)
    keep = {"chat": 7 * DAY, "sign_ins": 7 * DAY, "delivery_contents": 7 * DAY, UNUSED_BODIES: 7 * DAY}
    due = Retention(engine, lambda: LATER, keep)
    counted = {one.kind: one.rows for one in await due.count()}
    assert (counted["chat"], counted["sign_ins"], counted[UNUSED_BODIES]) == (1, 1, 3)
    assert {one.kind: one.rows for one in await due.run()} == counted
    assert all(one.rows == 0 for one in await due.run())
    bodies = "SELECT state, count(*) FROM inbox_events WHERE body <> '' GROUP BY 1"
    assert await fetch(engine, bodies) == [("applied", 3)]
    left = "SELECT count(*) FROM delivery_contents c JOIN deliveries d ON d.id = c.delivery_id WHERE d.state"
    assert await fetch(engine, f"{left} NOT IN ('scheduled', 'sending')") == [(0,)]
    assert await fetch(engine, f"{left} = 'scheduled'") == waiting
    assert await fetch(engine, "SELECT what, counts->>'chat' FROM privacy_actions") == [("retention", "1")]
    await assert_consistent(engine, workspace)


async def test_one_run_deletes_a_limited_number(engine: AsyncEngine) -> None:
    limit = retention.BATCH_ROWS * retention.MAX_BATCHES
    await fetch(
        engine,
        "INSERT INTO sign_in_log (id, at, email, what) SELECT gen_random_uuid(), $1, 'ola@host.example', 'signed_in' "
        "FROM generate_series(1, $2) RETURNING 1",
        NOW,
        limit + 1,
    )
    due = Retention(engine, lambda: LATER, {"sign_ins": DAY})
    (counted,) = await due.count()
    assert (counted.rows, counted.is_complete) == (limit + 1, False)
    (first,) = await due.run()
    assert (first.rows, first.is_complete) == (limit, False)
    (second,) = await due.run()
    assert (second.rows, second.is_complete) == (1, True)
