"""PI9: a story is the same, whatever the order in which its news arrives and however often it does."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from showup import events
from showup.events import News, Replaced
from showup.pipeline.dealing import fold_deals
from showup.pipeline.rules import RuleBook, Rules
from showup.pipeline.story import Story
from tests.pipeline.cast import (
    AFTERNOON,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIDDAY,
    MIKE,
    MONDAY,
    SARAH,
    SECOND,
    THURSDAY,
    TOM,
    booking,
    cancelled,
    deals,
    ended,
    guests_missed,
    host_missed,
    hours,
    made,
    marked,
    news,
    requested,
    rescheduled,
    seat,
    started,
    story,
)

LATE = FRIDAY + HALF_HOUR + hours(1)
MOVED = (
    made(company_answer="Acme"),
    rescheduled(by="sarah.chen@acme.com"),
    rescheduled(AFTERNOON, old="xyz789", uid="third", start=FRIDAY + hours(1), company_answer="Acme Corp"),
    cancelled(),
    started(),
    ended(),
    ended(FRIDAY + hours(1), uid="third"),
    marked(LATE, came=False, uid="third"),
    marked(LATE + hours(1), came=True, uid="third"),
)
REVIVED = (
    requested(),
    made(MIDDAY),
    cancelled(AFTERNOON, ask=True),
    cancelled(AFTERNOON + hours(1)),
    rescheduled(AFTERNOON + hours(2)),
    requested(AFTERNOON + hours(3), uid="third", start=FRIDAY + hours(2), replaces=Replaced(uid="xyz789")),
    made(AFTERNOON + hours(4), uid="third", start=FRIDAY + hours(2)),
    news(events.OrganizerChanged(booking=booking("third", None, organizer_email="ann@outboundsolutions.com")), LATE),
)
SEATED = (
    made(who=seat(SARAH, 1), seated=True),
    made(MIDDAY, who=seat(TOM, 2), seated=True),
    made(MIDDAY + hours(1), who=seat(MIKE, 3), seated=True),
    cancelled(AFTERNOON, who=(SARAH,), seated=True),
    made(AFTERNOON + hours(1), who=seat(SARAH, 4), seated=True),
    cancelled(AFTERNOON + hours(2), who=(MIKE,), seated=True),
    rescheduled(AFTERNOON + hours(3), uid="abc123", who=(TOM, SARAH), seated=True),
)
WATCHED = (
    made(who=(GWEN, SARAH)),
    news(events.BookingPaid(booking=booking(start=THURSDAY + hours(1), who=(GWEN, SARAH))), MIDDAY),
    guests_missed(THURSDAY + hours(1)),
    host_missed(start=THURSDAY + hours(1)),
    started(THURSDAY + hours(1), who=(SARAH, GWEN)),
    ended(THURSDAY + hours(1), who=(replace(GWEN, no_show=True), SARAH)),
    news(events.LocationChanged(booking=booking(start=None, who=(), meeting_url="https://m.example/2")), AFTERNOON),
)
RULES = (Rules(), Rules(follow_up=True, tell_guests=True))
STORIES = {"moved": MOVED, "revived": REVIVED, "seated": SEATED, "watched": WATCHED}


def states(of: Story) -> dict[str, str]:
    """What should be told, by key."""
    return {key: want.state for key, want in of.wants.items()}


def known(of: Story) -> object:
    """Who was met and what they are called, but for which of two equal pieces of news said so."""
    people = {email: (one.name, one.time_zone, one.company_key) for email, one in of.people.items()}
    return people, {domain: naming.name for domain, naming in of.names.items()}


@st.composite
def arrivals(draw: st.DrawFn, told: Sequence[News]) -> list[News]:
    """The news in any order, and some of it again by another route."""
    again = [news(one.event, one.source_at, route="team") for one in draw(st.lists(st.sampled_from(told), max_size=4))]
    return draw(st.permutations([*told, *again]))


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_of_arrival_tells_the_same_story(name: str, rules: Rules, data: st.DataObject) -> None:
    told = STORIES[name]
    assert story(*data.draw(st.permutations(told)), rules=rules) == story(*told, rules=rules)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_missing_the_rest_tells_the_same_in_any_order(name: str, rules: Rules, data: st.DataObject) -> None:
    part = data.draw(st.lists(st.sampled_from(STORIES[name]), unique_by=lambda item: item.event_id))
    assert story(*data.draw(st.permutations(part)), rules=rules) == story(*part, rules=rules)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_hearing_it_again_changes_nothing_that_stands(name: str, rules: Rules, data: st.DataObject) -> None:
    told = STORIES[name]
    once, again = story(*told, rules=rules), story(*data.draw(arrivals(told)), rules=rules)
    assert once.booking == again.booking
    assert known(once) == known(again)
    assert states(once) == states(again)


@settings(max_examples=100, deadline=None)
@given(turns=st.data(), rule=st.sampled_from(["always", "last_meeting"]))
def test_the_deals_of_two_bookings_do_not_depend_on_whose_news_came_first(turns: st.DataObject, rule: str) -> None:
    rules = Rules(cancel_deal="last_meeting") if rule == "last_meeting" else Rules()
    other = [
        made(MONDAY + hours(1), uid="def456"),
        cancelled(MIDDAY + hours(1), uid="def456"),
        rescheduled(AFTERNOON + hours(2.5), old="def456", uid="def789"),
        ended(FRIDAY, uid="def789"),
    ]
    one, two = story(*MOVED), story(*other, booking_id=SECOND)
    mixed = turns.draw(st.permutations([*one.turns, *two.turns]))
    found = fold_deals(mixed, RuleBook(versions=(rules,))).deals
    assert found == deals(one, two, rules=rules).deals
    assert sum(deal.status == "active" for deal in found) <= 1
