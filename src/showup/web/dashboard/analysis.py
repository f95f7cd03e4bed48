"""`/analysis`: who does not come, and when (CA8; DESIGN, Analysis)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from showup.access.teammate import Session
from showup.access.teammates_store import list_teammates
from showup.database.engine import driver_connection
from showup.inbox.rules import in_force
from showup.reads.analysis.counts import AnalysisFilter
from showup.reads.analysis.report import Report, read_report
from showup.reads.counted_meetings import CountedMeeting
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import normalize_email
from showup.web.dashboard.analysis_tables import ALL_HEADER, SECTIONS, all_rows, table_of
from showup.web.dashboard.analysis_view import Shown, build_analysis
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.periods import PageDay, Params, Period, choice_chip, period_chip, period_of, with_params
from showup.web.dashboard.shell import counted_records, record_visit, render_shell, viewer_of
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import ReadTransaction, State, read_transaction
from showup.web.http.csv_response import csv_response
from showup.web.http.query_params import ShortText, StorableModel, any_of
from showup.web.http.sessions import SignedIn

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_MAX_CHOICES = 30
TableName = Literal[
    "weekday_hour", "lead_time", "reschedules", "cohorts", "stages", "reminders", "source", "confirmed", "organizer"
]


class AnalysisPageQuery(StorableModel):
    """The filters of the page, with the names of the API. `table`: the sections to show as tables."""

    period: str = "365d"
    from_: PageDay | None = Field(None, alias="from")
    to: PageDay | None = None
    organizer: ShortText | None = None
    source: ShortText | None = None
    event_type: ShortText | None = None
    show: Shown = "missed"
    table: list[TableName] = any_of()

    def params(self) -> Params:
        """Return the parameters that the address has."""
        stated = self.model_dump(by_alias=True, exclude_defaults=True)
        return {name: value if isinstance(value, list) else [str(value)] for name, value in stated.items()}

    def chosen(self, viewer: Viewer) -> Period:
        """Return the chosen period."""
        return period_of(viewer, self.period, self.from_, self.to)

    def filters(self, session: Session, viewer: Viewer) -> AnalysisFilter:
        """Return what to count. Days to come count too: cohorts are whole weeks, and a meeting ahead is in its hour."""
        period = self.chosen(viewer)
        return AnalysisFilter(
            since=period.since,
            until=period.until,
            organizer=[] if self.organizer is None else [normalize_email(self.organizer)],
            source=[] if self.source is None else [self.source.casefold()],
            event_type=[] if self.event_type is None else [self.event_type],
            simulated=counted_records(session),
        )


Wanted = Annotated[AnalysisPageQuery, Query()]


class SectionQuery(AnalysisPageQuery):
    """The same for a file; `section` is one of them, without it all sections of meetings."""

    section: TableName | None = None


@router.get("/analysis")
async def analysis_page(request: Request, session: SignedIn, state: State, wanted: Wanted) -> Response:
    """Show the analysis; for htmx, what changes of it while it is open."""
    if not is_part(request):
        await record_visit(session, state)
    viewer = viewer_of(session, state)
    params, period = wanted.params(), wanted.chosen(viewer)
    async with read_transaction(state, session.permission) as tx:
        report = await read_report(tx, session.permission, wanted.filters(session, viewer), viewer.now)
        names = {one.email: one.name for one in await list_teammates(tx, session.workspace.id)}
        rules = (await in_force(await driver_connection(tx), session.workspace.id)).newest
        context = {
            "analysis": build_analysis(
                report, shown=wanted.show, tables=wanted.table, stages=rules.stages, names=names
            ),
            "period": period,
            "params": params,
            "query": with_params(params),
            "list_query": partial(_list_query, wanted, period, counted_records(session)),
            "simulated": counted_records(session),
            "titles": SECTIONS,
            "links": {name: _table_query(params, name) for name in SECTIONS},
            "queries": {"missed": with_params(params, show=None), "held": with_params(params, show="held")},
            "chips": [
                period_chip(period, params),
                choice_chip("organizer", "Organizer", "person", params, names | _values(report, "organizer", names)),
                choice_chip("source", "Source", "globe", params, _values(report, "source", {})),
            ],
        }
        template = "parts/analysis.html" if is_part(request) else "analysis.html"
        return await render_shell(request, template, context, tx=tx, session=session, state=state)


@router.get("/analysis.csv")
async def analysis_file(
    session: SignedIn, tx: ReadTransaction, state: State, wanted: Annotated[SectionQuery, Query()]
) -> Response:
    """Return a section as a file for spreadsheets, or all sections of meetings."""
    viewer = viewer_of(session, state)
    report = await read_report(tx, session.permission, wanted.filters(session, viewer), viewer.now)
    if wanted.section is None:
        return csv_response(ALL_HEADER, all_rows(report), file_name="analysis.csv")
    table = table_of(report, wanted.section)
    return csv_response(table.header, table.rows, file_name=f"{wanted.section}.csv")


def _values(report: Report, section: Literal["organizer", "source"], names: Mapping[str, str]) -> dict[str, str]:
    """Return the values that meetings have, those of the most first."""
    found = [str(one.values[section]) for one in report.sections[section].groups[:_MAX_CHOICES]]
    return {value: names.get(value, value) for value in found if value}


def _list_query(
    wanted: AnalysisPageQuery,
    period: Period,
    simulated: SimulatedFilter,
    counted: CountedMeeting,
    organizer: str = "",
) -> str:
    """Return the query of `/bookings` with the meetings that a number counts."""
    filters = {
        "counted": counted,
        "organizer": organizer or wanted.organizer,
        "source": wanted.source,
        "event_type": wanted.event_type,
        "since": period.since,
        "until": period.until,
        "simulated": simulated,
    }
    return urlencode({name: value for name, value in filters.items() if value})


def _table_query(params: Params, section: str) -> str:
    """Return the query that shows a section as a table, or as a chart again."""
    tables = list(params.get("table", ()))
    tables = [one for one in tables if one != section] if section in tables else [*tables, section]
    return with_params({**params, "table": tables})
