"""`/api/funnel`: from the mails of campaigns to the people who showed, and the deals that were won (CA5)."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field, field_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import RATES, STEPS, Outcomes
from showup.reads.funnel import MAX_READ_GROUPS, TooManyGroups
from showup.reads.funnel_answer import MAX_COMPARED, Comparison, FunnelRequest, describe_funnel
from showup.reads.funnel_filter import DIMENSIONS, Basis, Dimension, FunnelFilter, Source
from showup.reads.rows import Item
from showup.reads.simulated import SimulatedFilter
from showup.values.counted import counted
from showup.values.email_address import normalize_email
from showup.web.api.funnel_schemas import FUNNEL_EXAMPLE, FunnelResponse
from showup.web.api.schemas import ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.csv_response import MEDIA_TYPE, csv_response
from showup.web.http.problems import invalid_field
from showup.web.http.query_params import SIMULATED, ShortText, Timestamp, WorkspaceQuery, any_of

router = APIRouter(prefix="/api", tags=["funnel"], route_class=ApiRoute)

MAX_GROUPS: Final = 1_000


class FunnelQuery(WorkspaceQuery):
    """What the funnel counts, and by what it is grouped."""

    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of("Number of a campaign.")
    source: list[Source] = any_of("Source of the campaigns; `unknown`: people whom no campaign brought.")
    organizer: list[ShortText] = any_of("Email of a meeting's organizer. Mails and replies have none, and are null.")
    from_: Timestamp | None = Field(None, alias="from", description="Start of the period.")
    to: Timestamp | None = Field(None, description="End of the period, exclusive.")
    basis: Basis = Field(
        "activity",
        description="`activity`: each step counts by its own date. `cohort`: all steps, by the lead's first mail.",
    )
    group_by: list[Annotated[str, Field(max_length=100)]] = any_of(
        f"One or more of {', '.join(DIMENSIONS)}, also with commas: `campaign,step,sender`."
    )
    compare: Comparison | None = Field(
        None,
        description="`previous`: with the period before, of the same length."
        f" `groups`: the held rates of the first {MAX_COMPARED} groups.",
    )
    simulated: SimulatedFilter = Field("false", description=SIMULATED)
    limit: int = Field(200, ge=1, le=MAX_GROUPS, description="The most groups to return.")

    @field_validator("group_by")
    @classmethod
    def _split(cls, values: list[str]) -> list[str]:
        names = list(dict.fromkeys(name.strip() for value in values for name in value.split(",")))
        if unknown := [name for name in names if name not in DIMENSIONS]:
            raise ValueError(f"Send {', '.join(DIMENSIONS)}, and not {unknown[0]!r}")
        return names

    def request(self, permission: Permission) -> FunnelRequest:
        """Return the funnel to read. Refuses a comparison with the period before without a period."""
        if self.compare == "previous" and (self.from_ is None or self.to is None or self.to <= self.from_):
            raise invalid_field("compare", "query", "To compare with the period before, send `from`, and a later `to`.")
        dimensions: list[Dimension] = [name for name in DIMENSIONS if name in self.group_by]
        return FunnelRequest(
            wanted=FunnelFilter(
                workspace_id=permission.workspace_id,
                campaign_ids=self.campaign_id,
                sources=self.source,
                organizers=[normalize_email(email) for email in self.organizer],
                since=self.from_,
                until=self.to,
                basis=self.basis,
                simulated=self.simulated,
            ),
            dimensions=dimensions,
            compare=self.compare,
            limit=self.limit,
        )


@router.get("/funnel", name="get_funnel", response_model=FunnelResponse, responses=ok_response(FUNNEL_EXAMPLE))
async def get_funnel(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[FunnelQuery, Query()]
) -> Any:
    """Count mails, replies, bookings and shows of campaigns, and the deals that they brought.

    `sent` and `delivered` are mails; all other steps are people, each once in a group. Without simulated data.
    """
    return await _describe(tx, query.request(permission), state)


async def _describe(tx: AsyncConnection, request: FunnelRequest, state: AppState) -> Item:
    try:
        return await describe_funnel(tx, request, state.clock())
    except TooManyGroups:
        text = f"This gives more than {MAX_READ_GROUPS:,} groups. Filter by campaign_id, or send fewer names."
        raise invalid_field("group_by", "query", text) from None


_OUTCOMES: Final = tuple(Outcomes.__struct_fields__)
_HEADER: Final = (
    *("workspace", "campaign_id", "campaign", "step", "sender", "source", "organizer", *STEPS, *RATES, *_OUTCOMES),
    *("held_rate", "held_rate_of", "held_rate_low", "held_rate_high", "enough_data", "deals_won", "deals_value"),
    "notice",
)


@router.get(
    "/funnel.csv",
    name="get_funnel_csv",
    response_class=Response,
    responses=ok_response(",".join(_HEADER) + "\r\n", media_type=MEDIA_TYPE),
)
async def get_funnel_csv(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[FunnelQuery, Query()]
) -> Response:
    """Return the groups of the funnel as a file for spreadsheets, or the total if nothing is grouped."""
    return funnel_csv(await _describe(tx, query.request(permission), state))


def funnel_csv(funnel: Item) -> Response:
    """Return a described funnel as a file."""
    return csv_response(_HEADER, _rows(funnel), file_name="funnel.csv")


def _rows(funnel: Item) -> Iterator[list[object]]:
    notices = [health.message for health in (funnel["calcom"], funnel["emailbison"]) if health.message is not None]
    if funnel["group_by"] and funnel["omitted"]:
        groups = counted(funnel["omitted"], "more group is", "more groups are")
        notices.append(f"{groups} left out: send a filter, or a greater limit")
    if funnel["group_by"] and not funnel["items"] and notices:
        # A file without a group must say why, too.
        yield [*[None] * (len(_HEADER) - 1), "; ".join(notices)]
    for item in funnel["items"] if funnel["group_by"] else [funnel | {"group": {}}]:
        key, held, deals = item["group"], item["held_rate"], item["deals"]
        campaign = key.get("campaign") or {}
        low, high = held["wilson_95"] or (None, None)
        value = "; ".join(f"{currency} {amount}" for currency, amount in sorted(deals["value"].items()))
        yield [
            *(key.get("workspace"), campaign.get("id"), campaign.get("name")),
            *(key.get(name) for name in ("step", "sender", "source", "organizer")),
            *(item[name] for name in (*STEPS, *RATES)),
            *(item["split"][name] for name in _OUTCOMES),
            *(held["rate"], held["of"], low, high, held["enough_data"], deals["won"], value, "; ".join(notices)),
        ]
