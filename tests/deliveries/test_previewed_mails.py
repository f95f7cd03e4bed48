"""M10, TE3: a mail that is only kept in the mail preview is `previewed`, and nothing counts it as sent."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.permission import Permission
from showup.container import event_handlers
from showup.database.engine import transaction
from showup.destinations.contract import Delivered
from showup.destinations.email.destination import EmailDestination, Mail, MailPreview
from showup.destinations.email.render import TemplateMailRenderer
from showup.destinations.email.settings import SenderRule
from showup.destinations.email.templates import Templates
from showup.dispatch.preparation import ConnectedQueue
from showup.outbox.delivery import DestinationQueue
from showup.pipeline.rules import Rules
from showup.reads.follow_ups import count_follow_ups
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.deliveries.scenario import PACE, DeliveryScenario
from tests.histories.webhooks import MONDAY, body, no_show_body, payload

KEY = "an admin key of this test"
ANN = "ann@acme.example"
START = MONDAY + timedelta(days=5)
_TEMPLATES = Templates()


class Mailbox(MailPreview):
    """Mail that has been configured: it accepts every mail, as Resend does."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, delivery_id: UUID, mail: Mail) -> Delivered:
        self.mails.append(mail)
        return Delivered(provider="resend", reference=str(delivery_id))


class UnconfiguredScenario(DeliveryScenario):
    """A workspace without mail, until the test configures it."""

    def __init__(self, engine: AsyncEngine, workspace: UUID, account: UUID) -> None:
        super().__init__(engine, workspace, account)
        self.mailbox = Mailbox()
        self._transport, self._sender = MailPreview(), "preview@showup.example"

    def configure_mail(self) -> None:
        self._transport, self._sender = self.mailbox, "team@seller.example"

    async def resolve(self, queue: DestinationQueue) -> ConnectedQueue:
        renderer = TemplateMailRenderer(
            templates=_TEMPLATES, senders=[SenderRule(address=self._sender)], clock=lambda: self.now
        )
        destination = EmailDestination(renderer, self._transport, pace=PACE)
        return ConnectedQueue(queue=queue, workspace="default", destination=destination)


@pytest.fixture
def scenario(engine: AsyncEngine, workspace: UUID, account: UUID) -> UnconfiguredScenario:
    return UnconfiguredScenario(engine, workspace, account)


@pytest.fixture
async def client(scenario: UnconfiguredScenario) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(
        engine=scenario.engine, clock=scenario.clock, admin_key=KEY, version="0", event_handlers=event_handlers()
    )
    transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://showup.example", headers=headers) as client:
        yield client


def booked(uid: str = "one", number: int = 1) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [ANN]))


async def receive_no_show(scenario: DeliveryScenario, uid: str, number: int) -> None:
    start = scenario.now - timedelta(hours=1)
    await scenario.receive(body("BOOKING_CREATED", start - timedelta(hours=1), payload(uid, number, start, [ANN])))
    await scenario.receive(no_show_body(uid, scenario.now, ANN, absent=True))


async def sent_follow_ups(scenario: DeliveryScenario) -> dict[str, Any]:
    async with transaction(scenario.engine) as tx:
        return await count_follow_ups(tx, Permission(actor="test", scope="admin", workspace_id=scenario.workspace))


async def test_m10_a_mail_in_the_preview_is_previewed_and_never_delivered(
    scenario: UnconfiguredScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    (item,) = (await client.get("/api/deliveries?state=previewed")).json()["items"]
    assert (item["kind"], item["provider"], item["delivered_at"]) == ("confirmation", "mail_preview", None)
    assert item["because"] == "stored in the mail preview, not sent"
    assert (await client.get("/api/deliveries?state=delivered")).json()["items"] == []
    detail = (await client.get(f"/api/deliveries/{item['id']}")).json()
    assert [one["outcome"] for one in detail["attempt_history"]] == ["previewed"]
    (booking,) = (await client.get("/api/bookings")).json()["items"]
    assert booking["notification_sent_at"] is None


async def test_m10_mail_configured_later_sends_a_previewed_mail_only_if_a_person_retries_it(
    scenario: UnconfiguredScenario, client: httpx2.AsyncClient
) -> None:
    """It is rendered again: the preview's sender is not the workspace's."""
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    scenario.configure_mail()
    await scenario.deliver_due(minutes=5)
    assert ((await scenario.row_of("confirmation"))["state"], scenario.mailbox.mails) == ("previewed", [])

    assert (await client.post(f"/api/deliveries/{row['id']}/retry")).status_code == 200
    await scenario.deliver_due(minutes=5)
    row = await scenario.row_of("confirmation")
    assert (row["state"], row["provider"], row["delivered_at"]) == ("delivered", "resend", scenario.now)
    assert [("team@seller.example" in mail.sender, ANN in mail.to) for mail in scenario.mailbox.mails] == [(True, True)]
    assert [outcome for outcome, _ in await scenario.attempts(row["id"])] == ["previewed", "delivered"]


async def test_m10_a_previewed_mail_that_is_out_of_date_is_not_sent(
    scenario: UnconfiguredScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.receive(booked())
    await scenario.deliver_due()
    row = await scenario.row_of("confirmation")
    scenario.configure_mail()
    await scenario.receive(
        body("BOOKING_CANCELLED", MONDAY + timedelta(minutes=1), payload("one", 1, START, [ANN], status="CANCELLED"))
    )
    assert (await scenario.row_of("confirmation"))["state"] == "previewed", "what was shown stays shown"
    refused = await client.post(f"/api/deliveries/{row['id']}/retry")
    assert (refused.status_code, "It is no longer needed" in refused.json()["detail"]) == (409, True)


async def test_m10_a_previewed_series_confirms_its_other_dates_too(scenario: UnconfiguredScenario) -> None:
    rule = {"recurringEvent": {"freq": 2, "count": 2, "interval": 1}}
    starts = [START, START + timedelta(days=7)]
    await scenario.receive(
        *(
            body("BOOKING_CREATED", scenario.now, payload(f"date{number}", 10 + number, start, [ANN], **rule))
            for number, start in enumerate(starts)
        )
    )
    for _ in range(10):
        await scenario.deliver_due(seconds=4)
    assert sorted(row["state"] for row in await scenario.rows(kind="series")) == ["previewed", "skipped"]


async def test_m10_a_previewed_follow_up_is_not_counted_and_holds_up_no_real_one(
    scenario: UnconfiguredScenario,
) -> None:
    await scenario.set_rules(Rules(follow_up=True))
    await receive_no_show(scenario, "one", 1)
    await scenario.deliver_due(hours=6)
    assert [row["state"] for row in await scenario.rows(kind="no_show")] == ["previewed"]
    assert (await sent_follow_ups(scenario))["sent"] == 0
    scenario.configure_mail()
    await receive_no_show(scenario, "two", 2)
    await scenario.deliver_due(hours=6)
    assert sorted(row["state"] for row in await scenario.rows(kind="no_show")) == ["delivered", "previewed"]
    assert (await sent_follow_ups(scenario))["sent"] == 1
