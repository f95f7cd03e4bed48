"""TE5 to TE8, PI13: each change of a booking is announced once to subscribers, while its event is fresh."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from showup.events import booking as events
from showup.events.booking import OutcomeReported
from showup.events.details import AttendeeDetails
from showup.events.envelope import EventRecord
from showup.outbox.planned import PlannedDelivery
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    HALF_HOUR,
    MIDDAY,
    MONDAY,
    PAT,
    SARAH,
    THURSDAY,
    TOM,
    bare_booking,
    booking,
    cancelled,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    record_of,
    requested,
    rescheduled,
    seat,
    started,
    state_of,
)

NOON_OF_THURSDAY = "20260305T140000Z"


def announcements_of(*records: EventRecord) -> list[PlannedDelivery]:
    """Returns the announcements of a history, in the order in which they were decided."""
    return [*state_of(*records).plan.announcements.values()]


def kinds_of(*records: EventRecord) -> list[str]:
    """Returns the kinds of the announcements, without the part before the dot."""
    return [one.kind.removeprefix("booking.") for one in announcements_of(*records)]


def received_late(record: EventRecord, delay: timedelta, route: str = "user") -> EventRecord:
    """Returns the same event, received `delay` after it happened."""
    return record_of(record.event, record.source_at, delay, route)


def rejected(at: datetime = MIDDAY) -> EventRecord:
    return record_of(events.BookingRejected(booking=booking(), reason="no time"), at)


def relocated(place: str, at: datetime = MIDDAY, route: str = "user") -> EventRecord:
    return record_of(events.LocationChanged(booking=booking(location=place)), at, route=route)


def reassigned(host: str, at: datetime = MIDDAY) -> EventRecord:
    return record_of(events.OrganizerChanged(booking=booking(organizer_email=host)), at)


def outcome(outcome: str, at: datetime) -> EventRecord:
    return record_of(OutcomeReported(subject="uid:abc123", outcome=outcome), at, timedelta(0))  # type: ignore[arg-type]  # any


LATER = FRIDAY + hours(3)
EXPECTED_KINDS: dict[str, tuple[Iterable[EventRecord], list[str]]] = {
    "made": ([made()], ["created"]),
    "requested": ([requested()], ["requested"]),
    "requested and accepted": ([requested(), made(MIDDAY)], ["requested", "created"]),
    "requested and declined": ([requested(), rejected()], ["requested", "rejected"]),
    "rescheduled": ([made(), rescheduled()], ["created", "rescheduled"]),
    "rescheduled, previously unknown": ([rescheduled()], ["rescheduled"]),
    "moved without a webhook": (
        [made(), record_of(made(start=FRIDAY).event, MIDDAY)],
        ["created", "rescheduled"],
    ),
    "another time is requested": (
        [made(), requested(MIDDAY, uid="xyz789", start=FRIDAY, replaces=events.ReplacedBooking(uid="abc123"))],
        ["created", "requested"],
    ),
    "cancelled": ([made(), cancelled()], ["created", "cancelled"]),
    "cancelled twice": ([made(), cancelled(), cancelled(AFTERNOON + hours(1))], ["created", "cancelled"]),
    "cancelled and booked again": (
        [made(), cancelled(MIDDAY), rescheduled(AFTERNOON)],
        ["created", "cancelled", "rescheduled"],
    ),
    "reassigned": ([made(), reassigned(ANN)], ["created", "reassigned"]),
    "reassigned to the same host": ([made(), reassigned(BEN)], ["created"]),
    "relocated": ([made(), relocated("Room 5")], ["created", "location_changed"]),
    "relocated to the same place": ([made(location="Room 5"), relocated("Room 5")], ["created"]),
    "relocated, received by two routes": (
        [made(), relocated("Room 5"), relocated("Room 5", MIDDAY + hours(1), "team")],
        ["created", "location_changed"],
    ),
    "F06: reassigned twice": (
        [made(), reassigned(ANN), reassigned("eve@acme.test", AFTERNOON)],
        ["created", "reassigned", "reassigned"],
    ),
    "F06: relocated twice": (
        [made(), relocated("Room 5"), relocated("Room 6", AFTERNOON)],
        ["created", "location_changed", "location_changed"],
    ),
    "F06: another place in a repeated event": (
        [made(), record_of(made(location="Room 5").event, MIDDAY)],
        ["created", "location_changed"],
    ),
    "held": ([made(), started(), ended()], ["created", "showed"]),
    "missed": ([made(), guests_missed(), ended()], ["created", "no_show"]),
    "the host missed it": ([made(), host_missed(), ended(host_absent=True)], ["created", "host_absent"]),
    "the host missed it, reported by the end": ([made(), ended(host_absent=True)], ["created", "host_absent"]),
    "assumed, then reported": ([made(), ended(), marked(LATER, came=False)], ["created", "showed", "no_show"]),
    "the report confirms the assumption": ([made(), ended(), marked(LATER, came=True)], ["created", "showed"]),
    "a witness reports a no-show": ([made(), ended(), outcome("no_show", LATER)], ["created", "showed", "no_show"]),
    "put off": ([made(), outcome("rescheduled", LATER)], ["created"]),
}


@pytest.mark.parametrize(("records", "expected"), EXPECTED_KINDS.values(), ids=EXPECTED_KINDS)
def test_each_change_is_announced(records: Iterable[EventRecord], expected: list[str]) -> None:
    assert kinds_of(*records) == expected


def test_each_change_of_attendance_is_announced() -> None:
    announcements = announcements_of(
        made(),
        ended(),
        marked(LATER, came=False),
        marked(LATER + hours(1), came=True),
        marked(LATER + hours(2), came=False),
    )
    suffixes = [
        one.key.removeprefix("booking.").replace(f":abc123:{NOON_OF_THURSDAY}:sarah.chen@acme.com", "")
        for one in announcements
    ]
    assert suffixes == ["created", "showed", "no_show", "showed+1", "no_show+1"]


def test_an_announcement_has_a_recipient_and_a_due_time() -> None:
    record = made()
    (announcement,) = announcements_of(record)
    assert (announcement.recipient, announcement.due_at, announcement.is_internal) == (
        SARAH.email,
        record.received_at,
        False,
    )
    assert announcement.expires_at == record.source_at + timedelta(days=7)


def test_announcements_are_due_in_source_order() -> None:
    """The cancellation is due after the booking, even if Showup received the cancellation first."""
    announcements = announcements_of(
        received_late(made(), hours(10)), rescheduled(), cancelled(uid="xyz789", start=FRIDAY)
    )
    assert [one.due_at for one in announcements] == sorted({one.due_at for one in announcements})
    assert [one.kind for one in announcements] == ["booking.created", "booking.rescheduled", "booking.cancelled"]


def test_a_reschedule_has_the_old_start_time() -> None:
    first, second = announcements_of(made(), rescheduled())
    assert (first.details, second.details) == ({}, {"old_start_time": "2026-03-05T14:00:00Z"})


def test_moving_there_and_back_is_announced_each_time() -> None:
    there = record_of(made(start=FRIDAY).event, MIDDAY)
    back = record_of(made().event, AFTERNOON)
    again = record_of(made(start=FRIDAY).event, AFTERNOON + hours(1))
    announcements = announcements_of(made(), there, back, again)
    assert [one.kind for one in announcements] == ["booking.created", *["booking.rescheduled"] * 3]
    assert len({one.key for one in announcements}) == 4


class TestFreshness:
    @pytest.mark.parametrize(("delay", "expected"), [(hours(0), 1), (hours(23.9), 1), (hours(24), 0), (hours(70), 0)])
    def test_events_older_than_a_day_are_not_announced(self, delay: timedelta, expected: int) -> None:
        assert len(announcements_of(received_late(made(), delay))) == expected

    def test_history_is_not_announced(self) -> None:
        assert announcements_of(replace(made(), is_history=True), replace(ended(), is_history=True)) == []

    def test_a_past_meeting_is_not_announced_but_its_attendance_is(self) -> None:
        assert kinds_of(received_late(made(THURSDAY - hours(1)), hours(2)), ended()) == ["showed"]

    def test_old_attendance_is_not_announced(self) -> None:
        assert kinds_of(made(), received_late(ended(), hours(30))) == ["created"]

    def test_a_cancellation_after_the_meeting_is_not_announced(self) -> None:
        assert kinds_of(made(), ended(), cancelled(LATER)) == ["created", "showed"]

    def test_a_copy_by_another_route_is_not_announced_again(self) -> None:
        twice = [made(), rescheduled(), cancelled(uid="xyz789", start=FRIDAY)]
        again = [received_late(one, hours(1), "team") for one in twice]
        assert kinds_of(*twice, *again) == kinds_of(*twice) == ["created", "rescheduled", "cancelled"]


class TestSeats:
    def seat_taken(self, who: AttendeeDetails, number: int, at: datetime = MONDAY) -> EventRecord:
        return made(at, who=seat(who, number), seated=True)

    def kinds_and_recipients(self, *records: EventRecord) -> list[tuple[str, str]]:
        return [(one.kind.removeprefix("booking."), one.recipient) for one in announcements_of(*records)]

    def test_each_seat_is_announced(self) -> None:
        back = cancelled(AFTERNOON, who=(SARAH,), seated=True)
        assert self.kinds_and_recipients(self.seat_taken(SARAH, 1), self.seat_taken(TOM, 2, MIDDAY), back) == [
            ("created", SARAH.email),
            ("created", TOM.email),
            ("cancelled", SARAH.email),
        ]

    def test_a_seat_taken_again_is_announced_again(self) -> None:
        back = cancelled(MIDDAY, who=(SARAH,), seated=True)
        again = self.seat_taken(SARAH, 3, AFTERNOON)
        announcements = self.kinds_and_recipients(self.seat_taken(SARAH, 1), self.seat_taken(TOM, 2), back, again)
        assert [kind for kind, who in announcements if who == SARAH.email] == ["created", "cancelled", "created"]

    def test_a_reschedule_is_announced_for_every_seat(self) -> None:
        moved = rescheduled(AFTERNOON, uid="abc123", who=(SARAH, TOM), seated=True)
        announcements = self.kinds_and_recipients(self.seat_taken(SARAH, 1), self.seat_taken(TOM, 2, MIDDAY), moved)
        assert announcements[2:] == [("rescheduled", SARAH.email), ("rescheduled", TOM.email)]

    def test_a_new_host_and_location_are_announced_for_every_seat(self) -> None:
        host = record_of(events.OrganizerChanged(booking=bare_booking(organizer_email=ANN)), AFTERNOON)
        place = record_of(events.LocationChanged(booking=bare_booking(location="Room 5")), AFTERNOON + hours(1))
        announcements = self.kinds_and_recipients(
            self.seat_taken(SARAH, 1), self.seat_taken(TOM, 2, MIDDAY), host, place
        )
        assert announcements[2:] == [
            ("reassigned", SARAH.email),
            ("reassigned", TOM.email),
            ("location_changed", SARAH.email),
            ("location_changed", TOM.email),
        ]

    def test_attendance_is_announced_per_seat(self) -> None:
        missed = marked(THURSDAY + HALF_HOUR + hours(1), came=False, attendee=TOM)
        announcements = self.kinds_and_recipients(
            self.seat_taken(SARAH, 1), self.seat_taken(TOM, 2, MIDDAY), ended(who=(SARAH, TOM), seated=True), missed
        )
        assert announcements[2:] == [("showed", SARAH.email), ("showed", TOM.email), ("no_show", TOM.email)]


class TestRecipient:
    def test_a_phone_only_attendee_is_external_without_an_address(self) -> None:
        (announcement,) = announcements_of(made(who=(PAT,)))
        assert (announcement.recipient, announcement.is_internal) == ("", False)

    def test_a_self_booking_is_internal(self) -> None:
        myself = AttendeeDetails(email=BEN, name="Ben")
        (announcement,) = announcements_of(made(who=(myself,)))
        assert (announcement.recipient, announcement.is_internal) == ("", True)


@pytest.mark.parametrize(
    "records",
    [
        (made(), rescheduled(), cancelled(AFTERNOON, uid="xyz789", start=FRIDAY)),
        (requested(), made(MIDDAY), ended(), marked(LATER, came=False), marked(LATER + hours(1), came=True)),
        (made(), received_late(made(), hours(2), "team"), relocated("Room 5"), reassigned(ANN, AFTERNOON)),
    ],
)
def test_any_order_announces_the_same(records: tuple[EventRecord, ...]) -> None:
    """PI9: the announcements do not depend on the order of arrival."""
    first, *others = (state_of(*one).plan.announcements for one in permutations(records))
    assert len(first) > 1
    assert all(other == first for other in others)


class TestUnannouncedCopy:
    """PI13, PI9: a copy too old to announce may come first in source order, and must not suppress a fresh copy."""

    @pytest.mark.parametrize("route", ["g", "h"])
    def test_a_copy_that_came_days_late(self, route: str) -> None:
        assert kinds_of(received_late(made(), hours(30), route), made()) == ["created"]

    @pytest.mark.parametrize("fresh", [made(), rescheduled(), cancelled()], ids=["made", "rescheduled", "cancelled"])
    def test_a_copy_from_history(self, fresh: EventRecord) -> None:
        copy = replace(fresh, event_id=made(MIDDAY).event_id, is_history=True, order_key="")
        (one,) = announcements_of(copy, fresh)[-1:]
        assert one.kind == announcements_of(fresh)[-1].kind

    def test_a_copy_of_attendance_from_history(self) -> None:
        copy = replace(ended(), event_id=made(MIDDAY).event_id, is_history=True, order_key=f"{ended().order_key}0")
        assert kinds_of(replace(made(), is_history=True), replace(copy, order_key=""), ended())[-1:] == ["showed"]

    def test_many_copies_are_announced_once(self) -> None:
        assert kinds_of(received_late(made(), hours(30), "g"), made(), received_late(made(), hours(1), "k")) == [
            "created"
        ]

    def test_a_late_copy_of_one_seat_beside_a_fresh_one(self) -> None:
        stale = received_late(made(who=seat(SARAH, 1), seated=True), hours(30), "g")
        fresh = made(MIDDAY, who=(*seat(SARAH, 1), *seat(TOM, 2)), seated=True)
        announcements = {(one.kind, one.recipient) for one in announcements_of(stale, fresh)}
        assert announcements == {("booking.created", SARAH.email), ("booking.created", TOM.email)}

    def test_an_old_copy_after_an_unannounced_move_changes_nothing(self) -> None:
        moved = record_of(made(start=FRIDAY).event, MIDDAY)
        assert kinds_of(made(), moved, received_late(made(MIDDAY), hours(0), "k"))[:2] == ["created", "rescheduled"]
