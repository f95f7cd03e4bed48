"""Manual events: a meeting's outcome (AP2), and changes of its deal and company (PI12)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from showup.deals.deal import Deal, DealChange, DealEvent
from showup.events import booking as events
from showup.events.envelope import EventRecord, order_key
from showup.pipeline.company_deals import CompanyDeals
from showup.pipeline.deals import replay_deals
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import RuleBook, Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    FIRST,
    FRIDAY,
    MIDDAY,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    cancelled,
    deals_of,
    ended,
    made,
    marked,
    record_of,
    rescheduled,
    state_of,
)

BOOKING_NAME = "uid:abc123"
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
TWO = (SARAH, TOM)


def outcome(outcome: str, at: datetime = THURSDAY + HOUR, **more: Any) -> EventRecord:
    return record_of(events.OutcomeReported(subject=BOOKING_NAME, outcome=outcome, **more), at)  # type: ignore[arg-type]  # any outcome


def change(at: datetime = FRIDAY, booking_name: str = BOOKING_NAME, **fields: Any) -> EventRecord:
    return record_of(events.DealChanged(subject=booking_name, change=DealChange(**fields)), at)


def opened(at: datetime, stream_id: UUID, **fields: Any) -> DealEvent:
    return DealEvent(
        stream_id=stream_id,
        event_id=stream_id,
        kind="opened",
        at=at,
        order_key=order_key(at, None, stream_id.bytes),
        change=DealChange(**fields),
        actor="key:ops",
    )


def only_deal(deals: CompanyDeals) -> Deal:
    (deal,) = deals.deals
    return deal


class TestTheOutcomeForm:
    def test_showed_is_reported_and_moves_the_deal(self) -> None:
        state = state_of(made(), outcome("showed", notes="Keen", next_step="Send the offer"))
        assert state.booking is not None
        assert (state.booking.attended, state.booking.evidence) == (True, "reported")
        assert (state.booking.outcome_notes, state.booking.next_step) == ("Keen", "Send the offer")
        assert only_deal(deals_of(state)).stage == "met"

    def test_a_no_show_replaces_the_assumption(self) -> None:
        state = state_of(made(), ended(), outcome("no_show"))
        assert state.booking is not None
        assert (state.booking.attended, state.booking.evidence) == (False, "reported")
        assert only_deal(deals_of(state)).stage == "booked"

    def test_an_absent_host_is_not_the_guests_no_show(self) -> None:
        state = state_of(made(), ended(), outcome("host_absent"))
        assert state.booking is not None
        assert (state.booking.attended, state.booking.host_absent) == (None, True)

    def test_a_postponed_meeting_leaves_attendance_open(self) -> None:
        state = state_of(made(), outcome("rescheduled", THURSDAY), ended())
        assert state.booking is not None
        assert state.booking.attended is None
        assert only_deal(deals_of(state)).status == "active"

    def test_a_reschedule_resets_the_outcome(self) -> None:
        state = state_of(made(), outcome("rescheduled", MONDAY + HOUR), rescheduled())
        assert state.booking is not None
        assert state.booking.outcome is None

    def test_the_same_outcome_twice_counts_once(self) -> None:
        once = state_of(made(), outcome("showed"))
        twice = state_of(made(), outcome("showed"), outcome("showed", THURSDAY + 2 * HOUR))
        assert once.booking == twice.booking
        assert [entry.what for entry in once.entries] == [entry.what for entry in twice.entries]
        assert only_deal(deals_of(once)).stage_entered_at == only_deal(deals_of(twice)).stage_entered_at

    def test_a_cancelled_meeting_takes_no_outcome(self) -> None:
        report = outcome("showed")
        assert report.event_id in state_of(made(), cancelled(), report).refused

    def test_the_outcome_follows_the_booking_to_its_new_uid(self) -> None:
        state = state_of(made(), rescheduled(), outcome("showed", FRIDAY + HOUR))
        assert state.booking is not None
        assert state.booking.attended

    def test_the_entry_has_its_actor(self) -> None:
        state = state_of(made(), outcome("showed"))
        assert state.entries[-1].actor == outcome("showed").actor


class TestChangingADeal:
    def test_stage_amount_and_owner(self) -> None:
        deal = only_deal(deals_of(state_of(made(), change(stage="proposal", amount=Decimal("99.50"), currency="EUR"))))
        assert (deal.stage, deal.amount, deal.currency) == ("proposal", Decimal("99.50"), "EUR")

    @pytest.mark.parametrize(
        ("fields", "because"),
        [
            ({"status": "lost"}, "lost_reason"),
            ({"amount": Decimal(5)}, "currency"),
            ({"lost_reason": "Price"}, "only a lost deal"),
        ],
    )
    def test_a_change_that_rules_refuse(self, fields: dict[str, Any], because: str) -> None:
        record = change(**fields)
        deals = deals_of(state_of(made(), record))
        assert because in deals.refused[record.event_id]
        assert only_deal(deals) == only_deal(deals_of(state_of(made())))

    def test_won_becomes_lost_only_through_active(self) -> None:
        wrong = change(FRIDAY + HOUR, status="lost", lost_reason="Price")
        deals = deals_of(state_of(made(), change(status="won"), wrong))
        assert wrong.event_id in deals.refused
        again = change(FRIDAY + HOUR, status="active")
        right = change(FRIDAY + 2 * HOUR, status="lost", lost_reason="Price")
        deals = deals_of(state_of(made(), change(status="won"), again, right))
        assert (only_deal(deals).status, only_deal(deals).lost_reason, deals.refused) == ("lost", "Price", {})

    def test_a_closed_deal_stays_in_its_stage(self) -> None:
        record = change(FRIDAY + HOUR, stage="proposal")
        assert record.event_id in deals_of(state_of(made(), change(status="won"), record)).refused

    def test_a_deal_is_not_reopened_beside_an_active_one(self) -> None:
        again = change(FRIDAY + HOUR, status="active")
        first = state_of(made(), change(status="won"), again)
        second = state_of(made(FRIDAY + HOUR / 2, uid="def456"), booking_id=SECOND)
        deals = deals_of(first, second)
        assert "another active deal" in deals.refused[again.event_id]

    def test_the_end_of_the_meeting_never_moves_it_back(self) -> None:
        assert only_deal(deals_of(state_of(made(), change(AFTERNOON, stage="proposal"), ended()))).stage == "proposal"

    def test_a_manual_met_survives_a_no_show(self) -> None:
        state = state_of(made(), ended(), change(stage="met"), marked(FRIDAY + HOUR, came=False))
        assert only_deal(deals_of(state)).stage == "met"

    @pytest.mark.parametrize("before", [[], [marked(THURSDAY + HOUR, came=False)]], ids=["held", "marked absent"])
    def test_a_deal_that_a_person_put_back_stays_when_a_mark_of_absence_is_removed(
        self, before: list[EventRecord]
    ) -> None:
        """M10: whatever was known of the meeting when the person put its deal back."""
        put_back = [change(FRIDAY, stage="met"), change(FRIDAY + HOUR, stage="booked")]
        unmarked = [marked(FRIDAY + 2 * HOUR, came=False), marked(FRIDAY + 3 * HOUR, came=True)]
        deals = deals_of(state_of(made(), ended(), *before, *put_back, *unmarked))
        assert only_deal(deals).stage == "booked"
        assert [one.because for one in deals.entries if one.what == "deal.kept"] == [
            "a person put the deal back after this meeting"
        ]

    def test_what_happens_after_a_deal_was_put_back_moves_it_again(self) -> None:
        """M10: a person's own report, a meeting that had not ended by then, and the same meeting at another time."""
        put_back = [made(), ended(), change(FRIDAY, stage="booked")]
        absent = marked(FRIDAY + HOUR, came=False)
        assert only_deal(deals_of(state_of(*put_back, absent, outcome("showed", FRIDAY + 2 * HOUR)))).stage == "met"
        other = made(FRIDAY + HOUR, uid="def", start=FRIDAY + WEEK)
        held = ended(FRIDAY + WEEK, uid="def")
        assert only_deal(deals_of(state_of(*put_back), state_of(other, held, booking_id=SECOND))).stage == "met"
        again = rescheduled(FRIDAY + HOUR, uid="xyz", start=FRIDAY + WEEK)
        held = ended(FRIDAY + WEEK, uid="xyz")
        assert only_deal(deals_of(state_of(*put_back, again, held))).stage == "met"

    def test_the_same_change_twice_makes_one_entry(self) -> None:
        deals = deals_of(state_of(made(), change(stage="proposal"), change(FRIDAY + HOUR, stage="proposal")))
        assert [entry.what for entry in deals.entries].count("deal.moved") == 1

    def test_a_booking_without_company_has_no_deal_to_change(self) -> None:
        record = change(stage="met")
        assert "no deal" in replay_deals([_deal_event(record)], RuleBook()).refused[record.event_id]


def _deal_event(record: EventRecord) -> DealEvent:
    return DealEvent(
        stream_id=FIRST,
        event_id=record.event_id,
        kind="changed",
        at=record.source_at,
        order_key=record.order_key,
        change=DealChange(stage="met"),
        actor="key:ops",
    )


class TestOpeningADeal:
    def test_the_next_booking_joins_it(self) -> None:
        state = state_of(made())
        event_id = uuid4()
        deals = replay_deals([opened(MONDAY - WEEK, event_id, stage="proposal"), *state.deal_events], RuleBook())
        assert (only_deal(deals).stage, only_deal(deals).opened_by) == ("proposal", event_id)
        assert deals.deal_ids == {FIRST: only_deal(deals).id}

    def test_only_one_deal_is_active(self) -> None:
        event_id = uuid4()
        deals = replay_deals([opened(MONDAY + WEEK, event_id), *state_of(made()).deal_events], RuleBook())
        assert list(deals.refused) == [event_id]


@pytest.mark.parametrize("rule", ["always", "last_meeting"])
class TestACancelledMeetingOfAPersonsDeal:
    """PI4, M12: whether to go on is for a person to decide."""

    def test_a_deal_that_a_person_opened_stays(self, rule: Any) -> None:
        meeting = state_of(made(), cancelled())
        deals = replay_deals(
            [opened(MONDAY - WEEK, uuid4()), *meeting.deal_events], RuleBook(versions=(Rules(cancel_deal=rule),))
        )
        assert only_deal(deals).status == "active"
        assert deals.entries[-1].what == "deal.meeting_cancelled"

    def test_a_deal_that_a_person_moved_beyond_met_stays(self, rule: Any) -> None:
        deals = deals_of(
            state_of(made(), change(MIDDAY, stage="proposal"), cancelled(at=FRIDAY)), rules=Rules(cancel_deal=rule)
        )
        assert (only_deal(deals).status, only_deal(deals).stage) == ("active", "proposal")
        assert deals.entries[-1].what == "deal.meeting_cancelled"

    @pytest.mark.parametrize("fields", [{"stage": "met"}, {"owner_email": "rep@brand.example"}])
    def test_any_other_deal_is_cancelled(self, rule: Any, fields: dict[str, Any]) -> None:
        deals = deals_of(
            state_of(made(), change(MIDDAY, **fields), cancelled(at=FRIDAY)), rules=Rules(cancel_deal=rule)
        )
        assert only_deal(deals).status == "cancelled"

    def test_the_same_meeting_booked_again_joins_its_deal_again(self, rule: Any) -> None:
        first = state_of(made(), change(MIDDAY, stage="proposal"), cancelled(at=FRIDAY))
        second = state_of(made(FRIDAY + HOUR, uid="def456"), booking_id=SECOND)
        deals = deals_of(first, second, rules=Rules(cancel_deal=rule))
        assert set(deals.deal_ids.values()) == {only_deal(deals).id}


class TestAttachingABooking:
    def two_states(self, *more: EventRecord) -> tuple[BookingState, BookingState]:
        """The company's first deal is lost, so its second booking opens another; then more about the second."""
        first = state_of(made(), change(MIDDAY, status="lost", lost_reason="Price"))
        second = state_of(made(AFTERNOON, uid="def456"), *more, booking_id=SECOND)
        return first, second

    def attach(self, deal_name: str) -> EventRecord:
        event = events.BookingAttached(subject="uid:def456", company="domain:acme.com", deal=deal_name)
        return record_of(event, FRIDAY)

    def test_the_emptied_deal_is_removed(self) -> None:
        states = self.two_states(self.attach(BOOKING_NAME))
        deals = replay_deals(
            [deal_event for one in states for deal_event in one.deal_events], RuleBook(), {BOOKING_NAME: FIRST}
        )
        assert only_deal(deals).status == "lost"
        assert set(deals.deal_ids.values()) == {only_deal(deals).id}
        assert {entry.deal_id for entry in deals.entries} == {only_deal(deals).id}

    def test_a_manually_changed_deal_stays(self) -> None:
        states = self.two_states(
            change(AFTERNOON + HOUR, booking_name="uid:def456", stage="proposal"), self.attach(BOOKING_NAME)
        )
        deals = replay_deals(
            [deal_event for one in states for deal_event in one.deal_events], RuleBook(), {BOOKING_NAME: FIRST}
        )
        assert [deal.status for deal in deals.deals] == ["lost", "active"]

    def test_attaching_to_an_unknown_deal_is_refused(self) -> None:
        record = self.attach("uid:unheard")
        deals = replay_deals(
            [deal_event for one in self.two_states(record) for deal_event in one.deal_events], RuleBook(), {}
        )
        assert list(deals.refused) == [record.event_id]

    def test_the_deal_follows_the_booking_to_another_company(self) -> None:
        state = state_of(
            made(), record_of(events.BookingAttached(subject=BOOKING_NAME, company="domain:globex.com"), FRIDAY)
        )
        assert state.company_key == "domain:globex.com"


def attendee_report(attendee: str, at: datetime = THURSDAY + HOUR, *, came: bool | None) -> EventRecord:
    return record_of(events.AttendeeReported(subject=BOOKING_NAME, attendee=attendee, came=came), at)


class TestOneAttendee:
    """AP2: attendees are reported one by one; the booking's attendance is the booker's."""

    def test_a_guest_is_reported_alone(self) -> None:
        state = state_of(made(who=TWO), ended(who=TWO), attendee_report("tom@mail.acme.com", came=False))
        assert state.booking is not None
        marks = {one.key: (one.attended, one.evidence) for one in state.booking.attendees}
        assert marks == {"sarah.chen@acme.com": (True, "assumed"), "tom@mail.acme.com": (False, "reported")}
        assert state.booking.attended is True
        assert only_deal(deals_of(state)).stage == "met"

    def test_the_report_of_the_booker_moves_the_deal(self) -> None:
        state = state_of(made(who=TWO), ended(who=TWO), attendee_report("sarah.chen@acme.com", came=False))
        assert only_deal(deals_of(state)).stage == "booked"

    def test_a_report_is_taken_back(self) -> None:
        came, unknown = (
            attendee_report("tom@mail.acme.com", THURSDAY + n * HOUR, came=c) for n, c in ((1, True), (2, None))
        )
        state = state_of(made(who=TWO), ended(who=TWO), came, unknown)
        assert state.booking is not None
        assert [(one.attended, one.evidence) for one in state.booking.attendees][1] == (None, None)

    def test_nobody_is_reported_who_is_no_attendee_or_before_the_start(self) -> None:
        stranger = attendee_report("nobody@acme.com", came=True)
        early = attendee_report("tom@mail.acme.com", MONDAY + HOUR, came=True)
        state = state_of(made(who=TWO), stranger, early)
        assert "not among the attendees" in state.refused[stranger.event_id]
        assert "the meeting starts at" in state.refused[early.event_id]


def test_a_next_step_is_changed_and_done() -> None:
    step = record_of(events.NextStepChanged(subject=BOOKING_NAME, next_step="Send a version with 8 seats"), FRIDAY)
    done = record_of(events.NextStepChanged(subject=BOOKING_NAME, next_step=""), FRIDAY + HOUR)
    changed, ended_state = state_of(made(), step), state_of(made(), step, done)
    assert changed.booking is not None
    assert ended_state.booking is not None
    assert changed.booking.next_step == "Send a version with 8 seats"
    assert ended_state.booking.next_step is None
    assert [one.because for one in ended_state.entries if one.what == "next_step.changed"] == [
        "changed manually",
        "it is done",
    ]
