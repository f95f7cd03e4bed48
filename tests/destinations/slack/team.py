"""A team that hears of its bookings in Slack, and a CRM that may ask it which record is meant.

The CRM does what the test's script says; Slack is the loopback one, and everything of ours is real.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.secrets_at_rest import Seal
from showup.database import tables
from showup.database.engine import raw, transaction
from showup.deliveries.setting_up import Wanted, set_up
from showup.deliveries.subscribing import subscribe
from showup.destinations.contract import Asks, Candidate, Question
from showup.destinations.slack.connect import KIND
from showup.inbox.apply import apply_some
from showup.web.app import create_app
from showup.web.every_answer import completed
from showup.web.ground import Mailing
from tests.deliveries.post import Far
from tests.destinations.far.slack import CHANNEL, SIGNING_SECRET, TOKEN, FarSlack, Message
from tests.destinations.far.slack_press import press, signed
from tests.destinations.wired import Wired, outfit
from tests.stories.webhooks import MONDAY, attendee, body, payload

KEY = "an admin key of this test"
ACTIONS = "/webhooks/slack/actions"
START = MONDAY + timedelta(days=5)
SARAH = {"attendees": [attendee("sarah@acme.example", "Sarah Chen")]}
QUESTIONS = ["record.choose", "record.chosen"]
CANDIDATES = (
    Candidate(record="86a", name="Sarah Chen", url="https://app.clickup.com/t/86a", because="the same name"),
    Candidate(record="86b", name="S. Chen <Globex>", because="the same last name and initial"),
)
SEAL = Seal(["a key for tests"])


def booked(uid: str = "one", number: int = 1, **more: Any) -> bytes:
    return body("BOOKING_CREATED", MONDAY, payload(uid, number, START, ["sarah@acme.example"], **SARAH | more))


class Team(Wired):
    """Its clock stands still unless a test moves it."""

    def __init__(
        self, engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient, slack: FarSlack
    ) -> None:
        super().__init__(engine, workspace, account, client)
        self.slack = slack
        self.crm = Far()
        self._reached["clickup"] = self.crm
        app = create_app(engine=engine, clock=self.clock, admin_key=KEY, version="0", mailing=Mailing(seal=SEAL))
        self._doors = httpx2.ASGITransport(app=completed(app, cors_origins=[]))

    def asking(self) -> httpx2.AsyncClient:
        """Somebody at the doors, with a key."""
        headers = {"Authorization": f"Bearer {KEY}"}
        return httpx2.AsyncClient(transport=self._doors, base_url="http://showup.example", headers=headers)

    async def connect_slack(self, *, secret: str | None = SIGNING_SECRET, **settings: Any) -> None:
        """The connection is kept and subscribed, as a command or the environment would have it."""
        said = {"api_url": self.slack.url, "channel": CHANNEL, "notices": QUESTIONS, **settings}
        credentials = {"bot_token": TOKEN} | ({} if secret is None else {"signing_secret": secret})
        wanted = Wanted(
            workspace_id=self.workspace, kind="slack", name="environment", settings=said, credentials=credentials
        )
        async with transaction(self.engine) as tx:
            await set_up(tx, SEAL, wanted, self.now)
        self._reached["slack"] = KIND.build(KIND.read(said), credentials, outfit(self._client, self.clock))

    async def asks(self) -> None:
        """A booking came that the CRM can't place."""
        async with transaction(self.engine) as tx:
            await subscribe(await raw(tx), self.workspace, "clickup", ["booking.created"], self.now)
        question = Question(candidates=CANDIDATES, until=self.now + timedelta(hours=4))
        self.crm.script.append(Asks(because="nobody there has this email", question=question))
        await self.hear(booked())
        await self.tell()

    async def asked(self) -> Message:
        """The same: the question as it stands in Slack."""
        await self.asks()
        (message,) = self.slack.messages()
        return message

    async def presses(self, message: Message, action: str, *, user: dict[str, Any] | None = None) -> httpx2.Response:
        """Somebody presses a button of it, and what was kept is applied."""
        return await self.sends(press(message, action, self.now, user))

    async def sends(self, content: bytes, **headers: str) -> httpx2.Response:
        async with self.asking() as client:
            answer = await client.post(ACTIONS, content=content, headers=signed(content, self.now) | headers)
        await self.applied()
        return answer

    async def applied(self) -> None:
        while await apply_some(self.engine, self.workspace, self.clock):
            pass

    async def crm_row(self) -> dict[str, Any]:
        (row,) = await self.rows(destination="clickup")
        return row

    async def log(self) -> list[dict[str, Any]]:
        """The commands in the log, in the order in which they came."""
        found = tables.calcom_events
        query = select(found).where(found.c.origin == "hand").order_by(found.c.received_at, found.c.id)
        async with self.engine.connect() as tx:
            return [dict(row) for row in (await tx.execute(query)).mappings()]
