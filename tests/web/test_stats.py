"""`/api/stats` and its rates (CA5)."""

import httpx2
import pytest

from showup.reads.stats import HELD_RATE, SHOW_RATE, rate
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
        "show_rate_of": {"numerator": 1, "denominator": 5, "unit": "meetings", "divides": SHOW_RATE},
        "held_rate": 50.0,
        "held_rate_of": {"numerator": 1, "denominator": 2, "unit": "meetings", "divides": HELD_RATE},
        "as_of": NOW.isoformat().replace("+00:00", "Z"),
    }


async def test_the_times_choose_among_bookings(reader: httpx2.AsyncClient) -> None:
    stats = (await reader.get("/api/stats?from=2026-03-11&to=2026-03-12")).json()
    assert (stats["bookings"]["total"], stats["show_rate"], stats["people"]) == (1, 100.0, 4)


async def test_a_rate_of_nothing_is_null(reader: httpx2.AsyncClient) -> None:
    stats = (await reader.get("/api/stats?from=2030-01-01")).json()
    assert (stats["bookings"]["total"], stats["show_rate"], stats["held_rate"]) == (0, None, None)


@pytest.mark.parametrize(("part", "whole", "percent"), [(0, 0, None), (0, 3, 0.0), (1, 3, 33.33), (3, 3, 100.0)])
def test_rates_are_percent(part: int, whole: int, percent: float | None) -> None:
    assert rate(part, whole) == percent
