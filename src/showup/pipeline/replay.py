"""Replay a booking's history: apply its events in source order, from first to last.

Arrival order is not an input, so it cannot affect the result. After a late event, a replay gives the same state as if
every event had arrived on time.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import filterfalse
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.campaigns.match import Match
from showup.companies.company import domain_of_key
from showup.deals.deal import DealEvent
from showup.events.booking import BookingAttached, CommandUndone
from showup.events.details import AttendeeDetails
from showup.events.envelope import BookingRecord
from showup.people.person import Person
from showup.pipeline.assignments import NO_ASSIGNMENTS, Assignments
from showup.pipeline.attendees import assign_companies, own_side_reason
from showup.pipeline.booking_updates import timeline_fields
from showup.pipeline.change import AuditEntry, Change
from showup.pipeline.decide import can_create_booking, decide
from showup.pipeline.decision import Decision, PriorState, Rejected
from showup.pipeline.matches import is_match_event, replay_matches
from showup.pipeline.merges import NO_MERGES, Identities
from showup.pipeline.notify import DeliveryPlan
from showup.pipeline.proposals import replay_proposals
from showup.pipeline.rules import RuleBook, Rules
from showup.pipeline.seat_deals import changes_without_deal, own_deal_events, seat_deal_events
from showup.proposals.proposal import Proposal
from showup.values.domain_name import display_domain
from showup.values.email_address import display_email, email_domain

_UNDONE_REASON: Final = "this was undone later, so it changes nothing"


class CompanyName(Struct, frozen=True, kw_only=True):
    """A company's name as a booker entered it, and the order key of that event."""

    name: str
    order_key: str


class BookingState(Struct, kw_only=True):
    """The state that results from one booking's events. `refused`: by event, why it changed nothing.

    `first_event_at` and `last_event_at` are source times: of the first event, and of the last event that was not
    refused. `seat_deal_events` are the deal events of other companies with seats, by company key. `attached_at` lists,
    by company key, when people attached the booking to that company.
    """

    booking: Booking | None = None
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    deal_events: list[DealEvent] = []
    seat_deal_events: dict[str, list[DealEvent]] = {}
    plan: DeliveryPlan = field(default_factory=DeliveryPlan)
    entries: list[AuditEntry] = []
    people: dict[str, Person] = {}
    company_names: dict[str, CompanyName] = {}
    attached_at: dict[str, list[datetime]] = {}
    matches: list[Match] = []
    proposals: list[Proposal] = []
    dismissed: set[str] = set()
    refused: dict[UUID, str] = {}

    @property
    def cancelled_at(self) -> datetime | None:
        """Return when the booking was cancelled last, whatever it is now."""
        return max((entry.at for entry in self.entries if entry.what == "booking.cancelled"), default=None)

    @property
    def is_matched(self) -> bool:
        """Return whether an attendee is matched to a lead of a campaign."""
        attendees = () if self.booking is None else self.booking.attendees
        guests = {one.key for one in attendees if one.is_guest}
        return any(one.state == "matched" and one.attendee in guests for one in self.matches)

    @property
    def company_key(self) -> str | None:
        """Return the company of the booking and its deal: the attendees' company, unless a person set another."""
        if self.booking is None or self.booking.attached_to is not None:
            return self.booking.attached_to if self.booking is not None else None
        found = self.booking.company_attendee
        return None if found is None else found.company_key

    @property
    def company_keys(self) -> set[str]:
        """Return the companies of the attendees."""
        attendees = () if self.booking is None else self.booking.attendees
        return {one.company_key for one in attendees if one.company_key is not None}


def replay(
    booking_id: UUID,
    history: Iterable[BookingRecord],
    rules: RuleBook,
    assignments: Assignments = NO_ASSIGNMENTS,
    identities: Identities = NO_MERGES,
) -> BookingState:
    """Replay one booking's events, each under the rules of its time; `booking_id` only labels the deal events.

    `assignments` are the companies that people assigned its attendees to; `identities` tell which companies are one.
    """
    state = BookingState()
    changes: list[Change] = []
    ordered = _source_order(history)
    undone = _undone_commands(ordered)
    for record in filterfalse(is_match_event, ordered):
        if record.event_id in undone:
            state.entries.append(AuditEntry.of(record, "command.void", _UNDONE_REASON))
        elif (change := _decide_change(state, record, rules.at(record.source_at), assignments)) is not None:
            _apply(state, change)
            changes.append(change)
            state.plan.apply(change)
    state.plan.finish()
    state.deal_events = own_deal_events(booking_id, changes, identities)
    state.seat_deal_events = seat_deal_events(booking_id, changes, identities)
    for record, because in changes_without_deal(changes, [state.deal_events, *state.seat_deal_events.values()]):
        _add_conflict(state, record, because)
    _replay_matches(state, ordered)
    _replay_proposals(state, [record for record in ordered if record.event_id not in undone])
    _collect_people(state, ordered)
    return state


def _decide_change(state: BookingState, record: BookingRecord, rules: Rules, assignments: Assignments) -> Change | None:
    """Return what the event changes; None if it is refused, which is recorded."""
    decision = decide(PriorState(booking=state.booking), record, rules)
    if isinstance(decision, Rejected):
        state.refused[record.event_id] = decision.because
        state.entries.append(AuditEntry.of(record, "event.refused", decision.because))
        return None
    if decision.conflict is not None:
        _add_conflict(state, record, decision.conflict)
    assigned = assign_companies(state.booking, decision.after, record.source_at, assignments)
    decision = decision if assigned is decision.after else replace(decision, after=assigned)
    return Change(before=state.booking, decision=decision, record=record, rules=rules)


def _undone_commands(ordered: Iterable[BookingRecord]) -> set[UUID]:
    """Return the commands that a person undid, whichever arrived first."""
    return {record.event.command for record in ordered if isinstance(record.event, CommandUndone)}


def _replay_matches(state: BookingState, ordered: Iterable[BookingRecord]) -> None:
    replayed = replay_matches(filter(is_match_event, ordered))
    state.matches, state.dismissed = replayed.matches, replayed.dismissed
    state.refused |= replayed.refused
    state.entries += replayed.entries


def _replay_proposals(state: BookingState, ordered: Sequence[BookingRecord]) -> None:
    replayed = replay_proposals(ordered)
    state.proposals = list(replayed.by_id.values())
    state.refused |= replayed.refused
    state.entries += replayed.entries


def _source_order(history: Iterable[BookingRecord]) -> list[BookingRecord]:
    """Return the events in source order, starting with the first event that can create the booking.

    If two accounts sent the same body, the result always puts the same one first.
    """
    ordered = sorted(history, key=lambda record: (record.order_key, str(record.account_id)))
    first = next((index for index, record in enumerate(ordered) if can_create_booking(record.event)), None)
    return [ordered[first], *ordered[:first], *ordered[first + 1 :]] if first else ordered


def _apply(state: BookingState, change: Change) -> None:
    before, after, decision, record = change.before, change.after, change.decision, change.record
    state.booking = after
    state.first_event_at = (
        record.source_at if state.first_event_at is None else min(state.first_event_at, record.source_at)
    )
    state.last_event_at = (
        record.source_at if state.last_event_at is None else max(state.last_event_at, record.source_at)
    )
    if decision.what and not _is_repeated_entry(state, before, decision):
        state.entries.append(AuditEntry.of(record, decision.what, decision.because, _changes(before, after)))
    if "booked" in decision.deal_events:
        state.entries.extend(AuditEntry.of(record, what, because) for what, because in _company_reasons(state, change))


def _add_conflict(state: BookingState, record: BookingRecord, because: str) -> None:
    state.refused[record.event_id] = because
    state.entries.append(AuditEntry.of(record, "booking.conflict", because))


def _is_repeated_entry(state: BookingState, before: Booking | None, decision: Decision) -> bool:
    """Return whether another subscription already reported the same event; it then adds no audit entry (IN4)."""
    if decision.after != before or decision.deal_events:
        return False
    return any((entry.what, entry.because) == (decision.what, decision.because) for entry in state.entries)


def _collect_people(state: BookingState, history: Iterable[BookingRecord]) -> None:
    """Collect the people met and the details each event gives; the booker may have named the company.

    Refused events count too: they change no booking, but they contain names and time zones of people.
    """
    booking = state.booking
    if booking is None:
        return
    people = {one.email: one for one in booking.attendees if one.is_person}
    named_by = booking.company_attendee
    named_company = named_by.company_key if named_by is not None and named_by.assigned_company is None else None
    for record in history:
        if isinstance(record.event, BookingAttached):
            state.attached_at.setdefault(record.event.company, []).append(record.source_at)
        details = record.event.booking
        for one in details.attendees:
            if one.email is not None and one.email in people:
                _merge_person(state, record, one, people[one.email].company_key)
        # A person decided which company an assigned attendee belongs to: an answer of theirs does not rename it.
        if details.company_answer is not None and named_company is not None:
            state.company_names[named_company] = CompanyName(name=details.company_answer, order_key=record.order_key)


def _merge_person(
    state: BookingState, record: BookingRecord, details: AttendeeDetails, company_key: str | None
) -> None:
    assert details.email is not None, "only an attendee with an email address is a person"
    person = Person(
        email=details.email,
        name=details.name,
        time_zone=details.time_zone,
        phone=details.phone,
        company_key=company_key,
        name_seen=record.order_key if details.name is not None else "",
        time_zone_seen=record.order_key if details.time_zone is not None else "",
        phone_seen=record.order_key if details.phone is not None else "",
        first_met_at=record.source_at,
        last_met_at=record.source_at,
    )
    known = state.people.get(details.email)
    state.people[details.email] = person if known is None else known.merged_with(person)


def _changes(before: Booking | None, after: Booking) -> dict[str, Any]:
    """Return the fields that the timeline shows, as {name: [before, after]}."""
    old = timeline_fields(before) if before is not None else {}
    return {
        name: [_to_json(old.get(name)), _to_json(value)]
        for name, value in timeline_fields(after).items()
        if old.get(name) != value
    }


def _to_json(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _company_reasons(state: BookingState, change: Change) -> Iterator[tuple[str, str]]:
    """Return why the booking has no company, or why it has one that its attendees' addresses do not name."""
    after = change.after
    own_side = [
        reason for one in after.seats if (reason := own_side_reason(one, after.hosts, change.rules)) is not None
    ]
    if after.booker is not None and after.booker.email is not None:
        if own_side:
            yield "attendee.own_side", f"{', and '.join(own_side)}, so the deal is not theirs"
        reason = _no_company_reason(after.booker.email, change.rules)
    else:
        reason = ", and ".join(own_side) or "no attendee is a prospect known by email"
    if state.company_key is None:
        yield "deal.none", f"{reason}, so there is no company and no deal"
    found = after.company_attendee
    if after.attached_to is None and found is not None and found.assigned_company is not None:
        company = domain_of_key(found.assigned_company) or "a company without a domain"
        yield "booking.assigned", f"a person assigned {display_email(found.email or '')} to {display_domain(company)}"


def _no_company_reason(email: str, rules: Rules) -> str:
    return f"{display_domain(email_domain(email))} {rules.why_no_company(email)}"
