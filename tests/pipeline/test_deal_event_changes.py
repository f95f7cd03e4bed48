"""The point from which deals may have changed: earlier deal events are not read or written again (PI9, B2)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from showup.deals.deal import DealEvent, DealEventKind
from showup.projector.deal_event_changes import FIRST_KEY, StreamDealEvents, changed_companies, changed_tails

ACME, INITECH = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)
MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


def deal_event(stream_id: UUID, kind: DealEventKind, hour: int) -> DealEvent:
    at = MONDAY + timedelta(hours=hour)
    return DealEvent(
        stream_id=stream_id, event_id=UUID(int=100 + hour), kind=kind, at=at, order_key=f"{hour:020d}.00.ab"
    )


BOOKED, SHOWED = deal_event(FIRST, "booked", 1), deal_event(FIRST, "showed", 9)
OTHER = deal_event(SECOND, "booked", 2)


def stream(*deal_events: DealEvent, company_id: UUID | None = ACME, before: UUID | None = ACME) -> StreamDealEvents:
    return StreamDealEvents(
        stream_id=FIRST, company_id=company_id, company_before=before, deal_events=list(deal_events)
    )


def test_an_unchanged_stream_changes_no_deal() -> None:
    stored = {ACME: [BOOKED, OTHER, SHOWED]}
    assert changed_companies([stream(BOOKED, SHOWED)], stored) == {}
    assert changed_tails([stream(BOOKED, SHOWED)], stored) == []


def test_a_late_event_changes_deals_from_its_own_time() -> None:
    stored = {ACME: [BOOKED, OTHER, SHOWED]}
    cancelled = deal_event(FIRST, "cancelled", 5)
    changed_stream = stream(BOOKED, cancelled)
    assert changed_companies([changed_stream], stored) == {ACME: cancelled.order_key}
    (tail,) = changed_tails([changed_stream], stored)
    assert (tail.position, tail.deal_events) == (1, [cancelled])


def test_a_removed_event_changes_deals_from_its_own_time() -> None:
    assert changed_companies([stream(BOOKED)], {ACME: [BOOKED, SHOWED]}) == {ACME: SHOWED.order_key}


def test_a_booking_that_changes_company_changes_both_from_its_first_event() -> None:
    changed_stream = stream(BOOKED, SHOWED, company_id=INITECH)
    assert changed_companies([changed_stream], {ACME: [BOOKED, SHOWED]}) == {
        ACME: BOOKED.order_key,
        INITECH: BOOKED.order_key,
    }
    (tail,) = changed_tails([changed_stream], {ACME: [BOOKED, SHOWED]})
    assert (tail.company_id, tail.position, tail.deal_events) == (INITECH, 0, [BOOKED, SHOWED])


def test_the_earliest_of_several_streams_decides() -> None:
    second = StreamDealEvents(stream_id=SECOND, company_id=ACME, company_before=None, deal_events=[OTHER])
    assert changed_companies([stream(BOOKED, SHOWED), second], {ACME: [BOOKED]}) == {ACME: OTHER.order_key}


def test_manually_changed_deals_are_replayed_from_the_beginning() -> None:
    attached = deal_event(SECOND, "attached", 3)
    assert changed_companies([stream(BOOKED, SHOWED)], {ACME: [BOOKED, OTHER, attached]}) == {ACME: FIRST_KEY}
    # A manual change is checked again, even if the batch contains only this stream.
    assert changed_companies(
        [stream(BOOKED, deal_event(FIRST, "changed", 4))], {ACME: [BOOKED, deal_event(FIRST, "changed", 4)]}
    ) == {ACME: FIRST_KEY}
