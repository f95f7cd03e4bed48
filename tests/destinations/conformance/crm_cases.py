"""The CRMs in the suite: ClickUp with a task to find and with none, and Notion."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from showup.clock import Clock
from showup.connections.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from tests.destinations.conformance.case import MEETING, Case, notification, of_kind
from tests.destinations.fake_vendors.clickup import FakeClickUp
from tests.destinations.fake_vendors.notion import FakeNotion


@contextmanager
def _clickup(clock: Clock, *, known: bool) -> Iterator[FakeClickUp]:
    with FakeClickUp(per_minute=None, clock=clock) as fake:
        if known:
            fake.space.add("902", "Ann Acme", MEETING.guest.email)
        yield fake


def build_clickup(fake: FakeClickUp, url: str, context: DestinationContext) -> Destination:
    settings = {"lists": ["901", "902"], "inbound_list": "903"}
    return of_kind(KINDS["clickup"], settings, {"token": fake.token}, url, context)


def build_notion(fake: FakeNotion, url: str, context: DestinationContext) -> Destination:
    settings = {"contacts_database": fake.contacts, "sequences_database": fake.sequences}
    return of_kind(KINDS["notion"], settings, {"token": fake.key}, url, context)


def written_pages(fake: FakeNotion) -> Counter[str]:
    """Counts the changed pages: the same content written twice counts once."""
    return Counter(
        f"{page} {json.dumps(fake.properties_of(page), default=str, sort_keys=True)}" for page in fake.effects
    )


CLICKUP = Case(
    name="clickup",
    kind="clickup",
    destination="clickup",
    start=lambda clock: _clickup(clock, known=True),
    build=build_clickup,
    effects=lambda fake: Counter(fake.effects),
    secrets=lambda fake: (fake.token,),
    notification=notification("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
CLICKUP_LEAD = Case(
    name="clickup-new-lead",
    kind="clickup",
    destination="clickup",
    start=lambda clock: _clickup(clock, known=False),
    build=build_clickup,
    effects=lambda fake: Counter(fake.effects),
    secrets=lambda fake: (fake.token,),
    notification=notification("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
NOTION = Case(
    name="notion",
    kind="notion",
    destination="notion",
    start=lambda _: FakeNotion(),
    build=build_notion,
    effects=written_pages,
    secrets=lambda fake: (fake.key,),
    notification=notification("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
