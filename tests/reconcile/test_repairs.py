"""The repairs for a known history and a booking from Cal.com's API (IN8); pure, without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace

from showup.events.envelope import EventRecord
from showup.inbox.store import InboxEvent
from showup.inbox.translation import translate_event
from showup.pipeline.replay import replay
from showup.pipeline.rules import RuleBook, Rules
from showup.reconcile.repairs import KnownHistory, Repaired, repair
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiEventType, ApiHost

ACCOUNT = UUID(int=7)
BOOKED = datetime(2026, 11, 2, 9, tzinfo=UTC)
START = datetime(2026, 11, 10, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEFORE, AFTER = START - DAY, START + DAY
ANN = ApiAttendee(name="Ann", email="ann@acme.example", time_zone="UTC", absent=False)
HANA, OTTO = (
    ApiHost(id=number, name=name, email=f"{name}@sellers.example") for number, name in ((1, "hana"), (2, "otto"))
)
THEIRS = ApiBooking(
    id=501,
    uid="one",
    status="accepted",
    start=START,
    end=START + HOUR,
    title="Intro",
    hosts=(HANA,),
    attendees=(ANN,),
    event_type=ApiEventType(id=3, slug="intro"),
    created_at=BOOKED,
    absent_host=False,
)


def api(**changes: Any) -> ApiBooking:
    return replace(THEIRS, **changes)


def read_record(body: bytes, received_at: datetime = AFTER) -> EventRecord | None:
    inbox_event = InboxEvent(
        id=uuid4(),
        account_id=ACCOUNT,
        source="calcom",
        origin="webhook",
        received_at=received_at,
        digest=sha256(body).digest(),
        body=body,
        attempts=0,
        replayed_at=None,
    )
    _, translated = translate_event(inbox_event)
    return translated if isinstance(translated, EventRecord) else None


def webhook(trigger: str, at: datetime = BOOKED, **payload: Any) -> EventRecord:
    """Returns the event of a webhook that Showup received."""
    fields = {
        "uid": "one",
        "bookingId": 501,
        "startTime": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "endTime": f"{START + HOUR:%Y-%m-%dT%H:%M:%SZ}",
        "organizer": {"name": "hana", "email": "hana@sellers.example"},
        "attendees": [{"name": "Ann", "email": "ann@acme.example", "timeZone": "UTC"}],
    }
    body = {"triggerEvent": trigger, "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.500Z}", "payload": fields | payload}
    record = read_record(msgspec.json.encode(body))
    assert record is not None
    return record


def absence(absent: bool, at: datetime = AFTER) -> EventRecord:
    attendees = [{"email": "ann@acme.example", "noShow": absent}]
    return webhook("BOOKING_NO_SHOW_UPDATED", at, bookingUid="one", attendees=attendees)


CREATED = webhook("BOOKING_CREATED")
ENDED = webhook("MEETING_ENDED", START + HOUR)


IN_BERLIN = webhook("BOOKING_CREATED", location="Hauptstr. 1, Berlin")


def run_repair(records: Sequence[EventRecord], theirs: ApiBooking, *, by: datetime = AFTER, **others: Any) -> Repaired:
    return repair(
        KnownHistory(records=tuple(records), **others),
        theirs,
        ended_before=by,
        rules=RuleBook(),
        read_record=read_record,
    )


def triggers(repaired: Repaired) -> list[str]:
    return [msgspec.json.decode(one.body)["triggerEvent"] for one in repaired.repairs]


def kinds(repaired: Repaired) -> list[str]:
    return [one.kind for one in repaired.repairs]


def test_equal_bookings_need_no_repair() -> None:
    assert run_repair([CREATED, ENDED], api()) == Repaired(repairs=[], drift=[], doubtful=False)


@pytest.mark.parametrize(
    ("records", "theirs", "expected"),
    [
        ([], api(), ["created"]),
        ([], api(status="pending"), ["requested"]),
        ([], api(status="cancelled", updated_at=BEFORE), ["created", "cancelled"]),
        ([], api(status="rejected", updated_at=BEFORE), ["requested", "rejected"]),
        ([], api(status="cancelled", updated_at=BEFORE, rescheduled_to_uid="two"), ["created"]),
        ([CREATED], api(status="cancelled", updated_at=BEFORE), ["cancelled"]),
        ([CREATED], api(status="cancelled", updated_at=BEFORE, rescheduled_to_uid="two"), []),
        ([webhook("BOOKING_CANCELLED", BEFORE)], api(status="cancelled", updated_at=BEFORE), ["created"]),
        ([webhook("BOOKING_REQUESTED")], api(updated_at=BEFORE), ["accepted"]),
        ([webhook("BOOKING_REQUESTED")], api(status="rejected", updated_at=BEFORE), ["rejected"]),
        ([CREATED], api(start=START + HOUR, end=START + 2 * HOUR, updated_at=BEFORE), ["moved"]),
        ([CREATED], api(end=START + 2 * HOUR, updated_at=BEFORE), ["moved"]),
        ([CREATED], api(hosts=(OTTO,), updated_at=BEFORE), ["reassigned"]),
        ([CREATED], api(location="https://meet.example/x", updated_at=BEFORE), ["relocated"]),
        ([CREATED], api(location="+49 30 123456", updated_at=BEFORE), ["relocated"]),
        ([IN_BERLIN], api(location="Hauptstr. 5, Berlin", updated_at=BEFORE), ["relocated"]),
        ([IN_BERLIN], api(location="https://meet.example/x", updated_at=BEFORE), ["relocated"]),
        ([IN_BERLIN], api(location="Hauptstr. 1, Berlin", updated_at=BEFORE), []),
        ([IN_BERLIN], api(location="inPerson", updated_at=BEFORE), []),
        ([webhook("BOOKING_CREATED", location="+4930123456")], api(location="+49 30 123-456", updated_at=BEFORE), []),
    ],
)
def test_each_lost_webhook_before_the_meeting_is_repaired(
    records: list[EventRecord], theirs: ApiBooking, expected: list[str]
) -> None:
    repaired = run_repair(records, theirs, by=BEFORE + HOUR)
    assert (kinds(repaired), repaired.drift) == (expected, [])


@pytest.mark.parametrize(
    ("records", "theirs", "expected"),
    [
        ([CREATED], api(), ["ended"]),
        ([CREATED], api(status="cancelled", updated_at=BEFORE), ["cancelled"]),
        ([CREATED], api(attendees=(replace(ANN, absent=True),)), ["ended", "absence"]),
        ([CREATED, ENDED], api(attendees=(replace(ANN, absent=True),)), ["absence"]),
        ([CREATED, ENDED, absence(absent=True)], api(attendees=(replace(ANN, absent=True),)), []),
        ([CREATED, ENDED, absence(absent=True)], api(), ["absence"]),
        ([CREATED, ENDED], api(absent_host=True, updated_at=AFTER), ["host_absence"]),
        ([CREATED], api(absent_host=True, updated_at=AFTER), ["ended"]),
    ],
)
def test_each_lost_webhook_after_the_meeting_is_repaired(
    records: list[EventRecord], theirs: ApiBooking, expected: list[str]
) -> None:
    repaired = run_repair(records, theirs, by=AFTER + HOUR)
    assert (kinds(repaired), repaired.drift) == (expected, [])


def final_attendance(records: Sequence[EventRecord], repaired: Repaired) -> tuple[bool | None, bool]:
    history = [*records, *(one for each in repaired.repairs if (one := read_record(each.body)) is not None)]
    booking = replay(UUID(int=1), history, RuleBook()).booking
    assert booking is not None
    return booking.attended, booking.host_absent


@pytest.mark.parametrize(
    ("records", "theirs", "expected"),
    [
        ([CREATED], api(), (True, False)),
        ([CREATED, ENDED], api(attendees=(replace(ANN, absent=True),)), (False, False)),
        ([CREATED, ENDED, absence(absent=True)], api(), (True, False)),
        ([CREATED, ENDED], api(absent_host=True, updated_at=AFTER), (None, True)),
    ],
    ids=["ended", "absent", "mark removed", "host absent"],
)
def test_attendance_follows_cal_com(
    records: list[EventRecord], theirs: ApiBooking, expected: tuple[bool | None, bool]
) -> None:
    assert final_attendance(records, run_repair(records, theirs, by=AFTER + HOUR)) == expected


def test_a_reschedule_names_the_replaced_booking_and_its_time() -> None:
    repaired = run_repair(
        [], api(uid="two", rescheduled_from_uid="one", start=START + DAY), by=BEFORE, previous_records=(CREATED,)
    )
    (one,) = repaired.repairs
    body = msgspec.json.decode(one.body)
    assert (body["triggerEvent"], body["createdAt"]) == ("BOOKING_RESCHEDULED", "2026-11-02T09:00:00.000Z")
    assert body["payload"]["rescheduleUid"] == "one"
    assert body["payload"]["rescheduleStartTime"] == "2026-11-10T15:00:00.000Z"


def test_a_confirmed_reschedule_request_is_linked_by_a_request() -> None:
    """Showup received the acceptance, which does not name the replaced booking (PI6)."""
    records = [webhook("BOOKING_CREATED", BOOKED + HOUR, uid="two", bookingId=502)]
    repaired = run_repair(
        records, api(id=502, uid="two", rescheduled_from_uid="one"), by=BEFORE, previous_records=(CREATED,)
    )
    assert (kinds(repaired), triggers(repaired)) == (["rescheduled"], ["BOOKING_REQUESTED"])


def test_the_source_time_is_the_creation_or_the_change() -> None:
    repaired = run_repair([], api(status="cancelled", updated_at=BEFORE), by=AFTER)
    assert [msgspec.json.decode(one.body)["createdAt"] for one in repaired.repairs] == [
        "2026-11-02T09:00:00.000Z",
        "2026-11-09T15:00:00.000Z",
    ]


def test_a_repair_is_dated_just_after_the_event_it_overrides() -> None:
    """Cal.com has removed a mark that was set after the booking's last change, and gives no time for the removal."""
    records = [CREATED, ENDED, absence(absent=True, at=AFTER)]
    (one,) = run_repair(records, api(), by=AFTER + HOUR).repairs
    assert msgspec.json.decode(one.body)["createdAt"] == f"{AFTER:%Y-%m-%dT%H:%M:%S}.501Z"


def test_the_same_booking_makes_the_same_bytes() -> None:
    theirs = api(status="cancelled", updated_at=BEFORE, cancellation_reason="Off", booking_fields_responses={"a": [1]})
    assert run_repair([], theirs) == run_repair([], theirs)


@pytest.mark.parametrize(
    ("reason", "by", "asks"),
    [
        ("Please reschedule. A conflict came up", "HANA@sellers.example", True),
        ("Please reschedule. A conflict came up", "ann@acme.example", False),
        ("No longer needed", "hana@sellers.example", False),
    ],
)
def test_a_host_reschedule_request_is_recognized_by_its_reason(reason: str, by: str, asks: bool) -> None:
    theirs = api(status="cancelled", updated_at=BEFORE, cancellation_reason=reason, cancelled_by_email=by)
    (one,) = run_repair([CREATED], theirs, by=BEFORE).repairs
    assert msgspec.json.decode(one.body)["payload"].get("requestReschedule", False) is asks


def test_an_unrepairable_difference_is_drift() -> None:
    records = [CREATED, webhook("BOOKING_CANCELLED", BEFORE)]
    repaired = run_repair(records, api(updated_at=BEFORE + HOUR), by=AFTER)
    assert repaired.repairs == []
    assert [(one.kind, one.ours, one.theirs) for one in repaired.drift] == [("accepted", "CANCELLED", "accepted")]


def test_a_possibly_in_flight_difference_is_reported_as_doubtful() -> None:
    others = KnownHistory(records=(CREATED, ENDED))
    theirs = api(attendees=(replace(ANN, absent=True),))
    repaired = repair(
        others, theirs, ended_before=AFTER, rules=RuleBook(), read_record=read_record, skipped_kinds=("absence",)
    )
    assert repaired == Repaired(repairs=[], drift=[], doubtful=True)


def seat(name: str) -> ApiAttendee:
    return ApiAttendee(name=name, email=f"{name}@acme.example", seat_uid=f"seat-{name}", absent=False)


def seat_webhook(trigger: str, name: str, at: datetime) -> EventRecord:
    attendee = [{"name": name, "email": f"{name}@acme.example"}]
    return webhook(trigger, at, attendees=attendee, attendeeSeatId=f"seat-{name}", seatsPerTimeSlot=5)


def test_seats_are_booked_and_cancelled_one_by_one_in_order() -> None:
    created = [seat_webhook("BOOKING_CREATED", name, BOOKED + HOUR) for name in ("bob", "eve")]
    theirs = api(attendees=(seat("ann"), seat("bob")), updated_at=BEFORE)
    repaired = run_repair(created, theirs, by=BEFORE)
    assert (kinds(repaired), repaired.drift) == (["seat_taken", "seat_given_back"], [])
    records = [*created, *(one for each in repaired.repairs if (one := read_record(each.body)) is not None)]
    booking = replay(UUID(int=1), records, RuleBook()).booking
    assert booking is not None
    assert [one.email for one in booking.seats] == ["ann@acme.example", "bob@acme.example"]


def test_a_co_host_among_the_attendees_is_no_guest() -> None:
    theirs = api(
        attendees=(ANN, ApiAttendee(name="Otto", email="otto@sellers.example")),
        booking_fields_responses={"email": "ann@acme.example"},
    )
    (one,) = run_repair([], theirs, by=BEFORE).repairs
    record = read_record(one.body)
    assert record is not None
    assert set(replay(UUID(int=1), [record], RuleBook()).people) == {"ann@acme.example"}


COLLEAGUE = ApiAttendee(name="Sam", email="sam@sellers.example", time_zone="UTC", absent=False)


@pytest.mark.parametrize("booker", ["sam@sellers.example", "ann@acme.example", None])
def test_the_api_and_the_webhook_agree_on_our_own_side(booker: str | None) -> None:
    """F12: the pipeline's rules decide about a colleague of the host, whichever way the booking came."""
    theirs = api(
        attendees=(COLLEAGUE, ANN, ApiAttendee(name="Otto", email=OTTO.email)),
        hosts=(HANA, OTTO),
        booking_fields_responses={} if booker is None else {"email": booker},
    )
    by_webhook = webhook(
        "BOOKING_CREATED",
        attendees=[{"name": "Sam", "email": "sam@sellers.example"}, {"name": "Ann", "email": "ann@acme.example"}],
        team={"members": [{"name": "Otto", "email": OTTO.email}]},
    )
    (repaired,) = run_repair([], theirs, by=BEFORE).repairs
    by_api = read_record(repaired.body)
    assert by_api is not None
    for rules, people in (
        (Rules(), {"ann@acme.example"}),
        (Rules(hosts_domains_are_ours=False), {"ann@acme.example", "sam@sellers.example"}),
    ):
        states = [replay(UUID(int=1), [one], RuleBook(versions=(rules,))) for one in (by_webhook, by_api)]
        assert [set(state.people) for state in states] == [people, people]
        assert states[0].company_key == states[1].company_key
        assert [attendee.key for attendee in states[0].booking.attendees] == [  # type: ignore[union-attr]
            attendee.key
            for attendee in states[1].booking.attendees  # type: ignore[union-attr]
        ]
    assert run_repair([by_webhook], theirs, by=BEFORE).repairs == []
