"""Seed 001, booking and deal logic: each flow, the classification of domains, and each row of the summary."""

import pytest

from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    FRIDAY,
    GWEN,
    MIDDAY,
    RULES,
    SARAH,
    SECOND,
    cancelled,
    deal_after,
    deals_of,
    ended,
    entry_codes,
    made,
    messages_of,
    rescheduled,
    state_of,
)


class TestBookingCreated:
    def test_the_company_is_found_by_the_domain_of_the_email(self) -> None:
        state = state_of(made())
        assert state.booking is not None
        assert (state.company_key, state.booking.status) == ("domain:acme.com", "ACCEPTED")

    def test_the_person_is_found_by_their_email(self) -> None:
        person = state_of(made()).people["sarah.chen@acme.com"]
        assert (person.name, person.time_zone) == ("Sarah Chen", "America/New_York")
        assert person.company_key == "domain:acme.com"

    def test_a_deal_opens_if_the_company_has_none(self) -> None:
        (deal,) = deals_of(state_of(made())).deals
        assert (deal.status, deal.stage, deal.owner_email) == ("active", "booked", "ben@outboundsolutions.com")

    def test_the_attendee_gets_a_confirmation(self) -> None:
        (confirm,) = messages_of(state_of(made()), "confirmation")
        assert confirm.recipient == SARAH.email

    def test_the_audit_log_has_one_entry_each(self) -> None:
        state = state_of(made())
        assert entry_codes(state) == ["booking.made"]
        assert entry_codes(deals_of(state)) == ["deal.opened"]


class TestBookingRescheduled:
    def test_the_booking_found_by_its_old_uid_gets_new_times_and_uid(self) -> None:
        moved = state_of(made(), rescheduled(old_uid="abc123", uid="xyz789")).booking
        assert moved is not None
        assert (moved.uid, moved.start_time, moved.status) == ("xyz789", FRIDAY, "ACCEPTED")

    def test_the_attendee_is_notified_of_both_times(self) -> None:
        (message,) = messages_of(state_of(made(), rescheduled()), "rescheduled")
        assert (message.recipient, message.details) == (SARAH.email, {"old_start_time": "2026-03-05T14:00:00Z"})


class TestBookingCancelled:
    def test_the_booking_is_cancelled_with_its_reason(self) -> None:
        gone = state_of(made(), cancelled(reason="no budget")).booking
        assert gone is not None
        assert (gone.status, gone.cancellation_reason) == ("CANCELLED", "no budget")
        assert gone.cancelled_by == "ben@outboundsolutions.com"

    def test_the_attendee_is_notified(self) -> None:
        (message,) = messages_of(state_of(made(), cancelled()), "cancelled")
        assert message.recipient == SARAH.email


class TestMeetingEnded:
    def test_the_booking_is_attended(self) -> None:
        over = state_of(made(), ended()).booking
        assert over is not None
        assert over.attended is True

    def test_without_a_deal_nothing_moves(self) -> None:
        alone = state_of(made(who=(GWEN,)), ended(who=(GWEN,)))
        assert alone.booking is not None
        assert alone.booking.attended is True


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "me.com"])
def test_the_six_personal_domains_are_no_companies(domain: str) -> None:
    assert RULES.company_domain(f"sarah@{domain}") is None


@pytest.mark.parametrize("domain", ["acme.com", "me.company", "notgmail.com", "gmail.acme.com", "hotmail.io"])
def test_domains_that_only_look_personal_are_companies(domain: str) -> None:
    assert Rules().company_domain(f"sarah@{domain}") is not None


class TestSummary:
    def test_book_meeting_with_a_business_email(self) -> None:
        assert deal_after(made()) == ("active", "booked")

    def test_book_meeting_with_a_personal_email(self) -> None:
        state = state_of(made(who=(GWEN,)))
        assert set(state.people) == {GWEN.email}
        assert state.company_key is None
        assert [entry.because for entry in state.entries if entry.what == "deal.none"] == [
            "gmail.com is a personal domain, so there is no company and no deal"
        ]

    def test_reschedule_meeting(self) -> None:
        before, then = deals_of(state_of(made())), deals_of(state_of(made(), rescheduled()))
        assert len(then.deals) == 1
        assert (then.deals[0].id, then.deals[0].status, then.deals[0].stage) == (
            before.deals[0].id,
            "active",
            "booked",
        )
        assert entry_codes(then) == ["deal.opened"]

    def test_cancel_meeting(self) -> None:
        assert deal_after(made(), cancelled()) == ("cancelled", "booked")

    def test_meeting_ends(self) -> None:
        assert deal_after(made(), ended()) == ("active", "met")

    def test_second_booking_of_the_same_company(self) -> None:
        first = state_of(made())
        second = state_of(made(MIDDAY, uid="def456", start=FRIDAY), booking_id=SECOND)
        deals = deals_of(first, second)
        assert [(deal.status, deal.stage) for deal in deals.deals] == [("active", "booked")]
        assert set(deals.deal_ids.values()) == {deals.deals[0].id}
        assert entry_codes(deals) == ["deal.opened", "deal.joined"]
