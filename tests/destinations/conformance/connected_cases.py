"""Connected destinations in the suite: ClickUp with a task to find and with none, EmailBison, Notion, Prefect, Slack,
Twilio."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace as with_fields

from showup.clock import Clock
from showup.connections.catalogue import KINDS
from showup.destinations.contract import Destination, Notification, PlannedReminder
from showup.destinations.destination_kind import DestinationContext
from tests.destinations.conformance.case import MEETING, NOW, Case, RecordAccess, notification
from tests.destinations.fake_vendors.clickup import FakeClickUp
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.fake_vendors.prefect import DEPLOYMENT, FakePrefect
from tests.destinations.fake_vendors.slack import CHANNEL, FakeSlack
from tests.destinations.fake_vendors.twilio import NUMBER, FakeTwilio

REMINDERS = tuple(
    PlannedReminder(
        id=UUID(int=hours),
        before_seconds=hours * 3600,
        due_at=MEETING.start_time - timedelta(hours=hours),
        expires_at=MEETING.start_time,
    )
    for hours in (72, 24, 2)
)


def connected(
    kind: str,
    start: Callable[[Clock], AbstractContextManager[Any]],
    *,
    credential: str,
    settings: Callable[[Any], Mapping[str, Any]],
    sends: Notification,
    means: Mapping[str, str],
) -> Case:
    """Returns a case whose destination is built as its connection does, except for the URL of its API.

    The fake vendor's key is the `credential`; `settings(fake)` are the connection's.
    """

    def build(fake: Any, url: str, context: DestinationContext) -> Destination:
        parsed = KINDS[kind].parse_settings({**settings(fake), "api_url": url})
        return KINDS[kind].build(parsed, {credential: fake.key}, context)

    return Case(
        name=kind,
        kind=kind,
        destination=kind,
        start=start,
        build=build,
        effects=lambda fake: Counter(fake.effects),
        secrets=lambda fake: (fake.key,),
        notification=sends,
        means=means,
    )


@contextmanager
def clickup_with_a_task(clock: Clock) -> Iterator[FakeClickUp]:
    with FakeClickUp(per_minute=None, clock=clock) as fake:
        fake.space.add("902", "Ann Acme", MEETING.guest.email)
        yield fake


@contextmanager
def emailbison_with_a_lead(clock: Clock) -> Iterator[FakeEmailBison]:
    with FakeEmailBison(clock=clock) as fake:
        for number in (101, 102):
            fake.workspace.add_campaign(number, f"Campaign {number}")
        fake.workspace.add_lead(MEETING.guest.email, [101, 102])
        yield fake


def choose_lead_status(fake: FakeEmailBison, status: str) -> None:
    fake.workspace.leads[1].variables["meeting_status"] = status


def written_pages(fake: FakeNotion) -> Counter[str]:
    """Counts the changed pages: the same content written twice counts once."""
    return Counter(
        f"{page} {json.dumps(fake.properties_of(page), default=str, sort_keys=True)}" for page in fake.effects
    )


def task_status(fake: FakeClickUp) -> str:
    (task,) = fake.space.tasks.values()
    return task.status


def choose_task_status(fake: FakeClickUp, status: str) -> None:
    (task,) = fake.space.tasks.values()
    task.status = status


def choose_page_status(fake: FakeNotion, status: str) -> None:
    fake.page(fake.contact).values["Booking Status"] = {"name": status}


CLICKUP = replace(
    connected(
        "clickup",
        clickup_with_a_task,
        credential="token",
        settings=lambda _: {"lists": ["901", "902"], "inbound_list": "903", "no_show": "No Show"},
        sends=notification("booking.created"),
        means={"404": "gave_up", "409": "delivery"},
    ),
    record=RecordAccess(
        status=task_status,
        choose=choose_task_status,
        words={"booked": "Meeting Booked", "cancelled": "Meeting Cancelled", "missed": "No Show"},
        chosen=("complete", "Meeting Cancelled"),
    ),
)
CLICKUP_LEAD = replace(
    CLICKUP,
    name="clickup-new-lead",
    start=lambda clock: FakeClickUp(per_minute=None, clock=clock),
    record=None,
)
NOTION = replace(
    connected(
        "notion",
        lambda _: FakeNotion(),
        credential="token",
        settings=lambda fake: {"contacts_database": fake.contacts, "sequences_database": fake.sequences},
        sends=notification("booking.created"),
        means={"404": "gave_up", "409": "delivery"},
    ),
    effects=written_pages,
    record=RecordAccess(
        status=lambda fake: fake.properties_of(fake.contact).get("Booking Status") or "",
        choose=choose_page_status,
        words={"booked": "Booked", "cancelled": "Cancelled", "missed": "No Show"},
        chosen=("Lead", "Cancelled"),
        call_date=lambda fake: fake.properties_of(fake.contact).get("Diagnostic Call Date"),
    ),
)
EMAILBISON = replace(
    connected(
        "emailbison",
        emailbison_with_a_lead,
        credential="api_key",
        settings=lambda _: {"stop_sequence": True},
        sends=notification("booking.created"),
        means={"409": "delivery"},
    ),
    exceptions={"404": "an attendee who is no lead has nothing to update there, so it is delivered"},
    record=RecordAccess(
        status=lambda fake: fake.workspace.leads[1].variables.get("meeting_status") or "",
        choose=choose_lead_status,
        words={"booked": "booked", "cancelled": "cancelled", "missed": "no_show"},
        chosen=("won", "cancelled"),
    ),
)
PREFECT = connected(
    "prefect",
    lambda clock: FakePrefect(clock=clock),
    credential="api_key",
    settings=lambda _: {"deployment": DEPLOYMENT},
    sends=with_fields(notification("booking.created"), reminders=REMINDERS),
    means={"404": "destination", "409": "delivery"},
)
SLACK = connected(
    "slack",
    lambda clock: FakeSlack(clock=clock),
    credential="bot_token",
    settings=lambda _: {"channel": CHANNEL},
    sends=notification("booking.created"),
    # A missing channel, and Slack's own error code for an internal failure.
    means={"404": "gave_up", "409": "destination"},
)
# Due now: text messages don't go days ahead.
_REMINDER = notification("reminder", before_seconds=timedelta(days=1).total_seconds())
TWILIO = connected(
    "twilio",
    lambda clock: FakeTwilio(clock=clock),
    credential="auth_token",
    settings=lambda fake: {"account_sid": fake.account, "sender": NUMBER},
    sends=with_fields(_REMINDER, meeting=with_fields(_REMINDER.require_meeting(), start_time=NOW + timedelta(days=1))),
    means={"404": "destination", "409": "delivery"},
)
