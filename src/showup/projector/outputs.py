"""Build a batch's outputs: audit entries and deliveries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from showup.companies.company import company_id as id_of_company
from showup.events.envelope import AnyRecord, stream_of
from showup.events.workspace import CompanyRecorded, Merged, MergeUndone, PersonRecorded, RulesChanged
from showup.outbox import routing
from showup.outbox.delivery import Delivery
from showup.outbox.subscriptions import Subscription
from showup.people.person import person_id as id_of_person
from showup.pipeline.replay import AuditEntry, BookingState, PlannedDelivery
from showup.projector.audit_log import AuditRow
from showup.projector.contacts import Contacts
from showup.projector.manual_changes import ManualChanges


def booking_rows(booking_id: UUID, state: BookingState, contacts: Contacts, company_id: UUID | None) -> list[AuditRow]:
    """Return the audit rows of a booking's history."""
    assert state.booking is not None, "a history with an id has a booking"
    booker = state.booking.booker
    person_id = contacts.person_ids.get(booker.email) if booker is not None and booker.email else None
    return [
        AuditRow(entry=entry, booking_id=booking_id, person_id=person_id, company_id=company_id)
        for entry in state.entries
    ]


def manual_rows(workspace_id: UUID, manual_records: Sequence[AnyRecord], manual: ManualChanges) -> list[AuditRow]:
    """Return the audit rows for manual events about people, companies and rules; deals have their own."""
    rows = [_manual_row(workspace_id, record) for record in manual_records if record.event_id not in manual.refused]
    return [row for row in rows if row is not None]


def _manual_row(workspace_id: UUID, record: AnyRecord) -> AuditRow | None:
    match record.event:
        case PersonRecorded():
            values = {"name": record.event.name, "time_zone": record.event.time_zone, "phone": record.event.phone}
            entry = _manual_entry(
                record, "person.recorded", "entered manually", values | {"company": record.event.company}
            )
            return AuditRow(entry=entry, person_id=id_of_person(workspace_id, record.event.email))
        case CompanyRecorded():
            entry = _manual_entry(record, "company.recorded", "entered manually", {"name": record.event.name})
            return AuditRow(entry=entry, company_id=id_of_company(workspace_id, stream_of(record).name))
        case Merged(kind="people"):
            entry = _manual_entry(
                record, "people.merged", f"{record.event.gone} was merged into {record.event.stays}", {}
            )
            return AuditRow(entry=entry, person_id=id_of_person(workspace_id, record.event.stays))
        case Merged():
            entry = _manual_entry(
                record, "companies.merged", f"{record.event.gone} was merged into {record.event.stays}", {}
            )
            return AuditRow(entry=entry, company_id=id_of_company(workspace_id, record.event.stays))
        case MergeUndone():
            return AuditRow(
                entry=_manual_entry(record, "merge.undone", f"the merge {record.event.merge} was undone", {})
            )
        case RulesChanged():
            since = (
                "for the whole history"
                if record.event.since is None
                else f"from {record.event.since:%Y-%m-%dT%H:%M:%SZ}"
            )
            return AuditRow(
                entry=_manual_entry(record, "rules.changed", f"changed manually, {since}", record.event.changes)
            )
        case _:
            return None


def _manual_entry(record: AnyRecord, what: str, because: str, values: dict[str, Any]) -> AuditEntry:
    """Return an entry without "before" values, because those depend on the order of arrival."""
    return AuditEntry(
        event_id=record.event_id,
        at=record.source_at,
        order_key=record.order_key,
        actor=record.actor,
        what=what,
        because=because,
        change={field: [None, value] for field, value in values.items() if value is not None},
    )


def booking_deliveries(booking_id: UUID, state: BookingState, subscriptions: Sequence[Subscription]) -> list[Delivery]:
    """Return all deliveries that the booking's history requires, for every subscription."""
    assert state.booking is not None, "a history with an id has a booking"
    simulated = state.booking.simulated
    return [
        _delivery(booking_id, planned, route, simulated=simulated)
        for planned in (*state.planned.values(), *state.announcements.values())
        for route in routing.routes(planned.effect, planned.decided_at, subscriptions, simulated=simulated)
    ]


def _delivery(booking_id: UUID, planned: PlannedDelivery, route: routing.DeliveryRoute, *, simulated: bool) -> Delivery:
    return Delivery(
        booking_id=booking_id,
        event_id=planned.event_id,
        key=route.key,
        destination=route.destination,
        kind=routing.kind(planned.effect),
        recipient=planned.effect.recipient,
        booking_version=planned.booking_version,
        decided_at=planned.decided_at,
        due_at=planned.effect.due_at,
        expires_at=planned.effect.expires_at,
        priority=routing.priority(planned.effect),
        state="skipped" if route.skip_reason else planned.state,
        because=route.skip_reason or planned.because,
        details=routing.details(planned.effect),
        simulated=simulated,
    )
