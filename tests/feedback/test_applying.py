"""Bounces and complaints stop further mail to the address; every delivery says what became of its mail (TE9)."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database import tables
from showup.database.engine import raw, transaction
from showup.deliveries.suppressions import suppressed
from showup.inbox.feedback_store import WAITS_FOR
from showup.inbox.rebuild.run import rebuild
from showup.inbox.rebuild.wish import Wish
from showup.inbox.replay import replay
from showup.inbox.verifying import verify
from tests.feedback.conftest import SAID_AT, SARAH, Post

HARD = {"type": "Permanent", "subType": "NoEmail", "message": "there is no such mailbox"}
SOFT = {"type": "Transient", "subType": "MailboxFull", "message": "over quota"}
MINUTE = timedelta(minutes=1)


async def stopped(post: Post, *emails: str) -> dict[str, Any]:
    async with transaction(post.engine) as tx:
        return dict(await suppressed(await raw(tx), post.workspace, emails or (SARAH,)))


async def test_feedback_is_noted_on_the_delivery_of_the_mail(post: Post) -> None:
    delivery_id = await post.sent(mail_id="mail-1")
    event_id = await post.says("email.delivered", email_id="mail-1")
    assert await post.feedback(delivery_id) == ("delivered", "the other mail server took it", SAID_AT)
    event = await post.event(event_id)
    assert (event["state"], event["trigger"], event["source_at"]) == ("applied", "email.delivered", SAID_AT)
    assert await stopped(post) == {}


async def test_a_hard_bounce_stops_all_mail_to_the_address(post: Post) -> None:
    delivery_id = await post.sent(mail_id="mail-1", to="Sarah@Acme.Example")
    event_id = await post.says("email.bounced", email_id="mail-1", bounce=HARD)
    (row,) = await post.rows("suppressions")
    assert (row["email"], row["scope"], row["reason"]) == (SARAH, "all", "bounced")
    assert (row["delivery_id"], row["event_id"], row["created_at"]) == (delivery_id, event_id, SAID_AT)
    assert row["because"] == "it bounced, and always will: NoEmail, there is no such mailbox"
    assert set(await stopped(post, "SARAH@acme.example ", "bob@acme.example")) == {"SARAH@acme.example "}


async def test_a_complaint_stops_all_mail_and_the_first_reason_stands(post: Post) -> None:
    await post.sent(mail_id="mail-1")
    await post.says("email.complained", email_id="mail-1")
    await post.says("email.bounced", email_id="mail-1", bounce=HARD)
    assert [row["reason"] for row in await post.rows("suppressions")] == ["complained"]


@pytest.mark.parametrize("bounce", [SOFT, {"type": "Undetermined"}, {"type": "New"}, {}, None, "odd"], ids=str)
async def test_a_bounce_that_may_pass_stops_nothing(post: Post, bounce: Any) -> None:
    delivery_id = await post.sent(mail_id="mail-1")
    await post.says("email.bounced", email_id="mail-1", bounce=bounce)
    assert (await post.feedback(delivery_id))[0] == "bounced"
    assert await stopped(post) == {}


async def test_whom_resend_does_not_write_to_is_not_written_to(post: Post) -> None:
    await post.sent(mail_id="mail-1")
    await post.says("email.suppressed", email_id="mail-1", suppressed={"reason": "previous_complaint"})
    assert (await stopped(post))[SARAH].reason == "complained"


@pytest.mark.parametrize("first", [0, 1, 2, 3])
async def test_in_whichever_order_it_comes_the_last_and_most_final_word_stands(post: Post, first: int) -> None:
    delivery_id = await post.sent(mail_id="mail-1")
    words = ["email.delivery_delayed", "email.delivered", "email.bounced", "email.complained"]
    said = [(word, SAID_AT + place * MINUTE) for place, word in enumerate(words)]
    for word, at in said[first:] + said[:first]:
        await post.says(word, at, email_id="mail-1", bounce=HARD)
    word, _, at = await post.feedback(delivery_id)
    assert (word, at) == ("complained", SAID_AT + 3 * MINUTE)


async def test_many_words_of_one_mail_in_one_batch(post: Post) -> None:
    delivery_id = await post.sent(mail_id="mail-1")
    for at in (2 * MINUTE, 3 * MINUTE, MINUTE):
        message = {"type": "email.delivered", "created_at": str(SAID_AT + at), "data": {"email_id": "mail-1"}}
        await post.sends(json.dumps(message).encode())
    await post.applied()
    assert (await post.feedback(delivery_id))[2] == SAID_AT + 3 * MINUTE


@pytest.mark.parametrize("shape", [dict, list])
async def test_the_tag_finds_a_delivery_whose_outcome_was_not_noted_yet(post: Post, shape: type) -> None:
    delivery_id = await post.sent()
    pair = {"delivery": str(delivery_id)}
    tags = pair if shape is dict else [{"name": name, "value": value} for name, value in pair.items()]
    await post.says("email.bounced", email_id="mail-1", tags=tags, bounce=HARD)
    assert (await post.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await stopped(post)


async def test_what_comes_before_its_mail_is_known_waits_for_it(post: Post) -> None:
    delivery_id = await post.sent()
    event_id = await post.says("email.bounced", email_id="mail-1", bounce=HARD)
    waiting = await post.event(event_id)
    assert (waiting["state"], waiting["because"]) == ("waiting", "the mail that it tells of is not known here yet")
    async with transaction(post.engine) as tx:
        await tx.execute(update(tables.deliveries).values(provider_id="mail-1", state="delivered"))
    await post.applied()
    assert (await post.event(event_id))["state"] == "applied"
    assert (await post.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await stopped(post)


async def test_what_is_about_no_mail_of_ours_is_ignored_in_the_end_and_can_be_run_again(post: Post) -> None:
    event_id = await post.says("email.delivered", email_id="mail-9", tags={"delivery": str(uuid4())})
    await post.applied(WAITS_FOR - MINUTE)
    assert (await post.event(event_id))["state"] == "waiting"
    await post.applied(WAITS_FOR + MINUTE)
    given_up = await post.event(event_id)
    assert given_up["state"] == "ignored"
    assert given_up["because"] == "the mail that it tells of is none that this Showup has sent"
    delivery_id = await post.sent(mail_id="mail-9")
    async with transaction(post.engine) as tx:
        assert await replay(tx, event_id)
    await post.applied()
    assert (await post.feedback(delivery_id))[0] == "delivered"


async def test_a_mail_of_another_workspace_is_none_of_ours(post: Post) -> None:
    other = uuid4()
    async with transaction(post.engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    theirs = await post.sent(mail_id="mail-1", workspace=other)
    event_id = await post.says("email.complained", email_id="mail-1", tags={"delivery": str(theirs)})
    await post.applied()
    assert (await post.event(event_id))["state"] == "waiting"
    assert await post.feedback(theirs) == (None, None, None)
    assert await post.rows("suppressions") == []


async def test_a_rebuild_leaves_it_and_the_log_still_proves_itself(post: Post) -> None:
    delivery_id = await post.sent(mail_id="mail-1")
    await post.says("email.bounced", email_id="mail-1", bounce=HARD)
    await post.says("email.opened", email_id="mail-1")
    await post.says("email.delivered", email_id="mail-9")
    found = await rebuild(post.engine, Wish(workspace_ids=[post.workspace], applied=True))
    assert (found.differing, found.otherwise) == (0, 0)
    assert (await post.feedback(delivery_id))[0] == "bounced"
    assert SARAH in await stopped(post)
    assert await proves_itself(post.engine, post.workspace) == 3


async def test_what_waited_proves_itself_too(post: Post) -> None:
    await post.says("email.delivered", email_id="mail-1")
    await post.sent(mail_id="mail-1")
    await post.applied()
    await post.says("email.delivered", email_id="mail-9")
    await post.applied(WAITS_FOR + MINUTE)
    assert await proves_itself(post.engine, post.workspace) == 3


async def proves_itself(engine: AsyncEngine, workspace: UUID) -> int:
    """How many links the chain has."""
    async with transaction(engine) as tx:
        verdict = await verify(await raw(tx), {"default": workspace}, [])
    assert verdict.broken == 0, verdict.told()
    return verdict.found["default"].links
