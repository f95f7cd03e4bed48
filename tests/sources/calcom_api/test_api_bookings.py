"""Bookings through Cal.com's API v2 (IN8; seed 002, API client; reference: Cal.com 9.2)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiEventType, ApiHost, BookingsPage, BookingsQuery
from showup.sources.calcom.client import CalcomClient
from tests.sources.calcom_api.bookings import BOOKING, LAST, api_booking
from tests.sources.calcom_api.scripted_calcom import KEY, ScriptedCalcom, error_response, success_response, version_of

PAGES: dict[str, Any] = {"hasNextPage": False, "totalItems": 1}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def uids(page: BookingsPage) -> list[str | None]:
    return [one.uid for one in page.items]


async def test_successful_booking_fetch(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    """Seed 002: "Successful booking fetch"."""
    fake_calcom.script(success_response([BOOKING], pagination=LAST))

    page = await calcom.bookings(BookingsQuery())

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
    [asked] = fake_calcom.requests
    assert (asked.method, asked.path, version_of(asked)) == ("GET", "/v2/bookings", "2026-05-01")
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_query_parameter_construction(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    """Seed 002: "Query parameter construction"."""
    fake_calcom.script(success_response([], pagination=LAST), success_response([], pagination=LAST))
    berlin = datetime.fromisoformat("2026-03-02T10:00:00.5+01:00")
    await calcom.bookings(
        BookingsQuery(
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
    await calcom.bookings(BookingsQuery())

    assert [one.query for one in fake_calcom.requests] == [
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


async def test_pages_are_followed_by_their_cursor(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(
        success_response([api_booking("a")], pagination={"nextCursor": "c1", "hasMore": True}),
        success_response([api_booking("b")], pagination=LAST),
    )
    first = await calcom.bookings(BookingsQuery(limit=1))
    second = await calcom.bookings(BookingsQuery(limit=1, cursor=first.next_cursor))
    assert (uids(first), first.next_cursor) == (["a"], "c1")
    assert (uids(second), second.next_cursor) == (["b"], None)


async def test_a_repeated_cursor_is_an_error(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    """If it counted as the end, all later bookings would be lost."""
    fake_calcom.script(success_response([BOOKING], pagination={"nextCursor": "c1", "hasMore": True}))
    with pytest.raises(CalcomUnavailable, match="no cursor for the next page"):
        await calcom.bookings(BookingsQuery(cursor="c1"))


ODD = [
    pytest.param({"uid": None}, id="no uid"),
    pytest.param({"status": 5}, id="no status"),
    pytest.param({"start": "tomorrow"}, id="an invalid start"),
    pytest.param({"start": None}, id="no start"),
    pytest.param({"updatedAt": 17}, id="an invalid update time"),
]


@pytest.mark.parametrize("odd", ODD)
async def test_an_unreadable_booking_leaves_its_page_intact(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, odd: dict[str, Any]
) -> None:
    fake_calcom.script(success_response([api_booking("a"), BOOKING | odd, None, api_booking("b")], pagination=LAST))
    page = await calcom.bookings(BookingsQuery())
    assert (uids(page), page.unreadable) == (["a", "b"], 2)


async def test_missing_or_invalid_fields_are_none(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    bare = {"uid": "a", "status": "pending", "start": "2026-03-04T15:00:00Z", "hosts": "x", "attendees": [1, {}]}
    fake_calcom.script(
        success_response([bare | {"guests": 3, "eventType": None, "eventTypeId": 9, "duration": "30"}], pagination=LAST)
    )
    [booking] = (await calcom.bookings(BookingsQuery())).items
    assert booking == ApiBooking(
        uid="a", status="pending", start=at(4, 15), attendees=(ApiAttendee(),), event_type=ApiEventType(id=9)
    )


NOT_TODAYS = [
    pytest.param(error_response(404), id="404"),
    pytest.param(error_response(400), id="400"),
    pytest.param(success_response({"bookings": []}), id="the oldest format"),
    pytest.param(success_response([BOOKING], pagination=PAGES), id="the previous format"),
]


class TestOldInstance:
    """A self-hosted v2 without cursors: the client uses `take` and `skip` with the previous version."""

    @pytest.mark.parametrize("first", NOT_TODAYS)
    async def test_the_version_is_negotiated_once(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom, first: Any
    ) -> None:
        fake_calcom.script(
            first, success_response([BOOKING], pagination=PAGES), success_response([BOOKING], pagination=PAGES)
        )
        assert uids(await calcom.bookings(BookingsQuery())) == ["bookinguid1"]
        assert uids(await calcom.bookings(BookingsQuery())) == ["bookinguid1"]
        assert [version_of(one) for one in fake_calcom.requests] == ["2026-05-01", "2024-08-13", "2024-08-13"]

    async def test_the_cursor_is_an_offset(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        more = PAGES | {"hasNextPage": True}
        fake_calcom.script(
            error_response(404),
            success_response([api_booking("a"), api_booking("b")], pagination=more),
            success_response([api_booking("c")], pagination=PAGES),
        )
        first = await calcom.bookings(BookingsQuery(limit=2, after_updated_at=at(1)))
        second = await calcom.bookings(BookingsQuery(limit=2, after_updated_at=at(1), cursor=first.next_cursor))
        assert (uids(first), first.next_cursor) == (["a", "b"], "skip:2")
        assert (uids(second), second.next_cursor) == (["c"], None)
        asked = {"afterUpdatedAt": "2026-03-01T00:00:00.000Z", "take": "2", "sortCreated": "asc"}
        assert [one.query for one in fake_calcom.requests[1:]] == [asked | {"skip": "0"}, asked | {"skip": "2"}]

    async def test_bookings_that_leave_the_list_move_no_others(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        """With `skip`, the query has no end by updatedAt: a booking updated meanwhile would move later ones forward."""
        days = {"a": "2026-03-03T00:00:00Z", "b": "2026-03-03T00:00:00.001Z", "c": None}
        fake_calcom.script(
            error_response(404),
            success_response([api_booking(uid, updatedAt=day) for uid, day in days.items()], pagination=PAGES),
        )
        assert uids(await calcom.bookings(BookingsQuery(before_updated_at=at(3)))) == ["a"]
        assert "beforeUpdatedAt" not in fake_calcom.requests[-1].query

    async def test_a_refusal_by_both_is_a_refusal(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(error_response(404), error_response(404, "Cannot GET /v2/bookings"))
        with pytest.raises(CalcomRefused, match=r"Cannot GET /v2/bookings.*CALCOM_API_URL"):
            await calcom.bookings(BookingsQuery())


class TestOneBooking:
    async def test_a_booking_is_found_by_uid(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(success_response(api_booking("a/b")))
        [booking] = await calcom.booking("a/b")
        assert booking.uid == "a/b"
        assert (fake_calcom.requests[0].path, version_of(fake_calcom.requests[0])) == (
            "/v2/bookings/a%2Fb",
            "2026-02-25",
        )

    async def test_a_series_uid_finds_all_its_bookings(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(success_response([api_booking("a"), api_booking("b")]))
        assert [one.uid for one in await calcom.booking("series1")] == ["a", "b"]

    async def test_an_unknown_uid_finds_nothing(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(error_response(404), error_response(404))
        assert await calcom.booking("gone") == ()

    async def test_a_current_instance_is_asked_once_for_an_unknown_uid(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        fake_calcom.script(success_response(BOOKING), error_response(404))
        await calcom.booking("bookinguid1")
        assert await calcom.booking("gone") == ()

    @pytest.mark.parametrize("uid", ["", ".", ".."])
    async def test_an_invalid_uid_is_not_requested(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom, uid: str
    ) -> None:
        assert await calcom.booking(uid) == ()
        assert fake_calcom.requests == []

    async def test_an_unreadable_booking_is_an_error(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(
            success_response(api_booking("a", start="soon")), success_response(api_booking("a", start="soon"))
        )
        with pytest.raises(CalcomUnavailable, match="a booking lacks"):
            await calcom.booking("a")

    async def test_a_refused_key_is_omitted(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        """Reference 9.2: some keys get 401 for a call that is public."""
        fake_calcom.script(error_response(401), success_response(BOOKING))
        assert [one.uid for one in await calcom.booking("bookinguid1")] == ["bookinguid1"]
        assert ["authorization" in one.headers for one in fake_calcom.requests] == [True, False]

    async def test_refused_without_the_key_too_is_a_key_error(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        fake_calcom.script(error_response(401, "Invalid API Key"), error_response(401, "Unauthorized"))
        with pytest.raises(CalcomRefused, match=r"Invalid API Key.*Create another API key") as refused:
            await calcom.booking("bookinguid1")
        assert refused.value.status == 401


class TestAbsence:
    async def test_each_absence_is_sent(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(success_response(api_booking("a", absentHost=True)))
        [booking] = await calcom.mark_absent("a", host=True, attendees={"j@client.example": False})
        assert booking.absent_host is True
        [asked] = fake_calcom.requests
        assert (asked.method, asked.path, version_of(asked)) == ("POST", "/v2/bookings/a/mark-absent", "2026-02-25")
        assert asked.json == {"host": True, "attendees": [{"email": "j@client.example", "absent": False}]}

    async def test_no_other_absence_is_sent(self, calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
        fake_calcom.script(success_response(BOOKING), success_response(BOOKING))
        await calcom.mark_absent("a", host=False)
        await calcom.mark_absent("a", attendees={"j@client.example": True})
        assert [list(one.json) for one in fake_calcom.requests] == [["host"], ["attendees"]]

    async def test_an_old_instance_is_called_in_its_version(
        self, calcom: CalcomClient, fake_calcom: ScriptedCalcom
    ) -> None:
        fake_calcom.script(error_response(404), success_response(BOOKING))
        await calcom.mark_absent("a", host=True)
        assert [version_of(one) for one in fake_calcom.requests] == ["2026-02-25", "2024-08-13"]
