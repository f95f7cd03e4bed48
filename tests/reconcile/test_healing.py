"""Given what we were told, when Cal.com's API says this, then these bodies heal it (IN8); pure, without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace

from showup.events import News
from showup.inbox.reading import read
from showup.inbox.store import RawEvent
from showup.pipeline.rules import RuleBook
from showup.pipeline.story import tell
from showup.reconcile.healing import Healed, Known, heal
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


def news_of(body: bytes, received_at: datetime = AFTER) -> News | None:
    raw = RawEvent(
        id=uuid4(),
        account_id=ACCOUNT,
        origin="webhook",
        received_at=received_at,
        digest=sha256(body).digest(),
        body=body,
        attempts=0,
        replayed_at=None,
    )
    _, said = read(raw)
    return said if isinstance(said, News) else None


def webhook(trigger: str, at: datetime = BOOKED, **payload: Any) -> News:
    """What Cal.com sent and we heard."""
    fields = {
        "uid": "one",
        "bookingId": 501,
        "startTime": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "endTime": f"{START + HOUR:%Y-%m-%dT%H:%M:%SZ}",
        "organizer": {"name": "hana", "email": "hana@sellers.example"},
        "attendees": [{"name": "Ann", "email": "ann@acme.example", "timeZone": "UTC"}],
    }
    body = {"triggerEvent": trigger, "createdAt": f"{at:%Y-%m-%dT%H:%M:%S.500Z}", "payload": fields | payload}
    found = news_of(msgspec.json.encode(body))
    assert found is not None
    return found


def marked(absent: bool, at: datetime = AFTER) -> News:
    attendees = [{"email": "ann@acme.example", "noShow": absent}]
    return webhook("BOOKING_NO_SHOW_UPDATED", at, bookingUid="one", attendees=attendees)


CREATED = webhook("BOOKING_CREATED")
ENDED = webhook("MEETING_ENDED", START + HOUR)


def healed(told: Sequence[News], theirs: ApiBooking, *, by: datetime = AFTER, **known: Any) -> Healed:
    return heal(Known(news=tuple(told), **known), theirs, over_by=by, rules=RuleBook(), read=news_of)


def triggers(found: Healed) -> list[str]:
    return [msgspec.json.decode(one.body)["triggerEvent"] for one in found.heals]


def kinds(found: Healed) -> list[str]:
    return [one.kind for one in found.heals]


def test_what_both_say_needs_no_healing() -> None:
    assert healed([CREATED, ENDED], api()) == Healed(heals=[], drift=[], doubtful=False)


@pytest.mark.parametrize(
    ("told", "theirs", "expected"),
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
    ],
)
def test_each_loss_before_the_meeting_has_its_kind(told: list[News], theirs: ApiBooking, expected: list[str]) -> None:
    found = healed(told, theirs, by=BEFORE + HOUR)
    assert (kinds(found), found.drift) == (expected, [])


@pytest.mark.parametrize(
    ("told", "theirs", "expected"),
    [
        ([CREATED], api(), ["ended"]),
        ([CREATED], api(status="cancelled", updated_at=BEFORE), ["cancelled"]),
        ([CREATED], api(attendees=(replace(ANN, absent=True),)), ["ended", "absence"]),
        ([CREATED, ENDED], api(attendees=(replace(ANN, absent=True),)), ["absence"]),
        ([CREATED, ENDED, marked(absent=True)], api(attendees=(replace(ANN, absent=True),)), []),
        ([CREATED, ENDED, marked(absent=True)], api(), ["absence"]),
        ([CREATED, ENDED], api(absent_host=True, updated_at=AFTER), ["host_absence"]),
        ([CREATED], api(absent_host=True, updated_at=AFTER), ["ended"]),
    ],
)
def test_each_loss_after_the_meeting_has_its_kind(told: list[News], theirs: ApiBooking, expected: list[str]) -> None:
    found = healed(told, theirs, by=AFTER + HOUR)
    assert (kinds(found), found.drift) == (expected, [])


def attendance(told: Sequence[News], found: Healed) -> tuple[bool | None, bool]:
    news = [*told, *(one for each in found.heals if (one := news_of(each.body)) is not None)]
    booking = tell(UUID(int=1), news, RuleBook()).booking
    assert booking is not None
    return booking.attended, booking.host_absent


@pytest.mark.parametrize(
    ("told", "theirs", "expected"),
    [
        ([CREATED], api(), (True, False)),
        ([CREATED, ENDED], api(attendees=(replace(ANN, absent=True),)), (False, False)),
        ([CREATED, ENDED, marked(absent=True)], api(), (True, False)),
        ([CREATED, ENDED], api(absent_host=True, updated_at=AFTER), (None, True)),
    ],
    ids=["ended", "absent", "taken back", "host absent"],
)
def test_who_was_there_is_what_cal_com_says(
    told: list[News], theirs: ApiBooking, expected: tuple[bool | None, bool]
) -> None:
    assert attendance(told, healed(told, theirs, by=AFTER + HOUR)) == expected


def test_a_reschedule_names_what_it_replaces_with_the_time_that_it_had() -> None:
    found = healed([], api(uid="two", rescheduled_from_uid="one", start=START + DAY), by=BEFORE, before=(CREATED,))
    (one,) = found.heals
    body = msgspec.json.decode(one.body)
    assert (body["triggerEvent"], body["createdAt"]) == ("BOOKING_RESCHEDULED", "2026-11-02T09:00:00.000Z")
    assert body["payload"]["rescheduleUid"] == "one"
    assert body["payload"]["rescheduleStartTime"] == "2026-11-10T15:00:00.000Z"


def test_a_confirmed_wish_for_another_time_is_linked_by_a_request() -> None:
    """Its acceptance was heard, and says nothing of the booking that it took the place of (PI6)."""
    told = [webhook("BOOKING_CREATED", BOOKED + HOUR, uid="two", bookingId=502)]
    found = healed(told, api(id=502, uid="two", rescheduled_from_uid="one"), by=BEFORE, before=(CREATED,))
    assert (kinds(found), triggers(found)) == (["rescheduled"], ["BOOKING_REQUESTED"])


def test_the_source_time_is_when_it_was_made_and_when_it_changed() -> None:
    found = healed([], api(status="cancelled", updated_at=BEFORE), by=AFTER)
    assert [msgspec.json.decode(one.body)["createdAt"] for one in found.heals] == [
        "2026-11-02T09:00:00.000Z",
        "2026-11-09T15:00:00.000Z",
    ]


def test_what_is_told_too_early_to_be_heard_is_told_just_after_what_it_overrules() -> None:
    """Given a mark set after the booking's last change, when Cal.com has it no more, and says no time of that."""
    told = [CREATED, ENDED, marked(absent=True, at=AFTER)]
    (one,) = healed(told, api(), by=AFTER + HOUR).heals
    assert msgspec.json.decode(one.body)["createdAt"] == f"{AFTER:%Y-%m-%dT%H:%M:%S}.501Z"


def test_the_same_booking_makes_the_same_bytes() -> None:
    theirs = api(status="cancelled", updated_at=BEFORE, cancellation_reason="Off", booking_fields_responses={"a": [1]})
    assert healed([], theirs) == healed([], theirs)


@pytest.mark.parametrize(
    ("reason", "by", "asks"),
    [
        ("Please reschedule. A conflict came up", "HANA@sellers.example", True),
        ("Please reschedule. A conflict came up", "ann@acme.example", False),
        ("No longer needed", "hana@sellers.example", False),
    ],
)
def test_a_host_who_asks_for_another_time_is_known_by_the_reason(reason: str, by: str, asks: bool) -> None:
    theirs = api(status="cancelled", updated_at=BEFORE, cancellation_reason=reason, cancelled_by_email=by)
    (one,) = healed([CREATED], theirs, by=BEFORE).heals
    assert msgspec.json.decode(one.body)["payload"].get("requestReschedule", False) is asks


def test_a_difference_that_no_news_heals_is_drift() -> None:
    told = [CREATED, webhook("BOOKING_CANCELLED", BEFORE)]
    found = healed(told, api(updated_at=BEFORE + HOUR), by=AFTER)
    assert found.heals == []
    assert [(one.kind, one.ours, one.theirs) for one in found.drift] == [("accepted", "CANCELLED", "accepted")]


def test_what_may_be_on_its_way_is_left_and_said_to_be_doubtful() -> None:
    known = Known(news=(CREATED, ENDED))
    theirs = api(attendees=(replace(ANN, absent=True),))
    found = heal(known, theirs, over_by=AFTER, rules=RuleBook(), read=news_of, leaving=("absence",))
    assert found == Healed(heals=[], drift=[], doubtful=True)


def seat(name: str) -> ApiAttendee:
    return ApiAttendee(name=name, email=f"{name}@acme.example", seat_uid=f"seat-{name}", absent=False)


def told_seat(trigger: str, name: str, at: datetime) -> News:
    who = [{"name": name, "email": f"{name}@acme.example"}]
    return webhook(trigger, at, attendees=who, attendeeSeatId=f"seat-{name}", seatsPerTimeSlot=5)


def test_seats_are_taken_and_given_back_one_by_one_in_their_order() -> None:
    told = [told_seat("BOOKING_CREATED", name, BOOKED + HOUR) for name in ("bob", "eve")]
    theirs = api(attendees=(seat("ann"), seat("bob")), updated_at=BEFORE)
    found = healed(told, theirs, by=BEFORE)
    assert (kinds(found), found.drift) == (["seat_taken", "seat_given_back"], [])
    news = [*told, *(one for each in found.heals if (one := news_of(each.body)) is not None)]
    booking = tell(UUID(int=1), news, RuleBook()).booking
    assert booking is not None
    assert [one.email for one in booking.seats] == ["ann@acme.example", "bob@acme.example"]


def test_a_co_host_among_the_attendees_is_no_guest() -> None:
    theirs = api(
        attendees=(ANN, ApiAttendee(name="Otto", email="otto@sellers.example")),
        booking_fields_responses={"email": "ann@acme.example"},
    )
    (one,) = healed([], theirs, by=BEFORE).heals
    assert [each["email"] for each in msgspec.json.decode(one.body)["payload"]["attendees"]] == ["ann@acme.example"]
