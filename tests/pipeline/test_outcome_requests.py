"""AP2: the host is asked how a meeting went: planned with it, moved with it, withdrawn when somebody answered."""

from datetime import timedelta
from itertools import permutations
from typing import Any

from msgspec.structs import replace

from showup.events import booking as events
from showup.events.envelope import EventRecord
from showup.outbox.planned import PlannedDelivery
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    GWEN,
    HALF_HOUR,
    MIDDAY,
    MIKE,
    PAT,
    RULES,
    SARAH,
    THURSDAY,
    booking,
    cancelled,
    ended,
    hours,
    made,
    marked,
    record_of,
    rescheduled,
    seat,
    state_of,
)

AFTER = HALF_HOUR + timedelta(minutes=10)
ANSWERED = record_of(events.OutcomeReported(subject="uid:abc123", outcome="showed"), THURSDAY + hours(1))


def requests(*records: EventRecord, rules: Rules = RULES) -> list[PlannedDelivery]:
    return [*state_of(*records, rules=rules).plan.outcome_requests.values()]


def shown(*records: EventRecord, **more: Any) -> list[tuple[str, str, str | None]]:
    return [(one.recipient, one.state, one.because) for one in requests(*records, **more)]


def test_the_host_is_asked_ten_minutes_after_the_end_about_the_booker() -> None:
    (asked,) = requests(made())
    assert (asked.kind, asked.recipient, asked.details) == ("outcome", BEN, {"attendee": SARAH.email})
    assert (asked.due_at, asked.expires_at) == (THURSDAY + AFTER, THURSDAY + AFTER + hours(24))
    assert shown(made(), ended()) == [(BEN, "scheduled", None)], "what the clock says is no answer"


def test_whoever_answers_first_the_host_is_not_asked() -> None:
    no_show = marked(THURSDAY + hours(1), came=False)
    unreported = Rules(meeting_ended="unreported")
    for rules in (RULES, unreported):
        for answer in (ANSWERED, no_show):
            assert shown(made(), ended(), answer, rules=rules) == [(BEN, "withdrawn", "the outcome was reported")]
    postponed = record_of(events.OutcomeReported(subject="uid:abc123", outcome="rescheduled"), THURSDAY + hours(1))
    assert shown(made(), postponed) == [(BEN, "withdrawn", "the outcome was reported")]


def test_it_moves_with_the_meeting_and_goes_with_its_cancellation() -> None:
    first, second = requests(made(), rescheduled())
    assert (first.state, first.because) == ("withdrawn", "the meeting was moved to another time")
    assert (second.state, second.due_at) == ("scheduled", FRIDAY + AFTER)
    assert shown(made(), cancelled()) == [(BEN, "withdrawn", "the meeting is cancelled")]
    moved_after = rescheduled(THURSDAY + hours(2))
    assert [one.state for one in requests(made(), ended(), moved_after)] == ["withdrawn", "scheduled"]


def test_a_longer_meeting_is_asked_about_later() -> None:
    longer = record_of(
        events.LocationChanged(booking=booking(end_time=THURSDAY + hours(1), location="Room 5")), AFTERNOON
    )
    (asked,) = requests(made(), longer)
    assert asked.due_at == THURSDAY + hours(1) + timedelta(minutes=10)


def test_the_new_host_is_asked_instead() -> None:
    reassigned = record_of(events.OrganizerChanged(booking=booking(organizer_email=ANN)), AFTERNOON)
    assert shown(made(), reassigned) == [
        (BEN, "withdrawn", "the meeting has another host"),
        (ANN, "scheduled", None),
    ]


def test_seats_and_several_hosts_make_one_question_and_dates_of_a_series_one_each() -> None:
    seats = [
        record_of(events.BookingMade(booking=booking(who=seat(one, number), seated=True)), MIDDAY + hours(number))
        for number, one in enumerate((SARAH, MIKE, GWEN))
    ]
    (asked,) = requests(*seats)
    assert asked.details == {"attendee": SARAH.email}
    assert len(requests(made(hosts=frozenset({BEN, ANN})))) == 1
    dates = [state_of(made(uid=f"date-{number}", series_uid="series")) for number in range(3)]
    assert len({key for one in dates for key in one.plan.outcome_requests}) == 3


def test_without_an_external_attendee_or_with_the_rule_off_nobody_is_asked() -> None:
    colleague = replace(SARAH, email=ANN)
    assert requests(made(who=(colleague,))) == []
    assert requests(made(), rules=Rules(ask_for_outcome=False)) == []
    assert [one.details for one in requests(made(who=(PAT,)))] == [{"attendee": ""}]
    (asked,) = requests(made(), rules=Rules(mails_off=frozenset({"outcome"})))
    assert not asked.is_mailed, "Slack still asks"


def test_what_arrives_late_asks_only_about_meetings_that_just_ended() -> None:
    backfilled = replace(made(), is_history=True)
    assert requests(backfilled) == []
    (asked,) = requests(backfilled, ended())
    assert asked.due_at == THURSDAY + AFTER
    late = replace(made(), received_at=THURSDAY + hours(30))
    assert requests(late) == []


def test_the_plan_is_the_same_in_every_order_of_arrival() -> None:
    events_of_it = (made(), rescheduled(), ended(start=FRIDAY, uid="xyz789"), ANSWERED)
    plans = {tuple(shown(*order)) for order in permutations(events_of_it)}
    assert len(plans) == 1
