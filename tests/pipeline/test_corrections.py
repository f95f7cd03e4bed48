"""PI11, PI3: a newer event may correct a booking; the audit log has an entry for a correction, not for a repeat."""

from typing import Any

import pytest
from msgspec.structs import replace

from showup.events.details import AttendeeDetails
from showup.events.envelope import EventRecord
from tests.pipeline.sample_events import (
    AFTERNOON,
    ANN,
    BEN,
    FRIDAY,
    MIDDAY,
    SARAH,
    THURSDAY,
    TOM,
    cancelled,
    deals_of,
    entry_codes,
    hours,
    made,
    record_of,
    requested,
    rescheduled,
    started,
    state_of,
)


def corrections_of(*records: EventRecord) -> list[dict[str, Any]]:
    return [entry.change for entry in state_of(*records).entries if entry.what == "booking.corrected"]


def copy_of(record: EventRecord) -> EventRecord:
    return record_of(record.event, MIDDAY, route="team")


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
def test_a_visible_correction_makes_an_entry(corrected: dict[str, Any], change: dict[str, Any]) -> None:
    assert corrections_of(made(), made(MIDDAY, **corrected)) == [change]
    assert corrections_of(requested(), requested(MIDDAY, **corrected)) == [change]
    moved, repeated = rescheduled(MIDDAY), rescheduled(AFTERNOON, **{**corrected, **_on_friday(corrected)})
    assert [list(one) for one in corrections_of(made(), moved, repeated)] == [list(change)]


def _on_friday(corrected: dict[str, Any]) -> dict[str, Any]:
    return {"end_time": FRIDAY + hours(1)} if "end_time" in corrected else {}


@pytest.mark.parametrize("first", [made(), requested()], ids=["made", "requested"])
def test_a_repeat_makes_no_entry(first: EventRecord) -> None:
    assert entry_codes(state_of(first, copy_of(first))) == entry_codes(state_of(first))


def test_an_invisible_change_makes_no_entry() -> None:
    assert corrections_of(made(), made(MIDDAY, ical_sequence=4)) == []


def test_another_reason_for_a_cancellation_is_a_correction() -> None:
    state = state_of(made(), cancelled(MIDDAY, reason="ill"), cancelled(AFTERNOON, reason="on holiday"))
    assert [entry.change for entry in state.entries if entry.what == "booking.corrected"] == [
        {"cancellation_reason": ["ill", "on holiday"]}
    ]


def test_an_unannounced_new_time_is_a_reschedule() -> None:
    assert entry_codes(state_of(made(), made(MIDDAY, start=FRIDAY))) == ["booking.made", "booking.rescheduled"]


def test_an_accepted_reschedule_request_makes_an_accepted_entry() -> None:
    waiting = requested(MIDDAY, uid="xyz789", start=FRIDAY)
    assert entry_codes(state_of(made(), waiting, rescheduled(AFTERNOON)))[-1] == "booking.accepted"


class TestAnotherHost:
    @pytest.mark.parametrize(
        "record",
        [
            made(MIDDAY, organizer_email=ANN),
            rescheduled(MIDDAY, uid="abc123", start=THURSDAY, organizer_email=ANN),
            started(organizer_email=ANN),
        ],
        ids=["repeated", "rescheduled to the same time", "started"],
    )
    def test_a_new_host_in_any_event_takes_over_the_deal(self, record: EventRecord) -> None:
        (deal,) = deals_of(state_of(made(), record)).deals
        assert deal.owner_email == ANN

    @pytest.mark.parametrize(
        "record",
        [rescheduled(organizer_email=ANN), made(MIDDAY, start=FRIDAY, organizer_email=ANN)],
        ids=["rescheduled", "without a reschedule event"],
    )
    def test_a_new_host_at_a_new_time_leaves_the_deal(self, record: EventRecord) -> None:
        (deal,) = deals_of(state_of(made(), record)).deals
        assert deal.owner_email == BEN


def test_a_name_that_changes_is_a_correction() -> None:
    married: AttendeeDetails = replace(SARAH, name="Sarah Chen-Reed")
    assert list(*corrections_of(made(), made(MIDDAY, who=(married,)))) == ["attendees"]
