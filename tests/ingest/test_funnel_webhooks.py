"""Seed 002 on the funnel: its integration tests of webhooks, and error scenario 3."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from structlog.testing import capture_logs

from showup.clock import system_clock
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import body, payload
from tests.ingest.conftest import WebhookSender

LEAD = "lead@acme.example"
NUMBER = 12345
BOOKED_AT = (system_clock() - timedelta(days=2)).replace(microsecond=0)
START = BOOKED_AT + timedelta(days=1)
CREATED = body("BOOKING_CREATED", BOOKED_AT, payload("uid-lead", NUMBER, START, [LEAD]))


def meeting_ended(*, attended: bool) -> bytes:
    """Returns the webhook of seed 002, which has only the booking's number."""
    content = {"bookingId": NUMBER, "eventTypeId": 678, "attendees": [{"email": LEAD, "attended": attended}]}
    at = START + timedelta(minutes=30)
    envelope = {"triggerEvent": "meeting.ended", "createdAt": at.isoformat(), "payload": content}
    return json.dumps(envelope).encode()


@pytest.fixture
async def scenario(sender: WebhookSender, workspace: UUID, tmp_path: Path) -> CampaignScenario:
    account = IncomingEvent(
        account_id=await sender.account(), workspace_id=workspace, body=b"", received_at=system_clock()
    )
    scenario = CampaignScenario(sender.engine, account, tmp_path)
    await scenario.import_rows("Founders", [{"email": LEAD, "emails_sent": "4", "interested": "true"}])
    return scenario


@pytest.fixture
async def client(scenario: CampaignScenario) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_api(scenario.engine, system_clock) as client:
        yield client


async def read(scenario: CampaignScenario, client: httpx2.AsyncClient) -> dict[str, Any]:
    """Returns the funnel once all events are applied."""
    while await apply_pending(scenario.engine, scenario.workspace, system_clock, {}):
        pass
    return await get(client, "/api/funnel")


async def test_full_flow_booking_match_update_funnel(
    sender: WebhookSender, scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    empty = await read(scenario, client)
    assert (empty["sent"], empty["interested"], empty["booked"], empty["booking_rate"]) == (4, 1, 0, 0.0)
    assert (await sender.send(CREATED)).status_code == 200
    booked = await read(scenario, client)
    assert (booked["booked"], booked["showed"], booked["booking_rate"], booked["show_rate"]) == (1, 0, 100.0, 0.0)
    assert (await sender.send(meeting_ended(attended=True))).status_code == 200
    showed = await read(scenario, client)
    assert (showed["showed"], showed["show_rate"], showed["roi"]) == (1, 100.0, 25.0)
    assert showed["held_rate"]["rate"] == 100.0
    listed = await get(client, f"/api/clients/{scenario.workspace}/bookings")
    assert [(one["campaign_name"], one["lead_email"], one["showed_up"]) for one in listed["bookings"]] == [
        ("Founders", LEAD, True)
    ]
    assert listed["summary"]["show_rate"] == 100.0


@pytest.mark.parametrize(("secret", "status", "booked"), [(None, 200, 1), ("wrong", 401, 0)])
async def test_webhook_endpoint_with_valid_and_invalid_signatures(
    sender: WebhookSender,
    scenario: CampaignScenario,
    client: httpx2.AsyncClient,
    secret: str | None,
    status: int,
    booked: int,
) -> None:
    sent = await sender.send(CREATED, path="/api/webhooks/calcom", **({} if secret is None else {"secret": secret}))
    assert sent.status_code == status
    assert (await read(scenario, client))["booked"] == booked


async def test_error_scenario_3_invalid_webhook_signature(
    sender: WebhookSender, scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    """A forged attendance is refused and logged, and nobody sees an effect; test_signature_alert.py has the alert."""
    await sender.send(CREATED)
    before = await read(scenario, client)
    with capture_logs() as logs:
        forged = await sender.send(meeting_ended(attended=True), secret="forged")
    assert forged.status_code == 401
    assert [one["log_level"] for one in logs if "signature" in one["event"]] == ["warning"]
    after = await read(scenario, client)
    assert after | {"as_of": None} == before | {"as_of": None}
