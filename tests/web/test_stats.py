"""`/api/stats` and its rates (CA5)."""

import httpx2

from showup.campaigns.funnel import HELD_MEETINGS, SHOW_MEETINGS
from tests.web.sample_data import NOW


async def test_counts(reader: httpx2.AsyncClient) -> None:
    stats = (await reader.get("/api/stats")).json()
    assert stats == {
        "companies": 2,
        "people": 4,
        "bookings": {
            "total": 6,
            "upcoming": 1,
            "accepted": 5,
            "cancelled": 1,
            "pending": 0,
            "rejected": 0,
            "showed": 1,
            "no_show": 1,
            "host_absent": 1,
            "unreported": 1,
        },
        "deals": {
            "by_status": {"active": 2, "won": 0, "lost": 0, "cancelled": 1},
            "by_stage": {"booked": 1, "met": 1},
            "active_value": {"USD": 12000.5},
        },
        "follow_ups": {"sent": 0, "recovered": 0},
        "show_rate": 20.0,
        "show_rate_of": {
            "numerator": 1,
            "denominator": 5,
            "unit": "meetings",
            "divides": SHOW_MEETINGS,
            "enough_data": True,
            "wilson_95": [3.622411, 62.446537],
        },
        "held_rate": 50.0,
        "held_rate_of": {
            "numerator": 1,
            "denominator": 2,
            "unit": "meetings",
            "divides": HELD_MEETINGS,
            "enough_data": False,
            "wilson_95": [9.453121, 90.546879],
        },
        "as_of": NOW.isoformat().replace("+00:00", "Z"),
    }


async def test_the_times_choose_among_bookings(reader: httpx2.AsyncClient) -> None:
    stats = (await reader.get("/api/stats?from=2026-03-11&to=2026-03-12")).json()
    assert (stats["bookings"]["total"], stats["show_rate"], stats["people"]) == (1, 100.0, 4)


async def test_a_rate_of_nothing_is_null(reader: httpx2.AsyncClient) -> None:
    stats = (await reader.get("/api/stats?from=2030-01-01")).json()
    assert (stats["bookings"]["total"], stats["show_rate"], stats["held_rate"]) == (0, None, None)
