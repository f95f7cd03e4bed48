"""CA8, AP4: the page Analysis: findings with their verdict, charts that say what they rest on, tables and files."""

import csv
import re
from collections.abc import Mapping
from datetime import date
from io import StringIO

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.reads.analysis.report import Report, build_report
from showup.web.dashboard.analysis_tables import SECTIONS, all_rows, table_of
from showup.web.dashboard.analysis_view import AnalysisView, Shown, build_analysis
from tests.web.dashboard.conftest import BrowserFactory
from tests.web.sample_data import id_of

FACTS = """
    INSERT INTO showup.booking_facts (booking_id, workspace_id, day, booked_day, ends_at, organizer, source, event_type,
                                      simulated, state, lead_days, lead_hours, attendee_hour, moves, confirmed, version,
                                      booked_at, seats, seats_showed, seats_missed)
    SELECT gen_random_uuid(), :workspace, date '2026-03-02' + n % 5, date '2026-02-23' + n % 14, '2026-03-06',
           :organizer, '=cmd', 'intro', false, CASE WHEN n % 3 = 0 THEN 'no_show' ELSE 'showed' END, n % 20, 50,
           8 + n % 10, n % 4, n % 2 = 0, 1, timestamptz '2026-02-23 12:00Z' + n % 14 * interval '1 day', 1,
           (n % 3 <> 0)::int, (n % 3 = 0)::int
    FROM generate_series(1, 60) n
"""

WEEKS = """
    INSERT INTO showup.fact_weeks (workspace_id, subject, week, version)
    SELECT workspace_id, 'meetings', date_trunc('week', day)::date, 1 FROM showup.booking_facts
    UNION SELECT workspace_id, 'cohorts', date_trunc('week', booked_day)::date, 1 FROM showup.booking_facts
    ON CONFLICT DO NOTHING
"""


async def add_facts(engine: AsyncEngine, organizer: str) -> None:
    """Adds facts of 60 meetings of ours: of bookings that don't exist, so without the checks of references."""
    async with engine.begin() as tx:
        await tx.execute(text("SET LOCAL session_replication_role = replica"))
        await tx.execute(text(FACTS), {"workspace": id_of("ours"), "organizer": organizer})
        await tx.execute(text(WEEKS))


def report_of(meetings: Mapping[str, int], **others: Mapping[str, int]) -> Report:
    cells = {"cohorts": {}, "stages": {}} | others
    return build_report(meetings=meetings, time_zones=["UTC"], today=date(2026, 3, 12), **cells)


def view_of(report: Report, shown: Shown = "missed") -> AnalysisView:
    return build_analysis(report, shown=shown, tables=(), stages=["booked", "met"], names={})


LATE = {"lead|0|showed": 95, "lead|0|no_show": 5, "lead|15+|showed": 60, "lead|15+|no_show": 40}


def test_highlights_say_the_same_of_no_shows_and_of_held_meetings() -> None:
    worst, best, costs = view_of(report_of(LATE)).highlights
    assert (worst.strong, worst.after) == (
        "booked 15 days ahead or more",
        ", 40\N{NARROW NO-BREAK SPACE}% were no-shows.",
    )
    assert (worst.detail, worst.tone) == ("40 of 100, really higher than the rest", "down")
    assert (best.detail, best.tone) == ("5 of 100, really lower than the rest", "up")
    assert "if that is the cause" in costs.detail
    held = view_of(report_of(LATE), "held").highlights[0]
    assert (held.detail, held.tone) == ("60 of 100, really lower than the rest", "down")


def test_what_could_be_chance_is_not_coloured() -> None:
    few = {"lead|0|showed": 5, "lead|0|no_show": 1, "lead|15+|showed": 3, "lead|15+|no_show": 2}
    view = view_of(report_of(few))
    assert {one.tone for one in view.highlights} == {""}
    assert view.highlights[0].detail == "2 of 5, could be chance"
    assert view.measures["lead_time"].note == "could be chance"
    assert not any(row.is_worst for row in view.measures["lead_time"].rows)


def test_few_cases_have_no_line() -> None:
    rows = (
        view_of(report_of({"lead|0|showed": 3, "lead|1|showed": 5, "lead|4-7|unreported": 9}))
        .measures["lead_time"]
        .rows
    )
    assert [(row.name, row.words, row.rate is None) for row in rows] == [
        ("same day", "0 of 3", True),
        ("1 day", "0 of 5", False),
    ]


def test_cells_of_the_heat_map_stand_by_day_and_hour_and_rest_on_enough() -> None:
    meetings = {"slot|1|9|showed": 9, "slot|1|9|no_show": 1, "slot|5|15|no_show": 5, "slot|3|12|showed": 4}
    heat = view_of(report_of(meetings)).heat
    assert heat is not None
    cells = {cell.words: cell for cell in heat.cells}
    monday, friday = cells["Mon 9:00, 1 of 10 missed"], cells["Fri 15:00, 5 of 5 missed"]
    assert (monday.step, monday.text, monday.x) == (0, "10", 40)
    assert (friday.step, friday.text, friday.x - monday.x, friday.y - monday.y) == (4, "100", 6 * 48, 4 * 42)
    few = cells["Wed 12:00, 0 of 4 missed"]
    assert (few.step, few.text) == (None, "0?")


def test_incomplete_weeks_are_hatched_and_counted() -> None:
    cohorts = {"cohort|2026-02-23|showed": 8, "cohort|2026-02-23|no_show": 2, "cohort|2026-03-09|upcoming": 3}
    view = view_of(report_of({}, cohorts=cohorts | {"cohort|2026-03-09|showed": 1}))
    assert view.cohorts is not None
    assert [bar.is_young for bar in view.cohorts.bars] == [False, True]
    old = view.cohorts.bars[0]
    assert old.height == pytest.approx(0.2 * 216)
    assert old.low is not None
    assert old.high is not None
    assert old.high < old.top < old.low, "the interval surrounds the end of the bar"
    assert view.cohorts_note == "not all have taken place: 3 of 4 are still ahead or unreported."


def test_stages_stand_in_the_order_of_the_rules() -> None:
    stages = {"stage|met|onward": 9, "stage|booked|onward": 9, "stage_time|met|240": 9, "stage_time|booked|48": 9}
    view = view_of(report_of({}, stages=stages))
    assert [(row.name, row.median, row.most) for row in view.stages] == [
        ("booked", "2 days", "2 days"),
        ("met", "10 days", "10 days"),
    ]
    assert view.stage_days == 30


def test_every_section_is_a_table_too() -> None:
    report = report_of(LATE | {"moves|0|showed": 155, "moves|0|no_show": 45})
    for section in SECTIONS:
        table = table_of(report, section)
        assert all(len(row) == len(table.header) for row in table.rows)
    assert ["lead_time", "15 days or more", 100, 40, 60, 60.0, 50.2, 69.1, 0, 0] in list(all_rows(report))


@pytest.mark.usefixtures("own_sample_database")
async def test_the_page_and_its_files_follow_the_address(
    browser_of: BrowserFactory, sample_engine: AsyncEngine
) -> None:
    hostile = "<script>alert(1)</script>@ours.example"
    await add_facts(sample_engine, hostile)
    member = browser_of("member")
    page = (await member.get("/analysis?period=all")).text
    assert "no-shows in 60 reported meetings" in re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))
    assert "<script>alert" not in page
    assert page.count('<rect class="heat-') == 10 + 6, "cells, and the legend"
    table = (await member.get("/analysis?period=all&table=lead_time&show=held")).text
    assert "as a chart" in table
    assert "15 days or more</td>" in table
    assert 'href="./analysis?period=all&amp;show=held#lead_time"' in table
    file = await member.get("/analysis.csv?period=all&section=source")
    assert list(csv.reader(StringIO(file.text)))[1][:4] == ["'=cmd", "60", "20", "40"]
    assert len((await member.get("/analysis.csv?period=all")).text.splitlines()) > 20
    other = (await browser_of("stranger").get("/analysis?period=all")).text
    assert "ours.example" not in other
    assert "Too few reported meetings" in other
    for wrong in ("table=moon", "show=all", "from=tomorrow", "section=moon"):
        assert (await member.get(f"/analysis.csv?{wrong}")).status_code == 404
