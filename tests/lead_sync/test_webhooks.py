"""CA1: EmailBison's webhooks come to a secret path, are stored before the response, and are believed in nothing.

"Webhook signature verification" of seed 002 is here the check of the secret, because EmailBison signs nothing.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from showup.access import webhook_tokens_store
from showup.database.engine import transaction
from showup.events.translation import Ignored, Translated, Unreadable
from showup.sources.emailbison.translate import translate
from showup.web.http.body_limits import MAX_WEBHOOK_BYTES
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.destinations.fake_vendors.emailbison_workspace import FakeLead, webhook_body
from tests.lead_sync.conftest import FOUNDERS
from tests.lead_sync.scenario import SEAL, HookedEmailBison, LeadSyncScenario

REPLIED = "LEAD_REPLIED"


@pytest.fixture
def ann(fake: FakeEmailBison) -> FakeLead:
    return fake.workspace.add_lead("ann@acme.example", [FOUNDERS])


async def report_and_sync(bison: LeadSyncScenario, token: str, event: str, data: dict[str, Any]) -> None:
    response = await bison.report(token, event, data)
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    await bison.sync()


class TestWebhookSignatureVerification:
    async def test_valid_secret_is_accepted(self, bison: LeadSyncScenario) -> None:
        response = await bison.post(await bison.token(), b'{"event": {"type": "EMAIL_SENT"}, "data": {}}')
        assert (response.status_code, response.json()["status"]) == (200, "accepted")

    async def test_valid_signature_returns_true_and_invalid_signature_returns_false(
        self, bison: LeadSyncScenario
    ) -> None:
        """Under these names in the seed: whether the secret is one of the connection's."""
        token = await bison.token()
        wrong = f"{token[:32]}{token[:31:-1]}"
        asked = (("emailbison", token), ("emailbison", token[::-1]), ("slack", token), ("emailbison", wrong))
        async with transaction(bison.engine) as tx:
            found = [
                await webhook_tokens_store.find_owner(tx, SEAL, kind=kind, token=one, now=bison.clock())
                for kind, one in asked
            ]
        assert [one and (one.workspace_id == bison.workspace, one.is_valid) for one in found] == [
            (True, True),
            None,
            None,
            (True, False),
        ]


class TestErrorScenario3InvalidWebhookSignature:
    async def test_it_is_answered_like_an_unknown_path_and_counted(self, bison: LeadSyncScenario) -> None:
        """Refused, logged, counted for `showup doctor`, and reported if repeated."""
        token = await bison.token()
        unknown = await bison.web.post("/webhooks/emailbison", content=b"{}")
        wrong = (
            "x",
            token[:-1],
            f"{token}x",
            f"{token[:-1]}é",
            token[:-1] + "_-"[token[-1] == "_"],
            "0" * len(token),
            "%00",
        )
        for one in wrong:
            response = await bison.post(one, b'{"event": {"type": "LEAD_REPLIED"}}')
            assert (response.status_code, response.content) == (404, unknown.content), one
            assert set(response.headers) == set(unknown.headers)
        assert await bison.table("inbox_events") == []
        await bison.signature_alert.wait_until_sent()
        refused = {
            (row["kind"], row["name"], row["reason"]): row["count"] for row in await bison.table("webhook_refusals")
        }
        assert refused == {
            ("emailbison", "", "unknown_name"): len(wrong) - 1,
            ("emailbison", "emailbison:main", "wrong_signature"): 1,
        }


class TestSecrets:
    async def test_an_old_secret_ends_after_a_day(self, bison: LeadSyncScenario) -> None:
        old = await bison.token()
        new = await bison.token()
        async with transaction(bison.engine) as tx:
            await webhook_tokens_store.expire_older(tx, SEAL, bison.connection_id, new, bison.clock())
        content = [json.dumps(webhook_body("EMAIL_SENT", {"n": number})).encode() for number in range(3)]
        assert (await bison.post(old, content[0])).status_code == 200
        await bison.wait(days=1)
        assert (await bison.post(old, content[1])).status_code == 404
        assert (await bison.post(new, content[2])).status_code == 200

    async def test_a_removed_connection_accepts_nothing(self, bison: LeadSyncScenario) -> None:
        token = await bison.token()
        await bison.disconnect()
        assert (await bison.post(token, b"{}")).status_code == 404
        assert await bison.table("webhook_tokens") == []

    async def test_secrets_are_encrypted(self, bison: LeadSyncScenario) -> None:
        token = await bison.token()
        [row] = await bison.table("webhook_tokens")
        assert token[32:].encode() not in row["secrets"]


class TestStoredBeforeTheResponse:
    async def test_exact_bytes_with_their_source(self, bison: LeadSyncScenario, ann: FakeLead) -> None:
        content = json.dumps(webhook_body(REPLIED, {"lead": ann.shown()})).encode() + b" \n"
        response = await bison.post(await bison.token(), content)
        [row] = await bison.table("inbox_events")
        assert (str(row["id"]), row["body"], row["source"], row["actor"], row["state"]) == (
            response.json()["id"],
            content,
            "emailbison",
            "emailbison:main",
            "pending",
        )

    async def test_a_repetition_is_a_duplicate_until_the_next_day(self, bison: LeadSyncScenario, ann: FakeLead) -> None:
        token, content = await bison.token(), json.dumps(webhook_body(REPLIED, {"lead": ann.shown()})).encode()
        statuses = [(await bison.post(token, content)).json()["status"] for _ in range(2)]
        await bison.wait(days=1)
        statuses.append((await bison.post(token, content)).json()["status"])
        assert statuses == ["accepted", "duplicate", "accepted"]

    async def test_a_body_may_have_a_size_and_must_not_be_empty(self, bison: LeadSyncScenario) -> None:
        token = await bison.token()
        assert (await bison.post(token, b"x" * (MAX_WEBHOOK_BYTES + 1))).status_code == 413
        assert (await bison.post(token, b"")).status_code == 400
        assert await bison.table("inbox_events") == []

    async def test_nothing_is_lost_between_the_response_and_the_reading(
        self, bison: LeadSyncScenario, fake: FakeEmailBison, ann: FakeLead
    ) -> None:
        """The process ends after the response, then after the webhook was applied, then while EmailBison is asked."""
        await bison.sync()
        fake.workspace.reply(ann, FOUNDERS, bison.clock(), interested=True)
        await bison.post(await bison.token(), json.dumps(webhook_body(REPLIED, {"lead": ann.shown()})).encode())
        assert await bison.table("reported_leads") == []
        await bison.apply()
        assert [row["lead"] for row in await bison.table("reported_leads")] == ["1"]
        fake.faults.queue(None, None, "reset")
        await bison.sync()
        assert [row["lead"] for row in await bison.table("reported_leads")] == ["1"]
        assert (await bison.state()).reported == 1
        await bison.wait(minutes=1)
        await bison.sync()
        assert await bison.table("reported_leads") == []
        assert (await bison.memberships())[0][3:5] == (True, True)


class TestReadBack:
    async def test_what_a_webhook_says_counts_only_if_the_api_says_it(
        self, bison: LeadSyncScenario, ann: FakeLead
    ) -> None:
        await bison.sync()
        lie = ann.shown() | {"email": "liar@evil.example", "status": "unsubscribed"}
        await report_and_sync(bison, await bison.token(), "LEAD_UNSUBSCRIBED", {"lead": lie})
        assert await bison.memberships() == [("ann@acme.example", FOUNDERS, 1, False, False, None, False, False)]

    async def test_each_event_is_read_within_the_next_minute(
        self, bison: LeadSyncScenario, fake: FakeEmailBison
    ) -> None:
        events = ("EMAIL_BOUNCED", "LEAD_INTERESTED", REPLIED, "LEAD_UNSUBSCRIBED")
        leads = {event: fake.workspace.add_lead(f"{event.lower()}@acme.example", [FOUNDERS]) for event in events}
        await bison.sync()
        now = bison.clock() + timedelta(seconds=30)
        fake.workspace.reply(leads["EMAIL_BOUNCED"], FOUNDERS, now, folder="Bounced", type="Bounced")
        fake.workspace.reply(leads["LEAD_INTERESTED"], FOUNDERS, now, interested=True)
        fake.workspace.reply(leads[REPLIED], FOUNDERS, now)
        fake.workspace.unsubscribe(leads["LEAD_UNSUBSCRIBED"], now)
        token = await bison.token()
        for event, lead in leads.items():
            await bison.report(token, event, {"lead": lead.shown()})
        bison.asked()
        await bison.sync()
        assert bison.asked()[:3] == ["GET /users", "GET /leads/1", "GET /leads/1/replies"]
        # Replied, interested, when, bounced, unsubscribed.
        assert [row[3:] for row in await bison.memberships()] == [
            (False, False, None, True, False),
            (True, True, now, False, False),
            (True, False, None, False, False),
            (False, False, None, False, True),
        ]

    async def test_a_lead_that_emailbison_does_not_know(self, bison: LeadSyncScenario) -> None:
        await bison.sync()
        await report_and_sync(bison, await bison.token(), REPLIED, {"lead": {"id": 999}})
        assert ((await bison.state()).available, (await bison.state()).reported) == (True, 0)

    async def test_a_lead_by_its_address(self, bison: LeadSyncScenario, fake: FakeEmailBison, ann: FakeLead) -> None:
        await bison.sync()
        fake.workspace.reply(ann, FOUNDERS, bison.clock())
        await report_and_sync(bison, await bison.token(), REPLIED, {"lead": {"email": "ANN@acme.example"}})
        assert (await bison.memberships())[0][3] is True

    async def test_a_body_that_says_nothing_is_stored(self, bison: LeadSyncScenario) -> None:
        token = await bison.token()
        for body in (b"no json", b'{"event": {"type": "EMAIL_OPENED"}, "data": {"lead": {"id": 1}}}'):
            assert (await bison.post(token, body)).status_code == 200
        await bison.apply()
        assert {row["state"] for row in await bison.table("inbox_events")} == {"unreadable", "ignored"}
        assert await bison.table("reported_leads") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", Unreadable),
        (b"[" * 50_000, Unreadable),
        (b"\xff", Unreadable),
        (b'{"event": {"type": 7}}', Unreadable),
        (b'{"event": {"type": "LEAD_REPLIED"}, "data": {"lead": {"id": 1e400}}}', Unreadable),
        (b'{"event": {"type": "EMAIL_ACCOUNT_ADDED"}, "data": {}}', Ignored),
        (b'{"event": {"type": "LEAD_REPLIED"}, "data": {"lead": [1]}}', Ignored),
        (b'{"event": {"type": "LEAD_REPLIED"}, "data": {"lead": {"id": true}}}', Ignored),
        (b'{"event": {"type": "LEAD_REPLIED"}, "data": {"lead": {"id": -1, "email": "a\\u0000b@c.d"}}}', Ignored),
        (b'{"event": {"type": "LEAD_REPLIED"}, "data": {"lead": {"id": 7}}}', Translated),
    ],
)
def test_bodies_are_read_or_refused(body: bytes, expected: type) -> None:
    assert type(translate(body)) is expected


async def test_a_webhook_of_one_workspace_changes_no_other(
    bison: LeadSyncScenario, other: LeadSyncScenario, fake: FakeEmailBison, ann: FakeLead
) -> None:
    """Both read the same EmailBison; each token opens one workspace."""
    for one in (bison, other):
        await one.sync()
    fake.workspace.reply(ann, FOUNDERS, bison.clock())
    await other.report(await other.token(), REPLIED, {"lead": ann.shown()})
    assert (await bison.table("inbox_events"), await bison.table("reported_leads")) == ([], [])
    assert len(await other.table("reported_leads")) == 1
    for one in (bison, other):
        await one.sync()
    assert [(await one.memberships())[0][3] for one in (bison, other)] == [False, True]


async def test_a_report_during_a_sync_makes_it_due_again(
    bison: LeadSyncScenario, fake: HookedEmailBison, ann: FakeLead
) -> None:
    """Else it would wait for a quarter of an hour."""
    token, loop = await bison.token(), asyncio.get_running_loop()

    def report() -> None:
        fake.before_leads = None
        asyncio.run_coroutine_threadsafe(bison.report(token, REPLIED, {"lead": ann.shown()}), loop).result(timeout=30)

    fake.before_leads = report
    await bison.sync()
    state = await bison.state()
    assert (state.available, state.reported, state.next_at) == (True, 1, bison.clock())
    await bison.sync()
    assert (await bison.state()).reported == 0
