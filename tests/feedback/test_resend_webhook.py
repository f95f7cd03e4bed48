"""TE9: Resend's webhooks need a valid signature, and are stored once, before the response."""

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
from showup.inbox.ingest_writer import IngestWriter
from showup.web.http.body_limits import MAX_WEBHOOK_BYTES
from showup.web.webhooks.calcom import WebhookEndpoint
from tests.feedback.conftest import (
    KEY,
    OTHER_SECRET,
    SECRET,
    ResendScenario,
    make_app,
    make_client,
    signed_headers,
    webhook_body,
)
from tests.ingest.conftest import serve_endpoint


class NoAccounts:
    """An account store without Cal.com accounts."""

    async def find(self, _name: str | None, *, is_second_try: bool = False) -> None:  # noqa: ARG002
        return None


DELIVERED = webhook_body("email.delivered", email_id="mail-1")
TOO_OLD = timedelta(minutes=6)


async def connect_resend(engine: AsyncEngine, workspace_id: UUID, name: str, credentials: Any) -> None:
    async with transaction(engine) as tx:
        await connections_store.upsert(
            tx,
            Seal.from_setting(KEY),
            workspace_id=workspace_id,
            kind="resend",
            name=name,
            settings={},
            credentials=credentials,
        )


async def test_the_exact_bytes_are_stored_before_the_response(resend: ResendScenario) -> None:
    content = DELIVERED + b"\n "
    response = await resend.send_webhook(content, message_id="msg_1")
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    stored = await resend.event(UUID(response.json()["id"]))
    assert (stored["body"], stored["source_id"], stored["source"], stored["actor"]) == (
        content,
        "msg_1",
        "resend",
        "resend",
    )
    assert (stored["workspace_id"], stored["state"]) == (resend.workspace, "pending")


async def test_a_repeated_message_is_a_duplicate(resend: ResendScenario) -> None:
    first = (await resend.send_webhook(DELIVERED, message_id="msg_1")).json()
    second = await resend.send_webhook(DELIVERED, message_id="msg_1")
    assert (second.status_code, second.json()) == (200, {"status": "duplicate", "id": first["id"]})
    other = (await resend.send_webhook(DELIVERED, message_id="msg_2")).json()
    assert other["status"] == "accepted"
    states = sorted(row["state"] for row in await resend.rows("inbox_events"))
    assert states == ["duplicate", "pending", "pending"]


async def test_standard_webhooks_header_names_are_accepted(resend: ResendScenario) -> None:
    renamed_headers = {
        name.replace("svix", "webhook"): value for name, value in signed_headers(DELIVERED, "msg_1", SECRET).items()
    }
    assert (await resend.client.post("/webhooks/resend", content=DELIVERED, headers=renamed_headers)).status_code == 200


@pytest.mark.parametrize(
    "overrides",
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
async def test_an_invalid_signature_is_refused(resend: ResendScenario, overrides: dict[str, str]) -> None:
    request_headers = signed_headers(DELIVERED, "msg_1", SECRET) | overrides
    response = await resend.client.post("/webhooks/resend", content=DELIVERED, headers=request_headers)
    problem = "bad-signature" if request_headers["svix-signature"] else "no-signature"
    assert (response.status_code, response.json()["type"]) == (401, f"urn:showup:problem:{problem}")
    assert await resend.rows("inbox_events") == []


@pytest.mark.parametrize("sent_at", [-TOO_OLD, TOO_OLD], ids=["too old", "from the future"])
async def test_a_signature_is_valid_for_five_minutes(resend: ResendScenario, sent_at: timedelta) -> None:
    request_headers = signed_headers(DELIVERED, "msg_1", SECRET, datetime.now(UTC) + sent_at)
    assert (await resend.client.post("/webhooks/resend", content=DELIVERED, headers=request_headers)).status_code == 401


async def test_other_secrets_and_signatures_of_other_bytes_are_refused(resend: ResendScenario) -> None:
    assert (await resend.send_webhook(DELIVERED, secret=OTHER_SECRET)).status_code == 401
    request_headers = signed_headers(DELIVERED, "msg_1", SECRET)
    changed = DELIVERED.replace(b"mail-1", b"mail-2")
    assert (await resend.client.post("/webhooks/resend", content=changed, headers=request_headers)).status_code == 401
    not_utf8 = await resend.client.post("/webhooks/resend", content=b"\xff\xfe", headers=request_headers)
    assert not_utf8.status_code == 401


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_é"])
async def test_a_missing_or_invalid_secret_names_the_setting(
    engine: AsyncEngine, workspace: UUID, secret: str | None
) -> None:
    async with make_client(engine, secret=secret) as client:
        response = await ResendScenario(client, engine, workspace).send_webhook(DELIVERED)
    assert (response.status_code, response.headers["retry-after"]) == (503, "10")
    assert "RESEND_WEBHOOK_SECRET" in response.json()["detail"]


async def test_a_missing_or_too_large_body_is_refused(resend: ResendScenario) -> None:
    response = await resend.send_webhook(b" " * (MAX_WEBHOOK_BYTES + 1))
    assert (response.status_code, response.json()["type"]) == (413, "urn:showup:problem:too-large")
    assert (await resend.send_webhook(b"")).status_code == 400
    assert await resend.rows("inbox_events") == []


async def test_a_stored_connection_is_found_by_name_and_has_its_own_workspace(
    engine: AsyncEngine, resend: ResendScenario
) -> None:
    other = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    await connect_resend(engine, resend.workspace, "main", {"webhook_secret": SECRET})
    await connect_resend(engine, other, "main", {"webhook_secret": OTHER_SECRET})
    ours = (await resend.send_webhook(DELIVERED, name="main")).json()["id"]
    theirs = (await resend.send_webhook(DELIVERED, name="main", secret=OTHER_SECRET)).json()["id"]
    assert (await resend.event(UUID(ours)))["workspace_id"] == resend.workspace
    event = await resend.event(UUID(theirs))
    assert (event["workspace_id"], event["actor"]) == (other, "resend:main")
    assert (await resend.send_webhook(DELIVERED, name="nobody")).status_code == 401
    assert (await resend.send_webhook(DELIVERED, name="%00")).status_code == 401


async def test_the_server_stops_reading_too_large_bodies(engine: AsyncEngine, resend: ResendScenario) -> None:
    async def body_chunks() -> AsyncIterator[bytes]:
        for _ in range(2 * MAX_WEBHOOK_BYTES // 65_536):
            yield b" " * 65_536

    writer = IngestWriter(engine)
    endpoint = WebhookEndpoint(NoAccounts(), writer, system_clock, fallback=make_app(engine))
    async with (
        serve_endpoint(endpoint) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        accepted = await ResendScenario(client, engine, resend.workspace).send_webhook(DELIVERED)
        assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
        too_large = await client.post("/webhooks/resend", content=body_chunks())
        assert too_large.status_code == 413
        assert (await client.get("/webhooks/resend")).status_code == 405


async def test_concurrent_duplicates_are_stored_once(resend: ResendScenario) -> None:
    responses = await asyncio.gather(*(resend.send_webhook(DELIVERED, message_id="msg_1") for _ in range(5)))
    statuses = sorted(response.json()["status"] for response in responses)
    assert statuses == ["accepted", *["duplicate"] * 4]
    assert len({response.json()["id"] for response in responses}) == 1


async def test_workspaces_sharing_an_account_get_their_own_feedback(
    engine: AsyncEngine, resend: ResendScenario
) -> None:
    other = uuid4()
    async with transaction(engine) as tx:
        await tx.execute(insert(tables.workspaces).values(id=other, slug="other", name="Other"))
    for workspace_id in (resend.workspace, other):
        await connect_resend(engine, workspace_id, "main", {"webhook_secret": SECRET})
    theirs, ours = await resend.add_mail(mail_id="mail-1", workspace=other), await resend.add_mail(mail_id="mail-2")
    for _ in range(2):
        await resend.send_webhook(DELIVERED, name="main", message_id="msg_1")
    await resend.apply_events()
    assert (await resend.feedback(theirs))[0] == "delivered"
    assert (await resend.feedback(ours))[0] is None
    assert len(await resend.rows("inbox_events", duplicate_of=None)) == 2


@pytest.mark.parametrize("credentials", [None, {}, {"webhook_secret": ""}, {"webhook_secret": 7}], ids=str)
async def test_a_connection_without_a_secret_reports_it(
    engine: AsyncEngine, resend: ResendScenario, credentials: Any
) -> None:
    await connect_resend(engine, resend.workspace, "main", credentials)
    response = await resend.send_webhook(DELIVERED, name="main")
    assert (response.status_code, response.json()["type"]) == (503, "urn:showup:problem:no-mail-secret")
