"""The rules of the product, as simply as possible: the whole history in, the expected data out.

The model shares no code with Showup, and is not fast: it replays everything twice, with lists and ifs. It leaves out
seats and changes of attendees, which have their own tests.
"""

from dataclasses import replace
from typing import Any

from tests.model import deals, mails, people
from tests.model.source_events import ReceivedEvent, SourceEvent, in_source_order, parse_time
from tests.model.values import Booking, ReferenceModel

# The triggers that say how a booking ended, whatever the status in their payload (PI9).
_INITIAL_STATUS = {"BOOKING_CANCELLED": "CANCELLED", "BOOKING_REJECTED": "REJECTED"}
_ENDED = ("CANCELLED", "REJECTED")
# The first event of a booking creates it, unless it lacks the booking's time (PI9).
_CREATING = {
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_PAID",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_REASSIGNED",
    "BOOKING_LOCATION_UPDATED",
    "MEETING_ENDED",
}


def expected_model(history: list[ReceivedEvent]) -> ReferenceModel:
    """Replays twice: the first pass finds the final company of each booking, which all its deals belong to."""
    events = in_source_order(history)
    first_pass = _replay(ReferenceModel(), events)
    model = _replay(
        ReferenceModel(companies={one.number: first_pass.company_of(one) for one in first_pass.bookings}), events
    )
    model.people, model.names = people.expected_people(model, events), people.expected_companies(model, events)
    return model


def _replay(model: ReferenceModel, events: list[SourceEvent]) -> ReferenceModel:
    for event in events:
        if event.kind == "rules_changed":
            model.change_rules(event)
        elif event.kind == "person_recorded" and "company" in event.fields:
            model.assigned.setdefault(event.fields["email"], []).append((event.at, event.fields["company"]))
    for event in events:
        if event.kind == "deal_opened":
            deals.manually_opened(model, event)
        elif event.kind == "deal_changed" and event.fields["subject"] in model.opened:
            deals.manually_changed(model, model.opened[event.fields["subject"]], event)
        elif event.kind not in ("rules_changed", "person_recorded", "company_recorded"):
            _apply(model, event)
    return model


def _apply(model: ReferenceModel, event: SourceEvent) -> None:
    booking = model.find(event)
    if booking is not None:
        _apply_to_booking(model, booking, event)
    elif event.kind in _CREATING:
        _create_booking(model, event)
    else:
        # The event is about an unknown booking (PI9).
        model.waiting.append(event)


def _create_booking(model: ReferenceModel, event: SourceEvent) -> None:
    fields = event.fields
    old_uid = fields.get("rescheduleUid")
    host = _host(event)
    booking = Booking(
        number=len(model.bookings),
        booked_at=event.at,
        uids=[fields["uid"]] if old_uid is None else [old_uid, fields["uid"]],
        status=_initial_status(event),
        start=parse_time(fields["startTime"]),
        end=parse_time(fields["endTime"]),
        emails=[
            email for one in fields["attendees"] if not model.is_ours(email := one["email"].lower(), host, event.at)
        ],
        series=_series_of(event),
        host=host,
        moves=0 if old_uid is None else 1,
        is_rebooking_requested=bool(fields.get("requestReschedule")),
        is_end_unreported=_initial_status(event) == "CANCELLED" and event.kind != "BOOKING_CANCELLED",
    )
    model.bookings.append(booking)
    if booking.status == "ACCEPTED":
        deals.meeting_booked(model, booking)
    match event.kind:
        case "BOOKING_CREATED" | "BOOKING_RESCHEDULED" | "BOOKING_REQUESTED" | "BOOKING_PAID":
            if booking.status == "ACCEPTED":
                mails.plan_booked(model, booking, event)
        case "BOOKING_CANCELLED":
            mails.plan_cancelled(model, booking, event)
        case "BOOKING_LOCATION_UPDATED":
            if booking.status == "ACCEPTED":
                mails.plan_difference(model, booking, event, "new_place", _place(event))
        case "MEETING_ENDED" if booking.status == "ACCEPTED":
            _ended(model, booking, event)
    booking.place, booking.calendar_uid = _place(event), fields.get("iCalUID")
    mails.plan_cleanup(booking, event, set())
    mails.plan_outcome_request(booking, event)
    _apply_waiting(model, booking)


def _series_of(event: SourceEvent) -> tuple[Any, ...] | None:
    """M12: the dates that one person booked by one rule are one series."""
    rule = event.fields.get("recurringEvent")
    return None if rule is None else (*sorted(rule.items()), event.fields["attendees"][0]["email"].lower())


def _initial_status(event: SourceEvent) -> str:
    """F13: the payload's status counts, except where the trigger says how the booking ended."""
    listed = event.fields.get("status")
    if listed in _ENDED and event.kind not in _INITIAL_STATUS:
        return str(listed)
    if event.kind in ("BOOKING_CREATED", "BOOKING_RESCHEDULED"):
        return "PENDING" if listed == "PENDING" else "ACCEPTED"
    if event.kind == "BOOKING_REQUESTED":
        return "ACCEPTED" if listed == "ACCEPTED" else "PENDING"
    if event.kind == "BOOKING_PAID":
        return "ACCEPTED" if listed == "ACCEPTED" and not event.fields.get("requiresConfirmation") else "PENDING"
    return _INITIAL_STATUS.get(event.kind) or listed or "ACCEPTED"


def _take_status(model: ReferenceModel, booking: Booking, event: SourceEvent) -> bool:
    """F13: a booking that waits takes the status in the payload. Returns whether that accepted it."""
    listed = event.fields.get("status")
    if booking.status not in ("PENDING", "REJECTED") or listed in (None, "PENDING"):
        return False
    booking.status = listed
    if listed == "ACCEPTED":
        deals.meeting_booked(model, booking)
    return listed == "ACCEPTED"


def _had_ended(booking: Booking, event: SourceEvent) -> bool:
    """F13: Cal.com reads a booking when it sends. One that is not on then takes the end that the payload lists."""
    listed = event.fields.get("status")
    if booking.status == "ACCEPTED" or listed not in _ENDED:
        return False
    if booking.status != "CANCELLED":
        booking.status = listed
    return True


def _apply_waiting(model: ReferenceModel, booking: Booking) -> None:
    """Applies the events that waited for this booking: they are older than its first event."""
    waiting = [one for one in model.waiting if model.find(one) is booking]
    model.waiting = [one for one in model.waiting if one not in waiting]
    for one in waiting:
        _apply_to_booking(model, booking, one)


def _apply_to_booking(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    booking.series = booking.series or _series_of(event)
    uid = event.fields.get("uid") or event.fields.get("bookingUid")
    if uid is not None and uid != booking.uid and uid in booking.uids:
        model.refused[event.id] = "it is about a time that the booking no longer has"
        return
    before, mails_before = replace(booking), mails.scheduled_mails(booking)
    _HANDLERS[event.kind](model, booking, event)
    booking.is_end_unreported = (
        booking.status == "CANCELLED"
        and event.kind != "BOOKING_CANCELLED"
        and (before.status != "CANCELLED" or before.is_end_unreported)
    )
    if event.id not in model.refused or not event.kind.isupper():
        _compare_details(model, before, booking, event)
        mails.plan_cleanup(booking, event, mails_before)
        mails.plan_outcome_request(booking, event)


def _compare_details(model: ReferenceModel, before: Booking, booking: Booking, event: SourceEvent) -> None:
    """F06: reports another host or place of a meeting that stays at its time."""
    if "metadata" in event.fields:
        booking.place, booking.calendar_uid = _place(event), event.fields.get("iCalUID")
        booking.host = _host(event)
    stays = before.status == booking.status == "ACCEPTED" and (before.uid, before.start) == (booking.uid, booking.start)
    if stays and before.host != booking.host:
        mails.plan_difference(model, booking, event, "new_host", (booking.host, booking.place))
    elif stays and before.place != booking.place:
        mails.plan_difference(model, booking, event, "new_place", booking.place)


def _place(event: SourceEvent) -> str | None:
    place: str | None = event.fields["metadata"].get("videoCallUrl") or event.fields.get("location")
    return place


def _host(event: SourceEvent) -> str:
    fields = event.fields
    host: str = fields["organizer"]["email"] if "organizer" in fields else fields["userPrimaryEmail"]
    return host


def _refuse_unless(model: ReferenceModel, event: SourceEvent, *, allowed: bool) -> bool:
    if not allowed:
        model.refused[event.id] = "not as the booking is now"
    return allowed


def _made(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI1; PI6: accepts a pending booking. A cancelled booking does not come back under the same uid.

    F13: one that is made and still PENDING waits for its payment or confirmation.
    """
    if _had_ended(booking, event):
        return
    if event.fields.get("status") == "PENDING":
        if _refuse_unless(model, event, allowed=booking.status in ("PENDING", "ACCEPTED")):
            _plan_if_accepted(model, booking, event)
        return
    if not _refuse_unless(model, event, allowed=booking.status != "CANCELLED"):
        return
    if booking.status != "ACCEPTED":
        booking.status = "ACCEPTED"
        deals.meeting_booked(model, booking)
    mails.plan_booked(model, booking, event)


def _plan_if_accepted(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    if booking.status == "ACCEPTED":
        mails.plan_booked(model, booking, event)


def _requested(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: a `rescheduleUid` replaces the old time, and the new time waits for the host's approval.

    F13: a request that is ACCEPTED by now was confirmed.
    """
    is_accepted = event.fields.get("status") == "ACCEPTED"
    if event.fields["uid"] != booking.uid:
        was_accepted = booking.status == "ACCEPTED"
        mails.withdraw(booking)
        _move(booking, event)
        if _had_ended(booking, event):
            return
        booking.status = "ACCEPTED" if is_accepted else "PENDING"
        if is_accepted and not was_accepted:
            deals.meeting_booked(model, booking)
        if is_accepted:
            mails.plan_booked(model, booking, event)
    elif is_accepted:
        was_accepted = booking.status == "ACCEPTED"
        if _refuse_unless(model, event, allowed=booking.status != "CANCELLED") and not was_accepted:
            _take_status(model, booking, event)
            mails.plan_booked(model, booking, event)
    elif not _had_ended(booking, event):
        _refuse_unless(model, event, allowed=booking.status == "PENDING")


def _paid(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """F13: a payment accepts the booking if its status says so and the host need not confirm it."""
    if _had_ended(booking, event):
        return
    waits_for_payment = booking.status == "PENDING" and not event.fields.get("requiresConfirmation")
    if waits_for_payment and _take_status(model, booking, event):
        mails.plan_booked(model, booking, event)


def _rejected(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: only a pending booking can be rejected; its deal, if any, remains."""
    if _refuse_unless(model, event, allowed=booking.status in ("PENDING", "REJECTED")):
        booking.status = "REJECTED"


def _relocated(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6: its new place is compared with the old one, as that of any event. F13: it may accept the booking."""
    if _take_status(model, booking, event):
        mails.plan_booked(model, booking, event)


def _rescheduled(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI3."""
    was_accepted = booking.status == "ACCEPTED"
    mails.withdraw(booking)
    _move(booking, event)
    if _had_ended(booking, event):
        return
    booking.status = "ACCEPTED"
    if not was_accepted:
        deals.meeting_booked(model, booking)
    mails.plan_booked(model, booking, event)


def _reassigned(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI6. F13: also accepts a booking whose confirmation was lost."""
    is_accepted = _take_status(model, booking, event)
    deals.host_changed(model, booking, event)
    if is_accepted:
        mails.plan_booked(model, booking, event)


def _move(booking: Booking, event: SourceEvent) -> None:
    """PI3: sets new times and a new uid, and counts one reschedule; attendance is open again."""
    booking.uids.append(event.fields["uid"])
    before = booking.start
    booking.start, booking.end = parse_time(event.fields["startTime"]), parse_time(event.fields["endTime"])
    booking.moves += 1
    if booking.start != before:
        booking.confirmations = {}
    booking.attended = booking.evidence = booking.outcome = None
    booking.host_absent = booking.is_rebooking_requested = False
    # A meeting at another time is not what the person knew when they put the deal back.
    booking.is_outweighed = booking.has_attendance = False


def _cancelled(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI4: a host who asks for another time does not cancel the deal."""
    is_rebooking_requested = bool(event.fields.get("requestReschedule"))
    is_known_end = booking.status == "CANCELLED" and not booking.is_end_unreported
    if not _refuse_unless(model, event, allowed=not (is_rebooking_requested and is_known_end)):
        return
    was_cancelled = is_known_end and not booking.is_rebooking_requested
    booking.status, booking.is_rebooking_requested = "CANCELLED", is_rebooking_requested
    mails.withdraw(booking)
    mails.plan_cancelled(model, booking, event)
    if not (was_cancelled or is_rebooking_requested):
        deals.meeting_cancelled(model, booking, event)


def _marked(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI5: marks an attendee absent or not absent; a mark that is removed before the end leaves attendance open."""
    (mark,) = event.fields["attendees"]
    is_missed, is_over = mark["noShow"], booking.end <= event.at
    if _refuse_unless(model, event, allowed=booking.status == "ACCEPTED") and mark["email"] == booking.booker:
        _attend(model, booking, None if not (is_missed or is_over) else not is_missed, "reported")
        mails.plan_follow_up(model, booking, event)


def _ended(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """PI5: the scheduled end came, with or without attendees; the clock never overrules a report."""
    _take_status(model, booking, event)
    if not _refuse_unless(model, event, allowed=booking.status == "ACCEPTED"):
        return
    stays_open = model.rule("meeting_ended", "showed", event.at) == "unreported" or booking.outcome == "rescheduled"
    if not stays_open and booking.evidence != "reported" and not booking.host_absent:
        _attend(model, booking, True, "assumed")
    mails.plan_follow_up(model, booking, event)


def _reported(model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """AP2: `rescheduled` leaves attendance open and the deal unchanged.

    PI5: an absent host is not a guest's no-show.
    """
    if not _refuse_unless(model, event, allowed=booking.status == "ACCEPTED"):
        # PI12: it was accepted before the older event arrived, so the meeting was on as far as the witness knew.
        booking.status, booking.is_rebooking_requested = "ACCEPTED", False
        deals.meeting_booked(model, booking)
    elif event.fields["outcome"] != "rescheduled":
        # M10: a meeting has no outcome before it starts; PI12: one accepted before the meeting moved stands.
        _refuse_unless(model, event, allowed=event.at >= booking.start)
    outcome = event.fields["outcome"]
    booking.outcome, booking.host_absent = outcome, outcome == "host_absent"
    booking.notes = event.fields.get("notes", booking.notes)
    booking.next_step = event.fields.get("next_step", booking.next_step)
    if outcome in ("showed", "no_show"):
        _attend(model, booking, outcome == "showed", "reported", is_by_person=True)
    elif outcome == "host_absent" and booking.evidence == "assumed":
        _attend(model, booking, None, "")
    elif outcome == "rescheduled":
        booking.attended = booking.evidence = None
    mails.plan_follow_up(model, booking, event)


def _confirmed(_model: ReferenceModel, booking: Booking, event: SourceEvent) -> None:
    """TE14: an attendee's yes is for one time of the meeting; the first one counts."""
    email = event.fields["attendee"]
    if email in booking.emails and parse_time(event.fields["start_time"]) == booking.start:
        booking.confirmations.setdefault(email, event.at)


def _attend(
    model: ReferenceModel, booking: Booking, attended: bool | None, evidence: str, *, is_by_person: bool = False
) -> None:
    before, booking.attended = booking.attended, attended
    booking.evidence = None if attended is None else evidence
    if attended:
        if not before:
            deals.booker_attended(model, booking, is_reported_by_person=is_by_person)
    elif before != attended:
        deals.booker_missed(model, booking)


_HANDLERS = {
    "BOOKING_CREATED": _made,
    "BOOKING_REQUESTED": _requested,
    "BOOKING_PAID": _paid,
    "BOOKING_REJECTED": _rejected,
    "BOOKING_RESCHEDULED": _rescheduled,
    "BOOKING_CANCELLED": _cancelled,
    "BOOKING_REASSIGNED": _reassigned,
    "BOOKING_LOCATION_UPDATED": _relocated,
    "MEETING_ENDED": _ended,
    "BOOKING_NO_SHOW_UPDATED": _marked,
    "outcome_reported": _reported,
    "attendee_confirmed": _confirmed,
    "deal_changed": deals.booking_deal_changed,
    "booking_attached": deals.booking_attached,
}
