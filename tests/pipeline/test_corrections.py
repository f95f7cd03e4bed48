"""PI11, PI3: newer news may correct a booking and nothing else; the journal says so, and of a repeat nothing."""

from typing import Any

import pytest
from msgspec.structs import replace

from showup.events import AttendeeSeen, News
from tests.pipeline.cast import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    MIDDAY,
    SARAH,
    THURSDAY,
    TOM,
    cancelled,
    deals,
    hours,
    made,
    news,
    requested,
    rescheduled,
    started,
    story,
    whats,
)


def changes(*given: News) -> list[dict[str, Any]]:
    return [line.change for line in story(*given).lines if line.what == "booking.corrected"]


def again(item: News) -> News:
    return news(item.event, MIDDAY, route="team")


@pytest.mark.parametrize(
    ("corrected", "change"),
    [
        ({"title": "A demo"}, {"title": ["", "A demo"]}),
        ({"end_time": THURSDAY + hours(1)}, {"end_time": ["2026-03-05T14:30:00Z", "2026-03-05T15:00:00Z"]}),
        ({"location": "Room 4"}, {"location": [None, "Room 4"]}),
        ({"meeting_url": "https://meet.test/a"}, {"meeting_url": [None, "https://meet.test/a"]}),
        ({"notes": "Bring numbers"}, {"notes": [None, "Bring numbers"]}),
        ({"organizer_name": "Ben"}, {"organizer_name": [None, "Ben"]}),
        (
            {"who": (SARAH, TOM)},
            {
                "attendees": [
                    ["Sarah Chen <sarah.chen@acme.com>"],
                    ["Sarah Chen <sarah.chen@acme.com>", "Tom Reed <tom@mail.acme.com>"],
                ]
            },
        ),
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_a_reader_sees_and_newer_news_corrects_makes_a_line(
    corrected: dict[str, Any], change: dict[str, Any]
) -> None:
    assert changes(made(), made(MIDDAY, **corrected)) == [change]
    assert changes(requested(), requested(MIDDAY, **corrected)) == [change]
    moved, told_again = rescheduled(MIDDAY), rescheduled(AFTERNOON, **{**corrected, **_on_friday(corrected)})
    assert [list(one) for one in changes(made(), moved, told_again)] == [list(change)]


def _on_friday(corrected: dict[str, Any]) -> dict[str, Any]:
    return {"end_time": FRIDAY + hours(1)} if "end_time" in corrected else {}


@pytest.mark.parametrize("first", [made(), requested()], ids=["made", "requested"])
def test_a_mere_repeat_makes_none(first: News) -> None:
    assert whats(story(first, again(first))) == whats(story(first))


def test_what_no_reader_sees_makes_none() -> None:
    assert changes(made(), made(MIDDAY, ical_sequence=4)) == []


def test_another_reason_for_a_cancellation_is_a_correction() -> None:
    told = story(made(), cancelled(MIDDAY, reason="ill"), cancelled(AFTERNOON, reason="on holiday"))
    assert [line.change for line in told.lines if line.what == "booking.corrected"] == [
        {"cancellation_reason": ["ill", "on holiday"]}
    ]


def test_a_time_that_moves_without_a_word_is_a_reschedule_and_no_correction() -> None:
    assert whats(story(made(), made(MIDDAY, start=FRIDAY))) == ["booking.made", "booking.rescheduled"]


def test_a_reschedule_that_waited_and_is_accepted_says_so() -> None:
    waiting = requested(MIDDAY, uid="xyz789", start=FRIDAY)
    assert whats(story(made(), waiting, rescheduled(AFTERNOON)))[-1] == "booking.accepted"


class TestAnotherHost:
    @pytest.mark.parametrize(
        "item",
        [
            made(MIDDAY, organizer_email=ANN),
            rescheduled(MIDDAY, uid="abc123", start=THURSDAY, organizer_email=ANN),
            started(organizer_email=ANN),
        ],
        ids=["repeated", "rescheduled to the same time", "started"],
    )
    def test_told_by_any_news_it_takes_the_deal_along(self, item: News) -> None:
        (deal,) = deals(story(made(), item)).deals
        assert deal.owner_email == ANN

    @pytest.mark.parametrize(
        "item",
        [rescheduled(organizer_email=ANN), made(MIDDAY, start=FRIDAY, organizer_email=ANN)],
        ids=["rescheduled", "without a word"],
    )
    def test_at_another_time_it_leaves_the_deal_untouched(self, item: News) -> None:
        (deal,) = deals(story(made(), item)).deals
        assert deal.owner_email == BEN


def test_a_name_that_changes_is_a_correction() -> None:
    married: AttendeeSeen = replace(SARAH, name="Sarah Chen-Reed")
    assert list(*changes(made(), made(MIDDAY, who=(married,)))) == ["attendees"]
