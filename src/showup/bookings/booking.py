"""A booking as it stands: frozen values, known by natural keys (emails, domains, uids), free of any database id."""

from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from msgspec import Struct

Status: TypeAlias = Literal["ACCEPTED", "PENDING", "CANCELLED", "REJECTED"]
Evidence: TypeAlias = Literal["assumed", "reported"]
MeetingOutcome: TypeAlias = Literal["showed", "no_show", "host_absent", "rescheduled"]


class Attendee(Struct, frozen=True, kw_only=True):
    """One attendee of one booking, in the order in which they joined.

    `is_person`: somebody on the other side, known by an email address: not the organizer, not a teammate, not a
    made-up address for a phone number. `company_domain` is theirs, None for a personal domain. `left_at`: the seat
    was given back, or a newer list no longer names them. `returns`: how often they took a seat again.
    """

    email: str | None
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    seat_uid: str | None = None
    is_person: bool = False
    company_domain: str | None = None
    attended: bool | None = None
    evidence: Evidence | None = None
    left_at: datetime | None = None
    returns: int = 0

    @property
    def key(self) -> str:
        """What tells this attendee from the others of the same booking."""
        return self.email or self.phone or self.name or ""


class UidHeld(Struct, frozen=True, kw_only=True):
    """A uid that the booking has, or once had, with the times it had then."""

    uid: str | None
    calcom_booking_id: str | None
    start_time: datetime | None
    end_time: datetime | None
    since: datetime | None


# `dict` is where what was worked out once is kept: a fold asks each booking for it dozens of times.
class Booking(Struct, frozen=True, kw_only=True, dict=True):
    """One meeting, through all its uids. `version` counts its changes of time, from 1."""

    uid: str | None
    calcom_booking_id: str | None
    status: Status
    start_time: datetime
    end_time: datetime | None
    booked_at: datetime
    title: str = ""
    attendees: tuple[Attendee, ...] = ()
    hosts: frozenset[str] = frozenset()
    host_absent: bool = False
    organizer_email: str | None = None
    organizer_name: str | None = None
    organizer_time_zone: str | None = None
    event_type: str | None = None
    event_type_title: str | None = None
    calcom_event_type_id: str | None = None
    location: str | None = None
    meeting_url: str | None = None
    notes: str | None = None
    answers: dict[str, str] = {}
    cancellation_reason: str | None = None
    cancelled_by: str | None = None
    rejection_reason: str | None = None
    reschedule_requested: bool = False
    reschedule_reason: str | None = None
    rescheduled_by: str | None = None
    reschedule_count: int = 0
    ical_uid: str | None = None
    ical_sequence: int | None = None
    booker_url: str | None = None
    seated: bool = False
    paid: bool | None = None
    price: int | None = None
    currency: str | None = None
    recording_url: str | None = None
    transcript_url: str | None = None
    # What somebody who was there said of the meeting: how it went, and what comes next.
    outcome: MeetingOutcome | None = None
    outcome_notes: str | None = None
    next_step: str | None = None
    # The key of the company to which a person attached the booking, whatever its attendees say.
    attached_to: str | None = None
    uids: tuple[UidHeld, ...] = ()
    simulated: bool = False
    version: int = 1

    @property
    def is_live(self) -> bool:
        """Whether the meeting is to take place: accepted, and not called off."""
        return self.status == "ACCEPTED"

    @cached_property
    def seats(self) -> tuple[Attendee, ...]:
        """The attendees who still have a seat."""
        return tuple(attendee for attendee in self.attendees if attendee.left_at is None)

    @cached_property
    def _listed(self) -> tuple[Attendee, ...]:
        # A seat of many that was given back stays the first booker's; a corrected list takes the booking along.
        return self.attendees if self.seated else (*self.seats, *self.attendees)

    @cached_property
    def booker(self) -> Attendee | None:
        """The first attendee who is a person."""
        return next((one for one in self._listed if one.is_person), None)

    @cached_property
    def company_domain(self) -> str | None:
        """The first business domain among the attendees: the deal is theirs."""
        return next((one.company_domain for one in self._listed if one.company_domain is not None), None)

    @cached_property
    def witness(self) -> Attendee | None:
        """Whose attendance is the booking's: the booker's; of many seats, of the first who kept theirs."""
        # Somebody known by phone only is no person we could write to, and comes to the meeting all the same.
        return next((one for one in self.seats if one.is_person or one.email is None), self.booker)

    @property
    def attended(self) -> bool | None:
        """Whether the booker came (of many seats: the first who kept theirs); None while nobody has said."""
        return self.witness.attended if self.witness is not None else None

    @property
    def evidence(self) -> Evidence | None:
        """What `attended` rests on."""
        return self.witness.evidence if self.witness is not None else None

    def held(self, uid: str | None) -> bool:
        """Whether the booking ever had this uid."""
        return uid is not None and any(held.uid == uid for held in self.uids)
