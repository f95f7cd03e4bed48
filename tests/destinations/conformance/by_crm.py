"""The CRMs in the suite: ClickUp with a task to find and with none, and Notion."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from showup.clock import Clock
from showup.destinations.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.kind import Outfit
from tests.destinations.conformance.case import MEETING, Case, notice, of_kind
from tests.destinations.far.clickup import FarClickUp
from tests.destinations.far.notion import FarNotion


@contextmanager
def _clickup(clock: Clock, *, known: bool) -> Iterator[FarClickUp]:
    with FarClickUp(per_minute=None, clock=clock) as far:
        if known:
            far.space.add("902", "Ann Acme", MEETING.guest.email)
        yield far


def _by_clickup(far: FarClickUp, url: str, outfit: Outfit) -> Destination:
    settings = {"lists": ["901", "902"], "inbound_list": "903"}
    return of_kind(KINDS["clickup"], settings, {"token": far.token}, url, outfit)


def _by_notion(far: FarNotion, url: str, outfit: Outfit) -> Destination:
    settings = {"contacts_database": far.contacts, "sequences_database": far.sequences}
    return of_kind(KINDS["notion"], settings, {"token": far.key}, url, outfit)


def _written(far: FarNotion) -> Counter[str]:
    """What the pages that were changed say: the same written twice is there once."""
    return Counter(f"{page} {json.dumps(far.says(page), default=str, sort_keys=True)}" for page in far.effects)


CLICKUP = Case(
    name="clickup",
    kind="clickup",
    destination="clickup",
    start=lambda clock: _clickup(clock, known=True),
    build=_by_clickup,
    effects=lambda far: Counter(far.effects),
    secrets=lambda far: (far.token,),
    notice=notice("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
CLICKUP_LEAD = Case(
    name="clickup-new-lead",
    kind="clickup",
    destination="clickup",
    start=lambda clock: _clickup(clock, known=False),
    build=_by_clickup,
    effects=lambda far: Counter(far.effects),
    secrets=lambda far: (far.token,),
    notice=notice("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
NOTION = Case(
    name="notion",
    kind="notion",
    destination="notion",
    start=lambda _: FarNotion(),
    build=_by_notion,
    effects=_written,
    secrets=lambda far: (far.key,),
    notice=notice("booking.created"),
    means={"404": "gave_up", "409": "delivery"},
)
