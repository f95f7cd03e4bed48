"""`/funnel`: which campaign brings people who come (CA5, CA7; DESIGN, Funnel)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.access.teammates_store import list_teammates
from showup.reads.campaigns import CampaignFilter, list_campaigns
from showup.reads.funnel import MAX_READ_GROUPS, TooManyGroups
from showup.reads.funnel_answer import FunnelRequest, describe_funnel
from showup.reads.funnel_filter import UNKNOWN, FunnelFilter, Source
from showup.reads.keyset import PageRequest
from showup.reads.rows import Item
from showup.values.email_address import normalize_email
from showup.web.api.funnel import funnel_csv
from showup.web.dashboard.funnel_view import Rank, build_funnel
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.periods import (
    FilterChip,
    PageDay,
    Params,
    Period,
    choice_chip,
    period_chip,
    period_of,
    with_params,
)
from showup.web.dashboard.shell import counted_records, record_visit, shell_context, viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.words import Viewer
from showup.web.http.app_state import ReadTransaction, State, read_transaction
from showup.web.http.problems import Refusal
from showup.web.http.query_params import ShortText, StorableModel
from showup.web.http.sessions import SignedIn

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_SOURCES: Final[Mapping[str, str]] = {"emailbison": "EmailBison", "csv": "Imported files", UNKNOWN: "No campaign"}
_MAX_LISTED: Final = 50
_NO_MAILS: Final = dict.fromkeys(("sent", "delivered", "replied", "interested"))


class FunnelPageQuery(StorableModel):
    """The filters of the page, with the names of the API; an empty one does not filter."""

    period: str = "90d"
    from_: PageDay | None = Field(None, alias="from")
    to: PageDay | None = None
    campaign_id: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    organizer: ShortText | None = None
    source: Source | None = None
    rank: Rank = "sure"

    def params(self) -> Params:
        """Return the parameters that the address has."""
        stated = self.model_dump(by_alias=True, exclude_defaults=True)
        return {name: [str(value)] for name, value in stated.items()}

    def chosen(self, viewer: Viewer) -> Period:
        """Return the chosen period."""
        return period_of(viewer, self.period, self.from_, self.to)

    def request(self, session: Session, viewer: Viewer, *, limit: int = _MAX_LISTED) -> FunnelRequest:
        """Return the funnel to read."""
        since, until = self.chosen(viewer).starts(viewer)
        return FunnelRequest(
            wanted=FunnelFilter(
                workspace_id=session.workspace.id,
                campaign_ids=[] if self.campaign_id is None else [self.campaign_id],
                sources=[] if self.source is None else [self.source],
                organizers=[] if self.organizer is None else [normalize_email(self.organizer)],
                since=since,
                until=until,
                simulated=counted_records(session),
            ),
            dimensions=["campaign"],
            compare=None if since is None else "previous",
            limit=limit,
        )


Wanted = Annotated[FunnelPageQuery, Query()]


@router.get("/funnel")
async def funnel_page(request: Request, session: SignedIn, state: State, wanted: Wanted) -> Response:
    """Show the funnel; for htmx, what changes of it while it is open."""
    viewer = viewer_of(session, state)
    if not is_part(request):
        await record_visit(session, state)
    async with read_transaction(state, session.permission) as tx:
        context = await _context(tx, session, viewer, wanted)
        if is_part(request):
            return render_page(request, "parts/funnel.html", context)
        context["chips"] = await _chips(tx, session, viewer, wanted)
    return render_page(request, "funnel.html", context)


@router.get("/funnel.csv")
async def funnel_file(session: SignedIn, tx: ReadTransaction, state: State, wanted: Wanted) -> Response:
    """Return the campaigns of the page as a file for spreadsheets."""
    viewer = viewer_of(session, state)
    return funnel_csv(await _describe(tx, wanted.request(session, viewer, limit=1_000), viewer))


async def _describe(tx: AsyncConnection, request: FunnelRequest, viewer: Viewer) -> Item:
    try:
        return await describe_funnel(tx, request, viewer.now)
    except TooManyGroups:
        text = f"There are more than {MAX_READ_GROUPS:,} campaigns. Choose one: the address then has campaign_id."
        raise Refusal("invalid", text) from None


async def _context(tx: AsyncConnection, session: Session, viewer: Viewer, wanted: FunnelPageQuery) -> dict[str, Any]:
    period, params = wanted.chosen(viewer), wanted.params()
    funnel = await _describe(tx, wanted.request(session, viewer), viewer)
    if wanted.source == UNKNOWN:
        # No total has those whom no campaign brought; they are one group.
        funnel |= {**next(iter(funnel["items"]), {}), **_NO_MAILS, "previous": None}
    view = build_funnel(
        funnel,
        period,
        rank=wanted.rank,
        campaign_query=lambda campaign_id: with_params(params, campaign_id=campaign_id),
        list_params={name: params[name] for name in ("campaign_id", "organizer", "source") if name in params},
    )
    query = partial(with_params, params)
    return await shell_context(tx, session, viewer) | {
        "funnel": view,
        "period": period,
        "rank": wanted.rank,
        "calcom": funnel["calcom"],
        "emailbison": funnel["emailbison"],
        "query": query(),
        "queries": {"sure": query(rank=None), "counted": query(rank="counted")},
        "params": params,
        "no_campaign": None if wanted.source or wanted.campaign_id is not None else query(source=UNKNOWN),
        "is_filtered": bool(params),
    }


async def _chips(
    tx: AsyncConnection, session: Session, viewer: Viewer, wanted: FunnelPageQuery
) -> Sequence[FilterChip]:
    params = wanted.params()
    page = await list_campaigns(tx, session.permission, CampaignFilter(), PageRequest(sort="name", limit=_MAX_LISTED))
    campaigns = {str(one["id"]): one["name"] for one in page.items}
    teammates = {one.email: one.name for one in await list_teammates(tx, session.workspace.id)}
    return [
        period_chip(wanted.chosen(viewer), params),
        choice_chip("campaign_id", "Campaign", "target", params, campaigns),
        choice_chip("organizer", "Organizer", "person", params, teammates, is_text=True),
        choice_chip("source", "Source", "globe", params, _SOURCES),
    ]
