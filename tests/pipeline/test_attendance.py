"""PI5: attendance, its evidence, and its effect on the deal."""

from itertools import permutations

import pytest
from msgspec.structs import replace

from showup.events import booking as events
from showup.events.booking import MeetingEnded
from showup.events.details import AttendeeDetails
from showup.events.envelope import EventRecord
from showup.pipeline.rules import Rules
from tests.pipeline.field_inputs import read_records
from tests.pipeline.sample_events import (
    ANN,
    BEN,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIDDAY,
    PAT,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    bare_booking,
    booking,
    cancelled,
    deal_after,
    deals_of,
    ended,
    entry_codes,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    record_of,
    rescheduled,
    started,
    state_of,
)

END = THURSDAY + HALF_HOUR
UNREPORTED = Rules(meeting_ended="unreported")


def attendance(*records: EventRecord, rules: Rules | None = None) -> tuple[bool | None, str | None]:
    booking = state_of(*records, rules=rules or Rules()).booking
    assert booking is not None
    return booking.attended, booking.evidence


def no_show(attendee: AttendeeDetails = SARAH, *, absent: bool = True) -> EventRecord:
    return ended(who=(replace(attendee, no_show=absent),))


def reported_by_calcom(came: bool) -> EventRecord:
    """Seed 002's `meeting.ended`: a number, and who attended."""
    details = bare_booking(
        None, calcom_booking_id="100", attendees=(replace(SARAH, attended=came),), attendees_are_guests=False
    )
    return record_of(MeetingEnded(booking=details), END)


class TestEvidence:
    def test_before_the_end_attendance_is_unknown(self) -> None:
        assert attendance(made(), started()) == (None, None)

    def test_the_clock_alone_is_an_assumption(self) -> None:
        assert attendance(made(), ended()) == (True, "assumed")

    def test_an_end_without_a_no_show_is_still_an_assumption(self) -> None:
        assert attendance(made(), no_show(absent=False)) == (True, "assumed")

    def test_the_end_may_report_a_no_show(self) -> None:
        assert attendance(made(), no_show()) == (False, "reported")

    def test_without_an_end_attendance_is_unknown(self) -> None:
        assert attendance(made()) == (None, None)

    def test_a_report_before_the_end_is_not_overruled_by_the_clock(self) -> None:
        assert attendance(made(), marked(THURSDAY, came=False), ended()) == (False, "reported")

    def test_a_report_after_the_end_replaces_the_assumption(self) -> None:
        assert attendance(made(), ended(), marked(END + hours(1), came=False)) == (False, "reported")

    def test_the_same_in_any_order_of_arrival(self) -> None:
        records = (made(), started(), ended(), marked(END + hours(1), came=False))
        assert {attendance(*order) for order in permutations(records)} == {(False, "reported")}

    def test_cal_video_saw_no_guest(self) -> None:
        assert attendance(made(), guests_missed(), ended()) == (False, "reported")

    @pytest.mark.parametrize("came", [True, False])
    def test_the_payload_of_seed_002_reports_attendance(self, came: bool) -> None:
        assert attendance(made(calcom_booking_id="100"), reported_by_calcom(came)) == (came, "reported")

    def test_a_partial_attendance_list_removes_no_attendee(self) -> None:
        result = state_of(made(calcom_booking_id="100", who=(SARAH, TOM)), reported_by_calcom(came=True)).booking
        assert result is not None
        assert [(one.attended, one.evidence, one.left_at) for one in result.attendees] == [
            (True, "reported", None),
            (True, "assumed", None),
        ]


class TestUnmarked:
    def test_before_the_end_attendance_is_unknown_again(self) -> None:
        records = (made(), marked(THURSDAY, came=False), marked(THURSDAY + hours(0.1), came=True))
        assert attendance(*records) == (None, None)
        assert attendance(*records, ended()) == (True, "assumed")

    def test_after_the_end_they_attended(self) -> None:
        records = (made(), ended(), marked(END + hours(1), came=False), marked(END + hours(2), came=True))
        assert attendance(*records) == (True, "reported")
        assert deal_after(*records) == ("active", "met")

    def test_a_mark_for_an_unknown_attendee_is_refused(self) -> None:
        record = marked(END, came=False, attendee=GWEN)
        assert state_of(made(), record).refused == {record.event_id: "not among the attendees: gwen@gmail.com"}

    def test_a_phone_only_attendee_can_be_marked(self) -> None:
        result = state_of(made(who=(SARAH, PAT)), ended(), marked(END + hours(1), came=False, attendee=PAT)).booking
        assert result is not None
        assert [one.attended for one in result.attendees] == [True, False]


class TestTheHost:
    @pytest.mark.parametrize(
        "records", [(ended(host_absent=True),), (host_missed(), ended()), (ended(), host_missed())]
    )
    def test_a_missing_host_is_not_the_guests_no_show(self, records: tuple[EventRecord, ...]) -> None:
        result = state_of(made(), *records).booking
        assert result is not None
        assert result.host_absent
        assert (result.attended, result.evidence) == (None, None)
        assert deal_after(made(), *records) == ("active", "booked")

    def test_a_later_webhook_may_know_that_the_host_was_missing(self) -> None:
        again = replace(ended(host_absent=True), source_at=END)
        assert attendance(made(), ended(), replace(again, order_key=f"{again.order_key}~")) == (None, None)

    def test_a_missing_co_host_changes_nothing(self) -> None:
        assert attendance(made(), host_missed(ANN), ended()) == (True, "assumed")

    def test_the_guest_can_be_a_no_show_of_a_meeting_without_host(self) -> None:
        assert attendance(made(), host_missed(), guests_missed(), ended()) == (False, "reported")


CO_HOSTS = frozenset({BEN, ANN})


class TestCoHosts:
    """F18: the absence of one host says nothing about the others."""

    @pytest.mark.parametrize(
        "records",
        [
            (host_missed(), ended(host_absent=True)),
            (host_missed(), ended()),
            (ended(host_absent=True),),
            (ended(host_absent=True), host_missed()),
            (host_missed(ANN), ended()),
        ],
    )
    def test_f18_a_meeting_that_another_host_could_take_was_held(self, records: tuple[EventRecord, ...]) -> None:
        state = state_of(made(hosts=CO_HOSTS), *records)
        assert state.booking is not None
        assert not state.booking.host_absent
        assert (state.booking.attended, state.booking.evidence) == (True, "assumed")
        missing = [one.because for one in state.entries if "did not join" in one.because or "was absent" in one.because]
        assert len(missing) == 1

    @pytest.mark.parametrize(
        "records", [(host_missed(), host_missed(ANN)), (host_missed(ANN), ended(host_absent=True))]
    )
    def test_f18_the_host_is_absent_when_no_host_came(self, records: tuple[EventRecord, ...]) -> None:
        result = state_of(made(hosts=CO_HOSTS), *records).booking
        assert result is not None
        assert (result.host_absent, result.attended) == (True, None)

    def test_f18_an_earlier_organizer_is_no_co_host(self) -> None:
        reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN)), MIDDAY)
        result = state_of(made(), reassigned, host_missed(ANN)).booking
        assert result is not None
        assert result.host_absent

    def test_f18_the_reported_deliveries(self) -> None:
        ((_, records),) = read_records("18_stand_in_takes_the_call").items()
        state = state_of(*records)
        assert state.booking is not None
        assert (state.booking.host_absent, state.booking.attended) == (False, True)
        assert sum("did not join" in one.because for one in state.entries) == 1


class TestTheRuleUnreported:
    def test_the_end_assumes_nothing(self) -> None:
        assert attendance(made(), ended(), rules=UNREPORTED) == (None, None)
        assert deal_after(made(), ended(), rules=UNREPORTED) == ("active", "booked")

    @pytest.mark.parametrize(("came", "stage"), [(True, "met"), (False, "booked")])
    def test_a_report_sets_attendance(self, came: bool, stage: str) -> None:
        records = (made(calcom_booking_id="100"), reported_by_calcom(came))
        assert attendance(*records, rules=UNREPORTED) == (came, "reported")
        assert deal_after(*records, rules=UNREPORTED) == ("active", stage)


class TestTheDeal:
    def test_the_deal_goes_back_to_booked_after_a_no_show(self) -> None:
        records = (made(), ended(), marked(END + hours(1), came=False))
        assert deal_after(*records) == ("active", "booked")
        assert entry_codes(deals_of(state_of(*records))) == ["deal.opened", "deal.moved", "deal.moved"]

    def test_the_deal_stays_met_when_another_meeting_was_held(self) -> None:
        missed_state = state_of(made(), ended(), marked(END + hours(30), came=False))
        held_state = state_of(made(MIDDAY, uid="def456", start=FRIDAY), ended(FRIDAY, uid="def456"), booking_id=SECOND)
        assert [deal.stage for deal in deals_of(missed_state, held_state).deals] == ["met"]

    def test_a_cancelled_deal_stays_in_its_stage(self) -> None:
        other = state_of(made(MIDDAY, uid="def456"), cancelled(MIDDAY + hours(1), uid="def456"), booking_id=SECOND)
        (deal,) = deals_of(state_of(made(), ended()), other).deals
        assert (deal.status, deal.stage) == ("cancelled", "booked")


class TestOutdatedEnd:
    def test_a_cancelled_meeting_is_not_attended(self) -> None:
        state = state_of(made(), cancelled(), started(), ended())
        assert state.booking is not None
        assert state.booking.attended is None
        assert len(state.refused) == 2

    @pytest.mark.parametrize("late", [started(), ended()], ids=["started", "ended"])
    def test_the_end_of_a_replaced_time_is_refused(self, late: EventRecord) -> None:
        moved = rescheduled(uid="abc123", old_uid="abc123")
        state = state_of(made(), moved, late)
        assert state.booking is not None
        assert (state.booking.start_time, state.booking.attended) == (FRIDAY, None)
        assert set(state.refused) == {late.event_id}

    def test_a_reschedule_resets_attendance(self) -> None:
        moved = rescheduled(END + hours(2))
        assert attendance(made(), guests_missed(), moved) == (None, None)
        assert attendance(made(), guests_missed(), moved, ended(FRIDAY, uid="xyz789")) == (True, "assumed")

    def test_an_end_can_create_the_booking(self) -> None:
        state = state_of(ended(booked_at=MIDDAY))
        assert state.booking is not None
        assert (state.booking.attended, state.booking.booked_at) == (True, MIDDAY)
        assert deal_after(ended()) == ("active", "met")


def test_the_booking_has_the_attendance_of_its_booker() -> None:
    records = (made(who=(SARAH, TOM)), ended(who=(SARAH, replace(TOM, no_show=True))))
    result = state_of(*records).booking
    assert result is not None
    assert [one.attended for one in result.attendees] == [True, False]
    assert result.attended is True
