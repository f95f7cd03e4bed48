"""The simulator's own book-keeping: Showup's rules told a second time, plainer, with no code in common.

It hears news in source order only, and keeps what stands in simple mutable entries.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from showup.simulation.entries import BookingEntry, DealEntry, Seat, business_domain, known_as
from showup.simulation.news import Booking, News


@dataclass(slots=True)
class Ledger:
    """Hears news and keeps bookings, deals, companies (domain → name) and people (address → name)."""

    bookings: list[BookingEntry] = field(default_factory=list)
    deals: list[DealEntry] = field(default_factory=list)
    companies: dict[str, str] = field(default_factory=dict)
    people: dict[str, str | None] = field(default_factory=dict)
    _by_uid: dict[str, BookingEntry] = field(default_factory=dict)
    _active: dict[str, DealEntry] = field(default_factory=dict)

    def hear(self, news: News) -> None:
        """Takes in one thing that happened after everything heard so far."""
        seen = news.booking
        if seen is None:
            return
        previous = seen.previous.uid if news.trigger == "BOOKING_RESCHEDULED" and seen.previous else seen.uid
        entry = self._by_uid.get(previous) or self._new(seen)
        if news.trigger in _HEARD:
            _HEARD[news.trigger](self, entry, news, seen)

    def _new(self, seen: Booking) -> BookingEntry:
        entry = BookingEntry(seen, seen.status)
        self.bookings.append(entry)
        self._by_uid[seen.uid] = entry
        return entry

    def made(self, entry: BookingEntry, _news: News, seen: Booking) -> None:
        entry.last, entry.status = seen, seen.status
        for attendee in seen.attendees:
            email = attendee.email.lower()
            entry.seats.setdefault(email, Seat(email, known_as(attendee))).taken = True
            if entry.is_person(email):
                self.people[email] = attendee.name or self.people.get(email)
                if (domain := business_domain(email)) is not None:
                    self.companies.setdefault(domain, domain)
        if (company := entry.company()) is not None and seen.company_answer is not None:
            self.companies[company] = seen.company_answer
        if seen.status == "ACCEPTED" and company is not None and entry.deal is None:
            self._join(entry, company)

    def _join(self, entry: BookingEntry, company: str) -> None:
        """Onto the company's active deal, or onto a new one when it has none."""
        if company not in self._active:
            self._active[company] = DealEntry(company, entry.last.organizer.email.lower())
            self.deals.append(self._active[company])
        entry.deal = self._active[company]

    def rejected(self, entry: BookingEntry, _news: News, seen: Booking) -> None:
        entry.last, entry.status = seen, "REJECTED"

    def described(self, entry: BookingEntry, _news: News, seen: Booking) -> None:
        entry.last = seen

    def rescheduled(self, entry: BookingEntry, _news: News, seen: Booking) -> None:
        self._by_uid[seen.uid] = entry
        entry.last, entry.status, entry.host_absent = seen, "ACCEPTED", False
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

    def cancelled(self, entry: BookingEntry, news: News, seen: Booking) -> None:
        if seen.event_type.seats is not None:
            given_back = {attendee.email.lower() for attendee in seen.attendees}
            # Who held the last seats stays on record: then it is the booking that goes.
            if any(seat.taken and seat.email not in given_back for seat in entry.seats.values()):
                for email in given_back:
                    entry.seats[email].taken = False
                return
        entry.last, entry.status = seen, "CANCELLED"
        if news.request_reschedule or entry.deal is None or entry.deal.status != "active":
            return
        entry.deal.status, entry.deal.cancelled_by = "cancelled", entry
        del self._active[entry.deal.company]

    def reassigned(self, entry: BookingEntry, _news: News, seen: Booking) -> None:
        before, after = entry.last.organizer.email.lower(), seen.organizer.email.lower()
        entry.last = seen
        if entry.deal is not None and entry.deal.owner == before:
            entry.deal.owner = after

    def ended(self, entry: BookingEntry, news: News, seen: Booking) -> None:
        """The clock alone says that somebody came; it never overrules a report."""
        if entry.status != "ACCEPTED" or entry.last.uid != seen.uid:
            return
        entry.host_absent = news.host_absent
        absent = {email.lower() for email, missed in news.marks if missed}
        for seat in entry.seats.values():
            if seat.email in absent:
                seat.attended, seat.evidence = False, "reported"
            elif seat.taken and seat.evidence is None and not news.host_absent:
                seat.attended, seat.evidence = True, "assumed"
        self._move_deal(entry)

    def marked(self, entry: BookingEntry, news: News, _seen: Booking) -> None:
        """An absence taken back means that they came, if by then the meeting was over."""
        over = entry.last.end_at <= news.at
        marks = {email.lower(): False if absent else True if over else None for email, absent in news.marks}
        self._reported(entry, marks)

    def guests_missed(self, entry: BookingEntry, _news: News, _seen: Booking) -> None:
        self._reported(entry, dict.fromkeys(entry.seats, False))

    def _reported(self, entry: BookingEntry, came: dict[str, bool | None]) -> None:
        for email, attended in came.items():
            seat = entry.seats[email]
            seat.attended, seat.evidence = attended, None if attended is None else "reported"
        self._move_deal(entry)

    def _move_deal(self, entry: BookingEntry) -> None:
        """A meeting that was held puts its company's active deal on `met`, and counts for it from then on."""
        attended, _ = entry.attendance()
        active = self._active.get(entry.company() or "")
        if attended and active is not None and entry not in active.met_by:
            entry.deal = active
            active.met_by.append(entry)
        elif not attended and entry.deal is not None and entry.deal is active and entry in active.met_by:
            active.met_by.remove(entry)


_HEARD: dict[str, Callable[[Ledger, BookingEntry, News, Booking], None]] = {
    "BOOKING_CREATED": Ledger.made,
    "BOOKING_REQUESTED": Ledger.made,
    "BOOKING_REJECTED": Ledger.rejected,
    "BOOKING_RESCHEDULED": Ledger.rescheduled,
    "BOOKING_CANCELLED": Ledger.cancelled,
    "BOOKING_REASSIGNED": Ledger.reassigned,
    "BOOKING_LOCATION_UPDATED": Ledger.described,
    "BOOKING_PAID": Ledger.described,
    "MEETING_ENDED": Ledger.ended,
    "BOOKING_NO_SHOW_UPDATED": Ledger.marked,
    "AFTER_GUESTS_CAL_VIDEO_NO_SHOW": Ledger.guests_missed,
}
