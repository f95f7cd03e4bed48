"""What a batch writes beside what stands: the journal's lines, and what is to be told to the outside."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from showup.companies.company import company_id as id_of_company
from showup.deeds import (
    CompanyRecorded,
    Deed,
    Merged,
    MergeUndone,
    PersonRecorded,
    RulesChanged,
    name,
)
from showup.deliveries import routing
from showup.deliveries.delivery import Delivery
from showup.deliveries.subscribing import Subscription
from showup.people.person import person_id as id_of_person
from showup.pipeline.advance.by_hand import ByHand
from showup.pipeline.advance.meeting import Met
from showup.pipeline.journal import Entry
from showup.pipeline.story import Line, Story, Want


def entries_of(booking_id: UUID, story: Story, met: Met, company_id: UUID | None) -> list[Entry]:
    """The lines of a booking's story."""
    assert story.booking is not None, "a story with an id stands on a booking"
    booker = story.booking.booker
    person_id = met.person_ids.get(booker.email) if booker is not None and booker.email else None
    return [Entry(line=line, booking_id=booking_id, person_id=person_id, company_id=company_id) for line in story.lines]


def entries_of_deeds(workspace_id: UUID, deeds: Sequence[Deed], hand: ByHand) -> list[Entry]:
    """The lines of what people did to people, companies and rules; deals have theirs from their own fold."""
    entries = [_entry(workspace_id, deed) for deed in deeds if deed.event_id not in hand.refused]
    return [entry for entry in entries if entry is not None]


def _entry(workspace_id: UUID, deed: Deed) -> Entry | None:
    match deed.act:
        case PersonRecorded():
            given = {"name": deed.act.name, "time_zone": deed.act.time_zone, "phone": deed.act.phone}
            line = _line(deed, "person.recorded", "entered by hand", given | {"company": deed.act.company})
            return Entry(line=line, person_id=id_of_person(workspace_id, deed.act.email))
        case CompanyRecorded():
            line = _line(deed, "company.recorded", "entered by hand", {"name": deed.act.name})
            return Entry(line=line, company_id=id_of_company(workspace_id, name(deed.act, deed.event_id)))
        case Merged(kind="people"):
            line = _line(deed, "people.merged", f"{deed.act.gone} is {deed.act.stays}", {})
            return Entry(line=line, person_id=id_of_person(workspace_id, deed.act.stays))
        case Merged():
            line = _line(deed, "companies.merged", f"{deed.act.gone} is {deed.act.stays}", {})
            return Entry(line=line, company_id=id_of_company(workspace_id, deed.act.stays))
        case MergeUndone():
            return Entry(line=_line(deed, "merge.undone", f"the merge {deed.act.merge} was a mistake", {}))
        case RulesChanged():
            since = "the whole history" if deed.act.since is None else f"{deed.act.since:%Y-%m-%dT%H:%M:%SZ}"
            return Entry(line=_line(deed, "rules.changed", f"changed by hand, for {since}", deed.act.changes))
        case _:
            return None


def _line(deed: Deed, what: str, because: str, given: dict[str, Any]) -> Line:
    """What the hand gave stands behind an open "before": what it took the place of depends on the order of arrival."""
    return Line(
        event_id=deed.event_id,
        at=deed.source_at,
        order_key=deed.order_key,
        actor=deed.actor,
        what=what,
        because=because,
        change={field: [None, value] for field, value in given.items() if value is not None},
    )


def deliveries_of(booking_id: UUID, story: Story, subscriptions: Sequence[Subscription]) -> list[Delivery]:
    """Everything that the story wants told, to everybody who is to be told."""
    assert story.booking is not None, "a story with an id stands on a booking"
    simulated = story.booking.simulated
    return [
        _delivery(booking_id, want, way, simulated=simulated)
        for want in (*story.wants.values(), *story.announced.values())
        for way in routing.ways(want.effect, want.decided_at, subscriptions, simulated=simulated)
    ]


def _delivery(booking_id: UUID, want: Want, way: routing.Way, *, simulated: bool) -> Delivery:
    return Delivery(
        booking_id=booking_id,
        event_id=want.event_id,
        key=way.key,
        destination=way.destination,
        kind=routing.kind(want.effect),
        recipient=want.effect.recipient,
        booking_version=want.booking_version,
        decided_at=want.decided_at,
        due_at=want.effect.due_at,
        expires_at=want.effect.expires_at,
        priority=routing.priority(want.effect),
        state="skipped" if way.skipped else want.state,
        because=way.skipped or want.because,
        details=routing.details(want.effect),
        simulated=simulated,
    )
