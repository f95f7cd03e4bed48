"""The simulator's own ledger: a second, simpler implementation of Showup's rules, with no shared code.

It takes events in source order only, and keeps the current state in simple mutable entries.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from showup.simulation.entries import BookingEntry, DealEntry, Seat, business_domain_of, identity
from showup.simulation.models import SimulatedBooking, SimulatedWebhook


@dataclass(slots=True)
class Ledger:
    """Applies events and keeps bookings, deals, companies (domain → name) and people (address → name)."""

    bookings: list[BookingEntry] = field(default_factory=list)
    deals: list[DealEntry] = field(default_factory=list)
    companies: dict[str, str] = field(default_factory=dict)
    people: dict[str, str | None] = field(default_factory=dict)
    _by_uid: dict[str, BookingEntry] = field(default_factory=dict)
    _active: dict[str, DealEntry] = field(default_factory=dict)

    def apply(self, webhook: SimulatedWebhook) -> None:
        """Applies one event that happened after all events so far."""
        booking = webhook.booking
        if booking is None:
            return
        previous = (
            booking.previous.uid if webhook.trigger == "BOOKING_RESCHEDULED" and booking.previous else booking.uid
        )
        entry = self._by_uid.get(previous) or self._add_booking(booking)
        if webhook.trigger in _HANDLERS:
            _HANDLERS[webhook.trigger](self, entry, webhook, booking)

    def _add_booking(self, booking: SimulatedBooking) -> BookingEntry:
        entry = BookingEntry(booking, booking.status)
        self.bookings.append(entry)
        self._by_uid[booking.uid] = entry
        return entry

    def created(self, entry: BookingEntry, _webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        entry.latest, entry.status = booking, booking.status
        for attendee in booking.attendees:
            email = attendee.email.lower()
            entry.seats.setdefault(email, Seat(email, identity(attendee))).is_taken = True
            if entry.is_person(email):
                self.people[email] = attendee.name or self.people.get(email)
                if (domain := business_domain_of(email)) is not None:
                    self.companies.setdefault(domain, domain)
        if (company := entry.company()) is not None and booking.company_answer is not None:
            self.companies[company] = booking.company_answer
        if booking.status == "ACCEPTED" and company is not None and entry.deal is None:
            self._join_deal(entry, company)

    def _join_deal(self, entry: BookingEntry, company: str) -> None:
        """Adds the booking to the company's active deal, or to a new deal if there is none."""
        if company not in self._active:
            self._active[company] = DealEntry(company, entry.latest.organizer.email.lower())
            self.deals.append(self._active[company])
        entry.deal = self._active[company]

    def rejected(self, entry: BookingEntry, _webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        entry.latest, entry.status = booking, "REJECTED"

    def updated(self, entry: BookingEntry, _webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        entry.latest = booking

    def rescheduled(self, entry: BookingEntry, _webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        self._by_uid[booking.uid] = entry
        entry.latest, entry.status, entry.host_absent = booking, "ACCEPTED", False
        entry.reschedules += 1
        for seat in entry.seats.values():
            seat.attended, seat.evidence = None, None
        deal = entry.deal
        if deal is None or deal.status != "cancelled" or deal.cancelled_by is not entry:
            return
        if deal.company in self._active:
            entry.deal = self._active[deal.company]
        else:
            deal.status, deal.cancelled_by = "active", None
            self._active[deal.company] = deal

    def cancelled(self, entry: BookingEntry, webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        if booking.event_type.seats is not None:
            released_emails = {attendee.email.lower() for attendee in booking.attendees}
            # The last attendees keep their seats on record: then the booking is cancelled instead.
            if any(seat.is_taken and seat.email not in released_emails for seat in entry.seats.values()):
                for email in released_emails:
                    entry.seats[email].is_taken = False
                return
        entry.latest, entry.status = booking, "CANCELLED"
        if webhook.request_reschedule or entry.deal is None or entry.deal.status != "active":
            return
        entry.deal.status, entry.deal.cancelled_by = "cancelled", entry
        del self._active[entry.deal.company]

    def reassigned(self, entry: BookingEntry, _webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        before, after = entry.latest.organizer.email.lower(), booking.organizer.email.lower()
        entry.latest = booking
        if entry.deal is not None and entry.deal.owner == before:
            entry.deal.owner = after

    def ended(self, entry: BookingEntry, webhook: SimulatedWebhook, booking: SimulatedBooking) -> None:
        """Marks attendance by the end of the meeting alone; it never overrides a report."""
        if entry.status != "ACCEPTED" or entry.latest.uid != booking.uid:
            return
        entry.host_absent = webhook.host_absent
        absent_emails = {email.lower() for email, is_absent in webhook.marks if is_absent}
        for seat in entry.seats.values():
            if seat.email in absent_emails:
                seat.attended, seat.evidence = False, "reported"
            elif seat.is_taken and seat.evidence is None and not webhook.host_absent:
                seat.attended, seat.evidence = True, "assumed"
        self._move_deal(entry)

    def marked_attendance(self, entry: BookingEntry, webhook: SimulatedWebhook, _booking: SimulatedBooking) -> None:
        """Applies attendance marks: a withdrawn absence means that they came, if the meeting was over by then."""
        is_over = entry.latest.end_at <= webhook.at
        attendance = {
            email.lower(): False if is_absent else True if is_over else None for email, is_absent in webhook.marks
        }
        self._report_attendance(entry, attendance)

    def guests_absent(self, entry: BookingEntry, _webhook: SimulatedWebhook, _booking: SimulatedBooking) -> None:
        self._report_attendance(entry, dict.fromkeys(entry.seats, False))

    def _report_attendance(self, entry: BookingEntry, attendance: dict[str, bool | None]) -> None:
        for email, attended in attendance.items():
            seat = entry.seats[email]
            seat.attended, seat.evidence = attended, None if attended is None else "reported"
        self._move_deal(entry)

    def _move_deal(self, entry: BookingEntry) -> None:
        """Moves the company's active deal to `met` after a held meeting, which counts for the deal from then on."""
        attended, _ = entry.attendance()
        active = self._active.get(entry.company() or "")
        if attended and active is not None and entry not in active.met_bookings:
            entry.deal = active
            active.met_bookings.append(entry)
        elif not attended and entry.deal is not None and entry.deal is active and entry in active.met_bookings:
            active.met_bookings.remove(entry)


_HANDLERS: dict[str, Callable[[Ledger, BookingEntry, SimulatedWebhook, SimulatedBooking], None]] = {
    "BOOKING_CREATED": Ledger.created,
    "BOOKING_REQUESTED": Ledger.created,
    "BOOKING_REJECTED": Ledger.rejected,
    "BOOKING_RESCHEDULED": Ledger.rescheduled,
    "BOOKING_CANCELLED": Ledger.cancelled,
    "BOOKING_REASSIGNED": Ledger.reassigned,
    "BOOKING_LOCATION_UPDATED": Ledger.updated,
    "BOOKING_PAID": Ledger.updated,
    "MEETING_ENDED": Ledger.ended,
    "BOOKING_NO_SHOW_UPDATED": Ledger.marked_attendance,
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": Ledger.guests_absent,
}
