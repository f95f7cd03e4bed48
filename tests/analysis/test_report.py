"""CA8: what the analysis makes of counts: rates with their intervals, comparisons, percentiles and sentences."""

from collections.abc import Mapping
from datetime import date, timedelta
from statistics import median_low
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.analysis.distribution import distribution_of
from showup.reads.analysis.answer import describe_report
from showup.reads.analysis.report import build_report

TODAY = date(2026, 3, 12)


def describe(meetings: Mapping[str, int], **others: Mapping[str, int]) -> dict[str, Any]:
    cells = {"cohorts": {}, "stages": {}} | others
    return describe_report(build_report(meetings=meetings, time_zones=["UTC"], today=TODAY, **cells))


def test_a_rate_of_fewer_than_five_is_suppressed_and_its_counts_stay() -> None:
    section = describe({"lead|0|showed": 3, "lead|0|no_show": 1, "lead|1|showed": 4, "lead|1|no_show": 1})["lead_time"]
    small, enough = section["items"]
    assert (small["showed"], small["no_show"], small["compared"]) == (3, 1, None)
    assert small["held_rate"] == {
        "count": 3,
        "of": 4,
        "rate": None,
        "enough_data": False,
        "wilson_95": None,
        "bounds": None,
    }
    assert (enough["held_rate"]["rate"], enough["compared"]) == (80.0, None)
    assert section["suppressed"] == 1


def test_assumed_and_unreported_meetings_widen_the_bounds_and_change_no_rate() -> None:
    cells = {"moves|0|showed": 6, "moves|0|no_show": 2, "moves|0|assumed": 1, "moves|0|unreported": 1}
    held = describe(cells)["totals"]["held_rate"]
    assert (held["rate"], held["of"], held["bounds"]) == (75.0, 8, (60.0, 80.0))


def test_a_difference_beyond_chance_differs_from_one_that_could_be_chance() -> None:
    cells = {"lead|0|showed": 95, "lead|0|no_show": 5, "lead|15+|showed": 60, "lead|15+|no_show": 40}
    same_day, later = describe(cells)["lead_time"]["items"]
    assert (same_day["compared"]["verdict"], later["compared"]["verdict"]) == ("higher", "lower")
    assert later["compared"]["difference"] == -35.0
    assert later["compared"]["others"]["rate"] == 95.0
    few = {"lead|0|showed": 5, "lead|0|no_show": 1, "lead|15+|showed": 3, "lead|15+|no_show": 2}
    assert [one["compared"]["verdict"] for one in describe(few)["lead_time"]["items"]] == ["could_be_chance"] * 2


def test_the_headlines_are_the_surest_groups_and_not_the_smallest() -> None:
    cells = {
        "lead|0|showed": 190,
        "lead|0|no_show": 10,
        "lead|15+|showed": 60,
        "lead|15+|no_show": 40,
        "source|unknown|showed": 247,
        "source|unknown|no_show": 48,
        "source|fair|showed": 3,
        "source|fair|no_show": 2,
    }
    worst, best, costs_most = describe(cells)["headlines"]
    assert (worst["section"], worst["group"]) == ("lead_time", {"days_ahead": "15+"})
    assert worst["sentence"] == (
        "Meetings booked 15 days ahead or more are missed most: 40 of 100 (40 %), really more than the others (5 %)."
    )
    assert (best["section"], best["group"]) == ("lead_time", {"days_ahead": "0"})
    assert "about 35 more" in costs_most["sentence"]


def test_without_data_each_section_says_so() -> None:
    answer = describe({})
    for name in ("lead_time", "weekday_hour", "organizer", "source", "reminders", "changes", "speed", "stages"):
        assert "Not enough data" in answer[name]["sentence"], name
    assert answer["headlines"] == []
    assert answer["totals"]["held_rate"]["rate"] is None


def test_meetings_without_a_known_time_zone_are_in_no_hour_and_on_a_weekday() -> None:
    answer = describe({"slot|1|9|showed": 3, "slot|1|-|showed": 2, "moves|0|showed": 5})
    assert [(one["group"], one["total"]) for one in answer["weekday"]["items"]] == [({"weekday": 1}, 5)]
    assert [(one["group"], one["total"]) for one in answer["weekday_hour"]["items"]] == [({"weekday": 1, "hour": 9}, 3)]
    assert answer["unknown_hour"] == 2


def test_names_with_the_separator_stay_apart() -> None:
    meetings = {"organizer|a|showed": 2, "organizer|a|b|no_show": 3, "organizer_lead|a|5": 2, "organizer_lead|a|b|7": 3}
    found = {one["group"]["organizer"]: one for one in describe(meetings)["organizer"]["items"]}
    assert {name: (one["total"], one["lead_days"]["count"]) for name, one in found.items()} == {
        "a": (2, 2),
        "a|b": (3, 3),
    }


def test_a_booking_week_is_complete_when_it_is_over_and_no_meeting_is_to_come() -> None:
    cells = {
        "cohort|2026-02-23|showed": 9,
        "cohort|2026-03-02|showed": 5,
        "cohort|2026-03-02|upcoming": 2,
        "cohort|2026-03-09|showed": 5,
    }
    cohorts = describe({}, cohorts=cells)["cohorts"]
    found = [(one["week"].isoformat(), one["complete"], one["waiting"]) for one in cohorts["items"]]
    assert found == [("2026-02-23", True, 0), ("2026-03-02", False, 2), ("2026-03-09", False, 0)]
    assert cohorts["sentence"].startswith("2 of 3 booking weeks are incomplete: 2 meetings are still to come.")


def test_changes_are_of_meetings_that_were_made() -> None:
    cells = {
        "moves|0|showed": 6,
        "moves|1|showed": 2,
        "moves|0|cancelled": 2,
        "moves|0|pending": 4,
        "moves|0|rejected": 3,
        "cancelled_before|1": 1,
        "cancelled_before|96": 1,
    }
    changes = describe(cells)["changes"]
    assert (changes["rescheduled"]["count"], changes["rescheduled"]["of"]) == (2, 10)
    assert (changes["cancelled"]["rate"], changes["cancelled_before"]["median_hours"]) == (20.0, None)
    counts = {one["before_start"]: one["count"] for one in changes["cancelled_before"]["items"] if one["count"]}
    assert counts == {"less than 2 hours": 1, "3 to 6 days": 1}


def test_stages_say_how_many_moved_on_and_how_long_they_stayed() -> None:
    cells = {
        "stage|booked|onward": 6,
        "stage|booked|won": 1,
        "stage|booked|lost": 3,
        "stage|booked|open": 5,
        "stage_time|booked|2": 5,
        "stage_time|booked|72": 5,
        "stage_time|booked|-": 5,
    }
    (stage,) = describe({}, stages=cells)["stages"]["items"]
    assert (stage["entered"], stage["moved_on"]["count"], stage["moved_on"]["of"]) == (15, 7, 10)
    assert stage["time"] == {"count": 10, "median_hours": 2, "p90_hours": 72}


@given(st.lists(st.integers(0, 50), min_size=5, max_size=60))
def test_percentiles_are_nearest_ranks(durations: list[int]) -> None:
    found = distribution_of({hours: durations.count(hours) for hours in set(durations)})
    assert (found.count, found.median_hours) == (len(durations), median_low(durations))
    assert found.p90_hours is not None
    within = sum(hours <= found.p90_hours for hours in durations)
    below = sum(hours < found.p90_hours for hours in durations)
    assert 10 * below < 9 * len(durations) <= 10 * within


@pytest.mark.parametrize("count", [0, 4])
def test_fewer_than_five_durations_have_no_percentile(count: int) -> None:
    found = distribution_of({3: count} if count else {})
    assert (found.count, found.median_hours, found.p90_hours) == (count, None, None)


def test_the_latest_booking_weeks_are_listed() -> None:
    weeks = [TODAY - timedelta(weeks=place) for place in range(110)]
    cohorts = describe({}, cohorts={f"cohort|{week}|showed": 1 for week in weeks})["cohorts"]
    assert (len(cohorts["items"]), cohorts["omitted"], cohorts["items"][-1]["week"]) == (104, 6, TODAY)
