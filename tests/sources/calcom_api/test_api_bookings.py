"""Bookings through Cal.com's API v2 (IN8; seed 002, API client; reference: Cal.com 9.2)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomAway, CalcomRefuses
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiEventType, ApiHost, BookingsAsked, BookingsPage
from tests.sources.calcom_api.bookings import BOOKING, LAST, booked
from tests.sources.calcom_api.far import KEY, FarCalcom, ok, refusal

PAGES: dict[str, Any] = {"hasNextPage": False, "totalItems": 1}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def uids(page: BookingsPage) -> list[str | None]:
    return [one.uid for one in page.items]


async def test_successful_booking_fetch(calcom: Calcom, far: FarCalcom) -> None:
    """Seed 002: "Successful booking fetch"."""
    far.will_say(ok([BOOKING], pagination=LAST))

    page = await calcom.bookings(BookingsAsked())

    assert page == BookingsPage(
        items=(
            ApiBooking(
                id=123,
                uid="bookinguid1",
                status="accepted",
                start=at(4, 15),
                end=at(4, 15, 30),
                duration=30,
                title="Intro between Olivia and Jürgen",
                description="About prices",
                hosts=(
                    ApiHost(
                        id=7,
                        name="Olivia",
                        email="olivia@acme.example",
                        display_email="olivia@acme.example",
                        username="olivia",
                        time_zone="Europe/Berlin",
                    ),
                ),
                attendees=(
                    ApiAttendee(
                        name="Jürgen Groß",
                        email="j@client.example",
                        display_email="j@client.example",
                        time_zone="Europe/Zurich",
                        language="de",
                        absent=True,
                        phone_number="+41440000000",
                        seat_uid="seat-1",
                        booking_fields_responses={"notes": "hello"},
                    ),
                ),
                guests=("guest@client.example",),
                event_type=ApiEventType(id=50, slug="intro"),
                location="integrations:daily",
                meeting_url="https://meet.example/1",
                absent_host=False,
                cancellation_reason="ill",
                cancelled_by_email="j@client.example",
                rescheduling_reason="busy",
                rescheduled_by_email="j@client.example",
                rescheduled_from_uid="bookinguid0",
                rescheduled_to_uid="bookinguid2",
                recurring_booking_uid="series1",
                created_at=at(1, 8),
                updated_at=None,
                ics_uid="abc@Cal.com",
                metadata={"showup": "simulated"},
                booking_fields_responses={"company": "Groß AG"},
            ),
        )
    )
    [asked] = far.asked
    assert (asked.method, asked.path, asked.version) == ("GET", "/v2/bookings", "2026-05-01")
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_query_parameter_construction(calcom: Calcom, far: FarCalcom) -> None:
    """Seed 002: "Query parameter construction"."""
    far.will_say(ok([], pagination=LAST), ok([], pagination=LAST))
    berlin = datetime.fromisoformat("2026-03-02T10:00:00.5+01:00")
    await calcom.bookings(
        BookingsAsked(
            after_updated_at=berlin,
            before_updated_at=at(3),
            after_created_at=at(4),
            before_created_at=at(5),
            after_start=at(6),
            before_end=at(7),
            status="cancelled",
            cursor="abc==",
            limit=1000,
        )
    )
    await calcom.bookings(BookingsAsked())

    assert [one.query for one in far.asked] == [
        {
            "afterUpdatedAt": "2026-03-02T09:00:00.500Z",
            "beforeUpdatedAt": "2026-03-03T00:00:00.000Z",
            "afterCreatedAt": "2026-03-04T00:00:00.000Z",
            "beforeCreatedAt": "2026-03-05T00:00:00.000Z",
            "afterStart": "2026-03-06T00:00:00.000Z",
            "beforeEnd": "2026-03-07T00:00:00.000Z",
            "status": "cancelled",
            "cursor": "abc==",
            "limit": "100",
        },
        {"limit": "100"},
    ]


async def test_pages_are_followed_by_their_cursor(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(
        ok([booked("a")], pagination={"nextCursor": "c1", "hasMore": True}), ok([booked("b")], pagination=LAST)
    )
    first = await calcom.bookings(BookingsAsked(limit=1))
    second = await calcom.bookings(BookingsAsked(limit=1, cursor=first.next_cursor))
    assert (uids(first), first.next_cursor) == (["a"], "c1")
    assert (uids(second), second.next_cursor) == (["b"], None)


async def test_a_cursor_that_leads_nowhere_is_no_end(calcom: Calcom, far: FarCalcom) -> None:
    """Taken for the end, it would lose all bookings after it."""
    far.will_say(ok([BOOKING], pagination={"nextCursor": "c1", "hasMore": True}))
    with pytest.raises(CalcomAway, match="no cursor leads to them"):
        await calcom.bookings(BookingsAsked(cursor="c1"))


ODD = [
    pytest.param({"uid": None}, id="no uid"),
    pytest.param({"status": 5}, id="no status"),
    pytest.param({"start": "tomorrow"}, id="a start that is no time"),
    pytest.param({"start": None}, id="no start"),
    pytest.param({"updatedAt": 17}, id="an update at no time"),
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_booking_does_not_lose_its_page(calcom: Calcom, far: FarCalcom, odd: dict[str, Any]) -> None:
    far.will_say(ok([booked("a"), BOOKING | odd, None, booked("b")], pagination=LAST))
    page = await calcom.bookings(BookingsAsked())
    assert (uids(page), page.unreadable) == (["a", "b"], 2)


async def test_what_is_missing_or_odd_in_a_booking_is_none(calcom: Calcom, far: FarCalcom) -> None:
    bare = {"uid": "a", "status": "pending", "start": "2026-03-04T15:00:00Z", "hosts": "x", "attendees": [1, {}]}
    far.will_say(ok([bare | {"guests": 3, "eventType": None, "eventTypeId": 9, "duration": "30"}], pagination=LAST))
    [booking] = (await calcom.bookings(BookingsAsked())).items
    assert booking == ApiBooking(
        uid="a", status="pending", start=at(4, 15), attendees=(ApiAttendee(),), event_type=ApiEventType(id=9)
    )


NOT_TODAYS = [
    pytest.param(refusal(404), id="404"),
    pytest.param(refusal(400), id="400"),
    pytest.param(ok({"bookings": []}), id="the oldest shape"),
    pytest.param(ok([BOOKING], pagination=PAGES), id="the shape before"),
]


class TestOldInstance:
    """A self-hosted v2 that knows no cursor: take and skip, by the version before."""

    @pytest.mark.parametrize("first", NOT_TODAYS)
    async def test_it_is_found_out_once(self, calcom: Calcom, far: FarCalcom, first: Any) -> None:
        far.will_say(first, ok([BOOKING], pagination=PAGES), ok([BOOKING], pagination=PAGES))
        assert uids(await calcom.bookings(BookingsAsked())) == ["bookinguid1"]
        assert uids(await calcom.bookings(BookingsAsked())) == ["bookinguid1"]
        assert [one.version for one in far.asked] == ["2026-05-01", "2024-08-13", "2024-08-13"]

    async def test_the_cursor_is_ours(self, calcom: Calcom, far: FarCalcom) -> None:
        more = PAGES | {"hasNextPage": True}
        far.will_say(refusal(404), ok([booked("a"), booked("b")], pagination=more), ok([booked("c")], pagination=PAGES))
        first = await calcom.bookings(BookingsAsked(limit=2, after_updated_at=at(1)))
        second = await calcom.bookings(BookingsAsked(limit=2, after_updated_at=at(1), cursor=first.next_cursor))
        assert (uids(first), first.next_cursor) == (["a", "b"], "skip:2")
        assert (uids(second), second.next_cursor) == (["c"], None)
        asked = {"afterUpdatedAt": "2026-03-01T00:00:00.000Z", "take": "2", "sortCreated": "asc"}
        assert [one.query for one in far.asked[1:]] == [asked | {"skip": "0"}, asked | {"skip": "2"}]

    async def test_bookings_that_leave_the_list_move_no_others(self, calcom: Calcom, far: FarCalcom) -> None:
        """Who skips must not ask for an end by updatedAt: what is updated meanwhile would pull the rest forward."""
        days = {"a": "2026-03-03T00:00:00Z", "b": "2026-03-03T00:00:00.001Z", "c": None}
        far.will_say(refusal(404), ok([booked(uid, updatedAt=day) for uid, day in days.items()], pagination=PAGES))
        assert uids(await calcom.bookings(BookingsAsked(before_updated_at=at(3)))) == ["a"]
        assert "beforeUpdatedAt" not in far.asked[-1].query

    async def test_a_refusal_by_both_is_a_refusal(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(refusal(404), refusal(404, "Cannot GET /v2/bookings"))
        with pytest.raises(CalcomRefuses, match=r"Cannot GET /v2/bookings.*CALCOM_API_URL"):
            await calcom.bookings(BookingsAsked())


class TestOneBooking:
    async def test_by_its_uid(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok(booked("a/b")))
        [booking] = await calcom.booking("a/b")
        assert booking.uid == "a/b"
        assert (far.asked[0].path, far.asked[0].version) == ("/v2/bookings/a%2Fb", "2026-02-25")

    async def test_all_of_a_series(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok([booked("a"), booked("b")]))
        assert [one.uid for one in await calcom.booking("series1")] == ["a", "b"]

    async def test_none(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(refusal(404), refusal(404))
        assert await calcom.booking("gone") == ()

    async def test_none_of_an_instance_of_today_is_asked_for_once(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok(BOOKING), refusal(404))
        await calcom.booking("bookinguid1")
        assert await calcom.booking("gone") == ()

    @pytest.mark.parametrize("uid", ["", ".", ".."])
    async def test_what_is_no_uid_is_not_asked_for(self, calcom: Calcom, far: FarCalcom, uid: str) -> None:
        assert await calcom.booking(uid) == ()
        assert far.asked == []

    async def test_one_that_cant_be_read_does_not_pass_for_none(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok(booked("a", start="soon")), ok(booked("a", start="soon")))
        with pytest.raises(CalcomAway, match="a booking lacks"):
            await calcom.booking("a")

    async def test_a_key_that_is_refused_there_is_left_out(self, calcom: Calcom, far: FarCalcom) -> None:
        """Reference 9.2: some keys get 401 for a call that is public."""
        far.will_say(refusal(401), ok(BOOKING))
        assert [one.uid for one in await calcom.booking("bookinguid1")] == ["bookinguid1"]
        assert ["authorization" in one.headers for one in far.asked] == [True, False]

    async def test_refused_without_it_as_well_the_key_is_to_blame(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(refusal(401, "Invalid API Key"), refusal(401, "Unauthorized"))
        with pytest.raises(CalcomRefuses, match=r"Invalid API Key.*Make another API key") as refused:
            await calcom.booking("bookinguid1")
        assert refused.value.status == 401


class TestAbsence:
    async def test_it_is_told_of_each(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok(booked("a", absentHost=True)))
        [booking] = await calcom.mark_absent("a", host=True, attendees={"j@client.example": False})
        assert booking.absent_host is True
        [asked] = far.asked
        assert (asked.method, asked.path, asked.version) == ("POST", "/v2/bookings/a/mark-absent", "2026-02-25")
        assert asked.body == {"host": True, "attendees": [{"email": "j@client.example", "absent": False}]}

    async def test_of_nobody_else(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(ok(BOOKING), ok(BOOKING))
        await calcom.mark_absent("a", host=False)
        await calcom.mark_absent("a", attendees={"j@client.example": True})
        assert [list(one.body) for one in far.asked] == [["host"], ["attendees"]]

    async def test_an_old_instance_is_told_in_its_version(self, calcom: Calcom, far: FarCalcom) -> None:
        far.will_say(refusal(404), ok(BOOKING))
        await calcom.mark_absent("a", host=True)
        assert [one.version for one in far.asked] == ["2026-02-25", "2024-08-13"]
