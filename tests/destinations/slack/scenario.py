"""A team that receives its bookings in Slack, and a CRM that may ask it to choose a record.

The CRM follows the test's script; Slack is the fake one, and all of Showup is real.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.assistant.tool_context import AssistantServices
from showup.connections.setup import ConnectionSpec, set_up
from showup.container import event_handlers
from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Candidate, NeedsAnswer, Question
from showup.destinations.slack.health import KIND
from showup.inbox.apply import apply_pending
from showup.outbox.subscriptions import subscribe
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.middleware import with_middleware
from tests.deliveries.scenario import FakeDestination
from tests.destinations.connected_scenario import ConnectedScenario, destination_context
from tests.destinations.fake_vendors.slack import CHANNEL, SIGNING_SECRET, TOKEN, FakeSlack, Message
from tests.destinations.fake_vendors.slack_interactions import press, signed
from tests.histories.webhooks import MONDAY, attendee, body, payload

KEY = "an admin key of this test"
ACTIONS = "/webhooks/slack/actions"
START = MONDAY + timedelta(days=5)
SARAH = attendee("sarah@acme.example", "Sarah Chen")
QUESTIONS = ["record.choose", "record.chosen"]
CANDIDATES = (
    Candidate(record="86a", name="Sarah Chen", url="https://app.clickup.com/t/86a", because="the same name"),
    Candidate(record="86b", name="S. Chen <Globex>", because="the same last name and first initial"),
)
SEAL = Seal(["a key for tests"])


def booked(uid: str = "one", number: int = 1, **more: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, [SARAH], **more))


class SlackScenario(ConnectedScenario):
    """Only a test moves its clock."""

    def __init__(
        self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, slack: FakeSlack
    ) -> None:
        super().__init__(engine, workspace, account, client)
        self.slack = slack
        self.crm = FakeDestination()
        self._destinations["clickup"] = self.crm
        app = create_app(
            engine=engine,
            clock=self.clock,
            admin_key=KEY,
            version="0",
            mail_secrets=MailSecrets(seal=SEAL),
            event_handlers=event_handlers(),
        )
        self.assistant: AssistantServices = app.state.showup.assistant
        self._transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))

    def http_client(self) -> httpx2.AsyncClient:
        """An HTTP client with an API key."""
        headers = {"Authorization": f"Bearer {KEY}"}
        return httpx2.AsyncClient(transport=self._transport, base_url="http://showup.example", headers=headers)

    async def connect_slack(self, *, secret: str | None = SIGNING_SECRET, **settings: Any) -> None:
        """Stores the connection and subscribes it, as a command or the environment does."""
        connection_settings = {"api_url": self.slack.url, "channel": CHANNEL, "notices": QUESTIONS, **settings}
        credentials = {"bot_token": TOKEN} | ({} if secret is None else {"signing_secret": secret})
        requested = ConnectionSpec(
            workspace_id=self.workspace,
            kind="slack",
            name="environment",
            settings=connection_settings,
            credentials=credentials,
        )
        async with transaction(self.engine) as tx:
            await set_up(tx, SEAL, requested, self.now)
        self._destinations["slack"] = KIND.build(
            KIND.parse_settings(connection_settings), credentials, destination_context(self._client, self.clock)
        )

    async def raise_question(self) -> None:
        """Receives a booking for which the CRM needs an answer."""
        async with transaction(self.engine) as tx:
            await subscribe(await driver_connection(tx), self.workspace, "clickup", ["booking.created"], self.now)
        question = Question(candidates=CANDIDATES, until=self.now + timedelta(hours=4))
        self.crm.outcomes.append(NeedsAnswer(because="nobody there has this email", question=question))
        await self.receive(booked())
        await self.deliver_due()

    async def question_message(self) -> Message:
        """Raises a question, and returns its message in Slack."""
        await self.raise_question()
        (message,) = self.slack.messages()
        return message

    async def press_button(
        self, message: Message, action: str, *, user: dict[str, Any] | None = None
    ) -> httpx2.Response:
        """Presses a button of the message, and applies the stored command."""
        return await self.send_interaction(press(message, action, self.now, user))

    async def send_interaction(self, content: bytes, **headers: str) -> httpx2.Response:
        async with self.http_client() as client:
            response = await client.post(ACTIONS, content=content, headers=signed(content, self.now) | headers)
        await self.apply_events()
        return response

    async def apply_events(self) -> None:
        while await apply_pending(self.engine, self.workspace, self.clock, event_handlers()):
            pass

    async def crm_row(self) -> dict[str, Any]:
        (row,) = await self.rows(destination="clickup")
        return row

    async def command_log(self) -> list[dict[str, Any]]:
        """Returns the commands in the log, in the order of arrival."""
        found = tables.inbox_events
        query = select(found).where(found.c.origin == "manual").order_by(found.c.received_at, found.c.id)
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]
