"""What Resend says is taken in only with its signature, kept before it is answered, and kept once (TE9)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import connections_store
from showup.access.secrets_at_rest import Seal
from showup.clock import system_clock
from showup.database import tables
from showup.database.engine import transaction
from showup.inbox.keep import Keeper
from showup.web.webhooks import LARGEST_BODY, WebhookDoor
from tests.door.conftest import served
from tests.feedback.conftest import ANOTHER, KEY, SECRET, Post, app_of, body, client_of, headers


class NoAccounts:
    """Nobody at Cal.com is known."""

    async def find(self, _name: str | None) -> None:
        return None


DELIVERED = body("email.delivered", email_id="mail-1")
OLD = timedelta(minutes=6)


async def connected(engine: AsyncEngine, workspace_id: UUID, name: str, credentials: Any) -> None:
    async with transaction(engine) as tx:
        await connections_store.put(
            tx,
            Seal.of(KEY),
            workspace_id=workspace_id,
            kind="resend",
            name=name,
            settings={},
            credentials=credentials,
        )


async def test_its_exact_bytes_are_kept_with_its_id_before_it_is_answered(post: Post) -> None:
    content = DELIVERED + b"\n "
    answer = await post.sends(content, message_id="msg_1")
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    kept = await post.event(UUID(answer.json()["id"]))
    assert (kept["body"], kept["source_id"], kept["origin"], kept["actor"]) == (content, "msg_1", "resend", "resend")
    assert (kept["workspace_id"], kept["state"]) == (post.workspace, "kept")


async def test_a_message_that_comes_again_is_a_duplicate_of_the_first(post: Post) -> None:
    first = (await post.sends(DELIVERED, message_id="msg_1")).json()
    again = await post.sends(DELIVERED, message_id="msg_1")
    assert (again.status_code, again.json()) == (200, {"status": "duplicate", "id": first["id"]})
    other = (await post.sends(DELIVERED, message_id="msg_2")).json()
    assert other["status"] == "accepted"
    states = sorted(row["state"] for row in await post.rows("calcom_events"))
    assert states == ["duplicate", "kept", "kept"]


async def test_the_standards_own_header_names_are_known_too(post: Post) -> None:
    named = {name.replace("svix", "webhook"): value for name, value in headers(DELIVERED, "msg_1", SECRET).items()}
    assert (await post.client.post("/webhooks/resend", content=DELIVERED, headers=named)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"svix-signature": ""},
        {"svix-id": ""},
        {"svix-id": "msg_2"},
        {"svix-id": "m" * 300},
        {"svix-timestamp": "yesterday"},
        {"svix-timestamp": "nan"},
        {"svix-timestamp": "1"},
        {"svix-signature": "v1,not Base64 at all"},
        {"svix-signature": "without a comma"},
        {"svix-signature": "v1,,"},
        {"svix-signature": "v2,c2hvd3Vw"},
    ],
    ids=str,
)
async def test_whatever_is_wrong_with_the_signature_it_is_refused(post: Post, wrong: dict[str, str]) -> None:
    given = headers(DELIVERED, "msg_1", SECRET) | wrong
    answer = await post.client.post("/webhooks/resend", content=DELIVERED, headers=given)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:showup:problem:bad-signature")
    assert await post.rows("calcom_events") == []


@pytest.mark.parametrize("sent_at", [-OLD, OLD], ids=["too old", "from the future"])
async def test_a_signature_is_good_for_five_minutes(post: Post, sent_at: timedelta) -> None:
    given = headers(DELIVERED, "msg_1", SECRET, datetime.now(UTC) + sent_at)
    assert (await post.client.post("/webhooks/resend", content=DELIVERED, headers=given)).status_code == 401


async def test_anothers_secret_signs_nothing_here_nor_does_a_signature_of_other_bytes(post: Post) -> None:
    assert (await post.sends(DELIVERED, secret=ANOTHER)).status_code == 401
    given = headers(DELIVERED, "msg_1", SECRET)
    changed = DELIVERED.replace(b"mail-1", b"mail-2")
    assert (await post.client.post("/webhooks/resend", content=changed, headers=given)).status_code == 401
    not_utf8 = await post.client.post("/webhooks/resend", content=b"\xff\xfe", headers=given)
    assert not_utf8.status_code == 401


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_é"])
async def test_without_a_secret_that_can_sign_it_says_what_to_set(
    engine: AsyncEngine, workspace: UUID, secret: str | None
) -> None:
    async with client_of(engine, secret=secret) as client:
        answer = await Post(client, engine, workspace).sends(DELIVERED)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "RESEND_WEBHOOK_SECRET" in answer.json()["detail"]


async def test_a_body_that_is_too_large_or_missing_is_refused(post: Post) -> None:
    answer = await post.sends(b" " * (LARGEST_BODY + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:showup:problem:too-large")
    assert (await post.sends(b"")).status_code == 400
    assert await post.rows("calcom_events") == []


async def test_a_stored_connection_is_told_by_its_name_and_speaks_for_its_workspace(
    engine: AsyncEngine, post: Post
) -> None:
    other = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    await connected(engine, post.workspace, "main", {"webhook_secret": SECRET})
    await connected(engine, other, "main", {"webhook_secret": ANOTHER})
    ours = (await post.sends(DELIVERED, name="main")).json()["id"]
    theirs = (await post.sends(DELIVERED, name="main", secret=ANOTHER)).json()["id"]
    assert (await post.event(UUID(ours)))["workspace_id"] == post.workspace
    event = await post.event(UUID(theirs))
    assert (event["workspace_id"], event["actor"]) == (other, "resend:main")
    assert (await post.sends(DELIVERED, name="nobody")).status_code == 404
    assert (await post.sends(DELIVERED, name="%00")).status_code == 404


async def test_as_it_is_served_it_reads_no_more_than_it_takes(engine: AsyncEngine, post: Post) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(2 * LARGEST_BODY // 65_536):
            yield b" " * 65_536

    keeper = Keeper(engine)
    door = WebhookDoor(NoAccounts(), keeper, system_clock, fallback=app_of(engine))
    async with served(door) as port, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        heard = await Post(client, engine, post.workspace).sends(DELIVERED)
        assert (heard.status_code, heard.json()["status"]) == (200, "accepted")
        endless = await client.post("/webhooks/resend", content=pieces())
        assert endless.status_code == 413
        assert (await client.get("/webhooks/resend")).status_code == 405


async def test_the_same_sent_at_once_is_kept_once(post: Post) -> None:
    answers = await asyncio.gather(*(post.sends(DELIVERED, message_id="msg_1") for _ in range(5)))
    said = sorted(answer.json()["status"] for answer in answers)
    assert said == ["accepted", *["duplicate"] * 4]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_workspaces_that_share_an_account_each_hear_of_their_own_mails(engine: AsyncEngine, post: Post) -> None:
    other = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    for whose in (post.workspace, other):
        await connected(engine, whose, "main", {"webhook_secret": SECRET})
    theirs, ours = await post.sent(mail_id="mail-1", workspace=other), await post.sent(mail_id="mail-2")
    for _ in range(2):
        await post.sends(DELIVERED, name="main", message_id="msg_1")
    await post.applied()
    assert (await post.feedback(theirs))[0] == "delivered"
    assert (await post.feedback(ours))[0] is None
    assert len(await post.rows("calcom_events", duplicate_of=None)) == 2


@pytest.mark.parametrize("credentials", [None, {}, {"webhook_secret": ""}, {"webhook_secret": 7}], ids=str)
async def test_a_connection_without_a_secret_says_so(engine: AsyncEngine, post: Post, credentials: Any) -> None:
    await connected(engine, post.workspace, "main", credentials)
    answer = await post.sends(DELIVERED, name="main")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:showup:problem:no-mail-secret")
