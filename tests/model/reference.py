"""The rules of the product, as plainly as they can be written: the whole history in, what must stand out.

Nothing here is shared with the code that it judges, and nothing is fast: everything is folded anew, twice, with lists
and ifs. Seats and attendees who change are left out; tests of their own tell of them.
"""

from tests.model import deals, mails, people
from tests.model.facts import Fact, Heard, in_source_order, moment
from tests.model.values import Booking, World

# A booking stands, or has a status of its own, by the first news of it, whatever that is (PI9).
_FOUNDED = {
    "BOOKING_CREATED": "ACCEPTED",
    "BOOKING_REQUESTED": "PENDING",
    "BOOKING_RESCHEDULED": "ACCEPTED",
    "BOOKING_CANCELLED": "CANCELLED",
    "BOOKING_REJECTED": "REJECTED",
    "BOOKING_REASSIGNED": "ACCEPTED",
    "BOOKING_LOCATION_UPDATED": "ACCEPTED",
    "MEETING_ENDED": "ACCEPTED",
}


def what_must_stand(history: list[Heard]) -> World:
    """Told twice: whose a booking is in the end, the first time says, and its deals were always theirs."""
    facts = in_source_order(history)
    first = _told(World(), facts)
    world = _told(World(companies={one.number: first.company_of(one) for one in first.bookings}), facts)
    world.people, world.names = people.people(world, facts), people.companies(world, facts)
    return world


def _told(world: World, facts: list[Fact]) -> World:
    for fact in facts:
        if fact.kind == "change_rules":
            world.change_rules(fact)
    for fact in facts:
        if fact.kind == "open_deal":
            deals.opened_by_hand(world, fact)
        elif fact.kind == "change_deal" and fact.said["deal"] in world.opened:
            deals.changed_by_hand(world, world.opened[fact.said["deal"]], fact)
        elif fact.kind not in ("change_rules", "record_person", "record_company"):
            _take(world, fact)
    return world


def _take(world: World, fact: Fact) -> None:
    booking = world.find(fact)
    if booking is not None:
        _hear(world, booking, fact)
    elif fact.kind in _FOUNDED:
        _found(world, fact)
    else:
        # Nobody has told of its booking yet (PI9).
        world.waiting.append(fact)


def _found(world: World, fact: Fact) -> None:
    said = fact.said
    old = said.get("rescheduleUid")
    booking = Booking(
        number=len(world.bookings),
        uids=[said["uid"]] if old is None else [old, said["uid"]],
        status=_FOUNDED[fact.kind],
        start=moment(said["startTime"]),
        end=moment(said["endTime"]),
        emails=[one["email"].lower() for one in said["attendees"]],
        host=said["organizer"]["email"] if "organizer" in said else said["userPrimaryEmail"],
        moves=0 if old is None else 1,
        wants_rebooking=bool(said.get("requestReschedule")),
    )
    world.bookings.append(booking)
    if booking.status == "ACCEPTED":
        deals.meeting_stands(world, booking)
    match fact.kind:
        case "BOOKING_CREATED" | "BOOKING_RESCHEDULED":
            mails.that_it_stands(world, booking, fact)
        case "BOOKING_CANCELLED":
            mails.that_it_is_off(world, booking, fact)
        case "BOOKING_LOCATION_UPDATED":
            mails.the_new_place(world, booking, fact)
        case "MEETING_ENDED":
            _ended(world, booking, fact)
    _hear_what_waited(world, booking)


def _hear_what_waited(world: World, booking: Booking) -> None:
    """It happened before we could know of the booking, so it is heard first."""
    waited = [one for one in world.waiting if world.find(one) is booking]
    world.waiting = [one for one in world.waiting if one not in waited]
    for one in waited:
        _hear(world, booking, one)


def _hear(world: World, booking: Booking, fact: Fact) -> None:
    uid = fact.said.get("uid") or fact.said.get("bookingUid")
    if uid is not None and uid != booking.uid and uid in booking.uids:
        world.refused[fact.id] = "it is about a time that the booking no longer has"
        return
    _HEARD[fact.kind](world, booking, fact)


def _only_if(world: World, fact: Fact, *, allowed: bool) -> bool:
    if not allowed:
        world.refused[fact.id] = "not as the booking is now"
    return allowed


def _made(world: World, booking: Booking, fact: Fact) -> None:
    """PI1; PI6: one that waited is accepted. A booking that was called off does not come back under the same uid."""
    if not _only_if(world, fact, allowed=booking.status != "CANCELLED"):
        return
    if booking.status != "ACCEPTED":
        booking.status = "ACCEPTED"
        deals.meeting_stands(world, booking)
    mails.that_it_stands(world, booking, fact)


def _requested(world: World, booking: Booking, fact: Fact) -> None:
    """PI6: with a `rescheduleUid` the old time is gone, and the new one waits for the host's yes."""
    if fact.said["uid"] == booking.uid:
        _only_if(world, fact, allowed=booking.status == "PENDING")
        return
    mails.withdraw(booking)
    _move(booking, fact)
    booking.status = "PENDING"


def _rejected(world: World, booking: Booking, fact: Fact) -> None:
    """PI6: only what waits can be declined; the deal, if there is one, stays."""
    if _only_if(world, fact, allowed=booking.status in ("PENDING", "REJECTED")):
        booking.status = "REJECTED"


def _relocated(world: World, booking: Booking, fact: Fact) -> None:
    """PI6: the new meeting link is told."""
    if booking.status == "ACCEPTED":
        mails.the_new_place(world, booking, fact)


def _rescheduled(world: World, booking: Booking, fact: Fact) -> None:
    """PI3."""
    stood = booking.status == "ACCEPTED"
    mails.withdraw(booking)
    _move(booking, fact)
    booking.status = "ACCEPTED"
    if not stood:
        deals.meeting_stands(world, booking)
    mails.that_it_stands(world, booking, fact)


def _move(booking: Booking, fact: Fact) -> None:
    """PI3: new times, new uid, one reschedule more; another time is another chance to come."""
    booking.uids.append(fact.said["uid"])
    booking.start, booking.end = moment(fact.said["startTime"]), moment(fact.said["endTime"])
    booking.moves += 1
    booking.attended = booking.evidence = booking.outcome = None
    booking.host_absent = booking.wants_rebooking = False


def _cancelled(world: World, booking: Booking, fact: Fact) -> None:
    """PI4: a host who asks for another time does not cancel the deal."""
    asks = bool(fact.said.get("requestReschedule"))
    if not _only_if(world, fact, allowed=not (asks and booking.status == "CANCELLED")):
        return
    again = booking.status == "CANCELLED" and not booking.wants_rebooking
    booking.status, booking.wants_rebooking = "CANCELLED", asks
    mails.withdraw(booking)
    mails.that_it_is_off(world, booking, fact)
    if not (again or asks):
        deals.meeting_called_off(world, booking, fact)


def _marked(world: World, booking: Booking, fact: Fact) -> None:
    """PI5: absent, or absent no more; a mark taken back before the end leaves the question open."""
    missed, over = fact.said["attendees"][0]["noShow"], booking.end <= fact.at
    if _only_if(world, fact, allowed=booking.status == "ACCEPTED"):
        _attend(world, booking, None if not (missed or over) else not missed, "reported")
        mails.that_it_was_missed(world, booking, fact)


def _ended(world: World, booking: Booking, fact: Fact) -> None:
    """PI5: the scheduled end came, whether or not anybody did; a report is never overruled by the clock."""
    if not _only_if(world, fact, allowed=booking.status == "ACCEPTED"):
        return
    waits = world.rule("meeting_ended", "showed", fact.at) == "unreported" or booking.outcome == "rescheduled"
    if not waits and booking.evidence != "reported" and not booking.host_absent:
        _attend(world, booking, True, "assumed")
    mails.that_it_was_missed(world, booking, fact)


def _reported(world: World, booking: Booking, fact: Fact) -> None:
    """AP2: `rescheduled` leaves attendance open and the deal alone; PI5: an absent host is not the guest's no-show."""
    if not _only_if(world, fact, allowed=booking.status == "ACCEPTED"):
        return
    outcome = fact.said["outcome"]
    booking.outcome, booking.host_absent = outcome, outcome == "host_absent"
    booking.notes = fact.said.get("notes", booking.notes)
    booking.next_step = fact.said.get("next_step", booking.next_step)
    if outcome in ("showed", "no_show"):
        _attend(world, booking, outcome == "showed", "reported")
    elif outcome == "host_absent" and booking.evidence == "assumed":
        _attend(world, booking, None, "")
    elif outcome == "rescheduled":
        booking.attended = booking.evidence = None
    mails.that_it_was_missed(world, booking, fact)


def _attend(world: World, booking: Booking, came: bool | None, evidence: str) -> None:
    before, booking.attended = booking.attended, came
    booking.evidence = None if came is None else evidence
    if came:
        if not before:
            deals.booker_came(world, booking)
    elif before != came:
        deals.booker_did_not_come(world, booking)


_HEARD = {
    "BOOKING_CREATED": _made,
    "BOOKING_REQUESTED": _requested,
    "BOOKING_REJECTED": _rejected,
    "BOOKING_RESCHEDULED": _rescheduled,
    "BOOKING_CANCELLED": _cancelled,
    "BOOKING_REASSIGNED": deals.host_changed,
    "BOOKING_LOCATION_UPDATED": _relocated,
    "MEETING_ENDED": _ended,
    "BOOKING_NO_SHOW_UPDATED": _marked,
    "report_outcome": _reported,
    "change_deal": deals.its_deal_changed,
    "move_booking": deals.booking_attached,
}
