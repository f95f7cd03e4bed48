"""TE9: bounces and complaints stop further mail to the address, and each delivery shows the result of its mail."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.feedback.requeue import WAIT_LIMIT
from showup.inbox.rebuild.options import RebuildOptions
from showup.inbox.rebuild.run import rebuild
from showup.inbox.replay import replay_event
from showup.inbox.verification import verify
from showup.outbox.suppressions import suppressed
from tests.feedback.conftest import SARAH, SENT_AT, ResendScenario

HARD_BOUNCE = {"type": "Permanent", "subType": "NoEmail", "message": "there is no such mailbox"}
SOFT_BOUNCE = {"type": "Transient", "subType": "MailboxFull", "message": "over quota"}
MINUTE = timedelta(minutes=1)


async def fetch_suppressed(resend: ResendScenario, *emails: str) -> dict[str, Any]:
    async with transaction(resend.engine) as tx:
        return dict(await suppressed(await driver_connection(tx), resend.workspace, emails or (SARAH,)))


async def test_feedback_is_recorded_on_the_delivery(resend: ResendScenario) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1")
    event_id = await resend.receive_feedback("email.delivered", email_id="mail-1")
    assert await resend.feedback(delivery_id) == ("delivered", "the other mail server accepted it", SENT_AT)
    event = await resend.event(event_id)
    assert (event["state"], event["trigger"], event["source_at"]) == ("applied", "email.delivered", SENT_AT)
    assert await fetch_suppressed(resend) == {}


async def test_a_hard_bounce_stops_all_mail_to_the_address(resend: ResendScenario) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1", to="Sarah@Acme.Example")
    event_id = await resend.receive_feedback("email.bounced", email_id="mail-1", bounce=HARD_BOUNCE)
    (row,) = await resend.rows("suppressions")
    assert (row["email"], row["scope"], row["reason"]) == (SARAH, "all", "bounced")
    assert (row["delivery_id"], row["event_id"], row["created_at"]) == (delivery_id, event_id, SENT_AT)
    assert row["because"] == "it bounced permanently: NoEmail, there is no such mailbox"
    assert set(await fetch_suppressed(resend, "SARAH@acme.example ", "bob@acme.example")) == {"SARAH@acme.example "}


async def test_a_complaint_stops_all_mail_and_the_first_reason_is_retained(resend: ResendScenario) -> None:
    await resend.add_mail(mail_id="mail-1")
    await resend.receive_feedback("email.complained", email_id="mail-1")
    await resend.receive_feedback("email.bounced", email_id="mail-1", bounce=HARD_BOUNCE)
    assert [row["reason"] for row in await resend.rows("suppressions")] == ["complained"]


@pytest.mark.parametrize("bounce", [SOFT_BOUNCE, {"type": "Undetermined"}, {"type": "New"}, {}, None, "odd"], ids=str)
async def test_a_soft_bounce_stops_nothing(resend: ResendScenario, bounce: Any) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1")
    await resend.receive_feedback("email.bounced", email_id="mail-1", bounce=bounce)
    assert (await resend.feedback(delivery_id))[0] == "bounced"
    assert await fetch_suppressed(resend) == {}


async def test_an_address_suppressed_by_resend_is_suppressed(resend: ResendScenario) -> None:
    await resend.add_mail(mail_id="mail-1")
    await resend.receive_feedback("email.suppressed", email_id="mail-1", suppressed={"reason": "previous_complaint"})
    assert (await fetch_suppressed(resend))[SARAH].reason == "complained"


@pytest.mark.parametrize("first", [0, 1, 2, 3])
async def test_the_most_final_feedback_wins_in_any_order(resend: ResendScenario, first: int) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1")
    triggers = ["email.delivery_delayed", "email.delivered", "email.bounced", "email.complained"]
    messages = [(trigger, SENT_AT + index * MINUTE) for index, trigger in enumerate(triggers)]
    for trigger, at in messages[first:] + messages[:first]:
        await resend.receive_feedback(trigger, at, email_id="mail-1", bounce=HARD_BOUNCE)
    trigger, _, at = await resend.feedback(delivery_id)
    assert (trigger, at) == ("complained", SENT_AT + 3 * MINUTE)


async def test_several_feedback_events_of_one_mail_in_one_batch(resend: ResendScenario) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1")
    for at in (2 * MINUTE, 3 * MINUTE, MINUTE):
        message = {"type": "email.delivered", "created_at": str(SENT_AT + at), "data": {"email_id": "mail-1"}}
        await resend.send_webhook(json.dumps(message).encode())
    await resend.apply_events()
    assert (await resend.feedback(delivery_id))[2] == SENT_AT + 3 * MINUTE


@pytest.mark.parametrize("tags_type", [dict, list])
async def test_the_tag_finds_a_delivery_without_a_recorded_outcome(resend: ResendScenario, tags_type: type) -> None:
    delivery_id = await resend.add_mail()
    pair = {"delivery": str(delivery_id)}
    tags = pair if tags_type is dict else [{"name": name, "value": value} for name, value in pair.items()]
    await resend.receive_feedback("email.bounced", email_id="mail-1", tags=tags, bounce=HARD_BOUNCE)
    assert (await resend.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await fetch_suppressed(resend)


async def test_feedback_waits_for_its_mail(resend: ResendScenario) -> None:
    delivery_id = await resend.add_mail()
    event_id = await resend.receive_feedback("email.bounced", email_id="mail-1", bounce=HARD_BOUNCE)
    event = await resend.event(event_id)
    assert (event["state"], event["because"]) == ("waiting", "unknown mail: waiting for its delivery")
    async with transaction(resend.engine) as tx:
        await tx.execute(update(tables.deliveries).values(provider_id="mail-1", state="delivered"))
    await resend.apply_events()
    assert (await resend.event(event_id))["state"] == "applied"
    assert (await resend.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await fetch_suppressed(resend)


async def test_feedback_about_unknown_mail_expires_and_can_be_replayed(resend: ResendScenario) -> None:
    event_id = await resend.receive_feedback("email.delivered", email_id="mail-9", tags={"delivery": str(uuid4())})
    await resend.apply_events(WAIT_LIMIT - MINUTE)
    assert (await resend.event(event_id))["state"] == "waiting"
    await resend.apply_events(WAIT_LIMIT + MINUTE)
    expired = await resend.event(event_id)
    assert expired["state"] == "ignored"
    assert expired["because"] == "unknown mail: this Showup did not send it"
    delivery_id = await resend.add_mail(mail_id="mail-9")
    async with transaction(resend.engine) as tx:
        assert await replay_event(tx, event_id)
    await resend.apply_events()
    assert (await resend.feedback(delivery_id))[0] == "delivered"


async def test_feedback_about_mail_of_another_workspace_is_ignored(resend: ResendScenario) -> None:
    other = uuid4()
    async with transaction(resend.engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    theirs = await resend.add_mail(mail_id="mail-1", workspace=other)
    event_id = await resend.receive_feedback("email.complained", email_id="mail-1", tags={"delivery": str(theirs)})
    await resend.apply_events()
    assert (await resend.event(event_id))["state"] == "waiting"
    assert await resend.feedback(theirs) == (None, None, None)
    assert await resend.rows("suppressions") == []


async def test_a_rebuild_leaves_feedback_and_the_log_verifies(resend: ResendScenario) -> None:
    delivery_id = await resend.add_mail(mail_id="mail-1")
    await resend.receive_feedback("email.bounced", email_id="mail-1", bounce=HARD_BOUNCE)
    await resend.receive_feedback("email.opened", email_id="mail-1")
    await resend.receive_feedback("email.delivered", email_id="mail-9")
    result = await rebuild(resend.engine, RebuildOptions(workspace_ids=[resend.workspace], applied=True))
    assert (result.differing, result.newly_readable) == (0, 0)
    assert (await resend.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await fetch_suppressed(resend)
    assert await verify_log(resend.engine, resend.workspace) == 3


async def test_the_log_verifies_after_feedback_waited(resend: ResendScenario) -> None:
    await resend.receive_feedback("email.delivered", email_id="mail-1")
    await resend.add_mail(mail_id="mail-1")
    await resend.apply_events()
    await resend.receive_feedback("email.delivered", email_id="mail-9")
    await resend.apply_events(WAIT_LIMIT + MINUTE)
    assert await verify_log(resend.engine, resend.workspace) == 3


async def verify_log(engine: AsyncEngine, workspace: UUID) -> int:
    """Returns how many links the chain has."""
    async with transaction(engine) as tx:
        verdict = await verify(await driver_connection(tx), {"default": workspace}, [])
    assert verdict.break_count == 0, verdict.to_dict()
    return verdict.chains["default"].link_count
