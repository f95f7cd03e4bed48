"""Build a batch's audit rows: those of bookings, and of what people did to people, companies and rules."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from showup.companies.company import company_id as id_of_company
from showup.events.envelope import AnyRecord, stream_of
from showup.events.workspace import CompanyRecorded, Merged, MergeUndone, PersonRecorded, RulesChanged
from showup.people.person import person_id as id_of_person
from showup.pipeline.change import AuditEntry
from showup.pipeline.replay import BookingState
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
    change = {field: [None, value] for field, value in values.items() if value is not None}
    return AuditEntry.of(record, what, because, change)
