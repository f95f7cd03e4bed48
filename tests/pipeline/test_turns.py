"""From where on deals may have changed: what lies before is neither read nor written again (PI9, B2)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from showup.deals.deal import Turn, TurnKind
from showup.pipeline.advance.turns import BEGINNING, TurnsOf, changed, rests

ACME, INITECH = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)
MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


def turn(story_id: UUID, kind: TurnKind, hour: int) -> Turn:
    at = MONDAY + timedelta(hours=hour)
    return Turn(story_id=story_id, event_id=UUID(int=100 + hour), kind=kind, at=at, order_key=f"{hour:020d}.00.ab")


BOOKED, SHOWED = turn(FIRST, "booked", 1), turn(FIRST, "showed", 9)
OTHER = turn(SECOND, "booked", 2)


def told(*turns: Turn, company_id: UUID | None = ACME, before: UUID | None = ACME) -> TurnsOf:
    return TurnsOf(story_id=FIRST, company_id=company_id, company_before=before, turns=list(turns))


def test_a_story_that_means_what_it_meant_changes_no_deal() -> None:
    standing = {ACME: [BOOKED, OTHER, SHOWED]}
    assert changed([told(BOOKED, SHOWED)], standing) == {}
    assert rests([told(BOOKED, SHOWED)], standing) == []


def test_late_news_changes_deals_from_its_own_time_on() -> None:
    standing = {ACME: [BOOKED, OTHER, SHOWED]}
    cancelled = turn(FIRST, "cancelled", 5)
    now = told(BOOKED, cancelled)
    assert changed([now], standing) == {ACME: cancelled.order_key}
    (rest,) = rests([now], standing)
    assert (rest.since, rest.turns) == (1, [cancelled])


def test_what_is_no_longer_said_counts_from_when_it_had_happened() -> None:
    assert changed([told(BOOKED)], {ACME: [BOOKED, SHOWED]}) == {ACME: SHOWED.order_key}


def test_a_booking_of_another_company_changes_both_from_its_first_turn_on() -> None:
    now = told(BOOKED, SHOWED, company_id=INITECH)
    assert changed([now], {ACME: [BOOKED, SHOWED]}) == {ACME: BOOKED.order_key, INITECH: BOOKED.order_key}
    (rest,) = rests([now], {ACME: [BOOKED, SHOWED]})
    assert (rest.company_id, rest.since, rest.turns) == (INITECH, 0, [BOOKED, SHOWED])


def test_the_earliest_of_several_stories_decides() -> None:
    second = TurnsOf(story_id=SECOND, company_id=ACME, company_before=None, turns=[OTHER])
    assert changed([told(BOOKED, SHOWED), second], {ACME: [BOOKED]}) == {ACME: OTHER.order_key}


def test_a_company_whose_deals_people_changed_is_folded_from_the_beginning() -> None:
    attached = turn(SECOND, "attached", 3)
    assert changed([told(BOOKED, SHOWED)], {ACME: [BOOKED, OTHER, attached]}) == {ACME: BEGINNING}
    # Told alone, it is asked again whether it still holds.
    assert changed([told(BOOKED, turn(FIRST, "changed", 4))], {ACME: [BOOKED, turn(FIRST, "changed", 4)]}) == {
        ACME: BEGINNING
    }
