"""TE14: an attendee says that they will come. It holds for one time of the meeting, and is no attendance."""

from collections.abc import Sequence
from datetime import datetime
from itertools import permutations

import pytest

from showup.events import booking as events
from showup.events.booking import AttendeeConfirmed
from showup.events.envelope import EventRecord
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    FRIDAY,
    MIDDAY,
    MIKE,
    SARAH,
    THURSDAY,
    booking,
    cancelled,
    ended,
    entry_codes,
    hours,
    made,
    record_of,
    rescheduled,
    seat,
    state_of,
)

NOON_BEFORE = THURSDAY - hours(26)
MOVED_BACK = record_of(made(start=THURSDAY).event, MIDDAY + hours(2))


def yes(
    at: datetime = NOON_BEFORE, start: datetime = THURSDAY, who: str | None = SARAH.email, uid: str = "abc123"
) -> EventRecord:
    return record_of(AttendeeConfirmed(subject=f"uid:{uid}", attendee=who or "", start_time=start), at)


def confirmations(*records: EventRecord) -> dict[str, datetime | None]:
    found = state_of(*records).booking
    assert found is not None
    return {one.key: one.confirmed_at for one in found.attendees}


def announced(*records: EventRecord) -> list[str]:
    announcements = state_of(*records).plan.announcements.values()
    return [one.recipient for one in announcements if one.kind == "booking.confirmed"]


def test_a_yes_is_recorded_with_its_time_and_is_no_attendance() -> None:
    state = state_of(made(), yes())
    assert state.booking is not None
    assert state.booking.attendees[0].confirmed_at == NOON_BEFORE
    assert (state.booking.attended, state.booking.evidence, state.booking.version) == (None, None, 1)
    entry = state.entries[-1]
    assert (entry.what, entry.because) == (
        "attendee.confirmed",
        "sarah.chen@acme.com said that they will come on 2026-03-05 14:00 UTC",
    )


def test_the_first_yes_counts_and_is_announced_once() -> None:
    records = made(), yes(), yes(NOON_BEFORE + hours(1))
    assert confirmations(*records) == {"sarah.chen@acme.com": NOON_BEFORE}
    assert announced(*records) == ["sarah.chen@acme.com"]
    assert entry_codes(state_of(*records)).count("attendee.confirmed") == 1


@pytest.mark.parametrize(
    "move",
    [rescheduled(AFTERNOON), record_of(made(start=FRIDAY).event, AFTERNOON)],
    ids=["with a webhook", "without one"],
)
def test_a_new_time_clears_a_yes_to_the_old_one(move: EventRecord) -> None:
    assert confirmations(made(), yes(MIDDAY), move) == {"sarah.chen@acme.com": None}


def test_a_new_host_or_uid_at_the_same_time_keeps_the_yes() -> None:
    reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN)), AFTERNOON)
    same_time = rescheduled(AFTERNOON, start=THURSDAY)
    for later in (reassigned, same_time):
        assert confirmations(made(), yes(MIDDAY), later) == {"sarah.chen@acme.com": MIDDAY}


def test_a_time_that_comes_back_is_asked_about_again() -> None:
    there = record_of(made(start=FRIDAY).event, MIDDAY + hours(1))
    assert confirmations(made(), yes(MIDDAY), there, MOVED_BACK) == {"sarah.chen@acme.com": None}
    again = MIDDAY + hours(3)
    assert confirmations(made(), yes(MIDDAY), there, MOVED_BACK, yes(again)) == {"sarah.chen@acme.com": again}


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ((made(), rescheduled(), yes(NOON_BEFORE)), "which is no longer the meeting's time"),
        ((made(), yes(who=MIKE.email)), "who is not among the attendees now"),
    ],
    ids=["another time", "another person"],
)
def test_a_yes_that_does_not_apply_stays_in_the_timeline(records: Sequence[EventRecord], reason: str) -> None:
    """An accepted yes is never lost, even if an older event shows later that the meeting had moved."""
    state = state_of(*records)
    assert set(confirmations(*records).values()) == {None}
    assert [entry.because.endswith(reason) for entry in state.entries if entry.what == "attendee.confirmed"] == [True]
    assert (state.refused, announced(*records)) == ({}, [])


def test_a_yes_reopens_no_cancelled_booking() -> None:
    records = made(), cancelled(MIDDAY), yes()
    state = state_of(*records)
    assert state.booking is not None
    assert state.booking.status == "CANCELLED"
    assert announced(*records) == []


def test_a_seat_that_is_taken_again_has_not_answered() -> None:
    seats = {"who": seat(SARAH, 1), "seated": True}
    others = {"who": seat(MIKE, 2), "seated": True}
    left = cancelled(AFTERNOON, who=seat(SARAH, 1), seated=True)
    back = made(AFTERNOON + hours(1), who=seat(SARAH, 3), seated=True)
    history = [made(**seats), made(MIDDAY - hours(1), **others), yes(MIDDAY), yes(MIDDAY, who=MIKE.email)]
    assert confirmations(*history) == {"sarah.chen@acme.com": MIDDAY, "mike@techstart.io": MIDDAY}
    assert confirmations(*history, left, back) == {"sarah.chen@acme.com": None, "mike@techstart.io": MIDDAY}


def test_an_old_yes_or_one_after_the_start_is_not_announced() -> None:
    late = record_of(yes().event, MIDDAY, hours(25))
    after_start = yes(THURSDAY + hours(1))
    assert announced(made(), late) == announced(made(), after_start) == []


def test_any_order_gives_the_same() -> None:
    records = made(), yes(MIDDAY), rescheduled(AFTERNOON), yes(NOON_BEFORE, FRIDAY), ended(FRIDAY, uid="xyz789")
    expected = state_of(*records)
    assert confirmations(*records) == {"sarah.chen@acme.com": NOON_BEFORE}
    for shuffled in permutations(records):
        state = state_of(*shuffled, shuffled[0])
        assert state.booking == expected.booking
        assert state.plan.announcements == expected.plan.announcements
